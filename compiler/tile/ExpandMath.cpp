//===- ExpandMath.cpp - Write out functions that PTX has no instruction for -===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass tile-expand-math: which function is written out for which element type (FloatFunctions.h says
// how), and what 16-bit types do in f32. Tiles and scalars alike.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/FloatFunctions.h"
#include "compiler/tile/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <numbers>

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_EXPANDMATH
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

using Expand = Value (*)(ElementBuilder &, Value);

static bool isHalf(Type element) { return element.isF16() || element.isBF16(); }

/// `tile` with its 16-bit floats as f32.
static Value widen(OpBuilder &b, Location loc, Value tile) {
  auto tensor = dyn_cast<RankedTensorType>(tile.getType());
  Type wide = tensor ? Type(tensor.clone(b.getF32Type())) : Type(b.getF32Type());
  return arith::ExtFOp::create(b, loc, wide, tile);
}

namespace {

/// How a function is written out. Null: PTX has an instruction for that type.
struct Expansion {
  Expand f64, f32;
  Expand f16, bf16; ///< in f32, of a result that is then rounded
};

template <typename Op> struct ExpandFunction : OpRewritePattern<Op> {
  ExpandFunction(MLIRContext *context, Expansion how) : OpRewritePattern<Op>(context), how(how) {}

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    Type element = getElementTypeOrSelf(op.getType());
    Expand expand = element.isF64()    ? how.f64
                    : element.isF32()  ? how.f32
                    : element.isF16()  ? how.f16
                    : element.isBF16() ? how.bf16
                                       : nullptr;
    if (!expand)
      return rewriter.notifyMatchFailure(op, "PTX has an instruction for this type");
    Value x = op.getOperand();
    if (isHalf(element))
      x = widen(rewriter, op.getLoc(), x);
    ElementBuilder builder(rewriter, op.getLoc(), x.getType());
    Value result = expand(builder, x);
    if (isHalf(element))
      result = arith::TruncFOp::create(rewriter, op.getLoc(), op.getType(), result);
    rewriter.replaceOp(op, result);
    return success();
  }

  Expansion how;
};

/// A sum of 16-bit floats adds in f32 and is rounded once.
struct WidenSum : OpRewritePattern<tile::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tile::ReduceOp op, PatternRewriter &rewriter) const override {
    RankedTensorType type = op.getResult().getType();
    if (op.getKind() != tile::ReduceKind::Sum || !isHalf(type.getElementType()))
      return rewriter.notifyMatchFailure(op, "not a sum of 16-bit floats");
    Value wide = widen(rewriter, op.getLoc(), op.getSource());
    Value sum = tile::ReduceOp::create(rewriter, op.getLoc(), type.clone(rewriter.getF32Type()), op.getKind(), wide,
                                       op.getDim());
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, type, sum);
    return success();
  }
};

/// The whole choice: a row a function.
void populateFunctions(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  // f16 has no number as small as those that ex2.approx.ftz cuts off.
  Expand exp2F16 = [](ElementBuilder &e, Value x) { return e.exp2(x); };
  Expand expF16 = [](ElementBuilder &e, Value x) { return e.exp2(e.mul(x, e.number(std::numbers::log2e))); };
  Expand expBF16 = [](ElementBuilder &e, Value x) { return exp2Gradual(e, e.mul(x, e.number(std::numbers::log2e))); };
  //                                                         f64        f32      f16      bf16
  patterns.add<ExpandFunction<math::ExpOp>>(context, Expansion{expF64, expF32, expF16, expBF16});
  patterns.add<ExpandFunction<math::Exp2Op>>(context, Expansion{exp2F64, nullptr, exp2F16, exp2Gradual});
  patterns.add<ExpandFunction<math::LogOp>>(context, Expansion{logOf, logOf, logOf, logOf});
  patterns.add<ExpandFunction<math::Log2Op>>(context, Expansion{log2Of, nullptr, log2Of, log2Of});
  patterns.add<ExpandFunction<math::RsqrtOp>>(context, Expansion{rsqrtF64, nullptr, nullptr, nullptr});
  patterns.add<ExpandFunction<math::SinOp>>(context, Expansion{sinOf, sinOf, sinOf, sinOf});
  patterns.add<ExpandFunction<math::CosOp>>(context, Expansion{cosOf, cosOf, cosOf, cosOf});
  patterns.add<ExpandFunction<math::ErfOp>>(context, Expansion{erfOf, erfOf, erfOf, erfOf});
  patterns.add<ExpandFunction<math::TanhOp>>(context, Expansion{tanhOf, tanhOf, tanhOf, tanhOf});
}

struct ExpandMath : imbrex::impl::ExpandMathBase<ExpandMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateFunctions(patterns);
    patterns.add<WidenSum>(&getContext());
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns)))) {
      getOperation().emitError("the expansion of mathematical functions did not come to an end");
      signalPassFailure();
    }
  }
};

} // namespace
