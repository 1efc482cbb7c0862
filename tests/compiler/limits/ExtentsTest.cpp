//===- ExtentsTest.cpp - Tiles of any extent compile within limits --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A grid of tiles of up to 1,024 elements a thread, any extent up to 4,096 and any element type, each loaded,
// reduced, computed with and stored. A sample in the ordinary run, all under --long.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/limits/Limits.h"
#include "tests/support/RunMode.h"
#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace imbrex;
using namespace imbrex::test;

namespace {

constexpr unsigned kPoints = 200, kSampled = 8;

struct Point {
  const char *type;
  int64_t rows, columns;
  unsigned warps;
};

/// Point `index` of the grid: types in turn, extents and warps at random, the tile within 1,024 elements a thread.
Point pointOf(unsigned index) {
  static const char *kTypes[] = {"f64", "f16", "f32", "bf16", "i32", "i8", "i64"};
  std::mt19937_64 random(index);
  auto pick = [&](int64_t low, int64_t high) { return low + int64_t(random() % uint64_t(high - low + 1)); };
  Point point{kTypes[index % 7], 1, pick(1, 4096), 1u << pick(0, 5)};
  point.rows = pick(1, std::max<int64_t>(1, 1024 * 32 * int64_t(point.warps) / point.columns));
  point.rows = std::min<int64_t>({point.rows, 4096, (int64_t(1) << 20) / point.columns});
  return point;
}

std::string textOf(const Point &point) {
  std::string type = point.type, rows = std::to_string(point.rows), columns = std::to_string(point.columns);
  bool isReal = type[0] != 'i';
  return "kernel k(X: view<" + type + ">[N, D], Y: out view<" + type + ">[N, D])\n" + "tune { warps: {" +
         std::to_string(point.warps) + "} = " + std::to_string(point.warps) + "; }\ngrid (cdiv(N, " + rows +
         ")) |i| {\n  let x = load X[i * " + rows + " :+ " + rows + ", 0 :+ " + columns +
         "];\n  let e = " + (isReal ? "exp(x - rowmax(x)[:, _])" : "x * 3 - rowmax(x)[:, _]") + ";\n  store Y[i * " +
         rows + " :+ " + rows + ", 0 :+ " + columns + "] = e" + (isReal ? " / rowsum(e)[:, _]" : " + rowsum(e)[:, _]") +
         ";\n}\n";
}

TEST(Extents, AnyTileCompilesWithinLimits) {
  Worst worst;
  unsigned refused = 0, points = 0;
  for (unsigned index = 0; index < kPoints; index += imbrex::testing::isLongRun() ? 1 : kPoints / kSampled) {
    Point point = pointOf(index);
    std::string name = std::string(point.type) + " " + std::to_string(point.rows) + " x " +
                       std::to_string(point.columns) + ", " + std::to_string(point.warps) + " warps";
    Outcome outcome = compileInChild(textOf(point));
    expectWithinLimits(name, outcome);
    worst.add(name, outcome);
    ++points;
    refused += !outcome.isCompiled;
    if (!outcome.isCompiled)
      printf("  %s\n", outcome.errors.substr(0, 160).c_str());
  }
  worst.print();
  EXPECT_LE(refused, points / 16); // f64 of nearly 1,024 elements a thread: 40 instructions an element
}

} // namespace
