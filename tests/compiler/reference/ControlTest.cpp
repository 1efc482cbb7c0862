//===- ControlTest.cpp - Control flow and errors of the interpreter -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loops, branches, the bound on work, what is refused and how it is told, and a whole attention kernel
// against plain loops.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/reference/Interpret.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace imbrex;
using namespace imbrex::test;

namespace {

using List = std::vector<double>;

/// Runs `body`, which defines %r : i32 from the i32 argument %n.
double run(const std::string &body, int64_t n) {
  Array out(DataType::I32, {1});
  EXPECT_EQ(runKernel("func.func @k(%o: !tile.view<?xi32, out>, %n: i32) {\n%zero = arith.constant 0 : i32\n"
                      "%one = arith.constant 1 : i32\n%two = arith.constant 2 : i32\n" +
                          body + "\ntile.store %r, %o[%zero] dims [] : i32, !tile.view<?xi32, out>\nreturn\n}",
                      {1, 1, 1}, {out.view(), n}),
            "");
  return out.get(0);
}

const std::string kSum = R"(
  %r = scf.for %i = %zero to %n step %two iter_args(%s = %zero) -> (i32) : i32 {
    %t = arith.addi %s, %i : i32
    scf.yield %t : i32
  })";

TEST(Control, forCarriesValues) {
  EXPECT_EQ(run(kSum, 7), 0 + 2 + 4 + 6);
  EXPECT_EQ(run(kSum, 0), 0);
  EXPECT_EQ(run(kSum, -5), 0);
}

TEST(Control, forSwapsCarriedValuesAtOnce) {
  // Fibonacci: both carried values change together.
  EXPECT_EQ(run(R"(
    %r, %next = scf.for %i = %zero to %n step %one iter_args(%a = %zero, %b = %one) -> (i32, i32) : i32 {
      %c = arith.addi %a, %b : i32
      scf.yield %b, %c : i32, i32
    })",
                10),
            55);
}

TEST(Control, ifTakesOneSide) {
  const std::string text = R"(
    %odd = arith.remsi %n, %two : i32
    %c = arith.cmpi ne, %odd, %zero : i32
    %r = scf.if %c -> (i32) {
      scf.yield %one : i32
    } else {
      %x = arith.divsi %one, %odd : i32
      %y = arith.constant 5 : i32
      scf.yield %y : i32
    })";
  EXPECT_EQ(run(text, 3), 1); // the division by zero is on the other side
}

TEST(Control, ifWithoutElse) {
  Array out(DataType::I32, {1});
  for (int64_t flag : {0, 1}) {
    out.set(0, 9);
    EXPECT_EQ(runKernel(R"(
      func.func @k(%o: !tile.view<?xi32, out>, %c: i1) {
        %zero = arith.constant 0 : i32
        scf.if %c {
          tile.store %zero, %o[%zero] dims [] : i32, !tile.view<?xi32, out>
        }
        return
      })",
                        {1, 1, 1}, {out.view(), flag}),
              "");
    EXPECT_EQ(out.get(0), flag ? 0 : 9);
  }
}

const std::string kCollatz = R"(
  %last, %r = scf.while (%x = %n, %steps = %zero) : (i32, i32) -> (i32, i32) {
    %go = arith.cmpi sgt, %x, %one : i32
    scf.condition(%go) %x, %steps : i32, i32
  } do {
  ^bb0(%x: i32, %steps: i32):
    %bit = arith.remsi %x, %two : i32
    %odd = arith.cmpi ne, %bit, %zero : i32
    %half = arith.divsi %x, %two : i32
    %three = arith.constant 3 : i32
    %triple = arith.muli %x, %three : i32
    %up = arith.addi %triple, %one : i32
    %next = arith.select %odd, %up, %half : i32
    %count = arith.addi %steps, %one : i32
    scf.yield %next, %count : i32, i32
  })";

TEST(Control, whileRunsUntilItsConditionFails) {
  EXPECT_EQ(run(kCollatz, 27), 111);
  EXPECT_EQ(run(kCollatz, 1), 0);
}

//===--- Errors -----------------------------------------------------------------===//

TEST(Errors, endlessLoopsStop) {
  std::string error = runKernel(R"(
    func.func @k() {
      %t = arith.constant true
      scf.while : () -> () {
        scf.condition(%t)
      } do {
        scf.yield
      }
      return
    })",
                                {1, 1, 1}, {}, {1000});
  EXPECT_NE(error.find("kernel.mlir:4:7: 'scf.while': more work than allowed"), std::string::npos) << error;
}

TEST(Errors, workCountsElements) {
  const std::string text = "func.func @k() {\n%r = tile.iota : tensor<4096xi32>\nreturn\n}";
  EXPECT_EQ(runKernel(text, {1, 1, 1}, {}, {5000}), "");
  EXPECT_NE(runKernel(text, {1, 1, 1}, {}, {4000}), "");
  EXPECT_NE(runKernel(text, {2, 1, 1}, {}, {5000}), ""); // the bound is for the whole grid
}

