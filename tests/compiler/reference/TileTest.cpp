//===- TileTest.cpp - Tile and view operations of the interpreter ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each operation of the tile dialect as its description tells it.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/reference/Interpret.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;

namespace {

using List = std::vector<double>;

/// Runs `body`, which defines %r of type `type` (of element type f32 or i32, i1), and returns %r's elements.
List evaluate(const std::string &body, const std::string &shape, DataType element) {
  std::vector<int64_t> extents;
  std::string dims = "[", zeros, questions;
  for (size_t at = 0, d = 0; at < shape.size(); ++d) {
    size_t end = std::min(shape.find('x', at), shape.size());
    extents.push_back(std::strtol(shape.c_str() + at, nullptr, 10));
    dims += (d ? ", " : "") + std::to_string(d);
    zeros += d ? ", %zero" : "%zero";
    questions += "?x";
    at = end + 1;
  }
  std::string spelling = element == DataType::F32 ? "f32" : element == DataType::I32 ? "i32" : "i1";
  std::string view = "!tile.view<" + questions + spelling + ", out>";
  Array out(element, extents);
  EXPECT_EQ(runKernel("func.func @k(%o: " + view + ") {\n%zero = arith.constant 0 : i32\n" + body +
                          "\ntile.store %r, %o[" + zeros + "] dims " + dims + "] : tensor<" + shape + "x" + spelling +
                          ">, " + view + "\nreturn\n}",
                      {1, 1, 1}, {out.view()}),
            "");
  return out.all();
}

const std::string kMatrix = "%m = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>\n";

TEST(Tile, splatAndIota) {
  EXPECT_EQ(
      evaluate("%s = arith.constant 2.5 : f32\n%r = tile.splat %s : f32 -> tensor<2x2xf32>", "2x2", DataType::F32),
      (List{2.5, 2.5, 2.5, 2.5}));
  EXPECT_EQ(evaluate("%r = tile.iota : tensor<4xi32>", "4", DataType::I32), (List{0, 1, 2, 3}));
}

TEST(Tile, expandAndBroadcast) {
  const std::string vector = "%v = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>\n";
  EXPECT_EQ(evaluate(vector + "%e = tile.expand_dims %v at 1 : tensor<2xf32> -> tensor<2x1xf32>\n"
                              "%r = tile.broadcast %e : tensor<2x1xf32> -> tensor<2x3xf32>",
                     "2x3", DataType::F32),
            (List{1, 1, 1, 2, 2, 2}));
  EXPECT_EQ(evaluate(vector + "%e = tile.expand_dims %v at 0 : tensor<2xf32> -> tensor<1x2xf32>\n"
                              "%r = tile.broadcast %e : tensor<1x2xf32> -> tensor<3x2xf32>",
                     "3x2", DataType::F32),
            (List{1, 2, 1, 2, 1, 2}));
  EXPECT_EQ(evaluate("%v = arith.constant dense<[[[1], [2]]]> : tensor<1x2x1xi32>\n"
                     "%r = tile.broadcast %v : tensor<1x2x1xi32> -> tensor<2x2x2xi32>",
                     "2x2x2", DataType::I32),
            (List{1, 1, 2, 2, 1, 1, 2, 2}));
}

TEST(Tile, transpose) {
  EXPECT_EQ(evaluate(kMatrix + "%r = tile.transpose %m : tensor<2x3xf32> -> tensor<3x2xf32>", "3x2", DataType::F32),
            (List{1, 4, 2, 5, 3, 6}));
}

TEST(Tile, dotAddsToItsAccumulator) {
  EXPECT_EQ(evaluate(kMatrix + "%b = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]]> : tensor<3x2xf32>\n"
                               "%c = arith.constant dense<[[100.0, 0.0], [0.0, 200.0]]> : tensor<2x2xf32>\n"
                               "%r = tile.dot %m, %b, %c : tensor<2x3xf32>, tensor<3x2xf32>, tensor<2x2xf32>",
                     "2x2", DataType::F32),
            (List{107, -1, 16, 199}));
}

TEST(Tile, dotOfIntegersWraps) {
  EXPECT_EQ(evaluate("%a = arith.constant dense<[[-128, 3]]> : tensor<1x2xi8>\n"
                     "%b = arith.constant dense<[[-128], [-2]]> : tensor<2x1xi8>\n"
                     "%c = arith.constant dense<2147480000> : tensor<1x1xi32>\n"
                     "%r = tile.dot %a, %b, %c : tensor<1x2xi8>, tensor<2x1xi8>, tensor<1x1xi32>",
                     "1x1", DataType::I32),
            (List{2147480000.0 + 16378 - 0x1p32}));
}

// 1 + 2^-11 lies half way between two numbers of tf32 and goes away from zero, to 1 + 2^-10; what that leaves is
// -2^-11.
TEST(Tile, dotRoundsItsFactorsAsTheModeSays) {
  auto square = [](const std::string &x, const std::string &mode) {
    return evaluate("%m = arith.constant dense<" + x + "> : tensor<1x1xf32>\n" +
                        "%c = arith.constant dense<0.0> : tensor<1x1xf32>\n" + "%r = tile.dot %m, %m, %c mode " + mode +
                        " : tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>",
                    "1x1", DataType::F32)[0];
  };
  EXPECT_EQ(square("1.00048828125", "ieee"), float(0x1.002p0 * 0x1.002p0));
  EXPECT_EQ(square("1.00048828125", "tf32"), float(0x1.004p0 * 0x1.004p0));
  EXPECT_EQ(square("-1.00048828125", "tf32"), float(0x1.004p0 * 0x1.004p0));
  EXPECT_EQ(square("1.00048828125", "tf32x3"), float(0x1.004p0 * 0x1.004p0 - 2 * 0x1.004p0 * 0x1p-11));
  EXPECT_EQ(square("0x7F7FFFFF", "tf32"), INFINITY); // f32's largest
  EXPECT_TRUE(std::isnan(square("0x7F800000", "tf32x3")));
}

TEST(Tile, reduceAlongEachDimension) {
  auto reduce = [](const std::string &kind, int dim, const std::string &extent) {
    return evaluate(kMatrix + "%r = tile.reduce " + kind + " %m along " + std::to_string(dim) +
                        " : tensor<2x3xf32> -> tensor<" + extent + "xf32>",
                    extent, DataType::F32);
  };
  EXPECT_EQ(reduce("sum", 1, "2"), (List{6, 15}));
  EXPECT_EQ(reduce("sum", 0, "3"), (List{5, 7, 9}));
  EXPECT_EQ(reduce("max", 1, "2"), (List{3, 6}));
  EXPECT_EQ(reduce("min", 0, "3"), (List{1, 2, 3}));
}

TEST(Tile, combineAndScanKeepTheOrder) {
  // Of a and a later b: 10 a + b, which is not commutative.
  auto run = [](const std::string &op, int dim, const std::string &shape) {
    return evaluate(kMatrix + "%r = tile." + op + " %m along " + std::to_string(dim) + " : tensor<2x3xf32> -> tensor<" +
                        shape +
                        "xf32> {\n^bb0(%a: f32, %b: f32):\n%ten = arith.constant 10.0 : f32\n"
                        "%x = arith.mulf %a, %ten : f32\n%y = arith.addf %x, %b : f32\ntile.yield %y : f32\n}",
                    shape, DataType::F32);
  };
  EXPECT_EQ(run("combine", 1, "2"), (List{123, 456}));
  EXPECT_EQ(run("combine", 0, "3"), (List{14, 25, 36}));
  EXPECT_EQ(run("scan", 1, "2x3"), (List{1, 12, 123, 4, 45, 456}));
  EXPECT_EQ(run("scan", 0, "2x3"), (List{1, 2, 3, 14, 25, 36}));
}

TEST(Tile, scalar) {
  EXPECT_EQ(evaluate("%t = arith.constant dense<2.5> : tensor<1xf32>\n%s = tile.scalar %t : tensor<1xf32> -> f32\n"
                     "%r = tile.splat %s : f32 -> tensor<2xf32>",
                     "2", DataType::F32),
            (List{2.5, 2.5}));
}

TEST(Tile, reducePassesOverNan) {
  EXPECT_EQ(evaluate("%m = arith.constant dense<[[0x7FC00000, 2.0], [-1.0, 0x7FC00000]]> : tensor<2x2xf32>\n"
                     "%r = tile.reduce max %m along 1 : tensor<2x2xf32> -> tensor<2xf32>",
                     "2", DataType::F32),
            (List{2, -1}));
}

TEST(Tile, reduceIntegersAndBools) {
  EXPECT_EQ(
      evaluate("%m = arith.constant dense<[2147483647, 1]> : tensor<2xi32>\n%e = tile.expand_dims %m at 0 : "
               "tensor<2xi32> -> tensor<1x2xi32>\n%r = tile.reduce sum %e along 1 : tensor<1x2xi32> -> tensor<1xi32>",
               "1", DataType::I32),
      (List{-2147483648.0}));
  const std::string mask =
      "%m = arith.constant dense<[[true, false], [false, false], [true, true]]> : tensor<3x2xi1>\n";
  EXPECT_EQ(evaluate(mask + "%r = tile.reduce max %m along 1 : tensor<3x2xi1> -> tensor<3xi1>", "3", DataType::Bool),
            (List{1, 0, 1}));
  EXPECT_EQ(evaluate(mask + "%r = tile.reduce min %m along 1 : tensor<3x2xi1> -> tensor<3xi1>", "3", DataType::Bool),
            (List{0, 0, 1}));
}

//===--- Views -----------------------------------------------------------------===//

/// A 3 x 4 view holding 10 * row + column, loaded as a 2 x 3 tile at (row, column).
List loadAt(int row, int column, const std::string &within = "") {
  Array in(DataType::F32, {3, 4}), out(DataType::F32, {2, 3});
  for (int i = 0; i < 12; ++i)
    in.set(i, 10 * (i / 4) + i % 4);
  EXPECT_EQ(runKernel("func.func @k(%v: !tile.view<?x?xf32>, %o: !tile.view<?x?xf32, out>, %i: i32, %j: i32) {\n"
                      "%zero = arith.constant 0 : i32\n%one = arith.constant 1 : i32\n%two = arith.constant 2 : i32\n"
                      "%r = tile.load %v[%i, %j] dims [0, 1] " +
                          within +
                          " : !tile.view<?x?xf32> -> tensor<2x3xf32>\n"
                          "tile.store %r, %o[%zero, %zero] dims [0, 1] : tensor<2x3xf32>, !tile.view<?x?xf32, out>\n"
                          "return\n}",
                      {1, 1, 1}, {in.view(), out.view(), int64_t(row), int64_t(column)}),
            "");
  return out.all();
}

TEST(View, loadIsZeroOutside) {
  EXPECT_EQ(loadAt(0, 0), (List{0, 1, 2, 10, 11, 12}));
  EXPECT_EQ(loadAt(2, 2), (List{22, 23, 0, 0, 0, 0}));
  EXPECT_EQ(loadAt(-1, -1), (List{0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(loadAt(7, 0), (List{0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(loadAt(0, -2147483647), (List{0, 0, 0, 0, 0, 0}));
}

TEST(View, withinNarrowsOneDimension) {
  EXPECT_EQ(loadAt(1, 0, "within [1] from %one to %two"), (List{0, 11, 0, 0, 21, 0}));
  EXPECT_EQ(loadAt(1, 1, "within [0] from %two to %two"), (List{0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(loadAt(0, 1, "within [0] from %one to %two"), (List{0, 0, 0, 11, 12, 13}));
}

TEST(View, storeDropsWhatIsOutside) {
  Array out(DataType::F32, {3, 3});
  EXPECT_EQ(runKernel(R"(
    func.func @k(%o: !tile.view<?x3xf32, out>) {
      %m = arith.constant -1 : i32
      %two = arith.constant 2 : i32
      %t = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
      tile.store %t, %o[%m, %m] dims [0, 1] : tensor<2x2xf32>, !tile.view<?x3xf32, out>
      tile.store %t, %o[%two, %two] dims [0, 1] : tensor<2x2xf32>, !tile.view<?x3xf32, out>
      return
    })",
                      {1, 1, 1}, {out.view()}),
            "");
  EXPECT_EQ(out.all(), (List{4, 0, 0, 0, 0, 0, 0, 0, 1}));
}

TEST(View, dimensionsNotListedDisappear) {
  // A view [2][3][4] of 100 b + 10 i + j: the tile runs along 0 and 2 at i = 1; scalars run along none.
  Array in(DataType::I32, {2, 3, 4}), tile(DataType::I32, {2, 4}), scalars(DataType::I32, {2});
  for (int i = 0; i < 24; ++i)
    in.set(i, 100 * (i / 12) + 10 * (i / 4 % 3) + i % 4);
  EXPECT_EQ(runKernel(R"(
    func.func @k(%v: !tile.view<?x?x4xi32>, %o: !tile.view<?x?xi32, out>, %s: !tile.view<?xi32, out>) {
      %zero = arith.constant 0 : i32
      %one = arith.constant 1 : i32
      %nine = arith.constant 9 : i32
      %t = tile.load %v[%zero, %one, %zero] dims [0, 2] : !tile.view<?x?x4xi32> -> tensor<2x4xi32>
      tile.store %t, %o[%zero, %zero] dims [0, 1] : tensor<2x4xi32>, !tile.view<?x?xi32, out>
      %inside = tile.load %v[%one, %one, %one] dims [] : !tile.view<?x?x4xi32> -> i32
      %minus = arith.constant -1 : i32
      %above = tile.load %v[%one, %nine, %one] dims [] : !tile.view<?x?x4xi32> -> i32
      %below = tile.load %v[%one, %minus, %one] dims [] : !tile.view<?x?x4xi32> -> i32
      %outside = arith.addi %above, %below : i32
      %sum = arith.addi %inside, %outside : i32
      tile.store %sum, %s[%minus] dims [] : i32, !tile.view<?xi32, out>
      tile.store %sum, %s[%one] dims [] : i32, !tile.view<?xi32, out>
      tile.store %sum, %s[%nine] dims [] : i32, !tile.view<?xi32, out>
      return
    })",
                      {1, 1, 1}, {in.view(), tile.view(), scalars.view()}),
            "");
  EXPECT_EQ(tile.all(), (List{10, 11, 12, 13, 110, 111, 112, 113}));
  EXPECT_EQ(scalars.all(), (List{0, 111}));
}

TEST(View, stridesAndExtents) {
  // Every second element of the memory, and the extent as the kernel sees it.
  Array in(DataType::I64, {6}, {0, 1, 2, 3, 4, 5}), out(DataType::I64, {4});
  reference::ViewData strided = in.view();
  strided.extents = {3};
  strided.strides = {2};
  EXPECT_EQ(runKernel(R"(
    func.func @k(%v: !tile.view<?xi64>, %o: !tile.view<?xi64, out>) {
      %zero = arith.constant 0 : i32
      %t = tile.load %v[%zero] dims [0] : !tile.view<?xi64> -> tensor<4xi64>
      tile.store %t, %o[%zero] dims [0] : tensor<4xi64>, !tile.view<?xi64, out>
      %n = tile.extent %v, 0 : !tile.view<?xi64>
      %wide = arith.extsi %n : i32 to i64
      tile.store %wide, %o[%n] dims [] : i64, !tile.view<?xi64, out>
      return
    })",
                      {1, 1, 1}, {strided, out.view()}),
            "");
  EXPECT_EQ(out.all(), (List{0, 2, 4, 3}));
}

TEST(View, everyElementTypeGoesThroughMemory) {
  for (auto [type, name] : {std::pair<DataType, std::string>{DataType::Bool, "i1"},
                            {DataType::I8, "i8"},
                            {DataType::I32, "i32"},
                            {DataType::I64, "i64"},
                            {DataType::F16, "f16"},
                            {DataType::BF16, "bf16"},
                            {DataType::F32, "f32"},
                            {DataType::F64, "f64"}}) {
    List values = type == DataType::Bool ? List{1, 0, 1}
                  : isFloat(type)        ? List{1.5, -0.25, INFINITY}
                                         : List{1, -2, 100};
    Array in(type, {3}, values), out(type, {3});
    EXPECT_EQ(
        runKernel("func.func @k(%v: !tile.view<3x" + name + ">, %o: !tile.view<3x" + name +
                      ", out>) {\n%zero = arith.constant 0 : i32\n%t = tile.load %v[%zero] dims [0] : !tile.view<3x" +
                      name + "> -> tensor<3x" + name + ">\ntile.store %t, %o[%zero] dims [0] : tensor<3x" + name +
                      ">, !tile.view<3x" + name + ", out>\nreturn\n}",
                  {1, 1, 1}, {in.view(), out.view()}),
        "");
    EXPECT_EQ(out.all(), values) << name;
  }
}

TEST(View, everyInstanceOfTheGridRuns) {
  Array out(DataType::I32, {2, 3, 4});
  EXPECT_EQ(runKernel(R"(
    func.func @k(%o: !tile.view<?x?x?xi32, out>) {
      %x = tile.program_id 0
      %y = tile.program_id 1
      %z = tile.program_id 2
      %ten = arith.constant 10 : i32
      %a = arith.muli %z, %ten : i32
      %b = arith.addi %a, %y : i32
      %c = arith.muli %b, %ten : i32
      %d = arith.addi %c, %x : i32
      tile.store %d, %o[%z, %y, %x] dims [] : i32, !tile.view<?x?x?xi32, out>
      return
    })",
                      {4, 3, 2}, {out.view()}),
            "");
  for (int i = 0; i < 24; ++i)
    EXPECT_EQ(out.get(i), 100 * (i / 12) + 10 * (i / 4 % 3) + i % 4);
}

} // namespace
