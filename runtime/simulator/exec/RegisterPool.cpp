//===- RegisterPool.cpp - setmaxnreg --------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, 9.7.19.5. The warps of a block share the registers that it was given at its start: a warp that asks
// for more waits until others have given back.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Mbarrier.h"

namespace imbrex::simulator {
namespace {

/// imm: registers a thread; flags: 0 for .dec, 1 for .inc.
Step setRegisters(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step = Step::Next;
  if (!warp.requireWarpgroup(i, lanes, step))
    return step;
  RegisterPool &pool = warp.cta->registers;
  uint32_t wanted = static_cast<uint32_t>(i.imm), have = warp.registerLimit;
  if (pool.entry == 0)
    return Step::Next; // The assembler does not know the count either, and ignores the instruction.
  bool increases = i.flags != 0;
  if (!increases && wanted > have)
    return warp.fail(FaultKind::DivergentBarrier, i, 0,
                     "setmaxnreg.dec to " + std::to_string(wanted) + " registers, the warp has " +
                         std::to_string(have));
  // An assembler lets a kernel start with at most the largest count that it asks for, so .inc never takes away.
  if (increases && wanted > have + pool.free)
    return warp.park(lanes, i.index, Fragment::AtEvent, kRegisterEvent);
  pool.free += have;
  pool.free -= wanted;
  warp.registerLimit = wanted;
  if (!increases)
    warp.cta->wakeEvent(kRegisterEvent);
  return Step::Next;
}

bool decodeSetRegisters(Decoder &d) {
  int kind = d.takeOneOf({"dec", "inc"});
  if (kind < 0 || !d.take("sync") || !d.take("aligned") || d.takeType() != Type::U32)
    return d.fail("needs .inc or .dec and .sync.aligned.u32");
  if (!d.operands(1) || !d.immediate(0, d.out.imm))
    return false;
  if (d.out.imm < 24 || d.out.imm > 256 || d.out.imm % 8 != 0)
    return d.fail("the count must be a multiple of 8 from 24 to 256");
  d.out.flags = static_cast<uint32_t>(kind);
  return d.finish(setRegisters);
}

constexpr Opcode kOpcodes[] = {{"setmaxnreg", decodeSetRegisters}};

} // namespace

std::span<const Opcode> registerOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
