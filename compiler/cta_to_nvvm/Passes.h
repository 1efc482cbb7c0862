//===- Passes.h - The pass from a CTA to threads ---------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Made from Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_PASSES_H
#define IMBREX_COMPILER_CTA_TO_NVVM_PASSES_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Pass/Pass.h"

namespace imbrex {

#define GEN_PASS_DECL_CTATONVVM
#define GEN_PASS_REGISTRATION
#include "compiler/cta_to_nvvm/Passes.h.inc"

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_PASSES_H
