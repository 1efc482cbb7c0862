//===- Library.cpp - Versions and names of the C interface ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constants, and the one table between the interface's type numbers and DataType.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Types.h"
#include "runtime/c/imbrex_c.h"

using namespace imbrex;
using namespace imbrex::c;

namespace {

struct TypeRow {
  imbrex_type number;
  DataType type;
};

struct StatusRow {
  imbrex_status status;
  const char *name;
};

} // namespace

static constexpr TypeRow kTypes[] = {
    {IMBREX_BOOL, DataType::Bool}, {IMBREX_I8, DataType::I8},         {IMBREX_I32, DataType::I32},
    {IMBREX_I64, DataType::I64},   {IMBREX_F16, DataType::F16},       {IMBREX_BF16, DataType::BF16},
    {IMBREX_F32, DataType::F32},   {IMBREX_F64, DataType::F64},       {IMBREX_U8, DataType::U8},
    {IMBREX_U32, DataType::U32},   {IMBREX_F8E4M3, DataType::F8E4M3}, {IMBREX_F8E5M2, DataType::F8E5M2},
};

static constexpr StatusRow kStatuses[] = {
#define ROW(name) {name, #name}
    ROW(IMBREX_OK),
    ROW(IMBREX_ERROR_ARGUMENT),
    ROW(IMBREX_ERROR_COMPILE),
    ROW(IMBREX_ERROR_ASSEMBLE),
    ROW(IMBREX_ERROR_OUT_OF_MEMORY),
    ROW(IMBREX_ERROR_NO_DEVICE),
    ROW(IMBREX_ERROR_FAULT),
    ROW(IMBREX_ERROR_DRIVER),
    ROW(IMBREX_ERROR_FILE),
#undef ROW
};

std::optional<DataType> imbrex::c::typeOf(int32_t number) {
  for (const TypeRow &row : kTypes)
    if (row.number == number)
      return row.type;
  return std::nullopt;
}

int32_t imbrex::c::numberOf(DataType type) {
  for (const TypeRow &row : kTypes)
    if (row.type == type)
      return row.number;
  return -1;
}

const char *imbrex_version(void) { return IMBREX_VERSION; }
uint32_t imbrex_c_version(void) { return IMBREX_C_VERSION; }

const char *imbrex_status_name(int32_t status) {
  for (const StatusRow &row : kStatuses)
    if (row.status == status)
      return row.name;
  return "unknown status";
}

const char *imbrex_type_name(int32_t type) {
  std::optional<DataType> known = typeOf(type);
  return known ? name(*known).data() : "unknown type"; // names are literals
}

size_t imbrex_type_size(int32_t type) {
  std::optional<DataType> known = typeOf(type);
  return known ? byteSize(*known) : 0;
}
