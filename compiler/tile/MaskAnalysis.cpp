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

/// whole + sign * floor(dividend / divisor), divisor at least 1: of positions of packed heads, (row + i * 128) / G. The
/// sign is 0 where nothing is divided.
struct Sum {
  LinearForm whole, dividend;
  int64_t divisor = 1, sign = 0;

  /// this + other * factor, which is 1 or -1; nullopt if both divide.
  std::optional<Sum> plus(const Sum &other, int64_t factor) const {
    if (sign != 0 && other.sign != 0)
      return std::nullopt;
    std::optional<LinearForm> sum = whole.plus(other.whole, factor);
    const Sum &divided = other.sign != 0 ? other : *this;
    const int64_t itsSign = other.sign != 0 ? other.sign * factor : sign;
    return sum ? std::optional(Sum{*sum, divided.dividend, divided.divisor, itsSign}) : std::nullopt;
  }
};

/// Reads integer scalars and tiles as sums.
class Sums {
public:
  std::optional<Sum> read(Value value, unsigned axis, unsigned depth = 0);

private:
  std::optional<Sum> readNew(Value value, unsigned axis, unsigned depth);
  std::optional<Sum> readDivision(Operation *op, unsigned axis);

  static constexpr unsigned kMaxDepth = 256;
  LinearForms forms;
  llvm::DenseMap<std::pair<Value, unsigned>, std::optional<Sum>> known;
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
std::optional<Sum> Sums::readDivision(Operation *op, unsigned axis) {
  int64_t divisor = constantOf(op->getOperand(1));
  std::optional<LinearForm> form = forms.ofTile(op->getOperand(0), axis);
  if (divisor < 1 || !form || !isNonNegative(*form))
    return std::nullopt;
  return Sum{LinearForm(), *form, divisor, 1};
}

std::optional<Sum> Sums::read(Value value, unsigned axis, unsigned depth) {
  if (std::optional<LinearForm> form = forms.ofTile(value, axis))
    return Sum{*form, LinearForm()};
  auto it = known.find({value, axis});
  if (it != known.end())
    return it->second;
  std::optional<Sum> sum = depth < kMaxDepth ? readNew(value, axis, depth) : std::nullopt;
  known[{value, axis}] = sum;
  return sum;
}

std::optional<Sum> Sums::readNew(Value value, unsigned axis, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<tile::BroadcastOp, tile::SplatOp, arith::ExtSIOp>(op))
    return read(op->getOperand(0), axis, depth + 1);
  if (auto expand = dyn_cast_or_null<tile::ExpandDimsOp>(op))
    return read(expand.getSource(), 1 - expand.getDim(), depth + 1);
  if (isa_and_nonnull<arith::DivSIOp, arith::DivUIOp>(op))
    return readDivision(op, axis);
  if (!isa_and_nonnull<arith::AddIOp, arith::SubIOp>(op))
    return std::nullopt;
  auto flags = cast<arith::ArithIntegerOverflowFlagsInterface>(op);
  if (!getElementTypeOrSelf(value).isInteger(64) && !flags.hasNoSignedWrap())
    return std::nullopt;
  std::optional<Sum> x = read(op->getOperand(0), axis, depth + 1);
  std::optional<Sum> y = x ? read(op->getOperand(1), axis, depth + 1) : std::nullopt;
  return y ? x->plus(*y, isa<arith::SubIOp>(op) ? -1 : 1) : std::nullopt;
}

/// Adds `small <= large` (or <) to the mask; false if it is none of forms. x / G + y <= 0 is x + G y <= G - 1, and
/// y <= x / G is G y <= x.
static bool addComparison(Mask &mask, const Sum &small, const Sum &large, bool strict) {
  LinearForm one;
  one.constant = 1;
  std::optional<Sum> sum = small.plus(large, -1);
  std::optional<LinearForm> whole = sum ? sum->whole.plus(one, strict ? 1 : 0) : std::nullopt;
  std::optional<LinearForm> form = whole ? LinearForm().plus(sum->dividend, sum->sign) : std::nullopt;
  form = form ? form->plus(*whole, sum->divisor) : form;
  form = form ? form->plus(one, sum->sign > 0 ? 1 - sum->divisor : 0) : form;
  if (!form)
    return false;
  mask.conjuncts.push_back(*form);
  return true;
}

/// Adds what `cmp` says of a tile whose elements are rows and columns; false if it cannot be read.
static bool addComparison(Mask &mask, Sums &sums, arith::CmpIOp cmp, unsigned axis) {
  std::optional<Sum> x = sums.read(cmp.getLhs(), axis), y = sums.read(cmp.getRhs(), axis);
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
  static void addTruth(Mask &mask, Value truth);

  static constexpr unsigned kMostParts = 256;
  unsigned parts = 0;
  Sums sums;
};

} // namespace

/// Of a truth that all elements share, whatever it is made of: as a number it is -1 or 0.
void MaskReader::addTruth(Mask &mask, Value truth) {
  APInt number;
  const bool isConstant = matchPattern(truth, m_ConstantInt(&number));
  if (isConstant && !number.isZero())
    return;
  LinearForm form;
  form.constant = 1;
  if (!isConstant)
    form.scalars[truth] = 1;
  mask.conjuncts.push_back(form);
}

Mask MaskReader::read(Value value, unsigned axisOfValue) {
  Mask mask;
  SmallVector<std::pair<Value, unsigned>> left{{value, axisOfValue}}; // with the axis of a rank-1 tile
  llvm::DenseSet<std::pair<Value, unsigned>> seen;
  while (!left.empty()) {
    auto [part, axis] = left.pop_back_val();
    if (!seen.insert({part, axis}).second)
      continue;
    Operation *op = part.getDefiningOp();
    APInt number;
    if (++parts > kMostParts)
      mask.complete = false;
    else if (!isa<RankedTensorType>(part.getType()) || matchPattern(part, m_ConstantInt(&number)))
      addTruth(mask, part);
    else if (auto both = dyn_cast_or_null<arith::AndIOp>(op))
      left.append({{both.getRhs(), axis}, {both.getLhs(), axis}});
    else if (isa_and_nonnull<tile::BroadcastOp, tile::SplatOp>(op))
      left.push_back({op->getOperand(0), axis});
    else if (auto expand = dyn_cast_or_null<tile::ExpandDimsOp>(op))
      left.push_back({expand.getSource(), 1 - expand.getDim()});
    else if (auto cmp = dyn_cast_or_null<arith::CmpIOp>(op))
      mask.complete &= addComparison(mask, sums, cmp, axis);
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
