//===- OraclesTest.cpp - What the oracles are made of, beside definitions -===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rounding beside the definition that counts in quanta; attention beside one that writes the formula down.
//
//===----------------------------------------------------------------------===//

#include "tests/support/AttentionOracle.h"
#include "tests/support/Random.h"
#include "tests/support/Storage.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

/// The multiple of the distance between neighbours that is nearest, ties to even.
double counted(double value, int digits, int least, double largest) {
  if (!std::isfinite(value) || value == 0)
    return value;
  const double quantum = std::ldexp(1.0, std::max(std::ilogb(value), least) - digits + 1);
  const double rounded = std::nearbyint(value / quantum) * quantum;
  return std::fabs(rounded) > largest ? std::copysign(INFINITY, value) : rounded;
}

void expectCounted(double value) {
  const std::pair<DataType, double> found[] = {{DataType::F16, counted(value, 11, -14, 65504)},
                                               {DataType::BF16, counted(value, 8, -126, 0x1.FEp127)}};
  for (auto [type, want] : found) {
    const double rounded = roundTo(value, type);
    EXPECT_TRUE(std::isnan(want) ? std::isnan(rounded) : rounded == want) << value << ": " << rounded << ", " << want;
    EXPECT_EQ(std::signbit(rounded), std::signbit(value)) << value;
  }
  const double byte = counted(value, 4, -6, 448);
  EXPECT_TRUE(std::isnan(byte) || roundTo(value, DataType::F8E4M3) == std::clamp(byte, -448.0, 448.0)) << value;
}

/// Rows one by one, by the formula.
double attended(const AttentionShape &s, const AttentionInputs &in, int64_t b, int64_t i, int64_t h, int64_t d) {
  double sum = 0, total = 0;
  for (int64_t j = 0; j < s.keys; ++j) {
    if (!s.mask.sees(i, j, s.queries, s.keys))
      continue;
    const int64_t key = (b * s.keys + j) * s.keyHeads + h / s.group;
    double x = 0;
    for (int64_t e = 0; e < s.depth; ++e)
      x += in.q[size_t(((b * s.queries + i) * s.heads() + h) * s.depth + e)] * in.k[size_t(key * s.depth + e)];
    x *= s.scale;
    const double weight = std::exp(s.softcap != 0 ? s.softcap * std::tanh(x / s.softcap) : x);
    sum += weight * in.v[size_t(key * s.valueDepth + d)], total += weight;
  }
  return total == 0 ? 0 : sum / total;
}

} // namespace

TEST(Oracles, RoundingIsToTheNearestMultipleOfTheQuantum) {
  for (DataType type : {DataType::F16, DataType::BF16, DataType::F8E4M3})
    for (uint64_t bits = 0; bits < (isF8(type) ? 0x80u : 0x7fffu); ++bits) {
      const double value = decode(bits, type), next = decode(bits + 1, type), middle = (value + next) / 2;
      for (double each : {value, middle, std::nextafter(middle, 0), std::nextafter(middle, INFINITY)})
        expectCounted(each), expectCounted(-each);
    }
  for (double each : {0.0, 65519.99, 65520.0, 1e38, 0x1.FFp127, 1e300, 1e-320, 1e-46, double(INFINITY), double(NAN)})
    expectCounted(each), expectCounted(-each);
}

TEST(Oracles, BitsAreSignExponentAndFraction) {
  struct {
    DataType type;
    int fractionBits, bias;
  } formats[] = {
      {DataType::F16, 10, 15}, {DataType::BF16, 7, 127}, {DataType::F8E4M3, 3, 7}, {DataType::F8E5M2, 2, 15}};
  for (const auto &[type, fractionBits, bias] : formats)
    for (uint64_t bits = 0, sign = uint64_t(1) << (8 * byteSize(type) - 1); bits < sign; ++bits) {
      const double value = decode(bits, type);
      if (!std::isfinite(value))
        continue;
      const int field = int(bits >> fractionBits), one = 1 << fractionBits, fraction = int(bits) & (one - 1);
      const double want = field == 0 ? std::ldexp(fraction, 1 - bias - fractionBits)
                                     : std::ldexp(fraction + one, field - bias - fractionBits);
      ASSERT_EQ(value, want) << name(type) << " " << bits;
      ASSERT_EQ(decode(bits | sign, type), -want) << name(type) << " " << bits;
      ASSERT_EQ(encode(want, type), bits) << name(type);
      ASSERT_EQ(encode(-want, type), bits | sign) << name(type);
    }
}

TEST(Oracles, AttentionIsItsFormula) {
  const Mask masks[] = {{}, {Mask::Kind::Causal}, {Mask::Kind::CausalTopLeft}, {Mask::Kind::Window, 3, 1}};
  for (const Mask &mask : masks)
    for (double softcap : {0.0, 15.0}) {
      const AttentionShape s = {2, 11, 19, 2, 3, 37, 21, mask, 0.2, softcap};
      Random random(5);
      AttentionInputs in = {random.normals(s.sizeQ()), random.normals(s.sizeK()), random.normals(s.sizeV())};
      const AttentionResult result = attend(s, in), rounded = attendRounded(s, in, DataType::F32);
      for (int64_t at = 0; at < s.sizeO(); ++at) {
        const int64_t row = at / s.valueDepth, h = row % s.heads(), i = row / s.heads() % s.queries;
        const double want = attended(s, in, row / s.heads() / s.queries, i, h, at % s.valueDepth);
        ASSERT_NEAR(result.o[size_t(at)], want, 1e-13) << mask.hook() << " at " << at;
        ASSERT_NEAR(rounded.o[size_t(at)], want, 1e-5) << mask.hook() << " at " << at;
      }
    }
}
