//===- MaskBoundsReader.cpp - Which comparisons a mask is made of ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Comparisons of least, largest and absolute values and of choices are taken apart; sums that are compared are told by
// how they grow.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/MaskBoundsReader.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace imbrex::reference {

using P = arith::CmpIPredicate;

/// What is said beside what never holds is kept: it tells how columns move with the loop.
MaskBoundsReader::Reading MaskBoundsReader::both(Reading x, const Reading &y) {
  if (x.certain == true || y.certain == true)
    return x.certain == true ? y : x;
  x.certain = x.certain ? x.certain : y.certain;
  x.part.bounds.append(y.part.bounds);
  llvm::append_range(x.part.disjunctions, y.part.disjunctions);
  return x;
}

MaskBoundsReader::Reading MaskBoundsReader::either(const Reading &x, const Reading &y) {
  if (x.certain || y.certain)
    return x.certain ? (*x.certain ? x : y) : (*y.certain ? y : x);
  Reading result;
  result.part.disjunctions.push_back({x.part, y.part});
  return result;
}

/// nullopt where neither of the two is certain.
std::optional<MaskBoundsReader::Reading> MaskBoundsReader::choose(Value condition, unsigned axis, const Reading &yes,
                                                                  const Reading &no) {
  if (!yes.certain && !no.certain)
    return std::nullopt;
  if (yes.certain == no.certain)
    return Reading{{}, yes.certain};
  Reading holds = read(condition, axis), fails = read(condition, axis, /*isOpposite=*/true);
  if (yes.certain)
    return *yes.certain ? either(holds, no) : both(fails, no);
  return *no.certain ? either(fails, yes) : both(holds, yes);
}

