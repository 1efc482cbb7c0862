//===- AllocateShared.cpp - Place buffers and rings in shared memory -----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-allocate-shared: first fit by offset, the largest first; what is not alive at once shares bytes.
//
//===----------------------------------------------------------------------===//

#include "compiler/SizeRefusal.h"
#include "compiler/Target.h"
#include "compiler/cta/BufferAccess.h"
#include "compiler/cta/Passes.h"
#include "compiler/cta/SharedLives.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_ALLOCATESHARED
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

/// The bytes, and the tiles they are for: "98304 bytes: 3 x 64x128 'bf16'".
static void describe(mlir::Diagnostic &note, Operation *allocation) {
  auto ring = dyn_cast<cta::RingOp>(allocation);
  cta::BufferType tile = ring ? ring.getType().getSlot() : cast<cta::AllocOp>(allocation).getType();
  note << sizeOf(allocation) << " bytes: " << (ring ? ring.getType().getSlots() : 1) << " x " << tile.getRows() << "x"
       << tile.getColumns() << " " << tile.getElementType();
}

static LogicalResult checkLimit(func::FuncOp kernel, const Target &target, const SharedPlan &plan) {
  if (plan.bytes <= target.sharedBytes)
    return success();
  InFlightDiagnostic error = refuseSize(kernel, SizeLimit::SharedMemory)
                             << "needs " << plan.bytes << " bytes of shared memory, but a CTA on " << target.name
                             << " has " << target.sharedBytes << ": choose smaller tiles or fewer stages";
  for (auto [allocation, offset] : plan.offsets)
    describe(error.attachNote(accessesOf(allocation).front()->getLoc()), allocation);
  return error;
}

namespace {

struct AllocateShared : imbrex::impl::AllocateSharedBase<AllocateShared> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    tile::RequestAttr request = tile::requestOf(kernel);
    if (!request)
      return; // no kernel
    std::optional<Target> target = Target::parse(request.getTarget().str());
    if (!target) {
      kernel.emitError() << "unknown target '" << request.getTarget() << "'";
      return signalPassFailure();
    }
    SharedPlan plan = planShared(kernel);
    if (failed(checkLimit(kernel, *target, plan)))
      return signalPassFailure();
    for (auto [allocation, offset] : plan.offsets)
      setOffset(allocation, offset);
    for (auto [ring, offset] : plan.barriers)
      cast<cta::RingOp>(ring).setBarriers(offset);
    cta::RolesOp roles = cta::rolesOf(kernel);
    unsigned threads = (request.getWarps() + (roles ? roles.getCopyWarps() : 0)) * layout::kWarpThreads;
    kernel->setAttr(cta::kLaunchAttr, cta::LaunchAttr::get(&getContext(), target->name, threads, plan.bytes,
                                                           target->registersFor(threads)));
  }
};

} // namespace
