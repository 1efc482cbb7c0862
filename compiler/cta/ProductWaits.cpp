//===- ProductWaits.cpp - Wait for products where they are used ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A wgmma is a group of its own, and groups are done in order: what may be in flight at a wait are the products issued
// behind the one that is waited for.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/ProductWaits.h"
#include "compiler/cta/BufferAccess.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace imbrex;

/// The most groups that a wait for products can leave in flight (PTX ISA, "wgmma.wait_group").
static constexpr unsigned kMostPending = 7;

bool imbrex::runsOn(cta::DotOp dot) { return dot && dot.getKind() == cta::DotKind::Wgmma; }

/// Products that may be in flight before `wait`, by what its block says.
static unsigned mostInFlight(cta::DotWaitOp wait) {
  unsigned issued = 0;
  for (Operation *op = wait->getPrevNode(); op; op = op->getPrevNode()) {
    if (auto before = dyn_cast<cta::DotWaitOp>(op))
      return issued + std::min<unsigned>(before.getPending(), mostInFlight(before));
    if (auto dot = dyn_cast<cta::DotOp>(op))
      issued += runsOn(dot);
    else if (op->walk([](cta::DotOp) { return WalkResult::interrupt(); }).wasInterrupted())
      break;
  }
  return kMostPending + 1;
}

bool imbrex::isDoneBefore(cta::DotWaitOp wait) { return mostInFlight(wait) <= wait.getPending(); }

/// Products of kind fma and mma are done when they are issued.
static void dropWaits(func::FuncOp kernel) {
  kernel.walk([](cta::DotWaitOp wait) {
    if (llvm::any_of(wait.getValues(), [](Value value) { return runsOn(productOf(value)); }))
      return;
    wait.replaceAllUsesWith(wait.getValues());
    wait.erase();
  });
  kernel.walk([](cta::DotOp dot) { dot.setAsync(runsOn(dot)); });
}

