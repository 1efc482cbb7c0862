//===- MaskAnalysis.h - What a mask says of whole tiles ------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a mask of rows and columns as linear comparisons, all of which hold, or some of which do:
//
//     row + i * 128 + off >= col + j * 64   is   -row + col + (64 j - 128 i - off) <= 0
//
// Rows and columns are positions in the tile, the rest are scalars that all elements share. From this
// follow the columns that some row sees, and the scalar test that all rows see all columns. Comparisons
// are read by what they mean: (start + iota < n)[_, :] is the same as start + iota[_, :] < n. One position of a
// comparison that is divided by a constant is read too: (row + i * 128) / 4 >= col   is   -row + 4 col - 128 i <= 0.
// A truth that all elements share, constant or not, is `truth + 1 <= 0`.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_MASKANALYSIS_H
#define IMBREX_COMPILER_TILE_MASKANALYSIS_H

#include "compiler/tile/LinearForms.h"
#include <vector>

namespace imbrex {

/// Every `form <= 0` of the conjuncts, and of each disjunction one part at least. Not complete: something that must
/// hold too could not be read, so the mask shows no more than is said here.
struct Mask {
  llvm::SmallVector<LinearForm> conjuncts;
  std::vector<std::vector<Mask>> disjunctions;
  bool complete = true;
};
/// A mask of very many parts is read in part.
Mask analyzeMask(mlir::Value mask);

/// i1: if true, every element of an m x n tile of the mask is true; of a disjunction that is known where one part
/// alone is true everywhere. Null if the mask is not complete enough to say so.
mlir::Value emitAllTrue(mlir::OpBuilder &builder, mlir::Location loc, const Mask &mask, int64_t m, int64_t n);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_MASKANALYSIS_H
