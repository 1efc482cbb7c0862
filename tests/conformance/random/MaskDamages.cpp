//===- MaskDamages.cpp - Wrong bounds, masks and accesses -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Damages behind the passes that decide what is visited, what is masked and where an access lies.
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "tests/conformance/random/PassDamages.h"

using namespace imbrex;
using namespace imbrex::test;
namespace arith = mlir::arith;
namespace scf = mlir::scf;

mlir::Value imbrex::test::plus(mlir::Operation *before, mlir::Value value, int64_t amount) {
  mlir::OpBuilder b(before);
  mlir::Attribute one = b.getIntegerAttr(mlir::getElementTypeOrSelf(value), amount);
  if (auto tile = mlir::dyn_cast<mlir::RankedTensorType>(value.getType()))
    one = mlir::SplatElementsAttr::get(tile, one);
  auto constant = arith::ConstantOp::create(b, before->getLoc(), mlir::cast<mlir::TypedAttr>(one));
  return arith::AddIOp::create(b, before->getLoc(), value, constant);
}

//===----------------------------------------------------------------------===//
// tile-resolve-views, tile-find-slices
//===----------------------------------------------------------------------===//

/// What the pass has made of an access: `fn` is called for each load and gather of it.
template <typename Fn> static void onNewReads(mlir::ModuleOp module, IsNew isNew, Fn fn) {
  module.walk([&](mlir::Operation *op) {
    if (auto load = mlir::dyn_cast<tile::LoadOp>(op); load && isNew(op))
      fn(load);
    else if (auto gather = mlir::dyn_cast<tile::GatherOp>(op); gather && isNew(op))
      fn(gather);
  });
}

static void dropRanges(mlir::ModuleOp module, IsNew isNew) {
  onNewReads(module, isNew, [](auto read) {
    read.setWithin({});
    read.getLowMutable().clear();
    read.getHighMutable().clear();
  });
}

static void moveLastIndex(mlir::ModuleOp module, IsNew isNew) {
  onNewReads(module, isNew, [](auto read) {
    auto last = read.getIndicesMutable().slice(read.getIndices().size() - 1, 1);
    last.assign(plus(read, read.getIndices().back(), 1));
  });
}

//===----------------------------------------------------------------------===//
// tile-split-comparisons
//===----------------------------------------------------------------------===//

/// What the pass has made of type `Op`, of tiles.
template <typename Op, typename Fn> static void onNew(mlir::ModuleOp module, IsNew isNew, Fn fn) {
  llvm::SmallVector<Op> made;
  module.walk([&](Op op) {
    if (isNew(op) && mlir::isa<mlir::RankedTensorType>(op->getResult(0).getType()))
      made.push_back(op);
  });
  llvm::for_each(made, fn);
}

/// `From` of two truths becomes `To`.
template <typename From, typename To> static void exchangeJoin(mlir::ModuleOp module, IsNew isNew) {
  onNew<From>(module, isNew, [](From op) {
    mlir::OpBuilder b(op);
    op.replaceAllUsesWith(To::create(b, op.getLoc(), op.getLhs(), op.getRhs()).getResult());
  });
}

static void invertNew(mlir::ModuleOp module, IsNew isNew) {
  onNew<arith::CmpIOp>(module, isNew,
                       [](arith::CmpIOp cmp) { cmp.setPredicate(arith::invertPredicate(cmp.getPredicate())); });
}

static void moveNew(mlir::ModuleOp module, IsNew isNew) {
  onNew<arith::CmpIOp>(module, isNew,
                       [](arith::CmpIOp cmp) { cmp.getLhsMutable().assign(plus(cmp, cmp.getLhs(), 1)); });
}

static void dropNegation(mlir::ModuleOp module, IsNew isNew) { // of an absolute value's other side
  onNew<arith::SubIOp>(module, isNew, [](arith::SubIOp op) { op.replaceAllUsesWith(op.getRhs()); });
}

//===----------------------------------------------------------------------===//
// tile-bound-loops
//===----------------------------------------------------------------------===//

