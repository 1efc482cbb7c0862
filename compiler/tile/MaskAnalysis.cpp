//===- MaskAnalysis.cpp - What a mask says of whole tiles -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks the expressions behind a mask. All scalar arithmetic is emitted in 64 bits, because window sizes
// and lengths may each come near 2^31.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/MaskAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

void LinearForm::add(const LinearForm &other, int64_t factor) {
  row += other.row * factor;
  col += other.col * factor;
  constant += other.constant * factor;
  for (auto [scalar, coefficient] : other.scalars)
    scalars[scalar] += coefficient * factor;
}

int64_t LinearForm::coefficient(Value scalar) const {
  auto it = scalars.find(scalar);
  return it == scalars.end() ? 0 : it->second;
}

Value LinearForm::emit(OpBuilder &b, Location loc) const {
  Value sum = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(constant));
  for (auto [scalar, coefficient] : scalars) {
    if (coefficient == 0)
      continue;
    Value wide = arith::ExtSIOp::create(b, loc, b.getI64Type(), scalar);
    if (coefficient != 1)
      wide = arith::MulIOp::create(b, loc, wide, arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(coefficient)));
    sum = arith::AddIOp::create(b, loc, sum, wide);
  }
  return sum;
}

static bool isConstantForm(const LinearForm &form) {
  return form.row == 0 && form.col == 0 &&
         llvm::all_of(form.scalars, [](const auto &entry) { return entry.second == 0; });
}

/// The form of a sum, difference or product by a constant of two forms; nullopt for anything else.
static std::optional<LinearForm> combineForms(Operation *op, const LinearForm &x, const LinearForm &y) {
  LinearForm result;
  if (isa<arith::AddIOp, arith::SubIOp>(op)) {
    result.add(x, 1);
    result.add(y, isa<arith::SubIOp>(op) ? -1 : 1);
    return result;
  }
  if (isa<arith::MulIOp>(op) && (isConstantForm(x) || isConstantForm(y))) {
    bool first = isConstantForm(x);
    result.add(first ? y : x, first ? x.constant : y.constant);
    return result;
  }
  return std::nullopt;
}

LinearForm imbrex::analyzeScalar(Value scalar) {
  LinearForm form;
  APInt constant;
  if (matchPattern(scalar, m_ConstantInt(&constant))) {
    form.constant = constant.getSExtValue();
    return form;
  }
  Operation *op = scalar.getDefiningOp();
  if (op && isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
    if (auto sum = combineForms(op, analyzeScalar(op->getOperand(0)), analyzeScalar(op->getOperand(1))))
      return *sum;
  form.scalars[scalar] = 1;
  return form;
}

/// `axis` is the dimension of the rank-2 tile along which a rank-1 tile lies.
static std::optional<LinearForm> analyze(Value tile, unsigned axis) {
  Operation *op = tile.getDefiningOp();
  if (!op)
    return std::nullopt;
  LinearForm form;
  DenseIntElementsAttr constant;
  if (matchPattern(tile, m_Constant(&constant)) && constant.isSplat()) {
    form.constant = constant.getSplatValue<APInt>().getSExtValue();
    return form;
  }
  if (auto broadcast = dyn_cast<tile::BroadcastOp>(op))
    return analyze(broadcast.getSource(), axis);
  if (auto expand = dyn_cast<tile::ExpandDimsOp>(op))
    return analyze(expand.getSource(), 1 - expand.getDim());
  if (auto splat = dyn_cast<tile::SplatOp>(op))
    return splat.getScalar().getType().isInteger(32) ? std::optional(analyzeScalar(splat.getScalar())) : std::nullopt;
  if (auto iota = dyn_cast<tile::IotaOp>(op)) {
    if (cast<RankedTensorType>(iota.getType()).getDimSize(0) == 1)
      return form; // the number 0, which a broadcast may repeat
    (axis == 0 ? form.row : form.col) = 1;
    return form;
  }
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
    return std::nullopt;
  auto x = analyze(op->getOperand(0), axis), y = analyze(op->getOperand(1), axis);
  return x && y ? combineForms(op, *x, *y) : std::nullopt;
}

std::optional<LinearForm> imbrex::analyzeTile(Value tile) { return analyze(tile, 0); }

/// Adds `small <= large` (or <) to the mask.
static void addComparison(Mask &mask, const LinearForm &small, const LinearForm &large, bool strict) {
  LinearForm form = small;
  form.add(large, -1);
  form.constant += strict;
  bool ordinary = std::abs(form.row) <= 1 && std::abs(form.col) <= 1;
  if (ordinary)
    mask.conjuncts.push_back(form);
  mask.complete &= ordinary;
}

static void collect(Value value, Mask &mask) {
  Operation *op = value.getDefiningOp();
  DenseIntElementsAttr constant;
  if (matchPattern(value, m_Constant(&constant)) && constant.isSplat() && constant.getSplatValue<bool>())
    return;
  if (auto broadcast = dyn_cast_or_null<tile::BroadcastOp>(op))
    return collect(broadcast.getSource(), mask);
  if (auto both = dyn_cast_or_null<arith::AndIOp>(op)) {
    collect(both.getLhs(), mask);
    return collect(both.getRhs(), mask);
  }
  auto cmp = dyn_cast_or_null<arith::CmpIOp>(op);
  auto type = cmp ? dyn_cast<RankedTensorType>(cmp.getLhs().getType()) : RankedTensorType();
  if (!type || type.getRank() != 2 || !type.getElementType().isInteger(32)) {
    mask.complete = false;
    return;
  }
  auto x = analyzeTile(cmp.getLhs()), y = analyzeTile(cmp.getRhs());
  using P = arith::CmpIPredicate;
  P predicate = cmp.getPredicate();
  if (!x || !y || !llvm::is_contained({P::sle, P::slt, P::sge, P::sgt, P::eq}, predicate)) {
    mask.complete = false;
    return;
  }
  if (llvm::is_contained({P::sle, P::slt, P::eq}, predicate))
    addComparison(mask, *x, *y, predicate == P::slt);
  if (llvm::is_contained({P::sge, P::sgt, P::eq}, predicate))
    addComparison(mask, *y, *x, predicate == P::sgt);
}

Mask imbrex::analyzeMask(Value value) {
  Mask mask;
  collect(value, mask);
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