/// True if `op`, or what is in it, uses one of `values`.
static bool usesAnyOf(Operation *op, const llvm::SmallPtrSetImpl<Operation *> &sources) {
  return op
      ->walk([&](Operation *inner) {
        return llvm::any_of(inner->getOperands(),
                            [&](Value operand) { return sources.contains(operand.getDefiningOp()); })
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

/// True if `op`, or what is in it, fills memory that is in `read`.
static bool fillsAnyOf(Operation *op, ArrayRef<Operation *> read) {
  auto isRead = [&](Operation *allocation) { return llvm::is_contained(read, allocation); };
  return op
      ->walk([&](Operation *inner) {
        Touched touched = touchedBy(inner);
        bool fills = llvm::any_of(touched.writes, isRead) || llvm::any_of(touched.starts, isRead);
        return fills ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// True of a line's read from shared memory, and of what repeats it: registers that nothing but its users fills.
static bool isReadOfLine(Operation *op) {
  if (isa<tile::ExpandDimsOp, tile::BroadcastOp>(op))
    return true;
  auto read = dyn_cast<cta::ReadOp>(op);
  return read && read.getBuffer().getType().getRows() == 1;
}

/// True if what `op` reads is filled behind it, before `end`.
static bool isFilledBefore(Operation *op, Operation *end) {
  const Touched touched = touchedBy(op);
  for (Operation *next = op->getNextNode(); next != end; next = next->getNextNode())
    if (fillsAnyOf(next, touched.reads))
      return true;
  return false;
}

/// Adds to `moved`, which stay in the order of the block, the reads of lines before `end` that only they use: earlier
/// they would hold registers while the product runs.
static void addReadsOfLines(SmallVectorImpl<Operation *> &moved, Operation *end) {
  llvm::SmallPtrSet<Operation *, 16> inside(moved.begin(), moved.end());
  SmallVector<Operation *> all(moved.rbegin(), moved.rend());
  auto isInside = [&](Operation *user) {
    Operation *own = end->getBlock()->findAncestorOpInBlock(*user);
    return own && inside.contains(own);
  };
  for (Operation *op = end->getPrevNode(); op != moved.front(); op = op->getPrevNode())
    if (!inside.contains(op) && isReadOfLine(op) && !op->use_empty() && llvm::all_of(op->getUsers(), isInside) &&
        !isFilledBefore(op, end)) {
      inside.insert(op);
      all.push_back(op);
    }
  llvm::sort(all, [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); });
  moved.assign(all.begin(), all.end());
}

/// Moves a wait, and all of its block that needs it, behind what does not: up to the first operation that needs it and
/// has effects, which keep their order, or fills what the product reads.
static void sinkWait(cta::DotWaitOp wait) {
  const Touched touched = touchedBy(wait);
  llvm::SmallPtrSet<Operation *, 16> needs{wait.getOperation()};
  SmallVector<Operation *> moved{wait};
  Operation *end = wait->getNextNode();
  for (; end != wait->getBlock()->getTerminator(); end = end->getNextNode()) {
    if (fillsAnyOf(end, touched.reads))
      break;
    if (!usesAnyOf(end, needs))
      continue;
    if (!isMemoryEffectFree(end))
      break;
    needs.insert(end);
    moved.push_back(end);
  }
  addReadsOfLines(moved, end);
  for (Operation *op : moved)
    op->moveBefore(end);
}

/// Groups behind that of `wait`: each product is one. 0 where a way there may have any number.
static unsigned productsBehind(cta::DotWaitOp wait) {
  unsigned least = ~0u;
  for (Value value : wait.getValues()) {
    cta::DotOp dot = productOf(value);
    if (!dot || dot->getBlock() != wait->getBlock())
      return 0;
    unsigned count = 0;
    for (Operation *op = dot->getNextNode(); op != wait; op = op->getNextNode())
      if (auto other = dyn_cast<cta::DotOp>(op))
        count += runsOn(other);
    least = std::min(least, count);
  }
  return std::min(least, kMostPending);
}

/// Sums over rows between a product's issue and the wait: all the work that was to be done beside it is behind them.
static void holdBehindSums(cta::DotWaitOp wait) {
  cta::DotOp dot = productOf(wait.getValues().front());
  if (!dot || dot->getBlock() != wait->getBlock() || !wait->getParentOfType<scf::ForOp>())
    return;
  Value last;
  for (Operation *op = dot->getNextNode(); op != wait; op = op->getNextNode())
    if (isa<cta::ReduceOp, tile::ReduceOp>(op) && getElementTypeOrSelf(op->getResult(0).getType()).isF32())
      last = op->getResult(0);
  if (!last) {
    wait.emitRemark("wait for this product not held back: no sum over rows is computed beside it");
    return;
  }
  wait.getAfterMutable().assign(last);
  wait.emitRemark("wait for this product held back behind the sums over rows that are computed beside it");
}

/// A left operand in registers that the loop carries is made by its narrowing cast, or rounding, if that is all its
/// use, once the product which reads the old one is done (ptxas gives both the same registers).
static void castBehindWait(cta::DotWaitOp wait) {
  auto loop = dyn_cast<scf::ForOp>(wait->getParentOp());
  for (Value value : wait.getValues()) {
    cta::DotOp dot = productOf(value);
    auto left = dot && dot.getA() ? dyn_cast<BlockArgument>(dot.getA()) : BlockArgument();
    if (!loop || !left || left.getOwner() != loop.getBody() || left.getArgNumber() == 0)
      continue;
    Operation *cast = loop.getYieldedValues()[left.getArgNumber() - 1].getDefiningOp();
    if (isa_and_nonnull<arith::TruncFOp, tile::NarrowOp, cta::RoundOp>(cast) && cast->getBlock() == loop.getBody() &&
        cast->hasOneUse() && cast->isBeforeInBlock(wait))
      cast->moveAfter(wait);
  }
}

void imbrex::placeProductWaits(func::FuncOp kernel) {
  dropWaits(kernel);
  SmallVector<cta::DotWaitOp> waits; // in the order of their products
  kernel.walk([&](cta::DotOp dot) {
    for (Operation *user : dot->getUsers())
      if (auto wait = dyn_cast<cta::DotWaitOp>(user); wait && wait->getBlock() == dot->getBlock())
        waits.push_back(wait);
  });
  for (cta::DotWaitOp wait : waits)
    sinkWait(wait);
  for (cta::DotWaitOp wait : waits) {
    castBehindWait(wait);
    holdBehindSums(wait);
    wait.setPending(productsBehind(wait));
  }
}
