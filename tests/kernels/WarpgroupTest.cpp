//===- WarpgroupTest.cpp - Products by wgmma, copies by TMA -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// On a simulated H200, small integers as floats of 16 and 8 bits, whose products and sums are exact: against plain
// loops, stored both ways, from registers and from shared memory, with views that the copy engine can copy and such
// that it cannot. And attention, whose bits must not depend on who copies.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/RunMode.h"
#include "tests/support/Storage.h"
#include "tests/support/Tensor.h"
#include <algorithm>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

struct ProductCase {
  DataType type;
  bool flipA, flipB; ///< stored as K x M, N x K
  bool computed;     ///< A goes through arithmetic first
  int64_t bm, bn, bk, warps;
};

std::string textOf(const ProductCase &run) {
  std::string type(name(run.type)), bm = std::to_string(run.bm), bn = std::to_string(run.bn),
                                    bk = std::to_string(run.bk);
  std::string rows = "i * " + bm + " :+ " + bm, columns = "j * " + bn + " :+ " + bn, depth = "k * " + bk + " :+ " + bk;
  return "kernel product(A: view<" + type + ">[" + (run.flipA ? "K, M" : "M, K") + "], B: view<" + type + ">[" +
         (run.flipB ? "N, K" : "K, N") + "], C: out view<f32>[M, N])\ntune { warps: {" + std::to_string(run.warps) +
         "} = " + std::to_string(run.warps) + "; stages: 1..4 = 3; }\ngrid (cdiv(M, " + bm + "), cdiv(N, " + bn +
         ")) |i, j| {\nvar acc = fill<f32>[" + bm + ", " + bn + "](0);\nfor k in tiles(K, " + bk +
         ") {\nlet a = load A[" + (run.flipA ? depth + ", " + rows : rows + ", " + depth) + "];\nlet b = load B[" +
         (run.flipB ? columns + ", " + depth : depth + ", " + columns) + "];\nacc = dot" +
         (run.type == DataType::F32 ? "<tf32>(" : "(") + (run.computed ? "cast<" + type + ">(2 * cast<f32>(a))" : "a") +
         (run.flipA ? ".T" : "") + ", " + (run.flipB ? "b.T" : "b") + ", acc);\n}\nstore C[" + rows + ", " + columns +
         "] = acc;\n}\n";
}

/// The product of small integers, M x N over `depth`, as the device makes it of arrays that start `shift` elements on.
void check(const ProductCase &run, int64_t m, int64_t n, int64_t depth, int64_t shift) {
  const Runtime &runtime = runtimeOf("sim:h200");
  Random random(uint64_t(m * 7 + n * 3 + depth));
  auto integers = [&](int64_t count) {
    std::vector<double> values = random.normals(count);
    for (double &value : values)
      value = std::round(std::clamp(value, -3.0, 3.0));
    return values;
  };
  std::vector<double> a = integers(m * depth), b = integers(depth * n), expected;
  auto layout = [&](int64_t rows, int64_t columns, bool flip) {
    Layout dense = flip ? denseLayout({columns, rows}) : denseLayout({rows, columns});
    dense.first += shift;
    dense.span += shift;
    return dense;
  };
  Tensor tensorA(runtime, run.type, layout(m, depth, run.flipA), &a);
  Tensor tensorB(runtime, run.type, layout(depth, n, run.flipB), &b);
  Tensor tensorC(runtime, DataType::F32, denseLayout({m, n}));
  Kernel kernel = runtime.loadSource({"product.tile", textOf(run)}).value().kernel().value();
  kernel.launch(runtime.stream(), {{"A", tensorA.view()}, {"B", tensorB.view()}, {"C", tensorC.view()}}).value();
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < depth; ++k)
        sum += (run.computed ? 2 : 1) * a[size_t(run.flipA ? k * m + i : i * depth + k)] *
               b[size_t(run.flipB ? j * depth + k : k * n + j)];
      expected.push_back(sum);
    }
  EXPECT_EQ(tensorC.read(), expected) << m << "x" << n << "x" << depth << " from element " << shift << "\n"
                                      << textOf(run);
}