TEST(Errors, workCountsProducts) {
  const std::string text = "func.func @k() {\n%a = arith.constant dense<1.0> : tensor<16x16xf32>\n"
                           "%r = tile.dot %a, %a, %a : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>\n"
                           "return\n}";
  EXPECT_EQ(runKernel(text, {1, 1, 1}, {}, {4500}), "");
  EXPECT_NE(runKernel(text, {1, 1, 1}, {}, {4000}), ""); // 16 * 16 * 16 products
}

TEST(Errors, unknownOperationsAndTypesAreNamed) {
  EXPECT_EQ(runKernel("func.func @k() {\n  \"who.knows\"() : () -> ()\n  return\n}", {1, 1, 1}, {}),
            "kernel.mlir:2:3: 'who.knows': the interpreter does not know this operation");
  EXPECT_EQ(runKernel("func.func @k() {\n  %c = arith.constant 1.0 : f80\n  return\n}", {1, 1, 1}, {}),
            "kernel.mlir:2:8: 'arith.constant': no values of type f80");
  EXPECT_EQ(runKernel("func.func @k() {\n  %c = arith.constant 1 : i128\n  return\n}", {1, 1, 1}, {}),
            "kernel.mlir:2:8: 'arith.constant': no values of type i128");
  EXPECT_NE(runKernel("func.func @k() {\n%c = tile.iota : tensor<1000000000xi32>\nreturn\n}", {1, 1, 1}, {}), "");
}

TEST(Errors, stepsThatGoNowhere) {
  std::string error = runKernel(R"(
    func.func @k(%n: i32) {
      scf.for %i = %n to %n step %n : i32 {
      }
      return
    })",
                                {1, 1, 1}, {int64_t(0)});
  EXPECT_NE(error.find("the step is not positive"), std::string::npos) << error;
}

TEST(Errors, argumentsMustFitTheirParameters) {
  const std::string text = "func.func @k(%v: !tile.view<?x4xf32>, %x: f32, %n: i32) {\nreturn\n}";
  Array good(DataType::F32, {2, 4}), otherType(DataType::F16, {2, 4}), otherExtent(DataType::F32, {4, 2}),
      otherRank(DataType::F32, {4});
  auto error = [&](std::vector<reference::Argument> arguments) { return runKernel(text, {1, 1, 1}, arguments); };
  EXPECT_EQ(error({good.view(), 1.0, int64_t(1)}), "");
  EXPECT_NE(error({good.view(), 1.0}).find("has 3 parameters, not 2"), std::string::npos);
  EXPECT_NE(error({otherType.view(), 1.0, int64_t(1)}).find("argument 0: the view's element type"), std::string::npos);
  EXPECT_NE(error({otherExtent.view(), 1.0, int64_t(1)}).find("extent 2 of dimension 1"), std::string::npos);
  EXPECT_NE(error({otherRank.view(), 1.0, int64_t(1)}).find("has rank 2"), std::string::npos);
  EXPECT_NE(error({1.0, 1.0, int64_t(1)}).find("argument 0: the parameter is a view"), std::string::npos);
  EXPECT_NE(error({good.view(), int64_t(1), int64_t(1)}).find("argument 1: the parameter is a float"),
            std::string::npos);
  EXPECT_NE(error({good.view(), 1.0, good.view()}).find("argument 2: the parameter is an integer"), std::string::npos);
  EXPECT_NE(runKernel(text, {-1, 1, 1}, {good.view(), 1.0, int64_t(1)}), "");
}

//===--- A whole kernel -----------------------------------------------------------===//

