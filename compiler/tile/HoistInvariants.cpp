//===- HoistInvariants.cpp - The pass tile-hoist-invariants ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR's loop-invariant code motion, which says what it moved. What is loaded of an input stays the same too, as nobody
// writes inputs while a kernel runs, and a load outside of a view is zero: it may be made where the loop would not run.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/Passes.h"
#include "dialects/layout/Warp.h"
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

/// Bytes that a thread may keep through a loop of what was loaded in it: a quarter of its registers.
static constexpr int64_t kMostKept = 256;

/// Bytes of a thread, of what is loaded of an input; nullopt of anything else.
static std::optional<int64_t> bytesOfInput(Operation *op) {
  if (!isa<tile::LoadOp, tile::GatherOp>(op) || cast<tile::ViewType>(op->getOperand(0).getType()).getWritable())
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  tile::RequestAttr request = tile::requestOf(op->getParentOfType<func::FuncOp>());
  const int64_t threads = int64_t(layout::kWarpThreads) * (request ? request.getWarps() : 1);
  return type ? llvm::divideCeil(type.getNumElements() * tile::elementBytes(type.getElementType()), threads) : 0;
}

static void moveInvariants(LoopLikeOpInterface loop) {
  int64_t kept = 0;
  auto stays = [&](Value value, Region *) { return loop.isDefinedOutsideOfLoop(value); };
  auto mayMove = [&](Operation *op, Region *) {
    std::optional<int64_t> bytes = bytesOfInput(op);
    if (!bytes || kept + *bytes > kMostKept)
      return isMemoryEffectFree(op) && isSpeculatable(op);
    kept += *bytes;
    return true;
  };
  moveLoopInvariantCode(loop.getLoopRegions(), stays, mayMove,
                        [&](Operation *op, Region *) { loop.moveOutOfLoop(op); });
}

/// One remark a line of the text.
static void hoistFrom(LoopLikeOpInterface loop) {
  SmallVector<Operation *> work;
  loop->walk([&](Operation *op) {
    if (isWork(op))
      work.push_back(op);
  });
  moveInvariants(loop);
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
