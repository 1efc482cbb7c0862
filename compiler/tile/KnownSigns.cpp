//===- KnownSigns.cpp - Which scalars are positive ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A fact is a comparison with a constant that leaves only numbers above 0.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/KnownSigns.h"
#include "compiler/tile/Spread.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace imbrex;

/// The operand that `cmp`, being true, leaves above 0; null if it says no such thing.
static Value positiveBy(arith::CmpFOp cmp) {
  using P = arith::CmpFPredicate;
  P predicate = cmp.getPredicate();
  bool isAbove = predicate == P::OGT || predicate == P::OGE, isBelow = predicate == P::OLT || predicate == P::OLE;
  if (!isAbove && !isBelow)
    return {};
  Value large = isAbove ? cmp.getLhs() : cmp.getRhs(), small = isAbove ? cmp.getRhs() : cmp.getLhs();
  std::optional<APFloat> bound = constantFloat(small);
  bool isStrict = predicate == P::OGT || predicate == P::OLT;
  return bound && (bound->isZero() ? isStrict : !bound->isNegative()) && !bound->isNaN() ? large : Value();
}

KnownSigns::KnownSigns(func::FuncOp kernel) {
  for (tile::RequireOp fact : kernel.getOps<tile::RequireOp>())
    if (auto cmp = fact.getCondition().getDefiningOp<arith::CmpFOp>())
      if (Value value = positiveBy(cmp))
        positive.insert(value);
}

bool KnownSigns::isPositive(Value value, unsigned depth) const {
  Value core = coreOf(value);
  if (positive.contains(core))
    return true;
  if (std::optional<APFloat> number = constantFloat(core))
    return number->isFiniteNonZero() && !number->isNegative();
  Operation *op = core.getDefiningOp();
  if (depth == 0 || !isa_and_nonnull<arith::MulFOp, arith::DivFOp, arith::ExtFOp, arith::MaxNumFOp, arith::MinNumFOp,
                                     math::SqrtOp, math::RsqrtOp>(op))
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) { return isPositive(operand, depth - 1); });
}

bool imbrex::isNeverPositive(Value tile) {
  auto difference = tile.getDefiningOp<arith::SubFOp>();
  auto spread = difference ? difference.getRhs().getDefiningOp<tile::BroadcastOp>() : tile::BroadcastOp();
  auto expand = spread ? spread.getSource().getDefiningOp<tile::ExpandDimsOp>() : tile::ExpandDimsOp();
  auto reduce = expand ? expand.getSource().getDefiningOp<tile::ReduceOp>() : tile::ReduceOp();
  return reduce && reduce.getKind() == tile::ReduceKind::Max && reduce.getDim() == expand.getDim() &&
         reduce.getSource() == difference.getLhs();
}
