//===- Passes.td - The pass from a CTA to threads -------------- -*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CtaToNvvm.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_PASSES
#define IMBREX_COMPILER_CTA_TO_NVVM_PASSES

include "mlir/Pass/PassBase.td"

def CtaToNvvm : Pass<"cta-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "From tiles in registers to single threads";
  let description = [{
    Every kernel becomes an `llvm.func` of scalars: a tile is one value a register of the thread.
    Before: the cta stage, with offsets and barriers. After: only `llvm` and `nvvm` operations.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}


#endif // IMBREX_COMPILER_CTA_TO_NVVM_PASSES