/// The integer of all elements.
static std::optional<int64_t> constantOf(Value value) {
  while (isa_and_nonnull<tile::BroadcastOp, tile::SplatOp, tile::ExpandDimsOp, arith::ExtSIOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  llvm::APInt number;
  return matchPattern(value, m_ConstantInt(&number)) ? std::optional(number.getSExtValue()) : std::nullopt;
}

static bool isGreater(P predicate) { return predicate == P::sge || predicate == P::sgt; }
static bool isOrder(P predicate) { return isGreater(predicate) || predicate == P::sle || predicate == P::slt; }

/// y predicate x, where x predicate y is asked.
static P turned(P predicate) {
  constexpr std::pair<P, P> kTurned[] = {{P::sle, P::sge}, {P::slt, P::sgt}, {P::sge, P::sle}, {P::sgt, P::slt},
                                         {P::ule, P::uge}, {P::ult, P::ugt}, {P::uge, P::ule}, {P::ugt, P::ult}};
  auto found = llvm::find_if(kTurned, [&](const auto &pair) { return pair.first == predicate; });
  return found == std::end(kTurned) ? predicate : found->second;
}

/// By what x is made of; nullopt if it is made of nothing that is taken apart.
std::optional<MaskBoundsReader::Reading> MaskBoundsReader::compareMade(P predicate, Side x, const Side &y) {
  for (Operation *op = x.value.getDefiningOp();
       isa_and_nonnull<tile::BroadcastOp, tile::ExpandDimsOp, arith::ExtSIOp>(op); op = x.value.getDefiningOp()) {
    if (auto expand = dyn_cast<tile::ExpandDimsOp>(op))
      x.axis = 1 - expand.getDim();
    x.value = op->getOperand(0);
  }
  Operation *op = x.value.getDefiningOp();
  if (!op || x.sign < 0 || !isa<RankedTensorType>(x.value.getType()))
    return std::nullopt;
  auto part = [&](unsigned operand, int sign = 1) {
    return compare(predicate, {op->getOperand(operand), x.axis, sign}, y);
  };
  if (isa<arith::MinSIOp, arith::MaxSIOp>(op) && isOrder(predicate))
    return isa<arith::MinSIOp>(op) == isGreater(predicate) ? both(part(0), part(1)) : either(part(0), part(1));
  if (isa<math::AbsIOp>(op) && op->hasAttr(tile::kExactAttr) && isOrder(predicate))
    return isGreater(predicate) ? either(part(0), part(0, -1)) : both(part(0), part(0, -1));
  if (isa<arith::SelectOp>(op))
    return choose(op->getOperand(0), x.axis, part(1), part(2));
  std::optional<int64_t> right = constantOf(y.value);
  if (!right || !isa<arith::ExtUIOp>(op) || !getElementTypeOrSelf(op->getOperand(0)).isInteger(1))
    return std::nullopt;
  auto against = [&](uint64_t truth) {
    return Reading{{},
                   arith::applyCmpPredicate(predicate, llvm::APInt(64, truth), llvm::APInt(64, y.sign * *right, true))};
  };
  return choose(op->getOperand(0), x.axis, against(1), against(0));
}

MaskBoundsReader::Reading MaskBoundsReader::compare(P predicate, const Side &x, const Side &y) {
  std::optional<int64_t> left = constantOf(x.value), right = constantOf(y.value);
  if (left && right)
    return {{},
            arith::applyCmpPredicate(predicate, llvm::APInt(64, x.sign * *left, true),
                                     llvm::APInt(64, y.sign * *right, true))};
  if (++parts > kMostParts)
    return {};
  std::optional<Reading> made = compareMade(predicate, x, y);
  made = made ? made : compareMade(turned(predicate), y, x);
  return made ? *made : Reading{compareSums(predicate, x, y)};
}

MaskBounds::Part MaskBoundsReader::compareSums(P predicate, const Side &x, const Side &y) {
  Part part;
  std::optional<int64_t> left = growth(x.value, /*exact=*/true), right = growth(y.value, /*exact=*/true);
  Quotients ofX = quotients(x.value), ofY = quotients(y.value);
  if (!left || !right || ofX.count + ofY.count > 1 ||
      !llvm::is_contained({P::sle, P::slt, P::sge, P::sgt, P::eq}, predicate))
    return part;
  int64_t grows = x.sign * *left - y.sign * *right, divisor = std::max(ofX.divisor, ofY.divisor);
  if (!isGreater(predicate))
    part.bounds.push_back({x, y, 1, predicate == P::slt, grows, divisor});
  if (predicate != P::sle && predicate != P::slt)
    part.bounds.push_back({x, y, -1, predicate == P::sgt, grows, divisor});
  return part;
}

MaskBoundsReader::Reading MaskBoundsReader::readComparison(arith::CmpIOp cmp, unsigned axis, bool isOpposite) {
  P predicate = cmp.getPredicate();
  if (!getElementTypeOrSelf(cmp.getLhs()).isInteger(1)) {
    predicate = isOpposite ? arith::invertPredicate(predicate) : predicate;
    return compare(predicate, {cmp.getLhs(), axis}, {cmp.getRhs(), axis});
  }
  std::optional<int64_t> truth = constantOf(cmp.getRhs());
  if (!truth || (predicate != P::eq && predicate != P::ne))
    return {};
  return read(cmp.getLhs(), axis, isOpposite != ((*truth == 0) == (predicate == P::eq)));
}

/// Of a truth that all elements share, whatever it is made of: as a number it is -1 or 0.
MaskBoundsReader::Reading MaskBoundsReader::readScalar(Value truth, bool isOpposite) {
  Reading result;
  const Side nothing{truth, 0, 0};
  if (growth(truth, /*exact=*/true) == std::optional<int64_t>(0))
    result.part.bounds.push_back({{truth, 0}, nothing, isOpposite ? -1 : 1, isOpposite ? 0 : 1, 0});
  return result;
}

MaskBoundsReader::Reading MaskBoundsReader::read(Value value, unsigned axis, bool isOpposite) {
  if (std::optional<int64_t> truth = constantOf(value))
    return {{}, (*truth != 0) != isOpposite};
  if (++parts > kMostParts)
    return {};
  if (!isa<RankedTensorType>(value.getType()))
    return readScalar(value, isOpposite);
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<tile::BroadcastOp, tile::SplatOp>(op))
    return read(op->getOperand(0), axis, isOpposite);
  if (auto expand = dyn_cast_or_null<tile::ExpandDimsOp>(op))
    return read(expand.getSource(), 1 - expand.getDim(), isOpposite);
  if (auto cmp = dyn_cast_or_null<arith::CmpIOp>(op))
    return readComparison(cmp, axis, isOpposite);
  auto part = [&](unsigned operand) { return read(op->getOperand(operand), axis, isOpposite); };
  if (auto select = dyn_cast_or_null<arith::SelectOp>(op))
    return choose(select.getCondition(), axis, part(1), part(2)).value_or(Reading());
  if (!isa_and_nonnull<arith::AndIOp, arith::OrIOp>(op))
    return {};
  return isa<arith::AndIOp>(op) != isOpposite ? both(part(0), part(1)) : either(part(0), part(1));
}

std::optional<int64_t> MaskBoundsReader::growth(Value value, bool exact, unsigned depth) {
  auto it = known.find({value, unsigned(exact)});
  if (it != known.end())
    return it->second;
  std::optional<int64_t> result = depth < kMaxDepth ? newGrowth(value, exact, depth) : std::nullopt;
  known[{value, unsigned(exact)}] = result;
  return result;
}

/// True of sums of positions, of constants that are not below zero, and of products with such constants.
static bool isPosition(Value value, unsigned depth) {
  llvm::APInt number;
  Operation *op = value.getDefiningOp();
  if (matchPattern(value, m_ConstantInt(&number)))
    return number.isNonNegative();
  if (!op || depth == 0)
    return false;
  if (isa<tile::IotaOp, tile::ProgramIdOp, tile::ExtentOp, tile::LengthOp>(op))
    return true;
  bool isSum = isa<tile::BroadcastOp, tile::SplatOp, tile::ExpandDimsOp, arith::ExtSIOp, arith::AddIOp>(op) ||
               (isa<arith::MulIOp>(op) && llvm::any_of(op->getOperands(), constantOf));
  return isSum && llvm::all_of(op->getOperands(), [&](Value operand) { return isPosition(operand, depth - 1); });
}

