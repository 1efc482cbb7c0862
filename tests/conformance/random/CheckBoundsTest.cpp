//===- CheckBoundsTest.cpp - How near the bounds of --check are -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The interpreter's bounds against what the device is really off by, element by element: none is beyond (no
// false alarm), and the bounds are near enough that a wrong row is told. Beside them stands a limit of the
// simple kind, a share of the output's largest value, as a measure of what the bounds are worth. With --long
// on 200 random programs and a grid of attention.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/random/ProgramMemory.h"
#include "tests/support/RunMode.h"
#include "tests/support/TreeSource.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>
#include <sstream>

using namespace imbrex;
using namespace imbrex::test;

namespace {

/// A share of the largest value of an output, by type: what is rounding in most programs.
double shareOfLargest(DataType type) { return type == DataType::BF16 ? 1.6e-2 : type == DataType::F64 ? 1e-10 : 2e-3; }

/// Bounds and limits divided by true errors, an entry an element that is off by anything.
struct Ratios {
  std::vector<double> ofBound, ofLimit;
  int64_t elements = 0, beyondBound = 0, beyondLimit = 0, open = 0;

  void add(const Ratios &other) {
    ofBound.insert(ofBound.end(), other.ofBound.begin(), other.ofBound.end());
    ofLimit.insert(ofLimit.end(), other.ofLimit.begin(), other.ofLimit.end());
    elements += other.elements, open += other.open;
    beyondBound += other.beyondBound, beyondLimit += other.beyondLimit;
  }
  void print(const char *of) {
    std::sort(ofBound.begin(), ofBound.end());
    std::sort(ofLimit.begin(), ofLimit.end());
    auto at = [](const std::vector<double> &sorted, double share) {
      return sorted.empty() ? 0 : sorted[size_t(share * double(sorted.size() - 1))];
    };
    std::printf("%s: %lld elements, %zu off by something, %lld without a bound\n", of, (long long)elements,
                ofBound.size(), (long long)open);
    std::printf("  bound / error   median %.3g, 90 %% below %.3g, worst %.3g, nearest %.3g; beyond: %lld\n",
                at(ofBound, 0.5), at(ofBound, 0.9), at(ofBound, 1), at(ofBound, 0), (long long)beyondBound);
    std::printf("  share of largest / error   median %.3g, 90 %% below %.3g, worst %.3g, nearest %.3g; beyond: %lld\n",
                at(ofLimit, 0.5), at(ofLimit, 0.9), at(ofLimit, 1), at(ofLimit, 0), (long long)beyondLimit);
  }
};

double largestOf(const std::vector<double> &values) {
  double largest = 0;
  for (double value : values)
    largest = std::isfinite(value) ? std::max(largest, std::fabs(value)) : largest;
  return largest;
}

Ratios judge(const ArrayPlan &plan, const Bytes &expected, const Bytes &actual, const std::vector<double> &errors) {
  Ratios ratios;
  std::vector<double> want = viewOf(plan, expected), got = viewOf(plan, actual);
  double limit = shareOfLargest(plan.type) * std::max(largestOf(want), 1e-4);
  for (size_t i = 0; i < want.size(); ++i) {
    double difference = std::fabs(want[i] - got[i]), bound = 2 * errors[i]; // as --check does
    ++ratios.elements;
    ratios.open += bound == INFINITY;
    if (want[i] == got[i] || bound == INFINITY || !std::isfinite(difference))
      continue;
    ratios.ofBound.push_back(bound / difference);
    ratios.ofLimit.push_back(limit / difference);
    ratios.beyondBound += difference > bound;
    ratios.beyondLimit += difference > limit;
  }
  return ratios;
}

/// All float outputs of a program; a failure if it does not run or an element is beyond its bound.
Ratios measure(const Program &program, const std::vector<Bytes> &initial, const std::string &name) {
  Ratios ratios;
  Outcome outcome = runBoth(program, initial, /*withErrors=*/true);
  if (outcome.isRefused)
    return ratios;
  EXPECT_EQ(outcome.error, "") << name;
  for (size_t i = 0; outcome.error.empty() && i < program.arrays.size(); ++i)
    if (const ArrayPlan &plan = program.arrays[i]; plan.output && !plan.absent && isFloat(plan.type))
      ratios.add(judge(plan, outcome.expected[i], outcome.actual[i], outcome.errors[i]));
  EXPECT_EQ(ratios.beyondBound, 0) << name;
  return ratios;
}

/// Attention in tiles of 32 x 16, batch and heads 1, Sq = 65 and Sk = 80, heads of 64.
Program attention(DataType type, const std::string &mask, bool isLarge) {
  const Source source = imbrex::testing::treeSource(imbrex::testing::inRoot("kernels/attention_forward.tile"));
  constexpr int64_t Sq = 65, Sk = 80, D = 64;
  Program program;
  program.text = source.text;
  program.imports = source.imports;
  program.device = "a100";
  program.options.target = "sm_80";
  program.options.given = {"L"};
  program.options.set = {{"T", std::string(imbrex::name(type))},
                         {"DQK", "64"},
                         {"DV", "64"},
                         {"G", "1"},
                         {"BM", "32"},
                         {"BN", "16"},
                         {"warps", "4"}};
  program.options.hooks = {{"mask", mask}};
  program.grid = {(Sq + 31) / 32, 1, 1};
  auto array = [&](const char *name, DataType of, std::vector<int64_t> extents) {
    ArrayPlan plan;
    plan.name = name, plan.type = of, plan.extents = extents, plan.contents = ArrayPlan::Rough;
    plan.strides.assign(extents.size(), 1);
    for (size_t d = extents.size(); d-- > 1;)
      plan.strides[d - 1] = plan.strides[d] * extents[d];
    plan.output = plan.name == "O" || plan.name == "L";
    program.arrays.push_back(plan);
  };
  DataType wide = type == DataType::F64 ? DataType::F64 : DataType::F32;
  array("Q", type, {1, Sq, 1, D}), array("K", type, {1, Sk, 1, D}), array("V", type, {1, Sk, 1, D});
  array("O", type, {1, Sq, 1, D}), array("L", wide, {1, 1, Sq});
  program.scalars = {{"scale", wide, isLarge ? 0.125 : 0.03125}};
  return program;
}

/// Values are up to 4, few of them large. With `isLarge` all logits lie near -6e4, so that f32 knows them to some
/// thousandths.
std::vector<Bytes> attentionMemory(const Program &program, bool isLarge) {
  std::vector<Bytes> memory = initialMemory(program);
  const ArrayPlan &v = program.arrays[2];
  std::vector<double> values = viewOf(v, memory[2]);
  for (size_t i = 0; i < values.size(); ++i)
    encodeElement(&memory[2][i * byteSize(v.type)], v.type, 4 * std::pow(values[i] / 4, 5), 0);
  for (size_t array : {0, 1})
    for (int64_t row = 0; isLarge && row < program.arrays[array].extents[1]; ++row)
      for (int64_t d = 0; d < 64; ++d) {
        uint8_t *element = &memory[array][size_t(row * 64 + d) * byteSize(program.arrays[array].type)];
        double small = double((row * 37 + d * 11) % 41 - 20) / 256;
        encodeElement(element, program.arrays[array].type, d > 0 ? small : array == 0 ? 1 : -480000, 0);
      }
  return memory;
}

TEST(CheckBounds, RandomProgramsHaveNoFalseAlarm) {
  Ratios all;
  const uint64_t count = imbrex::testing::isLongRun() ? 200 : 16;
  for (uint64_t seed = 0; seed < count; ++seed) {
    Program program = generateProgram(seed);
    all.add(measure(program, initialMemory(program), "seed " + std::to_string(seed)));
  }
  all.print("random programs");
}

TEST(CheckBounds, AttentionHasNoFalseAlarm) {
  Ratios all;
  using enum DataType;
  for (DataType type : imbrex::testing::isLongRun() ? std::vector{F16, BF16, F32, F64} : std::vector{F16, F32})
    for (std::string mask : {"full", "causal", "window(20, 3)"}) {
      Program program = attention(type, mask, false);
      all.add(measure(program, attentionMemory(program, false), std::string(imbrex::name(type)) + " " + mask));
      if (!imbrex::testing::isLongRun())
        break;
    }
  all.print("attention");
}

// A row that is wrong by 1 % of the largest value is beyond the bounds of most of its elements, also where logits are
// near -6e4.
TEST(CheckBounds, ARowThatIsWrongByOnePercentIsTold) {
  for (bool isLarge : {false, true}) {
    Program program = attention(DataType::F32, "full", isLarge);
    std::vector<Bytes> initial = attentionMemory(program, isLarge);
    Outcome outcome = runBoth(program, initial, /*withErrors=*/true);
    ASSERT_EQ(outcome.error, "");
    std::vector<double> values = viewOf(program.arrays[3], outcome.expected[3]);
    const double wrong = 0.01 * largestOf(viewOf(program.arrays[2], initial[2]));
    double widest = 0;
    for (int64_t row = 0; row < 65; ++row) {
      int told = 0;
      for (int64_t d = 0; d < 64; ++d) {
        double bound = 2 * outcome.errors[3][size_t(row * 64 + d)];
        told += wrong > bound;
        widest = std::max(widest, bound);
      }
      EXPECT_GT(told, 32) << "row " << row << (isLarge ? ", large logits" : "");
    }
    std::printf("%s logits: widest bound %.3g, 1 %% of the largest value %.3g\n", isLarge ? "large" : "ordinary",
                widest, wrong);
    Ratios ratios = measure(program, initial, isLarge ? "large logits" : "ordinary logits");
    ratios.print(isLarge ? "large logits" : "ordinary logits");
  }
}

} // namespace
