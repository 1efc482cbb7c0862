//===- Divisibility.h - What divides an index for certain ----- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bounds the alignment of index arithmetic: a power of two that divides a scalar for certain.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_DIVISIBILITY_H
#define IMBREX_COMPILER_CTA_DIVISIBILITY_H

#include "dialects/layout/TileLayout.h"
#include "mlir/IR/ValueRange.h"

namespace imbrex {

/// A power of two, at most 2^20, that divides integer scalar `value` whatever its operands are.
/// Example: j * 64 + 16 gives 16. Zero gives 2^20.
int64_t knownDivisor(mlir::Value value);

/// Bytes that divide the address of a tile of `view` at `indices`, its rows' too: what the view's
/// `tile.alignment` and the start index along the last dimension allow. At most 16.
unsigned accessAlignment(mlir::Value view, mlir::ValueRange indices);

/// Neighbouring elements in one access of a thread, where the tile's last dimension is the view's: what alignment,
/// layout and the extent of the tile of `shape` allow.
unsigned rowAccessWidth(mlir::Value view, mlir::ValueRange indices, const layout::TileLayout &layout,
                        llvm::ArrayRef<int64_t> shape);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_DIVISIBILITY_H
