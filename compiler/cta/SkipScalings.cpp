//===- SkipScalings.cpp - Do not multiply by one --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-skip-scalings. x * select(c, f, 1), one factor a row: exact, since x * 1 is x. A vote costs about
// four instructions and a branch; the multiplication one a register. Whatever else the rows scale is scaled in the same
// branch, and what only the branch asks for is made there: an exponential a row.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/Passes.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/ControlFlowSinkUtils.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_SKIPSCALINGS
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

/// Registers of a thread below which the vote costs as much as the multiplication.
static constexpr unsigned kFewestRegisters = 16;

namespace {

/// A multiplication by one factor a row that is 1 unless a condition holds.
struct Scaling {
  arith::MulFOp product;
  Value scaled;                        ///< its other operand
  SmallVector<Operation *> broadcasts; ///< that make the factor of a row's, outermost first
  arith::SelectOp row;                 ///< the factors
  bool isOneIf;                        ///< 1 where the select's condition holds; else where it does not
};

struct SkipScalings : imbrex::impl::SkipScalingsBase<SkipScalings> {
  void runOnOperation() override {
    SmallVector<Scaling> scalings;
    getOperation().walk([&](arith::MulFOp product) {
      if (product->getParentOfType<scf::ForOp>() && isa<RankedTensorType>(product.getType()))
        if (std::optional<Scaling> found = scalingOf(product))
          scalings.push_back(*found);
    });
    auto isLarge = [](Scaling &each) {
      return cta::layoutOf(each.product.getType()).registersPerThread() >= kFewestRegisters;
    };
    for (auto large = llvm::find_if(scalings, isLarge); large != scalings.end();
         large = llvm::find_if(scalings, isLarge))
      skip(*large, scalings);
  }

private:
  static std::optional<Scaling> scalingOf(arith::MulFOp product);
  void skip(Scaling scaling, SmallVectorImpl<Scaling> &all);
};

} // namespace

/// The operations that repeat a row's element over the row, outermost first, down to what is repeated.
static Value peelBroadcasts(Value value, SmallVectorImpl<Operation *> &broadcasts) {
  Operation *op = value.getDefiningOp();
  while (isa_and_nonnull<tile::BroadcastOp, tile::ExpandDimsOp>(op)) {
    broadcasts.push_back(op);
    value = op->getOperand(0);
    op = value.getDefiningOp();
  }
  return value;
}

std::optional<Scaling> SkipScalings::scalingOf(arith::MulFOp product) {
  for (bool isRight : {true, false}) {
    SmallVector<Operation *> broadcasts;
    Value factor = isRight ? product.getRhs() : product.getLhs(),
          scaled = isRight ? product.getLhs() : product.getRhs();
    auto row = peelBroadcasts(factor, broadcasts).getDefiningOp<arith::SelectOp>();
    if (broadcasts.empty() || !row || !isa<RankedTensorType>(row.getCondition().getType()))
      continue;
    const bool isOneIf = matchPattern(row.getTrueValue(), m_OneFloat());
    if (isOneIf || matchPattern(row.getFalseValue(), m_OneFloat()))
      return Scaling{product, scaled, broadcasts, row, isOneIf};
  }
  return std::nullopt;
}

/// The condition under which the scaling's rows are not 1.
static Value conditionNotOne(OpBuilder &b, Scaling &scaling) {
  Value condition = scaling.row->getOperand(0);
  if (!scaling.isOneIf)
    return condition;
  Location loc = scaling.row.getLoc();
  Value always = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(cast<ShapedType>(condition.getType()), true));
  return arith::XOrIOp::create(b, loc, condition, always);
}

/// True if the block in front of `place` defines `value`, or what the block is in.
static bool isBefore(Value value, Block *block, Block::iterator place) {
  Operation *op = value.getDefiningOp();
  return !op || op->getBlock() != block || (place != block->end() && op->isBeforeInBlock(&*place));
}

/// True if all that uses `product` stands behind `place`.
static bool isUsedBehind(Operation *product, Block *block, Block::iterator place) {
  return llvm::all_of(product->getUsers(), [&](Operation *user) {
    Operation *here = block->findAncestorOpInBlock(*user);
    return here && place != block->end() && !here->isBeforeInBlock(&*place);
  });
}

/// Behind the last of `values` that the block defines: the fewest other values are alive there.
static Block::iterator earliest(Block *block, ArrayRef<Value> values) {
  Operation *last = nullptr;
  for (Value value : values)
    if (Operation *op = value.getDefiningOp(); op && op->getBlock() == block && (!last || last->isBeforeInBlock(op)))
      last = op;
  return last ? std::next(last->getIterator()) : block->begin();
}

/// True if `op` may be made where it is used alone: no value that it needs takes more registers than what it gives.
static bool isSunk(Operation *op, Region *) {
  auto registers = [](Value value) {
    return isa<RankedTensorType>(value.getType()) ? cta::layoutOf(value.getType()).registersPerThread() : 1;
  };
  return op->getNumRegions() == 0 && op->getNumResults() == 1 && isMemoryEffectFree(op) && !isa<cta::AnyOp>(op) &&
         llvm::all_of(op->getOperands(),
                      [&](Value operand) { return registers(operand) <= registers(op->getResult(0)); });
}

/// Makes one of `all` conditional, and with it what the same rows scale, however small: then the factors too are made
/// under the condition, if nothing else asks for them.
void SkipScalings::skip(Scaling scaling, SmallVectorImpl<Scaling> &all) {
  arith::MulFOp product = scaling.product;
  Block *block = product->getBlock();
  OpBuilder b(product);
  Value condition = conditionNotOne(b, scaling);
  Location loc = product.getLoc();
  b.setInsertionPoint(block, earliest(block, {scaling.row.getResult(), condition, scaling.scaled}));
  SmallVector<Scaling> together;
  for (Scaling &each : all)
    if (each.row == scaling.row && each.product->getBlock() == block &&
        (each.product == product || (isBefore(each.scaled, block, b.getInsertionPoint()) &&
                                     isUsedBehind(each.product, block, b.getInsertionPoint()))))
      together.push_back(each);
  SmallVector<Type> types = llvm::map_to_vector(together, [](Scaling &each) { return Type(each.product.getType()); });
  Value any = cta::AnyOp::create(b, loc, condition);
  auto branch = scf::IfOp::create(b, loc, types, any, /*withElseRegion=*/true);
  OpBuilder then = branch.getThenBodyBuilder(), otherwise = branch.getElseBodyBuilder();
  SmallVector<Value> products, unscaled;
  for (auto [each, result] : llvm::zip(together, branch.getResults())) {
    IRMapping map;
    for (Operation *op : llvm::reverse(each.broadcasts))
      then.clone(*op, map);
    products.push_back(then.clone(*each.product, map)->getResult(0));
    unscaled.push_back(each.scaled);
    each.product.replaceAllUsesWith(result);
  }
  scf::YieldOp::create(then, loc, products);
  scf::YieldOp::create(otherwise, loc, unscaled);
  for (Scaling &each : together) {
    llvm::erase_if(all, [&](const Scaling &other) { return other.product == each.product; });
    each.product->erase();
    for (Operation *op : each.broadcasts)
      if (isOpTriviallyDead(op))
        op->erase();
  }
  DominanceInfo dominance(branch->getParentOfType<func::FuncOp>());
  Region *region = &branch.getThenRegion();
  controlFlowSink(RegionRange(region), dominance, isSunk,
                  [](Operation *op, Region *into) { op->moveBefore(&into->front(), into->front().begin()); });
  branch.emitRemark("scaled only in warps where a row's factor is not 1");
}
