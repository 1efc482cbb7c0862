//===- Access.cpp - How a tile in registers meets one in shared memory ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Powers of two and divisors: every answer is a greatest common divisor or a comparison.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/Access.h"
#include <numeric>

namespace imbrex::layout {

unsigned accessWidth(unsigned elementBytes, int64_t run) {
  return unsigned(std::gcd<int64_t>(kAccessBytes / elementBytes, run));
}

unsigned accessWidth(const TileLayout &tile, unsigned dim, int64_t extent, unsigned elementBytes) {
  return std::gcd(accessWidth(elementBytes, extent), tile.contiguous(dim));
}

bool isLdmatrixOperand(const TileLayout &tile, llvm::ArrayRef<int64_t> shape, const SharedLayout &shared,
                       bool transposed) {
  unsigned bytes = shared.elementBytes();
  if (tile.rank() != 2 || bytes > 4 || !isByLdmatrix(KOrder::Chunks, bytes, transposed) ||
      tile != TileLayout::mmaOperandA(shape, tile.warps()[0], bytes, KOrder::Chunks))
    return false;
  unsigned row = transposed ? 1 : 0;
  return tile.extent(row) <= shared.paddedRows() && tile.extent(1 - row) <= shared.paddedColumns();
}

} // namespace imbrex::layout
