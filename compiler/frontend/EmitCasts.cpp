//===- EmitCasts.cpp - cast<type>(value) ----------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversions between element types: of constants at compile time, of scalars and tiles by arith operations.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Emitter.h"
#include <cmath>

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

/// Between numbers of two element types, integers among them with a sign or without; null for what has no conversion.
/// What becomes a float of 8 bits is made f32 first, and such a float that becomes an integer or f64.
static Value convertElement(OpBuilder &b, Location loc, Value x, Type to, bool fromUnsigned, bool toUnsigned) {
  Type from = getElementTypeOrSelf(x.getType());
  auto tensor = dyn_cast<RankedTensorType>(x.getType());
  Type type = tensor ? Type(tensor.clone(to)) : to;
  unsigned fromBits = from.getIntOrFloatBitWidth(), toBits = to.getIntOrFloatBitWidth();
  bool fromFloat = isa<FloatType>(from), toFloat = isa<FloatType>(to);
  bool isNarrowing = tile::isF8(to), isWidening = tile::isF8(from) && (!toFloat || toBits == 64);
  if (toBits != 1 && !from.isF32() && (isNarrowing || isWidening)) {
    Value wide = convertElement(b, loc, x, b.getF32Type(), fromUnsigned, false);
    return convertElement(b, loc, wide, to, false, toUnsigned);
  }
  if (isNarrowing)
    return tile::NarrowOp::create(b, loc, type, x);
  if (fromFloat && toFloat) {
    if (fromBits == toBits) { // f16 and bf16: f32 holds both
      Value wide = convertElement(b, loc, x, b.getF32Type(), false, false);
      return arith::TruncFOp::create(b, loc, type, wide);
    }
    return fromBits < toBits ? Value(arith::ExtFOp::create(b, loc, type, x)) : arith::TruncFOp::create(b, loc, type, x);
  }
  if (fromFloat && toBits != 1)
    return toUnsigned ? Value(arith::FPToUIOp::create(b, loc, type, x)) : arith::FPToSIOp::create(b, loc, type, x);
  if (toBits == 1)
    return {};
  fromUnsigned |= fromBits == 1;
  if (toFloat)
    return fromUnsigned ? Value(arith::UIToFPOp::create(b, loc, type, x)) : arith::SIToFPOp::create(b, loc, type, x);
  if (fromBits == toBits)
    return x;
  if (fromBits < toBits)
    return fromUnsigned ? Value(arith::ExtUIOp::create(b, loc, type, x)) : arith::ExtSIOp::create(b, loc, type, x);
  return arith::TruncIOp::create(b, loc, type, x);
}

Val Emitter::castTo(uint32_t offset, const Val &value, DataType type) {
  Type element = toType(type);
  if (isOf(value, type))
    return value;
  if (isOf(value, DataType::I32) && type == DataType::I64)
    return Val::of(exact.widen(value.ssa));
  if (Value result = convertElement(b, at(offset), value.ssa, element, value.isUnsigned, isUnsigned(type)))
    return Val::of(result, isUnsigned(type));
  return error(offset, Message::BadCast, describe(value), std::string(name(type)) + "; compare with 0 instead");
}

Val Emitter::emitCast(const ast::Expr &expr) {
  std::optional<DataType> type = resolveType(expr.type);
  Val value = emit(*expr.operands[0]);
  if (!type || value.isPoison())
    return {};
  if (value.isLiteral())
    return castLiteral(expr, value, *type);
  if (value.kind != Val::Ssa)
    return error(expr.offset, Message::BadCast, describe(value), describe(toType(*type)));
  return castTo(expr.offset, value, *type);
}

/// Of a constant: towards zero from a float to an integer, 0 or 1 from a bool.
Val Emitter::castLiteral(const ast::Expr &expr, Val value, DataType type) {
  if (value.kind == Val::Choice)
    return mapChoice(expr.offset, value, [&](const Val &number) { return castLiteral(expr, number, type); });
  constexpr double kLimit = 9223372036854775808.0; // 2^63
  if (value.kind == Val::Float && !isFloat(type) && type != DataType::Bool && std::fabs(value.number) < kLimit)
    value = Val::ofInteger(int64_t(value.number));
  if (value.kind == Val::Bool && type != DataType::Bool)
    value = Val::ofInteger(value.integer);
  if (type == DataType::Bool && value.kind != Val::Bool)
    return error(expr.offset, Message::BadCast, describe(value), "bool; compare with 0 instead");
  return adapt(expr.offset, value, type);
}
