//===- WgmmaOperand.cpp - A tile in shared memory as wgmma reads it --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fields of the matrix descriptor, from a tile's panels.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/WgmmaOperand.h"
#include "dialects/layout/MmaOrder.h"

namespace imbrex::layout {

/// Rows of a core matrix, which is 16 bytes wide.
static constexpr int64_t kCoreRows = 8;
/// Descriptors count in units of 16 bytes.
static constexpr unsigned kUnitBits = 4;

std::variant<WgmmaOperand, std::string> WgmmaOperand::of(const SharedLayout &layout, bool kIsRow, int64_t across,
                                                         int64_t along) {
  const unsigned bytes = layout.elementBytes();
  int64_t rows = kIsRow ? along : across, columns = kIsRow ? across : along;
  if (kIsRow && bytes != 2)
    return "only operands of 16 bits may have K along their rows' order";
  if (bytes > 4)
    return "elements of 8 bytes";
  if (rows > layout.paddedRows() || columns > layout.paddedColumns())
    return "it reads beyond what is stored";
  if (layout.paddedRows() % kCoreRows != 0)
    return "panels of no whole blocks of 8 rows";
  return WgmmaOperand(layout, kIsRow);
}

uint64_t WgmmaOperand::descriptor() const {
  uint64_t unit = 1 << kUnitBits, span = layout.span();
  const bool hasPanels =
      kIsRow && uint64_t(layout.paddedColumns()) * layout.elementBytes() > span; // else no one reads it
  uint64_t leading = hasPanels ? layout.paddedRows() * span : unit, stride = kCoreRows * span;
  uint64_t swizzle = span == 128 ? 1 : span == 64 ? 2 : 3;
  return leading / unit << 16 | stride / unit << 32 | swizzle << 62;
}

int64_t WgmmaOperand::start(unsigned step, int64_t across) const {
  const int64_t span = layout.span(), panel = layout.paddedRows() * span, depth = mmaDepth(layout.elementBytes());
  auto inRow = [&](int64_t byte) { return byte / span * panel + byte % span; };
  if (!kIsRow)
    return inRow(step * depth * layout.elementBytes()) + across * span;
  return step * depth * span + inRow(across * layout.elementBytes());
}

} // namespace imbrex::layout
