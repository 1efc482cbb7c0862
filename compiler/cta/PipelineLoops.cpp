//===- PipelineLoops.cpp - Start copies of later iterations while this one computes -===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-pipeline-loops: a loop of put, get, compute becomes a ring. With S stages, D = S - 1:
//
//     put slot 0 .. D-1  (iterations 0 .. D-1)         get waits until at most (D - 1) x puts-a-pass
//     loop j, slot = j % S:                            younger copies are on their way
//       get slot                 <- a barrier: the slot read by iteration j - 1 is free for everyone
//       put slot of (j + D) % S  <- that very slot
//       compute
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_PIPELINELOOPS
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

namespace {

/// One copy of a loop's body: the put, its get, and the scalar operations that compute where it copies from.
struct Copy {
  cta::PutOp put;
  cta::GetOp get;
  SmallVector<Operation *> slice; ///< in program order
};

struct PipelineLoops : imbrex::impl::PipelineLoopsBase<PipelineLoops> {
  void runOnOperation() override {
    tile::RequestAttr request = tile::requestOf(getOperation());
    if (!request || request.getStages() < 2)
      return;
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops) {
      SmallVector<Copy> copies = findCopies(loop);
      if (!copies.empty())
        pipeline(loop, copies, request.getStages());
    }
  }

private:
  SmallVector<Copy> findCopies(scf::ForOp loop);
  void pipeline(scf::ForOp loop, MutableArrayRef<Copy> copies, unsigned stages);
};

} // namespace

/// Adds to `slice` the operations of the loop's body that `value` needs. False if it needs more than
/// pure scalars of the induction variable.
static bool collectSlice(Value value, scf::ForOp loop, llvm::SetVector<Operation *> &slice) {
  if (value == loop.getInductionVar() || loop.isDefinedOutsideOfLoop(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != loop.getBody() || !isPure(op) || op->getNumRegions() != 0)
    return false;
  if (slice.contains(op))
    return true;
  for (Value operand : op->getOperands())
    if (!collectSlice(operand, loop, slice))
      return false;
  slice.insert(op);
  return true;
}

SmallVector<Copy> PipelineLoops::findCopies(scf::ForOp loop) {
  SmallVector<Copy> copies;
  for (cta::PutOp put : loop.getBody()->getOps<cta::PutOp>()) {
    auto alloc = put.getBuffer().getDefiningOp<cta::AllocOp>();
    if (!alloc || loop->isAncestor(alloc) || put.getBuffer().getType().getSlots() != 1)
      continue;
    auto get = dyn_cast<cta::GetOp>(put->getNextNode());
    if (!get || get.getBuffer() != put.getBuffer())
      continue;
    llvm::SetVector<Operation *> slice;
    bool movable = llvm::all_of(put->getOperands(), [&](Value operand) {
      return operand == put.getBuffer() || collectSlice(operand, loop, slice);
    });
    if (!movable) {
      put.emitRemark("this copy is not started ahead: where it reads depends on more than the loop's index");
      continue;
    }
    copies.push_back({put, get, SmallVector<Operation *>(slice.begin(), slice.end())});
  }
  return copies;
}

static Value constant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(value));
}

/// Clones `copy`'s put for iteration `iteration` into `slot`, done only where `condition` holds.
static void emitPut(OpBuilder &b, scf::ForOp loop, Copy &copy, Value iteration, Value slot, Value condition) {
  IRMapping map;
  map.map(loop.getInductionVar(), iteration);
  for (Operation *op : copy.slice)
    b.clone(*op, map);
  auto put = cast<cta::PutOp>(b.clone(*copy.put, map));
  put.getSlotMutable().assign(slot);
  put.getConditionMutable().assign(condition);
}

/// Adds a loop-carried i32 `slot`, from 0, that goes round `stages`. Returns the new loop.
static scf::ForOp addSlotCounter(scf::ForOp loop, unsigned stages, Value &slot) {
  IRRewriter rewriter(loop.getContext());
  rewriter.setInsertionPoint(loop);
  Value zero = constant(rewriter, loop.getLoc(), 0);
  auto makeNext = [&](OpBuilder &b, Location loc, ArrayRef<BlockArgument> args) -> SmallVector<Value> {
    Value next = arith::AddIOp::create(b, loc, args[0], constant(b, loc, 1));
    Value wraps = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, next, constant(b, loc, stages));
    return {arith::SelectOp::create(b, loc, wraps, constant(b, loc, 0), next)};
  };
  auto newLoop = cast<scf::ForOp>(
      *loop.replaceWithAdditionalYields(rewriter, zero, /*replaceInitOperandUsesInLoop=*/false, makeNext));
  slot = newLoop.getRegionIterArgs().back();
  return newLoop;
}

void PipelineLoops::pipeline(scf::ForOp loop, MutableArrayRef<Copy> copies, unsigned stages) {
  Value slot;
  loop = addSlotCounter(loop, stages, slot); // the body's operations move along, `copies` stays valid
  Location loc = loop.getLoc();
  unsigned ahead = stages - 1;
  for (Copy &copy : copies) {
    auto alloc = copy.put.getBuffer().getDefiningOp<cta::AllocOp>();
    alloc.getResult().setType(alloc.getType().withSlots(stages));
  }

  OpBuilder b(loop);
  auto inRange = [&](Value iteration) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, iteration, loop.getUpperBound());
  };
  for (unsigned stage = 0; stage < ahead; ++stage) {
    Value distance = arith::MulIOp::create(b, loc, loop.getStep(), constant(b, loc, stage));
    Value iteration = arith::AddIOp::create(b, loc, loop.getLowerBound(), distance);
    Value condition = inRange(iteration);
    for (Copy &copy : copies)
      emitPut(b, loop, copy, iteration, constant(b, loc, stage), condition);
  }

  // The gets move to the top of the body: one wait and one barrier serve them all.
  unsigned pending = (ahead - 1) * copies.size();
  Operation *first = &loop.getBody()->front();
  for (Copy &copy : copies) {
    copy.get->moveBefore(first);
    copy.get.getSlotMutable().assign(slot);
    copy.get.setPending(pending);
  }
  b.setInsertionPoint(first);
  Value distance = arith::MulIOp::create(b, loc, loop.getStep(), constant(b, loc, ahead));
  Value iteration = arith::AddIOp::create(b, loc, loop.getInductionVar(), distance);
  Value condition = inRange(iteration);
  Value isZero = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, slot, constant(b, loc, 0));
  Value before = arith::SubIOp::create(b, loc, slot, constant(b, loc, 1));
  Value freed = arith::SelectOp::create(b, loc, isZero, constant(b, loc, ahead), before);
  for (Copy &copy : copies)
    emitPut(b, loop, copy, iteration, freed, condition);
  for (Copy &copy : copies) {
    copy.put.erase();
    copy.get.emitRemark() << "ring of " << stages << " slots, "
                          << copy.get.getBuffer().getType().getLayout().sizeBytes() << " bytes each, "
                          << copy.get.getBuffer().getType().getSpan() << "-byte swizzle";
  }
}
