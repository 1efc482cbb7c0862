//===- PromiseTest.cpp - tile.visible as the interpreter executes it ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loop over columns that adds what the mask shows to a row's sum. What is added where the mask is false,
// what is loaded there and what is stored there vary; kept promises pass, broken ones are told.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/reference/Interpret.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;

namespace {

/// O[row] = sum over columns k <= row of X[k], columns in tiles of 4; `hidden` is what a column counts that the mask
/// hides, `body` is put behind the promise.
std::string kernel(const std::string &hidden, const std::string &body = "") {
  return R"(
func.func @k(%X: !tile.view<?xf32> {tile.name = "X"}, %O: !tile.view<?xf32, out> {tile.name = "O"},
             %C: !tile.view<?xi32, out> {tile.name = "C"}) {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %four = arith.constant 4 : i32
  %none = arith.constant dense<0.0> : tensor<4xf32>
  %hidden = arith.constant dense<)" +
         hidden + R"(> : tensor<4x4xf32>
  %pid = tile.program_id 0
  %first = arith.muli %pid, %four : i32
  %n = tile.extent %X, 0 : !tile.view<?xf32>
  %steps = arith.ceildivsi %n, %four : i32
  %iota = tile.iota : tensor<4xi32>
  %r0 = tile.expand_dims %iota at 1 : tensor<4xi32> -> tensor<4x1xi32>
  %r1 = tile.broadcast %r0 : tensor<4x1xi32> -> tensor<4x4xi32>
  %r2 = tile.splat %first : i32 -> tensor<4x4xi32>
  %row = arith.addi %r1, %r2 overflow<nsw> : tensor<4x4xi32>
  %sum, %count = scf.for %j = %zero to %steps step %one
      iter_args(%s = %none, %c = %zero) -> (tensor<4xf32>, i32) : i32 {
    %start = arith.muli %j, %four overflow<nsw> : i32
    %c0 = tile.expand_dims %iota at 0 : tensor<4xi32> -> tensor<1x4xi32>
    %c1 = tile.broadcast %c0 : tensor<1x4xi32> -> tensor<4x4xi32>
    %c2 = tile.splat %start : i32 -> tensor<4x4xi32>
    %col = arith.addi %c1, %c2 overflow<nsw> : tensor<4x4xi32>
    %mask = arith.cmpi sle, %col, %row : tensor<4x4xi32>
    tile.visible %mask : tensor<4x4xi1>
    %x = tile.load %X[%start] dims [0] : !tile.view<?xf32> -> tensor<4xf32>
    %x1 = tile.expand_dims %x at 0 : tensor<4xf32> -> tensor<1x4xf32>
    %x2 = tile.broadcast %x1 : tensor<1x4xf32> -> tensor<4x4xf32>
    %shown = arith.select %mask, %x2, %hidden : tensor<4x4xi1>, tensor<4x4xf32>
    %zeros = arith.constant dense<0.0> : tensor<4x4xf32>
    %times = arith.mulf %x2, %zeros : tensor<4x4xf32>
    %all = arith.addf %shown, %times : tensor<4x4xf32>
    %part = tile.reduce sum %all along 1 : tensor<4x4xf32> -> tensor<4xf32>
    %next = arith.addf %s, %part : tensor<4xf32>
    %more = arith.addi %c, %one : i32
    )" + body +
         R"(
    scf.yield %next, %more : tensor<4xf32>, i32
  }
  tile.store %sum, %O[%first] dims [0] : tensor<4xf32>, !tile.view<?xf32, out>
  return
})";
}

struct Promise : testing::Test {
  Array x = Array(DataType::F32, {8}, {1, 2, 4, 8, 16, 32, 64, 128});
  Array o = Array(DataType::F32, {8}), c = Array(DataType::I32, {2}, {7, 7});

  std::string run(const std::string &text) { return runKernel(text, {2, 1, 1}, {x.view(), o.view(), c.view()}); }
};

