//===- WgmmaOperandTest.cpp - Matrix descriptors ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Against the offsets that CuTe's make_gmma_desc gives for the same tiles, and against the addresses of the elements.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/WgmmaOperand.h"
#include <gtest/gtest.h>

using namespace imbrex::layout;

namespace {

uint64_t field(uint64_t descriptor, unsigned first, unsigned bits) { return descriptor >> first & ((1 << bits) - 1); }

WgmmaOperand operandOf(const SharedLayout &layout, bool kIsRow) {
  int64_t across = kIsRow ? layout.columns() : layout.rows(), along = kIsRow ? layout.rows() : layout.columns();
  return std::get<WgmmaOperand>(WgmmaOperand::of(layout, kIsRow, across, along));
}

TEST(WgmmaOperand, kMajor) {
  WgmmaOperand operand = operandOf(SharedLayout::swizzled(128, 128, 2), /*kIsRow=*/false);
  EXPECT_EQ(field(operand.descriptor(), 32, 14) * 16, 1024u);
  EXPECT_EQ(field(operand.descriptor(), 62, 2), 1u); // 128-byte swizzle
  EXPECT_EQ(field(operand.descriptor(), 0, 14), 0u); // the address is added
  const int64_t units[] = {0, 2, 4, 6, 1024, 1026, 1028, 1030};
  for (unsigned step = 0; step < 8; ++step)
    EXPECT_EQ(operand.start(step, 0) / 16, units[step]);
  EXPECT_EQ(operand.strideOf(64) / 16, 512);
}

TEST(WgmmaOperand, mnMajor) {
  WgmmaOperand operand = operandOf(SharedLayout::swizzled(176, 128, 2), /*kIsRow=*/true);
  EXPECT_EQ(field(operand.descriptor(), 16, 14) * 16, 22528u); // panel to panel
  EXPECT_EQ(field(operand.descriptor(), 32, 14) * 16, 1024u);
  for (unsigned step = 0; step < 11; ++step)
    EXPECT_EQ(operand.start(step, 0) / 16, 128 * step);
  EXPECT_EQ(operand.strideOf(64), 22528);
}

TEST(WgmmaOperand, tileOfOnePanelHasOneDescriptorBothWays) {
  SharedLayout layout = SharedLayout::swizzled(64, 64, 2);
  EXPECT_EQ(operandOf(layout, /*kIsRow=*/true).descriptor(), operandOf(layout, /*kIsRow=*/false).descriptor());
}

/// The byte of an element by the rules of the descriptor (PTX ISA, "Strides"): core matrices of 8 rows x 16 bytes, the
/// swizzle an XOR of address bits 4 to 6 with bits from 7 on.
int64_t byteBy(uint64_t descriptor, int64_t start, bool kIsRow, unsigned bytes, int64_t across, int64_t along) {
  int64_t leading = int64_t(field(descriptor, 16, 14)) * 16, stride = int64_t(field(descriptor, 32, 14)) * 16;
  const int64_t span = stride / 8; // 8 rows of the swizzle's width
  int64_t row = kIsRow ? along : across, inRow = (kIsRow ? across : along) * bytes;
  int64_t byte = start + row / 8 * stride + row % 8 * span + inRow % span + inRow / span * leading;
  return byte ^ ((byte >> 7 & (span / 16 - 1)) << 4);
}

TEST(WgmmaOperand, namesTheElementsOfTheTile) {
  for (unsigned bytes : {1u, 2u, 4u})
    for (bool kIsRow : {false, true})
      for (int64_t columns : {16, 32, 48, 64, 96, 128, 192})
        for (int64_t rows : {16, 64, 80}) {
          SharedLayout layout = SharedLayout::swizzled(rows, columns, bytes);
          int64_t depth = 32 / bytes, along = kIsRow ? rows : columns;
          if ((kIsRow && bytes != 2) || along % depth != 0)
            continue;
          WgmmaOperand operand = operandOf(layout, kIsRow);
          for (int64_t step = 0; step < along / depth; ++step)
            for (int64_t across = 0, end = kIsRow ? columns : rows; across < end; ++across)
              for (int64_t k = 0; k < depth; ++k) {
                int64_t row = kIsRow ? step * depth + k : across, column = kIsRow ? across : step * depth + k;
                // An instruction that starts at a row or panel boundary of `across`.
                int64_t first = kIsRow ? 0 : across / 8 * 8;
                ASSERT_EQ(byteBy(operand.descriptor(), operand.start(unsigned(step), first), kIsRow, bytes,
                                 across - first, k),
                          layout.offset(row, column))
                    << bytes << " bytes, " << rows << " x " << columns << (kIsRow ? " along rows" : "");
              }
        }
}

TEST(WgmmaOperand, saysWhyNot) {
  auto refused = [](const SharedLayout &layout, bool kIsRow, int64_t across, int64_t along) {
    return std::holds_alternative<std::string>(WgmmaOperand::of(layout, kIsRow, across, along));
  };
  EXPECT_TRUE(refused(SharedLayout::swizzled(64, 64, 1), /*kIsRow=*/true, 64, 64));
  EXPECT_TRUE(refused(SharedLayout::swizzled(64, 64, 8), /*kIsRow=*/false, 64, 64));
  EXPECT_TRUE(refused(SharedLayout::swizzled(64, 64, 2), /*kIsRow=*/false, 72, 64));
  EXPECT_TRUE(refused(SharedLayout::swizzled(20, 64, 2), /*kIsRow=*/false, 20, 64));
  EXPECT_FALSE(refused(SharedLayout::swizzled(20, 64, 2, 24), /*kIsRow=*/false, 24, 64));
}

} // namespace
