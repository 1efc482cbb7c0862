//===- CtaToNvvm.cpp - The pass cta-to-nvvm -------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lowers each kernel to an llvm.func beside it, and drops the kernel.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/Lowering.h"
#include "compiler/cta_to_nvvm/Passes.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_CTATONVVM
#include "compiler/cta_to_nvvm/Passes.h.inc"
} // namespace imbrex

namespace {

struct CtaToNvvm : imbrex::impl::CtaToNvvmBase<CtaToNvvm> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> kernels(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp kernel : kernels) {
      if (!cta::launchOf(kernel)) {
        kernel.emitError("expected a kernel whose launch is settled: the attribute ") << cta::kLaunchAttr;
        return signalPassFailure();
      }
      if (failed(Lowering(kernel).run()))
        return signalPassFailure();
      kernel.erase();
    }
  }
};

} // namespace
