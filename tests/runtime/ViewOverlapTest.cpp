//===- ViewOverlapTest.cpp - Whether two views share memory ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts by name, and random small ones against a set of bytes.
//
//===----------------------------------------------------------------------===//

#include "runtime/ViewOverlap.h"
#include <gtest/gtest.h>
#include <random>
#include <set>

using namespace imbrex;

namespace {

struct Layout {
  uint64_t address;
  unsigned bytes;
  std::vector<int64_t> extents, strides;

  MemoryRegion region() const { return {address, bytes, extents, strides}; }
  std::set<uint64_t> touched() const {
    std::set<uint64_t> starts{address}, all;
    for (size_t d = 0; d < extents.size(); ++d) {
      std::set<uint64_t> next;
      for (uint64_t start : starts)
        for (int64_t i = 0; i < extents[d]; ++i)
          next.insert(start + uint64_t(i * strides[d]) * bytes);
      starts = std::move(next);
    }
    for (uint64_t start : starts)
      for (unsigned b = 0; b < bytes; ++b)
        all.insert(start + b);
    return all;
  }
};

Overlap overlap(const Layout &a, const Layout &b) {
  Overlap one = findOverlap(a.region(), b.region());
  EXPECT_EQ(one, findOverlap(b.region(), a.region()));
  return one;
}

constexpr uint64_t kBase = uint64_t(7) << 32;

TEST(ViewOverlap, PackedTensorsInterleave) {
  // qkv [4096, 3, 16, 64] f16: q, k and v are views of it.
  auto part = [](uint64_t which) { return Layout{kBase + which * 2048, 2, {4096, 16, 64}, {3072, 64, 1}}; };
  EXPECT_EQ(overlap(part(0), part(1)), Overlap::None);
  EXPECT_EQ(overlap(part(0), part(2)), Overlap::None);
  EXPECT_EQ(overlap(part(1), part(1)), Overlap::Some);
  Layout wide{kBase, 2, {4096, 16, 65}, {3072, 64, 1}}; // one element into the next part
  EXPECT_EQ(overlap(wide, part(1)), Overlap::Some);
  EXPECT_EQ(overlap(wide, part(2)), Overlap::None);
}

TEST(ViewOverlap, NeighboursAndEmptyViews) {
  Layout first{kBase, 4, {10}, {1}};
  EXPECT_EQ(overlap(first, {kBase + 40, 4, {10}, {1}}), Overlap::None);
  EXPECT_EQ(overlap(first, {kBase + 39, 1, {1}, {1}}), Overlap::Some);
  EXPECT_EQ(overlap(first, {kBase, 4, {0, 10}, {10, 1}}), Overlap::None);
  EXPECT_EQ(overlap(first, {kBase + 4, 4, {5, 3}, {0, 2}}), Overlap::Some) << "broadcast";
}

TEST(ViewOverlap, OddAndEvenRows) {
  auto rows = [](uint64_t first) { return Layout{kBase + first * 400, 4, {1000, 100}, {200, 1}}; };
  EXPECT_EQ(overlap(rows(0), rows(1)), Overlap::None);
  EXPECT_EQ(overlap(rows(0), rows(2)), Overlap::Some);
}

TEST(ViewOverlap, Exact) {
  std::mt19937_64 random(5);
  auto pick = [&](int64_t low, int64_t high) { return low + int64_t(random() % uint64_t(high - low + 1)); };
  unsigned met = 0, count = 4000;
  for (unsigned i = 0; i < count; ++i) {
    Layout layouts[2];
    for (Layout &layout : layouts) {
      layout = {kBase + uint64_t(pick(0, 60)), unsigned(1) << pick(0, 3), {}, {}};
      for (int64_t rank = pick(1, 4); rank > 0; --rank) {
        layout.extents.push_back(pick(1, 4));
        layout.strides.push_back(pick(0, 25));
      }
    }
    std::set<uint64_t> a = layouts[0].touched(), b = layouts[1].touched();
    bool meets = std::any_of(a.begin(), a.end(), [&](uint64_t byte) { return b.contains(byte); });
    met += meets;
    ASSERT_EQ(overlap(layouts[0], layouts[1]), meets ? Overlap::Some : Overlap::None) << "layouts " << i;
  }
  EXPECT_GT(met, count / 10);
  EXPECT_LT(met, count * 9 / 10);
}

// Strides without any order: the work is bounded, whatever the answer.
TEST(ViewOverlap, WorkIsBounded) {
  Layout a{kBase, 1, {999, 998, 997, 996}, {1000003 * 2, 999983 * 2, 999979 * 2, 999961 * 2}};
  Layout b{kBase + 500000001, 1, {995, 994, 993, 992}, {999959 * 2, 999953 * 2, 999931 * 2, 999917 * 2}};
  EXPECT_EQ(overlap(a, b), Overlap::None) << "odd and even";
  b.address += 1;
  (void)overlap(a, b);
}

} // namespace
