//===- SearchSpaceTest.cpp - What a kernel's tuning may choose among -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Spaces that can be counted by hand, refusals with their numbers, and the model's order where it is beyond doubt.
//
//===----------------------------------------------------------------------===//

#include "compiler/SearchSpace.h"
#include "compiler/StaticModel.h"
#include <algorithm>
#include <gtest/gtest.h>

using namespace imbrex;

static const char *kText = R"(
kernel k<T: f16 | f32, D: int>(X: view<T>[N, D], Y: out view<T>[N, D])
tune { A: {16, 32, 64} = 32;  B: {8, 16} = 16;  warps: {1, 2, 64} = 2;
       where A * B <= 512;  when T == f32 { A = 16; }  when N > 100 { B = 8; }  rounding B; }
grid (cdiv(N, A)) |i| {
  for j in tiles(D, B) { store Y[i * A :+ A, j * B :+ B] = load X[i * A :+ A, j * B :+ B]; }
}
)";

static SearchRequest request(bool rounding) {
  SearchRequest request;
  request.options.set = {{"T", "f16"}, {"D", "64"}};
  request.rounding = rounding;
  return request;
}

static size_t allowed(const SearchSpace &space) {
  return size_t(std::count_if(space.points.begin(), space.points.end(),
                              [](const TunePoint &point) { return point.refusal.empty(); }));
}

static const TunePoint *find(const SearchSpace &space, int64_t a, int64_t b, int64_t warps) {
  for (const TunePoint &point : space.points)
    if (point.tuning == std::map<std::string, int64_t, std::less<>>{{"A", a}, {"B", b}, {"warps", warps}})
      return &point;
  return nullptr;
}

TEST(SearchSpace, EveryPointIsAllowedOrRefusedWithItsNumber) {
  SearchSpace space = searchSpace({"k.tile", kText}, request(true));
  ASSERT_EQ(space.points.size(), 18u);
  EXPECT_EQ(space.points[0].tuning, find(space, 32, 16, 2)->tuning) << "the standard first";
  EXPECT_EQ(allowed(space), 10u) << "of 3 x 2 x 2 with fewer warps than 64, those of 64 * 16 are left out";
  EXPECT_EQ(find(space, 64, 16, 2)->refusal, "the constraint (A * B) <= 512 does not hold: A is 64, B is 16");
  EXPECT_EQ(find(space, 32, 8, 64)->refusal, "'warps' must be 1 to 32, found 64");
  EXPECT_EQ(find(space, 32, 8, 1)->passes, 8);
  EXPECT_EQ(find(space, 32, 16, 1)->passes, 4);
}

TEST(SearchSpace, RoundingAndSettingsArePinned) {
  SearchSpace space = searchSpace({"k.tile", kText}, request(false));
  EXPECT_EQ(space.points.size(), 9u);
  EXPECT_EQ(find(space, 32, 8, 2), nullptr) << "B may change the last bits";
  SearchRequest pinned = request(true);
  pinned.options.set["warps"] = 1;
  EXPECT_EQ(searchSpace({"k.tile", kText}, pinned).points.size(), 6u);
  pinned.options.set["T"] = "f32";
  pinned.options.holds = {"N > 100"};
  EXPECT_EQ(searchSpace({"k.tile", kText}, pinned).points[0].tuning,
            (std::map<std::string, int64_t, std::less<>>{{"A", 16}, {"B", 8}, {"warps", 1}}));
}

/// CTAs that stay and warpgroups that take turns mean something where some warps copy for others.
TEST(SearchSpace, WhatMeansNothingOnATargetIsPinned) {
  const Source source{"k.tile", R"(
kernel k(X: view<f32>[N], Y: out view<f32>[N])
tune { warps: {4, 8} = 4; resident: {0, 1} = 0; turns: {0, 1} = 0; tf32: {0, 1, 3} = 0; }
grid (cdiv(N, 64)) |i| { store Y[i * 64 :+ 64] = load X[i * 64 :+ 64]; }
)"};
  for (auto [target, points] : {std::pair("sm_80", 2u), {"sm_90", 2u}, {"sm_90a", 8u}, {"sm_100", 2u}}) {
    SearchRequest request{{}, true, {}};
    request.options.target = target;
    EXPECT_EQ(searchSpace(source, request).points.size(), points) << target;
  }
}

TEST(SearchSpace, MistakesAreDiagnostics) {
  SearchSpace space = searchSpace({"k.tile", kText}, {});
  EXPECT_TRUE(space.points.empty());
  ASSERT_FALSE(space.diagnostics.empty());
  EXPECT_EQ(space.diagnostics[0].message, "parameter 'T' has no value; set it, for example T=f16");
  const char *large = "kernel k(X: view<f32>[N]) tune { A: 1..300 = 1; B: 1..300 = 1; } grid (1) |i| {}";
  EXPECT_EQ(searchSpace({"k.tile", large}, {}).diagnostics.at(0).message,
            "the tune block of 'k' has more than 65536 assignments: set some of its parameters");
}

