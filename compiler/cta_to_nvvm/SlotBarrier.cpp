//===- SlotBarrier.cpp - The barriers of a ring by mbarrier -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Waiting is a loop round mbarrier.try_wait, which suspends the thread for a while.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/SlotBarrier.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace imbrex;

static constexpr int64_t kBytes = cta::RingType::kBarrierBytes;

/// Where the barriers of `ring` start that say that slots are full, or empty.
static Value firstOf(Lowering &l, cta::RingOp ring, bool full) {
  int64_t offset = ring.getBarriers().value_or(0) + (full ? 0 : kBytes * ring.getType().getSlots());
  return l.sharedByte(offset);
}

static void call(Lowering &l, StringRef name, ValueRange arguments) {
  LLVM::CallIntrinsicOp::create(l.b, l.loc, l.b.getStringAttr(name), arguments);
}

SlotPhase imbrex::phaseOf(Lowering &l, cta::RingType ring, Value step) {
  unsigned slots = ring.getSlots();
  if (llvm::isPowerOf2_32(slots))
    return {l.mulConstant(l.bitAnd(step, slots - 1), kBytes), l.bitAnd(l.shiftRight(step, llvm::Log2_32(slots)), 1)};
  return {l.mulConstant(LLVM::URemOp::create(l.b, l.loc, step, l.i32(slots)), kBytes),
          l.bitAnd(LLVM::UDivOp::create(l.b, l.loc, step, l.i32(slots)), 1)};
}

SlotPhase imbrex::nextPhase(Lowering &l, cta::RingType ring, const SlotPhase &phase) {
  unsigned slots = ring.getSlots();
  if (slots == 1)
    return {phase.offset, l.bitXor(phase.parity, l.i32(1))};
  if (slots == 2) // behind the second slot the parity changes
    return {l.sub(l.i32(kBytes), phase.offset),
            l.bitXor(phase.parity, l.shiftRight(phase.offset, llvm::Log2_64(kBytes)))};
  Value isLast = LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::eq, phase.offset, l.i32(kBytes * (slots - 1)));
  return {l.select(isLast, l.i32(0), l.addConstant(phase.offset, kBytes)),
          l.select(isLast, l.bitXor(phase.parity, l.i32(1)), phase.parity)};
}

SlotBarrier::SlotBarrier(Lowering &l, cta::RingOp ring, bool full, const SlotPhase &phase)
    : l(l), parity(phase.parity), pointer(firstOf(l, ring, full)) {
  if (ring.getType().getSlots() > 1)
    pointer = l.offsetPointer(pointer, phase.offset);
}

void SlotBarrier::waitForPhase(bool before) {
  Value awaited = before ? l.bitXor(parity, l.i32(1)) : parity;
  Block *poll = l.newBlock(), *done = l.newBlock();
  LLVM::BrOp::create(l.b, l.loc, ValueRange(), poll);
  l.b.setInsertionPointToEnd(poll);
  Value isDone =
      l.callIntrinsic(l.b.getI1Type(), "llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta", {pointer, awaited});
  LLVM::CondBrOp::create(l.b, l.loc, isDone, done, ValueRange(), poll, ValueRange());
  l.b.setInsertionPointToEnd(done);
}

void SlotBarrier::arriveWhenCopied() {
  call(l, "llvm.nvvm.cp.async.mbarrier.arrive.noinc.shared", {pointer});
  arrive();
}

void SlotBarrier::arrive() { l.callIntrinsic(l.b.getI64Type(), "llvm.nvvm.mbarrier.arrive.shared", {pointer}); }

void SlotBarrier::arriveExpecting(int64_t bytes) {
  l.callIntrinsic(l.b.getI64Type(), "llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta", {pointer, l.i32(bytes)});
}

void imbrex::meetAsWarp(Lowering &l) { call(l, "llvm.nvvm.bar.warp.sync", {l.i32(-1)}); }

void SlotBarrier::arriveAsWarp() {
  meetAsWarp(l);
  Value isFirst = LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::eq, l.lane, l.i32(0));
  l.when(isFirst, [&] { arrive(); });
}

Filler imbrex::fillerOf(cta::RingOp ring) {
  for (Operation *user : ring->getUsers()) {
    if (isa<cta::PublishOp>(user))
      return Filler::Writes;
    if (auto put = dyn_cast<cta::PutOp>(user))
      return put.getMap() ? Filler::Engine : Filler::Copies;
  }
  return Filler::Copies;
}

/// Arrivals that make a slot full.
static unsigned arrivalsToFill(cta::RingOp ring, unsigned copyWarps) {
  switch (fillerOf(ring)) {
  case Filler::Engine:
    return 1;
  case Filler::Copies:
    return 2 * copyWarps * layout::kWarpThreads;
  case Filler::Writes:
    return copyWarps;
  }
  llvm_unreachable("all fillers are listed");
}

void imbrex::initialiseBarriers(Lowering &l, cta::RingOp ring, unsigned copyWarps, unsigned computeWarps) {
  const bool isOwn =
      llvm::any_of(ring->getUsers(), [](Operation *user) { return isa<cta::GetOp>(user) && cta::copies(user); });
  const unsigned fillers = arrivalsToFill(ring, copyWarps), readers = isOwn ? copyWarps : computeWarps;
  for (bool full : {true, false})
    for (unsigned slot = 0; slot < ring.getType().getSlots(); ++slot)
      call(l, "llvm.nvvm.mbarrier.init.shared",
           {l.offsetPointer(firstOf(l, ring, full), int64_t(slot) * kBytes), l.i32(full ? fillers : readers)});
}
