//===- Tf32Test.cpp - Products by tf32 against plain loops ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// dot<tf32> and dot<tf32x3> of operands that lie either way in memory, whole and ragged, and of one that was computed;
// and attention, whose host says which.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/AttentionRun.h"
#include "tests/support/AttentionJudge.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/Storage.h"
#include <bit>
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

/// To the nearest with 11 binary digits, ties away from zero: of finite numbers, on their bits.
double tf32(double value) { return std::bit_cast<float>((std::bit_cast<uint32_t>(float(value)) + 0x1000) & ~0x1fffu); }

struct ProductCase {
  std::string mode;
  bool flipA, flipB; ///< stored as K x M, N x K
  bool computed;     ///< A goes through arithmetic first
  int64_t m, n, depth;
};

std::string textOf(const ProductCase &run) {
  return std::string("kernel product(A: view<f32>[") + (run.flipA ? "K, M" : "M, K") + "], B: view<f32>[" +
         (run.flipB ? "N, K" : "K, N") + "], C: out view<f32>[M, N])\ngrid (cdiv(M, 48), cdiv(N, 40)) |i, j| {\n" +
         "var acc = fill<f32>[48, 40](0);\nfor k in tiles(K, 32) {\n" +
         (run.flipA ? "let a = load A[k * 32 :+ 32, i * 48 :+ 48];\n"
                    : "let a = load A[i * 48 :+ 48, k * 32 :+ 32];\n") +
         (run.flipB ? "let b = load B[j * 40 :+ 40, k * 32 :+ 32];\n"
                    : "let b = load B[k * 32 :+ 32, j * 40 :+ 40];\n") +
         "acc = dot<" + run.mode + ">(" + (run.computed ? "2 * " : "") + (run.flipA ? "a.T" : "a") + ", " +
         (run.flipB ? "b.T" : "b") + ", acc);\n}\nstore C[i * 48 :+ 48, j * 40 :+ 40] = acc;\n}\n";
}

void check(const std::string &device, const ProductCase &run) {
  const Runtime &runtime = runtimeOf(device);
  Random random(uint64_t(run.m * run.n + run.depth));
  std::vector<double> a = roundTo(random.normals(run.m * run.depth), DataType::F32);
  std::vector<double> b = roundTo(random.normals(run.depth * run.n), DataType::F32);
  auto layout = [](int64_t rows, int64_t columns, bool flip) {
    return flip ? denseLayout({columns, rows}) : denseLayout({rows, columns});
  };
  Tensor tensorA(runtime, DataType::F32, layout(run.m, run.depth, run.flipA), &a);
  Tensor tensorB(runtime, DataType::F32, layout(run.depth, run.n, run.flipB), &b);
  Tensor tensorC(runtime, DataType::F32, denseLayout({run.m, run.n}));
  Kernel kernel = runtime.loadSource({"product.tile", textOf(run)}).value().kernel().value();
  kernel.launch(runtime.stream(), {{"A", tensorA.view()}, {"B", tensorB.view()}, {"C", tensorC.view()}}).value();
  std::vector<double> actual = tensorC.read();
  const bool isOnce = run.mode == "tf32";
  for (int64_t i = 0; i < run.m; ++i)
    for (int64_t j = 0; j < run.n; ++j) {
      double sum = 0, size = 0;
      for (int64_t k = 0; k < run.depth; ++k) {
        double x = (run.computed ? 2 : 1) * a[size_t(run.flipA ? k * run.m + i : i * run.depth + k)];
        double y = b[size_t(run.flipB ? j * run.depth + k : k * run.n + j)];
        sum += isOnce ? tf32(x) * tf32(y) : x * y;
        size += std::fabs(x * y);
      }
      // Sums cut the last digit; what three products leave out is 3 parts in 2^22.
      double limit = (double(run.depth) * 0x1p-23 + (isOnce ? 0 : 3 * 0x1p-22)) * size + 0x1p-100;
      ASSERT_NEAR(actual[size_t(i * run.n + j)], sum, limit)
          << device << " " << run.mode << " " << run.m << "x" << run.n << "x" << run.depth << " at " << i << ", " << j
          << "\n"
          << textOf(run);
    }
}

TEST(Tf32, ProductsOfOperandsThatLieEitherWay) {
  static constexpr int64_t shapes[][3] = {{1, 1, 1}, {48, 40, 32}, {50, 43, 37}};
  for (const std::string &device : oneOfEachKind())
    for (const char *mode : {"tf32", "tf32x3"})
      for (bool computed : {false, true})
        for (int flips = 0; flips < 4; ++flips)
          for (const auto &[m, n, depth] : shapes)
            check(device, {mode, bool(flips & 1), bool(flips & 2), computed, m, n, depth});
}

/// Inputs of f16 are exact in tf32, and its weights have as many digits as f16's: so f16's limits are tf32's. Three
/// products are as good as f32's own.
TEST(Tf32, Attention) {
  struct {
    int64_t queries, keys, depth, valueDepth;
    Mask::Kind mask;
  } shapes[] = {
      {64, 64, 64, 64, Mask::Kind::Full}, {70, 99, 128, 128, Mask::Kind::Causal}, {33, 130, 40, 72, Mask::Kind::Full}};
  for (const std::string &device : oneOfEachKind())
    for (const auto &[queries, keys, depth, valueDepth, mask] : shapes)
      for (int64_t products : {1, 3}) {
        const DataType precise = products == 1 ? DataType::F16 : DataType::F32;
        AttentionCase run;
        run.device = device, run.type = precise, run.seed = uint64_t(depth);
        run.shape = {1, queries, keys, 1, 2, depth, valueDepth};
        run.shape.mask = {mask};
        run.shape.scale = roundTo(1 / std::sqrt(double(depth)), DataType::F32);
        AttentionInputs inputs = seededInputs(run);
        run.type = DataType::F32, run.tuning = {{"tf32", products}};
        AttentionOutcome outcome = launchAttention(run, inputs);
        ASSERT_EQ(outcome.error, "") << run.describe();
        EXPECT_EQ(judge(run.shape, inputs, outcome.result, precise, false), "") << run.describe();
      }
}

/// What one product of tf32 rounds shows: the mode is what the host said, and not what was compiled before.
TEST(Tf32, AModeIsASpecialisation) {
  AttentionCase run;
  run.type = DataType::F32;
  run.shape = {1, 32, 32, 1, 1, 32, 32};
  run.shape.scale = 1;
  const AttentionInputs inputs = seededInputs(run);
  std::vector<std::vector<double>> found;
  for (int64_t products : {0, 1, 3, 0}) {
    run.tuning = {{"tf32", products}};
    AttentionOutcome outcome = launchAttention(run, inputs);
    ASSERT_EQ(outcome.error, "") << run.describe();
    found.push_back(outcome.result.o);
  }
  EXPECT_EQ(found[0], found[3]);
  EXPECT_NE(found[0], found[1]);
  EXPECT_NE(found[1], found[2]);
}

} // namespace
