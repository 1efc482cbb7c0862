//===- AccessTest.cpp - How a tile in registers meets shared memory -----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Widths against their definition, one element after another; ldmatrix where the PTX ISA allows it.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/Access.h"
#include <gtest/gtest.h>

using namespace imbrex::layout;

namespace {

TEST(Access, WidthTilesTheRun) {
  for (unsigned bytes : {1u, 2u, 4u, 8u})
    for (int64_t run = 1; run <= 100; ++run) {
      unsigned width = accessWidth(bytes, run), widest = 0;
      for (unsigned candidate = 1; candidate * bytes <= 16; candidate *= 2)
        if (run % candidate == 0)
          widest = candidate;
      ASSERT_EQ(width, widest) << bytes << " bytes, " << run;
    }
  EXPECT_EQ(accessWidth(2, 0), 8u);
}

/// Whether all registers from every multiple of `width` on lie side by side, all in the tile or all beyond it.
bool isVector(const TileLayout &layout, unsigned dim, int64_t extent, unsigned width) {
  for (unsigned reg = 0; reg < layout.registersPerThread(); ++reg) {
    unsigned first = reg / width * width;
    for (unsigned lane = 0; lane < 32; ++lane) {
      Coord coord = layout.coordOf(reg, lane, 0), start = layout.coordOf(first, lane, 0);
      bool inside = coord[dim] < extent, startsInside = start[dim] < extent;
      if (coord[dim] != start[dim] + (reg - first) || inside != startsInside)
        return false;
    }
  }
  return true;
}

TEST(Access, WidthOfRegistersIsTheWidest) {
  for (int64_t extent : {8, 12, 40, 96, 100, 128})
    for (unsigned vector : {1u, 2u, 4u, 8u}) {
      TileLayout layout = TileLayout::blocked({16, extent}, 4, vector);
      unsigned width = accessWidth(layout, 1, extent, 2);
      EXPECT_TRUE(isVector(layout, 1, extent, width)) << layout.toString();
      bool isMost = width == 8 || 2 * width > layout.registersPerThread() || extent % (2 * width) != 0;
      EXPECT_TRUE(isMost || !isVector(layout, 1, extent, 2 * width))
          << layout.toString() << " could take " << 2 * width;
    }
}

TEST(Access, LdmatrixReadsLeftOperandsThatAreStored) {
  TileLayout operand = TileLayout::mmaOperandA({32, 64}, 2);
  EXPECT_TRUE(isLdmatrixOperand(operand, {32, 64}, SharedLayout::swizzled(32, 64, 2), false));
  EXPECT_TRUE(isLdmatrixOperand(operand, {32, 64}, SharedLayout::swizzled(64, 32, 2), true));
  EXPECT_FALSE(isLdmatrixOperand(operand, {32, 64}, SharedLayout::swizzled(32, 64, 4), false)) << "no 16 bits";
  TileLayout tf32 = TileLayout::mmaOperandA({32, 64}, 2, 4);
  EXPECT_TRUE(isLdmatrixOperand(tf32, {32, 64}, SharedLayout::swizzled(32, 64, 4), false));
  EXPECT_FALSE(isLdmatrixOperand(tf32, {32, 64}, SharedLayout::swizzled(64, 32, 4), true)) << "halves of words";
  TileLayout bytes = TileLayout::mmaOperandA({32, 64}, 2, 1);
  EXPECT_TRUE(isLdmatrixOperand(bytes, {32, 64}, SharedLayout::swizzled(32, 64, 1), false));
  EXPECT_FALSE(isLdmatrixOperand(bytes, {32, 64}, SharedLayout::swizzled(64, 32, 1), true)) << "pairs of bytes";
  TileLayout blocked = TileLayout::blocked({32, 64}, 2, 8);
  EXPECT_FALSE(isLdmatrixOperand(blocked, {32, 64}, SharedLayout::swizzled(32, 64, 2), false)) << "no operand";
  TileLayout odd = TileLayout::mmaOperandA({20, 64}, 1); // covers 32 rows
  EXPECT_FALSE(isLdmatrixOperand(odd, {20, 64}, SharedLayout::swizzled(20, 64, 2), false)) << "rows beyond the buffer";
  EXPECT_TRUE(isLdmatrixOperand(odd, {20, 64}, SharedLayout::swizzled(20, 64, 2, 32), false));
}

} // namespace
