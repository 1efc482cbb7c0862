//===- Rings.cpp - cta.put, cta.get and their like -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rings by groups: a put is copied by the threads, a get waits for a thread's own groups (PTX ISA,
// "cp.async.commit_group", "cp.async.wait_group"), a release is nothing. By mbarrier: SlotBarrier.h. Slot = step mod
// slots. What is sent to a view the first thread asks for, and waits for.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/BufferAccess.h"
#include "compiler/cta_to_nvvm/InlinePtx.h"
#include "compiler/cta_to_nvvm/LoopAddresses.h"
#include "compiler/cta_to_nvvm/SlotBarrier.h"
#include "compiler/tile/ScalarSigns.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace imbrex;

/// First byte of the slot of `step` in `ring`; null: 0. A loop that `op` stands in may carry it.
static Value slotStartOf(Lowering &l, Operation *op, Value ring, Value step) {
  cta::RingType type = cast<cta::RingType>(ring.getType());
  if (type.getSlots() == 1)
    return {};
  Value offset = l.slotOffsets.lookup(op);
  return offset ? offset : l.slotOffset(type, l.scalarOf(step));
}

/// Pointer to that slot.
static Value slotOf(Lowering &l, Operation *op, Value ring, Value step) {
  Value base = l.memoryBase(allocationOf(ring)), start = slotStartOf(l, op, ring, step);
  return start ? l.offsetPointer(base, start) : base;
}

Value Lowering::slotOffset(cta::RingType ring, Value step) {
  unsigned slots = ring.getSlots();
  Value slot =
      llvm::isPowerOf2_32(slots) ? bitAnd(step, slots - 1) : Value(LLVM::URemOp::create(b, loc, step, i32(slots)));
  return mulConstant(slot, ring.getStrideBytes());
}

static bool isByMbarrier(Value ring) {
  return cast<cta::RingType>(ring.getType()).getCompletion() == cta::Completion::Mbarrier;
}

/// The barrier which says that the slot of the step of `op`, a put, get or release, is full, or empty.
template <typename Op> static SlotBarrier barrierOf(Lowering &l, Op op, bool full) {
  auto ring = op.getRing().template getDefiningOp<cta::RingOp>();
  if (Operation *first = l.companions.first.lookup(ring))
    ring = cast<cta::RingOp>(first);
  auto carried = l.slotPhases.find(op);
  return SlotBarrier(l, ring, full,
                     carried != l.slotPhases.end() ? carried->second
                                                   : phaseOf(l, ring.getType(), l.scalarOf(op.getStep())));
}

static LogicalResult lowerCopy(Lowering &l, cta::PutOp put) {
  Value slot = slotOf(l, put, put.getRing(), put.getStep());
  TileCopy copy(l, put);
  if (put.getRows() && cta::layoutOf(put.getRows().getType()) != copy.tableLayout())
    return put.emitError("a table of rows must be spread as the threads copy");
  auto carried = l.cursors.find(put);
  if (carried != l.cursors.end()) {
    copy.run(carried->second, slot);
    return success();
  }
  Values start;
  for (Value index : put.getIndices())
    start.push_back(l.toI64(l.scalarOf(index)));
  const unsigned column = copy.columnDim(); // the bounds along it may begin at the tile, in the view
  bool columnsFollow =
      tile::boundsWithin(put.getWithin(), put.getLow(), put.getHigh(), column).first == put.getIndices()[column] &&
      isNonNegativeScalar(put.getIndices()[column]);
  copy.run(copy.cursorAt(start, copy.rowsBeginAtBound(), columnsFollow), slot);
  return success();
}

/// Calls visit(pointer, place) for each panel of a tile that lies at `slot`: where it lies, and its place in the view,
/// the last dimension first.
static void forEachBox(Lowering &l, const layout::SharedLayout &layout, Value slot, ArrayRef<Value> at,
                       int64_t columnDim, function_ref<void(Value, ArrayRef<Value>)> visit) {
  const int64_t width = layout.boxColumns(), bytes = layout.paddedRows() * width * layout.elementBytes();
  for (int64_t box = 0; box * width < layout.paddedColumns(); ++box) {
    Values place;
    for (int64_t dim = int64_t(at.size()) - 1; dim >= 0; --dim)
      place.push_back(l.addConstant(at[dim], dim == columnDim ? box * width : 0));
    visit(l.offsetPointer(slot, box * bytes), place);
  }
}

/// Bytes that one full slot of `ring` and of its companions hold.
static int64_t bytesTogether(Lowering &l, cta::RingOp ring) {
  int64_t bytes = ring.getType().getSlot().getLayout().sizeBytes();
  for (auto [other, first] : l.companions.first)
    if (first == ring)
      bytes += cast<cta::RingOp>(other).getType().getSlot().getLayout().sizeBytes();
  return bytes;
}

/// The boxes of the slot, when that is empty: of the run that is the thread's where a table says where runs lie. The
/// first thread expects them all, and those of the companions, which are asked for next.
static void askForCopy(Lowering &l, cta::PutOp put) {
  layout::SharedLayout layout = put.getRing().getType().getSlot().getLayout();
  SlotBarrier full = barrierOf(l, put, /*full=*/true);
  if (!l.companions.silent.contains(put)) {
    barrierOf(l, put, /*full=*/false).waitForPhase(/*before=*/true);
    l.when(put.getRows() ? l.isFirstThread() : Value(),
           [&] { full.arriveExpecting(bytesTogether(l, put.getRing().getDefiningOp<cta::RingOp>())); });
  }
  Value slot = slotOf(l, put, put.getRing(), put.getStep());
  SmallVector<Value> at = llvm::map_to_vector(put.getIndices(), [&](Value index) { return l.scalarOf(index); });
  if (put.getRows()) {
    Value &row = at[put.getDims()[0]];
    row = l.add(row, l.registersOf(put.getRows()).front());
    slot = l.offsetPointer(slot, l.mulConstant(l.thread, put.getRun() * layout.boxColumns() * layout.elementBytes()));
  }
  forEachBox(l, layout, slot, at, put.getDims()[1],
             [&](Value to, ArrayRef<Value> place) { copyBox(l, to, l.scalarOf(put.getMap()), place, full.address()); });
}

