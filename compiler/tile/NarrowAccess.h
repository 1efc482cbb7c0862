//===- NarrowAccess.h - Bounds of an access to a view ----------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Adds bounds (`within`) to loads, stores, gathers and scatters, one dimension after another, by whichever pass finds
// them.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_NARROWACCESS_H
#define IMBREX_COMPILER_TILE_NARROWACCESS_H

#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace imbrex {

/// What `op` accesses along `dim` of its view lies in [low, high) too: i32 values that dominate it.
template <typename Access> void narrowAccess(Access op, int64_t dim, mlir::Value low, mlir::Value high) {
  llvm::SmallVector<int64_t> within(op.getWithin());
  llvm::SmallVector<mlir::Value> lows(op.getLow()), highs(op.getHigh());
  size_t i = llvm::lower_bound(within, dim) - within.begin();
  if (i < within.size() && within[i] == dim) {
    mlir::OpBuilder b(op);
    lows[i] = mlir::arith::MaxSIOp::create(b, op.getLoc(), low, lows[i]);
    highs[i] = mlir::arith::MinSIOp::create(b, op.getLoc(), high, highs[i]);
  } else {
    within.insert(within.begin() + i, dim);
    lows.insert(lows.begin() + i, low);
    highs.insert(highs.begin() + i, high);
    op->removeAttr("certain"); // of bounds that were not there
  }
  op.setWithin(within);
  op.getLowMutable().assign(lows);
  op.getHighMutable().assign(highs);
}

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_NARROWACCESS_H
