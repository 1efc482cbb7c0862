//===- MatrixPlan.cpp - The registers that wgmma works on -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds matrix registers and who touches them, from the parsed text alone; and the handler that guards
// them. See the header for the rules.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/MatrixPlan.h"

#include "runtime/simulator/exec/Mbarrier.h"

#include <set>

namespace imbrex::simulator {

void MatrixState::begin(const MatrixPlan *plan) {
  epoch = 1;
  fenced = false;
  issued = waited = 0;
  groups.clear();
  Register fresh;
  fresh.touched = epoch;
  registers.assign(plan ? plan->registers : 0, fresh);
}

namespace {

Step failTouch(Warp &warp, const Instruction &i, uint32_t lanes, const char *what) {
  return warp.fail(FaultKind::MatrixRegister, i, static_cast<unsigned>(__builtin_ctz(lanes)),
                   std::string(what) + "; missing: wgmma.wait_group before this instruction");
}

bool mayWrite(const MatrixState &state, const MatrixState::Register &reg) {
  return reg.writer <= state.waited && reg.reader <= state.waited;
}

Step failWrite(Warp &warp, const Instruction &i, uint32_t lanes, const MatrixState::Register &reg) {
  return failTouch(warp, i, lanes,
                   reg.writer > warp.matrix.waited ? "it writes an accumulator of a wgmma in flight"
                                                   : "it writes a register that holds A of a wgmma in flight");
}

/// A mov passes on what is known of its source. A wgmma that some warps have not issued yet must be carried out first.
Step guardedMove(Warp &warp, const Instruction &i, uint32_t lanes, const MatrixPlan::Guard &guard) {
  MatrixState &state = warp.matrix;
  MatrixState::Register source;
  if (!guard.read.empty())
    source = state.registers[guard.read[0]];
  if (source.writer > state.waited && source.writer > warp.cta->warpgroups[warp.index / 4].executed)
    return warp.park(lanes, i.index, Fragment::AtEvent, kMatrixEvent);
  MatrixState::Register &target = state.registers[guard.written[0]];
  if (!mayWrite(state, target))
    return failWrite(warp, i, lanes, target);
  target = source;
  target.reader = 0;
  return guard.run(warp, i, lanes);
}

Step guarded(Warp &warp, const Instruction &i, uint32_t lanes) {
  const MatrixPlan &plan = *warp.cta->program->matrix;
  const MatrixPlan::Guard &guard = plan.guards[plan.numberOf[i.index]];
  if (guard.isMove)
    return guardedMove(warp, i, lanes, guard);
  MatrixState &state = warp.matrix;
  for (uint32_t number : guard.read) {
    MatrixState::Register &reg = state.registers[number];
    if (reg.writer > state.waited) [[unlikely]]
      return failTouch(warp, i, lanes, "it reads an accumulator of a wgmma in flight");
    reg.touched = state.epoch;
    reg.by = i.index;
  }
  for (uint32_t number : guard.written) {
    MatrixState::Register &reg = state.registers[number];
    if (!mayWrite(state, reg)) [[unlikely]]
      return failWrite(warp, i, lanes, reg);
    reg.touched = state.epoch;
    reg.by = i.index;
  }
  return guard.run(warp, i, lanes);
}

/// Calls f(register) for each register in the operand.
template <class F> void eachRegister(const ptx::Operand &operand, F f) {
  if (operand.kind == ptx::Operand::Register || (operand.kind == ptx::Operand::Address && operand.baseIsRegister))
    f(operand.number);
  for (const ptx::Operand &element : operand.elements)
    eachRegister(element, f);
}

bool isMultiply(const ptx::Instruction &source) {
  return source.opcode == "wgmma" && !source.modifiers.empty() && source.modifiers[0] == "mma_async";
}

/// Whether the first operand is a result: not an address, and not what these read.
bool hasResult(const ptx::Instruction &source) {
  static const std::set<std::string_view> kNone = {"bar", "barrier", "nanosleep", "pmevent", "bra", "setmaxnreg"};
  return !source.operands.empty() && source.operands[0].kind != ptx::Operand::Address && !kNone.count(source.opcode);
}

bool isPlainMove(const ptx::Instruction &source) {
  return source.opcode == "mov" && source.operands.size() == 2 && source.guard < 0 &&
         source.operands[0].kind == ptx::Operand::Register && source.operands[1].kind == ptx::Operand::Register;
}

bool isConstantMove(const ptx::Instruction &source) {
  ptx::Operand::Kind kind = source.operands.size() == 2 ? source.operands[1].kind : ptx::Operand::Sink;
  return source.opcode == "mov" && source.guard < 0 && source.operands[0].kind == ptx::Operand::Register &&
         (kind == ptx::Operand::Integer || kind == ptx::Operand::Single || kind == ptx::Operand::Double);
}

struct Planner {
  MatrixPlan plan;
  std::map<int, uint32_t> numbers; ///< By number in Kernel::registers.

