//===- ElementBuilder.h - Arithmetic on all elements of a tile --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds element-wise expressions on values of one float type, f32 or f64, scalar or tile, and on its
// integer twin: the integers of the same width that hold the bits of its elements.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_ELEMENTBUILDER_H
#define IMBREX_COMPILER_TILE_ELEMENTBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

namespace imbrex {

class ElementBuilder {
  using Value = mlir::Value;

public:
  /// Of operations at `loc` on values of `type`.
  ElementBuilder(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type)
      : b(b), loc(loc), type(type), element(mlir::cast<mlir::FloatType>(mlir::getElementTypeOrSelf(type))),
        integer(inShape(b.getIntegerType(element.getWidth()))) {}

  //===--- The format of the elements -------------------------------------------===//

  /// Bits behind the point: 23 or 52.
  int fractionBits() { return int(element.getFPMantissaWidth()) - 1; }
  /// What the exponent of 1 is stored as: 127 or 1023.
  int64_t exponentBias() { return (int64_t(1) << (element.getWidth() - fractionBits() - 2)) - 1; }

  //===--- Numbers -----------------------------------------------------------------===//

  /// The nearest number of the element type, in every element.
  Value number(double value) { return splat(type, b.getFloatAttr(element, value)); }
  Value bits(int64_t value) { return splat(integer, b.getIntegerAttr(mlir::getElementTypeOrSelf(integer), value)); }

  //===--- Floats ------------------------------------------------------------------===//

  Value add(Value x, Value y) { return mlir::arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return mlir::arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return mlir::arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return mlir::arith::DivFOp::create(b, loc, x, y); }
  /// 1 / x by an instruction, of f32: within a unit; where x or the result is not normal, it may be 0 or infinite.
  Value approximateReciprocal(Value x) {
    using Flags = mlir::arith::FastMathFlags;
    auto flags = mlir::arith::FastMathFlagsAttr::get(b.getContext(), Flags::arcp | Flags::afn);
    return mlir::arith::DivFOp::create(b, loc, number(1), x, flags);
  }
  Value negate(Value x) { return mlir::arith::NegFOp::create(b, loc, x); }
  Value abs(Value x) { return mlir::math::AbsFOp::create(b, loc, x); }
  /// x * y + z, rounded once.
  Value fma(Value x, Value y, Value z) { return mlir::math::FmaOp::create(b, loc, x, y, z); }
  Value sqrt(Value x) { return mlir::math::SqrtOp::create(b, loc, x); }
  Value exp2(Value x) { return mlir::math::Exp2Op::create(b, loc, x); }

  Value less(Value x, Value y) { return compare(mlir::arith::CmpFPredicate::OLT, x, y); }
  Value equal(Value x, Value y) { return compare(mlir::arith::CmpFPredicate::OEQ, x, y); }
  Value isNan(Value x) { return compare(mlir::arith::CmpFPredicate::UNO, x, x); }
  Value select(Value c, Value x, Value y) { return mlir::arith::SelectOp::create(b, loc, c, x, y); }
  /// max(x, low); `low` of a NaN.
  Value atLeast(Value x, double low) { return mlir::arith::MaxNumFOp::create(b, loc, x, number(low)); }
  /// The nearest number in [low, high]; `low` of a NaN.
  Value clamp(Value x, double low, double high) {
    return mlir::arith::MinNumFOp::create(b, loc, atLeast(x, low), number(high));
  }
  /// coefficients[0] + x (coefficients[1] + x (...)).
  Value polynomial(Value x, llvm::ArrayRef<double> coefficients) {
    Value sum = number(coefficients.back());
    for (double c : llvm::reverse(coefficients.drop_back()))
      sum = fma(sum, x, number(c));
    return sum;
  }

  //===--- Bits --------------------------------------------------------------------===//

  Value toBits(Value x) { return mlir::arith::BitcastOp::create(b, loc, integer, x); }
  Value fromBits(Value x) { return mlir::arith::BitcastOp::create(b, loc, type, x); }
  Value toFloat(Value x) { return mlir::arith::SIToFPOp::create(b, loc, type, x); }
  Value addBits(Value x, Value y) { return mlir::arith::AddIOp::create(b, loc, x, y); }
  Value subBits(Value x, Value y) { return mlir::arith::SubIOp::create(b, loc, x, y); }
  Value andBits(Value x, int64_t mask) { return mlir::arith::AndIOp::create(b, loc, x, bits(mask)); }
  Value orBits(Value x, int64_t mask) { return mlir::arith::OrIOp::create(b, loc, x, bits(mask)); }
  /// True where the bits are not those of `value`.
  Value differs(Value x, int64_t value) {
    return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::ne, x, bits(value));
  }
  Value shiftLeft(Value x, int64_t by) { return mlir::arith::ShLIOp::create(b, loc, x, bits(by)); }
  Value shiftRight(Value x, int64_t by) { return mlir::arith::ShRSIOp::create(b, loc, x, bits(by)); }

private:
  mlir::Type inShape(mlir::Type elementType) const {
    auto tensor = mlir::dyn_cast<mlir::RankedTensorType>(type);
    return tensor ? mlir::Type(tensor.clone(elementType)) : elementType;
  }
  Value compare(mlir::arith::CmpFPredicate predicate, Value x, Value y) {
    return mlir::arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value splat(mlir::Type to, mlir::TypedAttr value) {
    if (auto tensor = mlir::dyn_cast<mlir::RankedTensorType>(to))
      value = mlir::SplatElementsAttr::get(tensor, mlir::Attribute(value));
    return mlir::arith::ConstantOp::create(b, loc, value);
  }

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type type;
  mlir::FloatType element;
  mlir::Type integer;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_ELEMENTBUILDER_H
