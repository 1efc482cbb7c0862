//===- MaskAnalysis.cpp - What a mask says of whole tiles -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes a mask apart into comparisons. All scalar arithmetic is emitted in 64 bits, because window sizes
// and lengths may each come near 2^31.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/MaskAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace imbrex;

/// Adds `small <= large` (or <) to the mask; false if the difference is too large to be read.
static bool addComparison(Mask &mask, const LinearForm &small, const LinearForm &large, bool strict) {
  LinearForm one;
  one.constant = strict;
  std::optional<LinearForm> form = small.plus(large, -1);
  form = form ? form->plus(one, 1) : form;
  if (form)
    mask.conjuncts.push_back(*form);
  return form.has_value();
}

/// Adds what `cmp` says of a tile whose elements are rows and columns; false if it cannot be read.
static bool addComparison(Mask &mask, LinearForms &forms, arith::CmpIOp cmp, unsigned axis) {
  if (!isa<RankedTensorType>(cmp.getLhs().getType()))
    return false;
  std::optional<LinearForm> x = forms.ofTile(cmp.getLhs(), axis), y = forms.ofTile(cmp.getRhs(), axis);
  if (!x || !y)
    return false;
  using P = arith::CmpIPredicate;
  switch (cmp.getPredicate()) {
  case P::sle:
  case P::slt:
    return addComparison(mask, *x, *y, cmp.getPredicate() == P::slt);
  case P::sge:
  case P::sgt:
    return addComparison(mask, *y, *x, cmp.getPredicate() == P::sgt);
  case P::eq:
    return addComparison(mask, *x, *y, false) && addComparison(mask, *y, *x, false);
  default:
    return false;
  }
}

namespace {

/// Reads the parts of one mask. Their number is bounded: what is used twice in a disjunction is read twice.
class MaskReader {
public:
  Mask read(Value value, unsigned axis);

private:
  void readDisjunction(Mask &mask, arith::OrIOp op, unsigned axis);

  static constexpr unsigned kMostParts = 256;
  unsigned parts = 0;
  LinearForms forms;
};

} // namespace

Mask MaskReader::read(Value value, unsigned axisOfValue) {
  Mask mask;
  SmallVector<std::pair<Value, unsigned>> left{{value, axisOfValue}}; // with the axis of a rank-1 tile
  llvm::DenseSet<std::pair<Value, unsigned>> seen;
  while (!left.empty()) {
    auto [part, axis] = left.pop_back_val();
    if (!seen.insert({part, axis}).second)
      continue;
    Operation *op = part.getDefiningOp();
    DenseIntElementsAttr constant;
    if (matchPattern(part, m_Constant(&constant)) && constant.isSplat() && constant.getSplatValue<bool>())
      continue;
    if (++parts > kMostParts)
      mask.complete = false;
    else if (auto both = dyn_cast_or_null<arith::AndIOp>(op))
      left.append({{both.getRhs(), axis}, {both.getLhs(), axis}});
    else if (auto broadcast = dyn_cast_or_null<tile::BroadcastOp>(op))
      left.push_back({broadcast.getSource(), axis});
    else if (auto expand = dyn_cast_or_null<tile::ExpandDimsOp>(op))
      left.push_back({expand.getSource(), 1 - expand.getDim()});
    else if (auto cmp = dyn_cast_or_null<arith::CmpIOp>(op))
      mask.complete &= addComparison(mask, forms, cmp, axis);
    else if (auto either = dyn_cast_or_null<arith::OrIOp>(op))
      readDisjunction(mask, either, axis);
    else
      mask.complete = false;
  }
  return mask;
}

void MaskReader::readDisjunction(Mask &mask, arith::OrIOp op, unsigned axis) {
  // One after the other: the order in which arguments are evaluated is not said.
  Mask first = read(op.getLhs(), axis), second = read(op.getRhs(), axis);
  mask.disjunctions.push_back({std::move(first), std::move(second)});
}

Mask imbrex::analyzeMask(Value value) { return MaskReader().read(value, 0); }

Value imbrex::emitAllTrue(OpBuilder &b, Location loc, const Mask &mask, int64_t m, int64_t n) {
  if (!mask.complete)
    return {};
  SmallVector<Value> tests;
  for (const std::vector<Mask> &disjunction : mask.disjunctions) {
    Value some;
    for (const Mask &part : disjunction)
      if (Value holds = emitAllTrue(b, loc, part, m, n))
        some = some ? arith::OrIOp::create(b, loc, some, holds) : holds;
    if (!some)
      return {};
    tests.push_back(some);
  }
  Value all = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  Value zero = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(0));
  for (LinearForm form : mask.conjuncts) {
    // The largest value over the tile decides.
    form.constant += std::max<int64_t>(0, form.row * (m - 1)) + std::max<int64_t>(0, form.col * (n - 1));
    tests.push_back(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, form.emit(b, loc), zero));
  }
  for (Value holds : tests)
    all = arith::AndIOp::create(b, loc, all, holds);
  return all;
}