TEST_F(Promise, Kept) {
  EXPECT_EQ(run(kernel("0.0")), "");
  EXPECT_EQ(o.all(), (std::vector<double>{1, 3, 7, 15, 31, 63, 127, 255}));
}

// A whole tile of keys at -1 each: instance 0 leaves the second tile out and is wrong by -4.
TEST_F(Promise, BrokenByWhatIsAdded) {
  std::string error = run(kernel("-1.0"));
  EXPECT_NE(error.find("kernel.mlir:26:5: 'tile.visible': the promise is not kept: the mask is false everywhere in "
                       "iteration 1 of instance [0, 0, 0], but element [0] of 'O' is -2 without such iterations and "
                       "-6 with them (stored at kernel.mlir:"),
            std::string::npos)
      << error;
}

// What lies under the rounding of the result is no change.
TEST_F(Promise, ChangesBelowTheRounding) {
  EXPECT_EQ(run(kernel("1.0e-9")), "");
  EXPECT_NE(run(kernel("1.0e-5")), "");
}

// NaN in the second tile: row 3 and those before it do not see it; instance 1 does.
TEST_F(Promise, HiddenElementsMayHoldAnything) {
  for (double value : {std::nan(""), double(INFINITY)}) {
    x.set(7, value);
    EXPECT_EQ(run(kernel("0.0")), "");
    EXPECT_EQ(o.get(3), 15);
  }
  EXPECT_FALSE(std::isfinite(o.get(7)));
}

/// kernel() with another mask, made of %col and %row.
std::string withMask(const std::string &mask) {
  std::string text = kernel("0.0");
  const std::string old = "%mask = arith.cmpi sle, %col, %row : tensor<4x4xi32>";
  return text.replace(text.find(old), old.size(), mask);
}

// Column 3 is hidden from all of the first tile's rows by k < q: read as zero, though the tile is partly visible. The
// rows of the second tile see it.
TEST_F(Promise, WhatTheBoundsHideOfAPartlyVisibleTileIsZero) {
  x.set(3, NAN);
  EXPECT_EQ(run(withMask("%mask = arith.cmpi slt, %col, %row : tensor<4x4xi32>")), "");
  EXPECT_EQ((std::vector<double>{o.get(0), o.get(1), o.get(2), o.get(3)}), (std::vector<double>{0, 1, 3, 7}));
  for (size_t row : {4, 5, 6, 7})
    EXPECT_TRUE(std::isnan(o.get(row))) << row;
}

// The same column, hidden by a remainder as well: then it is read, and 0 * NaN spoils the tile, as on a device.
TEST_F(Promise, WhatAnotherPartHidesIsRead) {
  x.set(2, NAN);
  EXPECT_EQ(run(withMask("%three = arith.constant dense<3> : tensor<4x4xi32>\n"
                         "%two = arith.constant dense<2> : tensor<4x4xi32>\n"
                         "%rest = arith.remsi %col, %three : tensor<4x4xi32>\n"
                         "%odd = arith.cmpi ne, %rest, %two : tensor<4x4xi32>\n"
                         "%below = arith.cmpi sle, %col, %row : tensor<4x4xi32>\n"
                         "%mask = arith.andi %odd, %below : tensor<4x4xi1>")),
            "");
  for (size_t row = 0; row < 8; ++row)
    EXPECT_TRUE(std::isnan(o.get(row))) << row;
}

// A disjunction's bounds: k < q or k = 0 hides column 3 from the first tile's rows, k < q or k >= 4 does not.
TEST_F(Promise, BoundsOfADisjunction) {
  auto either = [](const std::string &other) {
    return withMask("%k0 = arith.constant dense<0> : tensor<4x4xi32>\n"
                    "%k4 = arith.constant dense<4> : tensor<4x4xi32>\n"
                    "%below = arith.cmpi slt, %col, %row : tensor<4x4xi32>\n"
                    "%other = arith.cmpi " +
                    other + " : tensor<4x4xi32>\n%mask = arith.ori %below, %other : tensor<4x4xi1>");
  };
  x.set(3, NAN);
  EXPECT_EQ(run(either("eq, %col, %k0")), "");
  EXPECT_EQ(o.get(3), 7);
  EXPECT_EQ(run(either("sge, %col, %k4")), "");
  EXPECT_TRUE(std::isnan(o.get(3)));
}

