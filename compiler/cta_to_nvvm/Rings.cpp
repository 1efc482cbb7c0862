//===- Rings.cpp - cta.put, cta.get and their like -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rings by groups: a put is copied by the threads, a get waits for a thread's own groups (PTX ISA,
// "cp.async.commit_group", "cp.async.wait_group"), a release is nothing. Slot = step mod slots.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/BufferAccess.h"
#include "compiler/cta_to_nvvm/LoopAddresses.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace imbrex;

/// Pointer to the slot of `step` in `ring`. A loop that `op` stands in may carry the slot's first byte.
static Value slotOf(Lowering &l, Operation *op, Value ring, Value step) {
  cta::RingType type = cast<cta::RingType>(ring.getType());
  Value base = l.memoryBase(allocationOf(ring));
  if (type.getSlots() == 1)
    return base;
  Value offset = l.slotOffsets.lookup(op);
  return l.offsetPointer(base, offset ? offset : l.slotOffset(type, l.scalarOf(step)));
}

Value Lowering::slotOffset(cta::RingType ring, Value step) {
  unsigned slots = ring.getSlots();
  Value slot =
      llvm::isPowerOf2_32(slots) ? bitAnd(step, slots - 1) : Value(LLVM::URemOp::create(b, loc, step, i32(slots)));
  return mulConstant(slot, ring.getStrideBytes());
}

static LogicalResult lowerPut(Lowering &l, cta::PutOp put) {
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
  auto beginsThere = [&](unsigned dim) { // where the bounds along `dim` begin, which may lie before the view
    Value first = put.getIndices()[dim];
    return tile::boundsWithin(put.getWithin(), put.getLow(), put.getHigh(), dim).first == first &&
           isNonNegativeScalar(first);
  };
  copy.run(copy.cursorAt(start, beginsThere(copy.rowDim()), beginsThere(copy.columnDim())), slot);
  return success();
}

static void lowerGet(Lowering &l, cta::GetOp get) {
  if (!get.getArrived())
    NVVM::CpAsyncWaitGroupOp::create(l.b, l.loc, get.getPending().value_or(0));
  l.slotPointers[get.getResult()] = slotOf(l, get, get.getRing(), get.getStep());
}

Lowered imbrex::lowerRings(Lowering &l, Operation *op) {
  if (auto put = dyn_cast<cta::PutOp>(op))
    return lowerPut(l, put);
  if (auto get = dyn_cast<cta::GetOp>(op))
    lowerGet(l, get);
  else if (isa<cta::CommitOp>(op))
    NVVM::CpAsyncCommitGroupOp::create(l.b, l.loc);
  else if (!isa<cta::RingOp, cta::ReleaseOp>(op))
    return std::nullopt;
  return success();
}
