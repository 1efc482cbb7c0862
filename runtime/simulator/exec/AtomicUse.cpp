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
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace imbrex::simulator {
namespace {

/// Symbol or register (the other is "" or -1), and offset.
using Address = std::tuple<std::string, int, int64_t>;

bool has(const ptx::Instruction &instruction, const char *word) {
  return std::ranges::find(instruction.modifiers, word) != instruction.modifiers.end();
}

/// What a body does to its registers.
struct Registers {
  std::set<int> read;
  std::map<int, int> writes;
  std::map<int, const ptx::Operand *> symbols; ///< Of `mov %r, name`.
  std::vector<std::pair<int, int>> moves;      ///< To and from.

  Registers(std::span<Instruction> code, const std::vector<ptx::Instruction> &source,
            std::span<const RegisterUse> uses) {
    for (size_t i = 0; i < source.size(); ++i) {
      for (const RegisterUse &use : uses.subspan(code[i].firstUse, code[i].useCount))
        if (use.isResult)
          ++writes[use.number];
        else
          read.insert(use.number);
      const std::vector<ptx::Operand> &operands = source[i].operands;
      if (source[i].opcode != "mov" || operands.size() != 2 || operands[0].kind != ptx::Operand::Register)
        continue;
      if (operands[1].kind == ptx::Operand::Symbol)
        symbols[operands[0].number] = &operands[1];
      else if (operands[1].kind == ptx::Operand::Register)
        moves.push_back({operands[0].number, operands[1].number});
    }
  }

  Address addressOf(const ptx::Instruction &instruction) const {
    auto place = std::ranges::find(instruction.operands, ptx::Operand::Address, &ptx::Operand::kind);
    if (place == instruction.operands.end())
      return {};
    if (!place->baseIsRegister)
      return {place->name, -1, place->offset};
    auto symbol = symbols.find(place->number);
    if (symbol == symbols.end() || writes.at(place->number) != 1)
      return {"", place->number, place->offset};
    return {symbol->second->name, -1, place->offset + symbol->second->offset};
  }
  /// Adds the registers that are moved to one of `wanted`, and to those.
  void addOrigins(std::set<int> &wanted) const {
    for (size_t before = 0; before != wanted.size();) {
      before = wanted.size();
      for (auto [to, from] : moves)
        if (wanted.count(to))
          wanted.insert(from);
    }
  }
};

} // namespace

void markAtomicUse(std::span<Instruction> code, const std::vector<ptx::Instruction> &source,
                   std::span<const RegisterUse> uses) {
  if (std::ranges::none_of(source, [](const ptx::Instruction &one) { return one.opcode == "atom"; }))
    return;
  Registers registers(code, source, uses);
  std::map<Address, std::set<int>> compared;
  for (const ptx::Instruction &one : source)
    if (one.opcode == "atom" && has(one, "cas") && one.operands[2].kind == ptx::Operand::Register)
      compared[registers.addressOf(one)].insert(one.operands[2].number);
  for (auto &[address, wanted] : compared)
    registers.addOrigins(wanted);
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i].opcode == "ld" && source[i].operands[0].kind == ptx::Operand::Register)
      if (auto guess = compared.find(registers.addressOf(source[i]));
          guess != compared.end() && guess->second.count(source[i].operands[0].number))
        code[i].flags |= kStrongAccess;
    if (source[i].opcode != "atom")
      continue;
    bool isRead = std::ranges::any_of(
        uses.subspan(code[i].firstUse, code[i].useCount),
        [&](const RegisterUse &use) { return use.isResult && registers.read.count(use.number) != 0; });
    if (!isRead)
      code[i].flags &= ~kReturnsValue;
  }
}

} // namespace imbrex::simulator
