//===- Half.h - 16-bit floating point and rounding --------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// f16 and bf16 values travel as their bits. Widening is exact; narrowing rounds to nearest even, and a
// NaN becomes the canonical NaN 0x7FFF, as the PTX ISA's cvt does. encodeFloat is the general form:
// any format narrower than double, any rounding direction.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_HALF_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_HALF_H

#include <bit>
#include <cstdint>

namespace imbrex::simulator {

enum class Rounding : uint8_t { NearestEven, Zero, Down, Up, NearestAway };

/// A binary format: 1 sign bit, `exponent` bits, `mantissa` bits, IEEE special values.
struct FloatFormat {
  unsigned exponent, mantissa;
};
constexpr FloatFormat kHalf{5, 10}, kBFloat{8, 7}, kSingle{8, 23};

/// `value` in the format, rounded once. Overflow goes to infinity or the largest finite value as the
/// direction says; the sign of zero is kept; NaN gives all ones below the sign.
uint32_t encodeFloat(double value, FloatFormat format, Rounding rounding);

inline float bfloatToFloat(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

inline float halfToFloat(uint16_t bits) {
  uint32_t magnitude = uint32_t(bits & 0x7FFF) << 13;
  uint32_t scaled = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112f);
  scaled |= (bits & 0x7C00) == 0x7C00 ? 0x7F800000 : 0;
  return std::bit_cast<float>(scaled | uint32_t(bits & 0x8000) << 16);
}

inline uint16_t floatToBfloat(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
  return static_cast<uint16_t>((bits & 0x7FFFFFFF) > 0x7F800000 ? 0x7FFF : rounded);
}

inline uint16_t floatToHalf(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t magnitude = bits & 0x7FFFFFFF, sign = bits >> 16 & 0x8000;
  uint32_t normal = (magnitude - 0x38000000 + 0xFFF + (magnitude >> 13 & 1)) >> 13;
  // Adding 0.5 lines the subnormal's last bit up with the float's, and rounds to nearest even.
  uint32_t tiny = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3F000000;
  uint32_t result = magnitude < 0x38800000 ? tiny : normal;
  result = magnitude >= 0x477FF000 ? 0x7C00 : result;
  result |= sign;
  return static_cast<uint16_t>(magnitude > 0x7F800000 ? 0x7FFF : result);
}

/// The 8-bit formats e4m3 (bias 7, no infinity, 0x7F is NaN) and e5m2 (the upper byte of an f16).
inline float e4m3ToFloat(uint8_t code) {
  if ((code & 0x7F) == 0x7F)
    return std::bit_cast<float>(0x7FFFFFFF);
  return halfToFloat(static_cast<uint16_t>((code & 0x80) << 8 | (code & 0x7F) << 7)) * 256.0f;
}
inline float e5m2ToFloat(uint8_t code) { return halfToFloat(static_cast<uint16_t>(code << 8)); }

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_HALF_H
