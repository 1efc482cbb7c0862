//===- ErrorBoundsTest.cpp - Bounds that follow from magnitudes -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bound of a sum is that of its terms, of a function that of its argument; what is exact has none but
// the rounding of memory. Bounds are compared with the sizes that theory gives, within a small factor.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/reference/Interpret.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;

namespace {

/// The bound of the one f32 that `body` makes as %r : tensor<1xf32> from %x : tensor<4xf32>.
double bound(const std::string &body, const std::vector<double> &x) {
  Array in(DataType::F32, {4}, x), out(DataType::F32, {1});
  std::vector<double> errors;
  reference::ViewData view = out.view();
  view.errors = &errors;
  EXPECT_EQ(runKernel("func.func @k(%X: !tile.view<?xf32>, %O: !tile.view<?xf32, out>) {\n"
                      "%zero = arith.constant 0 : i32\n"
                      "%x = tile.load %X[%zero] dims [0] : !tile.view<?xf32> -> tensor<4xf32>\n"
                      "%x2 = tile.expand_dims %x at 0 : tensor<4xf32> -> tensor<1x4xf32>\n" +
                          body +
                          "\ntile.store %r, %O[%zero] dims [0] : tensor<1xf32>, !tile.view<?xf32, out>\nreturn\n}",
                      {1, 1, 1}, {in.view(), view}),
            "");
  EXPECT_EQ(errors.size(), 1u);
  return errors.empty() ? -1 : errors[0];
}

void expectNear(double actual, double expected) {
  EXPECT_GE(actual, expected);
  EXPECT_LE(actual, 8 * expected);
}

const std::string kSum = "%r = tile.reduce sum %x2 along 1 : tensor<1x4xf32> -> tensor<1xf32>";
constexpr double kUnit = 0x1p-24;

TEST(ErrorBounds, SumsThatCancelHaveTheErrorOfTheirTerms) {
  expectNear(bound(kSum, {1e6, -1e6, 3e5, -3e5}), 2.6e6 * kUnit);
  expectNear(bound(kSum, {1, 2, 3, 4}), 10 * kUnit);
  EXPECT_LT(bound(kSum, {0, 0, 0, 0}), 1e-36);
}

// Other instances may add first: no order of the terms is off by more, whatever they cancel to.
TEST(ErrorBounds, SumsInMemory) {
  Array in(DataType::F32, {4}, {1e6, 1, -1e6, 3}), out(DataType::F32, {1}, {5});
  std::vector<double> errors;
  reference::ViewData view = out.view();
  view.errors = &errors;
  EXPECT_EQ(runKernel("func.func @k(%X: !tile.view<?xf32>, %C: !tile.view<?xf32, var>) {\n"
                      "%zero = arith.constant 0 : i32\n%i = tile.program_id 0\n"
                      "%x = tile.load %X[%i] dims [] : !tile.view<?xf32> -> f32\n"
                      "tile.store %x, %C[%zero] dims [] adds : f32, !tile.view<?xf32, var>\nreturn\n}",
                      {4, 1, 1}, {in.view(), view}),
            "");
  EXPECT_EQ(out.get(0), 9);
  ASSERT_EQ(errors.size(), 1u);
  expectNear(errors[0], 2e6 * kUnit);
}

// What an instance stored it loads with the error that it was stored with.
TEST(ErrorBounds, WhatIsLoadedAgain) {
  Array in(DataType::F32, {4}, {1e6, -1e6, 3e5, -3e5}), out(DataType::F32, {2});
  std::vector<double> errors;
  reference::ViewData view = out.view();
  view.errors = &errors;
  EXPECT_EQ(runKernel("func.func @k(%X: !tile.view<?xf32>, %C: !tile.view<?xf32, var>) {\n"
                      "%zero = arith.constant 0 : i32\n%one = arith.constant 1 : i32\n"
                      "%x = tile.load %X[%zero] dims [0] : !tile.view<?xf32> -> tensor<4xf32>\n"
                      "%x2 = tile.expand_dims %x at 0 : tensor<4xf32> -> tensor<1x4xf32>\n" +
                          kSum +
                          "\ntile.store %r, %C[%zero] dims [0] : tensor<1xf32>, !tile.view<?xf32, var>\n"
                          "%y = tile.load %C[%zero] dims [0] : !tile.view<?xf32, var> -> tensor<1xf32>\n"
                          "tile.store %y, %C[%one] dims [0] : tensor<1xf32>, !tile.view<?xf32, var>\nreturn\n}",
                      {1, 1, 1}, {in.view(), view}),
            "");
  ASSERT_EQ(errors.size(), 2u);
  expectNear(errors[1], 2.6e6 * kUnit);
}

// The moves of samples are below the distance of neighbours in f64, and count all the same: a device may round the sum
// of a product once.
TEST(ErrorBounds, SamplesOfF64) {
  constexpr unsigned kElements = 64;
  std::vector<double> x;
  for (unsigned i = 0; i < kElements; ++i)
    x.push_back(-1 + i * 0x1.3p-14);
  Array in(DataType::F64, {kElements}, x), out(DataType::F64, {kElements});
  std::vector<double> errors;
  reference::ViewData view = out.view();
  view.errors = &errors;
  EXPECT_EQ(runKernel("func.func @k(%X: !tile.view<?xf64>, %O: !tile.view<?xf64, out>) {\n"
                      "%zero = arith.constant 0 : i32\n"
                      "%x = tile.load %X[%zero] dims [0] : !tile.view<?xf64> -> tensor<64xf64>\n"
                      "%p = arith.mulf %x, %x : tensor<64xf64>\n%r = arith.addf %x, %p : tensor<64xf64>\n"
                      "tile.store %r, %O[%zero] dims [0] : tensor<64xf64>, !tile.view<?xf64, out>\nreturn\n}",
                      {1, 1, 1}, {in.view(), view}),
            "");
  ASSERT_EQ(errors.size(), kElements);
  for (unsigned i = 1; i < kElements; ++i)
    EXPECT_GE(2 * errors[i], std::fabs(std::fma(x[i], x[i], x[i]) - out.get(i))) << i;
}

// What equal terms are rounded by goes one way, in a sum and from one iteration to the next: whoever adds 256 of them
// one after the other is within what --check allows, twice the bound.
TEST(ErrorBounds, SamplesOfEqualTerms) {
  constexpr unsigned kRows = 64, kTerms = 256, kOfTile = 16;
  std::vector<double> x;
  for (unsigned i = 0; i < kRows * kTerms; ++i)
    x.push_back(float(0.3 + double(i / kTerms) * 0.0173));
  Array in(DataType::F32, {kRows, kTerms}, x);
  auto errorsOf = [&](unsigned ofTile, Array &out) {
    std::vector<double> errors;
    reference::ViewData view = out.view();
    view.errors = &errors;
    std::string tile = "tensor<64x" + std::to_string(ofTile) + "xf32>";
    EXPECT_EQ(
        runKernel("func.func @k(%X: !tile.view<?x?xf32>, %O: !tile.view<?xf32, out>) {\n"
                  "%zero = arith.constant 0 : i32\n%step = arith.constant " +
                      std::to_string(ofTile) +
                      " : i32\n%end = arith.constant 256 : i32\n"
                      "%start = arith.constant dense<0.0> : tensor<64xf32>\n"
                      "%r = scf.for %i = %zero to %end step %step iter_args(%sum = %start) -> tensor<64xf32> : i32 {\n"
                      "%x = tile.load %X[%zero, %i] dims [0, 1] : !tile.view<?x?xf32> -> " +
                      tile + "\n%part = tile.reduce sum %x along 1 : " + tile +
                      " -> tensor<64xf32>\n%next = arith.addf %sum, %part : tensor<64xf32>\n"
                      "scf.yield %next : tensor<64xf32>\n}\n"
                      "tile.store %r, %O[%zero] dims [0] : tensor<64xf32>, !tile.view<?xf32, out>\nreturn\n}",
                  {1, 1, 1}, {in.view(), view}),
        "");
    EXPECT_EQ(errors.size(), kRows);
    return errors;
  };
  for (unsigned ofTile : {kTerms, kOfTile}) {
    Array out(DataType::F32, {kRows});
    std::vector<double> errors = errorsOf(ofTile, out);
    for (unsigned row = 0; row < errors.size(); ++row) {
      float sum = 0;
      for (unsigned first = 0; first < kTerms; first += ofTile) {
        float part = 0;
        for (unsigned k = 0; k < ofTile; ++k)
          part += float(x[row * kTerms]);
        sum += part;
      }
      EXPECT_GE(2 * errors[row], std::fabs(sum - out.get(row))) << row << " by " << ofTile;
    }
  }
}

TEST(ErrorBounds, ProductsOfTiles) {
  const std::string text = "%xt = tile.transpose %x2 : tensor<1x4xf32> -> tensor<4x1xf32>\n"
                           "%c = arith.constant dense<0.0> : tensor<1x1xf32>\n"
                           "%d = tile.dot %x2, %xt, %c : tensor<1x4xf32>, tensor<4x1xf32>, tensor<1x1xf32>\n"
                           "%r = tile.reduce sum %d along 0 : tensor<1x1xf32> -> tensor<1xf32>";
  expectNear(bound(text, {100, 0, 0, 0}), 4 * 10000 * kUnit);
}

// Loaded (and gathered) factors are rounded alike by all: only the sum is off. One that is computed may be rounded
// another way, and one that has an error by a whole unit.
TEST(ErrorBounds, FactorsRoundedToTf32) {
  const std::string head = "%xt = tile.transpose %x2 : tensor<1x4xf32> -> tensor<4x1xf32>\n"
                           "%c = arith.constant dense<0.0> : tensor<1x1xf32>\n";
  const std::string tail = "%r = tile.reduce sum %d along 0 : tensor<1x1xf32> -> tensor<1xf32>";
  auto dot = [&](const std::string &left, const std::string &mode) {
    return "%d = tile.dot " + left + ", %xt, %c mode " + mode +
           " : tensor<1x4xf32>, tensor<4x1xf32>, tensor<1x1xf32>\n";
  };
  const std::string scaled =
      "%k = arith.constant dense<3.0> : tensor<1x4xf32>\n%y = arith.divf %x2, %k : tensor<1x4xf32>\n";
  expectNear(bound(head + dot("%x2", "tf32") + tail, {100.03, 0, 0, 0}), 4 * 2 * 10000 * kUnit);
  expectNear(bound(head + dot("%x2", "tf32x3") + tail, {100.03, 0, 0, 0}), 8 * 2 * 10000 * kUnit);
  const std::string gathered = "%i = arith.constant dense<[[0, 2, 1, 3]]> : tensor<1x4xi32>\n"
                               "%y = tile.gather %X[%i] dims [-1, -1] : !tile.view<?xf32>, tensor<1x4xi32>"
                               " -> tensor<1x4xf32>\n";
  expectNear(bound(head + gathered + dot("%y", "tf32") + tail, {100.03, 0, 0, 0}), 4 * 2 * 10000 * kUnit);
  const double half = 3 * (1 + 0x1p-11), ulp = 0x1p-10; // a third of it lies between two numbers of tf32
  EXPECT_GT(bound(head + scaled + dot("%y", "tf32") + tail, {half, 0, 0, 0}), 0.9 * ulp * half);
  expectNear(bound(head + scaled + dot("%y", "tf32") + tail, {3.75, 0, 0, 0}), 0.5 * ulp * 1.25 * 3.75);
  expectNear(bound(head + scaled + dot("%y", "tf32x3") + tail, {3.75, 0, 0, 0}), 4 * 1.25 * 3.75 * 4 * kUnit);
}

// A logit of -6e4 is known to 0.004, and so are the digits of its exponential.
TEST(ErrorBounds, FunctionsCarryTheErrorOfTheirArgument) {
  const std::string text = "%s = tile.reduce sum %x2 along 1 : tensor<1x4xf32> -> tensor<1xf32>\n"
                           "%c = arith.constant dense<60000.0> : tensor<1xf32>\n"
                           "%t = arith.addf %s, %c : tensor<1xf32>\n"
                           "%r = math.exp2 %t : tensor<1xf32>";
  double error = bound(text, {-3e4, -3e4, 0, 0});
  EXPECT_GT(error, 60000 * kUnit * 0.7);
  EXPECT_LT(error, 60000 * kUnit * 8);
}

// What is worse known than it is large need not be negative: its logarithm has a bound, in proportion, but where the
// likely roundings make it negative.
TEST(ErrorBounds, FunctionsThatEndAtZeroHaveABoundBeyondIt) {
  const std::string sum = "%s = tile.reduce sum %x2 along 1 : tensor<1x4xf32> -> tensor<1xf32>\n";
  const std::vector<double> x = {0x1p20, 0x1p-2, -0x1p20, 0}; // known to 0.4 at worst, and is 0.25
  const double error = bound(kSum, x), share = error / 0x1p-2;
  EXPECT_GT(share, 1);
  expectNear(bound(sum + "%r = math.log %s : tensor<1xf32>", x), share);
  expectNear(bound(sum + "%r = math.sqrt %s : tensor<1xf32>", x), share * std::sqrt(0x1p-2) / 2);
  EXPECT_TRUE(std::isinf(bound(sum + "%r = math.log %s : tensor<1xf32>", {0x1p20, 0, -0x1p20, 0})));      // of 0
  EXPECT_TRUE(std::isinf(bound(sum + "%r = math.log %s : tensor<1xf32>", {0x1p20, 0x1p-5, -0x1p20, 0}))); // likely
}

TEST(ErrorBounds, WhatIsExactHasOnlyTheRoundingOfMemory) {
  expectNear(bound("%r = tile.reduce max %x2 along 1 : tensor<1x4xf32> -> tensor<1xf32>", {1, 2, 3, 4}), 4 * kUnit);
  EXPECT_LT(bound("%r = tile.reduce max %x2 along 1 : tensor<1x4xf32> -> tensor<1xf32>", {1, 2, 3, 4}), 5 * kUnit);
}

// A comparison that could go the other way has both its sides as results.
TEST(ErrorBounds, ChoicesThatAreNotSure) {
  auto text = [](const std::string &limit) {
    return "%s = tile.reduce sum %x2 along 1 : tensor<1x4xf32> -> tensor<1xf32>\n%l = arith.constant dense<" + limit +
           "> : tensor<1xf32>\n%c = arith.cmpf ogt, %s, %l : tensor<1xf32>\n"
           "%a = arith.constant dense<5.0> : tensor<1xf32>\n%b = arith.constant dense<7.0> : tensor<1xf32>\n"
           "%r = arith.select %c, %a, %b : tensor<1xi1>, tensor<1xf32>";
  };
  EXPECT_GE(bound(text("10.0"), {1, 2, 3, 4}), 2);
  EXPECT_LT(bound(text("10.1"), {1, 2, 3, 4}), 1e-5);
}

} // namespace
