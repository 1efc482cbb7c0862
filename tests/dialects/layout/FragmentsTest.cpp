//===- FragmentsTest.cpp - Matrix-instruction fragments against the ISA ---===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The m16n8 accumulator and the A operand as PTX ISA, "Matrix Fragments for mma.m16n8k16", tells them (g = lane / 4,
// t = lane % 4), and the equality that lets a product's result feed the next product from registers.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/SharedLayout.h"
#include "dialects/layout/TileLayout.h"
#include <gtest/gtest.h>
#include <set>

using namespace imbrex::layout;

namespace {

TEST(Fragments, accumulator) {
  // c0 c1: (g, 2t..), c2 c3: (g + 8, 2t..); instruction n at columns 8 n.
  TileLayout layout = TileLayout::mmaAccumulator({128, 40}, 8, 1);
  ASSERT_EQ(layout.registersPerThread(), 20u);
  for (unsigned warp = 0; warp < 8; ++warp)
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned reg = 0; reg < 20; ++reg) {
        unsigned g = lane / 4, t = lane % 4, c = reg % 4, n = reg / 4;
        ASSERT_EQ(layout.coordOf(reg, lane, warp), (Coord{16 * warp + g + 8 * (c / 2), 8 * n + 2 * t + c % 2}));
      }
}

TEST(Fragments, accumulatorIsWgmmasToo) {
  // wgmma's m64nN accumulator: row 16 w + g + 8 ((i >> 1) & 1), column 8 (i >> 2) + 2t + (i & 1).
  for (int64_t columns : {8, 64, 176, 256}) {
    TileLayout layout = TileLayout::mmaAccumulator({64, columns}, 4, 1);
    for (unsigned thread = 0; thread < 128; ++thread)
      for (unsigned i = 0; i < columns / 2; ++i) {
        unsigned w = thread / 32, lane = thread % 32, g = lane / 4, t = lane % 4;
        ASSERT_EQ(layout.coordOf(i, lane, w), (Coord{16 * w + g + 8 * ((i >> 1) & 1), 8 * (i >> 2) + 2 * t + (i & 1)}));
      }
  }
}

TEST(Fragments, accumulatorOverWarpsAlongColumns) {
  // Warp w holds rows of w % 2 and column blocks of w / 2, interleaved with the other warps' blocks.
  TileLayout layout = TileLayout::mmaAccumulator({32, 48}, 2, 2);
  for (unsigned warp = 0; warp < 4; ++warp)
    for (unsigned n = 0; n < 3; ++n)
      ASSERT_EQ(layout.coordOf(4 * n, 0, warp), (Coord{16 * (warp % 2), 8 * (warp / 2 + 2 * n)}));
}

TEST(Fragments, accumulatorOfWarpgroupsBesideOneAnother) {
  // Warpgroup w / 4 has columns of its own that follow one another, as wgmma's m64n32 leaves them.
  TileLayout layout = TileLayout::wgmmaAccumulator({128, 64}, 4, 2);
  for (unsigned thread = 0; thread < 256; ++thread)
    for (unsigned i = 0; i < 32; ++i) {
      unsigned w = thread / 32, lane = thread % 32, g = lane / 4, t = lane % 4, block = i / 16, c = i % 16;
      Coord expected{64 * block + 16 * (w % 4) + g + 8 * ((c >> 1) & 1), 32 * (w / 4) + 8 * (c >> 2) + 2 * t + (c & 1)};
      ASSERT_EQ(layout.coordOf(i, lane, w), expected);
    }
  EXPECT_EQ(TileLayout::wgmmaAccumulator({64, 40}, 4, 1), TileLayout::mmaAccumulator({64, 40}, 4, 1));
}

TEST(Fragments, operandA) {
  // a0: (g, 2t..) a1: (g + 8, 2t..) a2: (g, 8 + 2t..) a3: (g + 8, 8 + 2t..), two halves each.
  for (int64_t depth : {16, 48, 64, 176}) {
    TileLayout layout = TileLayout::mmaOperandA({64, depth}, 4);
    ASSERT_EQ(layout.registersPerThread(), depth / 2);
    for (unsigned warp = 0; warp < 8; ++warp)
      for (unsigned lane = 0; lane < 32; ++lane)
        for (unsigned reg = 0; reg < depth / 2; ++reg) {
          unsigned g = lane / 4, t = lane % 4, k = reg / 8, a = reg % 8 / 2, half = reg % 2;
          Coord expected{16 * (warp % 4) + g + 8 * (a % 2), 16 * k + 8 * (a / 2) + 2 * t + half};
          ASSERT_EQ(layout.coordOf(reg, lane, warp), expected);
        }
  }
}

