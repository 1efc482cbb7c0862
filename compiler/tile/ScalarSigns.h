//===- ScalarSigns.h - Scalars that are never negative --------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// By what they are made of.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_SCALARSIGNS_H
#define IMBREX_COMPILER_TILE_SCALARSIGNS_H

#include "mlir/IR/Value.h"

namespace imbrex {

/// True if the i32 scalar is never negative, by what it is made of, `depth` operations deep.
bool isNonNegativeScalar(mlir::Value value, unsigned depth = 8);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_SCALARSIGNS_H