  void addOperands(const ptx::Instruction &source) {
    MatrixPlan::Operands operands;
    auto add = [&](std::vector<uint32_t> &list) {
      return
          [&](int reg) { list.push_back(numbers.emplace(reg, static_cast<uint32_t>(numbers.size())).first->second); };
    };
    eachRegister(source.operands[0], add(operands.accumulators));
    if (source.operands[1].kind == ptx::Operand::Vector)
      eachRegister(source.operands[1], add(operands.a));
    plan.operands.push_back(std::move(operands));
  }

  /// What is moved from or to a matrix register is one too, or what is known would be lost on the way.
  void addMoved(const ptx::Kernel &kernel) {
    for (bool grows = true; grows;) {
      grows = false;
      for (const ptx::Instruction &source : kernel.body) {
        if (!isPlainMove(source))
          continue;
        int to = source.operands[0].number, from = source.operands[1].number;
        if (numbers.count(to) == numbers.count(from))
          continue;
        numbers.emplace(numbers.count(to) ? from : to, static_cast<uint32_t>(numbers.size()));
        grows = true;
      }
    }
  }

  /// Whether the instruction touches a matrix register; then its guard is added.
  bool addGuard(const ptx::Instruction &source, Handler run) {
    MatrixPlan::Guard guard;
    guard.run = run;
    guard.isMove = isPlainMove(source) || isConstantMove(source);
    for (size_t k = 0; k < source.operands.size(); ++k)
      eachRegister(source.operands[k], [&](int reg) {
        auto found = numbers.find(reg);
        if (found != numbers.end())
          (k == 0 && hasResult(source) ? guard.written : guard.read).push_back(found->second);
      });
    if (guard.read.empty() && guard.written.empty())
      return false;
    plan.guards.push_back(std::move(guard));
    return true;
  }
};

} // namespace

void guardMatrixRegisters(const ptx::Kernel &kernel, Program &program) {
  Planner planner;
  planner.plan.numberOf.resize(program.code.size());
  for (size_t i = 0; i < kernel.body.size(); ++i)
    if (isMultiply(kernel.body[i])) {
      planner.plan.numberOf[i] = static_cast<uint32_t>(planner.plan.operands.size());
      planner.addOperands(kernel.body[i]);
    }
  if (planner.plan.operands.empty())
    return;
  planner.addMoved(kernel);
  for (size_t i = 0; i < kernel.body.size(); ++i)
    if (!isMultiply(kernel.body[i]) && planner.addGuard(kernel.body[i], program.code[i].run)) {
      planner.plan.numberOf[i] = static_cast<uint32_t>(planner.plan.guards.size() - 1);
      program.code[i].run = guarded;
    }
  planner.plan.registers = static_cast<uint32_t>(planner.numbers.size());
  program.matrix = std::make_shared<const MatrixPlan>(std::move(planner.plan));
}

} // namespace imbrex::simulator
