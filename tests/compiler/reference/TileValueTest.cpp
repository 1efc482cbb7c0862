//===- TileValueTest.cpp - Rounding and bits of narrow floats -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The interpreter's own conversions against the host compiler's, over all f16 and bf16 values and random doubles.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/TileValue.h"
#include "llvm/ADT/APFloat.h"
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace imbrex::reference;

namespace {

TEST(TileValue, everyHalfHasItsValueAndBits) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    double expected = double(std::bit_cast<_Float16>(uint16_t(bits)));
    double value = decodeFloat(bits, ElementType::F16);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      continue;
    }
    ASSERT_EQ(value, expected) << bits;
    ASSERT_EQ(std::signbit(value), std::signbit(expected)) << bits;
    ASSERT_EQ(encodeFloat(value, ElementType::F16), bits);
  }
}

TEST(TileValue, everyBrainFloatHasItsValueAndBits) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    float expected = std::bit_cast<float>(bits << 16);
    double value = decodeFloat(bits, ElementType::BF16);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      continue;
    }
    ASSERT_EQ(value, double(expected)) << bits;
    ASSERT_EQ(encodeFloat(value, ElementType::BF16), bits);
  }
}

TEST(TileValue, everyByteFloatHasItsValueAndBits) {
  for (auto [kind, semantics] : {std::pair(ElementType::F8E4M3, &llvm::APFloat::Float8E4M3FN()),
                                 std::pair(ElementType::F8E5M2, &llvm::APFloat::Float8E5M2())})
    for (uint32_t bits = 0; bits < 256; ++bits) {
      double expected = llvm::APFloat(*semantics, llvm::APInt(8, bits)).convertToDouble();
      double value = decodeFloat(bits, kind);
      if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(value)) << bits;
        continue;
      }
      ASSERT_EQ(value, expected) << bits;
      ASSERT_EQ(std::signbit(value), std::signbit(expected)) << bits;
      ASSERT_EQ(encodeFloat(value, kind), bits);
    }
}

TEST(TileValue, nanStaysNan) {
  for (ElementType::Kind kind : {ElementType::F8E4M3, ElementType::F8E5M2, ElementType::F16, ElementType::BF16,
                                 ElementType::F32, ElementType::F64})
    EXPECT_TRUE(std::isnan(decodeFloat(encodeFloat(NAN, kind), kind)));
}

/// Doubles over all exponents of a format and somewhat beyond, many of them ties.
std::vector<double> samples(int lowestExponent, int highestExponent) {
  std::mt19937_64 random(1);
  std::vector<double> samples;
  for (int exponent = lowestExponent - 3; exponent <= highestExponent + 1; ++exponent)
    for (int i = 0; i < 200; ++i) {
      double fraction = i % 2 ? double(random() % 8192) / 8192 : std::ldexp(double(random() >> 11), -53);
      samples.push_back(std::ldexp(i % 3 ? 1 + fraction : -1 - fraction, exponent));
    }
  return samples;
}

TEST(TileValue, halfRoundsToNearestEven) {
  for (double value : samples(-24, 15))
    ASSERT_EQ(roundTo(value, ElementType::F16), double(_Float16(value))) << value;
  EXPECT_EQ(roundTo(65519, ElementType::F16), 65504);
  EXPECT_EQ(roundTo(65520, ElementType::F16), INFINITY);
}

TEST(TileValue, brainFloatRoundsToNearestEven) {
  // The nearest of the two neighbours, and the even one of two that are equally near.
  for (double value : samples(-133, 126)) {
    uint32_t below = std::bit_cast<uint32_t>(float(value)) >> 16;
    double rounded = roundTo(value, ElementType::BF16), best = INFINITY;
    for (uint32_t bits : {below - 1, below, below + 1})
      best = std::min(best, std::fabs(double(std::bit_cast<float>(bits << 16)) - value));
    ASSERT_EQ(std::fabs(rounded - value), best) << value;
    uint64_t bits = encodeFloat(rounded, ElementType::BF16);
    double other = decodeFloat(rounded < value == (value > 0) ? bits + 1 : bits - 1, ElementType::BF16);
    if (rounded != value && std::fabs(other - value) == best)
      ASSERT_EQ(bits % 2, 0u) << value;
  }
  EXPECT_EQ(roundTo(0x1.FFp127, ElementType::BF16), INFINITY);
}

TEST(TileValue, extensionsOfEveryWidth) {
  EXPECT_EQ(signExtend(1, 1), -1);
  EXPECT_EQ(signExtend(200, 8), -56);
  EXPECT_EQ(signExtend(-56, 64), -56);
  EXPECT_EQ(zeroExtend(-1, 1), 1u);
  EXPECT_EQ(zeroExtend(-56, 8), 200u);
}

} // namespace
