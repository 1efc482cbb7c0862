//===- MemoryTest.cpp - Instances share nothing ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two instances that meet in an element of an output, in each way, are told with both places; those that
// do not meet are not.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/reference/Interpret.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;

namespace {

/// Instance i of 3 runs `body` on O, of 4 rows and 6 columns whose rows are 8 apart; %i, %zero, %one and
/// %tile : tensor<2xf32> are given.
std::string run(const std::string &body) {
  std::vector<float> memory(4 * 8, 0);
  reference::ViewData view{memory.data(), DataType::F32, {4, 6}, {8, 1}};
  return runKernel("func.func @k(%O: !tile.view<?x?xf32, out> {tile.name = \"O\"}) {\n"
                   "%zero = arith.constant 0 : i32\n%one = arith.constant 1 : i32\n%two = arith.constant 2 : i32\n"
                   "%tile = arith.constant dense<1.0> : tensor<2xf32>\n%i = tile.program_id 0\n" +
                       body + "\nreturn\n}",
                   {3, 1, 1}, {view});
}

const std::string kStore = " dims [1] : tensor<2xf32>, !tile.view<?x?xf32, out>";
const std::string kLoad = " dims [1] : !tile.view<?x?xf32, out> -> tensor<2xf32>";

TEST(Memory, InstancesApart) {
  EXPECT_EQ(run("%c = arith.muli %i, %two : i32\ntile.store %tile, %O[%zero, %c]" + kStore), "");
  EXPECT_EQ(run("tile.store %tile, %O[%i, %zero]" + kStore), "");
}

TEST(Memory, OneInstanceMayStoreTwice) {
  EXPECT_EQ(run("tile.store %tile, %O[%i, %zero]" + kStore + "\ntile.store %tile, %O[%i, %one]" + kStore), "");
}

TEST(Memory, WhatLiesOutsideIsNotStored) {
  // Columns 5 and 6 of each row: 6 is outside.
  EXPECT_EQ(run("%five = arith.constant 5 : i32\ntile.store %tile, %O[%i, %five]" + kStore), "");
}

TEST(Memory, TwoStoreOneElement) {
  EXPECT_EQ(run("tile.store %tile, %O[%two, %i]" + kStore),
            "kernel.mlir:7:1: 'tile.store': instance [1, 0, 0] stores element [2, 1] of 'O', which instance [0, 0, 0] "
            "stored at kernel.mlir:7:1");
}

TEST(Memory, OneLoadsWhatAnotherStored) {
  EXPECT_EQ(run("%x = tile.load %O[%zero, %zero]" + kLoad + "\ntile.store %tile, %O[%i, %zero]" + kStore),
            "kernel.mlir:7:6: 'tile.load': instance [1, 0, 0] loads element [0, 0] of 'O', which instance [0, 0, 0] "
            "stored at kernel.mlir:8:1");
}

// The order in which instances run is none: the load came first here, but need not.
TEST(Memory, OneStoresWhatAnotherLoaded) {
  const std::string store = "\ntile.store %tile, %O[%i, %zero]" + kStore;
  EXPECT_EQ(run("%x = tile.load %O[%two, %zero]" + kLoad + store),
            "kernel.mlir:8:1: 'tile.store': instance [2, 0, 0] stores element [2, 0] of 'O', which instance [0, 0, 0] "
            "loaded at kernel.mlir:7:6");
  // Instance 1 loads what it stores itself, but instance 2 loads it too, after it.
  EXPECT_EQ(run("%x = tile.load %O[%one, %zero]" + kLoad +
                "\n%is = arith.cmpi eq, %i, %two : i32\nscf.if %is {\n"
                "tile.store %tile, %O[%one, %zero]" +
                kStore + "\n}"),
            "kernel.mlir:10:1: 'tile.store': instance [2, 0, 0] stores element [1, 0] of 'O', which instance [0, 0, 0] "
            "loaded at kernel.mlir:7:6");
}

/// Instance i of 3 runs `body` on C, of one dimension of `elements`, which it adds to.
std::string runAdding(const std::string &body, Array &elements) {
  return runKernel(
      "func.func @k(%C: !tile.view<?xf16, var> {tile.name = \"C\"}) {\n"
      "%zero = arith.constant 0 : i32\n%i = tile.program_id 0\n"
      "%half = arith.constant dense<0.5> : tensor<2xf16>\n%at = arith.constant dense<[1, 1]> : tensor<2xi32>\n" +
          body + "\nreturn\n}",
      {3, 1, 1}, {elements.view()});
}

const std::string kAdd = " dims [0] adds : tensor<2xf16>, !tile.view<?xf16, var>";

TEST(Memory, AnyNumberOfInstancesAddToOneElement) {
  Array elements(DataType::F16, {3}, {1, 2048, 7});
  // Outside is dropped; 2048 + 0.5 is rounded to 2048 each time, in f16.
  EXPECT_EQ(runAdding("tile.store %half, %C[%zero]" + kAdd, elements), "");
  EXPECT_EQ(elements.all(), (std::vector<double>{2.5, 2048, 7}));
  EXPECT_EQ(runAdding("%two = arith.constant 2 : i32\ntile.store %half, %C[%two]" + kAdd, elements), "");
  EXPECT_EQ(elements.all(), (std::vector<double>{2.5, 2048, 8.5}));
}

TEST(Memory, AnIndexThatATileHasTwiceIsAddedToTwice) {
  Array elements(DataType::F16, {2}, {0, 0});
  EXPECT_EQ(
      runAdding("tile.scatter %half, %C[%at] dims [-1] adds : tensor<2xf16>, !tile.view<?xf16, var>, tensor<2xi32>",
                elements),
      "");
  EXPECT_EQ(elements.all(), (std::vector<double>{0, 3}));
}

TEST(Memory, OneLoadsOrStoresWhatAnotherAddsTo) {
  Array elements(DataType::F16, {2}, {0, 0});
  EXPECT_EQ(
      runAdding("%x = tile.load %C[%zero] dims [] : !tile.view<?xf16, var> -> f16\ntile.store %half, %C[%zero]" + kAdd,
                elements),
      "kernel.mlir:6:6: 'tile.load': instance [1, 0, 0] loads element [0] of 'C', which instance [0, 0, 0] added "
      "to at kernel.mlir:7:1");
  EXPECT_EQ(runAdding("tile.store %half, %C[%zero]" + kAdd +
                          "\n%is = arith.cmpi ne, %i, %zero : i32\nscf.if %is {\n"
                          "tile.store %half, %C[%zero] dims [0] : tensor<2xf16>, !tile.view<?xf16, var>\n}",
                      elements),
            "kernel.mlir:6:1: 'tile.store': instance [2, 0, 0] adds to element [0] of 'C', which instance [1, 0, 0] "
            "stored at kernel.mlir:9:1");
}

TEST(Memory, AnInstanceMayLoadWhatItStored) {
  EXPECT_EQ(run("tile.store %tile, %O[%i, %zero]" + kStore + "\n%x = tile.load %O[%i, %zero]" + kLoad +
                "\ntile.store %x, %O[%i, %two]" + kStore),
            "");
}

} // namespace