TEST(Fragments, operandAOfTf32) {
  // PTX ISA, "Matrix Fragments for mma.m16n8k8": a0: (g, t) a1: (g + 8, t) a2: (g, t + 4) a3: (g + 8, t + 4).
  for (int64_t depth : {8, 40, 64}) {
    TileLayout layout = TileLayout::mmaOperandA({64, depth}, 4, 4);
    ASSERT_EQ(layout.registersPerThread(), depth / 2);
    for (unsigned warp = 0; warp < 4; ++warp)
      for (unsigned lane = 0; lane < 32; ++lane)
        for (unsigned reg = 0; reg < depth / 2; ++reg) {
          unsigned g = lane / 4, t = lane % 4, k = reg / 4, a = reg % 4;
          ASSERT_EQ(layout.coordOf(reg, lane, warp), (Coord{16 * warp + g + 8 * (a % 2), 8 * k + t + 4 * (a / 2)}));
        }
    EXPECT_EQ(TileLayout::mmaOperandA({64, depth}, 4, 4, KOrder::Pairs), TileLayout::mmaAccumulator({64, depth}, 4, 1));
  }
}

TEST(Fragments, operandAOfEightBits) {
  // PTX ISA, "Matrix Fragments for mma.m16n8k32": element i of a0, a1: k = 4 t + i % 4, of a2, a3: 16 more; rows as
  // above.
  for (int64_t depth : {32, 96}) {
    TileLayout layout = TileLayout::mmaOperandA({64, depth}, 4, 1);
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned reg = 0; reg < depth / 2; ++reg) {
        unsigned g = lane / 4, t = lane % 4, k = reg / 16, a = reg % 16 / 4, i = reg % 4;
        ASSERT_EQ(layout.coordOf(reg, lane, 1), (Coord{16 + g + 8 * (a % 2), 32 * k + 16 * (a / 2) + 4 * t + i}));
      }
    EXPECT_EQ(TileLayout::mmaOperandA({64, depth}, 4, 1, KOrder::Pairs), TileLayout::mmaAccumulator({64, depth}, 4, 1));
  }
}

TEST(Fragments, everyOrderOfKHoldsEachOnce) {
  for (unsigned bytes : {1u, 2u, 4u})
    for (KOrder order : {KOrder::Chunks, KOrder::Pairs, KOrder::Crossed}) {
      std::set<unsigned> seen;
      for (unsigned half = 0; half < 2; ++half)
        for (unsigned t = 0; t < 4; ++t)
          for (unsigned element = 0; element < mmaPacked(bytes); ++element)
            seen.insert(mmaK(order, bytes, half, t, element));
      EXPECT_EQ(seen.size(), mmaDepth(bytes));
      EXPECT_EQ(*seen.rbegin(), mmaDepth(bytes) - 1);
    }
}

/// Wavefronts too many of a warp that reads one word a lane of a tf32 operand.
unsigned wordConflicts(KOrder order, const SharedLayout &shared, bool kIsRow) {
  unsigned most = 0;
  for (unsigned half = 0; half < 2; ++half) {
    std::vector<int64_t> offsets;
    for (unsigned lane = 0; lane < 32; ++lane) {
      unsigned k = mmaK(order, 4, half, lane % 4, 0), line = lane / 4;
      offsets.push_back(kIsRow ? shared.offset(k, line) : shared.offset(line, k));
    }
    most = std::max(most, bankConflicts(offsets, 4));
  }
  return most;
}

TEST(Fragments, ordersOfKAreFreeOfBankConflictsWhereTheyAreMeantToBe) {
  for (int64_t columns : {32, 64, 96, 128}) {
    SharedLayout shared = SharedLayout::swizzled(32, columns, 4);
    EXPECT_EQ(wordConflicts(KOrder::Pairs, shared, true), 0u);
    EXPECT_EQ(wordConflicts(KOrder::Crossed, shared, true), 0u);
    EXPECT_EQ(wordConflicts(KOrder::Crossed, shared, false), 0u);
    EXPECT_EQ(wordConflicts(KOrder::Chunks, shared, true), 1u); // why the others are there
    EXPECT_EQ(wordConflicts(KOrder::Pairs, shared, false), 1u);
  }
}

