//===- TileToCta.cpp - The pass tile-to-cta -------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Plans the products, finds every tile's layout, rewrites the kernel, and refuses tiles that no thread
// can hold, and too many of them in shared memory.
//
//===----------------------------------------------------------------------===//

#include "compiler/Limits.h"
#include "compiler/SizeRefusal.h"
#include "compiler/cta/SizeAdvice.h"
#include "compiler/tile_to_cta/Distribute.h"
#include "compiler/tile_to_cta/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_TILETOCTA
#include "compiler/tile_to_cta/Passes.h.inc"
} // namespace imbrex

namespace {

struct TileToCta : imbrex::impl::TileToCtaBase<TileToCta> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> kernels;
    getOperation().walk([&](func::FuncOp kernel) {
      if (tile::requestOf(kernel))
        kernels.push_back(kernel);
    });
    for (func::FuncOp kernel : kernels)
      if (failed(distributeKernel(kernel)))
        return signalPassFailure();
  }

private:
  LogicalResult distributeKernel(func::FuncOp kernel);
};

} // namespace

/// Buffers and rings of a kernel: what of them lives at once is found by comparing them (cta/SharedLives.h).
static constexpr unsigned kMostAllocations = 1024;

/// Elements of the distributed tile that one thread holds; 1 for anything else.
static int64_t registersOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa_and_nonnull<cta::LayoutAttr>(tensor.getEncoding()) ? cta::layoutOf(tensor).registersPerThread()
                                                                          : 1;
}

static LogicalResult checkSizes(func::FuncOp kernel, unsigned warps) {
  WalkResult result = kernel.walk([&](Operation *op) {
    if (op->hasTrait<OpTrait::ConstantLike>() || op->getNumRegions() != 0)
      return WalkResult::advance(); // has no place in the text, or nothing of its own; what is in it has
    for (Type type : op->getResultTypes())
      if (int64_t count = registersOf(type); count > kMaxTileRegisters) {
        refuseSize(op, SizeLimit::Registers)
            << "this tile of " << cast<RankedTensorType>(type).getNumElements() << " elements takes " << count
            << " registers of each thread, more than " << kMaxTileRegisters << "; " << sizeAdvice(op, warps);
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

static LogicalResult checkAllocations(func::FuncOp kernel) {
  llvm::SmallPtrSet<Operation *, 16> touched;
  WalkResult result = kernel.walk([&](Operation *op) -> WalkResult {
    for (Value operand : op->getOperands())
      if (Operation *source = operand.getDefiningOp(); isa_and_nonnull<cta::AllocOp, cta::RingOp>(source))
        touched.insert(source);
    if (touched.size() <= kMostAllocations)
      return WalkResult::advance();
    return refuseSize(op, SizeLimit::SharedMemory)
           << "up to here the kernel takes " << touched.size() << " tiles in shared memory, more than "
           << kMostAllocations << "; split the kernel";
  });
  return failure(result.wasInterrupted());
}

LogicalResult TileToCta::distributeKernel(func::FuncOp kernel) {
  unsigned warps = tile::requestOf(kernel).getWarps();
  std::optional<Target> target = Target::parse(tile::requestOf(kernel).getTarget().str());
  if (!target)
    return kernel.emitError("unknown target '") << tile::requestOf(kernel).getTarget() << "'";
  DotPlans plans = planDots(kernel, *target, warps);
  LayoutAnalysis layouts(kernel, warps, plans);
  OpBuilder builder(kernel);
  auto newKernel = cast<func::FuncOp>(builder.cloneWithoutRegions(*kernel));
  newKernel.addEntryBlock();
  unsigned conversions = distribute(kernel, newKernel, *target, plans, layouts);
  kernel.erase();
  if (conversions > 0)
    newKernel.emitRemark() << conversions << " tile conversion(s) through shared memory inside a loop";
  return success(succeeded(checkSizes(newKernel, warps)) && succeeded(checkAllocations(newKernel)));
}
