//===- SharedLayoutTest.cpp - Swizzled tiles in shared memory -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Offsets against the swizzle as address bits, and the accesses that must be free of bank conflicts.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/SharedLayout.h"
#include <gtest/gtest.h>
#include <set>

using namespace imbrex::layout;

namespace {

const int64_t columnCounts[] = {8, 16, 24, 32, 40, 48, 56, 64, 80, 88, 96, 112, 128, 160, 176, 192, 256};
const int64_t rowCounts[] = {8, 16, 40, 64, 128, 176};

TEST(SharedLayout, widestSpanThatDividesARow) {
  EXPECT_EQ(SharedLayout::swizzled(64, 128, 2).span(), 128u);
  EXPECT_EQ(SharedLayout::swizzled(64, 96, 2).span(), 64u); // 192 bytes: three panels of 64
  EXPECT_EQ(SharedLayout::swizzled(64, 48, 2).span(), 32u); // 96 bytes: three panels of 32
  EXPECT_EQ(SharedLayout::swizzled(64, 40, 2).paddedColumns(), 48);
  EXPECT_EQ(SharedLayout::swizzled(64, 40, 2).columns(), 40);
  EXPECT_EQ(SharedLayout::swizzled(64, 32, 4).alignment(), 1024u);
}

TEST(SharedLayout, everyElementHasBytesOfItsOwn) {
  for (unsigned bytes : {1u, 2u, 4u, 8u})
    for (int64_t columns : columnCounts) {
      SharedLayout layout = SharedLayout::swizzled(24, columns, bytes);
      std::set<int64_t> seen;
      for (int64_t row = 0; row < 24; ++row)
        for (int64_t column = 0; column < layout.paddedColumns(); ++column) {
          int64_t offset = layout.offset(row, column);
          ASSERT_TRUE(offset >= 0 && offset % bytes == 0 && offset + bytes <= layout.sizeBytes());
          ASSERT_TRUE(seen.insert(offset).second);
        }
      ASSERT_EQ(int64_t(seen.size()) * bytes, layout.sizeBytes());
    }
}

TEST(SharedLayout, keepsAtLeastWhatIsAsked) {
  SharedLayout layout = SharedLayout::swizzled(3, 100, 2, 16, 112);
  EXPECT_EQ(layout.rows(), 3);
  EXPECT_EQ(layout.columns(), 100);
  EXPECT_EQ(layout.paddedRows(), 16);
  EXPECT_EQ(layout.paddedColumns(), 112);
  EXPECT_EQ(layout.span(), 32u);
  EXPECT_EQ(layout.offset(0, 16), 16 * 32); // the second panel: after the rows stored, not the tile's
  EXPECT_EQ(layout.sizeBytes(), 16 * 112 * 2);
}

TEST(SharedLayout, swizzleIsAnXorOfAddressBits) {
  // TMA's and wgmma's rule on a plain address: 128: ^= ((a >> 7) & 7) << 4, 64: & 3, 32: & 1.
  for (unsigned span : {128u, 64u, 32u}) {
    SharedLayout layout(40, 192, 2, span);
    for (int64_t row = 0; row < 40; ++row)
      for (int64_t column = 0; column < 192; ++column) {
        int64_t byte = column * 2;
        int64_t plain = (byte / span) * 40 * span + row * span + byte % span;
        ASSERT_EQ(layout.offset(row, column), plain ^ (((plain >> 7) & (span / 16 - 1)) << 4));
      }
  }
}

TEST(SharedLayout, headerPicture) {
  SharedLayout layout = SharedLayout::swizzled(64, 128, 2);
  EXPECT_EQ(layout.offset(1, 0), 128 + 16);         // row 1: chunk 0 lies second
  EXPECT_EQ(layout.offset(2, 8), 2 * 128 + 3 * 16); // row 2: chunk 1 lies fourth
  EXPECT_EQ(layout.offset(0, 64), 64 * 128);        // the second panel
}

TEST(SharedLayout, ldmatrixRowsAreFreeOfConflicts) {
  for (int64_t columns : columnCounts)
    for (int64_t rows : rowCounts) {
      SharedLayout layout = SharedLayout::swizzled(rows, columns, 2);
      for (int64_t row = 0; row + 8 <= rows; ++row)
        for (int64_t column = 0; column < columns; column += 8) {
          llvm::SmallVector<int64_t, 8> offsets;
          for (int64_t i = 0; i < 8; ++i)
            offsets.push_back(layout.offset(row + i, column));
          ASSERT_EQ(bankConflicts(offsets, 16), 0u) << rows << "x" << columns << " at " << row << "," << column;
        }
    }
}

/// The rows that cta.restage reads and writes as one matrix of 8 rows of 16 bytes, by its file: k in Chunks, and n.
TEST(SharedLayout, restagedMatricesAreFreeOfConflicts) {
  for (int64_t columns : {32, 48, 64, 96, 128, 160, 224, 256})
    for (int64_t first : {0, 16, 48})
      for (int64_t matrix : {0, 1})
        for (int64_t column = 0; column < columns; column += 16) {
          SharedLayout layout = SharedLayout::swizzled(/*rows=*/64, columns, /*elementBytes=*/1);
          llvm::SmallVector<int64_t, 8> read, written;
          for (int64_t row = 0; row < 8; ++row) {
            const int64_t other = row > 3 ? 1 - matrix : matrix;
            read.push_back(layout.offset(first + row / 2 * 4 + other * 2 + row % 2, column));
            written.push_back(layout.offset(first + 2 * row + other, column));
          }
          ASSERT_EQ(bankConflicts(read, 16), 0u) << columns << " columns, read at " << first << "," << column;
          ASSERT_EQ(bankConflicts(written, 16), 0u) << columns << " columns, written at " << first << "," << column;
        }
}

TEST(SharedLayout, rowWritesOfSixteenBytesAreFreeOfConflicts) {
  // As the copy from global memory writes: eight elements a lane, lanes as the blocked layout has them.
  for (int64_t columns : columnCounts)
    for (int64_t rows : rowCounts)
      for (unsigned warps : {1u, 4u, 12u}) {
        SharedLayout shared = SharedLayout::swizzled(rows, columns, 2);
        TileLayout tile = TileLayout::blocked({rows, columns}, warps, 8);
        ASSERT_EQ(tile.contiguous(1) % 8, 0u);
        if (tile.extent(0) != rows || tile.extent(1) != columns)
          continue; // lanes in a margin trade conflicts of a few lanes for fewer registers of all
        for (unsigned warp = 0; warp < warps; ++warp)
          for (unsigned reg = 0; reg < tile.registersPerThread(); reg += 8) {
            llvm::SmallVector<int64_t, 32> offsets;
            for (unsigned lane = 0; lane < 32; ++lane) {
              Coord coord = tile.coordOf(reg, lane, warp);
              offsets.push_back(shared.offset(coord[0], coord[1]));
            }
            ASSERT_EQ(bankConflicts(offsets, 16), 0u) << rows << "x" << columns << " by " << tile.toString();
          }
      }
}

llvm::SmallVector<int64_t, 32> strided(int64_t stride) {
  llvm::SmallVector<int64_t, 32> offsets;
  for (int64_t lane = 0; lane < 32; ++lane)
    offsets.push_back(lane * stride);
  return offsets;
}

TEST(BankConflicts, knownPatterns) {
  EXPECT_EQ(bankConflicts(strided(4), 4), 0u);
  EXPECT_EQ(bankConflicts(strided(8), 4), 1u);    // two lanes a bank
  EXPECT_EQ(bankConflicts(strided(128), 4), 31u); // all in bank 0
  EXPECT_EQ(bankConflicts(strided(132), 4), 0u);  // padded rows
  EXPECT_EQ(bankConflicts(strided(0), 4), 0u);    // one word for all
  EXPECT_EQ(bankConflicts(strided(2), 2), 0u);    // two lanes share each word
  EXPECT_EQ(bankConflicts(strided(8), 8), 0u);
  EXPECT_EQ(bankConflicts(strided(16), 16), 0u);
  EXPECT_EQ(bankConflicts(strided(128), 16), 28u); // each quarter warp: eight rows in four banks
}

} // namespace
