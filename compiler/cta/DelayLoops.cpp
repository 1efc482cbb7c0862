//===- DelayLoops.cpp - Late products one iteration behind ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products that run on behind their issue: an iteration issues its early ones and then the late ones of the iteration
// before, so that its element-wise work is done beside these.
//
//     loop j: s = q K[j]; m, p = softmax(s, m); o = o * scale(m) + p V[j]
//
//     if there is an iteration:   s = q K[first]; m, p = softmax(s, m); o = o * scale(m)
//       loop j, but the last:     s = q K[j + 1];  o = o + p V[j];  m, p = softmax(s, m); o = o * scale(m)
//       last:                     o = o + p V[last]
//
// The late part is the late products with their waits, what of it is made beside them, and the copies into the rings
// that they read; all else is the early part, which is made one iteration ahead. Where it reads what the loop carries
// and the late part makes, it reads the result of the iteration before, which is there.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/DelayLoops.h"
#include "compiler/cta/Movable.h"
#include "compiler/cta/QueueOrder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace imbrex;

using Operations = llvm::SetVector<Operation *>;

namespace {

class LoopDelayer {
public:
  LoopDelayer(scf::ForOp loop, const LoopDots &dots) : loop(loop), dots(dots) {}

  void run();

private:
  bool collectLate();
  bool collectOpening();
  void collectHanded();
  bool isCarriedByLate(unsigned argument) { return isIn(late, loop.getYieldedValues()[argument]); }
  static bool isIn(const Operations &part, Value value) {
    return value.getDefiningOp() && part.contains(value.getDefiningOp());
  }
  bool isOfBody(Operation *op) { return op && op->getBlock() == loop.getBody(); }
  /// Clones the operations of the body that `part` has, and `without` has not, in their order.
  void clonePart(OpBuilder &b, const Operations &part, const Operations &without, IRMapping &map);
  void rewrite();

  scf::ForOp loop;
  const LoopDots &dots;
  Operations late;           ///< with the pure scalars that it shares with the rest
  Operations delayed;        ///< of these, what only the late part has
  Operations ahead;          ///< the rest of the body
  Operations opening;        ///< of it, the early products and what they need
  SmallVector<Value> handed; ///< values of an iteration that its late part uses: of `ahead`, and carried ones
};

} // namespace

/// The late products whose results only the next iteration reads, their waits, gets and puts.
bool LoopDelayer::collectLate() {
  llvm::SmallPtrSet<Value, 4> rings;
  for (cta::DotOp dot : dots.late) {
    delayed.insert(dot);
    for (Operation *user : dot->getUsers()) {
      auto wait = dyn_cast<cta::DotWaitOp>(user);
      bool isYielded =
          wait && wait->getBlock() == loop.getBody() &&
          llvm::all_of(wait->getUsers(), [&](Operation *next) { return next == loop.getBody()->getTerminator(); });
      if (!isYielded) {
        dot.emitRemark("late product not delayed by an iteration: its own iteration uses it");
        return false;
      }
      delayed.insert(wait);
    }
    for (Value operand : dot->getOperands())
      for (Operation *slot = operand.getDefiningOp(); isOfBody(slot) && isa<cta::GetOp, cta::ClearOp>(slot);
           slot = slot->getOperand(0).getDefiningOp()) {
        if (llvm::any_of(slot->getUsers(), [&](Operation *user) {
              return isa<cta::DotOp>(user) && !llvm::is_contained(dots.late, cast<cta::DotOp>(user));
            })) {
          dot.emitRemark("late product not delayed by an iteration: another one reads the same tile");
          return false;
        }
        delayed.insert(slot);
        if (auto get = dyn_cast<cta::GetOp>(slot))
          rings.insert(get.getRing());
      }
  }
  for (Operation &op : *loop.getBody())
    if (auto put = dyn_cast<cta::PutOp>(op); put && rings.contains(put.getRing()))
      delayed.insert(put);
  // Pure scalars are made for each part that needs them.
  late.insert(delayed.begin(), delayed.end());
  SmallVector<Operation *> work(late.begin(), late.end());
  while (!work.empty())
    for (Value operand : work.pop_back_val()->getOperands())
      if (Operation *source = operand.getDefiningOp();
          isOfBody(source) && !isa<RankedTensorType>(operand.getType()) && isMovable(source) && late.insert(source))
        work.push_back(source);
  return true;
}

/// True of what may stand before the rest of its iteration, if what it needs does.
static bool mayOpen(Operation *op) {
  if (auto put = dyn_cast<cta::PutOp>(op))
    return isOfInput(put);
  return isa<cta::DotOp, cta::DotWaitOp, cta::GetOp, cta::ClearOp, cta::ReadOp, cta::WriteOp>(op) || isRepeatable(op);
}

/// The early products, with what they need: the copies that their iteration makes before it reads them, and what it
/// moves through shared memory; their waits come behind the late products.
bool LoopDelayer::collectOpening() {
  SmallVector<Operation *> work(dots.early.begin(), dots.early.end());
  opening.insert(work.begin(), work.end());
  auto need = [&](Operation *op) {
    if (opening.insert(op))
      work.push_back(op);
  };
  while (!work.empty()) {
    Operation *op = work.pop_back_val();
    if (delayed.contains(op) || !mayOpen(op))
      return false;
    for (Value operand : op->getOperands()) {
      if (llvm::is_contained(loop.getRegionIterArgs(), operand))
        return false;
      if (Operation *source = operand.getDefiningOp(); isOfBody(source))
        need(source);
    }
    if (auto get = dyn_cast<cta::GetOp>(op))
      for (auto put : loop.getBody()->getOps<cta::PutOp>())
        if (put.getRing() == get.getRing() && put->isBeforeInBlock(get))
          need(put);
    if (auto read = dyn_cast<cta::ReadOp>(op))
      if (auto alloc = read.getBuffer().getDefiningOp<cta::AllocOp>())
        for (Operation *user : alloc->getUsers())
          if (Operation *own = loop.getBody()->findAncestorOpInBlock(*user))
            need(own);
  }
  return true;
}

