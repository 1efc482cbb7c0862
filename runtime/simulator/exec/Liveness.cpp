//===- Liveness.cpp - Registers read before they are written --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Live variables of basic blocks, backwards until nothing changes; the answer is what is live at the beginning.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Liveness.h"

namespace imbrex::simulator {
namespace {

using Set = std::vector<uint64_t>;

bool has(const Set &set, int number) { return set[static_cast<size_t>(number) / 64] >> (number % 64) & 1; }
void add(Set &set, int number) { set[static_cast<size_t>(number) / 64] |= uint64_t(1) << (number % 64); }

struct Block {
  size_t first = 0, last = 0;     ///< Instructions [first, last).
  Set read, written, live;        ///< Read before written here; surely written here; live at the beginning.
  std::vector<size_t> successors; ///< Blocks; none after an end.
};

std::vector<size_t> blockStarts(const std::vector<ptx::Flow> &flow) {
  std::vector<bool> leads(flow.size() + 1, false);
  leads[0] = true;
  for (size_t i = 0; i < flow.size(); ++i) {
    for (uint32_t target : flow[i].targets)
      leads[target] = true;
    if (!flow[i].targets.empty() || !flow[i].fallsThrough)
      leads[i + 1] = true;
  }
  std::vector<size_t> starts;
  for (size_t i = 0; i < flow.size(); ++i)
    if (leads[i])
      starts.push_back(i);
  return starts;
}

void scan(Block &block, std::span<const Instruction> code, std::span<const int> guards,
          std::span<const RegisterUse> uses) {
  for (size_t i = block.first; i < block.last; ++i) {
    std::span<const RegisterUse> here = uses.subspan(code[i].firstUse, code[i].useCount);
    if (guards[i] >= 0 && !has(block.written, guards[i]))
      add(block.read, guards[i]);
    for (const RegisterUse &use : here)
      if (!use.isResult && use.number >= 0 && !has(block.written, use.number))
        add(block.read, use.number);
    for (const RegisterUse &use : here)
      if (use.isResult && use.number >= 0 && guards[i] < 0)
        add(block.written, use.number);
  }
}

std::vector<Block> makeBlocks(std::span<const Instruction> code, const std::vector<ptx::Flow> &flow,
                              std::span<const int> guards, std::span<const RegisterUse> uses, size_t words) {
  std::vector<size_t> starts = blockStarts(flow), blockOf(flow.size() + 1, 0);
  std::vector<Block> blocks(starts.size());
  for (size_t b = 0; b < blocks.size(); ++b) {
    blocks[b].first = starts[b];
    blocks[b].last = b + 1 < starts.size() ? starts[b + 1] : flow.size();
    for (size_t i = blocks[b].first; i < blocks[b].last; ++i)
      blockOf[i] = b;
    blocks[b].read = blocks[b].written = Set(words);
    scan(blocks[b], code, guards, uses);
    blocks[b].live = blocks[b].read;
  }
  for (Block &block : blocks) {
    const ptx::Flow &end = flow[block.last - 1];
    for (uint32_t target : end.targets)
      if (target < flow.size())
        block.successors.push_back(blockOf[target]);
    if (end.fallsThrough && block.last < flow.size())
      block.successors.push_back(blockOf[block.last]);
  }
  return blocks;
}

} // namespace

std::vector<int> readBeforeWritten(std::span<const Instruction> code, const std::vector<ptx::Flow> &flow,
                                   std::span<const int> guards, std::span<const RegisterUse> uses, size_t registers) {
  size_t words = registers / 64 + 1;
  std::vector<Block> blocks = makeBlocks(code, flow, guards, uses, words);
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t b = blocks.size(); b-- > 0;)
      for (size_t successor : blocks[b].successors)
        for (size_t w = 0; w < words; ++w) {
          uint64_t more = blocks[successor].live[w] & ~blocks[b].written[w] & ~blocks[b].live[w];
          blocks[b].live[w] |= more;
          changed |= more != 0;
        }
  }
  std::vector<int> result;
  for (int number = 0; number < static_cast<int>(registers); ++number)
    if (!blocks.empty() && has(blocks[0].live, number))
      result.push_back(number);
  return result;
}

} // namespace imbrex::simulator
