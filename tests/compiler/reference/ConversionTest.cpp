//===- ConversionTest.cpp - Casts, constants and select of the interpreter ===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each on a handful of values against numbers worked out by hand.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/reference/Interpret.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;

namespace {

using List = std::vector<double>;

TEST(Conversion, truncationToNarrowFloatsRoundsToNearestEven) {
  // bf16 has 7 fraction bits: 1 + 2^-8 is a tie (down to even), 1 + 3 * 2^-8 too (up to even).
  List in = {1 + 0x1p-8, 1 + 0x3p-8, 1 + 0x1p-8 + 0x1p-20, 1e39, -0.1};
  EXPECT_EQ(elementwise("arith.truncf %a : IN to OUT", DataType::F64, DataType::BF16, {in}),
            (List{1, 1 + 0x1p-6, 1 + 0x1p-7, INFINITY, -0.10009765625}));
  EXPECT_EQ(elementwise("arith.truncf %a : IN to OUT", DataType::F32, DataType::F16, {{0x1p-25, 0x3p-26, 0.1f}}),
            (List{0, 0x1p-24, 0.0999755859375}));
  EXPECT_EQ(elementwise("arith.truncf %a : IN to OUT", DataType::F64, DataType::F32, {{0.1}}), List{double(0.1f)});
}

TEST(Conversion, truncationToF32RoundsAtOnce) {
  // Widened again: were the truncation left to the store, 2^-30 would survive.
  Array in(DataType::F64, {1}, {1 + 0x1p-30}), out(DataType::F64, {1});
  EXPECT_EQ(runKernel(R"(
    func.func @k(%i: !tile.view<?xf64>, %o: !tile.view<?xf64, out>) {
      %zero = arith.constant 0 : i32
      %x = tile.load %i[%zero] dims [] : !tile.view<?xf64> -> f64
      %narrow = arith.truncf %x : f64 to f32
      %wide = arith.extf %narrow : f32 to f64
      tile.store %wide, %o[%zero] dims [] : f64, !tile.view<?xf64, out>
      return
    })",
                      {1, 1, 1}, {in.view(), out.view()}),
            "");
  EXPECT_EQ(out.get(0), 1);
}

TEST(Conversion, narrowingStopsAtTheLargestNumber) {
  // f8e4m3 has 3 fraction bits and ends at 448, f8e5m2 2 and 57344; 2^-10 is half of the smallest f8e4m3, 3 * 2^-10 a
  // tie.
  EXPECT_EQ(elementwise("tile.narrow %a : IN -> OUT", DataType::F32, DataType::F8E4M3,
                        {{1.0625, 1.1875, 448, 463, 1e9, -INFINITY, 0x1p-10, 0x3p-10, -17}}),
            (List{1, 1.25, 448, 448, 448, -448, 0, 0x1p-8, -16}));
  EXPECT_EQ(elementwise("tile.narrow %a : IN -> OUT", DataType::F32, DataType::F8E5M2,
                        {{1.125, 1.375, 57344, 61440, INFINITY, 0x1p-17, 0x3p-17}}),
            (List{1, 1.5, 57344, 57344, 57344, 0, 0x1p-15}));
  EXPECT_TRUE(std::isnan(elementwise("tile.narrow %a : IN -> OUT", DataType::F32, DataType::F8E5M2, {{NAN}})[0]));
}

TEST(Conversion, extensionKeepsTheValue) {
  EXPECT_EQ(elementwise("arith.extf %a : IN to OUT", DataType::F8E5M2, DataType::F16, {{1.5, -INFINITY}}),
            (List{1.5, -INFINITY}));
  EXPECT_EQ(elementwise("arith.extf %a : IN to OUT", DataType::BF16, DataType::F32, {{1.5, -3}}), (List{1.5, -3}));
}

TEST(Conversion, integersToFloats) {
  EXPECT_EQ(elementwise("arith.sitofp %a : IN to OUT", DataType::I8, DataType::F32, {{-1, 100}}), (List{-1, 100}));
  EXPECT_EQ(elementwise("arith.uitofp %a : IN to OUT", DataType::I8, DataType::F32, {{-1, 100}}), (List{255, 100}));
  EXPECT_EQ(elementwise("arith.uitofp %a : IN to OUT", DataType::Bool, DataType::F32, {{1, 0}}), (List{1, 0}));
  EXPECT_EQ(elementwise("arith.sitofp %a : IN to OUT", DataType::I32, DataType::F16, {{2049, 70000}}),
            (List{2048, INFINITY}));
}

TEST(Conversion, integersOf64BitsAreRoundedOnce) {
  // 2^60 + 2^36 + 1 lies above the middle of two f32; rounded to a double it is in the middle, and to even it goes
  // down.
  Array out(DataType::F64, {2});
  EXPECT_EQ(runKernel(R"(
    func.func @k(%o: !tile.view<?xf64, out>) {
      %zero = arith.constant 0 : i32
      %one = arith.constant 1 : i32
      %x = arith.constant 1152921573326323713 : i64
      %single = arith.sitofp %x : i64 to f32
      %wide = arith.extf %single : f32 to f64
      tile.store %wide, %o[%zero] dims [] : f64, !tile.view<?xf64, out>
      %y = arith.constant -1157425104234217473 : i64
      %brain = arith.sitofp %y : i64 to bf16
      %wider = arith.extf %brain : bf16 to f64
      tile.store %wider, %o[%one] dims [] : f64, !tile.view<?xf64, out>
      return
    })",
                      {1, 1, 1}, {out.view()}),
            "");
  EXPECT_EQ(out.get(0), 0x1p60 + 0x1p37);
  EXPECT_EQ(out.get(1), -0x1p60 - 0x1p53);
}

