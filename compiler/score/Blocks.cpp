//===- Blocks.cpp - Basic blocks of a kernel's instructions ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block begins at a branch's target and behind a branch.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/Blocks.h"
#include <map>
#include <set>

using namespace imbrex::score;

static void connect(std::vector<Block> &blocks, const std::vector<Instruction> &code) {
  std::map<size_t, unsigned> blockAt;
  for (unsigned b = 0; b < blocks.size(); ++b)
    blockAt[blocks[b].begin] = b;
  for (unsigned b = 0; b < blocks.size(); ++b) {
    const Instruction &last = code[blocks[b].end - 1];
    for (size_t target : last.targets)
      if (auto it = blockAt.find(target); it != blockAt.end())
        blocks[b].successors.push_back(it->second);
    if (!last.endsBlock() && b + 1 < blocks.size())
      blocks[b].successors.push_back(b + 1);
    for (unsigned next : blocks[b].successors)
      blocks[next].predecessors.push_back(b);
  }
}

std::vector<Block> imbrex::score::blocksOf(const MachineKernel &kernel) {
  const std::vector<Instruction> &code = kernel.instructions;
  std::set<size_t> leaders{0};
  for (size_t i = 0; i < code.size(); ++i) {
    leaders.insert(code[i].targets.begin(), code[i].targets.end());
    if (code[i].isBranch() || code[i].endsBlock())
      leaders.insert(i + 1);
  }
  leaders.erase(leaders.lower_bound(code.size()), leaders.end());
  std::vector<Block> blocks;
  for (auto it = leaders.begin(); it != leaders.end(); ++it)
    blocks.push_back({*it, std::next(it) == leaders.end() ? code.size() : *std::next(it), {}, {}});
  connect(blocks, code);
  return blocks;
}
