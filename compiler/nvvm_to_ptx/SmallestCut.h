//===- SmallestCut.h - The cheapest way to part a graph ------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Edges of the least capacity in all without which nothing leads from the source to the sink: as much as can flow from
// one to the other (Ford and Fulkerson 1956).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_NVVM_TO_PTX_SMALLESTCUT_H
#define IMBREX_COMPILER_NVVM_TO_PTX_SMALLESTCUT_H

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/SmallVector.h"

namespace imbrex {

class SmallestCut {
public:
  static constexpr unsigned kSource = 0, kSink = 1, kNever = 1u << 20;

  /// A new node.
  unsigned node();
  /// `capacity` is what cutting the edge costs; kNever: it is not cut.
  void edge(unsigned from, unsigned to, unsigned capacity);
  /// The nodes on the sink's side of a smallest cut, of the one nearest to the sink.
  llvm::BitVector sinkSide();

private:
  struct Edge {
    unsigned to, left; // edge 2i and 2i + 1 are each other's way back
  };
  bool push();

  llvm::SmallVector<Edge> edges;
  llvm::SmallVector<llvm::SmallVector<unsigned, 4>> out{{}, {}};
};

} // namespace imbrex

#endif // IMBREX_COMPILER_NVVM_TO_PTX_SMALLESTCUT_H
