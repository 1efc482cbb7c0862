//===- Simplify.cpp - Arithmetic once a row instead of once an element ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass tile-simplify, and the bounds that it keeps (Grammar.md states them, the interpreter's bounds hold them):
//
//     x / row          x * (1 / row)      1.5 units where 2^-126 <= |row| <= 2^126 (f64: 2^-1022, 2^1022)
//     x / constant     x * (1 / constant) the same; no error where the constant is a power of two
//     (x * a) * b      x * (a * b)        of constants, all of a chain at once, rounded once; a * b is a normal number
//     (x * a) * row    x * (a * row)      two roundings, as before; a is a constant or bounded, so that nothing
//                                         leaves the range that did not before, but beyond 2^86
//
// and in kernels of 16-bit type, of f32: a division 2 units (2.5 by a row), tanh 2^-21 absolute, e^x 2 + |x| units.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/Factors.h"
#include "compiler/tile/FloatFunctions.h"
#include "compiler/tile/LinearForms.h"
#include "compiler/tile/Passes.h"
#include "compiler/tile/Spread.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <numbers>

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_SIMPLIFY
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

static bool isHalf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isBF16();
}

/// The type in which `type` is computed: f32 for 16-bit floats.
static Type computeType(OpBuilder &b, Type type) {
  if (!isHalf(type))
    return type;
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? Type(tensor.clone(b.getF32Type())) : Type(b.getF32Type());
}

static Value widen(OpBuilder &b, Location loc, Value value) {
  return isHalf(value.getType()) ? arith::ExtFOp::create(b, loc, computeType(b, value.getType()), value) : value;
}

/// x * factor, rounded once to x's type; `factor` is of the type that x is computed in.
static Value scaled(OpBuilder &b, Location loc, Value x, Value factor) {
  Value product = arith::MulFOp::create(b, loc, widen(b, loc, x), factor);
  return isHalf(x.getType()) ? arith::TruncFOp::create(b, loc, x.getType(), product) : product;
}

/// A product with a constant, taken apart.
struct ConstantProduct {
  Value x;
  double factor;
};

static std::optional<ConstantProduct> constantProduct(Operation *op) {
  auto product = dyn_cast_or_null<arith::MulFOp>(op);
  for (unsigned which : {1, 0})
    if (product && !constantFloat(product->getOperand(1 - which)))
      if (std::optional<APFloat> number = constantFloat(product->getOperand(which)))
        return ConstantProduct{product->getOperand(1 - which), number->convertToDouble()};
  return std::nullopt;
}

namespace {

/// Division by what is the same in a row, a column or the whole tile.
struct DivideBySpread : OpRewritePattern<arith::DivFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::DivFOp op, PatternRewriter &b) const override {
    if (!isa<RankedTensorType>(op.getType()) || constantFloat(op.getLhs()))
      return b.notifyMatchFailure(op, "not a tile divided");
    if (std::optional<APFloat> divisor = constantFloat(op.getRhs()))
      return byConstant(op, *divisor, b);
    if (!isSpread(op.getRhs()))
      return b.notifyMatchFailure(op, "the divisor differs from element to element");
    Value core = widen(b, op.getLoc(), coreOf(op.getRhs()));
    Value one = floatConstant(b, op.getLoc(), core.getType(), 1);
    Value reciprocal = arith::DivFOp::create(b, op.getLoc(), one, core);
    op.emitRemark("a division by what elements share: one reciprocal, and multiplications");
    b.replaceOp(op, scaled(b, op.getLoc(), op.getLhs(), spreadLike(b, op.getLoc(), reciprocal, op.getRhs())));
    return success();
  }

private:
  static LogicalResult byConstant(arith::DivFOp op, const APFloat &divisor, PatternRewriter &b) {
    Type type = computeType(b, op.getType());
    const llvm::fltSemantics &format = cast<FloatType>(getElementTypeOrSelf(type)).getFloatSemantics();
    APFloat one(format, 1), wide = divisor;
    bool losesInfo = false;
    wide.convert(format, APFloat::rmNearestTiesToEven, &losesInfo);
    one.divide(wide, APFloat::rmNearestTiesToEven);
    if (!wide.isNormal() || !one.isNormal())
      return b.notifyMatchFailure(op, "its reciprocal is no normal number");
    auto tensor = cast<RankedTensorType>(type);
    Value factor = arith::ConstantOp::create(b, op.getLoc(), SplatElementsAttr::get(tensor, one));
    b.replaceOp(op, scaled(b, op.getLoc(), op.getLhs(), factor));
    return success();
  }
};

