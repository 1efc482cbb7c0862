//===- CopyDeal.h - Which thread copies which piece of a tile - -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile that threads copy to a ring is cut into pieces, which are dealt to the threads in rounds: one answer for the
// code that copies (cta_to_nvvm/CopyByThreads.h) and for what it reads (a table of rows, tile_to_cta/Distribute.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_COPYDEAL_H
#define IMBREX_COMPILER_CTA_COPYDEAL_H

#include "dialects/cta/CtaDialect.h"

namespace imbrex {

struct CopyDeal {
  unsigned bytes;         ///< of a piece: it lies wholly in the tile or wholly beyond it
  bool isAsync;           ///< by cp.async; else elements are loaded and stored
  int64_t elements;       ///< of a piece
  int64_t perRow, total;  ///< pieces
  int64_t across, panels; ///< threads side by side in a row; such groups of pieces in a row
  bool isRegular;         ///< a thread's pieces lie under one another, in one place of each panel

  /// With a table of rows: whether a thread finds those that it copies, which are many, in the lanes of its warp.
  /// Else it holds them.
  bool isTableShared(const layout::SharedLayout &slot, unsigned warps) const {
    constexpr int64_t kMany = 8;
    const int64_t down = int64_t(warps) * layout::kWarpThreads / across; // rows of a round
    return slot.paddedRows() > kMany * down && layout::kWarpThreads % down == 0;
  }
  /// How such a table is spread.
  layout::TileLayout tableLayout(const layout::SharedLayout &slot, unsigned warps) const {
    return isTableShared(slot, warps) ? layout::TileLayout::rowsOfLanes(slot.paddedRows())
                                      : layout::TileLayout::copyRows(slot.paddedRows(), unsigned(across), warps);
  }
};

/// How `threads` copy the tile at `indices` of `view`, along `dims` and not beyond `within`, to a buffer of `slot`.
/// `hasTable`: each row lies where a table says, so that the pieces are regular.
CopyDeal dealCopy(mlir::Value view, mlir::ValueRange indices, llvm::ArrayRef<int64_t> dims,
                  llvm::ArrayRef<int64_t> within, cta::BufferType slot, int64_t threads, bool hasTable);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_COPYDEAL_H