// The same column, hidden by bounds that least, largest and absolute values and choices say.
TEST_F(Promise, BoundsSpelledByFunctions) {
  auto constants =
      "%less = arith.constant dense<-1> : tensor<4x4xi32>\n%nought = arith.constant dense<0> : tensor<4x4xi32>\n"
      "%many = arith.constant dense<100> : tensor<4x4xi32>\n"
      "%below = arith.cmpi slt, %col, %row : tensor<4x4xi32>\n"
      "%ahead = arith.subi %row, %col overflow<nsw> : tensor<4x4xi32>\n";
  auto mask = [&](const std::string &made, const std::string &compared) {
    return withMask(constants + ("%made = " + made + " : tensor<4x4xi32>\n%mask = arith.cmpi ") + compared +
                    " : tensor<4x4xi32>");
  };
  x.set(3, NAN);
  for (const std::string &text :
       {mask("arith.minsi %row, %many", "slt, %col, %made"), mask("arith.maxsi %less, %ahead", "sgt, %made, %nought"),
        mask("arith.select %below, %nought, %less : tensor<4x4xi1>, tensor<4x4xi32>\n"
             "%other = arith.addi %nought, %nought",
             "eq, %made, %nought"),
        mask("arith.select %below, %many, %ahead : tensor<4x4xi1>, tensor<4x4xi32>\n"
             "%other = arith.addi %nought, %nought",
             "sgt, %made, %nought")}) {
    EXPECT_EQ(run(text), "");
    EXPECT_EQ((std::vector<double>{o.get(0), o.get(1), o.get(2), o.get(3)}), (std::vector<double>{0, 1, 3, 7})) << text;
  }
  const std::string near = "math.absi %ahead {tile.exact}", atMost = "sle, %made, %many";
  EXPECT_EQ(run(mask(near, atMost)), ""); // a wide window hides nothing
  EXPECT_TRUE(std::isnan(o.get(3)));
}

// The same column, hidden by comparisons without a sign: the number that is certain stands on either side, and is above
// what has a sign where it has none.
TEST_F(Promise, BoundsWithoutASign) {
  auto mask = [&](const std::string &compared) {
    return withMask("%single = arith.constant dense<1> : tensor<4x4xi32>\n"
                    "%three = arith.constant dense<3> : tensor<4x4xi32>\n"
                    "%most = arith.constant dense<-1> : tensor<4x4xi32>\n"
                    "%nought = arith.constant dense<0> : tensor<4x4xi32>\n"
                    "%below = arith.cmpi slt, %col, %row : tensor<4x4xi32>\n"
                    "%made = arith.select %below, %most, %single : tensor<4x4xi1>, tensor<4x4xi32>\n"
                    "%turned = arith.select %below, %single, %most : tensor<4x4xi1>, tensor<4x4xi32>\n"
                    "%truth = arith.extui %below : tensor<4x4xi1> to tensor<4x4xi32>\n"
                    "%mask = arith.cmpi " +
                    compared + " : tensor<4x4xi32>");
  };
  x.set(3, NAN);
  for (const char *compared :
       {"ugt, %made, %three", "ult, %three, %made", "uge, %made, %three", "ule, %three, %made", "ult, %turned, %three",
        "ugt, %three, %turned", "ule, %turned, %three", "uge, %three, %turned", "ult, %nought, %truth",
        "ule, %single, %truth", "ugt, %truth, %nought", "uge, %truth, %single"}) {
    EXPECT_EQ(run(mask(compared)), "") << compared;
    EXPECT_EQ((std::vector<double>{o.get(0), o.get(1), o.get(2), o.get(3)}), (std::vector<double>{0, 1, 3, 7}))
        << compared;
  }
}

