//===- LinearForms.cpp - Integers as sums of rows, columns and scalars ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks the expressions behind a value, at most kMaxDepth deep: what lies deeper counts as a scalar of
// its own, or as unknown.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/LinearForms.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

static constexpr unsigned kMaxDepth = 256;  ///< of expressions: the walk is recursive
static constexpr unsigned kMaxScalars = 32; ///< of a form: masks have three or four
static constexpr unsigned kTileBits = 17;   ///< rows and columns are below 2^16

/// |value| <= |a| 2^bits for each part; all of them together stay below 2^62.
static bool staysSmall(const LinearForm &form) {
  using Wide = __int128;
  auto size = [](int64_t x) { return x < 0 ? -Wide(x) : Wide(x); };
  Wide most = size(form.constant) + ((size(form.row) + size(form.col)) << kTileBits);
  for (const auto &[scalar, coefficient] : form.scalars)
    most += size(coefficient) << 31;
  return most < Wide(1) << 62;
}

std::optional<LinearForm> LinearForm::plus(const LinearForm &other, int64_t factor) const {
  LinearForm sum = *this;
  bool overflows = false;
  auto add = [&](int64_t &to, int64_t from) {
    int64_t product = 0;
    overflows |= __builtin_mul_overflow(from, factor, &product) || __builtin_add_overflow(to, product, &to);
  };
  add(sum.row, other.row), add(sum.col, other.col), add(sum.constant, other.constant);
  for (auto [scalar, coefficient] : other.scalars)
    add(sum.scalars[scalar], coefficient);
  sum.scalars.remove_if([](const auto &entry) { return entry.second == 0; });
  return overflows || sum.scalars.size() > kMaxScalars || !staysSmall(sum) ? std::nullopt : std::optional(sum);
}

int64_t LinearForm::coefficient(Value scalar) const {
  auto it = scalars.find(scalar);
  return it == scalars.end() ? 0 : it->second;
}

bool LinearForm::isConstant() const { return row == 0 && col == 0 && scalars.empty(); }

std::pair<int64_t, int64_t> LinearForm::reach(int64_t rows, int64_t columns) const {
  int64_t down = row * (rows - 1), across = col * (columns - 1);
  return {std::min<int64_t>(down, 0) + std::min<int64_t>(across, 0),
          std::max<int64_t>(down, 0) + std::max<int64_t>(across, 0)};
}

Value LinearForm::emit(OpBuilder &b, Location loc) const {
  Value sum = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(constant));
  for (auto [scalar, coefficient] : scalars) {
    Value wide = arith::ExtSIOp::create(b, loc, b.getI64Type(), scalar);
    if (coefficient != 1)
      wide = arith::MulIOp::create(b, loc, wide, arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(coefficient)));
    sum = arith::AddIOp::create(b, loc, sum, wide);
  }
  return sum;
}

/// Of 32 bits alone: a form is small enough for 64.
static bool mayWrap(Operation *op) {
  if (getElementTypeOrSelf(op->getResult(0)).isInteger(64))
    return false;
  auto flags = dyn_cast<arith::ArithIntegerOverflowFlagsInterface>(op);
  return flags && !flags.hasNoSignedWrap();
}

std::optional<LinearForm> LinearForms::read(Value value, unsigned axis, unsigned depth) {
  auto known = forms.find({value, axis});
  if (known != forms.end())
    return known->second;
  std::optional<LinearForm> form = depth < kMaxDepth ? readNew(value, axis, depth) : std::nullopt;
  if (!form && value.getType().isInteger(32)) {
    form.emplace();
    form->scalars[value] = 1;
  }
  forms[{value, axis}] = form;
  return form;
}

std::optional<LinearForm> LinearForms::readNew(Value value, unsigned axis, unsigned depth) {
  LinearForm form;
  APInt number;
  DenseIntElementsAttr elements;
  if (matchPattern(value, m_ConstantInt(&number)))
    form.constant = number.getSExtValue();
  else if (matchPattern(value, m_Constant(&elements)) && elements.isSplat())
    form.constant = elements.getSplatValue<APInt>().getSExtValue();
  if (form.constant != 0 || matchPattern(value, m_Zero()))
    return LinearForm().plus(form, 1);
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto iota = dyn_cast<tile::IotaOp>(op)) {
    if (iota.getType().getDimSize(0) != 1) // else the number 0, which a broadcast may repeat
      (axis == 0 ? form.row : form.col) = 1;
    return form;
  }
  if (isa<tile::BroadcastOp, tile::SplatOp>(op))
    return read(op->getOperand(0), axis, depth + 1);
  if (auto expand = dyn_cast<tile::ExpandDimsOp>(op))
    return read(expand.getSource(), 1 - expand.getDim(), depth + 1);
  if (auto wide = dyn_cast<arith::ExtSIOp>(op); wide && getElementTypeOrSelf(wide.getIn()).isInteger(32))
    return wrap == Wrap::Exact ? read(wide.getIn(), axis, depth + 1) : std::nullopt;
  return readArithmetic(op, axis, depth);
}

std::optional<LinearForm> LinearForms::readArithmetic(Operation *op, unsigned axis, unsigned depth) {
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op) || (wrap == Wrap::Exact && mayWrap(op)))
    return std::nullopt;
  std::optional<LinearForm> x = read(op->getOperand(0), axis, depth + 1), y = read(op->getOperand(1), axis, depth + 1);
  if (!x || !y)
    return std::nullopt;
  if (!isa<arith::MulIOp>(op))
    return x->plus(*y, isa<arith::SubIOp>(op) ? -1 : 1);
  if (!x->isConstant() && !y->isConstant())
    return std::nullopt;
  return x->isConstant() ? LinearForm().plus(*y, x->constant) : LinearForm().plus(*x, y->constant);
}
