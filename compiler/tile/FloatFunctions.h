//===- FloatFunctions.h - exp, log, tanh as plain arithmetic ----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions that PTX has no instruction for, or none as exact as the language promises, written out on
// all elements of x at once. Each is right over the whole range: infinities, NaN, zeros of either sign
// where the result is one, and numbers below the normal range on either side. Errors are in units in the last
// place of the exact result, of the arithmetic here alone: where math.exp2 of f32 is used, which PTX does as
// ex2.approx.ftz, its error comes on top. The methods are the classical ones: reduction of the argument by
// bits, then a series (Muller, "Elementary Functions", 3rd edition, chapters 5 and 11).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_FLOATFUNCTIONS_H
#define IMBREX_COMPILER_TILE_FLOATFUNCTIONS_H

#include "compiler/LargestAngle.h"
#include "compiler/tile/ElementBuilder.h"

namespace imbrex {

/// e^x. f32 and f64: 1 unit.
mlir::Value expF32(ElementBuilder &e, mlir::Value x);
mlir::Value expF64(ElementBuilder &e, mlir::Value x);
/// 2^x of f64: 1 unit.
mlir::Value exp2F64(ElementBuilder &e, mlir::Value x);

/// 2^x of f32 as math.exp2 gives it, but not cut off at 2^-126 as ex2.approx.ftz does.
mlir::Value exp2Gradual(ElementBuilder &e, mlir::Value x);

/// ln x of f32 and f64: 1 unit. Negative numbers give NaN.
mlir::Value logOf(ElementBuilder &e, mlir::Value x);
/// log2 x of f32 and f64: 1.5 units.
mlir::Value log2Of(ElementBuilder &e, mlir::Value x);

/// 1 / sqrt(x) of f64: 1.5 units.
mlir::Value rsqrtF64(ElementBuilder &e, mlir::Value x);

/// tanh x of f32 and f64: 2 units.
mlir::Value tanhOf(ElementBuilder &e, mlir::Value x);

/// sin x and cos x of f32 and f64: 2 units up to largestAngle in size, NaN beyond.
mlir::Value sinOf(ElementBuilder &e, mlir::Value x);
mlir::Value cosOf(ElementBuilder &e, mlir::Value x);

/// erf x of f32 and f64: 3 units.
mlir::Value erfOf(ElementBuilder &e, mlir::Value x);

/// tanh x of f32 as 1 - 2 / (1 + 2^(2x log2 e)) by ex2.approx.ftz and rcp.approx.ftz: 2^-21 absolute. The sign
/// of a zero is lost.
mlir::Value tanhApproximate(ElementBuilder &e, mlir::Value x);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_FLOATFUNCTIONS_H
