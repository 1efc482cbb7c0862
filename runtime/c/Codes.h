//===- Codes.h - Launches of others' code from C ----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The shape of a launch, read and checked. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_C_CODES_H
#define IMBREX_RUNTIME_C_CODES_H

#include "runtime/Code.h"
#include "runtime/c/imbrex_c.h"

namespace imbrex::c {

Result<CodeShape> readCodeShape(const imbrex_code_shape *given);

} // namespace imbrex::c

#endif // IMBREX_RUNTIME_C_CODES_H