// A conjunct that counts columns by two bounds nothing, and takes nothing from the others.
TEST_F(Promise, WhatCountsColumnsByTwoIsNoBound) {
  x.set(3, NAN);
  EXPECT_EQ(run(withMask("%two = arith.constant dense<2> : tensor<4x4xi32>\n"
                         "%many = arith.constant dense<100> : tensor<4x4xi32>\n"
                         "%twice = arith.muli %col, %two overflow<nsw> : tensor<4x4xi32>\n"
                         "%few = arith.cmpi sle, %twice, %many : tensor<4x4xi32>\n"
                         "%below = arith.cmpi slt, %col, %row : tensor<4x4xi32>\n"
                         "%mask = arith.andi %few, %below : tensor<4x4xi1>")),
            "");
  EXPECT_EQ(o.get(3), 7);
}

/// The bounds of the errors of O.
std::vector<double> errorsOf(const std::string &text, Array &x, Array &o, Array &c) {
  std::vector<double> errors;
  reference::ViewData view = o.view();
  view.errors = &errors;
  EXPECT_EQ(runKernel(text, {2, 1, 1}, {x.view(), view, c.view()}), "");
  return errors;
}

// An iteration that is hidden, but not by bounds: a device may run it, and meet the NaN. What is finite has its bound.
TEST_F(Promise, HiddenIterationsWithoutBoundsLeaveNanOpen) {
  const std::string blocks = withMask("%fours = arith.constant dense<4> : tensor<4x4xi32>\n"
                                      "%tile = arith.divsi %col, %fours : tensor<4x4xi32>\n"
                                      "%mine = arith.divsi %row, %fours : tensor<4x4xi32>\n"
                                      "%mask = arith.cmpi eq, %tile, %mine : tensor<4x4xi32>");
  for (double error : errorsOf(blocks, x, o, c))
    EXPECT_LT(error, 1e-3);
  x.set(6, INFINITY);
  std::vector<double> errors = errorsOf(blocks, x, o, c);
  EXPECT_EQ(o.get(3), 15);
  for (size_t row = 0; row < 4; ++row)
    EXPECT_EQ(errors[row], INFINITY) << row;
  errors = errorsOf(kernel("0.0"), x, o, c); // bounds hide it from the first tile; the second one sees it
  for (size_t row = 0; row < 4; ++row)
    EXPECT_LT(errors[row], 1e-3) << row;
}

// A variable that only counts iterations is changed by each, but is not stored.
TEST_F(Promise, OnlyWhatIsStoredCounts) {
  EXPECT_EQ(run(kernel("0.0")), "");
  std::string stores = kernel("0.0");
  stores.insert(stores.rfind("return"), "tile.store %count, %C[%pid] dims [] : i32, !tile.view<?xi32, out>\n");
  std::string error = run(stores);
  EXPECT_NE(error.find("element [0] of 'C' is 1 without such iterations and 2 with them"), std::string::npos) << error;
}

// Stored in the iteration itself; the view held the same number before.
TEST_F(Promise, AStoreInAHiddenIteration) {
  std::string error =
      run(kernel("0.0", "%seven = arith.constant 7 : i32\n%odd = arith.cmpi eq, %j, %one : i32\nscf.if %odd {\n"
                        "tile.store %seven, %C[%pid] dims [] : i32, !tile.view<?xi32, out>\n}"));
  EXPECT_NE(error.find("iteration 1 of instance [0, 0, 0], but element [0] of 'C' is not stored without such "
                       "iterations and 7 with them"),
            std::string::npos)
      << error;
}

// After a broken promise is told, and after a kept one, memory holds what the promise says.
TEST_F(Promise, MemoryIsOfTheRunWithThePromise) {
  run(kernel("-1.0"));
  EXPECT_EQ(o.get(0), 1 - 3);
}

} // namespace
