//===- AttentionUnseenTest.cpp - What keys that are not seen may hold -----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both halves of the rule in kernels/README.md. A key or value that no query of a tile can see, by the bounds
// of the mask or by the lengths, never reaches that tile's rows, whatever it holds. A NaN of V that some query
// of the tile sees, or that only a mask without bounds hides, may spoil the rows of that tile, and of no other;
// a NaN of K spoils nothing but the rows that see it.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/AttentionRun.h"
#include "tests/support/AttentionJudge.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/RunMode.h"
#include "tests/support/Storage.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();

class AttentionUnseen : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Devices, AttentionUnseen, ::testing::ValuesIn(oneOfEachKind()),
                         [](const auto &info) { return info.param.substr(0, info.param.find(':')); });

/// Tiles of BM queries and BN keys.
struct Tiles {
  int64_t m, n;
};

AttentionCase caseOf(const std::string &device, DataType type, Mask mask, Tiles tiles) {
  AttentionCase run;
  run.device = device;
  run.type = type;
  run.shape = {1, 75, 90, 1, 2, 32, 32, mask, 0.2};
  run.seed = uint64_t(tiles.m * 100 + tiles.n);
  run.tuning = {{"BM", tiles.m}, {"BN", tiles.n}, {"warps", 4}};
  return run;
}

/// Calls visit(row) for the rows of o or lse, seen as [batch, query, head], and their first element's place.
template <typename Visit> void forEachRow(const AttentionShape &shape, Visit visit) {
  for (int64_t b = 0; b < shape.batch; ++b)
    for (int64_t i = 0; i < shape.queries; ++i)
      for (int64_t h = 0; h < shape.heads(); ++h)
        visit(b, i, size_t(((b * shape.queries + i) * shape.heads() + h) * shape.valueDepth),
              size_t((b * shape.heads() + h) * shape.queries + i));
}

struct Stored {
  std::vector<uint8_t> o, lse;
};

/// What attention_forward stores with this mask of the shape's, whatever `run` says of masks.
Stored launchWithMask(const AttentionCase &run, const std::string &mask, const AttentionInputs &inputs) {
  const Runtime &runtime = runtimeOf(run.device);
  Kernel kernel = runtime.load(inRoot("kernels/attention_forward.tile")).value().kernel().value();
  kernel.hook("mask", mask).set("BN", 32);
  const AttentionShape &shape = run.shape;
  auto tensor = [&](int64_t sequence, int64_t heads, const std::vector<double> *values) {
    return Tensor(runtime, run.type, denseLayout({1, sequence, heads, 32}), values);
  };
  Tensor q = tensor(shape.queries, 2, &inputs.q), k = tensor(shape.keys, 1, &inputs.k),
         v = tensor(shape.keys, 1, &inputs.v);
  Tensor o = tensor(shape.queries, 2, nullptr), l(runtime, DataType::F32, denseLayout({1, 2, shape.queries}));
  kernel
      .launch(
          runtime.stream(),
          {{"Q", q.view()}, {"K", k.view()}, {"V", v.view()}, {"O", o.view()}, {"L", l.view()}, {"scale", shape.scale}})
      .value();
  return {o.readBytes(), l.readBytes()};
}

/// A batch a tile of queries: in batch t all keys and values that no query of tile t sees hold NaN and infinities.
/// The rows of tile t in batch t must be right; what becomes of the others there is not looked at.
void checkEveryTile(AttentionCase run, int64_t tileRows) {
  AttentionShape &shape = run.shape;
  shape.batch = (shape.queries + tileRows - 1) / tileRows;
  const AttentionInputs clean = seededInputs(run);
  AttentionInputs inputs = clean;
  for (int64_t b = 0; b < shape.batch; ++b)
    for (int64_t j = 0; j < shape.keys; ++j) {
      bool isSeen = false;
      for (int64_t i = b * tileRows; i < std::min((b + 1) * tileRows, shape.queries); ++i)
        isSeen |= shape.mask.sees(i, j, shape.queries, shape.keys);
      if (isSeen)
        continue;
      const int64_t row = b * shape.keys + j;
      std::fill_n(inputs.k.begin() + row * shape.depth, shape.depth, j % 2 ? kNan : kInfinity);
      std::fill_n(inputs.v.begin() + row * shape.valueDepth, shape.valueDepth, j % 2 ? -kInfinity : kNan);
    }
  AttentionOutcome outcome = launchAttention(run, inputs);
  ASSERT_EQ(outcome.error, "") << run.describe();
  AttentionShape exact = shape;
  exact.scale = roundTo(shape.scale, wideType(run.type));
  AttentionResult reference = attend(exact, clean);
  forEachRow(shape, [&](int64_t b, int64_t i, size_t o, size_t lse) {
    if (i / tileRows == b)
      return;
    std::copy_n(reference.o.begin() + int64_t(o), shape.valueDepth, outcome.result.o.begin() + int64_t(o));
    outcome.result.lse[lse] = reference.lse[lse];
  });
  EXPECT_EQ(judge(exact, clean, outcome.result, run.type), "") << run.describe();
}

} // namespace

