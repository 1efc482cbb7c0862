//===- TileLayoutTest.cpp - Every tile layout against brute force ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The same checks for every constructor over many shapes, warps that are no power of two included:
// every element has an owner, find and coordOf agree, text reads back, slices drop what they should.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/TileLayout.h"
#include "dialects/layout/Warp.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>

using namespace imbrex::layout;

namespace {

struct Case {
  TileLayout layout;
  unsigned warps;
};

std::vector<Case> everyCase() {
  std::vector<Case> cases;
  for (unsigned warps : {1u, 2u, 4u, 8u, 12u})
    for (int64_t rows : {1, 8, 16, 40, 48, 64, 96, 192})
      for (int64_t columns : {1, 5, 16, 40, 48, 96, 128, 176, 192})
        for (unsigned vector : {1u, 4u, 8u}) {
          cases.push_back({TileLayout::blocked({rows, columns}, warps, vector), warps});
          cases.push_back({TileLayout::fmaAccumulator({rows, columns}, warps, vector), warps});
        }
  for (int64_t extent : {1, 7, 32, 96, 128, 1000})
    cases.push_back({TileLayout::blocked({extent}, 4, 4), 4});
  cases.push_back({TileLayout::blocked({3, 16, 40}, 4, 8), 4});
  cases.push_back({TileLayout::blocked({}, 4, 8), 4});
  for (unsigned warps : {1u, 4u, 12u})
    for (int64_t rows : {1, 5, 33})
      for (int64_t columns : {1, 7, 33, 100, 257})
        for (unsigned dim : {0u, 1u})
          for (const TileLayout &layout : {TileLayout::reduction({rows, columns}, dim, warps, 4),
                                           TileLayout::inOrder({rows, columns}, dim, warps)})
            cases.push_back({layout, warps});
  for (auto [m, n] : {std::pair<unsigned, unsigned>{1, 1}, {4, 1}, {2, 2}, {12, 1}, {3, 4}, {1, 4}})
    for (int64_t perWarpM : {16, 32, 48})
      for (int64_t columns : {32, 96, 160, 192}) {
        cases.push_back({TileLayout::mmaAccumulator({perWarpM * m, columns}, m, n), m * n});
        cases.push_back({TileLayout::mmaOperandA({perWarpM * m, columns}, m), m * n});
      }
  return cases;
}

/// Row-major number of an element.
uint64_t number(const TileLayout &layout, const Coord &coord) {
  uint64_t index = 0;
  for (unsigned d = 0; d < layout.rank(); ++d)
    index = index * layout.extent(d) + coord[d];
  return index;
}

uint64_t elements(const TileLayout &layout) {
  uint64_t count = 1;
  for (int64_t extent : layout.shape())
    count *= extent;
  return count;
}

/// The lowest (warp, lane, register) of each element, found by asking every owner; nullopt where two registers of
/// one thread hold the same element.
std::optional<std::map<uint64_t, std::tuple<unsigned, unsigned, unsigned>>> lowestOwners(const Case &c) {
  std::map<uint64_t, std::tuple<unsigned, unsigned, unsigned>> owners;
  for (unsigned warp = c.warps; warp-- > 0;)
    for (unsigned lane = 32; lane-- > 0;) {
      std::map<uint64_t, unsigned> mine;
      for (unsigned reg = 0; reg < c.layout.registersPerThread(); ++reg) {
        uint64_t element = number(c.layout, c.layout.coordOf(reg, lane, warp));
        if (!mine.insert({element, reg}).second)
          return std::nullopt;
        owners[element] = {warp, lane, reg};
      }
    }
  return owners;
}

TEST(TileLayout, everyElementHasAnOwnerAndFindNamesTheLowest) {
  for (const Case &c : everyCase()) {
    auto owners = lowestOwners(c);
    ASSERT_TRUE(owners) << c.layout.toString();
    ASSERT_EQ(owners->size(), elements(c.layout)) << c.layout.toString();
    if (!owners->empty())
      ASSERT_EQ(owners->rbegin()->first, elements(c.layout) - 1) << c.layout.toString();
    for (const auto &[element, lowest] : *owners) {
      auto [warp, lane, reg] = lowest;
      Owner found = c.layout.find(c.layout.coordOf(reg, lane, warp));
      ASSERT_EQ(std::make_tuple(found.warp, found.lane, found.reg), lowest) << c.layout.toString();
    }
  }
}

TEST(TileLayout, anyShapeIsSpreadOverAllThreads) {
  // At most so many times the registers that an even spread would need: what rounding up of two extents costs.
  const double kMostWaste = 2.0;
  double worst = 0;
  for (unsigned warps : {1u, 4u, 32u})
    for (int64_t rows : {1, 3, 31, 100})
      for (int64_t columns = 1; columns <= 4096; columns += columns < 40 ? 1 : 173) {
        double even = std::max(1.0, std::ceil(double(rows * columns) / (32 * warps)));
        for (const TileLayout &layout :
             {TileLayout::blocked({rows, columns}, warps, 1), TileLayout::fmaAccumulator({rows, columns}, warps, 1)}) {
          ASSERT_TRUE(layout.covers({rows, columns}));
          worst = std::max(worst, layout.registersPerThread() / even);
        }
      }
  EXPECT_LE(worst, kMostWaste);
  EXPECT_EQ(TileLayout::blocked({1, 65536}, 32, 4).registersPerThread(), 64u);
  EXPECT_EQ(TileLayout::blocked({1, 1021}, 4, 1).registersPerThread(), 8u);
}

TEST(TileLayout, threadReachIsTheMostAThreadAdds) {
  for (const Case &c : everyCase())
    for (unsigned dim = 0; dim < c.layout.rank(); ++dim) {
      uint32_t most = 0;
      for (unsigned warp = 0; warp < c.warps; ++warp)
        for (unsigned lane = 0; lane < 32; ++lane)
          most = std::max(most, c.layout.coordOf(0, lane, warp)[dim]);
      ASSERT_EQ(c.layout.threadReach(dim), most) << c.layout.toString();
    }
}

TEST(TileLayout, partsOfWarpsMeetInEveryWarp) {
  for (const Case &c : everyCase())
    for (unsigned dim = 0; dim < c.layout.rank(); ++dim) {
      TileLayout parts = c.layout.warpParts(dim), gathered = parts.gathered(dim);
      ASSERT_EQ(parts.extent(dim), c.layout.warps()[dim]);
      ASSERT_EQ(gathered.extent(dim), c.layout.warps()[dim]);
      ASSERT_EQ(gathered.warps()[dim], 1u);
      ASSERT_EQ(gathered.slice(dim), c.layout.slice(dim)) << c.layout.toString();
      // Warp w along the dimension owns part w of what it holds.
      for (unsigned warp = 0; warp < c.warps; ++warp) {
        uint32_t index = c.layout.coordOf(0, 0, warp)[dim] / c.layout.atomShape()[dim];
        ASSERT_EQ(parts.coordOf(0, 0, warp)[dim], index) << c.layout.toString();
      }
    }
}

TEST(TileLayout, partsOfRunsMeetInEveryWarp) {
  for (const Case &c : everyCase())
    for (unsigned dim = 0; dim < c.layout.rank(); ++dim) {
      TileLayout parts = c.layout.runParts(dim), gathered = parts.gathered(dim);
      ASSERT_EQ(parts.extent(dim) * c.layout.atomShape()[dim], c.layout.extent(dim)) << c.layout.toString();
      ASSERT_EQ(gathered.extent(dim), parts.extent(dim));
      ASSERT_EQ(gathered.warps()[dim], 1u);
      ASSERT_EQ(gathered.slice(dim), c.layout.slice(dim)) << c.layout.toString();
      // The element of a thread's register lies in a run of which the same thread has the part.
      for (unsigned reg = 0; reg < c.layout.registersPerThread(); ++reg)
        for (unsigned warp = 0; warp < c.warps; ++warp) {
          uint32_t run = c.layout.coordOf(reg, 0, warp)[dim] / c.layout.atomShape()[dim];
          bool found = false;
          for (unsigned part = 0; part < parts.registersPerThread(); ++part)
            found |= parts.coordOf(part, 0, warp)[dim] == run;
          ASSERT_TRUE(found) << c.layout.toString();
        }
    }
}

TEST(TileLayout, goingInOrderLiesOverWarpsWhereThatPays) {
  auto inOrder = [](int64_t rows, int64_t columns, unsigned dim, unsigned warps) {
    return TileLayout::inOrder({rows, columns}, dim, warps);
  };
  EXPECT_EQ(inOrder(1, 4096, 1, 8).warps(), (llvm::ArrayRef<unsigned>{1, 8}));
  EXPECT_EQ(inOrder(1, 4096, 1, 8).contiguous(1), 16u); // one run a warp
  EXPECT_EQ(inOrder(1, 3001, 1, 8).repeat()[1], 1u);    // a margin costs less than more runs
  EXPECT_EQ(inOrder(1, 32, 1, 8).contiguous(1), 1u);    // two elements a lane are not worth one shuffle less
  EXPECT_EQ(inOrder(1, 64, 1, 8).warps()[1], 1u);       // two elements a lane: not worth a barrier
  EXPECT_EQ(inOrder(16, 256, 1, 8).warps()[1], 1u);     // rows for all warps
  EXPECT_EQ(inOrder(2, 8192, 1, 8).warps(), (llvm::ArrayRef<unsigned>{2, 4}));
  EXPECT_EQ(inOrder(512, 2, 0, 8).warps()[0], 8u);
  EXPECT_EQ(inOrder(64, 128, 0, 4).lanesAlong(0), 0u); // columns for all lanes: no shuffle
}

TEST(TileLayout, orderCostCountsWhatMeets) {
  auto costOf = [](llvm::StringRef text) { return TileLayout::parse(text)->orderCost(0); };
  EXPECT_EQ(costOf("reg (1) (2) lane (4) (8) (16) (32) (64) warps 1 stride 1 repeat 1"), 3 + 5 * 4 + 4 * 4);
  EXPECT_EQ(costOf("reg (16) (32) lane (1) (2) (4) (8) (0) warps 1 stride 1 repeat 1"), 4 * 4 * 4 + 3 + 4 * 4);
  EXPECT_EQ(costOf("reg (1) lane (2) (4) (8) (16) (32) warps 1 stride 1 repeat 3"), 3 * (1 + 5 * 4) + 2 + 6 * 4);
  EXPECT_EQ(costOf("reg (1) lane (2) (4) (8) (16) (32) warps 4 stride 1 repeat 3"), 3 * (1 + 5 * 4) + 12 + 8 + 6 * 4);
}

TEST(TileLayout, partsOfLanesKeepEveryLaneApart) {
  for (const Case &c : everyCase())
    for (unsigned dim = 0; dim < c.layout.rank(); ++dim) {
      TileLayout parts = c.layout.laneParts(dim);
      unsigned lanes = 1u << llvm::popcount(c.layout.lanesAlong(dim));
      ASSERT_EQ(parts.extent(dim), int64_t(lanes) * c.layout.warps()[dim]) << c.layout.toString();
      ASSERT_EQ(parts.lanesAlong(dim), c.layout.lanesAlong(dim)) << c.layout.toString();
      ASSERT_EQ(parts.collapse(dim), c.layout.collapse(dim)) << c.layout.toString();
      ASSERT_EQ(parts.slice(dim), c.layout.slice(dim)) << c.layout.toString();
    }
}

TEST(TileLayout, reductionsLieOverWarpsWhereThatPays) {
  EXPECT_EQ(TileLayout::reduction({1, 65536}, 1, 32, 4).registersPerThread(), 64u);
  EXPECT_EQ(TileLayout::reduction({1, 128}, 1, 4, 4).warps()[1], 1u); // 4 registers: not worth a barrier
  EXPECT_EQ(TileLayout::reduction({64, 64}, 1, 4, 4).warps(), (llvm::ArrayRef<unsigned>{4, 1}));
  // Not over all warps where each thread would read 16 parts of each of 145 rows.
  TileLayout rows = TileLayout::reduction({145, 3046}, 1, 16, 1);
  EXPECT_LE(rows.slice(1).registersPerThread() * rows.warps()[1], 160u);
}

TEST(TileLayout, replicasAreWhatTheMasksSay) {
  for (const Case &c : everyCase()) {
    unsigned mask = c.layout.replicatedLanes();
    for (unsigned bit = 0; bit < 5; ++bit) {
      bool moves = c.layout.coordOf(0, 1u << bit, 0) != c.layout.coordOf(0, 0, 0);
      ASSERT_EQ(moves, (mask >> bit & 1) == 0);
    }
    unsigned all = mask;
    for (unsigned d = 0; d < c.layout.rank(); ++d) {
      ASSERT_EQ(all & c.layout.lanesAlong(d), 0u);
      all |= c.layout.lanesAlong(d);
    }
    ASSERT_EQ(all, 31u);
    bool shared = false;
    for (unsigned w = 0; w < c.warps; ++w)
      for (unsigned v = 0; v < w; ++v)
        shared |= c.layout.coordOf(0, 0, w) == c.layout.coordOf(0, 0, v);
    ASSERT_EQ(c.layout.replicatesWarps(c.warps), shared) << c.layout.toString();
  }
}

TEST(TileLayout, contiguousRegistersHoldConsecutiveElements) {
  for (const Case &c : everyCase())
    for (unsigned d = 0; d < c.layout.rank(); ++d) {
      unsigned length = c.layout.contiguous(d);
      ASSERT_EQ(c.layout.registersPerThread() % length, 0u);
      for (unsigned reg = 0; reg < c.layout.registersPerThread(); ++reg) {
        Coord expected = c.layout.registerCoord(reg / length * length);
        expected[d] += reg % length;
        ASSERT_EQ(c.layout.registerCoord(reg), expected) << c.layout.toString();
      }
    }
  EXPECT_EQ(TileLayout::blocked({64, 40}, 4, 8).contiguous(1), 8u);
  EXPECT_EQ(TileLayout::blocked({64, 20}, 4, 8).contiguous(1), 4u); // lowered: 8 does not divide 20
}

TEST(TileLayout, copyRowsFollowTheThreadsThatCopy) {
  for (unsigned warps : {1u, 3u, 4u, 8u})
    for (unsigned across : {1u, 4u, 32u, 64u, 128u}) {
      const unsigned threads = warps * kWarpThreads;
      if (threads % across != 0)
        continue;
      TileLayout layout = TileLayout::copyRows(50, across, warps);
      for (unsigned thread = 0; thread < threads; ++thread)
        for (unsigned reg = 0; reg < layout.registersPerThread(); ++reg)
          ASSERT_EQ(layout.coordOf(reg, thread % kWarpThreads, thread / kWarpThreads)[0],
                    thread / across + reg * (threads / across))
              << warps << " warps, " << across << " across";
      EXPECT_TRUE(layout.covers({50, 1}));
    }
}

TEST(TileLayout, rowsOfLanesAreTheSameInEveryWarp) {
  TileLayout layout = TileLayout::rowsOfLanes(50);
  EXPECT_EQ(layout.registersPerThread(), 2u);
  for (unsigned reg = 0; reg < 2; ++reg)
    for (unsigned lane = 0; lane < kWarpThreads; ++lane)
      for (unsigned warp : {0u, 3u})
        EXPECT_EQ(layout.coordOf(reg, lane, warp)[0], reg * kWarpThreads + lane);
  EXPECT_TRUE(layout.covers({50, 1}));
}

TEST(TileLayout, textReadsBack) {
  for (const Case &c : everyCase()) {
    ASSERT_EQ(TileLayout::parse(c.layout.toString()), c.layout) << c.layout.toString();
    if (c.layout.rank() == 2)
      ASSERT_EQ(TileLayout::parse(c.layout.transposed().toString()), c.layout.transposed());
  }
}

TEST(TileLayout, textOfTheHeaderExample) {
  EXPECT_EQ(TileLayout::mmaAccumulator({128, 40}, 8, 1).toString(),
            "reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 8x1 stride 1x1 repeat 1x5");
}

TEST(TileLayout, parseRefusesWhatIsNoLayout) {
  const std::string lanes = " lane (0,1) (0,2) (1,0) (2,0) (0,0)";
  ASSERT_TRUE(TileLayout::parse("reg" + lanes + " warps 1x1 stride 1x1 repeat 1x1"));
  const std::string malformed[] = {"",
                                   "reg",
                                   "reg" + lanes,
                                   "reg (0,3)" + lanes + " warps 1x1 stride 1x1 repeat 1x1",     // no power of two
                                   "reg (0,1)" + lanes + " warps 1x1 stride 1x1 repeat 1x1",     // twice
                                   "reg (0,8)" + lanes + " warps 1x1 stride 1x1 repeat 1x1",     // a gap at 4
                                   "reg (4,4)" + lanes + " warps 1x1 stride 1x1 repeat 1x1",     // two at once
                                   "reg (0,0)" + lanes + " warps 1x1 stride 1x1 repeat 1x1",     // replicated register
                                   "reg (0,0,4)" + lanes + " warps 1x1 stride 1x1 repeat 1x1",   // ranks differ
                                   "reg" + lanes + " warps 1 stride 1x1 repeat 1x1",             // ranks differ
                                   "reg" + lanes + " warps 1x0 stride 1x1 repeat 1x1",           // no warp
                                   "reg" + lanes + " warps 2x2 stride 1x1 repeat 1x1",           // overlapping warps
                                   "reg" + lanes + " warps 4x2 stride 1x6 repeat 1x1",           // overlapping warps
                                   "reg" + lanes + " warps 1x1 stride 1x1 repeat 1x99999999999", // too large
                                   "reg" + lanes + " warps 1x1 stride 1x1 repeat 3x3 order 0x0", // no permutation
                                   "reg" + lanes + " warps 1x1 stride 1x1 repeat 1x1 tail",
                                   "reg lane (0,1) warps 1x1 stride 1x1 repeat 1x1"}; // too few lanes
  for (const std::string &bad : malformed)
    EXPECT_FALSE(TileLayout::parse(bad)) << bad;
}

/// Drops coordinate `dim`.
Coord without(Coord coord, unsigned dim) {
  coord.erase(coord.begin() + dim);
  return coord;
}

TEST(TileLayout, sliceKeepsTheOtherCoordinates) {
  for (const Case &c : everyCase())
    for (unsigned dim = 0; dim < c.layout.rank(); ++dim) {
      TileLayout slice = c.layout.slice(dim), collapsed = c.layout.collapse(dim);
      ASSERT_EQ(slice.expand(dim), collapsed);
      ASSERT_EQ(collapsed.slice(dim), slice);
      ASSERT_EQ(collapsed.extent(dim), 1);
      // Every thread holds, in order of its registers, just the coordinates its elements had.
      for (unsigned warp = 0; warp < c.warps; ++warp)
        for (unsigned lane = 0; lane < 32; lane += 5) {
          std::vector<Coord> expected;
          for (unsigned reg = 0; reg < c.layout.registersPerThread(); ++reg) {
            Coord coord = without(c.layout.coordOf(reg, lane, warp), dim);
            if (std::find(expected.begin(), expected.end(), coord) == expected.end())
              expected.push_back(coord);
          }
          std::vector<Coord> held;
          for (unsigned reg = 0; reg < slice.registersPerThread(); ++reg)
            held.push_back(slice.coordOf(reg, lane, warp));
          ASSERT_EQ(held, expected) << c.layout.toString();
        }
    }
}

TEST(TileLayout, transposedSwapsCoordinatesAndKeepsRegisters) {
  for (const Case &c : everyCase()) {
    if (c.layout.rank() != 2)
      continue;
    TileLayout transposed = c.layout.transposed();
    ASSERT_EQ(transposed.transposed(), c.layout);
    for (unsigned reg = 0; reg < c.layout.registersPerThread(); ++reg) {
      Coord coord = c.layout.coordOf(reg, 21, c.warps - 1);
      ASSERT_EQ(transposed.coordOf(reg, 21, c.warps - 1), (Coord{coord[1], coord[0]})) << c.layout.toString();
    }
  }
}

TEST(TileLayout, equalMapsAreEqualObjects) {
  // Compare maps of the same shape: objects are equal exactly where every thread's registers agree.
  std::vector<Case> cases = everyCase();
  for (size_t i = 0; i < cases.size(); i += 3)
    for (size_t j = 0; j < i; j += 2) {
      const TileLayout &a = cases[i].layout, &b = cases[j].layout;
      if (a.shape() != b.shape() || cases[i].warps != cases[j].warps)
        continue;
      bool same = a.registersPerThread() == b.registersPerThread();
      for (unsigned warp = 0; same && warp < cases[i].warps; ++warp)
        for (unsigned lane = 0; same && lane < 32; ++lane)
          for (unsigned reg = 0; same && reg < a.registersPerThread(); ++reg)
            same = a.coordOf(reg, lane, warp) == b.coordOf(reg, lane, warp);
      ASSERT_EQ(a == b, same) << a.toString() << "\n" << b.toString();
      if (same)
        ASSERT_EQ(hash_value(a), hash_value(b));
    }
}

TEST(TileLayout, foldingStopsAtWarpsAndOddRepeats) {
  AtomBit registers[] = {{1, 1}}, lanes[] = {{1, 2}, {1, 4}, {0, 1}, {0, 2}, {0, 4}};
  // Repeats 1x12 fold to 3; a repeat behind it cannot, nor one with warps between.
  EXPECT_EQ(TileLayout(registers, lanes, {1, 1}, {1, 1}, {1, 12}).atomShape()[1], 32u);
  EXPECT_EQ(TileLayout(registers, lanes, {1, 1}, {1, 1}, {2, 3}).atomShape()[0], 8u);
  EXPECT_EQ(TileLayout(registers, lanes, {1, 2}, {1, 1}, {1, 4}).repeat()[1], 4u);
  EXPECT_EQ(TileLayout(registers, lanes, {1, 1}, {1, 1}, {2, 4}).repeat(), (llvm::ArrayRef<unsigned>{1, 1}));
}

TEST(TileLayout, strideOfOneWarpDoesNotMatter) {
  AtomBit lanes[] = {{0, 1}, {0, 2}, {0, 4}, {0, 8}, {0, 16}};
  EXPECT_EQ(TileLayout({}, lanes, {1}, {4}, {1}), TileLayout({}, lanes, {1}, {1}, {1}));
}

TEST(TileLayout, drawShowsWarpZero) {
  TileLayout layout = TileLayout::mmaAccumulator({32, 8}, 2, 1);
  std::string picture = layout.draw();
  EXPECT_EQ(picture.substr(0, picture.find('\n')), "    0:  0:0    0:1    1:0    1:1    2:0    2:1    3:0    3:1  ");
  EXPECT_EQ(std::count(picture.begin(), picture.end(), '\n'), 16);
}

} // namespace
