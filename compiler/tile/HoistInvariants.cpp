//===- HoistInvariants.cpp - The pass tile-hoist-invariants ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR's loop-invariant code motion, which says what it moved.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/Passes.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_HOISTINVARIANTS
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

/// What takes instructions for each element of a tile.
static bool isWork(Operation *op) {
  return op->getNumRegions() == 0 && op->getNumResults() == 1 && isa<RankedTensorType>(op->getResult(0).getType()) &&
         !isa<arith::ConstantOp, tile::SplatOp, tile::IotaOp, tile::ExpandDimsOp, tile::BroadcastOp>(op);
}

static unsigned lineOf(Location loc) {
  auto place = loc->findInstanceOf<FileLineColLoc>();
  return place ? place.getLine() : 0;
}

/// One remark a line of the text.
static void hoistFrom(LoopLikeOpInterface loop) {
  SmallVector<Operation *> work;
  loop->walk([&](Operation *op) {
    if (isWork(op))
      work.push_back(op);
  });
  moveLoopInvariantCode(loop);
  llvm::SmallDenseSet<unsigned, 8> told;
  for (Operation *op : work)
    if (!loop->isProperAncestor(op) && told.insert(lineOf(op->getLoc())).second)
      op->emitRemark() << "made before the loop of line " << lineOf(loop.getLoc()) << ", in which it stays the same";
}

namespace {

struct HoistInvariants : imbrex::impl::HoistInvariantsBase<HoistInvariants> {
  void runOnOperation() override {
    getOperation()->walk([](LoopLikeOpInterface loop) { hoistFrom(loop); });
  }
};

} // namespace
