//===- FoldScales.cpp - Positive factors move behind maxima ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass tile-fold-scales. From x * c with c > 0 it follows what x * c flows into:
//
//     passes on   max, min, + and - of such, -, select beside 0 and infinities, reduce max and min, broadcasts,
//                 the values that a loop carries from 0 or an infinity
//     ends in     x * factor (which takes c), comparisons with an infinity or of two such
//     is undone   where anything else needs a value of rank 1: there it is multiplied
//
// A tile of rank 2 that anything else needs stays as it is. c times a factor is clamped to the normal numbers: what
// was above 0 and finite stays so. Rounding: one product less an element; the order of two products changes.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/Factors.h"
#include "compiler/tile/KnownSigns.h"
#include "compiler/tile/Passes.h"
#include "compiler/tile/Spread.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_FOLDSCALES
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

/// A factor is followed so far; programs that a machine wrote could make it go on.
static constexpr unsigned kMostUses = 256, kMostOpaque = 8;

namespace {

/// What one product x * c flows into.
class ScaledValues {
public:
  ScaledValues(arith::MulFOp product, Value raw, Value factor, const KnownSigns &signs)
      : product(product), raw(raw), factor(factor), signs(signs) {}

  /// Null, or the operation that needs the product as it is.
  Operation *follow();
  /// Takes the factor out. `follow` has found nothing against it.
  void rewrite();
  bool reachesTileFactor() const {
    return llvm::any_of(absorbing, [](OpOperand *use) { return rankOf(use->get()) == 2; });
  }

  bool meetsMaximum() const {
    return llvm::any_of(passed, [](Operation *op) { return isa<tile::ReduceOp>(op); });
  }

private:
  static int64_t rankOf(Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return type ? type.getRank() : 0;
  }
  Operation *followAll();
  bool isScaled(Value value) const { return scaled.contains(value); }
  bool followUse(OpOperand &use);
  bool followYield(scf::YieldOp yield, unsigned index);
  /// Needs the value itself: a multiplication there, if it is small.
  bool undo(OpOperand &use);
  bool pass(Operation *op);
  /// Whether the operands of all that the factor passes have it, or are the same with it and without it.
  Operation *findStranger() const;
  bool isNeutral(Value value, bool zeroIsNeutral) const;
  Value times(OpBuilder &b, Location loc, Value x);

  arith::MulFOp product;
  Value raw, factor; ///< the factor: a scalar, or a tile that repeats one
  const KnownSigns &signs;
  llvm::SetVector<Value> scaled;
  llvm::SetVector<Operation *> passed;
  SmallVector<OpOperand *> absorbing; ///< the scaled operand of a product
  SmallVector<OpOperand *> undone;
  llvm::DenseSet<Operation *> opaque; ///< the factor does not pass these
};

struct FoldScales : imbrex::impl::FoldScalesBase<FoldScales> {
  void runOnOperation() override {
    KnownSigns signs(getOperation());
    SmallVector<arith::MulFOp> products;
    getOperation().walk([&](arith::MulFOp op) {
      auto type = dyn_cast<RankedTensorType>(op.getType());
      if (type && type.getRank() == 2 && (type.getElementType().isF32() || type.getElementType().isF64()))
        products.push_back(op);
    });
    for (arith::MulFOp product : products)
      for (bool swapped : {false, true}) {
        Value raw = swapped ? product.getRhs() : product.getLhs(),
              factor = swapped ? product.getLhs() : product.getRhs();
        if (isUniform(raw) || !isUniform(factor) || !signs.isPositive(factor))
          continue;
        fold(product, raw, factor, signs);
        break;
      }
  }

private:
  static void fold(arith::MulFOp product, Value raw, Value factor, const KnownSigns &signs) {
    ScaledValues values(product, raw, factor, signs);
    if (Operation *needs = values.follow()) {
      if (values.meetsMaximum())
        product.emitRemark() << "this factor stays: '" << needs->getName() << "' needs the product itself";
      return;
    }
    if (!values.reachesTileFactor())
      return; // it would be moved, not saved
    product.emitRemark("this positive factor is taken to the factors behind the maxima");
    values.rewrite();
  }
};

} // namespace

/// -inf and inf, which a positive factor leaves alone; 0 too where it is not compared.
bool ScaledValues::isNeutral(Value value, bool zeroIsNeutral) const {
  std::optional<APFloat> number = constantFloat(value);
  return number && (number->isInfinity() || number->isNaN() || (zeroIsNeutral && number->isZero()));
}

bool ScaledValues::undo(OpOperand &use) {
  if (rankOf(use.get()) == 2)
    return false;
  undone.push_back(&use);
  return true;
}

bool ScaledValues::pass(Operation *op) {
  passed.insert(op);
  scaled.insert(op->getResult(0));
  return true;
}

bool ScaledValues::followYield(scf::YieldOp yield, unsigned index) {
  auto loop = dyn_cast<scf::ForOp>(yield->getParentOp());
  bool changes = loop && !constantFloat(factor) && !loop.isDefinedOutsideOfLoop(coreOf(factor));
  if (!loop || changes || (!isNeutral(loop.getInitArgs()[index], true) && !isScaled(loop.getInitArgs()[index])))
    return false;
  passed.insert(loop);
  scaled.insert(loop.getRegionIterArg(index));
  scaled.insert(loop.getResult(index));
  return true;
}

