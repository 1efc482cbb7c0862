//===- LagMaxima.cpp - Sums of powers over a base that seldom moves -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass tile-lag-maxima. Sums of 2^(k s) over a loop are kept relative to the maximum seen, so that no power
// overflows, and are multiplied by a = 2^(k (m - m')) when it grows:
//
//     m' = max(m, rowmax(s));   p = 2^(k (s - m'));   a = 2^(k (m - m'));   X' = X a + (linear in p)
//
// Any base would do. Here it is u, which follows m only when m has grown by more than 8 (in powers of two):
//
//     grew = k (m' - u) > 8;   u' = grew ? m' : u;   p = 2^(k (s - u'));   a = grew ? 2^(k (u - u')) : 1
//
// so that p stays below 2^8, and a is 1 in almost every iteration. After the loop each X is multiplied by
// 2^(k (u - m)), and is what it was to rounding. u starts at the lowest finite number, so that a row that has seen
// nothing (m' is -inf) needs no care: its powers are 2^-inf. This is right only where every X starts at 0.
//
// In the *product form* the text multiplies first, s k - m' k. There U = u k is carried: one multiply-add a power.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/MaximumRecurrence.h"
#include "compiler/tile/Passes.h"
#include "compiler/tile/Spread.h"
#include "mlir/IR/PatternMatch.h"
#include <numbers>

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_LAGMAXIMA
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

/// The base follows when the maximum is above it by more than this, in powers of two.
static constexpr double kThreshold = 8;
/// 2^(k (u - m)) after the loop has an exponent within these; a row that saw nothing has a sum of 0 anyway.
static constexpr double kLeastExponent = -16, kMostExponent = 1;

namespace {

/// Rewrites one recurrence.
class Lagger {
public:
  Lagger(const MaximumRecurrence &found, RewriterBase &b) : found(found), b(b), loc(found.maximum.getLoc()) {}
  void run();

private:
  Value constant(double value) { return floatConstant(b, loc, found.maximum.getType(), value); }
  Value times(Value x) {
    return found.factor ? arith::MulFOp::create(b, loc, x, splatTo(b, loc, found.factor, x.getType())) : x;
  }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value power(Value exponent) {
    if (found.isNatural)
      return math::ExpOp::create(b, loc, exponent);
    return math::Exp2Op::create(b, loc, exponent);
  }
  /// k (x - base): `x` is in the maximum's unit; the base is what the loop carries.
  Value distance(Value x, Value base) { return found.isProductForm ? sub(times(x), base) : times(sub(x, base)); }
  scf::ForOp carryBase();
  void rewriteBody(Value base);
  void rewriteResults(scf::ForOp loop);

  MaximumRecurrence found;
  RewriterBase &b;
  Location loc;
  Value nextBase;
};

struct LagMaxima : imbrex::impl::LagMaximaBase<LagMaxima> {
  void runOnOperation() override {
    KnownSigns signs(getOperation());
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    IRRewriter rewriter(&getContext());
    for (scf::ForOp loop : loops)
      if (std::optional<MaximumRecurrence> found = findMaximumRecurrence(loop, signs)) {
        found->maximum.getDefiningOp()->emitRemark(
            "accumulators are rescaled only where this maximum has grown by more than 8 powers of two");
        Lagger(*found, rewriter).run();
      }
  }
};

} // namespace

/// The loop with the base as one more value that it carries; the old one is gone.
scf::ForOp Lagger::carryBase() {
  scf::ForOp loop = found.loop;
  b.setInsertionPoint(loop);
  auto type = cast<FloatType>(getElementTypeOrSelf(found.maximum.getType()));
  double lowest = APFloat::getLargest(type.getFloatSemantics(), /*Negative=*/true).convertToDouble();
  Value start = constant(lowest);
  auto yields = [&](OpBuilder &, Location, ArrayRef<BlockArgument> added) {
    b.setInsertionPointAfterValue(found.maximum);
    rewriteBody(added.front());
    return SmallVector<Value>{nextBase};
  };
  return cast<scf::ForOp>(*loop.replaceWithAdditionalYields(b, start, /*replaceInitOperandUsesInLoop=*/false, yields));
}

void Lagger::rewriteBody(Value base) {
  double threshold = found.isNatural ? kThreshold * std::numbers::ln2 : kThreshold;
  Value grew =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, distance(found.maximum, base), constant(threshold));
  Value candidate = found.isProductForm ? times(found.maximum) : found.maximum;
  nextBase = arith::SelectOp::create(b, loc, grew, candidate, base);
  Value moved = found.isProductForm ? sub(base, nextBase) : times(sub(base, nextBase));
  Value rescale = arith::SelectOp::create(b, loc, grew, power(moved), constant(1));
  for (Operation *factor : found.factors)
    b.replaceAllUsesWith(factor->getResult(0), rescale);
  for (const MaximumRecurrence::Power &each : found.powers) {
    b.setInsertionPoint(each.op);
    Value spread = spreadLike(b, loc, nextBase, each.base);
    b.replaceAllUsesWith(each.op->getResult(0), power(distance(each.value, spread)));
  }
}

void Lagger::rewriteResults(scf::ForOp loop) {
  b.setInsertionPointAfter(loop);
  Value base = loop.getResults().back(), maximum = loop.getResult(found.index);
  Value exponent = found.isProductForm ? sub(base, times(maximum)) : times(sub(base, maximum));
  exponent = arith::MinNumFOp::create(b, loc, exponent, constant(kMostExponent));
  exponent = arith::MaxNumFOp::create(b, loc, exponent, constant(kLeastExponent));
  Value factor = power(exponent);
  for (const MaximumRecurrence::Accumulator &each : found.accumulators) {
    Value result = loop.getResult(each.index);
    if (result.use_empty())
      continue;
    auto product = arith::MulFOp::create(b, loc, result, spreadLike(b, loc, factor, each.factorLike));
    b.replaceAllUsesExcept(result, product, product);
  }
}

void Lagger::run() {
  b.setInsertionPoint(found.loop);
  if (found.factor)
    found.factor = uniformScalar(b, loc, found.factor);
  rewriteResults(carryBase());
}