/// A chain of products with constants, from its last one on: their product in f64, rounded once. Two at a time would
/// round what is multiplied by itself, a power of a constant, in the same direction each time.
struct GatherConstants : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::MulFOp op, PatternRewriter &b) const override {
    std::optional<ConstantProduct> chain = constantProduct(op);
    if (!chain || isHalf(op.getType()))
      return b.notifyMatchFailure(op, "no constant factor, or one that is rounded in between");
    if (op->hasOneUse() && constantProduct(*op->user_begin()))
      return b.notifyMatchFailure(op, "not the last of its chain");
    bool isLonger = false;
    while (Operation *inner = chain->x.getDefiningOp()) {
      std::optional<ConstantProduct> before = inner->hasOneUse() ? constantProduct(inner) : std::nullopt;
      if (!before || !isNormalIn(op.getType(), before->factor * chain->factor))
        break;
      chain = ConstantProduct{before->x, before->factor * chain->factor};
      isLonger = true;
    }
    if (!isLonger)
      return b.notifyMatchFailure(op, "no second constant, or their product is no normal number");
    b.replaceOpWithNewOp<arith::MulFOp>(op, chain->x, floatConstant(b, op.getLoc(), op.getType(), chain->factor));
    return success();
  }
};

/// (x * a) * b where a and b are spread, not both constants: the factors meet first.
struct GatherFactors : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::MulFOp op, PatternRewriter &b) const override {
    for (bool swapped : {false, true}) {
      Value product = swapped ? op.getRhs() : op.getLhs(), outer = swapped ? op.getLhs() : op.getRhs();
      auto inner = product.getDefiningOp<arith::MulFOp>();
      if (!inner || !inner->hasOneUse() || !isFactor(outer) || isHalf(op.getType()))
        continue;
      for (bool innerSwapped : {false, true}) {
        Value x = innerSwapped ? inner.getRhs() : inner.getLhs();
        Value factor = innerSwapped ? inner.getLhs() : inner.getRhs();
        bool areConstant = constantFloat(factor) && constantFloat(outer); // GatherConstants
        if (isFactor(x) || !isFactor(factor) || areConstant || (!isTame(factor) && !isTame(outer)) ||
            !mayMeet(factor, outer))
          continue;
        if (Value both = combine(b, op.getLoc(), factor, outer)) {
          b.replaceOpWithNewOp<arith::MulFOp>(op, x, both);
          return success();
        }
      }
    }
    return b.notifyMatchFailure(op, "no two factors that are spread alike");
  }

private:
  static bool isFactor(Value value) { return isSpread(value) || constantFloat(value); }

  /// The product of both in the shape of the tile, made on their cores; null if they are spread differently.
  static Value combine(OpBuilder &b, Location loc, Value x, Value y) {
    if (isUniform(x) && !isUniform(y))
      std::swap(x, y);
    if (isUniform(x)) {
      Value both = arith::MulFOp::create(b, loc, uniformScalar(b, loc, x), uniformScalar(b, loc, y));
      return splatTo(b, loc, both, x.getType());
    }
    Value core = coreOf(x);
    Value other = isUniform(y)        ? splatTo(b, loc, uniformScalar(b, loc, y), core.getType())
                  : spreadAlike(x, y) ? coreOf(y)
                                      : Value();
    return other ? spreadLike(b, loc, arith::MulFOp::create(b, loc, core, other), x) : Value();
  }
};

