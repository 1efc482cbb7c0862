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
#include "tests/support/Clones.h"
#include <bit>
#include <cmath>
#include <limits>

using namespace imbrex;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

namespace {
/// `digits` counts the leading one; `least` is the exponent of the smallest normal number; what is larger than
/// `largest` becomes `beyond`.
struct Format {
  int64_t digits, least, exponentBits;
  double largest, beyond;
};
} // namespace

static constexpr uint64_t kFraction = (uint64_t(1) << 52) - 1; ///< of a double

static double powerOfTwo(int64_t exponent) { return std::bit_cast<double>(uint64_t(exponent + 1023) << 52); }

static Format formatOf(DataType type) {
  switch (type) {
  case DataType::F8E4M3:
    return {4, -6, 4, 448, 448};
  case DataType::F8E5M2:
    return {3, -14, 5, 57344, 57344};
  case DataType::F16:
    return {11, -14, 5, 65504, kInfinity};
  default:
    return {8, -126, 8, 0x1.FEp127, kInfinity};
  }
}

/// Beside 1.5 * 2^52 quanta a double's last place is one quantum, so that adding them rounds, to even. The test suite
/// compares each result with nearbyint. Without branches, so that a loop over it is made of vectors.
[[gnu::always_inline]] static inline double roundToFormat(double value, const Format &format) {
  const int64_t exponent = int64_t(std::bit_cast<uint64_t>(value) >> 52 & 0x7ff) - 1023;
  const int64_t quantum = std::max(exponent, format.least) - format.digits + 1; // of a double below normal: `least`
  const double many = 1.5 * std::bit_cast<double>(uint64_t(quantum + 52 + 1023) << 52);
  const double rounded = std::fabs((value + many) - many);
  const bool isTooLarge = exponent > 200 || rounded > format.largest; // above 2^200 `many` may be no number
  const double size = isTooLarge ? format.beyond : rounded;
  return std::copysign(value != value ? value : size, value);
}

IMBREX_TEST_CLONES static void roundAllTo(double *values, size_t count, Format format) {
  for (size_t i = 0; i < count; ++i)
    values[i] = roundToFormat(values[i], format);
}

double testing::roundTo(double value, DataType type) {
  if (type == DataType::F64)
    return value;
  return type == DataType::F32 ? double(float(value)) : roundToFormat(value, formatOf(type));
}

void testing::roundAll(double *values, size_t count, DataType type) {
  if (type == DataType::F64)
    return;
  if (type != DataType::F32)
    return roundAllTo(values, count, formatOf(type));
  for (size_t i = 0; i < count; ++i)
    values[i] = double(float(values[i]));
}

std::vector<double> testing::roundTo(std::vector<double> values, DataType type) {
  roundAll(values.data(), values.size(), type);
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
  const int64_t fractionBits = format.digits - 1;
  const uint64_t sign = uint64_t(std::signbit(value)) << (8 * byteSize(type) - 1);
  const uint64_t allOnes = ((uint64_t(1) << format.exponentBits) - 1) << fractionBits;
  if (std::isnan(value))
    return isF8(type) ? 0x7f : sign | allOnes | (uint64_t(1) << (fractionBits - 1));
  double size = std::fabs(roundTo(value, type));
  if (std::isinf(size))
    return sign | allOnes;
  const int64_t exponent = int64_t(std::bit_cast<uint64_t>(size) >> 52) - 1023;
  if (exponent < format.least) // in units of the smallest subnormal
    return sign | uint64_t(size * powerOfTwo(fractionBits - format.least));
  const uint64_t fraction = (std::bit_cast<uint64_t>(size) & kFraction) >> (52 - fractionBits);
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
  const int64_t fractionBits = format.digits - 1;
  const uint64_t fraction = bits & ((uint64_t(1) << fractionBits) - 1);
  const int64_t field = int64_t((bits >> fractionBits) & ((1u << format.exponentBits) - 1));
  double size = 0;
  if (type == DataType::F8E4M3 && (bits & 0x7f) == 0x7f)
    size = std::numeric_limits<double>::quiet_NaN();
  else if (type != DataType::F8E4M3 && field == (1 << format.exponentBits) - 1)
    size = fraction ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  else if (field == 0)
    size = double(fraction) * powerOfTwo(format.least - fractionBits);
  else
    size = std::bit_cast<double>(uint64_t(field - 1 + format.least + 1023) << 52 | fraction << (52 - fractionBits));
  return bits >> (8 * byteSize(type) - 1) & 1 ? -size : size;
}