TEST(Warpgroups, ProductsAreExact) {
  struct Tile {
    int64_t bm, bn, bk, warps;
  };
  const Tile tiles[] = {{64, 8, 16, 4},
                        {64, 40, 64, 4},
                        {128, 136, 48, 8},
                        {64, 256, 32, 4},
                        {128, 64, 96, 4},
                        {64, 264, 32, 4},
                        // warpgroups beside one another, which share rows
                        {64, 128, 64, 8},
                        {64, 32, 32, 8},
                        {128, 256, 32, 16},
                        {64, 256, 16, 16},
                        // the last one's columns are partly beyond the product
                        {64, 96, 64, 8},
                        {64, 192, 32, 8},
                        {64, 136, 48, 12},
                        {128, 160, 32, 16}};
  unsigned cases = 0;
  for (const Tile &tile : tiles)
    for (unsigned bits = 0; bits < 8; ++bits) {
      const bool isTaken = isLongRun() || (bits + cases) % 3 == 0;
      ++cases;
      if (!isTaken)
        continue;
      ProductCase run{bits & 1 ? DataType::F16 : DataType::BF16,
                      (bits & 2) != 0,
                      (bits & 4) != 0,
                      bits == 0 || bits == 5,
                      tile.bm,
                      tile.bn,
                      tile.bk,
                      tile.warps};
      check(run, 136, 72, 144, 0); // rows of whole 16 bytes: by the copy engine
      check(run, 75, 45, 83, 1);   // by threads
    }
}

/// Operands that lie along M or N are restaged, by the warps that copy or, where these are none, by those that compute.
TEST(Warpgroups, ProductsOfBytesAreExact) {
  struct Tile {
    int64_t bn, bk, warps;
  };
  unsigned cases = 0;
  for (DataType type : {DataType::F8E4M3, DataType::F8E5M2})
    for (const Tile &tile : {Tile{40, 64, 4}, Tile{64, 64, 8}, Tile{96, 32, 4}, Tile{24, 48, 4}, Tile{128, 160, 4},
                             Tile{96, 64, 8}, Tile{80, 32, 12}})
      for (unsigned bits = 0; bits < 8; ++bits) {
        if (!isLongRun() && ++cases % 4 != 0)
          continue;
        ProductCase run{type, (bits & 2) != 0, (bits & 4) != 0, (bits & 1) != 0, 64, tile.bn, tile.bk, tile.warps};
        check(run, 80, 48, 160, 0);
        check(run, 75, 45, 83, 1); // by threads
      }
}

/// Of f32 rounded to tf32: small integers are that.
TEST(Warpgroups, ProductsOfWordsAreExact) {
  struct Tile {
    int64_t bm, bn, bk, warps;
  };
  unsigned cases = 0;
  for (const Tile &tile : {Tile{64, 8, 8, 4}, Tile{64, 40, 32, 4}, Tile{64, 64, 24, 8}, Tile{128, 96, 16, 8},
                           Tile{128, 32, 64, 8}, Tile{64, 24, 40, 4}, Tile{64, 96, 32, 8}})
    for (unsigned bits = 0; bits < 8; ++bits) {
      if (!isLongRun() && ++cases % 4 != 0)
        continue;
      ProductCase run{DataType::F32, (bits & 2) != 0, (bits & 4) != 0, (bits & 1) != 0,
                      tile.bm,       tile.bn,         tile.bk,         tile.warps};
      check(run, 136, 72, 144, 0);
      check(run, 75, 45, 83, 1); // by threads
    }
}

/// tf32's nearest, ties away from zero: half of the last digit that is kept carries into it.
float nearestTf32(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  return std::isfinite(x) ? std::bit_cast<float>((bits + 0x1000) & ~0x1fffu) : x;
}

