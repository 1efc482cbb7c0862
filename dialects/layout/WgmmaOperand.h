//===- WgmmaOperand.h - A tile in shared memory as wgmma reads it -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// wgmma (PTX ISA, "Asynchronous Warpgroup Level Matrix Instructions") takes an operand from shared memory by a matrix
// descriptor: where its first core matrix starts, how far the next ones lie, and which swizzle. The tiles of
// SharedLayout.h are laid out so that one descriptor an instruction will do. M or N is *across*, K is *along*:
//
//     K-major    rows of the tile are M or N, columns K       a step of K is 32 bytes of a row: within a panel
//     MN-major   rows of the tile are K, columns M or N       a step of K is 16 rows; 16-bit elements only
//
//   128-byte span, bf16       leading offset            stride offset          start of step k, row block at r
//     K-major                 not used                  8 rows, 1024 bytes     panel (32 k / 128), byte 32 k % 128, row
//     r MN-major, panels of 64  panel to panel            8 rows, 1024 bytes     row 16 k, panel r / 64
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_LAYOUT_WGMMAOPERAND_H
#define IMBREX_DIALECTS_LAYOUT_WGMMAOPERAND_H

#include "dialects/layout/SharedLayout.h"
#include <algorithm>
#include <bit>
#include <string>
#include <variant>

namespace imbrex::layout {

/// Rows of the result of one wgmma, the warps that share one, and the most columns it has.
inline constexpr unsigned kWgmmaRows = 64, kWarpgroupWarps = 4, kWgmmaColumns = 256;

/// A product of any type may have any multiple of these as its columns.
inline constexpr unsigned kWgmmaColumnStep = 16;

/// True if an instruction on integers of 8 bits can have `columns`; those on floats have any multiple of 8 (PTX ISA,
/// "wgmma.mma_async", shapes of .s8).
inline constexpr bool hasIntegerWgmma(int64_t columns) {
  return columns == 8 || columns == 24 || (columns % 16 == 0 && columns <= kWgmmaColumns);
}

/// The columns of each of `groups` warpgroups that share the rows of a product of `columns`: those that follow one
/// another, a power of two of them (TileLayout::wgmmaAccumulator). The last ones may be beyond the product.
inline constexpr int64_t wgmmaShare(int64_t columns, int64_t groups) {
  return std::max<int64_t>(8, std::bit_ceil(uint64_t((columns + groups - 1) / groups)));
}

/// How wgmma finds an operand of a tile in shared memory.
class WgmmaOperand {
public:
  /// `kIsRow`: K counts the tile's rows (MN-major), else its columns (K-major). `across`, `along`: elements of M or N,
  /// and of K, that the instructions read, padding included. Else the reason why wgmma cannot read it.
  static std::variant<WgmmaOperand, std::string> of(const SharedLayout &layout, bool kIsRow, int64_t across,
                                                    int64_t along);

  /// Bits of the descriptor beside its start address: offsets and swizzle (PTX ISA, "Matrix Descriptor Format").
  uint64_t descriptor() const;
  /// Bytes from the tile's first to where the instruction for step `step` of K starts that has `across` as its first
  /// row of M or column of N, a multiple of 8; of whole panels where MN-major.
  int64_t start(unsigned step, int64_t across) const;
  /// What moves `rows` (64) further of M or N, in bytes: the same for all of them.
  int64_t strideOf(int64_t rows) const { return start(0, rows); }
  bool isKMajor() const { return !kIsRow; }
  /// True if an instruction may have `across`, a multiple of 8, as its first row of M or column of N.
  bool startsAt(int64_t across) const {
    return !kIsRow || start(0, across) % int64_t(layout.paddedRows() * layout.span()) == 0;
  }

private:
  WgmmaOperand(const SharedLayout &layout, bool kIsRow) : layout(layout), kIsRow(kIsRow) {}

  SharedLayout layout;
  bool kIsRow;
};

} // namespace imbrex::layout

#endif // IMBREX_DIALECTS_LAYOUT_WGMMAOPERAND_H
