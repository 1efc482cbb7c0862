//===- CtaToNvvm.cpp - The pass cta-to-nvvm -------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lowers each kernel to an llvm.func beside it, and drops the kernel.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/Lowering.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_CTATONVVM
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

namespace {

struct CtaToNvvm : imbrex::impl::CtaToNvvmBase<CtaToNvvm> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> kernels(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp kernel : kernels) {
      auto warps = kernel->getAttrOfType<IntegerAttr>(tile::kWarpsAttr);
      if (!warps) {
        kernel.emitError("expected the attribute tile.warps");
        return signalPassFailure();
      }
      if (failed(Lowering(kernel, warps.getInt()).run()))
        return signalPassFailure();
      kernel.erase();
    }
  }
};

} // namespace
