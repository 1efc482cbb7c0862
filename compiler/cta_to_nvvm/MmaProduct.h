//===- MmaProduct.h - Matrix products by mma.sync -------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The door to MmaProduct.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_MMAPRODUCT_H
#define IMBREX_COMPILER_CTA_TO_NVVM_MMAPRODUCT_H

#include "compiler/cta_to_nvvm/Lowering.h"

namespace imbrex {

/// Defines the result of `dot`, of kind mma, whose tiles have the layouts of fragments.
void lowerMma(Lowering &lowering, cta::DotOp dot);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_MMAPRODUCT_H
