//===- ExpandMath.cpp - Write out functions that PTX has no instruction for -===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass tile-expand-math: element-wise patterns, the same on tiles and scalars. The methods are the
// classical ones: reduction of the argument by bits, then a polynomial (Muller, "Elementary Functions").
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <cmath>
#include <numbers>

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_EXPANDMATH
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

namespace {

/// Builds element-wise expressions on values of one float type (scalar or tile) and its integer twin.
struct Expression {
  Expression(PatternRewriter &b, Location loc, Type type) : b(b), loc(loc), type(type) {
    element = getElementTypeOrSelf(type);
    Type word = b.getIntegerType(element.getIntOrFloatBitWidth());
    auto tensor = dyn_cast<RankedTensorType>(type);
    integer = tensor ? Type(tensor.clone(word)) : word;
  }

  Value number(double value) { return splat(type, b.getFloatAttr(element, value)); }
  Value bits(int64_t value) { return splat(integer, b.getIntegerAttr(getElementTypeOrSelf(integer), value)); }

  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(b, loc, x, y, z); }
  Value abs(Value x) { return math::AbsFOp::create(b, loc, x); }
  Value less(Value x, Value y) { return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y); }
  Value equal(Value x, Value y) { return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, y); }
  Value isNan(Value x) { return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x); }
  Value select(Value c, Value x, Value y) { return arith::SelectOp::create(b, loc, c, x, y); }
  Value clamp(Value x, double low, double high) {
    Value above = arith::MaxNumFOp::create(b, loc, x, number(low));
    return arith::MinNumFOp::create(b, loc, above, number(high));
  }

  Value toBits(Value x) { return arith::BitcastOp::create(b, loc, integer, x); }
  Value fromBits(Value x) { return arith::BitcastOp::create(b, loc, type, x); }
  Value addBits(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value subBits(Value x, Value y) { return arith::SubIOp::create(b, loc, x, y); }
  Value andBits(Value x, int64_t mask) { return arith::AndIOp::create(b, loc, x, bits(mask)); }
  Value orBits(Value x, int64_t mask) { return arith::OrIOp::create(b, loc, x, bits(mask)); }
  Value shiftLeft(Value x, int64_t by) { return arith::ShLIOp::create(b, loc, x, bits(by)); }
  Value shiftRight(Value x, int64_t by) { return arith::ShRSIOp::create(b, loc, x, bits(by)); }

  /// coefficients[0] + x (coefficients[1] + x (...)).
  Value polynomial(Value x, ArrayRef<double> coefficients) {
    Value sum = number(coefficients.back());
    for (double c : llvm::reverse(coefficients.drop_back()))
      sum = fma(sum, x, number(c));
    return sum;
  }

  Value splat(Type to, TypedAttr value) {
    if (auto tensor = dyn_cast<RankedTensorType>(to))
      return arith::ConstantOp::create(b, loc, SplatElementsAttr::get(tensor, Attribute(value)));
    return arith::ConstantOp::create(b, loc, value);
  }

  PatternRewriter &b;
  Location loc;
  Type type, element, integer;
};

} // namespace

/// 2^k as f64 for an integer tile k in the exponent's range.
static Value powerOfTwo(Expression &e, Value k) { return e.fromBits(e.shiftLeft(e.addBits(k, e.bits(1023)), 52)); }

/// 2^x = 2^n 2^f, n the nearest integer, |f| <= 1/2; 2^f by its Taylor series to f^13 (error below 2^-56).
/// 2^n in two factors, so that results near the ends of the range come out right.
static Value exp2F64(Expression &e, Value x) {
  Value inRange = e.clamp(x, -1100, 1100);
  const double magic = 0x1.8p52; // adding it rounds to an integer in the low bits
  Value shifted = e.add(inRange, e.number(magic));
  Value n = e.subBits(e.toBits(shifted), e.bits(llvm::bit_cast<int64_t>(magic)));
  Value f = e.sub(inRange, e.sub(shifted, e.number(magic)));
  SmallVector<double> series{1.0};
  for (int k = 1; k <= 13; ++k)
    series.push_back(series.back() * std::numbers::ln2 / k);
  Value half = e.shiftRight(n, 1), rest = e.subBits(n, half);
  Value power = e.mul(e.mul(e.polynomial(f, series), powerOfTwo(e, half)), powerOfTwo(e, rest));
  return e.select(e.isNan(x), x, power);
}

