//===- Parameters.h - How much a kernel's parameters take ----- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The size of a kernel's parameters as PTX lays them out: in order, each aligned to its own size.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_PARAMETERS_H
#define IMBREX_COMPILER_CTA_TO_NVVM_PARAMETERS_H

#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "llvm/Support/MathExtras.h"

namespace imbrex {

/// Bytes of the parameters of a kernel of `type`: integers, floats and pointers of 8 bytes.
inline int64_t parameterBytes(mlir::LLVM::LLVMFunctionType type) {
  int64_t bytes = 0;
  for (mlir::Type parameter : type.getParams()) {
    int64_t size = parameter.isIntOrFloat() ? tile::elementBytes(parameter) : 8;
    bytes = int64_t(llvm::alignTo(bytes, size)) + size;
  }
  return bytes;
}

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_PARAMETERS_H