/// One head, queries in tiles of 16, keys in tiles of 8, online softmax, causal mask.
const char *kAttention = R"(
func.func @attention(%Q: !tile.view<?x16xbf16>, %K: !tile.view<?x16xbf16>, %V: !tile.view<?x16xbf16>,
                     %O: !tile.view<?x16xf32, out>, %scale: f32)
                     attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %zero = arith.constant 0 : i32
  %bn = arith.constant 8 : i32
  %bm = arith.constant 16 : i32
  %pid = tile.program_id 0
  %row = arith.muli %pid, %bm : i32
  %n = tile.extent %K, 0 : !tile.view<?x16xbf16>
  %q = tile.load %Q[%row, %zero] dims [0, 1] : !tile.view<?x16xbf16> -> tensor<16x16xbf16>
  %minus = arith.constant dense<0xFF800000> : tensor<16xf32>
  %none = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  %s0 = arith.constant dense<0.0> : tensor<16x8xf32>
  %hidden = arith.constant dense<0xFF800000> : tensor<16x8xf32>
  %scales = tile.splat %scale : f32 -> tensor<16x8xf32>
  %m1, %l1, %acc1 = scf.for %j = %zero to %n step %bn iter_args(%m = %minus, %l = %none, %acc = %acc0)
      -> (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) : i32 {
    %k = tile.load %K[%j, %zero] dims [0, 1] : !tile.view<?x16xbf16> -> tensor<8x16xbf16>
    %kt = tile.transpose %k : tensor<8x16xbf16> -> tensor<16x8xbf16>
    %qk = tile.dot %q, %kt, %s0 : tensor<16x16xbf16>, tensor<16x8xbf16>, tensor<16x8xf32>
    %scaled = arith.mulf %qk, %scales : tensor<16x8xf32>
    %iq = tile.iota : tensor<16xi32>
    %iq0 = tile.splat %row : i32 -> tensor<16xi32>
    %iq1 = arith.addi %iq, %iq0 : tensor<16xi32>
    %iq2 = tile.expand_dims %iq1 at 1 : tensor<16xi32> -> tensor<16x1xi32>
    %iq3 = tile.broadcast %iq2 : tensor<16x1xi32> -> tensor<16x8xi32>
    %ik = tile.iota : tensor<8xi32>
    %ik0 = tile.splat %j : i32 -> tensor<8xi32>
    %ik1 = arith.addi %ik, %ik0 : tensor<8xi32>
    %ik2 = tile.expand_dims %ik1 at 0 : tensor<8xi32> -> tensor<1x8xi32>
    %ik3 = tile.broadcast %ik2 : tensor<1x8xi32> -> tensor<16x8xi32>
    %mask = arith.cmpi sle, %ik3, %iq3 : tensor<16x8xi32>
    tile.visible %mask : tensor<16x8xi1>
    %s = arith.select %mask, %scaled, %hidden : tensor<16x8xi1>, tensor<16x8xf32>
    %sm = tile.reduce max %s along 1 : tensor<16x8xf32> -> tensor<16xf32>
    %mn = arith.maxnumf %m, %sm : tensor<16xf32>
    %mn1 = tile.expand_dims %mn at 1 : tensor<16xf32> -> tensor<16x1xf32>
    %mn2 = tile.broadcast %mn1 : tensor<16x1xf32> -> tensor<16x8xf32>
    %d = arith.subf %s, %mn2 : tensor<16x8xf32>
    %p = math.exp %d : tensor<16x8xf32>
    %dm = arith.subf %m, %mn : tensor<16xf32>
    %a = math.exp %dm : tensor<16xf32>
    %la = arith.mulf %l, %a : tensor<16xf32>
    %ps = tile.reduce sum %p along 1 : tensor<16x8xf32> -> tensor<16xf32>
    %ln = arith.addf %la, %ps : tensor<16xf32>
    %a1 = tile.expand_dims %a at 1 : tensor<16xf32> -> tensor<16x1xf32>
    %a2 = tile.broadcast %a1 : tensor<16x1xf32> -> tensor<16x16xf32>
    %acca = arith.mulf %acc, %a2 : tensor<16x16xf32>
    %v = tile.load %V[%j, %zero] dims [0, 1] : !tile.view<?x16xbf16> -> tensor<8x16xbf16>
    %pb = arith.truncf %p : tensor<16x8xf32> to tensor<16x8xbf16>
    %accn = tile.dot %pb, %v, %acca : tensor<16x8xbf16>, tensor<8x16xbf16>, tensor<16x16xf32>
    scf.yield %mn, %ln, %accn : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  }
  %l2 = tile.expand_dims %l1 at 1 : tensor<16xf32> -> tensor<16x1xf32>
  %l3 = tile.broadcast %l2 : tensor<16x1xf32> -> tensor<16x16xf32>
  %o = arith.divf %acc1, %l3 : tensor<16x16xf32>
  tile.store %o, %O[%row, %zero] dims [0, 1] : tensor<16x16xf32>, !tile.view<?x16xf32, out>
  return
})";

TEST(Kernel, attentionIsWhatPlainLoopsSay) {
  constexpr int rows = 37, depth = 16;
  constexpr double scale = 0.25;
  Array q(DataType::BF16, {rows, depth}), k(DataType::BF16, {rows, depth}), v(DataType::BF16, {rows, depth}),
      o(DataType::F32, {rows, depth});
  std::mt19937 random(1);
  for (Array *array : {&q, &k, &v})
    for (int i = 0; i < rows * depth; ++i)
      array->set(i, int(random() % 65 - 32) / 16.0);
  ASSERT_EQ(runKernel(kAttention, {(rows + 15) / 16, 1, 1}, {q.view(), k.view(), v.view(), o.view(), scale}), "");
  for (int row = 0; row < rows; ++row) {
    List weights;
    double sum = 0;
    for (int key = 0; key <= row; ++key) {
      double score = 0;
      for (int d = 0; d < depth; ++d)
        score += q.get(row * depth + d) * k.get(key * depth + d);
      weights.push_back(std::exp(score * scale));
      sum += weights.back();
    }
    for (int d = 0; d < depth; ++d) {
      double expected = 0;
      for (int key = 0; key <= row; ++key)
        expected += weights[key] / sum * v.get(key * depth + d);
      // P is rounded to bf16 before the second product: a relative error of 2^-8 on values below 2.
      ASSERT_NEAR(o.get(row * depth + d), expected, 2 * 0x1p-8) << row << "," << d;
    }
  }
}

} // namespace
