//===- SkipScalings.cpp - Do not multiply by one --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-skip-scalings. x * select(c, f, 1), one factor a row: exact, since x * 1 is x. A vote costs about
// four instructions and a branch; the multiplication one a register.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_SKIPSCALINGS
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

/// Registers of a thread below which the vote costs as much as the multiplication.
static constexpr unsigned kFewestRegisters = 16;

namespace {

struct SkipScalings : imbrex::impl::SkipScalingsBase<SkipScalings> {
  void runOnOperation() override {
    SmallVector<arith::MulFOp> products;
    getOperation().walk([&](arith::MulFOp product) {
      if (product->getParentOfType<scf::ForOp>() && isa<RankedTensorType>(product.getType()))
        products.push_back(product);
    });
    for (arith::MulFOp product : products)
      if (cta::layoutOf(product.getType()).registersPerThread() >= kFewestRegisters && !skip(product, product.getRhs()))
        skip(product, product.getLhs());
  }

private:
  bool skip(arith::MulFOp product, Value factor);
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

/// The condition under which `row` is not 1, as far as its definition tells; null if it tells nothing.
static Value conditionNotOne(OpBuilder &b, Value row) {
  auto select = row.getDefiningOp<arith::SelectOp>();
  if (!select || !isa<RankedTensorType>(select.getCondition().getType()))
    return {};
  if (matchPattern(select.getFalseValue(), m_OneFloat()))
    return select.getCondition();
  if (!matchPattern(select.getTrueValue(), m_OneFloat()))
    return {};
  auto type = cast<ShapedType>(select.getCondition().getType());
  Value all = arith::ConstantOp::create(b, select.getLoc(), DenseElementsAttr::get(type, true));
  return arith::XOrIOp::create(b, select.getLoc(), select.getCondition(), all);
}

/// Behind the last of `values` that the block defines: the fewest other values are alive there.
static Block::iterator earliest(Block *block, ArrayRef<Value> values) {
  Operation *last = nullptr;
  for (Value value : values)
    if (Operation *op = value.getDefiningOp(); op && op->getBlock() == block && (!last || last->isBeforeInBlock(op)))
      last = op;
  return last ? std::next(last->getIterator()) : block->begin();
}

/// Makes `product` conditional if its operand `factor` is one factor a row that is mostly 1.
bool SkipScalings::skip(arith::MulFOp product, Value factor) {
  SmallVector<Operation *> broadcasts;
  Value row = peelBroadcasts(factor, broadcasts);
  if (broadcasts.empty())
    return false;
  OpBuilder b(product);
  Value condition = conditionNotOne(b, row);
  if (!condition)
    return false;
  Location loc = product.getLoc();
  Value scaled = product.getLhs() == factor ? product.getRhs() : product.getLhs();
  b.setInsertionPoint(product->getBlock(), earliest(product->getBlock(), {row, condition, scaled}));
  Value any = cta::AnyOp::create(b, loc, condition);
  auto branch = scf::IfOp::create(b, loc, TypeRange(product.getType()), any, /*withElseRegion=*/true);
  OpBuilder then = branch.getThenBodyBuilder(), otherwise = branch.getElseBodyBuilder();
  IRMapping map;
  for (Operation *op : llvm::reverse(broadcasts))
    then.clone(*op, map);
  scf::YieldOp::create(then, loc, then.clone(*product, map)->getResult(0));
  scf::YieldOp::create(otherwise, loc, scaled);
  product.replaceAllUsesWith(branch.getResult(0));
  product.erase();
  for (Operation *op : broadcasts)
    if (isOpTriviallyDead(op))
      op->erase();
  branch.emitRemark("scaled only in warps where a row's factor is not 1");
  return true;
}
