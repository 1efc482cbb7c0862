//===- MlirTypes.h - Element types as MLIR has them ------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one table between DataType and MLIR's types. Internal: public headers show no MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_MLIRTYPES_H
#define IMBREX_COMPILER_MLIRTYPES_H

#include "compiler/DataType.h"
#include "mlir/IR/Builders.h"

namespace imbrex {

/// bool is i1, u8 and u32 are i8 and i32: operations say what is without sign. The rest are named as DataType names
/// them.
inline mlir::Type toMlirType(DataType type, mlir::Builder b) {
  switch (type) {
  case DataType::Bool:
    return b.getI1Type();
  case DataType::I8:
  case DataType::U8:
    return b.getI8Type();
  case DataType::I32:
  case DataType::U32:
    return b.getI32Type();
  case DataType::I64:
    return b.getI64Type();
  case DataType::F8E4M3:
    return mlir::Float8E4M3FNType::get(b.getContext());
  case DataType::F8E5M2:
    return mlir::Float8E5M2Type::get(b.getContext());
  case DataType::F16:
    return b.getF16Type();
  case DataType::BF16:
    return b.getBF16Type();
  case DataType::F32:
    return b.getF32Type();
  case DataType::F64:
    return b.getF64Type();
  }
  llvm_unreachable("all element types are listed");
}

/// The type with a sign, if it is an integer; nullopt for what is no element type of the language.
inline std::optional<DataType> dataTypeOf(mlir::Type type) {
  mlir::Builder b(type.getContext());
  for (unsigned i = 0; i <= unsigned(DataType::F64); ++i)
    if (toMlirType(DataType(i), b) == type)
      return DataType(i);
  return std::nullopt;
}

} // namespace imbrex

#endif // IMBREX_COMPILER_MLIRTYPES_H
