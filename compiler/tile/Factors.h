//===- Factors.h - Which factors may meet before the tile ------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// (x * a) * b made as x * (a * b) is wrong where a * b leaves the range of its type and x * a does not: x = 1e-20,
// a = 1e36, b = 1e9. Constants therefore meet where their product is a normal number, and what is known at launch meets
// constants that make it larger or smaller by no more than 2^40.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_FACTORS_H
#define IMBREX_COMPILER_TILE_FACTORS_H

#include "mlir/IR/Value.h"
#include <optional>

namespace imbrex {

/// A constant within 2^-32 .. 2^32, or a power whose exponent was clamped to such: it may change places with others.
bool isTame(mlir::Value factor);

/// Whether the product of two factors may be made before what they multiply: of constants, if it is a normal number;
/// else if all that is known of both, with what has met in them, lies within 2^-40 .. 2^40.
bool mayMeet(mlir::Value x, mlir::Value y);

/// The product of two constants, in f64.
std::optional<double> productOfConstants(mlir::Value x, mlir::Value y);

/// Whether `value`, rounded to the element type, is a normal number.
bool isNormalIn(mlir::Type type, double value);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_FACTORS_H
