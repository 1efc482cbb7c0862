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

Mask imbrex::analyzeMask(Value value) {
  Mask mask;
  LinearForms forms;
  SmallVector<std::pair<Value, unsigned>> parts{{value, 0}}; // with the axis of a rank-1 tile
  llvm::DenseSet<std::pair<Value, unsigned>> seen;
  while (!parts.empty()) {
    auto [part, axis] = parts.pop_back_val();
    if (!seen.insert({part, axis}).second)
      continue;
    Operation *op = part.getDefiningOp();
    DenseIntElementsAttr constant;
    if (matchPattern(part, m_Constant(&constant)) && constant.isSplat() && constant.getSplatValue<bool>())
      continue;
    if (auto both = dyn_cast_or_null<arith::AndIOp>(op))
      parts.append({{both.getRhs(), axis}, {both.getLhs(), axis}});
    else if (auto broadcast = dyn_cast_or_null<tile::BroadcastOp>(op))
      parts.push_back({broadcast.getSource(), axis});
    else if (auto expand = dyn_cast_or_null<tile::ExpandDimsOp>(op))
      parts.push_back({expand.getSource(), 1 - expand.getDim()});
    else if (auto cmp = dyn_cast_or_null<arith::CmpIOp>(op))
      mask.complete &= addComparison(mask, forms, cmp, axis);
    else
      mask.complete = false;
  }
  return mask;
}

Value imbrex::emitAllTrue(OpBuilder &b, Location loc, const Mask &mask, int64_t m, int64_t n) {
  if (!mask.complete)
    return {};
  Value all = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  Value zero = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(0));
  for (LinearForm form : mask.conjuncts) {
    // The largest value over the tile decides.
    form.constant += std::max<int64_t>(0, form.row * (m - 1)) + std::max<int64_t>(0, form.col * (n - 1));
    Value holds = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, form.emit(b, loc), zero);
    all = arith::AndIOp::create(b, loc, all, holds);
  }
  return all;
}