TEST(Fragments, accumulatorFeedsTheNextProductFromRegisters) {
  for (int64_t depth : {16, 32, 48, 64, 96, 112, 128, 176, 192, 256})
    for (unsigned warps : {1u, 4u, 8u, 12u})
      for (int64_t blocks : {1, 2, 3}) {
        int64_t rows = 16 * warps * blocks;
        EXPECT_EQ(TileLayout::mmaAccumulator({rows, depth}, warps, 1), TileLayout::mmaOperandA({rows, depth}, warps));
      }
  // Not with warps along the columns: none of them holds all of K.
  EXPECT_NE(TileLayout::mmaAccumulator({64, 32}, 2, 2), TileLayout::mmaOperandA({64, 32}, 2));
}

TEST(Fragments, rowStatisticsDoNotDependOnTheColumns) {
  for (unsigned warps : {1u, 4u, 12u})
    for (int64_t blocks : {1, 2, 3}) {
      int64_t rows = 16 * warps * blocks;
      TileLayout first = TileLayout::mmaAccumulator({rows, 8}, warps, 1).slice(1);
      for (int64_t columns : {16, 24, 40, 64, 96, 128, 176, 192}) {
        EXPECT_EQ(TileLayout::mmaAccumulator({rows, columns}, warps, 1).slice(1), first);
        EXPECT_EQ(TileLayout::mmaAccumulator({rows, columns}, warps, 1).collapse(1), first.expand(1));
      }
      EXPECT_EQ(first.registersPerThread(), 2 * blocks);
      EXPECT_EQ(first.replicatedLanes(), 3u);
    }
}

TEST(Fragments, fmaAccumulatorIsEightByFourLanes) {
  TileLayout layout = TileLayout::fmaAccumulator({64, 48}, 4, 4);
  EXPECT_EQ(layout.lanesAlong(1), 24u);
  EXPECT_EQ(layout.lanesAlong(0), 7u);
  EXPECT_EQ(layout.contiguous(1), 4u);
  EXPECT_EQ(layout.warps()[0], 4u);
  EXPECT_EQ(TileLayout::fmaAccumulator({5, 3}, 4, 4).registersPerThread(), 1u);  // 8 x 4 lanes cover it
  EXPECT_EQ(TileLayout::fmaAccumulator({1, 64}, 1, 1).registersPerThread(), 2u); // all lanes along the row
}

/// Wavefronts too many of a warp that reads or writes 16 bytes a lane: lane i those at `place(row, column)`, the row
/// and the column of its first element.
template <typename Place> unsigned conflictsOf(const TileLayout &tile, const SharedLayout &shared, Place place) {
  std::vector<int64_t> offsets;
  for (unsigned lane = 0; lane < 32; ++lane) {
    Coord coord = tile.coordOf(0, lane, 0);
    auto [row, column] = place(coord[0], coord[1]);
    offsets.push_back(shared.offset(row, column));
  }
  return bankConflicts(offsets, 16);
}

TEST(Fragments, fmaOperandsAreFreeOfBankConflicts) {
  using Place = std::pair<int64_t, int64_t>;
  for (int64_t depth : {16, 32, 64, 96, 128})
    for (int64_t columns : {32, 48, 64, 128})
      for (unsigned warps : {1u, 4u, 8u}) {
        const int64_t rows = 64;
        TileLayout sums = TileLayout::fmaAccumulator({rows, columns}, warps, 4);
        if (sums.atomShape()[0] != 8)
          continue; // few columns: other counts of lanes
        SharedLayout a = SharedLayout::swizzled(rows, depth, 4), itself = SharedLayout::swizzled(rows, columns, 4);
        SharedLayout b = SharedLayout::swizzled(depth, columns, 4), bT = SharedLayout::swizzled(columns, depth, 4);
        EXPECT_EQ(conflictsOf(sums, a, [](int64_t row, int64_t) { return Place(row, 0); }), 0u) << depth;
        EXPECT_EQ(conflictsOf(sums, b, [](int64_t, int64_t column) { return Place(0, column); }), 0u) << columns;
        EXPECT_EQ(conflictsOf(sums, bT, [](int64_t, int64_t column) { return Place(column, 0); }), 0u) << depth;
        EXPECT_EQ(conflictsOf(sums, itself, [](int64_t row, int64_t column) { return Place(row, column); }), 0u)
            << rows << " x " << columns;
      }
}

} // namespace
