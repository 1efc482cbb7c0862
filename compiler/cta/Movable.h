//===- Movable.h - What may be computed earlier --------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which operations a schedule may make in another place, or twice.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_MOVABLE_H
#define IMBREX_COMPILER_CTA_MOVABLE_H

#include "dialects/tile/TileDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace imbrex {

/// True of an access to a view that the kernel does not store to.
template <typename Access> bool isOfInput(Access access) {
  return access.getView().getType().getAccess() == tile::ViewAccess::In;
}

/// True of what gives the same wherever it stands: pure operations without regions, and loads of views that the kernel
/// does not store to. Such a load may also be made for an iteration that the loop does not have: outside the view it
/// gives zero.
inline bool isMovable(mlir::Operation *op) {
  if (auto load = mlir::dyn_cast<tile::LoadOp>(op))
    return isOfInput(load);
  if (auto gather = mlir::dyn_cast<tile::GatherOp>(op))
    return isOfInput(gather);
  return mlir::isPure(op) && op->getNumRegions() == 0;
}

/// True of what gives the same wherever it stands in the same loops and branches: it may be undefined elsewhere, as a
/// division is.
inline bool isRepeatable(mlir::Operation *op) {
  return isMovable(op) || (mlir::isMemoryEffectFree(op) && op->getNumRegions() == 0);
}

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_MOVABLE_H
