//===- AtomicUse.cpp - What a body makes of its atomic operations ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two walks over a body that has atomic operations. See the header for the rules.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/AtomicUse.h"

#include "runtime/simulator/exec/Access.h"

#include <algorithm>
#include <set>

namespace imbrex::simulator {
namespace {

/// Register and offset of an address.
using Address = std::pair<int, uint64_t>;

bool has(const ptx::Instruction &instruction, const char *word) {
  return std::ranges::find(instruction.modifiers, word) != instruction.modifiers.end();
}

/// The one of a load or an atomic operation; no register: -1.
Address addressOf(const Instruction &instruction, std::span<const RegisterUse> uses) {
  for (const RegisterUse &use : uses.subspan(instruction.firstUse, instruction.useCount))
    if (use.isAddress)
      return {use.number, instruction.imm};
  return {-1, 0};
}

} // namespace

void markAtomicUse(std::span<Instruction> code, const std::vector<ptx::Instruction> &source,
                   std::span<const RegisterUse> uses) {
  if (std::ranges::none_of(source, [](const ptx::Instruction &one) { return one.opcode == "atom"; }))
    return;
  std::set<int> read;
  std::set<Address> exchanged;
  for (size_t i = 0; i < source.size(); ++i) {
    for (const RegisterUse &use : uses.subspan(code[i].firstUse, code[i].useCount))
      if (!use.isResult)
        read.insert(use.number);
    if (source[i].opcode == "atom" && has(source[i], "cas"))
      exchanged.insert(addressOf(code[i], uses));
  }
  exchanged.erase(Address{-1, 0});
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i].opcode == "ld" && code[i].count == 1 && exchanged.count(addressOf(code[i], uses)))
      code[i].flags |= kStrongAccess;
    if (source[i].opcode != "atom")
      continue;
    bool isRead = std::ranges::any_of(
        uses.subspan(code[i].firstUse, code[i].useCount),
        [&](const RegisterUse &use) { return use.isResult && read.count(use.number) != 0; });
    if (!isRead)
      code[i].flags &= ~kReturnsValue;
  }
}

} // namespace imbrex::simulator
