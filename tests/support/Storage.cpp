//===- Storage.cpp - Numbers as a kernel stores them ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A float of 8 or 16 bits is rounded by its quantum, the distance between neighbours at the value's size; its bits are
// then put together from sign, exponent and fraction. Of 8 bits what is too large becomes the largest number, and NaN
// has the bits of its own that it has in f8e4m3 (0x7f) in both.
//
//===----------------------------------------------------------------------===//

#include "tests/support/Storage.h"
#include <bit>
#include <cmath>
#include <limits>

using namespace imbrex;

namespace {
/// `digits` counts the leading one; `least` is the exponent of the smallest normal number.
struct Format {
  int digits, least, exponentBits;
  double largest;
};
} // namespace

static Format formatOf(DataType type) {
  switch (type) {
  case DataType::F8E4M3:
    return {4, -6, 4, 448};
  case DataType::F8E5M2:
    return {3, -14, 5, 57344};
  case DataType::F16:
    return {11, -14, 5, 65504};
  default:
    return {8, -126, 8, 0x1.FEp127};
  }
}

/// Beside 1.5 * 2^52 quanta a double's last place is one quantum, so that adding them rounds, to even. The test suite
/// compares each result with nearbyint.
static double roundToFormat(double value, const Format &format) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const int exponent = int(bits >> 52 & 0x7ff) - 1023; // of 0 and doubles that are not normal: below `least`
  if (exponent > 200)                                  // infinite, NaN, or too large for each format
    return exponent == 1024 ? value : std::copysign(std::numeric_limits<double>::infinity(), value);
  const int64_t quantum = std::max(exponent, format.least) - format.digits + 1;
  const double many = 1.5 * std::bit_cast<double>(uint64_t(quantum + 52 + 1023) << 52);
  const double rounded = (value + many) - many;
  return std::copysign(std::fabs(rounded) > format.largest ? std::numeric_limits<double>::infinity() : rounded, value);
}

double testing::roundTo(double value, DataType type) {
  if (type == DataType::F64)
    return value;
  if (type == DataType::F32)
    return double(float(value));
  double rounded = roundToFormat(value, formatOf(type));
  return isF8(type) && std::isinf(rounded) ? std::copysign(formatOf(type).largest, value) : rounded;
}

std::vector<double> testing::roundTo(std::vector<double> values, DataType type) {
  for (double &value : values)
    value = roundTo(value, type);
  return values;
}

double testing::unitRoundoff(DataType type) {
  if (type == DataType::F64)
    return 0x1p-53;
  return type == DataType::F32 ? 0x1p-24 : std::ldexp(1.0, -formatOf(type).digits);
}

uint64_t testing::encode(double value, DataType type) {
  if (!isFloat(type)) // the low bytes count
    return uint64_t(int64_t(value));
  if (type == DataType::F64)
    return std::bit_cast<uint64_t>(value);
  if (type == DataType::F32)
    return std::bit_cast<uint32_t>(float(value));
  const Format format = formatOf(type);
  const int fractionBits = format.digits - 1;
  const uint64_t sign = uint64_t(std::signbit(value)) << (8 * byteSize(type) - 1);
  const uint64_t allOnes = ((uint64_t(1) << format.exponentBits) - 1) << fractionBits;
  if (std::isnan(value))
    return isF8(type) ? 0x7f : sign | allOnes | (uint64_t(1) << (fractionBits - 1));
  double size = std::fabs(roundTo(value, type));
  if (std::isinf(size))
    return sign | allOnes;
  // In units of the smallest subnormal, a number of exponent e + least is (1.f) * 2^(digits - 1 + e).
  if (size == 0 || std::ilogb(size) < format.least)
    return sign | uint64_t(std::ldexp(size, fractionBits - format.least));
  int exponent = std::ilogb(size);
  uint64_t fraction = uint64_t(std::ldexp(size, fractionBits - exponent)) - (uint64_t(1) << fractionBits);
  return sign | (uint64_t(exponent - format.least + 1) << fractionBits) | fraction;
}

double testing::decode(uint64_t bits, DataType type) {
  if (!isFloat(type)) {
    unsigned unused = 64 - 8 * byteSize(type);
    return isUnsigned(type) ? double(bits << unused >> unused) : double(int64_t(bits << unused) >> unused);
  }
  if (type == DataType::F64)
    return std::bit_cast<double>(bits);
  if (type == DataType::F32)
    return std::bit_cast<float>(uint32_t(bits));
  const Format format = formatOf(type);
  const int fractionBits = format.digits - 1;
  const uint64_t fraction = bits & ((uint64_t(1) << fractionBits) - 1);
  const int field = int((bits >> fractionBits) & ((1u << format.exponentBits) - 1));
  double size = 0;
  if (type == DataType::F8E4M3 && (bits & 0x7f) == 0x7f)
    size = std::numeric_limits<double>::quiet_NaN();
  else if (type != DataType::F8E4M3 && field == (1 << format.exponentBits) - 1)
    size = fraction ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  else if (field == 0)
    size = std::ldexp(double(fraction), format.least - fractionBits);
  else
    size = std::ldexp(double(fraction + (uint64_t(1) << fractionBits)), field - 1 + format.least - fractionBits);
  return bits >> (8 * byteSize(type) - 1) & 1 ? -size : size;
}
