//===- LoopInstances.cpp - The pass cta-loop-instances ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loop is one of the program: what passes know of loops, as where barriers stand, how rings count their steps and
// what stays in shared memory, they know of this one.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/LoopInstances.h"
#include "compiler/cta/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_LOOPINSTANCES
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

namespace {

struct LoopInstances : imbrex::impl::LoopInstancesBase<LoopInstances> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    tile::RequestAttr request = tile::requestOf(kernel);
    if (!request || !request.getResident())
      return;
    Block &body = kernel.getBody().front();
    OpBuilder b = OpBuilder::atBlockBegin(&body);
    Location loc = kernel.getLoc();
    Value zero = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
    Value one = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(1));
    auto loop = scf::ForOp::create(b, loc, zero, cta::InstancesOp::create(b, loc), one);
    auto all = llvm::make_range(std::next(loop->getIterator()), body.getTerminator()->getIterator());
    for (Operation &op : llvm::make_early_inc_range(all))
      op.moveBefore(isa<cta::RingOp, cta::AllocOp, cta::TensorMapOp>(op) ? loop.getOperation()
                                                                         : loop.getBody()->getTerminator());
    Value turn = loop.getInductionVar();
    kernel.walk([&](tile::ProgramIdOp id) { id.getTurnMutable().assign(turn); });
    for (auto put : loop.getBody()->getOps<cta::PutOp>()) {
      put.getStepMutable().assign(turn);
      cast<cta::GetOp>(put->getNextNode()).getStepMutable().assign(turn);
    }
  }
};

} // namespace
