//===- Factors.cpp - Which factors may meet before the tile ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is known of a factor is read from the products that it is made of.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/Factors.h"
#include "compiler/tile/Spread.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace imbrex;

static constexpr int kTameExponent = 32, kMetExponent = 40;

/// So many products deep a factor is looked into; a larger one meets nothing.
static constexpr unsigned kMostDepth = 8;

/// What is clamped to constants, x of minnumf(maxnumf(x, low), high) or of maxnumf(minnumf(x, high), low).
struct Clamped {
  Value x;
  double low, high;
};

static std::optional<Clamped> clampedBy(Value value) {
  auto min = value.getDefiningOp<arith::MinNumFOp>();
  auto max = min ? min.getLhs().getDefiningOp<arith::MaxNumFOp>() : value.getDefiningOp<arith::MaxNumFOp>();
  const bool isMinLast = bool(min);
  if (max && !min)
    min = max.getLhs().getDefiningOp<arith::MinNumFOp>();
  std::optional<APFloat> low = max ? constantFloat(max.getRhs()) : std::nullopt;
  std::optional<APFloat> high = min ? constantFloat(min.getRhs()) : std::nullopt;
  if (!low || !high)
    return std::nullopt;
  return Clamped{isMinLast ? max.getLhs() : min.getLhs(), low->convertToDouble(), high->convertToDouble()};
}

bool imbrex::isTame(Value factor) {
  Value core = coreOf(factor);
  if (std::optional<APFloat> number = constantFloat(core)) {
    double size = std::abs(number->convertToDouble());
    return size >= std::ldexp(1, -kTameExponent) && size <= std::ldexp(1, kTameExponent);
  }
  Operation *power = core.getDefiningOp();
  if (!isa_and_nonnull<math::Exp2Op, math::ExpOp>(power))
    return false;
  double limit = isa<math::ExpOp>(power) ? kTameExponent / 2 : kTameExponent;
  std::optional<Clamped> exponent = clampedBy(power->getOperand(0));
  return exponent && exponent->low >= -limit && exponent->high <= limit;
}

namespace {

/// By which powers of two the constants and bounded powers in a factor make the rest of it smaller or larger.
struct Growth {
  double least = 0, most = 0;
};

} // namespace

static Growth growthOf(Value factor, unsigned depth = kMostDepth) {
  Value core = coreOf(factor);
  if (std::optional<APFloat> number = constantFloat(core)) {
    double exponent = std::log2(std::abs(number->convertToDouble()));
    return {exponent, exponent};
  }
  if (isTame(core))
    return {-kTameExponent, kTameExponent};
  if (depth == 0)
    return {-INFINITY, INFINITY};
  if (std::optional<Clamped> clamped = clampedBy(core)) // to the numbers of its type, by FoldScales
    return growthOf(clamped->x, depth - 1);
  auto product = core.getDefiningOp<arith::MulFOp>();
  if (!product)
    return {};
  Growth x = growthOf(product.getLhs(), depth - 1), y = growthOf(product.getRhs(), depth - 1);
  return {x.least + y.least, x.most + y.most};
}

bool imbrex::mayMeet(Value x, Value y) {
  if (std::optional<double> product = productOfConstants(x, y))
    return isNormalIn(x.getType(), *product);
  Growth a = growthOf(x), b = growthOf(y);
  return a.least + b.least >= -kMetExponent && a.most + b.most <= kMetExponent;
}

std::optional<double> imbrex::productOfConstants(Value x, Value y) {
  std::optional<APFloat> a = constantFloat(x), b = constantFloat(y);
  return a && b ? std::optional<double>(a->convertToDouble() * b->convertToDouble()) : std::nullopt;
}

bool imbrex::isNormalIn(Type type, double value) {
  APFloat number(value);
  bool losesInfo = false;
  number.convert(cast<FloatType>(getElementTypeOrSelf(type)).getFloatSemantics(), APFloat::rmNearestTiesToEven,
                 &losesInfo);
  return number.isNormal();
}
