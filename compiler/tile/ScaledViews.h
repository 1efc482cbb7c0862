//===- ScaledViews.h - Views of elements times scales ----------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Accesses to views made by tile.scaled become accesses to their storage and to the scales. Internal to
// tile-resolve-views.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_SCALEDVIEWS_H
#define IMBREX_COMPILER_TILE_SCALEDVIEWS_H

#include "dialects/tile/TileDialect.h"

namespace imbrex {

/// Resolves and erases `view`, whose users are loads, gathers, tile.extent and tile.length.
void resolveScaled(tile::ScaledOp view);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_SCALEDVIEWS_H
