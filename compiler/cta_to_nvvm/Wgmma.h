//===- Wgmma.h - Matrix products by wgmma ---------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cta.dot of kind wgmma, and the wait for it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_WGMMA_H
#define IMBREX_COMPILER_CTA_TO_NVVM_WGMMA_H

#include "compiler/cta_to_nvvm/Lowering.h"

namespace imbrex {

/// Issues the product as a group of its own. An error where an operand cannot be read.
mlir::LogicalResult lowerWgmma(Lowering &lowering, cta::DotOp dot);
/// Waits for products of kind wgmma.
void lowerDotWait(Lowering &lowering, cta::DotWaitOp wait);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_WGMMA_H
