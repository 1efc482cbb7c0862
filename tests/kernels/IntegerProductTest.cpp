//===- IntegerProductTest.cpp - Products of i8 against plain loops --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// dot of i8 tiles that lie either way in memory, whole and ragged, and of one that is itself made of a product: exact.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/ExactProducts.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

std::vector<double> bytes(Random &random, int64_t count) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(double(random.below(256)) - 128);
  return values;
}

void check(const std::string &device, const ProductCase &run) {
  Random random(uint64_t(run.m * run.n + run.depth));
  std::vector<double> a = bytes(random, run.m * run.depth);
  expectExactProduct(device, run, a, bytes(random, run.depth * run.n));
}

TEST(IntegerProducts, OfOperandsThatLieEitherWay) {
  static constexpr int64_t shapes[][3] = {{1, 1, 1}, {48, 40, 64}, {50, 43, 101}};
  for (const std::string &device : oneOfEachKind())
    for (int flips = 0; flips < 4; ++flips)
      for (const auto &[m, n, depth] : shapes)
        check(device, {DataType::I8, bool(flips & 1), bool(flips & 2), m, n, depth});
}

/// Tiles of whole warpgroups, with as many columns as an instruction has, has not, and takes in two.
TEST(IntegerProducts, OfWarpgroups) {
  for (int64_t columns : {8, 24, 40, 64, 288})
    for (bool flipA : {false, true})
      check("sim:h200", {DataType::I8, flipA, /*flipB=*/true, 100, 300, 112, 64, columns});
}

} // namespace