/// f32 that are hard to round: halves and their neighbours at many exponents, denormals, what becomes infinite, NaN.
std::vector<double> hardToRound(int64_t count) {
  const uint32_t low[] = {0x0fff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x3001, 0, 0x1fff};
  const uint32_t high[] = {0,          0x3f800000, 0x3ffff000, 0x3fffe000, 0x7f7fe000, 0x00800000, 0x007fe000,
                           0xbf800000, 0xc0490000, 0x7f800000, 0x7fc00000, 0x5f000000, 0x1f000000, 0xff800000};
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t above = high[size_t(i) / std::size(low) % std::size(high)];
    const bool isNumber = (above & 0x7f800000) != 0x7f800000;
    values.push_back(std::bit_cast<float>(above | (isNumber ? low[size_t(i) % std::size(low)] : 0)));
  }
  return values;
}

/// A diagonal of such numbers times one of ones: what an operand is rounded to is on the diagonal of the product, where
/// nothing else is.
TEST(Warpgroups, WordsAreRoundedToTheNearest) {
  constexpr int64_t kSize = 128;
  const Runtime &runtime = runtimeOf("sim:h200");
  std::vector<double> hard = hardToRound(kSize), one(kSize * kSize), values(kSize * kSize);
  for (int64_t i = 0; i < kSize; ++i) {
    one[size_t(i * kSize + i)] = 1;
    values[size_t(i * kSize + i)] = hard[size_t(i)];
  }
  for (unsigned bits = 0; bits < 32; ++bits) {
    ProductCase run{DataType::F32, (bits & 2) != 0, (bits & 4) != 0, (bits & 1) != 0, 64, 64, 32, bits & 16 ? 8 : 4};
    const bool isLeft = bits & 8;
    Kernel kernel = runtime.loadSource({"product.tile", textOf(run)}).value().kernel().value();
    Tensor a(runtime, DataType::F32, denseLayout({kSize, kSize}), isLeft ? &values : &one);
    Tensor b(runtime, DataType::F32, denseLayout({kSize, kSize}), isLeft ? &one : &values);
    Tensor c(runtime, DataType::F32, denseLayout({kSize, kSize}));
    kernel.launch(runtime.stream(), {{"A", a.view()}, {"B", b.view()}, {"C", c.view()}}).value();
    std::vector<double> found = c.read();
    for (int64_t i = 0; i < kSize; ++i) {
      const float factor = run.computed ? 2 : 1, x = float(hard[size_t(i)]);
      const float expected = isLeft ? nearestTf32(factor * x) : factor * nearestTf32(x);
      EXPECT_TRUE(std::isnan(expected) ? std::isnan(found[size_t(i * kSize + i)])
                                       : found[size_t(i * kSize + i)] == expected)
          << x << " became " << found[size_t(i * kSize + i)] << ", not " << expected << "\n"
          << textOf(run);
    }
  }
}

/// The bits of attention on views of a placement, by products of `type`.
std::vector<uint8_t> attention(const Runtime &runtime, DataType type, Placement placement, int64_t stages,
                               const std::string &mask, int64_t depth) {
  Random random(5);
  auto values = [&](int64_t rows) { return roundTo(random.normals(rows * depth), type); };
  std::vector<double> q = values(150), k = values(300), v = values(300);
  Tensor tensorQ(runtime, type, placed({1, 150, 1, depth}, placement), &q);
  Tensor tensorK(runtime, type, placed({1, 300, 1, depth}, placement), &k);
  Tensor tensorV(runtime, type, placed({1, 300, 1, depth}, placement), &v);
  Tensor tensorO(runtime, type == DataType::F32 ? type : DataType::BF16, denseLayout({1, 150, 1, depth}));
  const std::string file = isF8(type) ? "attention_bytes.tile" : "attention_forward.tile";
  Kernel kernel = runtime.load(inRoot("kernels/" + file)).value().kernel().value();
  kernel.set("BM", 128);
  kernel.set("BN", 64);
  kernel.set("warps", 8);
  kernel.set("stages", stages);
  if (type == DataType::F32)
    kernel.set("tf32", 1);
  kernel.hook("mask", mask);
  kernel
      .launch(runtime.stream(),
              {{"Q", tensorQ.view()}, {"K", tensorK.view()}, {"V", tensorV.view()}, {"O", tensorO.view()}})
      .value();
  return tensorO.readBytes();
}

