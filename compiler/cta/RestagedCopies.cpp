//===- RestagedCopies.cpp - Tiles that the copying warps write anew --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The queues stand where buffers stood before the kernel is parted; the slice of the copies takes them along.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/RestagedCopies.h"
#include "compiler/cta/Movable.h"
#include "compiler/cta/QueueOrder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace imbrex;

//===----------------------------------------------------------------------===//
// Queues
//===----------------------------------------------------------------------===//

/// What restages the tile of `put`, which has no other use; null if nothing does.
static cta::RestageOp onlyRestageOf(cta::PutOp put) {
  auto get = dyn_cast<cta::GetOp>(put->getNextNode());
  auto restage = get && get->hasOneUse() ? dyn_cast<cta::RestageOp>(*get->user_begin()) : cta::RestageOp();
  const bool isAside =
      restage && restage->getBlock() == put->getBlock() && restage.getTarget().getDefiningOp<cta::AllocOp>();
  return isAside ? restage : cta::RestageOp();
}

bool imbrex::isRestaged(cta::PutOp put) { return bool(onlyRestageOf(put)); }

void RestagedCopies::makeQueue(Restaged &restaged) {
  auto buffer = restaged.restage.getTarget().getDefiningOp<cta::AllocOp>();
  Location loc = restaged.restage.getLoc();
  Value step = restaged.put.getStep();
  OpBuilder b(buffer);
  restaged.queue = cta::RingOp::create(b, loc, cta::RingType::getFor(buffer.getType(), 1, cta::Completion::Mbarrier),
                                       /*offset=*/nullptr, /*barriers=*/nullptr);
  b.setInsertionPoint(restaged.restage);
  restaged.acquire = cta::AcquireOp::create(b, loc, buffer.getType(), restaged.queue, step);
  b.setInsertionPointAfter(restaged.restage);
  restaged.publish = cta::PublishOp::create(b, loc, restaged.queue, step);
  restaged.result = cta::GetOp::create(b, loc, buffer.getType(), restaged.queue, step, nullptr, nullptr);
  restaged.restage.getTargetMutable().assign(restaged.acquire);
  buffer.replaceAllUsesWith(restaged.result.getResult());
  buffer.erase();
}

RestagedCopies::RestagedCopies(ArrayRef<cta::PutOp> puts) {
  for (cta::PutOp put : puts)
    if (cta::RestageOp restage = onlyRestageOf(put)) {
      Restaged found{put, cast<cta::GetOp>(put->getNextNode()), {}, {}, restage, {}, {}};
      makeQueue(found);
      restage.emitRemark("written anew by the warps that copy");
      all.push_back(found);
    }
}

bool RestagedCopies::contains(cta::PutOp put) const {
  return llvm::any_of(all, [&](const Restaged &each) { return each.put == put; });
}

void RestagedCopies::setSlots(function_ref<unsigned(cta::PutOp)> slots) {
  for (Restaged &each : all)
    each.queue.getResult().setType(each.queue.getType().withSlots(slots(each.put)));
}

void RestagedCopies::setSteps() {
  for (Restaged &each : all) {
    Value step = each.put.getStep();
    each.acquire.getStepMutable().assign(step);
    each.publish.getStepMutable().assign(step);
    each.result.getStepMutable().assign(step);
  }
}

void RestagedCopies::addTo(CopySlice &slice) const {
  for (const Restaged &each : all) {
    slice.add(each.restage);
    slice.add(each.publish);
  }
}

void RestagedCopies::erase() {
  for (Restaged &each : all) {
    auto clear = each.restage.getSource().getDefiningOp<cta::ClearOp>();
    each.publish.erase();
    each.restage.erase();
    each.acquire.erase();
    if (clear)
      clear.erase();
    each.get.erase();
  }
}

//===----------------------------------------------------------------------===//
// Delay
//===----------------------------------------------------------------------===//

