//===- TileDialect.h - The tile dialect --------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types, attributes and operations of the tile dialect (TileOps.td), and the names of the attributes that it knows.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_TILE_TILEDIALECT_H
#define IMBREX_DIALECTS_TILE_TILEDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/tile/TileDialect.h.inc"
#include "dialects/tile/TileEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/tile/TileAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/tile/TileTypes.h.inc"

namespace imbrex::tile {
/// See TileTypes.td.
template <typename ConcreteOp>
class CombinesByFunction : public mlir::OpTrait::TraitBase<ConcreteOp, CombinesByFunction> {};
} // namespace imbrex::tile

#define GET_OP_CLASSES
#include "dialects/tile/TileOps.h.inc"

namespace imbrex::tile {

/// Attributes of a kernel function, its operations and its arguments (see the dialect's description).
inline constexpr llvm::StringLiteral kKernelAttr = "tile.kernel"; ///< a RequestAttr on func.func
inline constexpr llvm::StringLiteral kExactAttr =
    "tile.exact"; ///< on math.absi: no element is the least integer, whose absolute value would be itself
inline constexpr llvm::StringLiteral kNameAttr = "tile.name"; ///< StringAttr on each argument
inline constexpr llvm::StringLiteral kAlignmentAttr =
    "tile.alignment"; ///< i32 on a view argument: see CompileOptions::alignment
inline constexpr llvm::StringLiteral kExtentsAttr =
    "tile.extents"; ///< array of StringAttr on a view argument, one a dimension; may be absent

/// The most slots of a ring that can be asked for: more copies under way than that hide no more of their latency.
inline constexpr unsigned kMostStages = 8;

/// What is asked for; null if `op` is no kernel.
inline RequestAttr requestOf(mlir::Operation *op) { return op->getAttrOfType<RequestAttr>(kKernelAttr); }

/// Bytes of an element in memory: i1 takes one.
inline unsigned elementBytes(mlir::Type type) { return std::max(1u, type.getIntOrFloatBitWidth() / 8); }

/// Whether elements of this type can be added in memory, atomically.
inline bool canAdd(mlir::Type element) {
  return element.isF16() || element.isBF16() || element.isF32() || element.isF64() || element.isInteger(32) ||
         element.isInteger(64);
}

/// The two floats of 8 bits, in the language f8e4m3 and f8e5m2: they are stored, selected, widened (arith.extf), made
/// (tile.narrow) and multiplied (tile.dot), and have no other arithmetic.
inline bool isF8(mlir::Type type) { return mlir::isa<mlir::Float8E4M3FNType, mlir::Float8E5M2Type>(type); }

/// Checks what an access to a view's tile must meet, or reports it on `op` by the numbers of tile.load's
/// constraints: (1) one index a dimension, (2) increasing dims, one a dimension of the tile (none for a
/// scalar), (3) one element type.
llvm::LogicalResult verifyAccess(mlir::Operation *op, ViewType view, mlir::ValueRange indices,
                                 llvm::ArrayRef<int64_t> dims, mlir::Type value);
/// The same of (4): `within` names dimensions of the view, increasing, each with both bounds.
llvm::LogicalResult verifyWithin(mlir::Operation *op, ViewType view, llvm::ArrayRef<int64_t> within,
                                 mlir::ValueRange low, mlir::ValueRange high);

/// The same of the function by which `op` combines elements of `sources`: constraints (3) and (4) of tile.combine.
llvm::LogicalResult verifyCombiner(mlir::Operation *op, mlir::ValueRange sources);
/// The dimension along which an operation that combines by a function (CombinesByFunction) does so.
unsigned combinedDim(mlir::Operation *op);

/// True of a view that an operation makes of another: a part, or one whose extent varies.
bool isMadeOfView(mlir::Value view);
/// The dimensions of a view along which an access has one index, as extents of the view vary along them.
llvm::SmallVector<unsigned, 1> dimsOfOneIndex(mlir::Value view);

/// The bounds [low, high) that an access (a load, a store, ...) with this `within` has along dimension `dim` of its
/// view; nulls where it has none.
inline std::pair<mlir::Value, mlir::Value> boundsWithin(llvm::ArrayRef<int64_t> within, mlir::ValueRange low,
                                                        mlir::ValueRange high, int64_t dim) {
  size_t i = llvm::find(within, dim) - within.begin();
  return i == within.size() ? std::pair<mlir::Value, mlir::Value>() : std::pair(low[i], high[i]);
}

/// True of a kernel of 16-bit type: all its matrix products multiply floats of 16 bits or 8; or, without products, all
/// the tiles of floats that it loads are of 16 bits or 8, and there is one. In such a kernel f32 divisions and tanh may
/// be approximated (Grammar.md).
bool isOf16Bits(mlir::Operation *kernel);

} // namespace imbrex::tile

#endif // IMBREX_DIALECTS_TILE_TILEDIALECT_H