/// The first thread asks.
static void lowerSend(Lowering &l, cta::SendOp send) {
  l.when(l.isFirstThread(), [&] {
    SmallVector<Value> at = llvm::map_to_vector(send.getIndices(), [&](Value index) { return l.scalarOf(index); });
    forEachBox(l, send.getBuffer().getType().getLayout(), l.slotPointer(send.getBuffer()), at, send.getDims()[1],
               [&](Value from, ArrayRef<Value> place) { sendBox(l, from, l.scalarOf(send.getMap()), place); });
    commitSends(l);
  });
}

/// Into a ring by mbarrier: when its slot is empty; the copies say themselves when they have arrived.
static LogicalResult lowerPut(Lowering &l, cta::PutOp put) {
  if (!isByMbarrier(put.getRing()))
    return lowerCopy(l, put);
  if (put.getMap()) {
    const int64_t runs = put.getRing().getType().getRows() / put.getRun();
    Value asks = runs == 1 ? l.isFirstThread() : l.less(l.thread, l.i32(runs));
    l.when(asks, [&] { askForCopy(l, put); });
    return success();
  }
  barrierOf(l, put, /*full=*/false).waitForPhase(/*before=*/true);
  if (failed(lowerCopy(l, put)))
    return failure();
  barrierOf(l, put, /*full=*/true).arriveWhenCopied();
  return success();
}

static void lowerRelease(Lowering &l, cta::ReleaseOp release) {
  if (isByMbarrier(release.getRing()) && !l.companions.silent.contains(release))
    barrierOf(l, release, /*full=*/false).arriveAsWarp();
}

/// The lanes meet behind the wait: those of the warp that asks the copy engine may come apart.
static void lowerAcquire(Lowering &l, cta::AcquireOp acquire) {
  if (!l.companions.silent.contains(acquire)) {
    barrierOf(l, acquire, /*full=*/false).waitForPhase(/*before=*/true);
    meetAsWarp(l);
  }
  l.slotStarts[acquire.getResult()] = slotStartOf(l, acquire, acquire.getRing(), acquire.getStep());
}

/// True if descriptors may read slots of the ring: not of one that fragments alone are read from.
static bool isDescribed(cta::RingOp ring) {
  return llvm::any_of(ring.getResult().getUsers(), [](Operation *user) {
    auto get = dyn_cast<cta::GetOp>(user);
    return get && !llvm::all_of(get.getResult().getUsers(), llvm::IsaPred<cta::ReadOp>);
  });
}

/// The same of a ring and its companions.
static bool isAnyDescribed(Lowering &l, cta::RingOp ring) {
  return isDescribed(ring) || llvm::any_of(l.companions.first, [&](const auto &companion) {
           return companion.second == ring && isDescribed(cast<cta::RingOp>(companion.first));
         });
}

static void lowerPublish(Lowering &l, cta::PublishOp publish) {
  if (l.companions.silent.contains(publish))
    return;
  if (isAnyDescribed(l, publish.getRing().getDefiningOp<cta::RingOp>()))
    fenceAsync(l);
  barrierOf(l, publish, /*full=*/true).arriveAsWarp();
}

static void lowerGet(Lowering &l, cta::GetOp get) {
  if (isByMbarrier(get.getRing())) {
    if (!l.companions.silent.contains(get))
      barrierOf(l, get, /*full=*/true).waitForPhase(/*before=*/false);
    auto ring = get.getRing().getDefiningOp<cta::RingOp>();
    if (fillerOf(ring) == Filler::Copies && !cta::copies(get) && isDescribed(ring))
      fenceAsync(l); // the copies were the threads'
  } else if (!get.getArrived())
    NVVM::CpAsyncWaitGroupOp::create(l.b, l.loc, get.getPending().value_or(0));
  l.slotStarts[get.getResult()] = slotStartOf(l, get, get.getRing(), get.getStep());
}

Lowered imbrex::lowerRings(Lowering &l, Operation *op) {
  if (auto put = dyn_cast<cta::PutOp>(op))
    return lowerPut(l, put);
  if (auto get = dyn_cast<cta::GetOp>(op))
    lowerGet(l, get);
  else if (auto release = dyn_cast<cta::ReleaseOp>(op))
    lowerRelease(l, release);
  else if (auto acquire = dyn_cast<cta::AcquireOp>(op))
    lowerAcquire(l, acquire);
  else if (auto publish = dyn_cast<cta::PublishOp>(op))
    lowerPublish(l, publish);
  else if (auto send = dyn_cast<cta::SendOp>(op))
    lowerSend(l, send);
  else if (isa<cta::SentOp>(op))
    l.when(l.isFirstThread(), [&] { waitForSends(l); });
  else if (isa<cta::CommitOp>(op))
    NVVM::CpAsyncCommitGroupOp::create(l.b, l.loc);
  else if (!isa<cta::RingOp, cta::TensorMapOp>(op)) // a tensor map is a launch value
    return std::nullopt;
  return success();
}
