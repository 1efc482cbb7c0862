//===- MaskAnalysis.h - What a mask says of whole tiles ------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a mask of rows and columns as a conjunction of linear comparisons:
//
//     row + i * 128 + off >= col + j * 64   is   -row + col + (64 j - 128 i - off) <= 0
//
// Rows and columns are positions in the tile, the rest are scalars that all elements share. From this
// follow the columns that some row sees, and the scalar test that all rows see all columns. Comparisons
// are read by what they mean: (start + iota < n)[_, :] is the same as start + iota[_, :] < n.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_MASKANALYSIS_H
#define IMBREX_COMPILER_TILE_MASKANALYSIS_H

#include "compiler/tile/LinearForms.h"

namespace imbrex {

/// A conjunction of `form <= 0`. Not complete: parts could not be read, so the mask may say less than true.
struct Mask {
  llvm::SmallVector<LinearForm> conjuncts;
  bool complete = true;
};
Mask analyzeMask(mlir::Value mask);

/// i1: every element of an m x n tile of the mask is true. Null if the mask is not complete.
mlir::Value emitAllTrue(mlir::OpBuilder &builder, mlir::Location loc, const Mask &mask, int64_t m, int64_t n);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_MASKANALYSIS_H
