//===- Instruction.h - One decoded instruction ------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the interpreter's loop sees: a handler, operands as byte offsets into a warp's register file,
// and a guard. Immediates and special registers are register slots too, so a handler has one way to
// read an operand. Decoded once when a module is loaded; immutable afterwards.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_INSTRUCTION_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_INSTRUCTION_H

#include <cstdint>

namespace imbrex::simulator {

class Warp;
struct Instruction;

/// What the loop does after a handler.
enum class Step : uint32_t {
  Next,   ///< Go on at the warp's pc.
  Switch, ///< The running fragment parked or ended: pick another.
  Fault,  ///< Cta::fault is filled.
};

/// Executes the instruction for the set bits of `lanes` (never 0). The warp's pc is already at the
/// next instruction.
using Handler = Step (*)(Warp &warp, const Instruction &instruction, uint32_t lanes);

/// What becomes of undefined bits (exec/Definedness.h) that an instruction's sources hold.
enum class Rule : uint8_t {
  Compute, ///< A lane's results are undefined as a whole.
  Use,     ///< They are a fault.
  Move,    ///< The handler moves bits: run on the undefined bits, it tells those of its results.
  Logic,   ///< A function of the bits at one position, whose truth table is Instruction::imm (lop3's order).
  Test,    ///< setp: a defined "false and", "true or" decides whatever the comparison depends on.
  Store,   ///< They go to memory; those of a computed value must not reach global memory.
  Own,     ///< The handler sees to it.
};

/// Instruction::controls: those are predicates.
constexpr uint16_t kPredicateControl = 1u << 15;

/// A register that an instruction reads or writes.
struct RegisterUse {
  uint32_t slot = 0;
  int number = -1;   ///< In the body's list of registers.
  uint8_t bytes = 0; ///< A lane's; 0 for a predicate.
  bool isResult = false;
  bool isAddress = false; ///< Must be defined, whatever the rule.
};

struct Instruction {
  Handler run = nullptr;
  const uint32_t *op = nullptr;                    ///< Byte offsets into the register file, in the family's own order.
  uint64_t imm = 0;                                ///< Address offset, or whatever the family puts here.
  uint32_t guard = 0;                              ///< Slot of a predicate's lane mask; slot 0 is always true.
  uint32_t guardFlip = 0;                          ///< ~0 for "@!p".
  uint32_t target = 0;                             ///< Branches: index of the target.
  uint32_t reconverge = ~0u;                       ///< Branches: index of the immediate post-dominator, ~0 if none.
  uint32_t index = 0;                              ///< Its own index.
  uint32_t line = 0;                               ///< PTX line.
  uint32_t file = 0, fileLine = 0, fileColumn = 0; ///< Author's source, fileLine 0 if unknown.
  uint32_t firstOperand = 0;                       ///< Only while decoding: index of op[0] in the pool.
  uint32_t flags = 0;                              ///< The family's own bits.
  uint16_t bytes = 0, count = 0;                   ///< Memory: bytes an element, elements.
  Rule rule = Rule::Compute;
  uint8_t useCount = 0;  ///< Registers named in `uses`.
  uint16_t controls = 0; ///< Rule::Move: bit k: op[k] (32 bits or a predicate) says what to move and is not moved
                         ///< itself. Rule::Logic: how many inputs.
  const RegisterUse *uses = nullptr;
  uint32_t firstUse = 0; ///< Only while decoding: index of uses[0] in the pool.
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_INSTRUCTION_H
