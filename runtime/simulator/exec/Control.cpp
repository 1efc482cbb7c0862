//===- Control.cpp - bra, ret, exit, trap and other control ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Branches, ends, and the instructions that do nothing here. `ret` ends the thread, since kernels are
// the only functions.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Cta.h"
#include "runtime/simulator/exec/Decoder.h"

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

Step exit(Warp &warp, const Instruction &, uint32_t lanes) { return warp.exitLanes(lanes); }

bool decodeExit(Decoder &d) {
  d.take("uni");
  return d.operands(0) && d.finish(exit);
}

Step trap(Warp &warp, const Instruction &i, uint32_t lanes) {
  return warp.fail(FaultKind::Trap, i, static_cast<unsigned>(__builtin_ctz(lanes)), "the kernel executed trap");
}

bool decodeTrap(Decoder &d) { return d.operands(0) && d.finish(trap); }

Step nothing(Warp &, const Instruction &, uint32_t) { return Step::Next; }

bool decodeNanosleep(Decoder &d) {
  d.takeType();
  return d.operands(1) && d.read(0, Type::U32) && d.finish(nothing);
}

/// Memory is always consistent here; what a fence orders for the race check: exec/MemoryOrder.h. flags: 1 for .cta.
Step fence(Warp &warp, const Instruction &i, uint32_t lanes) {
  warp.cta->order.fence(warp.index, lanes, i.flags & 1);
  return Step::Next;
}

bool decodeFence(Decoder &d) {
  d.takeOneOf({"sc", "acq_rel"});
  d.out.flags = d.takeOneOf({"cta", "cluster", "gpu", "sys", "gl"}) == 0;
  return d.operands(0) && d.finish(fence);
}

constexpr Opcode kOpcodes[] = {{"bra", decodeBra},
                               {"ret", decodeExit},
                               {"exit", decodeExit},
                               {"trap", decodeTrap},
                               {"nanosleep", decodeNanosleep},
                               {"membar", decodeFence},
                               {"fence", decodeFence}};

} // namespace

std::span<const Opcode> controlOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
