//===- StorageGridTest.cpp - Attention's grids over stored sequences ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The grids that FlashAttention's tests run, for sequences one after another (10,560 cases), in pages (3,840) and split
// (2,880). The ordinary run takes a seeded sample of each that a simulated device runs soon, and prints it;
// `attention_test --long` takes all.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/attention/StoredCase.h"
#include "tests/support/Devices.h"
#include "tests/support/Grid.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

using Grid = std::vector<StoredCase>;

constexpr int64_t kDepths[] = {64, 96, 128, 192, 256};
constexpr int64_t kVarlen[][2] = {{1, 1},     {1, 3},       {2, 1},       {64, 128},   {128, 192}, {239, 1},
                                  {511, 1},   {3, 513},     {799, 3},     {113, 203},  {113, 128}, {128, 217},
                                  {113, 211}, {108, 256},   {256, 512},   {307, 256},  {384, 256}, {640, 128},
                                  {512, 256}, {1024, 1024}, {1023, 1024}, {2048, 2048}};

/// Types, heads, softcap, and masks with and without a window and causal, each for the body: 2 x 3 x 2 x 4.
template <typename Body> void forEachMeaning(const Body &body) {
  uint64_t seed = 1;
  for (DataType type : {DataType::F16, DataType::BF16})
    for (auto [keyHeads, group] : {std::pair<int64_t, int64_t>{3, 1}, {1, 3}, {2, 3}})
      for (double softcap : {0.0, 15.0})
        for (int bits = 0; bits < 4; ++bits) {
          StoredCase run;
          run.type = type;
          run.seed = seed++;
          run.shape = {1, 0, 0, keyHeads, group};
          run.shape.softcap = softcap;
          run.shape.mask = {bits & 2 ? Mask::Kind::Causal : Mask::Kind::Full};
          body(run, bits & 1);
        }
}

/// A window where one is asked for, of random sides.
void addWindow(StoredCase &run, int64_t keys, Random &random) {
  const bool isCausal = run.shape.mask.kind == Mask::Kind::Causal;
  const int64_t left = random.below(keys + 1), right = random.below(keys + 1);
  run.shape.mask = isCausal ? Mask{Mask::Kind::CausalWindow, left} : Mask{Mask::Kind::Window, left, right};
}

/// Devices take turns, each with the `many` cases of a meaning and a depth, which share what is compiled.
StoredCase &added(Grid &grid, StoredCase run, int64_t depth, bool hasWindow, int64_t longest, size_t many) {
  Random random(1000 + grid.size());
  const std::vector<std::string> devices = deviceNames();
  run.device = devices[grid.size() / many % devices.size()];
  run.sides = Sides::Arguments;
  run.shape.depth = run.shape.valueDepth = depth;
  run.shape.scale = 1 / std::sqrt(double(depth));
  run.seed = grid.size();
  if (hasWindow)
    addWindow(run, longest, random);
  grid.push_back(run);
  return grid.back();
}

/// Two sequences of the lengths, or four of random lengths up to them, zeros among them.
Grid varlenGrid() {
  Grid grid;
  forEachMeaning([&](const StoredCase &meaning, bool hasWindow) {
    for (int64_t depth : kDepths)
      for (const auto &lengths : kVarlen)
        for (bool isRandom : {false, true}) {
          StoredCase &run = added(grid, meaning, depth, hasWindow, lengths[1], 2 * std::size(kVarlen));
          run.isForward = true;
          run.queriesHow.kind = run.keysHow.kind = How::Kind::Ragged;
          run.queries.assign(2, lengths[0]), run.keys.assign(2, lengths[1]);
          if (!isRandom)
            continue;
          Random random(run.seed);
          run.queries = {random.below(lengths[0] + 1), 0, random.below(lengths[0] + 1), lengths[0]};
          run.keys = {lengths[1], random.below(lengths[1] + 1), 0, random.below(lengths[1] + 1)};
        }
  });
  return grid;
}

Grid pagedGrid() {
  Grid grid;
  forEachMeaning([&](const StoredCase &meaning, bool hasWindow) {
    for (int64_t depth : kDepths)
      for (int64_t page : {1, 5, 16, 256})
        for (auto [queries, keys] : {std::pair<int64_t, int64_t>{1, 128}, {3, 799}, {64, 128}, {256, 512}}) {
          StoredCase &run = added(grid, meaning, depth, hasWindow, keys, 16);
          run.isForward = true;
          run.keysHow = {How::Kind::Paged, page};
          run.queries.assign(2, queries), run.keys = {keys, keys / 2 + 1};
        }
  });
  return grid;
}

Grid splitGrid() {
  Grid grid;
  forEachMeaning([&](const StoredCase &meaning, bool hasWindow) {
    for (int64_t depth : kDepths)
      for (int64_t parts : {1, 2, 3, 8})
        for (auto [queries, keys] : {std::pair<int64_t, int64_t>{1, 128}, {3, 799}, {16, 512}}) {
          StoredCase &run = added(grid, meaning, depth, hasWindow, keys, 12);
          run.keysHow.kind = How::Kind::Padded;
          run.queries.assign(2, queries), run.keys = {keys, keys / 3};
          run.parts = parts;
        }
  });
  return grid;
}

double work(const StoredCase &run) {
  double sum = 0;
  for (size_t b = 0; b < run.queries.size(); ++b)
    sum += double(run.queries[b] * run.keys[b] * run.shape.heads() * run.shape.depth);
  return sum;
}

void checkGrid(const Grid &grid, size_t size, unsigned taken) {
  EXPECT_EQ(grid.size(), size);
  forEachTaken(grid, {taken, size, 6e6}, work, expectRight);
}

} // namespace

TEST(AttentionStorageGrid, OneAfterAnother) { checkGrid(varlenGrid(), 10560, 10); }
TEST(AttentionStorageGrid, Paged) { checkGrid(pagedGrid(), 3840, 8); }
TEST(AttentionStorageGrid, Split) { checkGrid(splitGrid(), 2880, 8); }
