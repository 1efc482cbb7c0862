//===- Spread.h - Tiles that repeat a smaller value ------------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile made by tile.splat, tile.expand_dims and tile.broadcast holds no more numbers than its *core*, the
// value that this chain began with: of tile.broadcast(tile.expand_dims(%row)) it is %row, one number a row.
// Arithmetic on the core does once what arithmetic on the tile does for every element.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_SPREAD_H
#define IMBREX_COMPILER_TILE_SPREAD_H

#include "dialects/tile/TileDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/APFloat.h"
#include <optional>

namespace imbrex {

/// The value that `value` repeats, or itself. A constant is its own core.
mlir::Value coreOf(mlir::Value value);

/// True if the core has fewer elements than the tile.
bool isSpread(mlir::Value tile);

/// `core` spread as `like` spreads its own core: the same shape, of the core's element type.
mlir::Value spreadLike(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value core, mlir::Value like);

/// True if both spread a core of one shape in the same way.
bool spreadAlike(mlir::Value x, mlir::Value y);

/// The float that a scalar, or all elements of a tile, are known to be.
std::optional<llvm::APFloat> constantFloat(mlir::Value value);

/// `value`, rounded to the element type, in all elements of `type` (a scalar or a tile of floats).
mlir::Value floatConstant(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, double value);

/// The scalar core of a tile that repeats one number, of a constant too: the scalar is made then. Null if it is none.
mlir::Value uniformScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value);
bool isUniform(mlir::Value value);

/// A scalar in all elements of `type`, or itself if that is its type.
mlir::Value splatTo(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value scalar, mlir::Type type);

/// Operations that compute each element of their one result from the same elements of tiles of floats.
bool isFloatElementwise(mlir::Operation *op);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_SPREAD_H
