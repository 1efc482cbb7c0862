//===- FloatTest.cpp - Float operations of the interpreter ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each operation on a handful of values against numbers worked out by hand.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/reference/Interpret.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;

namespace {

using List = std::vector<double>;
constexpr double kInf = INFINITY, kNan = NAN;

/// Equal element for element, where NaN equals NaN.
void expectList(const List &found, const List &expected, const std::string &what, double tolerance = 0) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    if (std::isnan(expected[i]))
      EXPECT_TRUE(std::isnan(found[i])) << what << " at " << i << ": " << found[i];
    else if (tolerance == 0)
      EXPECT_EQ(found[i], expected[i]) << what << " at " << i;
    else
      EXPECT_NEAR(found[i], expected[i], tolerance) << what << " at " << i;
  }
}

TEST(Float, binary) {
  List a = {6, -7.5, 0, kInf, 1}, b = {4, 2, -3, 1, kNan};
  std::pair<std::string, List> cases[] = {
      {"addf", {10, -5.5, -3, kInf, kNan}},  {"subf", {2, -9.5, 3, kInf, kNan}},  {"mulf", {24, -15, 0, kInf, kNan}},
      {"divf", {1.5, -3.75, 0, kInf, kNan}}, {"remf", {2, -1.5, 0, kNan, kNan}},  {"maxnumf", {6, 2, 0, kInf, 1}},
      {"minnumf", {4, -7.5, -3, 1, 1}},      {"maximumf", {6, 2, 0, kInf, kNan}}, {"minimumf", {4, -7.5, -3, 1, kNan}},
  };
  for (const auto &[name, expected] : cases)
    expectList(elementwise("arith." + name + " %a, %b : IN", DataType::F64, DataType::F64, {a, b}), expected, name);
}

TEST(Float, unary) {
  struct Case {
    std::string operation;
    List in, expected;
  };
  const Case cases[] = {
      {"arith.negf", {1.5, -2, kInf}, {-1.5, 2, -kInf}},
      {"math.absf", {1.5, -2, -kInf}, {1.5, 2, kInf}},
      {"math.exp", {0, 1, -kInf}, {1, M_E, 0}},
      {"math.exp2", {0, 10, -1, -kInf}, {1, 1024, 0.5, 0}},
      {"math.log", {1, M_E, 0}, {0, 1, -kInf}},
      {"math.log2", {8, 0.25, -1}, {3, -2, kNan}},
      {"math.sqrt", {9, 2, -1}, {3, M_SQRT2, kNan}},
      {"math.rsqrt", {4, 0.25, 0}, {0.5, 2, kInf}},
      {"math.tanh", {0, kInf, -kInf}, {0, 1, -1}},
      {"math.floor", {1.5, -1.5}, {1, -2}},
      {"math.ceil", {1.5, -1.5}, {2, -1}},
      {"math.trunc", {1.5, -1.5}, {1, -1}},
      {"math.roundeven", {2.5, 3.5, -0.5}, {2, 4, 0}},
      {"math.sin", {0, M_PI / 2}, {0, 1}},
      {"math.cos", {0, M_PI}, {1, -1}},
      {"math.erf", {0, kInf}, {0, 1}},
  };
  for (const Case &c : cases)
    expectList(elementwise(c.operation + " %a : IN", DataType::F64, DataType::F64, {c.in}), c.expected, c.operation,
               std::isinf(c.expected.back()) ? 0 : 1e-15);
}

TEST(Float, threeOperandsAndPowers) {
  expectList(elementwise("math.fma %a, %b, %c : IN", DataType::F64, DataType::F64, {{2, 3}, {4, 5}, {1, -15}}), {9, 0},
             "fma");
  expectList(elementwise("math.powf %a, %b : IN", DataType::F64, DataType::F64, {{2, 9}, {10, 0.5}}), {1024, 3},
             "powf");
  expectList(elementwise("math.copysign %a, %b : IN", DataType::F64, DataType::F64, {{2, -9}, {-1, 1}}), {-2, 9},
             "copysign");
}

TEST(Float, everyComparison) {
  List a = {1, 2, 2, kNan}, b = {2, 2, 1, 0}; // less, equal, greater, unordered
  std::pair<std::string, List> cases[] = {
      {"false", {0, 0, 0, 0}}, {"oeq", {0, 1, 0, 0}}, {"ogt", {0, 0, 1, 0}}, {"oge", {0, 1, 1, 0}},
      {"olt", {1, 0, 0, 0}},   {"ole", {1, 1, 0, 0}}, {"one", {1, 0, 1, 0}}, {"ord", {1, 1, 1, 0}},
      {"ueq", {0, 1, 0, 1}},   {"ugt", {0, 0, 1, 1}}, {"uge", {0, 1, 1, 1}}, {"ult", {1, 0, 0, 1}},
      {"ule", {1, 1, 0, 1}},   {"une", {1, 0, 1, 1}}, {"uno", {0, 0, 0, 1}}, {"true", {1, 1, 1, 1}},
  };
  for (const auto &[name, expected] : cases)
    expectList(elementwise("arith.cmpf " + name + ", %a, %b : IN", DataType::F64, DataType::Bool, {a, b}), expected,
               name);
}

TEST(Float, narrowArithmeticIsRounded) {
  // 1 + 2^-11 is half way between 1 and the next f16, 1 + 2^-10: ties go to even. 1 + 3 * 2^-11 goes up.
  expectList(elementwise("arith.addf %a, %b : IN", DataType::F16, DataType::F16, {{1, 1}, {0x1p-11, 0x3p-11}}),
             {1, 1 + 0x1p-9}, "f16");
  expectList(elementwise("arith.mulf %a, %b : IN", DataType::BF16, DataType::BF16, {{1.0078125, 3}, {1.0078125, 0.5}}),
             {1.015625, 1.5}, "bf16");
  expectList(elementwise("arith.mulf %a, %b : IN", DataType::F16, DataType::F16, {{60000}, {2}}), {kInf}, "overflow");
}

TEST(Float, arithmeticOfF32KeepsDoublePrecision) {
  // (1 + 2^-30) - 1 would be 0 in f32.
  Array a(DataType::F32, {1}, {1}), b(DataType::F32, {1}, {0x1p-30}), out(DataType::F32, {1});
  EXPECT_EQ(runKernel(R"(
    func.func @k(%va: !tile.view<?xf32>, %vb: !tile.view<?xf32>, %o: !tile.view<?xf32, out>) {
      %zero = arith.constant 0 : i32
      %a = tile.load %va[%zero] dims [] : !tile.view<?xf32> -> f32
      %b = tile.load %vb[%zero] dims [] : !tile.view<?xf32> -> f32
      %sum = arith.addf %a, %b : f32
      %difference = arith.subf %sum, %a : f32
      tile.store %difference, %o[%zero] dims [] : f32, !tile.view<?xf32, out>
      return
    })",
                      {1, 1, 1}, {a.view(), b.view(), out.view()}),
            "");
  EXPECT_EQ(out.get(0), 0x1p-30);
}

} // namespace
