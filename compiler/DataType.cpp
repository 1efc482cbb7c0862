//===- DataType.cpp - Element types of tiles and views --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of element types, in the order of the enumeration.
//
//===----------------------------------------------------------------------===//

#include "compiler/DataType.h"
#include <iterator>

using namespace imbrex;

namespace {

struct Row {
  std::string_view name;
  unsigned bytes;
};

} // namespace

static constexpr Row kTable[] = {{"bool", 1},   {"i8", 1},     {"i32", 4}, {"i64", 8},  {"u8", 1},  {"u32", 4},
                                 {"f8e4m3", 1}, {"f8e5m2", 1}, {"f16", 2}, {"bf16", 2}, {"f32", 4}, {"f64", 8}};
static_assert(std::size(kTable) == unsigned(DataType::F64) + 1);

std::string_view imbrex::name(DataType type) {
  return type <= DataType::F64 ? kTable[unsigned(type)].name : "unknown type";
}

unsigned imbrex::byteSize(DataType type) { return type <= DataType::F64 ? kTable[unsigned(type)].bytes : 0; }

std::optional<DataType> imbrex::parseDataType(std::string_view text) {
  for (unsigned i = 0; i < std::size(kTable); ++i)
    if (kTable[i].name == text)
      return DataType(i);
  return std::nullopt;
}