/// A position of rows alone that is divided by a small constant, as those of packed heads: it stays in the loop.
bool MaskBoundsReader::isDividedPosition(Operation *op, bool exact, unsigned depth) {
  if (!isa<arith::DivSIOp, arith::DivUIOp>(op) || !isPosition(op->getOperand(0), 16))
    return false;
  Value divisor = op->getOperand(1);
  while (isa_and_nonnull<tile::SplatOp, arith::ExtSIOp>(divisor.getDefiningOp()))
    divisor = divisor.getDefiningOp()->getOperand(0);
  llvm::APInt number;
  bool isConstant =
      matchPattern(divisor, m_ConstantInt(&number)) && number.isStrictlyPositive() && number.sle(kLargestStep);
  return isConstant && growth(op->getOperand(0), exact, depth + 1) == std::optional<int64_t>(0);
}

MaskBoundsReader::Quotients MaskBoundsReader::quotients(Value sum) {
  Operation *op = sum.getDefiningOp();
  if (!op || !isa<RankedTensorType>(sum.getType()))
    return {};
  auto it = knownQuotients.find(sum);
  if (it != knownQuotients.end())
    return it->second;
  Quotients result;
  if (isa<arith::DivSIOp, arith::DivUIOp>(op))
    result = {1, constantOf(op->getOperand(1)).value_or(1)};
  else if (isa<tile::BroadcastOp, tile::ExpandDimsOp, arith::ExtSIOp, arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
    for (Value operand : op->getOperands()) {
      Quotients part = quotients(operand);
      result = {std::min(result.count + part.count, 2u), std::max(result.divisor, part.divisor)};
    }
  knownQuotients[sum] = result;
  return result;
}

std::optional<int64_t> MaskBoundsReader::newGrowth(Value value, bool exact, unsigned depth) {
  DenseIntElementsAttr elements;
  bool isTile = isa<RankedTensorType>(value.getType());
  if (value == loop.getInductionVar())
    return 1;
  if (!isTile && loop.isDefinedOutsideOfLoop(value) && !value.getType().isInteger(64))
    return 0;
  Operation *op = value.getDefiningOp();
  if (!op || isa<tile::IotaOp>(op) || (matchPattern(value, m_Constant(&elements)) && elements.isSplat()))
    return op ? std::optional<int64_t>(0) : std::nullopt;
  if (isa<tile::BroadcastOp, tile::SplatOp, tile::ExpandDimsOp, arith::ExtSIOp>(op))
    return growth(op->getOperand(0), exact, depth + 1);
  if (isTile && isDividedPosition(op, exact, depth))
    return 0;
  auto flags = dyn_cast<arith::ArithIntegerOverflowFlagsInterface>(op);
  bool isSum = isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op) && (!exact || flags.hasNoSignedWrap());
  if (!isSum)
    return isTile ? std::nullopt : growthOfScalar(op, exact, depth);
  std::optional<int64_t> x = growth(op->getOperand(0), exact, depth + 1),
                         y = growth(op->getOperand(1), exact, depth + 1);
  int64_t result = 0;
  if (!x || !y)
    return std::nullopt;
  if (isa<arith::AddIOp>(op))
    return __builtin_add_overflow(*x, *y, &result) ? std::nullopt : std::optional(result);
  if (isa<arith::SubIOp>(op))
    return __builtin_sub_overflow(*x, *y, &result) ? std::nullopt : std::optional(result);
  if (quotients(value).count > 0) // bounds a column by itself, not many times over
    return std::nullopt;
  for (auto [factor, other] : {std::pair(op->getOperand(0), *y), {op->getOperand(1), *x}}) {
    if (std::optional<int64_t> number = constantOf(factor))
      return __builtin_mul_overflow(*number, other, &result) ? std::nullopt : std::optional(result);
  }
  return isTile ? std::nullopt : growthOfScalar(op, exact, depth);
}

/// An element of an input: as good as what its place is computed of.
static bool isLoadOfInput(Operation *op) {
  auto load = dyn_cast<tile::LoadOp>(op);
  return load && load.getDims().empty() && load.getView().getType().getAccess() == tile::ViewAccess::In;
}

/// Of a scalar that is no sum: 0 if it is computed from what stays, in 32 bits, or a constant.
std::optional<int64_t> MaskBoundsReader::growthOfScalar(Operation *op, bool exact, unsigned depth) {
  const bool isOpaque = op->getResult(0).getType().isInteger(64) && op->getNumOperands() != 0;
  bool stays =
      !isOpaque && (isPure(op) || isLoadOfInput(op)) && op->getNumRegions() == 0 &&
      llvm::all_of(op->getOperands(), [&](Value operand) {
        return isa<tile::ViewType>(operand.getType()) || growth(operand, exact, depth + 1) == std::optional<int64_t>(0);
      });
  return stays ? std::optional<int64_t>(0) : std::nullopt;
}

} // namespace imbrex::reference