/// Loops whose bound was computed, not given.
template <typename Fn> static void onBoundedLoops(mlir::ModuleOp module, Fn fn) {
  module.walk([&](scf::ForOp loop) {
    if (loop.getUpperBound().getDefiningOp<arith::MinSIOp>())
      fn(loop);
  });
}

static void leaveOutLast(mlir::ModuleOp module, IsNew) {
  onBoundedLoops(module, [](scf::ForOp loop) { loop.setUpperBound(plus(loop, loop.getUpperBound(), -1)); });
}

static void leaveOutFirst(mlir::ModuleOp module, IsNew) {
  onBoundedLoops(module, [](scf::ForOp loop) { loop.setLowerBound(plus(loop, loop.getLowerBound(), 1)); });
}

static void narrowEnd(mlir::ModuleOp module, IsNew) {
  module.walk([&](tile::LoadOp load) {
    for (unsigned i = 0; i < load.getWithin().size(); ++i)
      load.getHighMutable().slice(i, 1).assign(plus(load, load.getHigh()[i], -1));
  });
}

static void narrowBeginning(mlir::ModuleOp module, IsNew) {
  module.walk([&](tile::LoadOp load) {
    for (unsigned i = 0; i < load.getWithin().size(); ++i)
      load.getLowMutable().slice(i, 1).assign(plus(load, load.getLow()[i], 1));
  });
}

static void moveDividedBound(mlir::ModuleOp module, IsNew isNew) { // of k <= (row + c) / G
  module.walk([&](arith::CeilDivSIOp bound) {
    if (isNew(bound))
      bound.getLhsMutable().assign(plus(bound, bound.getLhs(), 1));
  });
}

//===----------------------------------------------------------------------===//
// tile-split-masks
//===----------------------------------------------------------------------===//

/// Branches of which one yields what the other selects from.
template <typename Fn> static void onSplits(mlir::ModuleOp module, Fn fn) {
  module.walk([&](scf::IfOp branch) {
    if (branch.getNumResults() == 1 && mlir::isa<mlir::RankedTensorType>(branch.getResultTypes()[0]) &&
        branch.elseBlock() && branch.elseYield().getOperand(0).getDefiningOp<arith::SelectOp>())
      fn(branch);
  });
}

static void dropMask(mlir::ModuleOp module, IsNew) {
  onSplits(module, [](scf::IfOp branch) {
    mlir::OpBuilder b(branch);
    branch.getConditionMutable().assign(arith::ConstantOp::create(b, branch.getLoc(), b.getBoolAttr(true)));
  });
}

static void moveTest(mlir::ModuleOp module, IsNew) {
  module.walk([&](arith::CmpIOp cmp) { // form <= 0 becomes form - 1 <= 0
    if (cmp.getLhs().getType().isInteger(64) && cmp.getPredicate() == arith::CmpIPredicate::sle &&
        mlir::matchPattern(cmp.getRhs(), mlir::m_Zero()))
      cmp.getLhsMutable().assign(plus(cmp, cmp.getLhs(), -1));
  });
}

static void exchangeSides(mlir::ModuleOp module, IsNew) {
  onSplits(module, [](scf::IfOp branch) {
    auto select = branch.elseYield().getOperand(0).getDefiningOp<arith::SelectOp>();
    mlir::Value shown = select.getTrueValue();
    select.getTrueValueMutable().assign(select.getFalseValue());
    select.getFalseValueMutable().assign(shown);
  });
}

//===----------------------------------------------------------------------===//
// tile-intersect-masks, tile-narrow-comparisons
//===----------------------------------------------------------------------===//

static void moveUpperEnd(mlir::ModuleOp module, IsNew) {
  module.walk([](tile::IntervalOp mask) { mask.getHighMutable().assign(plus(mask, mask.getHigh(), -1)); });
}

static void moveLowerEnd(mlir::ModuleOp module, IsNew) {
  module.walk([](tile::IntervalOp mask) { mask.getLowMutable().assign(plus(mask, mask.getLow(), 1)); });
}

