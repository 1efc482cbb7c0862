//===- Half.cpp - 16-bit floating point and rounding ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The general rounding; see the header.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Half.h"

namespace imbrex::simulator {
namespace {

/// Whether the kept magnitude goes up by one, given the bits shifted out (`lost` of `half` * 2).
bool roundsUp(uint64_t kept, uint64_t lost, uint64_t half, bool negative, Rounding rounding) {
  switch (rounding) {
  case Rounding::NearestEven:
    return lost > half || (lost == half && (kept & 1));
  case Rounding::NearestAway:
    return lost >= half && lost != 0;
  case Rounding::Zero:
    return false;
  case Rounding::Down:
    return lost != 0 && negative;
  case Rounding::Up:
    return lost != 0 && !negative;
  }
  return false;
}

} // namespace

uint32_t encodeFloat(double value, FloatFormat format, Rounding rounding) {
  uint64_t bits = std::bit_cast<uint64_t>(value);
  bool negative = bits >> 63;
  uint64_t magnitude = bits & ~(uint64_t(1) << 63);
  unsigned width = format.exponent + format.mantissa;
  uint32_t sign = uint32_t(negative) << width;
  uint32_t infinity = ((1u << format.exponent) - 1) << format.mantissa;
  constexpr uint64_t kInfinity = uint64_t(0x7FF) << 52;
  if (magnitude > kInfinity)
    return (1u << width) - 1;
  if (magnitude == kInfinity)
    return sign | infinity;
  if (magnitude == 0)
    return sign;
  int exponent = static_cast<int>(magnitude >> 52) - 1023;
  uint64_t mantissa = (magnitude & ((uint64_t(1) << 52) - 1)) | (magnitude >> 52 ? uint64_t(1) << 52 : 0);
  if (magnitude >> 52 == 0)
    exponent = -1022;
  int bias = (1 << (format.exponent - 1)) - 1;
  int biased = exponent + bias;
  unsigned shift = 52 - format.mantissa;
  if (biased < 1) { // Subnormal in the format: more bits are shifted out.
    shift += static_cast<unsigned>(1 - biased);
    biased = 1;
  }
  if (shift > 62)
    shift = 62;
  uint64_t kept = mantissa >> shift, lost = mantissa & ((uint64_t(1) << shift) - 1);
  if (lost == 0 && kept == 0)
    lost = 1;
  kept += roundsUp(kept, lost, uint64_t(1) << (shift - 1), negative, rounding);
  // The hidden bit, if there, adds one to the exponent field; a carry out of the mantissa does too.
  uint64_t result = (uint64_t(biased - 1) << format.mantissa) + kept;
  if (result >= infinity) {
    bool toInfinity = rounding == Rounding::NearestEven || rounding == Rounding::NearestAway ||
                      (rounding == Rounding::Up && !negative) || (rounding == Rounding::Down && negative);
    result = toInfinity ? infinity : infinity - 1;
  }
  return sign | static_cast<uint32_t>(result);
}

} // namespace imbrex::simulator
