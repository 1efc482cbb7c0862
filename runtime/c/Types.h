//===- Types.h - Element types by their number in imbrex_c.h ----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers of imbrex_type are fixed for ever, those of DataType are not: one table stands between them.
// Thread-safe. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_C_TYPES_H
#define IMBREX_RUNTIME_C_TYPES_H

#include "compiler/DataType.h"

namespace imbrex::c {

/// nullopt of a number that is no imbrex_type.
std::optional<DataType> typeOf(int32_t number);
/// -1 of a type that the interface has no number for.
int32_t numberOf(DataType type);

} // namespace imbrex::c

#endif // IMBREX_RUNTIME_C_TYPES_H