/// Float arithmetic on tiles that are all spread alike is done on their cores.
struct SinkBelowSpread : RewritePattern {
  explicit SinkBelowSpread(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &b) const override {
    if (!isFloatElementwise(op))
      return b.notifyMatchFailure(op, "not element-wise on floats");
    Value model;
    for (Value operand : op->getOperands())
      if (isSpread(operand) && (!model || isUniform(model)))
        model = operand;
    if (!model || !llvm::all_of(op->getOperands(),
                                [&](Value operand) { return isUniform(operand) || spreadAlike(operand, model); }))
      return b.notifyMatchFailure(op, "its operands are not spread alike");
    Type shape = coreOf(model).getType();
    OperationState state(op->getLoc(), op->getName());
    for (Value operand : op->getOperands()) {
      Type element = getElementTypeOrSelf(operand.getType());
      auto tensor = dyn_cast<RankedTensorType>(shape);
      state.addOperands(isUniform(operand) ? splatTo(b, op->getLoc(), uniformScalar(b, op->getLoc(), operand),
                                                     tensor ? Type(tensor.clone(element)) : element)
                                           : coreOf(operand));
    }
    Type element = getElementTypeOrSelf(op->getResult(0).getType());
    auto tensor = dyn_cast<RankedTensorType>(shape);
    state.addTypes(tensor ? Type(tensor.clone(element)) : element);
    state.addAttributes(op->getAttrs());
    b.replaceOp(op, spreadLike(b, op->getLoc(), b.create(state)->getResult(0), model));
    return success();
  }
};

/// A comparison of positions in a tile with constants that comes out alike in all of it.
struct DecideComparison : OpRewritePattern<arith::CmpIOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::CmpIOp op, PatternRewriter &b) const override {
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!type || type.getRank() > 2)
      return b.notifyMatchFailure(op, "not of a tile");
    LinearForms forms;
    std::optional<LinearForm> x = forms.ofTile(op.getLhs()), y = forms.ofTile(op.getRhs());
    std::optional<LinearForm> form = x && y ? x->plus(*y, -1) : std::nullopt; // x - y
    if (!form || !form->scalars.empty())
      return b.notifyMatchFailure(op, "depends on what is not known");
    auto extent = [&](int64_t dim) { return dim < type.getRank() ? type.getDimSize(dim) : 1; };
    auto [least, most] = form->reach(extent(0), extent(1));
    std::optional<bool> known = decide(op.getPredicate(), form->constant + least, form->constant + most);
    if (!known)
      return b.notifyMatchFailure(op, "true for some elements");
    b.replaceOpWithNewOp<arith::ConstantOp>(op, DenseElementsAttr::get(type, *known));
    return success();
  }

private:
  /// What `predicate` says of x and y, least <= x - y <= most.
  static std::optional<bool> decide(arith::CmpIPredicate predicate, int64_t least, int64_t most) {
    using P = arith::CmpIPredicate;
    auto answer = [](bool always, bool never) { return always || never ? std::optional(always) : std::nullopt; };
    switch (predicate) {
    case P::slt:
      return answer(most < 0, least >= 0);
    case P::sle:
      return answer(most <= 0, least > 0);
    case P::sgt:
      return answer(least > 0, most <= 0);
    case P::sge:
      return answer(least >= 0, most < 0);
    default:
      return std::nullopt;
    }
  }
};

struct Simplify : imbrex::impl::SimplifyBase<Simplify> {
  void runOnOperation() override {
    if (tile::isOf16Bits(getOperation()))
      approximate();
    RewritePatternSet patterns(&getContext());
    patterns.add<DivideBySpread, GatherConstants, GatherFactors, SinkBelowSpread, DecideComparison>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns)))) {
      getOperation().emitError("the simplification of tiles did not come to an end");
      return signalPassFailure();
    }
    if (tile::isOf16Bits(getOperation()))
      approximateDivisions();
  }

private:
  /// tanh and exp of f32 by the hardware's exponential and reciprocal.
  void approximate() {
    getOperation().walk([](Operation *op) {
      if (!isa<math::TanhOp, math::ExpOp>(op) || !getElementTypeOrSelf(op->getResult(0).getType()).isF32())
        return;
      OpBuilder builder(op);
      ElementBuilder elements(builder, op->getLoc(), op->getResult(0).getType());
      Value x = op->getOperand(0);
      bool isTanh = isa<math::TanhOp>(op);
      op->emitRemark() << (isTanh ? "tanh" : "exp") << " by approximate instructions: the kernel's type is of 16 bits";
      op->replaceAllUsesWith(ValueRange(isTanh ? tanhApproximate(elements, x)
                                               : elements.exp2(elements.mul(x, elements.number(std::numbers::log2e)))));
      op->erase();
    });
  }
  void approximateDivisions() {
    getOperation().walk([](arith::DivFOp op) {
      if (getElementTypeOrSelf(op.getType()).isF32() && op.getFastmath() == arith::FastMathFlags::none)
        op.setFastmath(arith::FastMathFlags::afn);
    });
  }
};

} // namespace
