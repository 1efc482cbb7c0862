//===- Restage.h - The transpose of bytes in shared memory ------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cta.restage, by ldmatrix, prmt and stmatrix.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_RESTAGE_H
#define IMBREX_COMPILER_CTA_TO_NVVM_RESTAGE_H

#include "compiler/cta_to_nvvm/Lowering.h"

namespace imbrex {

void lowerRestage(Lowering &lowering, cta::RestageOp op);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_RESTAGE_H
