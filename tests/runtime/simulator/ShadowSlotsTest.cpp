//===- ShadowSlotsTest.cpp - The last access to each granule --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random accesses to rows and single granules, against a list of one entry a granule.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/memory/ShadowSlots.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

using namespace imbrex::simulator;

namespace {

constexpr uint32_t kGranules = 64;

/// What the slots must say.
struct Model {
  std::vector<Touch> touches = std::vector<Touch>(kGranules);

  void setRow(uint32_t begin, uint32_t size, const Touch &touch, unsigned laneShift) {
    for (uint32_t k = 0; k < size; ++k)
      touches[begin + k] = {touch.run, touch.time, touch.who + (k >> laneShift)};
  }
  void expectSame(const ShadowSlots &slots, int step) const {
    for (uint32_t i = 0; i < kGranules; ++i) {
      Touch got = slots.at(i), want = touches[i];
      ASSERT_EQ(got.run, want.run) << "granule " << i << " after step " << step;
      if (want.run == 0)
        continue;
      ASSERT_EQ(got.time, want.time) << "granule " << i << " after step " << step;
      ASSERT_EQ(got.who, want.who) << "granule " << i << " after step " << step;
    }
  }
};

void clear(ShadowSlots &slots, Model &model, uint32_t first, uint32_t last) {
  slots.clear(first, last);
  for (uint32_t i = first; i <= last; ++i)
    model.touches[i] = {};
}

TEST(ShadowSlots, RowsAndGranules) {
  std::mt19937 random(5);
  for (unsigned rowLog2 : {2u, 3u}) {
    ShadowSlots slots;
    ASSERT_FALSE(slots.exists());
    EXPECT_EQ(slots.make(kGranules, rowLog2), 13u * (kGranules >> rowLog2));
    Model model;
    uint64_t taken = 0;
    for (int step = 1; step < 2000; ++step) {
      uint32_t i = random() % kGranules, row = slots.rowOf(i);
      Touch touch{1 + static_cast<uint32_t>(random() % 9), static_cast<uint32_t>(step), 32u * step};
      switch (random() % 4) {
      case 0:
        taken += slots.set(i, touch);
        model.touches[i] = touch;
        break;
      case 1:
        clear(slots, model, i, std::min(i + static_cast<uint32_t>(random() % 20), kGranules - 1));
        break;
      default:
        unsigned laneShift = random() % 3;
        slots.setRow(row, touch, laneShift);
        model.setRow(slots.rowBegin(row), slots.rowSize(), touch, laneShift);
        EXPECT_TRUE(slots.isEven(row));
      }
      ASSERT_NO_FATAL_FAILURE(model.expectSame(slots, step));
    }
    EXPECT_EQ(taken, 12u * kGranules) << "the entries of granules are made once";
  }
}

TEST(ShadowSlots, ARowIsCopied) {
  ShadowSlots from, to;
  from.make(kGranules, 3);
  to.make(kGranules, 3);
  from.setRow(2, {7, 8, 4}, 1);
  to.copyRow(2, from);
  EXPECT_EQ(to.at(16).run, 7u);
  EXPECT_EQ(to.at(23).time, 8u);
  EXPECT_EQ(to.at(23).who, 7u) << "granules 6 and 7 are the fourth lane's";
  EXPECT_EQ(to.at(24).run, 0u);
}

} // namespace
