//===- ValuesTest.cpp - Operands, literals, the terms of products ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the operands of an experiment must hold, and that they are the same on every machine.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/Models.h"
#include "tests/recorded/ProductBounds.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::recorded;

static std::vector<uint64_t> operands(const char *type) { return makeOperands({{*valueType(type)}}, 2048, 1)[0]; }

static bool has(const std::vector<uint64_t> &values, auto test) {
  return std::any_of(values.begin(), values.end(), test);
}

TEST(Values, FloatsReachEveryEdge) {
  std::vector<uint64_t> values = operands("f32");
  for (uint32_t edge : {0u, 0x80000000u, 1u, 0x807FFFFFu, 0x00800000u, 0x3F800000u, 0xBF800001u, 0x7F7FFFFFu,
                        0xFF800000u, 0x7FC00000u, 0x7F800001u, 0x4F000000u, 0x5F000000u, 0x477FE000u, 0x33000000u})
    EXPECT_TRUE(has(values, [&](uint64_t value) { return (value & 0x7FFFFFFF) == (edge & 0x7FFFFFFF); })) << edge;
  auto tail = [&](unsigned bits, uint32_t wanted) {
    return has(values, [&](uint64_t value) { return (value & ((1u << bits) - 1)) == wanted && value << 40; });
  };
  EXPECT_TRUE(tail(16, 0x8000) && tail(16, 0x7FFF) && tail(16, 0x8001)); // ties of bf16
  EXPECT_TRUE(tail(13, 0x1000) && tail(13, 0x0FFF) && tail(13, 0x1001)); // ties of f16
}

TEST(Values, IntegersReachEveryEdge) {
  std::vector<uint64_t> values = operands("s16");
  for (uint64_t edge : {0u, 1u, 0xFFFFu, 0x7FFFu, 0x8000u, 0x8001u, 255u, 256u})
    EXPECT_TRUE(std::count(values.begin(), values.end(), edge)) << edge;
}

TEST(Values, SecondOperandsNearlyCancel) {
  auto values = makeOperands({{*valueType("f32")}, {*valueType("f32")}}, 2048, 1);
  size_t opposite = 0;
  for (size_t i = 0; i < 2048; ++i) {
    double sum = toDouble(*valueType("f32"), values[0][i]) + toDouble(*valueType("f32"), values[1][i]);
    opposite += std::fabs(sum) > 0 && std::fabs(sum) < 1e-5;
  }
  EXPECT_GT(opposite, 50u);
}

TEST(Values, AreTheSameEverywhere) {
  std::string text;
  for (const char *type : {"f16", "bf16x2", "f32", "f64", "s8", "u32", "b64"})
    for (uint64_t value : operands(type))
      text += std::to_string(value) + " ";
  EXPECT_EQ(checksum(text), 15773498600895047127u);
}

TEST(Values, DivisorsAreNotZeroAndCountsNotTooLarge) {
  std::vector<OperandPlan> plans = {{*valueType("s32"), OperandPlan::Divisor}, {*valueType("u32"), OperandPlan::Count}};
  plans[1].most = 31;
  auto values = makeOperands(plans, 4096, 3);
  EXPECT_EQ(std::count(values[0].begin(), values[0].end(), 0u), 0);
  EXPECT_EQ(*std::max_element(values[1].begin(), values[1].end()), 31u);
}

TEST(Values, TypesAndLiterals) {
  EXPECT_EQ(valueType("bf16x2")->totalBits(), 32u);
  for (const char *word : {"", "rn", "b", "f8", "bf32", "x4", "v2", "m8n8", "tf32", "ftz", "s128"})
    EXPECT_FALSE(valueType(word)) << word;
  EXPECT_EQ(literal(*valueType("s16"), 0xFFFE), "-2");
  EXPECT_EQ(literal(*valueType("u16"), 0xFFFE), "65534");
  EXPECT_EQ(literal(*valueType("f32"), 0x3F800000), "0f3f800000");
  EXPECT_EQ(literal(*valueType("f64"), 1), "0d0000000000000001");
}

TEST(ProductBounds, TermsAreThoseOfTheInstruction) {
  for (const char *form :
       {"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {b32, b32, b32, b32}, {b32, b32, b32, b32}, {b32, b32}, "
        "{b32, b32, b32, b32}",
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {b32, b32, b32, b32}, {b32, b32, b32, b32}, {b32, b32}, "
        "{b32, b32, b32, b32}",
        "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {b32, b32, b32, b32}, {b32, b32, b32, b32}, {b32, b32}, "
        "{b32, b32, b32, b32}",
        "mma.sync.aligned.m16n8k32.row.col.f32.e5m2.e5m2.f32 {b32, b32, b32, b32}, {b32, b32, b32, b32}, {b32, b32}, "
        "{b32, b32, b32, b32}",
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {b32, b32, b32, b32}, {b32, b32}, {b32}, {b32, b32, b32, "
        "b32}"}) {
    Experiment experiment = *makeExperiment({"sm_80", form}).experiment;
    auto device = imbrex::testing::RawDevice::open("sim:h100").value();
    Bytes results = runExperiment(device, experiment).value();
    size_t finite = 0;
    for (size_t output = 0; output < 4; ++output) {
      std::vector<ProductTerms> terms = productTerms(experiment, output);
      for (size_t thread = 0; thread < terms.size(); ++thread) {
        float value;
        std::memcpy(&value, &results[(output * terms.size() + thread) * 4], 4);
        if (!std::isfinite(value) || !std::isfinite(terms[thread].magnitude))
          continue;
        ++finite;
        EXPECT_LE(std::fabs(value - terms[thread].sum), terms[thread].magnitude * 0x1p-19);
      }
    }
    EXPECT_GT(finite, experiment.threads() * 3) << form;
  }
}
