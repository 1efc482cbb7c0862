//===- MaximumRecurrence.cpp - Sums of powers below a running maximum -----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// First the exponentials whose exponents are differences to m'; then that m' goes nowhere else; then that what
// they flow into is linear in them, as far as the values that the loop carries.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/MaximumRecurrence.h"
#include "compiler/tile/Spread.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace imbrex;

namespace {

/// An exponent k (x - y), or k x - k y in product form.
struct Exponent {
  Value x, y;                          ///< y: without what spreads it
  Value factor;                        ///< k, or null
  Value base;                          ///< the tile that spreads y, or k y
  bool isProduct;                      ///< k x - k y; also where k is 1
  SmallVector<Operation *> dependents; ///< what is made of y, up to the exponent
};

class RecurrenceFinder {
public:
  RecurrenceFinder(scf::ForOp loop, const KnownSigns &signs) : loop(loop), signs(signs) {}
  std::optional<MaximumRecurrence> find();

private:
  void forget() {
    bases.clear(), inside.clear(), dependents.clear(), linear.clear(), combined.clear(), rescaled.clear();
  }
  bool findMaximum(unsigned index);
  void findGuards();
  std::optional<Exponent> readExponent(Value exponent) const;
  bool addExponential(Operation *op);
  bool agrees(const Exponent &exponent, bool isNatural);
  StringRef whyNot();
  bool staysInside();
  bool isOnlyUsedBy(Value value, llvm::function_ref<bool(Operation *)> allowed) const {
    return llvm::all_of(value.getUsers(), allowed);
  }

  //===--- What is linear in the powers ---===//
  bool followFactor(Value factor);
  bool followAll();
  bool follow(OpOperand &use);
  bool isLinear(Operation *op) const;
  bool isLinearValue(Value value) const { return linear.contains(value); }
  bool isLinearOrZero(Value value) const {
    std::optional<APFloat> number = constantFloat(value);
    return isLinearValue(value) || (number && number->isZero());
  }

  scf::ForOp loop;
  const KnownSigns &signs;
  MaximumRecurrence found;
  Value carried;                      ///< m
  Value source;                       ///< s
  llvm::SetVector<Value> bases;       ///< m', and m' guarded
  llvm::DenseSet<Operation *> inside; ///< what may use m and m'
  llvm::SetVector<Value> dependents;  ///< values made of them on the way to an exponential
  llvm::SetVector<Value> linear;
  llvm::SetVector<Operation *> combined;     ///< what makes a linear value of others
  llvm::MapVector<unsigned, Value> rescaled; ///< accumulators, and the tile that spreads a over them
};

} // namespace

static bool sameUniform(Value x, Value y) {
  if (!x || !y || !isUniform(x) || !isUniform(y))
    return !x && !y;
  std::optional<APFloat> a = constantFloat(x), b = constantFloat(y);
  return a && b ? a->bitwiseIsEqual(*b) : !a && !b && coreOf(x) == coreOf(y);
}

/// m' = max(m, reduce max s) is what value `index` becomes.
bool RecurrenceFinder::findMaximum(unsigned index) {
  carried = loop.getRegionIterArg(index);
  auto max = loop.getYieldedValues()[index].getDefiningOp<arith::MaxNumFOp>();
  Type element = getElementTypeOrSelf(carried.getType());
  bool isWide = element.isF32() || element.isF64();
  if (!max || !isWide || max->getBlock() != loop.getBody() || !isa<RankedTensorType>(max.getType()))
    return false;
  Value other = max.getLhs() == carried ? max.getRhs() : max.getLhs();
  auto reduce = other.getDefiningOp<tile::ReduceOp>();
  bool isCarried = max.getLhs() == carried || max.getRhs() == carried;
  if (!isCarried || !reduce || reduce.getKind() != tile::ReduceKind::Max)
    return false;
  found = {};
  found.loop = loop, found.index = index, found.maximum = max;
  source = reduce.getSource();
  inside.insert(max);
  bases.insert(max);
  return true;
}

/// select(m' == -inf, number, m'), either way round.
void RecurrenceFinder::findGuards() {
  using P = arith::CmpFPredicate;
  for (Operation *user : found.maximum.getUsers()) {
    auto cmp = dyn_cast<arith::CmpFOp>(user);
    std::optional<APFloat> bound = cmp ? constantFloat(cmp.getRhs()) : std::nullopt;
    if (!bound || !bound->isInfinity() || !bound->isNegative())
      continue;
    bool isEqual = cmp.getPredicate() == P::OEQ || cmp.getPredicate() == P::UEQ;
    bool isAbove = llvm::is_contained({P::ONE, P::UNE, P::OGT}, cmp.getPredicate());
    for (Operation *choice : cmp->getUsers()) {
      auto select = dyn_cast<arith::SelectOp>(choice);
      if (!select || select.getCondition() != cmp.getResult() || (!isEqual && !isAbove))
        continue;
      Value itself = isEqual ? select.getFalseValue() : select.getTrueValue();
      Value instead = isEqual ? select.getTrueValue() : select.getFalseValue();
      if (itself != found.maximum || !constantFloat(instead))
        continue;
      inside.insert(cmp), inside.insert(select);
      bases.insert(select);
      dependents.insert(cmp);
    }
  }
}