TEST_P(AttentionUnseen, WhatNoQueryOfATileSeesNeverReachesIt) {
  using enum Mask::Kind;
  static constexpr Mask masks[] = {{Causal},        {CausalTopLeft}, {Window, 4, 0},    {Window, 20, -1},
                                   {Window, -1, 3}, {Window, 7, 11}, {CausalWindow, 40}};
  static constexpr Tiles tiles[] = {{16, 16}, {32, 64}, {64, 16}, {64, 32}, {128, 64}};
  Random random(3);
  for (DataType type : {DataType::F16, DataType::BF16, DataType::F32, DataType::F64})
    for (const Mask &mask : masks)
      for (int taken = 0; taken < (isLongRun() ? 12 : 1); ++taken) {
        const Tiles tile = byteSize(type) == 2 ? random.oneOf(tiles) : tiles[size_t(random.below(4))];
        AttentionCase run = caseOf(GetParam(), type, mask, tile);
        run.placeK = random.oneOf(kPlacements), run.placeV = random.oneOf(kPlacements);
        checkEveryTile(run, tile.m);
      }
}

/// More queries than keys, and fewer: tiles whose first rows see nothing, and tiles that see everything.
TEST_P(AttentionUnseen, AlsoWhereRowsSeeNothing) {
  for (auto [queries, keys] : {std::pair<int64_t, int64_t>{120, 50}, {20, 90}, {64, 64}, {65, 1}})
    for (const Mask &mask : {Mask{Mask::Kind::Causal}, Mask{Mask::Kind::Window, 9, 9}})
      for (Tiles tile : {Tiles{16, 32}, Tiles{64, 16}}) {
        AttentionCase run = caseOf(GetParam(), DataType::F16, mask, tile);
        run.shape.queries = queries, run.shape.keys = keys;
        checkEveryTile(run, tile.m);
      }
}

/// A NaN in column 3 of value 50, which queries from 35 on see: they are NaN there. Other rows of their tile may be;
/// no other tile is touched, and no other column.
TEST_P(AttentionUnseen, ANanOfVThatIsSeenSpoilsItsTileAlone) {
  for (DataType type : {DataType::F16, DataType::F64})
    for (Tiles tile : {Tiles{16, 16}, Tiles{32, 16}, Tiles{64, 32}}) {
      AttentionCase run = caseOf(GetParam(), type, {Mask::Kind::Causal}, tile);
      const AttentionShape &shape = run.shape;
      const AttentionInputs clean = seededInputs(run);
      AttentionInputs inputs = clean;
      inputs.v[size_t(50 * shape.valueDepth + 3)] = kNan;
      AttentionOutcome expected = launchAttention(run, clean), actual = launchAttention(run, inputs);
      ASSERT_EQ(expected.error + actual.error, "");
      forEachRow(shape, [&](int64_t, int64_t i, size_t o, size_t lse) {
        EXPECT_EQ(actual.result.lse[lse], expected.result.lse[lse]) << i;
        for (int64_t d = 0; d < shape.valueDepth; ++d) {
          const double found = actual.result.o[o + size_t(d)], right = expected.result.o[o + size_t(d)];
          const bool sees = i >= 35, isInTile = i / tile.m >= 35 / tile.m;
          if (d == 3 && sees)
            EXPECT_TRUE(std::isnan(found)) << run.describe() << " row " << i;
          else if (d != 3 || !isInTile || !std::isnan(found))
            EXPECT_EQ(found, right) << run.describe() << " row " << i << " column " << d;
        }
      });
    }
}

