//===- Distribute.h - A kernel with every tile in a layout ------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rewriting half of tile-to-cta, given what DotPlan and LayoutAnalysis decided.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_TO_CTA_DISTRIBUTE_H
#define IMBREX_COMPILER_TILE_TO_CTA_DISTRIBUTE_H

#include "compiler/tile_to_cta/LayoutAnalysis.h"

namespace imbrex {

/// Builds the body of `newKernel` (of the same type, with an empty entry block) from that of `oldKernel`,
/// which is only read. Returns the number of tiles that change their layout inside a loop, each through
/// shared memory.
unsigned distribute(mlir::func::FuncOp oldKernel, mlir::func::FuncOp newKernel, const Target &target,
                    const DotPlans &plans, const LayoutAnalysis &layouts);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_TO_CTA_DISTRIBUTE_H
