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
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace imbrex;

namespace {

/// floor(form / divisor), divisor at least 1: a position of packed heads, (row + i * 128) / G.
struct Quotient {
  LinearForm form;
  int64_t divisor = 1;

  /// this + other * sign, one of which has no divisor: x / G + y is (x + G y) / G.
  std::optional<Quotient> plus(const Quotient &other, int64_t sign) const {
    if (other.divisor != 1 && (divisor != 1 || sign < 0))
      return std::nullopt;
    const Quotient &divided = other.divisor != 1 ? other : *this, &whole = other.divisor != 1 ? *this : other;
    std::optional<LinearForm> sum = divided.form.plus(whole.form, divided.divisor * sign);
    return sum ? std::optional(Quotient{*sum, divided.divisor}) : std::nullopt;
  }
};

/// Reads integer tiles as quotients.
class Quotients {
public:
  std::optional<Quotient> read(Value value, unsigned axis, unsigned depth = 0);

private:
  std::optional<Quotient> readDivision(Operation *op, unsigned axis);

  static constexpr unsigned kMaxDepth = 16;
  LinearForms forms;
};

} // namespace

/// True of what can only count up from 0.
static bool isPosition(Value scalar) {
  if (scalar.getDefiningOp<tile::ProgramIdOp>() || scalar.getDefiningOp<tile::ExtentOp>() ||
      scalar.getDefiningOp<tile::LengthOp>())
    return true;
  auto argument = dyn_cast<BlockArgument>(scalar);
  auto loop = argument ? dyn_cast_or_null<scf::ForOp>(argument.getOwner()->getParentOp()) : scf::ForOp();
  APInt low;
  return loop && argument == loop.getInductionVar() && matchPattern(loop.getLowerBound(), m_ConstantInt(&low)) &&
         low.isNonNegative();
}

static bool isNonNegative(const LinearForm &form) {
  return form.constant >= 0 && form.row >= 0 && form.col >= 0 &&
         llvm::all_of(form.scalars, [](const auto &entry) { return entry.second > 0 && isPosition(entry.first); });
}

/// The number that a scalar or all elements of a tile are; 0 if it is not known.
static int64_t constantOf(Value value) {
  APInt number;
  DenseIntElementsAttr elements;
  while (isa_and_nonnull<tile::SplatOp, arith::ExtSIOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  if (matchPattern(value, m_ConstantInt(&number)))
    return number.getSExtValue();
  bool isSplat = matchPattern(value, m_Constant(&elements)) && elements.isSplat();
  return isSplat ? elements.getSplatValue<APInt>().getSExtValue() : 0;
}

/// Of what is not below zero, where division towards zero is that downwards.
std::optional<Quotient> Quotients::readDivision(Operation *op, unsigned axis) {
  int64_t divisor = constantOf(op->getOperand(1));
  std::optional<LinearForm> form = forms.ofTile(op->getOperand(0), axis);
  if (divisor < 1 || !form || !isNonNegative(*form))
    return std::nullopt;
  return Quotient{*form, divisor};
}

std::optional<Quotient> Quotients::read(Value value, unsigned axis, unsigned depth) {
  if (std::optional<LinearForm> form = forms.ofTile(value, axis))
    return Quotient{*form};
  Operation *op = value.getDefiningOp();
  if (!op || depth == kMaxDepth)
    return std::nullopt;
  if (isa<tile::BroadcastOp, tile::SplatOp, arith::ExtSIOp>(op))
    return read(op->getOperand(0), axis, depth + 1);
  if (auto expand = dyn_cast<tile::ExpandDimsOp>(op))
    return read(expand.getSource(), 1 - expand.getDim(), depth + 1);
  if (isa<arith::DivSIOp, arith::DivUIOp>(op))
    return readDivision(op, axis);
  if (!isa<arith::AddIOp, arith::SubIOp>(op))
    return std::nullopt;
  auto flags = cast<arith::ArithIntegerOverflowFlagsInterface>(op);
  if (!getElementTypeOrSelf(value).isInteger(64) && !flags.hasNoSignedWrap())
    return std::nullopt;
  std::optional<Quotient> x = read(op->getOperand(0), axis, depth + 1);
  std::optional<Quotient> y = x ? read(op->getOperand(1), axis, depth + 1) : std::nullopt;
  return y ? x->plus(*y, isa<arith::SubIOp>(op) ? -1 : 1) : std::nullopt;
}

/// Adds `small <= large` (or <) to the mask; false if it is none of forms. x / G <= y is x <= G y + (G - 1), and
/// x <= y / G is G x <= y.
static bool addComparison(Mask &mask, const Quotient &small, const Quotient &large, bool strict) {
  if (small.divisor != 1 && large.divisor != 1)
    return false;
  LinearForm one;
  one.constant = 1;
  std::optional<LinearForm> form = LinearForm().plus(small.form, large.divisor);
  form = form ? form->plus(large.form, -small.divisor) : form;
  form = form ? form->plus(one, strict ? small.divisor * large.divisor : 0) : form;
  form = form ? form->plus(one, 1 - small.divisor) : form;
  if (!form)
    return false;
  mask.conjuncts.push_back(*form);
  return true;
}

/// Adds what `cmp` says of a tile whose elements are rows and columns; false if it cannot be read.
static bool addComparison(Mask &mask, Quotients &forms, arith::CmpIOp cmp, unsigned axis) {
  if (!isa<RankedTensorType>(cmp.getLhs().getType()))
    return false;
  std::optional<Quotient> x = forms.read(cmp.getLhs(), axis), y = forms.read(cmp.getRhs(), axis);
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
  Quotients forms;
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