// A loop over an extent that varies, and over what `let` names, of the first instance.
TEST(SearchSpace, PassesAreCountedByWhatIsKnown) {
  const char *text = R"(
kernel k(X: view<f32>[B, S[B], 64], Y: out view<f32>[B, S[B], 64])
tune { A: {16, 32} = 32; }
grid (4, B) |p, b| {
  let share = cdiv(S[b], 4); let first = min(p * share, S[b]);
  for i in tiles(min(first + share, S[b]) - first, A) {
    let at = first + i * A;
    store Y[b, at :+ A, :] = load X[b, at :+ A, :];
  }
}
)";
  SearchRequest request;
  request.extents = {{"S", 4096}, {"B", 2}};
  SearchSpace space = searchSpace({"k.tile", text}, request);
  ASSERT_EQ(space.points.size(), 2u);
  EXPECT_EQ(space.points[0].passes, 1024 / 32);
  EXPECT_EQ(space.points[1].passes, 1024 / 16);
  EXPECT_EQ(searchSpace({"k.tile", text}, {}).points.at(0).passes, 1) << "of an extent that is not told";
}

// What cannot be told for the first instance is no fault of the tuning.
TEST(SearchSpace, CountingPassesRefusesNothing) {
  const char *text = R"(
kernel k(X: view<f32>[N], Y: out view<f32>[N])
tune { A: {16, 32} = 32; }
grid (cdiv(N, A)) |i| {
  var x = load X[i * A :+ A];
  if i > 0 {
    for j in -(N / i)..0 { x = x + 1; }
  }
  for j in 0..2147483647 { for k in 0..2147483647 { x = x + 1; } }
  for j in 0..2147483647 { for k in 0..2147483647 { x = x + 1; } }
  store Y[i * A :+ A] = x;
}
)";
  SearchRequest request;
  request.extents = {{"N", 4096}};
  SearchSpace space = searchSpace({"k.tile", text}, request);
  ASSERT_EQ(space.points.size(), 2u);
  for (const TunePoint &point : space.points) {
    EXPECT_EQ(point.refusal, "");
    EXPECT_EQ(point.passes, int64_t(1) << 31) << "the most that is counted";
  }
}

static const char *kProduct = R"(
kernel p(A: view<f16>[M, K], B: view<f16>[K, N], C: out view<f16>[M, N])
tune { BM: {16, 64, 128} = 128;  warps: {1, 4, 8} = 4; }
grid (cdiv(M, BM), cdiv(N, 64)) |i, j| {
  var acc = fill<f32>[BM, 64](0);
  for k in tiles(K, 32) { acc = dot(load A[i * BM :+ BM, k * 32 :+ 32], load B[k * 32 :+ 32, j * 64 :+ 64], acc); }
  store C[i * BM :+ BM, j * 64 :+ 64] = cast<f16>(acc);
}
)";

static StaticEstimate productOf(const char *rows, const char *warps, int64_t m) {
  CompileOptions options;
  options.set = {{"BM", rows}, {"warps", warps}};
  CompileResult result = compile({"p.tile", kProduct}, options);
  EXPECT_TRUE(result.kernel) << result.errors();
  int64_t height = *Setting(rows).integer();
  ModelLaunch launch{(m + height - 1) / height * 64, 32};
  return result.kernel ? estimate(*result.kernel, {108, 167936}, launch) : StaticEstimate();
}

TEST(StaticModel, FewRowsWantASmallTileAndManyALargeOne) {
  EXPECT_LT(productOf("16", "1", 16).cycles, productOf("128", "4", 16).cycles);
  EXPECT_LT(productOf("128", "4", 1 << 14).cycles, productOf("16", "1", 1 << 14).cycles);
}

TEST(StaticModel, CountsRegistersOccupancyAndInstructions) {
  StaticEstimate small = productOf("64", "4", 4096), wide = productOf("128", "1", 4096);
  EXPECT_GT(small.registers, 32u) << "its accumulator alone has 32";
  EXPECT_FALSE(small.spills);
  EXPECT_TRUE(wide.spills) << "256 registers of accumulator in one warp";
  EXPECT_EQ(wide.registers, 255u);
  EXPECT_GT(small.residentCtas, wide.residentCtas / 4);
  EXPECT_GT(small.loopInstructions, 0u);
  EXPECT_GT(small.instructions, small.loopInstructions);
}

// One slot: each tile's copy waits until the tile before it was used.
TEST(StaticModel, OneStageHidesNothing) {
  CompileResult result = compile({"p.tile", kProduct}, {});
  ASSERT_TRUE(result.kernel) << result.errors();
  auto cycles = [&](int64_t stages) {
    result.kernel->interface.constants["stages"] = stages;
    return estimate(*result.kernel, {108, 167936}, {108, 32}).cycles;
  };
  EXPECT_GT(cycles(1), cycles(2));
  EXPECT_EQ(cycles(2), cycles(3));
}

TEST(StaticModel, WarpsThatOnlyCopyDoNotCompute) {
  CompileResult result = compile({"p.tile", kProduct}, {});
  ASSERT_TRUE(result.kernel) << result.errors();
  KernelInterface &interface = result.kernel->interface;
  interface.sharedBytes = 160 * 1024; // one CTA an SM, however many warps it has
  auto cycles = [&] { return estimate(*result.kernel, {1, 167936}, {1, 100000}).cycles; };
  const double before = cycles();
  interface.warps *= 4; // the others have another role
  EXPECT_NEAR(cycles() / before, 1, 0.01);
  interface.constants["warps"] *= 4; // all compute
  EXPECT_GT(cycles() / before, 1.2);
}