/// Comparisons of tiles with `from` become such with `to`.
static void exchangePredicate(mlir::ModuleOp module, arith::CmpIPredicate from, arith::CmpIPredicate to) {
  module.walk([&](arith::CmpIOp cmp) {
    if (mlir::isa<mlir::RankedTensorType>(cmp.getLhs().getType()) && cmp.getRhs().getDefiningOp() &&
        cmp.getPredicate() == from)
      cmp.setPredicate(to);
  });
}

static void loseEqual(mlir::ModuleOp module, IsNew) {
  exchangePredicate(module, arith::CmpIPredicate::sle, arith::CmpIPredicate::slt);
}

static void addEqual(mlir::ModuleOp module, IsNew) {
  exchangePredicate(module, arith::CmpIPredicate::sgt, arith::CmpIPredicate::sge);
}

static void dropClamp(mlir::ModuleOp module, IsNew) {
  module.walk([](arith::MinSIOp clamp) {
    if (mlir::getElementTypeOrSelf(clamp).isInteger(64))
      if (auto low = clamp.getLhs().getDefiningOp<arith::MaxSIOp>())
        clamp.replaceAllUsesWith(low.getLhs());
  });
}

//===----------------------------------------------------------------------===//
// tile-skip-instances
//===----------------------------------------------------------------------===//

/// Branches round all that an instance does, and the comparison that skips it.
template <typename Fn> static void onSkips(mlir::ModuleOp module, Fn fn) {
  module.walk([&](scf::IfOp branch) {
    auto some = branch.getCondition().getDefiningOp<arith::XOrIOp>();
    if (auto behind = some ? some.getLhs().getDefiningOp<arith::CmpIOp>() : arith::CmpIOp())
      fn(branch, behind);
  });
}

static void skipTheWrong(mlir::ModuleOp module, IsNew) {
  onSkips(module, [](scf::IfOp branch, arith::CmpIOp behind) { branch.getConditionMutable().assign(behind); });
}

static void skipEarly(mlir::ModuleOp module, IsNew) {
  onSkips(module,
          [](scf::IfOp, arith::CmpIOp behind) { behind.getLhsMutable().assign(plus(behind, behind.getLhs(), 1)); });
}

llvm::ArrayRef<PassDamage> imbrex::test::maskDamages() {
  static constexpr PassDamage kDamages[] = {
      {"tile-split-comparisons", "both becomes either", exchangeJoin<arith::AndIOp, arith::OrIOp>},
      {"tile-split-comparisons", "either becomes both", exchangeJoin<arith::OrIOp, arith::AndIOp>},
      {"tile-split-comparisons", "the opposite", invertNew},
      {"tile-split-comparisons", "off by one", moveNew},
      {"tile-split-comparisons", "one side of an absolute value", dropNegation},
      {"tile-bound-loops", "last iteration left out", leaveOutLast},
      {"tile-bound-loops", "first iteration left out", leaveOutFirst},
      {"tile-bound-loops", "loads narrowed by one more at the end", narrowEnd},
      {"tile-bound-loops", "loads narrowed by one more at the beginning", narrowBeginning},
      {"tile-bound-loops", "a divided position's bound off by one", moveDividedBound},
      {"tile-resolve-views", "ranges dropped", dropRanges},
      {"tile-resolve-views", "an index off by one", moveLastIndex},
      {"tile-find-slices", "a slice off by one", moveLastIndex},
      {"tile-split-masks", "mask dropped", dropMask},
      {"tile-split-masks", "test off by one", moveTest},
      {"tile-split-masks", "sides exchanged", exchangeSides},
      {"tile-intersect-masks", "upper end off by one", moveUpperEnd},
      {"tile-intersect-masks", "lower end off by one", moveLowerEnd},
      {"tile-narrow-comparisons", "<= becomes <", loseEqual},
      {"tile-narrow-comparisons", "> becomes >=", addEqual},
      {"tile-narrow-comparisons", "not clamped", dropClamp},
      {"tile-skip-instances", "instances with rows skipped", skipTheWrong},
      {"tile-skip-instances", "skipped a row early", skipEarly},
  };
  return kDamages;
}
