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
// follow the columns that some row sees, and the scalar test that all rows see all columns.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_MASKANALYSIS_H
#define IMBREX_COMPILER_TILE_MASKANALYSIS_H

#include "dialects/tile/TileDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"
#include <optional>

namespace imbrex {

/// row * `row` + col * `col` + sum of scalars times coefficients + `constant`.
struct LinearForm {
  int64_t row = 0, col = 0, constant = 0;
  llvm::MapVector<mlir::Value, int64_t> scalars;

  void add(const LinearForm &other, int64_t factor);
  /// Coefficient of a scalar; 0 if it does not occur.
  int64_t coefficient(mlir::Value scalar) const;
  /// The part without rows and columns, as an i64 value.
  mlir::Value emit(mlir::OpBuilder &builder, mlir::Location loc) const;
};

/// An i32 scalar as a form of other scalars: sums and products with constants are looked through.
LinearForm analyzeScalar(mlir::Value scalar);
/// An i32 tile of rank 2; nullopt if it is not linear in rows, columns and scalars.
std::optional<LinearForm> analyzeTile(mlir::Value tile);

/// A mask as conjuncts, each a form that must be <= 0. `complete` is false if some conjunct could not be
/// read: the mask is then at most what the conjuncts say.
struct Mask {
  llvm::SmallVector<LinearForm> conjuncts;
  bool complete = true;
};
Mask analyzeMask(mlir::Value mask);

/// An i1 scalar that holds if and only if `mask` is true for all rows and columns of an M x N tile.
/// Null if the mask is not complete.
mlir::Value emitAllTrue(mlir::OpBuilder &builder, mlir::Location loc, const Mask &mask, int64_t m, int64_t n);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_MASKANALYSIS_H
