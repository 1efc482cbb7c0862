//===- Pressure.cpp - Registers that are live at once ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Backward liveness over basic blocks, then a walk up each block that keeps the largest sum; chains of products.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/Pressure.h"
#include "compiler/score/Blocks.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace imbrex::score;
using llvm::StringRef;

/// 32-bit registers that a PTX register of this name takes; 0 for predicates and what is none.
static unsigned weightOf(StringRef name) {
  StringRef kind = name.take_while(llvm::isAlpha);
  if (kind == "rd" || kind == "fd")
    return 2;
  return kind == "r" || kind == "f" || kind == "rs" || kind == "h" || kind == "hh" ? 1 : 0;
}

/// Whether the first operand of an instruction of this opcode is written.
static bool writesFirst(const Instruction &instruction) {
  static constexpr StringRef kNone[] = {
      "st",        "red",  "bar", "barrier", "cp",       "bra",      "ret",       "exit",           "membar",
      "fence",     "trap", "brx", "discard", "prefetch", "stmatrix", "nanosleep", "griddepcontrol", "wgmma",
      "setmaxnreg"};
  return !llvm::is_contained(kNone, instruction.base());
}

namespace {

/// Registers by number, and what each instruction reads and writes.
class Operands {
public:
  explicit Operands(const MachineKernel &kernel) {
    for (const Instruction &instruction : kernel.instructions) {
      reads.emplace_back(), writes.emplace_back();
      if (!instruction.predicate.empty())
        scan(instruction.predicate, reads.back());
      StringRef text = instruction.operands;
      size_t split = writesFirst(instruction) ? endOfFirst(text) : 0;
      scan(text.take_front(split), writes.back());
      scan(text.drop_front(split), reads.back());
      if (!instruction.predicate.empty()) // the old value may live on
        llvm::append_range(reads.back(), writes.back());
    }
  }

  std::vector<llvm::SmallVector<unsigned, 4>> reads, writes; ///< by instruction
  std::vector<unsigned> weights;                             ///< by register

private:
  /// Up to the first comma outside brackets.
  static size_t endOfFirst(StringRef text) {
    int depth = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      depth += text[i] == '{' || text[i] == '[' ? 1 : text[i] == '}' || text[i] == ']' ? -1 : 0;
      if (text[i] == ',' && depth == 0)
        return i;
    }
    return text.size();
  }

  void scan(StringRef text, llvm::SmallVector<unsigned, 4> &list) {
    for (size_t at = text.find('%'); at != StringRef::npos; at = text.find('%', at + 1)) {
      StringRef name = text.drop_front(at + 1).take_while([](char c) { return llvm::isAlnum(c); });
      unsigned weight = weightOf(name);
      if (weight == 0 || !llvm::isDigit(name.back()))
        continue;
      auto [it, isNew] = numbers.try_emplace(name, weights.size());
      if (isNew)
        weights.push_back(weight);
      list.push_back(it->second);
    }
  }

  llvm::StringMap<unsigned> numbers;
};

} // namespace

/// Registers that are live before a block, from those live behind it.
/// `counts`: where those behind each instruction go, if given.
static llvm::BitVector liveBefore(const Block &block, llvm::BitVector live, const Operands &operands,
                                  unsigned *most = nullptr, std::vector<unsigned> *counts = nullptr) {
  unsigned sum = 0;
  for (unsigned number : live.set_bits())
    sum += operands.weights[number];
  auto change = [&](unsigned number, bool isLive) {
    if (live.test(number) == isLive)
      return;
    isLive ? live.set(number) : live.reset(number);
    sum += isLive ? operands.weights[number] : -operands.weights[number];
  };
  for (size_t i = block.end; i-- > block.begin;) {
    if (most)
      *most = std::max(*most, sum);
    if (counts)
      (*counts)[i] = sum;
    for (unsigned number : operands.writes[i])
      change(number, false);
    for (unsigned number : operands.reads[i])
      change(number, true);
  }
  if (most)
    *most = std::max(*most, sum);
  return live;
}

namespace {

/// Blocks, and the registers live before each.
struct Liveness {
  explicit Liveness(const MachineKernel &kernel) : operands(kernel), blocks(blocksOf(kernel)) {
    before.assign(blocks.size(), llvm::BitVector(operands.weights.size()));
    for (bool changed = true; std::exchange(changed, false);)
      for (size_t b = blocks.size(); b-- > 0;) {
        llvm::BitVector live = liveBefore(blocks[b], behind(blocks[b]), operands);
        changed |= live != before[b];
        before[b] = std::move(live);
      }
  }
  llvm::BitVector behind(const Block &block) const {
    llvm::BitVector live(operands.weights.size());
    for (unsigned next : block.successors)
      live |= before[next];
    return live;
  }

  Operands operands;
  const std::vector<Block> blocks;
  std::vector<llvm::BitVector> before;
};

} // namespace

unsigned imbrex::score::registerPressure(const MachineKernel &kernel) {
  if (kernel.instructions.empty())
    return 0;
  Liveness liveness(kernel);
  unsigned most = 0;
  for (const Block &block : liveness.blocks)
    liveBefore(block, liveness.behind(block), liveness.operands, &most);
  return most;
}

std::vector<unsigned> imbrex::score::liveRegisters(const MachineKernel &kernel) {
  std::vector<unsigned> counts(kernel.instructions.size());
  if (kernel.instructions.empty())
    return counts;
  Liveness liveness(kernel);
  for (const Block &block : liveness.blocks)
    liveBefore(block, liveness.behind(block), liveness.operands, nullptr, &counts);
  return counts;
}

/// "%f1, %f2, %f3, %f4" of the first and of the last group in braces of a product's operands.
static std::pair<StringRef, StringRef> firstAndLastGroup(StringRef operands) {
  StringRef first = operands.split('{').second.split('}').first;
  StringRef last = operands.rsplit('{').second.split('}').first;
  return {first.trim(), last.trim()};
}

unsigned imbrex::score::accumulatorRegisters(const MachineKernel &kernel, const Loop &loop) {
  llvm::StringSet<> sums; // what a product of this pass has given
  unsigned registers = 0;
  for (size_t i : loop.hot) {
    if (kernel.instructions[i].base() != "mma")
      continue;
    auto [result, addend] = firstAndLastGroup(kernel.instructions[i].operands);
    if (!sums.contains(addend)) // the first of a chain
      registers += unsigned(result.count(',')) + 1;
    sums.insert(result);
  }
  return registers;
}
