//===- VaryingViews.h - Views whose extents vary ---------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Accesses to views made by tile.padded, tile.ragged and tile.paged become accesses to parts of their storage. Internal
// to tile-resolve-views.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_VARYINGVIEWS_H
#define IMBREX_COMPILER_TILE_VARYINGVIEWS_H

#include "dialects/tile/TileDialect.h"

namespace imbrex {

/// Resolves and erases `view`, one of these operations, whose users are accesses, tile.extent and tile.length. Gives
/// the parts of the storage that they use now.
///
/// What is read of a sequence (its offsets, its length) is read where its index becomes known, once.
llvm::SmallVector<tile::SubviewOp> resolveVarying(mlir::Operation *view);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_VARYINGVIEWS_H
