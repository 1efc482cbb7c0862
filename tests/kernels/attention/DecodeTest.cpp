//===- DecodeTest.cpp - attention::decode against attention's definition --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keys dense, padded, ragged and paged, queries dense, padded and ragged, split or not, each sequence judged beside
// attention in f64 (AttentionJudge.h). The ordinary run takes a seeded sample and prints it.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/attention/StoredCase.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/RunMode.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

StoredCase randomCase(uint64_t seed) {
  static constexpr DataType kTypes[] = {DataType::F16,  DataType::BF16, DataType::F16,
                                        DataType::BF16, DataType::F32,  DataType::F64};
  static constexpr int64_t kDepths[] = {64, 128, 40}, kGroups[] = {1, 3, 8}, kPages[] = {1, 5, 16},
                           kQueries[] = {1, 1, 2, 5, 16};
  static constexpr int64_t kParts[] = {1, 2, 3, 7};
  static const std::vector<std::vector<int64_t>> kKeys = {{37, 0, 5}, {64, 1, 150}, {16, 33}, {0, 0}, {131}};
  Random random(seed);
  StoredCase run;
  run.device = random.oneOf(oneOfEachKind());
  run.type = random.oneOf(kTypes);
  run.seed = seed;
  run.keysHow = {How::Kind(random.below(4)), 0};
  if (run.keysHow.kind == How::Kind::Paged)
    run.keysHow.page = random.oneOf(kPages);
  run.keys = random.oneOf(kKeys);
  if (run.keysHow.kind == How::Kind::Dense)
    run.keys.assign(2, 1 + random.below(150));
  run.queriesHow = {How::Kind(random.below(3)), 0};
  run.queries.assign(run.keys.size(), random.oneOf(kQueries));
  if (run.queriesHow.kind != How::Kind::Dense)
    for (int64_t &n : run.queries)
      n = random.below(n + 1);
  run.shape = {1, 0, 0, 1 + random.below(2), random.oneOf(kGroups), random.oneOf(kDepths), 0};
  run.shape.valueDepth = random.below(3) ? run.shape.depth : random.oneOf(kDepths);
  run.shape.scale = 1 / std::sqrt(double(run.shape.depth));
  run.shape.softcap = random.below(4) ? 0 : 15;
  run.shape.mask =
      random.oneOf(std::vector<Mask>{{Mask::Kind::Full}, {Mask::Kind::Causal}, {Mask::Kind::Window, 20, 2}});
  run.parts = random.oneOf(kParts);
  return run;
}

} // namespace

TEST(AttentionDecode, StoragesTypesAndParts) {
  for (uint64_t seed = 1; seed <= (isLongRun() ? 500u : 24u); ++seed) {
    expectRight(randomCase(seed));
  }
}

/// Every group, number of queries and depth of decoding, over pages whose last is not full.
TEST(AttentionDecode, GroupsAndQueriesOverPages) {
  for (const std::string &device : oneOfEachKind())
    for (int64_t group : {1, 3, 8})
      for (int64_t queries : isLongRun() ? std::vector<int64_t>{1, 2, 3, 4, 7, 8, 12, 16} : std::vector<int64_t>{1, 6})
        for (int64_t page : {1, 5, 16}) {
          if (!isLongRun() && (group + queries + page) % 3 != 0)
            continue;
          StoredCase run = {device, DataType::BF16, {}, {How::Kind::Paged, page}, {queries, queries}, {75, 203}};
          run.shape = {1, 0, 0, 2, group, 128, 128, {Mask::Kind::Causal}, 0.1};
          run.parts = 4;
          EXPECT_EQ(check(run).error, "") << run.describe();
        }
}

/// As many rows as a warpgroup multiplies, and more: copied by the copy engine, or where pages are small by threads,
/// which hold their rows of the table or, of many, find them in the lanes of their warps.
TEST(AttentionDecode, RowsOfWarpgroupsOverPages) {
  for (const std::string &device : oneOfEachKind())
    for (auto [page, depth, parts] :
         {std::tuple<int64_t, int64_t, int64_t>{16, 128, 2}, {5, 128, 2}, {1, 128, 0}, {5, 256, 0}, {1, 64, 0}})
      for (int64_t queries : {64, 100})
        for (Mask mask : {Mask{Mask::Kind::Full}, Mask{Mask::Kind::Window, 60, 20}}) {
          StoredCase run = {device, DataType::F16, {}, {How::Kind::Paged, page}, {queries, queries}, {75, 403}};
          run.shape = {1, 0, 0, 2, 1, depth, depth, mask, 0.1};
          run.parts = parts;
          run.isForward = parts == 0;
          EXPECT_EQ(check(run).error, "") << run.describe();
        }
}

/// Logits around -1e4 to -2e5: of one sign, so that every maximum is far from zero.
TEST(AttentionDecode, ExtremeLogits) {
  for (DataType type : {DataType::F16, DataType::BF16})
    for (double size : {300.0, 6000.0}) {
      StoredCase run = {oneOfEachKind()[0], type, {}, {How::Kind::Paged, 16}, {1, 2}, {150, 40}};
      run.queries = {2, 2};
      run.shape = {1, 0, 0, 1, 8, 64, 64, {}, 1};
      run.parts = 3;
      run.size = size;
      EXPECT_EQ(check(run, true).error, "") << run.describe();
    }
}

TEST(AttentionDecode, TheSameBitsEachTime) {
  StoredCase run = {oneOfEachKind()[0],    DataType::BF16, {How::Kind::Ragged},
                    {How::Kind::Paged, 5}, {1, 3, 0},      {150, 40, 9}};
  run.shape = {1, 0, 0, 2, 3, 64, 64, {Mask::Kind::Causal}, 0.125};
  run.parts = 5;
  const StoredOutcome first = check(run);
  EXPECT_EQ(first.error, "");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(check(run).bytes, first.bytes);
}

/// More keys than a 16-bit index counts, with softcap.
TEST(AttentionDecode, ACapOver31111Keys) {
  StoredCase run = {oneOfEachKind()[0], DataType::F16, {}, {How::Kind::Paged, 16}, {1}, {31111}};
  run.shape = {1, 0, 0, 1, 4, 64, 64, {}, 0.125, 30};
  run.parts = 7;
  EXPECT_EQ(check(run).error, "");
}
