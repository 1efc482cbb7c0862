//===- LayoutPictures.h - Layouts as pictures -------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which lane and register holds what of a tile, and where its bytes lie in shared memory, with the wavefronts that
// reading rows and columns of it takes.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_LAYOUTPICTURES_H
#define IMBREX_TOOLS_IMBREX_LAYOUTPICTURES_H

#include "dialects/layout/SharedLayout.h"
#include "tools/imbrex/CellPicture.h"

namespace imbrex::tool {

/// The elements of the first instructions' tiles, "lane:register" of warp 0, and the whole tile by warps. `name` begins
/// the titles. Of rank 1 or 2.
std::vector<CellPicture> picturesOf(const layout::TileLayout &layout, const std::string &name);

/// Eight rows of a panel: which 16-byte chunk of its row stands where.
CellPicture pictureOf(const layout::SharedLayout &layout, const std::string &name);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_LAYOUTPICTURES_H
