//===- IndexArithmetic.h - Sums of indices and of bounds -------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What accesses to views made of others need: indices of i32 add as in the text; bounds do not wrap.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_INDEXARITHMETIC_H
#define IMBREX_COMPILER_TILE_INDEXARITHMETIC_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace imbrex {

/// x + y in i32, of scalars or of a tile and a scalar.
mlir::Value addIndices(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y);
/// start + bound, as near as i32 comes to it.
mlir::Value addBound(mlir::OpBuilder &b, mlir::Location loc, mlir::Value start, mlir::Value bound);
/// end - start, as near as i32 comes to it; not below `least`.
mlir::Value subtractBound(mlir::OpBuilder &b, mlir::Location loc, mlir::Value end, mlir::Value start, int64_t least);

/// What y has to x where x `predicate` y: `x < y` and `y > x` are the same.
mlir::arith::CmpIPredicate swapSides(mlir::arith::CmpIPredicate predicate);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_INDEXARITHMETIC_H
