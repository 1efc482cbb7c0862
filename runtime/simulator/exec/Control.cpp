//===- Control.cpp - bra, brx, trap and other control ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Branches, traps, and the instructions that do nothing here. `ret` and `exit` are with the calls (exec/Call.cpp).
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Cta.h"
#include "runtime/simulator/exec/KernelDecoder.h"

namespace imbrex::simulator {
namespace {

Step branch(Warp &warp, const Instruction &i, uint32_t lanes) {
  warp.branch(i, lanes);
  return Step::Next;
}

bool decodeBra(Decoder &d) {
  d.take("uni");
  return d.operands(1) && (d.operand(0).kind == ptx::Operand::Symbol || d.fail("the target must be a label")) &&
         d.finish(branch);
}

/// op: index. imm: which table. An index past the table is undefined behaviour (9.7.13.3).
Step branchIndexed(Warp &warp, const Instruction &i, uint32_t lanes) {
  const std::vector<uint32_t> &table = warp.cta->program->branchTables[i.imm];
  uint32_t targets[32] = {};
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint32_t index = warp.reg<uint32_t>(i.op[0])[lane];
    if (index >= table.size())
      return warp.fail(FaultKind::OutOfBounds, i, lane,
                       "index " + std::to_string(index) + " of " + std::to_string(table.size()) + " branch targets");
    targets[lane] = table[index];
  }
  warp.branchMany(i, lanes, targets);
  return Step::Next;
}

bool decodeBrx(Decoder &d) {
  d.rule(Rule::Use);
  if (!d.take("idx") || !d.operands(2) || d.operand(1).kind != ptx::Operand::Symbol)
    return d.fail("only brx.idx with a list of targets is modelled");
  d.take("uni");
  d.out.imm = d.owner().program.branchTables.size();
  d.owner().program.branchTables.emplace_back(); // Filled when the labels are known.
  return d.read(0, Type::U32) && d.finish(branchIndexed);
}

Step trap(Warp &warp, const Instruction &i, uint32_t lanes) {
  return warp.fail(FaultKind::Trap, i, static_cast<unsigned>(__builtin_ctz(lanes)), "the kernel executed trap");
}

bool decodeTrap(Decoder &d) { return d.operands(0) && d.finish(trap); }

/// Without a debugger, what CUDA does at a breakpoint is an error.
Step breakpoint(Warp &warp, const Instruction &i, uint32_t lanes) {
  return warp.fail(FaultKind::Trap, i, static_cast<unsigned>(__builtin_ctz(lanes)), "the kernel executed brkpt");
}

bool decodeBreakpoint(Decoder &d) { return d.operands(0) && d.finish(breakpoint); }

Step nothing(Warp &, const Instruction &, uint32_t) { return Step::Next; }

bool decodeNanosleep(Decoder &d) {
  d.takeType();
  return d.operands(1) && d.read(0, Type::U32) && d.finish(nothing);
}

/// An event for a profiler, of which there is none here: one of 16, or with .mask a set of them.
bool decodePmevent(Decoder &d) {
  const uint64_t count = d.take("mask") ? 1 << 16 : 16;
  uint64_t event;
  if (!d.operands(1) || !d.immediate(0, event))
    return false;
  return event < count ? d.finish(nothing) : d.fail("an event is less than " + std::to_string(count));
}

/// Memory is always consistent here; what a fence orders for the race check: exec/MemoryOrder.h. flags: 1 for .cta.
Step fence(Warp &warp, const Instruction &i, uint32_t lanes) {
  warp.cta->order.fence(warp.index, lanes, i.flags & 1);
  return Step::Next;
}

bool decodeFence(Decoder &d) {
  if (d.has("proxy") || d.has("mbarrier_init"))
    return decodeProxyFence(d);
  d.takeOneOf({"sc", "acq_rel"});
  d.out.flags = d.takeOneOf({"cta", "cluster", "gpu", "sys", "gl"}) == 0;
  return d.operands(0) && d.finish(fence);
}

constexpr Opcode kOpcodes[] = {{"bra", decodeBra},
                               {"brx", decodeBrx},
                               {"brkpt", decodeBreakpoint},
                               {"trap", decodeTrap},
                               {"nanosleep", decodeNanosleep},
                               {"pmevent", decodePmevent},
                               {"membar", decodeFence},
                               {"fence", decodeFence}};

} // namespace

std::span<const Opcode> controlOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
