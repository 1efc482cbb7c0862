//===- AttentionGridTest.cpp - Attention over its grid of shapes ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The grid of types, heads, masks, softcap, depths and lengths, on every device. The ordinary run takes a
// seeded sample and prints it; `kernels_test --long` takes all 4,800 cases.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/AttentionRun.h"
#include "tests/support/Devices.h"
#include "tests/support/Grid.h"
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

static constexpr int64_t kLengths[][2] = {{1, 1},       {64, 128},    {128, 192},   {256, 256},   {239, 1},
                                          {799, 3},     {113, 203},   {113, 128},   {128, 217},   {113, 211},
                                          {108, 256},   {256, 512},   {384, 256},   {640, 128},   {512, 256},
                                          {1024, 1024}, {1023, 1024}, {1024, 1023}, {4096, 4096}, {4224, 4224}};
static constexpr int64_t kDepths[] = {64, 96, 128, 192, 256};

/// Windows and causal masks in equal parts, by two bits: a random window, causal.
static Mask maskOf(bool hasWindow, bool isCausal, int64_t keys, Random &random) {
  if (!hasWindow)
    return {isCausal ? Mask::Kind::Causal : Mask::Kind::Full};
  int64_t left = random.below(keys + 1), right = random.below(keys + 1);
  return isCausal ? Mask{Mask::Kind::CausalWindow, left} : Mask{Mask::Kind::Window, left, right};
}

/// Sequences of 4096 and more, which show what length alone does, have one key head and at most three queries to it.
static void takeHeads(AttentionShape &shape, int64_t keyHeads, int64_t group) {
  const bool isLong = shape.queries >= 4096;
  shape.keyHeads = isLong ? 1 : keyHeads;
  shape.group = isLong && keyHeads == 1 ? 2 : group;
}

/// The whole grid, in a fixed order; devices take turns, each with all lengths of a meaning, so that what is compiled
/// for one is used for the others.
static std::vector<AttentionCase> wholeGrid() {
  std::vector<AttentionCase> grid;
  std::vector<std::string> devices = deviceNames();
  for (DataType type : {DataType::F16, DataType::BF16})
    for (auto [keyHeads, group] : {std::pair<int64_t, int64_t>{3, 1}, {1, 3}, {2, 3}})
      for (double softcap : {0.0, 15.0})
        for (int bits = 0; bits < 4; ++bits)
          for (int64_t depth : kDepths)
            for (const auto &lengths : kLengths) {
              Random random(1000 + grid.size());
              AttentionCase run;
              run.device = devices[grid.size() / std::size(kLengths) % devices.size()];
              run.type = type;
              run.seed = 7000 + grid.size();
              run.shape = {1, lengths[0], lengths[1], 1, 1, depth, depth};
              takeHeads(run.shape, keyHeads, group);
              run.shape.mask = maskOf(bits & 1, bits & 2, lengths[1], random);
              run.shape.scale = 1 / std::sqrt(double(depth));
              run.shape.softcap = softcap;
              grid.push_back(run);
            }
  return grid;
}

/// What the grid leaves out: other types, depths and placements, values as deep as they like.
static AttentionCase randomCase(uint64_t seed) {
  static constexpr DataType types[] = {DataType::F16,  DataType::BF16, DataType::F16,
                                       DataType::BF16, DataType::F32,  DataType::F64};
  static constexpr int64_t lengths[] = {1, 2, 3, 17, 31, 32, 33, 63, 64, 65, 100, 127, 129, 239, 300};
  static constexpr int64_t tileRows[] = {16, 32, 64};
  Random random(seed);
  AttentionCase run;
  run.device = random.oneOf(deviceNames());
  run.type = random.oneOf(types);
  run.seed = seed;
  AttentionShape &shape = run.shape;
  shape.batch = 1 + random.below(2);
  shape.queries = random.oneOf(lengths);
  shape.keys = random.oneOf(lengths);
  shape.keyHeads = random.below(2) ? 3 : 1;
  shape.group = shape.keyHeads == 3 ? 1 : 3;
  shape.depth = 8 + 8 * random.below(random.below(4) ? 16 : 32);
  shape.valueDepth = random.below(2) ? shape.depth : 8 + 8 * random.below(random.below(4) ? 16 : 32);
  shape.scale = 1 / std::sqrt(double(shape.depth));
  shape.softcap = random.below(4) ? 0 : 15;
  shape.mask = maskOf(random.below(2), random.below(2), shape.keys, random);
  if (random.below(6) == 0)
    shape.mask = {Mask::Kind::CausalTopLeft};
  if (byteSize(run.type) == 2 && std::max(shape.depth, shape.valueDepth) <= 128)
    run.tuning = {{"BM", random.oneOf(tileRows)}, {"BN", random.oneOf(tileRows)}};
  for (Placement *place : {&run.placeQ, &run.placeK, &run.placeV, &run.placeO})
    *place = random.below(3) ? Placement::Dense : random.oneOf(kPlacements);
  return run;
}

static double work(const AttentionCase &run) {
  const AttentionShape &shape = run.shape;
  return double(shape.batch * shape.heads() * shape.queries * shape.keys) * double(shape.depth + shape.valueDepth);
}

static void check(const AttentionCase &run) {
  std::printf("  %s\n", run.describe().c_str());
  std::fflush(stdout);
  std::string problem = checkAttention(run, seededInputs(run));
  EXPECT_EQ(problem, "") << run.describe();
}

TEST(AttentionGrid, ASampleOrAllOfTheGrid) {
  std::vector<AttentionCase> grid = wholeGrid();
  EXPECT_EQ(grid.size(), 4800u);
  forEachTaken(grid, {16, 20, 1e7}, work, check);
}

TEST(AttentionGrid, TypesDepthsAndPlacements) {
  for (uint64_t seed = 1, taken = 0; taken < (isLongRun() ? 600u : 24u); ++seed) {
    AttentionCase run = randomCase(seed);
    if (!isLongRun() && work(run) > 1e7)
      continue;
    check(run);
    ++taken;
  }
}
