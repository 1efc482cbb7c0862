//===- SmallestCut.cpp - The cheapest way to part a graph -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shortest paths first, each filled; what has flowed may flow back.
//
//===----------------------------------------------------------------------===//

#include "compiler/nvvm_to_ptx/SmallestCut.h"
#include <algorithm>

using namespace imbrex;

unsigned SmallestCut::node() {
  out.emplace_back();
  return out.size() - 1;
}

void SmallestCut::edge(unsigned from, unsigned to, unsigned capacity) {
  out[from].push_back(edges.size());
  edges.push_back({to, capacity});
  out[to].push_back(edges.size());
  edges.push_back({from, 0});
}

/// Fills one path.
bool SmallestCut::push() {
  llvm::SmallVector<unsigned> open{kSource}, through(out.size(), ~0u);
  llvm::BitVector seen(out.size());
  seen.set(kSource);
  for (size_t i = 0; i < open.size() && !seen[kSink]; ++i)
    for (unsigned edge : out[open[i]])
      if (unsigned to = edges[edge].to; edges[edge].left > 0 && !seen[to]) {
        seen.set(to);
        through[to] = edge;
        open.push_back(to);
      }
  if (!seen[kSink])
    return false;
  unsigned most = kNever;
  for (unsigned node = kSink; node != kSource; node = edges[through[node] ^ 1].to)
    most = std::min(most, edges[through[node]].left);
  for (unsigned node = kSink; node != kSource; node = edges[through[node] ^ 1].to) {
    edges[through[node]].left -= most;
    edges[through[node] ^ 1].left += most;
  }
  return true;
}

llvm::BitVector SmallestCut::sinkSide() {
  while (push())
    ;
  llvm::BitVector side(out.size());
  llvm::SmallVector<unsigned> open{kSink};
  side.set(kSink);
  while (!open.empty())
    for (unsigned edge : out[open.pop_back_val()])
      if (unsigned from = edges[edge].to; edges[edge ^ 1].left > 0 && !side[from]) {
        side.set(from);
        open.push_back(from);
      }
  return side;
}