/// `needed`, operations of the loop's body, with the scalars that they need of it, in the body's order; empty: they
/// cannot be done an iteration later.
static SmallVector<Operation *> withScalars(scf::ForOp loop, llvm::SmallPtrSet<Operation *, 16> needed) {
  SmallVector<Operation *> work(needed.begin(), needed.end());
  while (!work.empty())
    for (Value operand : work.pop_back_val()->getOperands()) {
      Operation *source = operand.getDefiningOp();
      if (llvm::is_contained(loop.getRegionIterArgs(), operand))
        return {};
      if (!source || source->getBlock() != loop.getBody() || !needed.insert(source).second)
        continue;
      if (!isMovable(source))
        return {};
      work.push_back(source);
    }
  SmallVector<Operation *> ordered;
  for (Operation &op : *loop.getBody())
    if (needed.contains(&op))
      ordered.push_back(&op);
  return ordered;
}

/// What restages the tiles of an iteration, if that can be done in the next one.
static SmallVector<Operation *> restagesOf(scf::ForOp loop) {
  if (usesQueuesInside(loop)) // they would wait for a tile of this loop that comes behind them
    return {};
  llvm::SmallPtrSet<Operation *, 16> needed;
  for (cta::PublishOp publish : loop.getBody()->getOps<cta::PublishOp>()) {
    SmallVector<Operation *> filling = fillingOf(publish);
    if (llvm::none_of(filling, llvm::IsaPred<cta::RestageOp>))
      continue;
    // So they would where a tile written anew keeps the only slot until one that is copied behind it has been read.
    if (publish.getRing().getType().getSlots() == 1)
      return {};
    for (Operation *op : filling)
      if (!isa<cta::PutOp>(op))
        needed.insert(op);
  }
  return withScalars(loop, needed);
}

/// What restages the tile of `put`, empty if nothing does.
static SmallVector<Operation *> restageOf(scf::ForOp loop, cta::PutOp put) {
  llvm::SmallPtrSet<Operation *, 16> needed;
  for (cta::PublishOp publish : loop.getBody()->getOps<cta::PublishOp>())
    if (SmallVector<Operation *> filling = fillingOf(publish); llvm::is_contained(filling, put))
      needed.insert(filling.begin(), filling.end());
  if (!needed.erase(put))
    return {};
  return withScalars(loop, needed);
}

/// Clones `restages` for iteration `last`, which there is if `first` lies before `end`.
static void restageLater(OpBuilder &b, scf::ForOp loop, ArrayRef<Operation *> restages, Value first, Value end) {
  Location loc = loop.getLoc();
  Value exists = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, first, end);
  auto branch = scf::IfOp::create(b, loc, exists, /*withElseRegion=*/false);
  OpBuilder inner = branch.getThenBodyBuilder();
  IRMapping map;
  map.map(loop.getInductionVar(),
          arith::SubIOp::create(inner, loc, end, loop.getStep(), arith::IntegerOverflowFlags::nsw).getResult());
  for (Operation *op : restages)
    inner.clone(*op, map);
}

static bool hasOneSlot(cta::PutOp put) { return put.getRing().getType().getSlots() == 1; }

/// Restages the tile before a put's right before it, which has the only slot.
static void restageBeforePuts(scf::ForOp loop) {
  for (cta::PutOp put : loop.getBody()->getOps<cta::PutOp>())
    if (SmallVector<Operation *> restages = restageOf(loop, put); !restages.empty()) {
      OpBuilder b(put);
      restageLater(b, loop, restages, loop.getLowerBound(), loop.getInductionVar());
    }
}

static void delayIn(scf::ForOp loop) {
  SmallVector<Operation *> restages = restagesOf(loop);
  if (restages.empty())
    return;
  OpBuilder b(loop.getBody()->getTerminator());
  if (llvm::any_of(loop.getBody()->getOps<cta::PutOp>(), hasOneSlot))
    restageBeforePuts(loop);
  else
    restageLater(b, loop, restages, loop.getLowerBound(), loop.getInductionVar());
  b.setInsertionPointAfter(loop);
  restageLater(b, loop, restages, loop.getLowerBound(), loop.getUpperBound());
  for (Operation *op : llvm::reverse(restages))
    if (op->use_empty() && !isPure(op))
      op->erase();
}

void imbrex::delayRestages(Block &copy) {
  SmallVector<scf::ForOp> loops;
  copy.walk([&](scf::ForOp loop) { loops.push_back(loop); });
  for (scf::ForOp loop : loops)
    delayIn(loop);
}