TEST(Warpgroups, TheBitsDoNotDependOnWhoCopies) {
  const Runtime &runtime = runtimeOf("sim:h200");
  for (DataType type : {DataType::BF16, DataType::F8E4M3, DataType::F32})
    for (const char *mask : {"full", "causal", "window(40, 0)"})
      for (int64_t depth : {64, 96}) {
        if (type == DataType::F32 && !isLongRun() && depth != 64)
          continue;
        const std::string what = std::string(mask) + " " + std::to_string(depth) + " " + std::string(name(type));
        std::vector<uint8_t> byEngine = attention(runtime, type, Placement::Dense, 2, mask, depth);
        for (Placement placement : {Placement::Packed, Placement::Unaligned, Placement::OddRows})
          EXPECT_EQ(attention(runtime, type, placement, 2, mask, depth), byEngine) << what << " " << name(placement);
        for (int64_t stages : {1, 3})
          EXPECT_EQ(attention(runtime, type, Placement::Dense, stages, mask, depth), byEngine) << what << " " << stages;
      }
}

/// Without warps that copy, those that compute restage what they multiply by.
TEST(Warpgroups, TheBitsDoNotDependOnWhoRestages) {
  for (const char *pass : {"cta-assign-roles", "cta-skew-loops"}) {
    RuntimeOptions options;
    options.device = "sim:h200";
    auto compiler = [pass](const Source &source, CompileOptions compileOptions) {
      compileOptions.without.insert(pass);
      return compile(source, compileOptions);
    };
    options.compiler = CompilerFunctions{compiler, describe, std::string(compilerBuildId()) + pass};
    Runtime other = Runtime::open(options).value();
    for (DataType type : {DataType::F8E4M3, DataType::F32})
      for (const char *mask : {"full", "causal"})
        for (int64_t stages : {1, 2})
          EXPECT_EQ(attention(other, type, Placement::Dense, stages, mask, 64),
                    attention(runtimeOf("sim:h200"), type, Placement::Dense, 2, mask, 64))
              << name(type) << " " << mask << " without " << pass << ", " << stages << " stages";
  }
}

/// tf32 is a step of 8 of K an instruction in both: sums are made in one order.
TEST(Warpgroups, WordsGiveTheBitsOfMmaSync) {
  for (const char *mask : {"full", "causal"})
    for (int64_t depth : {64, 96})
      EXPECT_EQ(attention(runtimeOf("sim:h200"), DataType::F32, Placement::Dense, 1, mask, depth),
                attention(runtimeOf("sim:a100"), DataType::F32, Placement::Dense, 1, mask, depth))
          << mask << " " << depth;
}

TEST(Warpgroups, AViewWithoutAMapIsCopiedByThreads) {
  const Runtime &runtime = runtimeOf("sim:h200");
  ProductCase run{DataType::F16, false, false, false, 64, 64, 32, 4};
  Kernel kernel = runtime.loadSource({"product.tile", textOf(run)}).value().kernel().value();
  std::vector<double> row(64, 1.0), b(64 * 64, 2.0);
  Tensor tensorB(runtime, DataType::F16, denseLayout({64, 64}), &b);
  Tensor tensorRow(runtime, DataType::F16, denseLayout({64}), &row);
  Tensor tensorC(runtime, DataType::F32, denseLayout({80, 64}));
  View view = tensorRow.view();
  view.extents = Dims{80, 64};
  view.strides = Dims{0, 1};
  kernel.launch(runtime.stream(), {{"A", view}, {"B", tensorB.view()}, {"C", tensorC.view()}}).value();
  EXPECT_EQ(tensorC.read(), std::vector<double>(80 * 64, 128.0));
}

/// The driver makes no map of a view without elements, be it read or stored.
TEST(Warpgroups, AnyExtentMayBeZero) {
  ProductCase run{DataType::F16, false, false, false, 64, 64, 32, 4};
  check(run, 0, 64, 64, 0);
  check(run, 64, 0, 64, 0);
  check(run, 64, 64, 0, 0);
}

} // namespace