bool ScaledValues::followUse(OpOperand &use) {
  Operation *op = use.getOwner();
  if (opaque.contains(op))
    return undo(use);
  if (isa<arith::MaxNumFOp, arith::MinNumFOp, arith::MaximumFOp, arith::MinimumFOp, arith::AddFOp, arith::SubFOp,
          arith::NegFOp, tile::BroadcastOp, tile::ExpandDimsOp, tile::TransposeOp>(op))
    return pass(op);
  if (isa<arith::SelectOp>(op) && use.getOperandNumber() != 0)
    return pass(op);
  if (auto reduce = dyn_cast<tile::ReduceOp>(op); reduce && reduce.getKind() != tile::ReduceKind::Sum)
    return pass(op);
  if (auto yield = dyn_cast<scf::YieldOp>(op))
    return followYield(yield, use.getOperandNumber()) || undo(use);
  if (isa<arith::CmpFOp>(op)) {
    passed.insert(op);
    return true;
  }
  if (auto multiply = dyn_cast<arith::MulFOp>(op)) {
    Value other = op->getOperand(1 - use.getOperandNumber());
    bool isFactor = isUniform(other) && (signs.isPositive(other) || constantFloat(other)) && !isScaled(other);
    if (isFactor && mayMeet(factor, other)) {
      absorbing.push_back(&use);
      return true;
    }
  }
  return undo(use);
}

Operation *ScaledValues::findStranger() const {
  for (Operation *op : passed) {
    if (isa<scf::ForOp>(op))
      continue; // followYield has looked at what it carries
    bool isSelect = isa<arith::SelectOp>(op), isCompare = isa<arith::CmpFOp>(op);
    for (Value operand : op->getOperands().drop_front(isSelect ? 1 : 0))
      if (!isScaled(operand) && !isNeutral(operand, !isCompare))
        return op;
  }
  for (OpOperand *use : absorbing)
    if (isScaled(use->getOwner()->getOperand(1 - use->getOperandNumber())))
      return use->getOwner();
  return nullptr;
}

Operation *ScaledValues::follow() {
  while (true) {
    scaled.clear(), passed.clear(), absorbing.clear(), undone.clear();
    Operation *stranger = followAll();
    // A small value that meets one without the factor is multiplied there.
    bool isSmall = stranger && stranger->getNumResults() == 1 &&
                   llvm::all_of(stranger->getOperands(), [](Value operand) { return rankOf(operand) < 2; });
    if (!isSmall || opaque.size() == kMostOpaque || !opaque.insert(stranger).second)
      return stranger;
  }
}

Operation *ScaledValues::followAll() {
  scaled.insert(product.getResult());
  unsigned visited = 0;
  for (unsigned i = 0; i < scaled.size(); ++i) // grows while it is walked
    for (OpOperand &use : scaled[i].getUses()) {
      bool isKnown = passed.contains(use.getOwner());
      if (++visited > kMostUses || isa<scf::ForOp>(use.getOwner()) || (!isKnown && !followUse(use)))
        return use.getOwner();
    }
  // An operation that was met once is not followed again; a value that a loop carries is what its yield gives.
  for (Operation *op : passed)
    if (auto loop = dyn_cast<scf::ForOp>(op))
      for (auto [argument, yielded] : llvm::zip(loop.getRegionIterArgs(), loop.getYieldedValues()))
        if (isScaled(argument) && !isScaled(yielded))
          return loop;
  return findStranger();
}

Value ScaledValues::times(OpBuilder &b, Location loc, Value x) {
  Value scalar = uniformScalar(b, loc, factor);
  return arith::MulFOp::create(b, loc, x, splatTo(b, loc, scalar, x.getType()));
}

void ScaledValues::rewrite() {
  Type element = getElementTypeOrSelf(product.getType());
  const llvm::fltSemantics &format = cast<FloatType>(element).getFloatSemantics();
  double least = APFloat::getSmallestNormalized(format).convertToDouble();
  double most = APFloat::getLargest(format).convertToDouble();
  for (OpOperand *use : absorbing) {
    Operation *op = use->getOwner();
    OpBuilder b(op);
    Location loc = op->getLoc();
    OpOperand &other = op->getOpOperand(1 - use->getOperandNumber());
    if (std::optional<double> known = productOfConstants(factor, other.get())) {
      other.set(floatConstant(b, loc, other.get().getType(), *known));
      continue;
    }
    Value both = arith::MulFOp::create(b, loc, uniformScalar(b, loc, factor), uniformScalar(b, loc, other.get()));
    double low = signs.isPositive(other.get()) ? least : -most;
    both = arith::MaxNumFOp::create(b, loc, both, floatConstant(b, loc, element, low));
    both = arith::MinNumFOp::create(b, loc, both, floatConstant(b, loc, element, most));
    other.set(splatTo(b, loc, both, other.get().getType()));
  }
  for (OpOperand *use : undone) {
    OpBuilder b(use->getOwner());
    use->set(times(b, use->getOwner()->getLoc(), use->get()));
  }
  product.replaceAllUsesWith(raw);
  product.erase();
}
