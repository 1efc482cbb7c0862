//===- Passes.td - The pass from tiles to a CTA ---------------- -*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TileToCta.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_TO_CTA_PASSES
#define IMBREX_COMPILER_TILE_TO_CTA_PASSES

include "mlir/Pass/PassBase.td"

def TileToCta : Pass<"tile-to-cta", "::mlir::ModuleOp"> {
  let summary = "Spread tiles over the threads of a CTA";
  let description = [{
    Chooses the instruction family of each product, gives every tile a layout, copies what products
    read through shared memory. Before: tile operations on plain tensors. After: the same on tensors
    with a `#cta.layout`, and cta operations.
  }];
  let dependentDialects = ["::imbrex::cta::CtaDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}


#endif // IMBREX_COMPILER_TILE_TO_CTA_PASSES