TEST(Conversion, floatsToIntegersTruncate) {
  EXPECT_EQ(elementwise("arith.fptosi %a : IN to OUT", DataType::F32, DataType::I8, {{1.9, -1.9, -128.5, 127.5}}),
            (List{1, -1, -128, 127}));
  EXPECT_EQ(elementwise("arith.fptoui %a : IN to OUT", DataType::F32, DataType::I8, {{255.5, -0.5}}), (List{-1, 0}));
}

TEST(Conversion, floatsThatDoNotFitGiveTheNearestInteger) {
  EXPECT_EQ(elementwise("arith.fptosi %a : IN to OUT", DataType::F64, DataType::I8,
                        {{128, -129, NAN, INFINITY, -INFINITY, 127.9}}),
            (List{127, -128, 0, 127, -128, 127}));
  EXPECT_EQ(elementwise("arith.fptoui %a : IN to OUT", DataType::F64, DataType::I8, {{-1, 256, NAN}}),
            (List{0, -1, 0}));
  EXPECT_EQ(elementwise("arith.fptosi %a : IN to OUT", DataType::F64, DataType::I32, {{0x1p31, -0x1p31}}),
            (List{0x1p31 - 1, -0x1p31}));
}

TEST(Conversion, integersToIntegers) {
  EXPECT_EQ(elementwise("arith.extsi %a : IN to OUT", DataType::I8, DataType::I32, {{-1, 5}}), (List{-1, 5}));
  EXPECT_EQ(elementwise("arith.extui %a : IN to OUT", DataType::I8, DataType::I32, {{-1, 5}}), (List{255, 5}));
  EXPECT_EQ(elementwise("arith.extui %a : IN to OUT", DataType::Bool, DataType::I32, {{1, 0}}), (List{1, 0}));
  EXPECT_EQ(elementwise("arith.extsi %a : IN to OUT", DataType::Bool, DataType::I32, {{1, 0}}), (List{-1, 0}));
  EXPECT_EQ(elementwise("arith.trunci %a : IN to OUT", DataType::I32, DataType::I8, {{257, 200}}), (List{1, -56}));
  EXPECT_EQ(elementwise("arith.trunci %a : IN to OUT", DataType::I32, DataType::Bool, {{2, 3}}), (List{0, 1}));
}

TEST(Conversion, bitcast) {
  EXPECT_EQ(elementwise("arith.bitcast %a : IN to OUT", DataType::F32, DataType::I32, {{1, -2}}),
            (List{0x3f800000, -1073741824}));
  EXPECT_EQ(elementwise("arith.bitcast %a : IN to OUT", DataType::I32, DataType::F32, {{0x40490fdb}}),
            List{double(0x1.921fb6p1f)});
}

TEST(Conversion, selectByElementAndByScalar) {
  Array out(DataType::F32, {6}), numbers(DataType::I32, {1});
  EXPECT_EQ(runKernel(R"(
    func.func @k(%o: !tile.view<?xf32, out>, %n: !tile.view<?xi32, out>, %flag: i1) {
      %zero = arith.constant 0 : i32
      %three = arith.constant 3 : i32
      %mask = arith.constant dense<[true, false, true]> : tensor<3xi1>
      %a = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
      %b = arith.constant dense<[4.0, 5.0, 6.0]> : tensor<3xf32>
      %each = arith.select %mask, %a, %b : tensor<3xi1>, tensor<3xf32>
      %all = arith.select %flag, %a, %b : tensor<3xf32>
      %number = arith.select %flag, %zero, %three : i32
      tile.store %each, %o[%zero] dims [0] : tensor<3xf32>, !tile.view<?xf32, out>
      tile.store %all, %o[%three] dims [0] : tensor<3xf32>, !tile.view<?xf32, out>
      tile.store %number, %n[%zero] dims [] : i32, !tile.view<?xi32, out>
      return
    })",
                      {1, 1, 1}, {out.view(), numbers.view(), int64_t(0)}),
            "");
  EXPECT_EQ(out.all(), (List{1, 5, 3, 4, 5, 6}));
  EXPECT_EQ(numbers.get(0), 3);
}

TEST(Conversion, constants) {
  Array out(DataType::F32, {4}), index(DataType::I32, {2});
  EXPECT_EQ(runKernel(R"(
    func.func @k(%o: !tile.view<?xf32, out>, %i: !tile.view<?xi32, out>) {
      %zero = arith.constant 0 : i32
      %splat = arith.constant dense<2.5> : tensor<2xf32>
      %dense = arith.constant dense<[1.0, 0xFF800000]> : tensor<2xf32>
      %two = arith.constant 2 : i32
      tile.store %splat, %o[%zero] dims [0] : tensor<2xf32>, !tile.view<?xf32, out>
      tile.store %dense, %o[%two] dims [0] : tensor<2xf32>, !tile.view<?xf32, out>
      %x = arith.constant 7 : index
      %y = arith.index_cast %x : index to i32
      tile.store %y, %i[%zero] dims [] : i32, !tile.view<?xi32, out>
      %one = arith.constant 1 : i32
      %z = arith.constant dense<-3> : tensor<1xi32>
      tile.store %z, %i[%one] dims [0] : tensor<1xi32>, !tile.view<?xi32, out>
      return
    })",
                      {1, 1, 1}, {out.view(), index.view()}),
            "");
  EXPECT_EQ(out.all(), (List{2.5, 2.5, 1, -INFINITY}));
  EXPECT_EQ(index.all(), (List{7, -3}));
}

} // namespace
