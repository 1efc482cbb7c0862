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

SlotBarrier::SlotBarrier(Lowering &l, cta::RingOp ring, bool full, Value step)
    : l(l), type(ring.getType()), step(step), pointer(firstOf(l, ring, full)) {
  unsigned slots = type.getSlots();
  if (slots == 1)
    return;
  Value slot = llvm::isPowerOf2_32(slots) ? l.bitAnd(step, slots - 1)
                                          : Value(LLVM::URemOp::create(l.b, l.loc, step, l.i32(slots)));
  pointer = l.offsetPointer(pointer, l.mulConstant(slot, kBytes));
}

void SlotBarrier::waitForPhase(bool before) {
  unsigned slots = type.getSlots();
  Value phase = llvm::isPowerOf2_32(slots) ? l.shiftRight(step, llvm::Log2_32(slots))
                                           : Value(LLVM::UDivOp::create(l.b, l.loc, step, l.i32(slots)));
  Value parity = l.bitAnd(before ? l.bitXor(phase, l.i32(1)) : phase, 1);
  Block *poll = l.newBlock(), *done = l.newBlock();
  LLVM::BrOp::create(l.b, l.loc, ValueRange(), poll);
  l.b.setInsertionPointToEnd(poll);
  Value isDone =
      l.callIntrinsic(l.b.getI1Type(), "llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta", {pointer, parity});
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

void SlotBarrier::arriveAsWarp() {
  call(l, "llvm.nvvm.bar.warp.sync", {l.i32(-1)});
  Value isFirst = LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::eq, l.lane, l.i32(0));
  l.when(isFirst, [&] { arrive(); });
}

bool imbrex::isFilledByEngine(cta::RingOp ring) {
  return llvm::any_of(ring->getUsers(), [](Operation *user) {
    auto put = dyn_cast<cta::PutOp>(user);
    return put && put.getMap();
  });
}

void imbrex::initialiseBarriers(Lowering &l, cta::RingOp ring, unsigned copyThreads, unsigned readingWarps) {
  const unsigned copies = isFilledByEngine(ring) ? 1 : 2 * copyThreads;
  for (bool full : {true, false})
    for (unsigned slot = 0; slot < ring.getType().getSlots(); ++slot)
      call(l, "llvm.nvvm.mbarrier.init.shared",
           {l.offsetPointer(firstOf(l, ring, full), int64_t(slot) * kBytes), l.i32(full ? copies : readingWarps)});
}
