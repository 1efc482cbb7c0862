//===- Access.h - How a tile in registers meets one in shared memory --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Questions to a TileLayout and a SharedLayout together: how many elements one access takes, and whether ldmatrix can
// read the tile.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_LAYOUT_ACCESS_H
#define IMBREX_DIALECTS_LAYOUT_ACCESS_H

#include "dialects/layout/SharedLayout.h"
#include "dialects/layout/TileLayout.h"

namespace imbrex::layout {

/// The most bytes that one access of a thread takes (PTX ISA, "ld": .v4 of 32 bits). Also a chunk of the swizzle
/// (SharedLayout.h), so that an access never crosses from one chunk into another.
inline constexpr unsigned kAccessBytes = 16;

/// Elements of `elementBytes` (1, 2, 4 or 8) in one access: a power of two, no more than kAccessBytes, that divides
/// `run`, so that accesses at multiples of it tile a run of that many elements exactly. A run of 0 restricts nothing.
unsigned accessWidth(unsigned elementBytes, int64_t run);

/// The same for registers of `tile` along dimension `dim` of a tile of `extent` there: the consecutive registers that
/// hold consecutive elements, all of the tile or all beyond it.
unsigned accessWidth(const TileLayout &tile, unsigned dim, int64_t extent, unsigned elementBytes);

/// True if ldmatrix can read a tile of `shape` from what holds it, or with `transposed` (16-bit elements only) its
/// transpose: it is spread as a left operand of mma is, in the order Chunks, and all that its layout covers is stored.
bool isLdmatrixOperand(const TileLayout &tile, llvm::ArrayRef<int64_t> shape, const SharedLayout &shared,
                       bool transposed);

} // namespace imbrex::layout

#endif // IMBREX_DIALECTS_LAYOUT_ACCESS_H