std::optional<Exponent> RecurrenceFinder::readExponent(Value exponent) const {
  auto product = exponent.getDefiningOp<arith::MulFOp>();
  bool swapped = product && isUniform(product.getLhs());
  Value factor = product ? product->getOperand(swapped ? 0 : 1) : Value();
  auto difference = (product ? product->getOperand(swapped ? 1 : 0) : exponent).getDefiningOp<arith::SubFOp>();
  if (!difference || (factor && !isUniform(factor)))
    return std::nullopt;
  Exponent result{difference.getLhs(), {}, factor, difference.getRhs(), !product, {}};
  result.dependents.push_back(difference);
  if (product)
    result.dependents.push_back(product);
  for (Value value = result.base; value != coreOf(value); value = value.getDefiningOp()->getOperand(0))
    result.dependents.push_back(value.getDefiningOp());
  result.y = coreOf(result.base);
  auto left = result.x.getDefiningOp<arith::MulFOp>(), right = result.y.getDefiningOp<arith::MulFOp>();
  if (product || !left || !right || bases.contains(result.y))
    return result;
  for (unsigned l : {0, 1})
    for (unsigned r : {0, 1})
      if (isUniform(left->getOperand(l)) && sameUniform(left->getOperand(l), right->getOperand(r))) {
        result.factor = left->getOperand(l);
        result.x = left->getOperand(1 - l), result.y = right->getOperand(1 - r);
        result.dependents.push_back(right);
        if (result.x == carried)
          result.dependents.push_back(left);
        return result;
      }
  return result;
}

/// Takes k and the form from the first exponential, and compares the others with it.
bool RecurrenceFinder::agrees(const Exponent &exponent, bool isNatural) {
  bool isFirst = found.powers.empty() && found.factors.empty();
  if (isFirst)
    found.factor = exponent.factor, found.isNatural = isNatural;
  return sameUniform(found.factor, exponent.factor) && found.isNatural == isNatural;
}

/// False if it is a power of the recurrence that does not fit the others.
bool RecurrenceFinder::addExponential(Operation *op) {
  std::optional<Exponent> exponent = readExponent(op->getOperand(0));
  if (!exponent || !bases.contains(exponent->y))
    return true;
  bool isFactor = exponent->x == carried, isPower = exponent->x == source;
  if ((!isFactor && !isPower) || !agrees(*exponent, isa<math::ExpOp>(op)))
    return false;
  if (isPower) {
    if (!found.powers.empty() && found.isProductForm != exponent->isProduct)
      return false;
    found.isProductForm = exponent->isProduct;
    found.powers.push_back({op, exponent->x, exponent->base});
  } else {
    found.factors.push_back(op);
  }
  inside.insert(op);
  for (Operation *dependent : exponent->dependents) {
    inside.insert(dependent);
    dependents.insert(dependent->getResult(0));
  }
  return true;
}

/// m and m' are used by what was found alone, and m' once more by the loop.
bool RecurrenceFinder::staysInside() {
  Operation *yield = loop.getBody()->getTerminator();
  auto isInside = [&](Operation *user) { return inside.contains(user); };
  for (OpOperand &use : found.maximum.getUses())
    if (!isInside(use.getOwner()) && (use.getOwner() != yield || use.getOperandNumber() != found.index))
      return false;
  return isOnlyUsedBy(carried, isInside) &&
         llvm::all_of(bases, [&](Value base) { return base == found.maximum || isOnlyUsedBy(base, isInside); }) &&
         llvm::all_of(dependents, [&](Value value) { return isOnlyUsedBy(value, isInside); });
}

/// a multiplies values that the loop carries, and does nothing else.
bool RecurrenceFinder::followFactor(Value factor) {
  for (OpOperand &use : factor.getUses()) {
    Operation *op = use.getOwner();
    if (isa<tile::BroadcastOp, tile::ExpandDimsOp>(op)) {
      if (!followFactor(op->getResult(0)))
        return false;
      continue;
    }
    auto argument =
        isa<arith::MulFOp>(op) ? dyn_cast<BlockArgument>(op->getOperand(1 - use.getOperandNumber())) : BlockArgument();
    if (!argument || argument.getOwner() != loop.getBody() || argument.getArgNumber() == 0 || !argument.hasOneUse())
      return false;
    rescaled[argument.getArgNumber() - 1] = factor;
    linear.insert(op->getResult(0));
  }
  return true;
}

