//===- Values.h - Operands that find mistakes ---------------- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Seeded operands of one experiment: every second row mixes values at the edges of the type (zeros, subnormals,
// infinities, NaNs with payloads, the largest and smallest, integer limits, ties of narrower types), the
// others are random bits, values near one, operands that nearly cancel, ties of a rounding, extreme
// exponents. Whole numbers only are computed with, so every machine makes the same operands.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RECORDED_VALUES_H
#define IMBREX_TESTS_RECORDED_VALUES_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imbrex::recorded {

struct ValueType {
  enum Kind { Bits, Signed, Unsigned, Float, BFloat };
  Kind kind = Bits;
  unsigned bits = 32; ///< of one value
  unsigned count = 1; ///< 2: a packed pair

  unsigned totalBits() const { return bits * count; }
  bool isFloat() const { return kind == Float || kind == BFloat; }
  /// Bits of the significand behind the point: 10, 7, 23 or 52.
  unsigned fractionBits() const;
};

/// Of a PTX type such as "f16x2", "s32" or "b8"; nullopt for any other word.
std::optional<ValueType> valueType(std::string_view word);

/// A 64-bit hash (FNV-1a) of bytes.
uint64_t checksum(std::string_view bytes);

/// Whether the value is a NaN of the type, and what a float is worth. `bits` hold one value.
bool isNan(ValueType type, uint64_t bits);
double toDouble(ValueType type, uint64_t bits);

struct OperandPlan {
  enum Role {
    Value,
    Divisor,   ///< never 0: what a division by 0 gives is not defined
    Count,     ///< of bits to shift or extract: 0 to 255, most of them small
    Selector,  ///< of bytes: any 16 bits
    Moderate,  ///< floats whose products stay in range
    Predicate, ///< 0 or 1
  };
  ValueType type;
  Role role = Value;
  uint64_t most = 255; ///< Count: the largest
};

/// `rows` values of each plan. Equal arguments give equal values.
std::vector<std::vector<uint64_t>> makeOperands(const std::vector<OperandPlan> &plans, size_t rows, uint64_t seed);

/// A value as PTX writes it in an instruction of that type.
std::string literal(ValueType type, uint64_t bits);

} // namespace imbrex::recorded

#endif // IMBREX_TESTS_RECORDED_VALUES_H
