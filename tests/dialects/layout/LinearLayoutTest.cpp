//===- LinearLayoutTest.cpp - Maps over bits against brute force ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every question to a LinearLayout is answered a second time by trying all inputs of small maps.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/LinearLayout.h"
#include <gtest/gtest.h>
#include <random>
#include <set>

using namespace imbrex::layout;

namespace {

/// All input tuples of a map.
std::vector<Coord> allInputs(llvm::ArrayRef<unsigned> bits) {
  std::vector<Coord> inputs = {Coord()};
  for (unsigned width : bits) {
    std::vector<Coord> longer;
    for (const Coord &prefix : inputs)
      for (uint32_t value = 0; value < (1u << width); ++value) {
        longer.push_back(prefix);
        longer.back().push_back(value);
      }
    inputs = std::move(longer);
  }
  return inputs;
}

LinearLayout randomMap(std::mt19937 &random, llvm::ArrayRef<unsigned> ins, llvm::ArrayRef<unsigned> outs) {
  llvm::SmallVector<Coord, 16> bases;
  for (unsigned width : ins)
    for (unsigned bit = 0; bit < width; ++bit) {
      Coord basis;
      for (unsigned out : outs)
        basis.push_back(random() & ((1u << out) - 1));
      bases.push_back(basis);
    }
  return LinearLayout(ins, outs, bases);
}

/// The images of all inputs.
std::set<std::vector<uint32_t>> image(const LinearLayout &map) {
  std::set<std::vector<uint32_t>> image;
  for (const Coord &in : allInputs(map.inBits())) {
    Coord out = map.apply(in);
    image.insert(std::vector<uint32_t>(out.begin(), out.end()));
  }
  return image;
}

TEST(LinearLayout, headerExample) {
  // Registers, lanes -> rows, columns of the 8x4 tile in LinearLayout.h.
  LinearLayout map({3, 2}, {3, 2}, {{0, 1}, {2, 0}, {4, 0}, {0, 2}, {1, 0}});
  EXPECT_EQ(map.apply({5, 2}), (Coord{5, 1}));
  EXPECT_EQ(map.toString({llvm::StringRef("reg"), llvm::StringRef("lane")}),
            "reg: (0,1) (2,0) (4,0)\nlane: (0,2) (1,0)\n");
  EXPECT_TRUE(map.isInjective() && map.isSurjective());
}

TEST(LinearLayout, applyIsLinear) {
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    LinearLayout map = randomMap(random, {2, 3}, {3, 1, 2});
    for (const Coord &a : allInputs(map.inBits()))
      for (const Coord &b : allInputs(map.inBits())) {
        Coord x = map.apply(a), y = map.apply(b), sum = map.apply({a[0] ^ b[0], a[1] ^ b[1]});
        for (unsigned d = 0; d < 3; ++d)
          ASSERT_EQ(sum[d], x[d] ^ y[d]);
      }
  }
}

TEST(LinearLayout, composeAppliesOneAfterTheOther) {
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    LinearLayout inner = randomMap(random, {3, 2}, {2, 3}), outer = randomMap(random, {2, 3}, {4});
    LinearLayout both = inner.compose(outer);
    for (const Coord &in : allInputs(inner.inBits()))
      ASSERT_EQ(both.apply(in), outer.apply(inner.apply(in)));
  }
}

TEST(LinearLayout, invertUndoes) {
  std::mt19937 random(3);
  int bijections = 0;
  for (int round = 0; round < 300; ++round) {
    LinearLayout map = randomMap(random, {3, 2}, {1, 4});
    std::optional<LinearLayout> inverse = map.invert();
    ASSERT_EQ(inverse.has_value(), image(map).size() == 32u);
    if (!inverse)
      continue;
    ++bijections;
    for (const Coord &in : allInputs(map.inBits()))
      ASSERT_EQ(inverse->apply(map.apply(in)), in);
    ASSERT_EQ(map.compose(*inverse).compose(map), map);
  }
  EXPECT_GT(bijections, 20);
}

TEST(LinearLayout, rightInverseReachesEveryOutput) {
  std::mt19937 random(4);
  for (int round = 0; round < 300; ++round) {
    LinearLayout map = randomMap(random, {3, 3}, {2, 2});
    std::optional<LinearLayout> right = map.rightInverse();
    ASSERT_EQ(right.has_value(), image(map).size() == 16u);
    if (right)
      for (const Coord &out : allInputs(map.outBits()))
        ASSERT_EQ(map.apply(right->apply(out)), out);
  }
}

TEST(LinearLayout, rightInverseLeavesFreeBitsZero) {
  // Bit 1 is a replica: it never appears.
  LinearLayout map({3}, {2}, {{1}, {0}, {2}});
  EXPECT_EQ(map.rightInverse()->apply({3}), Coord{5});
}

TEST(LinearLayout, injectiveAndSurjectiveCountImages) {
  std::mt19937 random(5);
  for (auto [in, out] : {std::pair<unsigned, unsigned>{4, 4}, {3, 5}, {5, 3}})
    for (int round = 0; round < 100; ++round) {
      LinearLayout map = randomMap(random, {in}, {out});
      ASSERT_EQ(map.isInjective(), image(map).size() == (size_t(1) << in));
      ASSERT_EQ(map.isSurjective(), image(map).size() == (size_t(1) << out));
    }
}

TEST(LinearLayout, productIsBlockDiagonal) {
  std::mt19937 random(6);
  LinearLayout low = randomMap(random, {2, 1}, {1, 3}), high = randomMap(random, {1, 2}, {2, 1});
  LinearLayout both = low.product(high);
  for (const Coord &l : allInputs(low.inBits()))
    for (const Coord &h : allInputs(high.inBits())) {
      Coord x = low.apply(l), y = high.apply(h);
      ASSERT_EQ(both.apply({l[0] | h[0] << 2, l[1] | h[1] << 1}), (Coord{x[0] | y[0] << 1, x[1] | y[1] << 3}));
    }
}

TEST(LinearLayout, divideUndoesProduct) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    LinearLayout low = randomMap(random, {2, 1}, {1, 3}), high = randomMap(random, {1, 2}, {2, 1});
    ASSERT_EQ(low.product(high).divide(low), high);
  }
}

TEST(LinearLayout, divideRefusesWhatIsNoProduct) {
  LinearLayout low = LinearLayout::identity(1);
  EXPECT_FALSE(LinearLayout({2}, {2}, {{2}, {1}}).divide(low)); // low bit goes up
  EXPECT_FALSE(LinearLayout({2}, {2}, {{1}, {3}}).divide(low)); // high bit touches the low one
  EXPECT_FALSE(LinearLayout::identity(1).divide(LinearLayout::identity(2)));
  EXPECT_EQ(LinearLayout::identity(3).divide(LinearLayout::identity(2)), LinearLayout::identity(1));
}

TEST(LinearLayout, zeroForgets) {
  LinearLayout map = LinearLayout::zero(3, 2);
  for (uint32_t in = 0; in < 8; ++in)
    EXPECT_EQ(map.apply({in}), Coord{0});
  EXPECT_FALSE(map.isSurjective());
  EXPECT_TRUE(LinearLayout::zero(3).isSurjective());
}

} // namespace