/// log2(2^n m) = n + 2 / ln 2 artanh(s), s = (m - 1) / (m + 1), m in (sqrt(1/2), sqrt(2)].
static Value log2F64(Expression &e, Value x) {
  Value tiny = e.less(x, e.number(0x1p-1022));
  Value scaled = e.select(tiny, e.mul(x, e.number(0x1p54)), x);
  Value word = e.toBits(scaled);
  Value exponent = e.subBits(e.andBits(e.shiftRight(word, 52), 0x7ff), e.bits(1023));
  Value mantissa = e.fromBits(e.orBits(e.andBits(word, 0xfffffffffffff), 0x3ff0000000000000));
  Value large = e.less(e.number(std::numbers::sqrt2), mantissa);
  mantissa = e.select(large, e.mul(mantissa, e.number(0.5)), mantissa);
  Value n = arith::SIToFPOp::create(e.b, e.loc, e.type, exponent);
  n = e.add(n, e.select(large, e.number(1), e.number(0)));
  n = e.sub(n, e.select(tiny, e.number(54), e.number(0)));
  Value s = e.div(e.sub(mantissa, e.number(1)), e.add(mantissa, e.number(1)));
  SmallVector<double> series;
  for (int k = 0; k <= 11; ++k)
    series.push_back(2 / std::numbers::ln2 / (2 * k + 1));
  Value result = e.fma(s, e.polynomial(e.mul(s, s), series), n);
  result = e.select(e.equal(x, e.number(INFINITY)), x, result);
  result = e.select(e.equal(x, e.number(0)), e.number(-INFINITY), result);
  return e.select(arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OGE, x, e.number(0)), result, e.number(NAN));
}

/// Near 0 Lambert's continued fraction x / (1 + x^2 / (3 + x^2 / (5 + ...))), else 1 - 2 / (e^2|x| + 1).
static Value tanhOf(Expression &e, Value x, unsigned terms) {
  Value z = e.mul(x, x), fraction = e.number(2 * terms + 1);
  for (unsigned k = terms; k-- > 0;)
    fraction = e.add(e.number(2 * k + 1), e.div(z, fraction));
  Value small = e.div(x, fraction);
  Value magnitude = e.clamp(e.abs(x), 0, 40);
  Value power = math::Exp2Op::create(e.b, e.loc, e.mul(magnitude, e.number(2 * std::numbers::log2e)));
  Value large = e.sub(e.number(1), e.div(e.number(2), e.add(power, e.number(1))));
  Value negative = arith::NegFOp::create(e.b, e.loc, large);
  large = e.select(e.less(x, e.number(0)), negative, large);
  Value result = e.select(e.less(e.abs(x), e.number(0.5)), small, large);
  return e.select(e.isNan(x), x, result);
}

namespace {

/// Replaces `Op` on elements of one kind by what `expand` builds.
template <typename Op> struct ExpandPattern : OpRewritePattern<Op> {
  using Applies = bool (*)(Type element);
  using Expand = Value (*)(Expression &, Value);
  ExpandPattern(MLIRContext *context, Applies applies, Expand expand)
      : OpRewritePattern<Op>(context), applies(applies), expand(expand) {}

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!applies(getElementTypeOrSelf(op.getType())))
      return rewriter.notifyMatchFailure(op, "PTX has an instruction for this type");
    Expression expression(rewriter, op.getLoc(), op.getType());
    rewriter.replaceOp(op, expand(expression, op.getOperand()));
    return success();
  }

  Applies applies;
  Expand expand;
};

/// tanh of a 16-bit type through f32.
struct WidenTanh : OpRewritePattern<math::TanhOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::TanhOp op, PatternRewriter &rewriter) const override {
    Type element = getElementTypeOrSelf(op.getType());
    if (!element.isF16() && !element.isBF16())
      return rewriter.notifyMatchFailure(op, "not a 16-bit type");
    auto tensor = dyn_cast<RankedTensorType>(op.getType());
    Type wide = tensor ? Type(tensor.clone(rewriter.getF32Type())) : Type(rewriter.getF32Type());
    Value x = arith::ExtFOp::create(rewriter, op.getLoc(), wide, op.getOperand());
    Value y = math::TanhOp::create(rewriter, op.getLoc(), x);
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(), y);
    return success();
  }
};

struct ExpandMath : imbrex::impl::ExpandMathBase<ExpandMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    auto isF64 = [](Type type) { return type.isF64(); };
    auto isF32 = [](Type type) { return type.isF32(); };
    patterns.add<ExpandPattern<math::Exp2Op>>(&getContext(), isF64, exp2F64);
    patterns.add<ExpandPattern<math::Log2Op>>(&getContext(), isF64, log2F64);
    patterns.add<ExpandPattern<math::RsqrtOp>>(&getContext(), isF64, [](Expression &e, Value x) {
      return e.div(e.number(1), math::SqrtOp::create(e.b, e.loc, x));
    });
    patterns.add<ExpandPattern<math::TanhOp>>(&getContext(), isF64,
                                              [](Expression &e, Value x) { return tanhOf(e, x, 9); });
    patterns.add<ExpandPattern<math::TanhOp>>(&getContext(), isF32,
                                              [](Expression &e, Value x) { return tanhOf(e, x, 5); });
    patterns.add<WidenTanh>(&getContext());
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns)))) {
      getOperation().emitError("the expansion of mathematical functions did not come to an end");
      signalPassFailure();
    }
  }
};

} // namespace