/// A NaN anywhere in a key makes NaN of the rows that see it and of nothing else, in the same tile or not.
TEST_P(AttentionUnseen, ANanOfKSpoilsTheRowsThatSeeIt) {
  for (DataType type : {DataType::BF16, DataType::F32})
    for (Tiles tile : {Tiles{16, 16}, Tiles{64, 32}}) {
      AttentionCase run = caseOf(GetParam(), type, {Mask::Kind::Window, 5, 2}, tile);
      const AttentionShape &shape = run.shape;
      const AttentionInputs clean = seededInputs(run);
      AttentionInputs inputs = clean;
      inputs.k[size_t(50 * shape.depth + 7)] = kNan;
      AttentionOutcome expected = launchAttention(run, clean), actual = launchAttention(run, inputs);
      ASSERT_EQ(expected.error + actual.error, "");
      forEachRow(shape, [&](int64_t, int64_t i, size_t o, size_t) {
        const bool sees = shape.mask.sees(i, 50, shape.queries, shape.keys);
        for (int64_t d = 0; d < shape.valueDepth; ++d)
          if (sees)
            EXPECT_TRUE(std::isnan(actual.result.o[o + size_t(d)])) << run.describe() << " row " << i;
          else
            EXPECT_EQ(actual.result.o[o + size_t(d)], expected.result.o[o + size_t(d)])
                << run.describe() << " row " << i;
      });
    }
}

/// A mask that no comparison bounds: every third key is hidden. What it hides has weight exactly zero: keys that are
/// NaN and values as large as they come change no bit. A NaN among those values may spoil.
TEST_P(AttentionUnseen, WhatAMaskWithoutBoundsHidesHasWeightZero) {
  AttentionCase run = caseOf(GetParam(), DataType::F16, {}, {64, 32});
  const AttentionShape &shape = run.shape;
  AttentionInputs clean = seededInputs(run);
  auto fillHidden = [&](double key, double value) {
    for (int64_t j = 1; j < shape.keys; j += 3) {
      std::fill_n(clean.k.begin() + j * shape.depth, shape.depth, key);
      std::fill_n(clean.v.begin() + j * shape.valueDepth, shape.valueDepth, value);
    }
  };
  auto launch = [&] { return launchWithMask(run, "at.k % 3 != 1 && at.k >= 0 * at.q", clean).o; };
  const std::vector<uint8_t> expected = launch();
  fillHidden(kNan, 65504);
  EXPECT_EQ(launch(), expected);
  fillHidden(-kInfinity, -65504);
  EXPECT_EQ(launch(), expected);
}

/// What all queries and keys share shows all or nothing: where nothing, NaN in every key and value reaches no row.
TEST_P(AttentionUnseen, AMaskThatShowsNothingReadsNothing) {
  AttentionCase run = caseOf(GetParam(), DataType::F16, {}, {64, 32});
  AttentionInputs inputs = seededInputs(run);
  std::ranges::fill(inputs.k, kNan), std::ranges::fill(inputs.v, kNan);
  const int64_t rows = run.shape.queries;
  for (const char *mask : {"false", "at.b > 0", "at.Sk != 90 || at.h < 0", "at.Sk / 9 * 9 < at.Sk && causal(at)"}) {
    const Stored stored = launchWithMask(run, mask, inputs);
    EXPECT_TRUE(std::ranges::all_of(stored.o, [](uint8_t byte) { return byte == 0; })) << mask;
    std::vector<float> lse(size_t(2 * rows));
    ASSERT_EQ(stored.lse.size(), lse.size() * sizeof(float));
    std::memcpy(lse.data(), stored.lse.data(), stored.lse.size());
    EXPECT_TRUE(std::ranges::all_of(lse, [](float each) { return each == -INFINITY; })) << mask;
  }
  const std::vector<uint8_t> o = launchWithMask(run, "at.h == 1", inputs).o; // of head 0
  for (size_t row = 0; row < size_t(rows); ++row)
    EXPECT_TRUE(std::all_of(o.begin() + int64_t(row * 128), o.begin() + int64_t(row * 128 + 64), [](uint8_t byte) {
      return byte == 0;
    })) << row;
}
