//===- IndexArithmetic.cpp - Sums of indices and of bounds ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bounds are added in 64 bits and brought back to 32.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/IndexArithmetic.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

static Value toI64(OpBuilder &b, Location loc, Value x) { return arith::ExtSIOp::create(b, loc, b.getI64Type(), x); }

/// An i64 as an i32, as near as that comes to it; not below `least`.
static Value toI32(OpBuilder &b, Location loc, Value x, int64_t least) {
  auto constant = [&](int64_t value) -> Value { return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)); };
  x = arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, x, constant(least)), constant(INT32_MAX));
  return arith::TruncIOp::create(b, loc, b.getI32Type(), x);
}

Value imbrex::addIndices(OpBuilder &b, Location loc, Value x, Value y) {
  if (matchPattern(y, m_Zero()))
    return x;
  if (matchPattern(x, m_Zero()))
    return y;
  if (isa<RankedTensorType>(x.getType()))
    y = tile::SplatOp::create(b, loc, x.getType(), y);
  return arith::AddIOp::create(b, loc, x, y);
}

Value imbrex::addBound(OpBuilder &b, Location loc, Value start, Value bound) {
  if (matchPattern(start, m_Zero()))
    return bound;
  if (matchPattern(bound, m_Zero()))
    return start;
  return toI32(b, loc, arith::AddIOp::create(b, loc, toI64(b, loc, start), toI64(b, loc, bound)), INT32_MIN);
}

Value imbrex::subtractBound(OpBuilder &b, Location loc, Value end, Value start, int64_t least) {
  return toI32(b, loc, arith::SubIOp::create(b, loc, toI64(b, loc, end), toI64(b, loc, start)), least);
}

arith::CmpIPredicate imbrex::swapSides(arith::CmpIPredicate predicate) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::sle:
    return P::sge;
  case P::slt:
    return P::sgt;
  case P::sge:
    return P::sle;
  case P::sgt:
    return P::slt;
  case P::ule:
    return P::uge;
  case P::ult:
    return P::ugt;
  case P::uge:
    return P::ule;
  case P::ugt:
    return P::ult;
  case P::eq:
  case P::ne:
    return predicate;
  }
  llvm_unreachable("a predicate of integers");
}
