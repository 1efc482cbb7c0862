//===- RingSteps.cpp - The steps of rings, counted -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One counter for all puts of one block.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/RingSteps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

/// The loops and branches around `op`, from the outermost loop on.
static SmallVector<Operation *> nestOf(Operation *op) {
  SmallVector<Operation *> nest;
  for (Operation *around = op->getParentOp(); isa<scf::ForOp, scf::IfOp>(around); around = around->getParentOp())
    nest.insert(nest.begin(), around);
  nest.erase(nest.begin(), llvm::find_if(nest, llvm::IsaPred<scf::ForOp>));
  return nest;
}

StringRef imbrex::whyNotCounted(cta::PutOp put) {
  auto loop = dyn_cast<scf::ForOp>(put->getParentOp());
  return !loop || matchPattern(loop.getStep(), m_One()) ? "" : "its loop does not count by one";
}

namespace {

/// A number that starts as 0 before a nest of loops and branches, and is carried through them.
class Counter {
public:
  explicit Counter(ArrayRef<Operation *> nest);
  /// What it is where the innermost of the nest begins.
  Value get() const { return now; }
  /// `after` is what it is behind `last`, which stands in the innermost.
  void close(Value after, Operation *last);

private:
  void enterLoop(scf::ForOp loop);
  void enterBranch(scf::IfOp branch);

  SmallVector<Operation *> nest;
  Value now; ///< in the innermost operation that was entered
};

} // namespace

Counter::Counter(ArrayRef<Operation *> ops) {
  OpBuilder b(ops.front());
  now = arith::ConstantOp::create(b, ops.front()->getLoc(), b.getI32IntegerAttr(0));
  for (Operation *op : ops)
    if (auto loop = dyn_cast<scf::ForOp>(op))
      enterLoop(loop);
    else
      enterBranch(cast<scf::IfOp>(op));
}

void Counter::enterLoop(scf::ForOp loop) {
  IRRewriter b(loop);
  auto yields = [&](OpBuilder &, Location, ArrayRef<BlockArgument> arguments) {
    return SmallVector<Value>{arguments[0]};
  };
  auto made =
      cast<scf::ForOp>(*loop.replaceWithAdditionalYields(b, now, /*replaceInitOperandUsesInLoop=*/false, yields));
  nest.push_back(made);
  now = made.getRegionIterArgs().back();
}

/// Both sides give what came in until the counter is closed.
void Counter::enterBranch(scf::IfOp branch) {
  OpBuilder b(branch);
  SmallVector<Type> types(branch.getResultTypes());
  types.push_back(b.getI32Type());
  auto made = scf::IfOp::create(b, branch.getLoc(), types, branch.getCondition(), /*addThenBlock=*/false,
                                /*addElseBlock=*/false);
  made.getThenRegion().takeBody(branch.getThenRegion());
  made.getElseRegion().takeBody(branch.getElseRegion());
  if (made.getElseRegion().empty()) {
    b.createBlock(&made.getElseRegion());
    scf::YieldOp::create(b, branch.getLoc());
  }
  for (Region *side : {&made.getThenRegion(), &made.getElseRegion()}) {
    Operation *yield = side->front().getTerminator();
    yield->insertOperands(yield->getNumOperands(), now);
  }
  branch.replaceAllUsesWith(made.getResults().drop_back());
  branch.erase();
  nest.push_back(made);
}

void Counter::close(Value after, Operation *last) {
  Block *block = last->getBlock();
  for (Operation *op : llvm::reverse(nest)) {
    Operation *yield = block->getTerminator();
    yield->setOperand(yield->getNumOperands() - 1, after);
    after = op->getResults().back();
    block = op->getBlock();
  }
}

/// The steps of earlier times through the block of `put`; null: there are none.
static Value stepsBefore(cta::PutOp put) {
  SmallVector<Operation *> nest = nestOf(put);
  auto loop = dyn_cast<scf::ForOp>(put->getParentOp());
  if (nest.size() <= (loop ? 1 : 0))
    return {};
  Operation *unit = put->getNextNode(); // its get
  if (loop) {
    nest.pop_back();
    unit = loop;
  }
  Counter counter(nest);
  OpBuilder b(put.getContext());
  Location loc = put.getLoc();
  b.setInsertionPointAfter(unit);
  Value more = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(loop ? 0 : 1));
  if (loop)
    more =
        arith::MaxSIOp::create(b, loc, arith::SubIOp::create(b, loc, loop.getUpperBound(), loop.getLowerBound()), more);
  counter.close(arith::AddIOp::create(b, loc, counter.get(), more, arith::IntegerOverflowFlags::nsw), unit);
  return counter.get();
}

static void addSteps(cta::PutOp put, Value before) {
  OpBuilder b(put);
  Value step = before;
  if (isa<scf::ForOp>(put->getParentOp()))
    step = arith::AddIOp::create(b, put.getLoc(), before, put.getStep(), arith::IntegerOverflowFlags::nsw);
  cast<cta::GetOp>(put->getNextNode()).getStepMutable().assign(step);
  put.getStepMutable().assign(step);
}

void imbrex::countSteps(ArrayRef<cta::PutOp> puts) {
  SmallVector<cta::PutOp> left(puts);
  while (!left.empty()) {
    // All puts of a block at once: the next counter makes the loops around this one anew, and its value with them.
    Block *block = left.front()->getBlock();
    auto isElsewhere = [&](cta::PutOp put) { return put->getBlock() != block; };
    auto own = std::stable_partition(left.begin(), left.end(), isElsewhere);
    if (Value before = stepsBefore(*own))
      std::for_each(own, left.end(), [&](cta::PutOp put) { addSteps(put, before); });
    left.erase(own, left.end());
  }
}
