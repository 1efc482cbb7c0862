//===- CtaRingOps.cpp - Verifiers of the operations on rings -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each verifier cites the numbered constraint of CtaRingOps.td that it checks.
//
//===----------------------------------------------------------------------===//

#include "dialects/cta/CtaDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace imbrex;
using namespace imbrex::cta;

LogicalResult RingOp::verify() {
  bool hasBarriers = getType().getBarrierBytes() != 0;
  if (getBarriers() && (!hasBarriers || int64_t(*getBarriers()) < 0 || *getBarriers() % RingType::kBarrierBytes != 0))
    return emitOpError("(2) expected barriers at a multiple of ")
           << RingType::kBarrierBytes << ", for a ring by mbarrier only, found " << *getBarriers();
  return verifyPlace(*this, getOffset(), getType().getSlot());
}

static LogicalResult verifyMap(PutOp put) {
  if (!put.getMap())
    return success();
  RingType ring = put.getRing().getType();
  bool isPlain = ring.getCompletion() == Completion::Mbarrier && !put.getCondition() && put.getWithin().empty();
  return isPlain && isMapOfPanels(put.getMap(), put.getView(), put.getDims(), ring.getSlot().getLayout(), put.getRun())
             ? success()
             : put.emitOpError(
                   "(6) expected a map of the view with a panel of the slot, or of a run, as its box, into a "
                   "ring by mbarrier, with no 'within' or 'if'");
}

LogicalResult PutOp::verify() {
  RingType ring = getRing().getType();
  auto copied = RankedTensorType::get({ring.getRows(), ring.getColumns()}, ring.getElementType());
  if (failed(tile::verifyAccess(*this, getView().getType(), getIndices(), getDims(), copied)))
    return failure();
  auto rows = getRows() ? cast<RankedTensorType>(getRows().getType()) : RankedTensorType();
  constexpr int64_t kRunRows = layout::SharedLayout::kSwizzleRows;
  const bool isColumn =
      !rows || (rows.getRank() == 2 && rows.getDimSize(1) == 1 && rows.getElementType().isInteger(32) &&
                rows.getDimSize(0) * getRun() == ring.getRows());
  if (!isColumn || (rows && (getMap() ? getRun() % kRunRows != 0 : getRun() != 1)))
    return emitOpError("(5) expected an i32 for each of the slot's ") << ring.getRows() << " rows, found " << rows;
  if (failed(verifyMap(*this)))
    return failure();
  return tile::verifyWithin(*this, getView().getType(), getWithin(), getLow(), getHigh());
}

LogicalResult AcquireOp::verify() {
  if (getResult().getType() != getRing().getType().getSlot())
    return emitOpError("(1) expected the result to be the ring's slot, ") << getRing().getType().getSlot();
  return getRing().getType().getCompletion() == Completion::Mbarrier ? success()
                                                                     : emitOpError("(2) expected a ring by mbarrier");
}

LogicalResult PublishOp::verify() {
  return getRing().getType().getCompletion() == Completion::Mbarrier ? success()
                                                                     : emitOpError("(1) expected a ring by mbarrier");
}

LogicalResult GetOp::verify() {
  if (getResult().getType() != getRing().getType().getSlot())
    return emitOpError("(1) expected the result to be the ring's slot, ") << getRing().getType().getSlot();
  if (getPending() && int32_t(*getPending()) < 0)
    return emitOpError("(2) 'pending' is negative");
  if (getPending() && getArrived())
    return emitOpError("(2) what has arrived is not pending");
  return success();
}
