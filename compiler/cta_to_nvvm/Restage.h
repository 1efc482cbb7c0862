//===- Restage.h - Operands rewritten in shared memory --------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cta.restage: of bytes by ldmatrix, prmt and stmatrix (Restage.cpp), of f32 by words (RestageWords.cpp); and the
// rounding of f32 to tf32.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_RESTAGE_H
#define IMBREX_COMPILER_CTA_TO_NVVM_RESTAGE_H

#include "compiler/cta_to_nvvm/Lowering.h"

namespace imbrex {

void lowerRestage(Lowering &lowering, cta::RestageOp op);
void restageWords(Lowering &lowering, cta::RestageOp op);
/// `x`, f32, rounded to tf32.
Value roundToTf32(Lowering &lowering, Value x);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_RESTAGE_H
