//===- Bounds.h - How far a generated value can be off ----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every value of a generated program carries bounds: between what it lies, by how much the device may
// differ from the interpreter, and whether it is dyadic. Tolerances of the comparison follow from
// them, so no program needs a tolerance of its own.
//
// A value is dyadic of grain g if it is a whole multiple of 2^-g. Sums, products and tiles' products of
// dyadic values that fit the type's significand are exact in any order: they are compared bit by bit.
// Example: loads are multiples of 1/8 up to 4; a product has grain 6; 96 of them add up to at most
// 1536 = 98304 / 64, which f32 holds exactly.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_CONFORMANCE_RANDOM_BOUNDS_H
#define IMBREX_TESTS_CONFORMANCE_RANDOM_BOUNDS_H

#include "compiler/DataType.h"
#include <optional>
#include <string_view>

namespace imbrex::test {

inline constexpr int kRough = -1; ///< grain of a value that is not known to be dyadic

struct Bounds {
  double low = 0, high = 0;
  double error = 0;   ///< most by which device and interpreter may differ
  int grain = kRough; ///< multiples of 2^-grain; 0 for integers

  double magnitude() const;
  bool isExact() const { return error == 0; }
};

/// What every element of the integer type lies between; 0 and 1 for bool.
Bounds wholeRange(DataType type);

/// Values of either.
Bounds join(const Bounds &x, const Bounds &y);

/// The result of + - * / % cdiv min max of two values, or of "neg" "abs" "sqrt" "rsqrt" "log2" "log"
/// "exp2" "exp" "tanh" of x. Divisors are at least 1/2 (1 for integers) away from zero, arguments of
/// roots and logarithms at least 1/2. nullopt where the result could leave the range that is safe in `type`.
std::optional<Bounds> boundsOf(std::string_view op, DataType type, const Bounds &x, const Bounds &y = {});

/// cast<to>(x); nullopt where it is not defined for all of x, or not comparable.
std::optional<Bounds> boundsOfCast(DataType from, DataType to, const Bounds &x);

/// The sum of `count` values.
std::optional<Bounds> boundsOfSum(DataType type, const Bounds &x, int64_t count);

/// A factor of dot<mode> of f32; of plain dot ("") and other types itself.
Bounds boundsOfFactor(std::string_view mode, DataType type, const Bounds &x);

/// dot(a, b, c) over `depth` products, added in `type`.
std::optional<Bounds> boundsOfDot(DataType type, const Bounds &a, const Bounds &b, const Bounds &c, int64_t depth);

} // namespace imbrex::test

#endif // IMBREX_TESTS_CONFORMANCE_RANDOM_BOUNDS_H
