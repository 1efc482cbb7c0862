//===- ExactProducts.cpp - Products of bytes against plain loops ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One text for all types: the sums are of its wide type, i32 or f32.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/ExactProducts.h"
#include "tests/support/Devices.h"
#include "tests/support/Tensor.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

static std::string textOf(const ProductCase &run) {
  const std::string type(name(run.type)), sum(name(wideType(run.type)));
  const std::string bm = std::to_string(run.tileM), bn = std::to_string(run.tileN);
  const std::string rows = "i * " + bm + " :+ " + bm, columns = "j * " + bn + " :+ " + bn, depth = "k * 64 :+ 64";
  return "kernel product(A: view<" + type + ">[" + (run.flipA ? "K, M" : "M, K") + "], B: view<" + type + ">[" +
         (run.flipB ? "N, K" : "K, N") + "], C: out view<" + sum + ">[M, N])\ngrid (cdiv(M, " + bm + "), cdiv(N, " +
         bn + ")) |i, j| {\nvar acc = fill<" + sum + ">[" + bm + ", " + bn + "](0);\nfor k in tiles(K, 64) {\n" +
         "let a = load A[" + (run.flipA ? depth + ", " + rows : rows + ", " + depth) + "];\n" + "let b = load B[" +
         (run.flipB ? columns + ", " + depth : depth + ", " + columns) + "];\n" + "acc = dot(" +
         (run.flipA ? "a.T" : "a") + ", " + (run.flipB ? "b.T" : "b") + ", acc);\n}\nstore C[" + rows + ", " + columns +
         "] = acc;\n}\n";
}

void imbrex::testing::expectExactProduct(const std::string &device, const ProductCase &run,
                                         const std::vector<double> &a, const std::vector<double> &b) {
  const Runtime &runtime = runtimeOf(device);
  std::vector<double> expected;
  auto layout = [](int64_t rows, int64_t columns, bool flip) {
    return flip ? denseLayout({columns, rows}) : denseLayout({rows, columns});
  };
  Tensor tensorA(runtime, run.type, layout(run.m, run.depth, run.flipA), &a);
  Tensor tensorB(runtime, run.type, layout(run.depth, run.n, run.flipB), &b);
  Tensor tensorC(runtime, wideType(run.type), denseLayout({run.m, run.n}));
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
