//===- IntegerProductTest.cpp - Products of i8 against plain loops --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// dot of i8 tiles that lie either way in memory, whole and ragged, and of one that is itself made of a product: exact.
//
//===----------------------------------------------------------------------===//

#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/Tensor.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

struct ProductCase {
  bool flipA, flipB; ///< stored as K x M, N x K
  int64_t m, n, depth;
};

std::string textOf(const ProductCase &run) {
  return std::string("kernel product(A: view<i8>[") + (run.flipA ? "K, M" : "M, K") + "], B: view<i8>[" +
         (run.flipB ? "N, K" : "K, N") + "], C: out view<i32>[M, N])\ngrid (cdiv(M, 48), cdiv(N, 40)) |i, j| {\n" +
         "var acc = fill<i32>[48, 40](0);\nfor k in tiles(K, 64) {\n" +
         (run.flipA ? "let a = load A[k * 64 :+ 64, i * 48 :+ 48];\n"
                    : "let a = load A[i * 48 :+ 48, k * 64 :+ 64];\n") +
         (run.flipB ? "let b = load B[j * 40 :+ 40, k * 64 :+ 64];\n"
                    : "let b = load B[k * 64 :+ 64, j * 40 :+ 40];\n") +
         "acc = dot(" + (run.flipA ? "a.T" : "a") + ", " + (run.flipB ? "b.T" : "b") +
         ", acc);\n}\nstore C[i * 48 :+ 48, j * 40 :+ 40] = acc;\n}\n";
}

std::vector<double> bytes(Random &random, int64_t count) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(double(random.below(256)) - 128);
  return values;
}

void check(const std::string &device, const ProductCase &run) {
  const Runtime &runtime = runtimeOf(device);
  Random random(uint64_t(run.m * run.n + run.depth));
  std::vector<double> a = bytes(random, run.m * run.depth), b = bytes(random, run.depth * run.n), expected;
  auto layout = [](int64_t rows, int64_t columns, bool flip) {
    return flip ? denseLayout({columns, rows}) : denseLayout({rows, columns});
  };
  Tensor tensorA(runtime, DataType::I8, layout(run.m, run.depth, run.flipA), &a);
  Tensor tensorB(runtime, DataType::I8, layout(run.depth, run.n, run.flipB), &b);
  Tensor tensorC(runtime, DataType::I32, denseLayout({run.m, run.n}));
  Kernel kernel = runtime.loadSource({"product.tile", textOf(run)}).value().kernel().value();
  kernel.launch(runtime.stream(), {{"A", tensorA.view()}, {"B", tensorB.view()}, {"C", tensorC.view()}}).value();
  for (int64_t i = 0; i < run.m; ++i)
    for (int64_t j = 0; j < run.n; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < run.depth; ++k)
        sum += a[size_t(run.flipA ? k * run.m + i : i * run.depth + k)] *
               b[size_t(run.flipB ? j * run.depth + k : k * run.n + j)];
      expected.push_back(sum);
    }
  EXPECT_EQ(tensorC.read(), expected) << device << " " << run.m << "x" << run.n << "x" << run.depth << "\n"
                                      << textOf(run);
}

TEST(IntegerProducts, OfOperandsThatLieEitherWay) {
  static constexpr int64_t shapes[][3] = {{1, 1, 1}, {48, 40, 64}, {50, 43, 101}};
  for (const std::string &device : oneOfEachKind())
    for (int flips = 0; flips < 4; ++flips)
      for (const auto &[m, n, depth] : shapes)
        check(device, {bool(flips & 1), bool(flips & 2), m, n, depth});
}

} // namespace
