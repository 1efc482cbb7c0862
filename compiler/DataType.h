//===- DataType.h - Element types of tiles and views --------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The element types a kernel can name, their sizes and their spelling. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_DATATYPE_H
#define IMBREX_COMPILER_DATATYPE_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace imbrex {

enum class DataType : uint8_t { Bool, I8, I32, I64, U8, U32, F8E4M3, F8E5M2, F16, BF16, F32, F64 };

/// "bool", "i8", "i32", "i64", "u8", "u32", "f8e4m3", "f8e5m2", "f16", "bf16", "f32", "f64": as the tile language
/// spells them. f8e4m3 has no infinity and one NaN of either sign (E4M3FN), f8e5m2 is the upper byte of an f16.
std::string_view name(DataType type);
std::optional<DataType> parseDataType(std::string_view text);

/// Bytes of one element in memory (bool: 1). A number that is no DataType has none, and the name "unknown type".
unsigned byteSize(DataType type);
inline bool isFloat(DataType type) { return type >= DataType::F8E4M3; }
inline bool isF8(DataType type) { return type == DataType::F8E4M3 || type == DataType::F8E5M2; }
inline bool isUnsigned(DataType type) { return type == DataType::U8 || type == DataType::U32; }
/// wide<T> of the language: what products of `type` are added in, f64 for f64, i32 for i8, else f32.
inline DataType wideType(DataType type) {
  return type == DataType::F64 ? DataType::F64 : type == DataType::I8 ? DataType::I32 : DataType::F32;
}

} // namespace imbrex

#endif // IMBREX_COMPILER_DATATYPE_H
