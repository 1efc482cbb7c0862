//===- KnownSigns.h - Which scalars are positive --------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What tile.require says of the scalars of a launch, and what follows from it for products and quotients.
// A product of positive numbers may still round to 0: whoever must not have a 0 clamps it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_KNOWNSIGNS_H
#define IMBREX_COMPILER_TILE_KNOWNSIGNS_H

#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

namespace imbrex {

class KnownSigns {
public:
  /// Reads the facts of a kernel.
  explicit KnownSigns(mlir::func::FuncOp kernel);

  /// True if `value`, a float scalar or a tile that repeats one, is above 0 and no NaN, but for rounding.
  bool isPositive(mlir::Value value) const { return isPositive(value, kMaxDepth); }

private:
  static constexpr unsigned kMaxDepth = 6; ///< of expressions: each level doubles the work
  bool isPositive(mlir::Value value, unsigned depth) const;

  llvm::DenseSet<mlir::Value> positive;
};

/// True if no element of a tile is above 0: x - max(x), the maximum of each row or column.
bool isNeverPositive(mlir::Value tile);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_KNOWNSIGNS_H