bool RecurrenceFinder::follow(OpOperand &use) {
  Operation *op = use.getOwner();
  if (auto yield = dyn_cast<scf::YieldOp>(op))
    return yield->getParentOp() == loop && rescaled.contains(use.getOperandNumber());
  bool isKnown =
      isa<arith::TruncFOp, arith::ExtFOp, arith::NegFOp, arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
          arith::SelectOp, tile::BroadcastOp, tile::ExpandDimsOp, tile::TransposeOp, tile::DotOp, tile::ReduceOp>(op);
  if (!isKnown || op->getBlock() != loop.getBody())
    return false;
  combined.insert(op);
  linear.insert(op->getResult(0));
  return true;
}

/// Whether a result is linear in operands of which some are.
bool RecurrenceFinder::isLinear(Operation *op) const {
  auto isFree = [&](Value value) { return !isLinearValue(value); };
  if (isa<arith::AddFOp, arith::SubFOp>(op))
    return isLinearOrZero(op->getOperand(0)) && isLinearOrZero(op->getOperand(1));
  if (isa<arith::MulFOp>(op))
    return isFree(op->getOperand(0)) || isFree(op->getOperand(1));
  if (isa<arith::DivFOp>(op))
    return isFree(op->getOperand(1));
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return isFree(select.getCondition()) && isLinearOrZero(select.getTrueValue()) &&
           isLinearOrZero(select.getFalseValue());
  if (auto dot = dyn_cast<tile::DotOp>(op))
    return isFree(dot.getA()) != isFree(dot.getB()) && isLinearOrZero(dot.getAccumulator());
  if (auto reduce = dyn_cast<tile::ReduceOp>(op))
    return reduce.getKind() == tile::ReduceKind::Sum;
  return true; // of one operand
}

bool RecurrenceFinder::followAll() {
  for (Operation *factor : found.factors)
    if (!followFactor(factor->getResult(0)))
      return false;
  for (const MaximumRecurrence::Power &power : found.powers)
    linear.insert(power.op->getResult(0));
  for (unsigned i = 0; i < linear.size(); ++i) // grows while it is walked
    for (OpOperand &use : linear[i].getUses())
      if (!follow(use))
        return false;
  if (!llvm::all_of(combined, [&](Operation *op) { return isLinear(op); }))
    return false;
  for (auto [index, spread] : rescaled) {
    if (!isLinearValue(loop.getYieldedValues()[index]))
      return false;
    found.accumulators.push_back({index, spread});
  }
  return true;
}

/// What keeps the recurrence from being one; empty if nothing does.
StringRef RecurrenceFinder::whyNot() {
  if (found.factor && !signs.isPositive(found.factor))
    return "the factor of its exponents is not known to be positive (require it)";
  if (found.factor && !constantFloat(found.factor) && !loop.isDefinedOutsideOfLoop(coreOf(found.factor)))
    return "the factor of its exponents changes in the loop";
  if (!staysInside())
    return "the loop uses it for more than the exponents of these powers";
  if (!followAll())
    return "what its powers flow into is not linear in them";
  for (const MaximumRecurrence::Accumulator &each : found.accumulators)
    if (std::optional<APFloat> start = constantFloat(loop.getInitArgs()[each.index]); !start || !start->isZero())
      return "an accumulator does not start at 0";
  return "";
}

std::optional<MaximumRecurrence> RecurrenceFinder::find() {
  for (unsigned index = 0, e = loop.getNumRegionIterArgs(); index < e; ++index) {
    forget();
    if (!findMaximum(index))
      continue;
    findGuards();
    bool fit = true;
    for (Operation &op : *loop.getBody())
      if (isa<math::Exp2Op, math::ExpOp>(op))
        fit &= addExponential(&op);
    if (found.powers.empty() || found.factors.empty())
      continue;
    StringRef reason = fit ? whyNot() : "its exponents have different factors or forms";
    if (!reason.empty()) {
      found.maximum.getDefiningOp()->emitRemark() << "accumulators are rescaled in every iteration: " << reason;
      continue;
    }
    auto isTile = [&](const MaximumRecurrence::Accumulator &each) {
      auto type = dyn_cast<RankedTensorType>(loop.getResult(each.index).getType());
      return type && type.getRank() == 2;
    };
    if (llvm::any_of(found.accumulators, isTile))
      return found;
  }
  return std::nullopt;
}

std::optional<MaximumRecurrence> imbrex::findMaximumRecurrence(scf::ForOp loop, const KnownSigns &signs) {
  return RecurrenceFinder(loop, signs).find();
}