/// What the late part uses of its own iteration.
void LoopDelayer::collectHanded() {
  for (Operation &op : loop.getBody()->without_terminator())
    if (!delayed.contains(&op))
      ahead.insert(&op);
  for (Operation *op : late)
    for (Value operand : op->getOperands()) {
      auto argument = dyn_cast<BlockArgument>(operand);
      bool isCarried = argument && argument.getOwner() == loop.getBody() && argument.getArgNumber() > 0 &&
                       !isCarriedByLate(argument.getArgNumber() - 1);
      bool isMade = isOfBody(operand.getDefiningOp()) && !isIn(late, operand);
      if ((isCarried || isMade) && !llvm::is_contained(handed, operand))
        handed.push_back(operand);
    }
}

void LoopDelayer::clonePart(OpBuilder &b, const Operations &part, const Operations &without, IRMapping &map) {
  for (Operation &op : loop.getBody()->without_terminator())
    if (part.contains(&op) && !without.contains(&op))
      b.clone(op, map);
}

void LoopDelayer::rewrite() {
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  const Operations none;
  Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, loop.getLowerBound(), loop.getUpperBound());
  auto branch = scf::IfOp::create(b, loc, loop.getResultTypes(), some, /*withElseRegion=*/true);
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, loc, loop.getInitArgs());
  b.setInsertionPointToStart(branch.thenBlock());

  IRMapping first;
  first.map(loop.getInductionVar(), loop.getLowerBound());
  first.map(loop.getRegionIterArgs(), loop.getInitArgs());
  clonePart(b, ahead, none, first);
  SmallVector<Value> inits;
  for (auto [i, init] : llvm::enumerate(loop.getInitArgs()))
    inits.push_back(isCarriedByLate(i) ? init : first.lookupOrDefault(loop.getYieldedValues()[i]));
  for (Value value : handed)
    inits.push_back(first.lookupOrDefault(value));
  Value last = arith::SubIOp::create(b, loc, loop.getUpperBound(), loop.getStep());
  auto delaying = scf::ForOp::create(b, loc, loop.getLowerBound(), last, loop.getStep(), inits);
  if (!delaying.getBody()->empty())
    delaying.getBody()->back().erase();

  // Iteration j of the new loop: the late part of j, the rest of j + 1.
  OpBuilder inner = OpBuilder::atBlockEnd(delaying.getBody());
  const unsigned own = loop.getNumRegionIterArgs();
  IRMapping now, next;
  now.map(loop.getInductionVar(), delaying.getInductionVar());
  now.map(loop.getRegionIterArgs(), delaying.getRegionIterArgs().take_front(own));
  now.map(handed, delaying.getRegionIterArgs().drop_front(own));
  next.map(loop.getInductionVar(), arith::AddIOp::create(inner, loc, delaying.getInductionVar(), loop.getStep(),
                                                         arith::IntegerOverflowFlags::nsw)
                                       .getResult());
  clonePart(inner, opening, none, next);
  clonePart(inner, late, none, now);
  for (auto [i, argument] : llvm::enumerate(loop.getRegionIterArgs()))
    next.map(argument, isCarriedByLate(i) ? now.lookup(loop.getYieldedValues()[i]) : delaying.getRegionIterArgs()[i]);
  clonePart(inner, ahead, opening, next);
  SmallVector<Value> yields;
  for (auto [i, value] : llvm::enumerate(loop.getYieldedValues()))
    yields.push_back(isCarriedByLate(i) ? now.lookup(value) : next.lookupOrDefault(value));
  for (Value value : handed)
    yields.push_back(next.lookupOrDefault(value));
  scf::YieldOp::create(inner, loc, yields);

  IRMapping peeled;
  peeled.map(loop.getInductionVar(), last);
  peeled.map(loop.getRegionIterArgs(), delaying.getResults().take_front(own));
  peeled.map(handed, delaying.getResults().drop_front(own));
  clonePart(b, late, none, peeled);
  SmallVector<Value> results;
  for (auto [i, value] : llvm::enumerate(loop.getYieldedValues()))
    results.push_back(isCarriedByLate(i) ? peeled.lookup(value) : delaying.getResult(i));
  scf::YieldOp::create(b, loc, results);
  loop.replaceAllUsesWith(branch.getResults());
  loop.erase();
}

void LoopDelayer::run() {
  if (!collectLate())
    return;
  if (!collectOpening()) {
    loop.emitRemark("late products not delayed by an iteration: an operand is made in the loop");
    return;
  }
  collectHanded();
  for (cta::DotOp dot : dots.late)
    dot.emitRemark("late product: delayed by one iteration");
  auto gets = loop.getBody()->getOps<cta::GetOp>();
  fillLast(llvm::filter_to_vector(gets, [&](cta::GetOp get) { return delayed.contains(get); }));
  rewrite();
}

void imbrex::delayLateDots(scf::ForOp loop, const LoopDots &dots) { LoopDelayer(loop, dots).run(); }
