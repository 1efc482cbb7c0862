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
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/MathExtras.h"

namespace imbrex {

/// Of a CUtensorMap. A parameter that is one is a pointer without an address space, to its own bytes (byval).
inline constexpr int64_t kTensorMapBytes = 128, kTensorMapAlignment = 64;

/// What says so: it is copied to no other place either.
inline mlir::DictionaryAttr tensorMapAttributes(mlir::Builder &b) {
  using namespace mlir;
  return b.getDictionaryAttr(
      {b.getNamedAttr(LLVM::LLVMDialect::getByValAttrName(),
                      TypeAttr::get(LLVM::LLVMArrayType::get(b.getI8Type(), kTensorMapBytes))),
       b.getNamedAttr(LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(kTensorMapAlignment)),
       b.getNamedAttr(NVVM::NVVMDialect::getGridConstantAttrName(), b.getUnitAttr())});
}

/// Bytes of the parameters of a kernel of `type`: integers, floats and pointers of 8 bytes.
inline int64_t parameterBytes(mlir::LLVM::LLVMFunctionType type) {
  int64_t bytes = 0;
  for (mlir::Type parameter : type.getParams()) {
    auto pointer = mlir::dyn_cast<mlir::LLVM::LLVMPointerType>(parameter);
    bool isMap = pointer && pointer.getAddressSpace() == 0;
    int64_t size = parameter.isIntOrFloat() ? tile::elementBytes(parameter) : isMap ? kTensorMapBytes : 8;
    bytes = int64_t(llvm::alignTo(bytes, isMap ? kTensorMapAlignment : size)) + size;
  }
  return bytes;
}

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_PARAMETERS_H
