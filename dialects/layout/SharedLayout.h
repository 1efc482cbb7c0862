//===- SharedLayout.h - Which byte of shared memory holds which element -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A 2-D tile in shared memory: panels of 128, 64 or 32 bytes a row, side by side in memory, swizzled
// inside each panel exactly as TMA and wgmma do (PTX ISA, "Swizzling Modes"): the index of a 16-byte
// chunk is XORed with bits of the row. So 8 rows at one column lie in 8 different bank groups, and
// ldmatrix, 16-byte stores and later TMA and wgmma all run free of bank conflicts.
//
//   rows of 256 bytes (128 x bf16): two panels of 128 bytes; panel p starts at p * rows stored * 128
//
//       row 0: chunk 0 1 2 3 4 5 6 7        byte offset of (row, column):
//       row 1:       1 0 3 2 5 4 7 6          panel * rows * span + row * span
//       row 2:       2 3 0 1 6 7 4 5          + 16 * (chunk ^ (row * span / 128) % (span / 16)) + byte in chunk
//
// Extents need not be powers of two: rows of 96 bytes are three panels of 32, rows of 192 three of 64.
// Columns are padded up to a multiple of 32 bytes; rows and columns are padded further where a product
// reads whole blocks of a tile that is not made of them. A slot's padding holds zeros.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_LAYOUT_SHAREDLAYOUT_H
#define IMBREX_DIALECTS_LAYOUT_SHAREDLAYOUT_H

#include "dialects/layout/TileLayout.h"

namespace imbrex::layout {

class SharedLayout {
public:
  static constexpr int64_t kSwizzleRows = 8; ///< after which the XOR begins again
  static constexpr unsigned kNoSwizzle = 16; ///< the span whose rows are one piece each, which nothing moves

  SharedLayout() = default;
  /// The widest span of 128, 64, 32 bytes that divides a row of `columns` elements of `elementBytes`
  /// (1, 2, 4 or 8), the row first padded up to a multiple of 32 bytes. Stored are at least `leastRows` rows
  /// and `leastColumns` columns.
  static SharedLayout swizzled(int64_t rows, int64_t columns, unsigned elementBytes, int64_t leastRows = 0,
                               int64_t leastColumns = 0);
  /// The same with a given span; the row is padded up to a multiple of it.
  SharedLayout(int64_t rows, int64_t columns, unsigned elementBytes, unsigned span, int64_t leastRows = 0,
               int64_t leastColumns = 0);

  /// Rows and columns as asked for, and as stored.
  int64_t rows() const { return rowCount; }
  int64_t columns() const { return columnCount; }
  int64_t paddedRows() const { return storedRows; }
  int64_t paddedColumns() const { return storedColumns; }
  unsigned elementBytes() const { return bytes; }
  /// Bytes of a row inside one panel: 128, 64 or 32.
  unsigned span() const { return panelSpan; }
  int64_t sizeBytes() const { return storedRows * storedColumns * bytes; }
  /// Panels must start at a multiple of this for the XOR to fall on address bits, as TMA and wgmma read it: 8
  /// rows' worth. (So several panels want paddedRows() % 8 == 0; loads and stores by offset() are right either way.)
  unsigned alignment() const { return kSwizzleRows * panelSpan; }

  /// Columns of the boxes that TMA brings a tile in, and the bytes of their swizzle: a panel each; a single row, of
  /// which nothing is swizzled, as a whole.
  int64_t boxColumns() const { return rowCount == 1 ? columnCount : panelSpan / bytes; }
  unsigned boxSpan() const { return rowCount == 1 ? kNoSwizzle : panelSpan; }

  /// Byte offset of an element.
  int64_t offset(int64_t row, int64_t column) const;
  /// The XOR that row `row` puts on a byte offset inside its panel's row.
  unsigned swizzle(int64_t row) const { return 16 * ((row * panelSpan / 128) % (panelSpan / 16)); }

  bool operator==(const SharedLayout &o) const = default;

private:
  int64_t rowCount = 0, columnCount = 0, storedRows = 0, storedColumns = 0;
  unsigned bytes = 0, panelSpan = 0;
};

/// Number of shared-memory wavefronts beyond the fewest possible for one warp-wide access: lane i
/// touches `width` bytes (a power of two up to 16) at byte offset offsets[i]; lanes that touch the
/// same 4-byte word share it. 0 means free of bank conflicts. (32 banks of 4 bytes; 8-byte accesses go
/// by half warps, 16-byte ones by quarter warps: CUDA C++ Programming Guide, "Shared Memory".)
unsigned bankConflicts(llvm::ArrayRef<int64_t> offsets, unsigned width);

} // namespace imbrex::layout

#endif // IMBREX_DIALECTS_LAYOUT_SHAREDLAYOUT_H
