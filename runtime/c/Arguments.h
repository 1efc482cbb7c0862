//===- Arguments.h - Arguments and views from C -----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// imbrex_argument and imbrex_view as the runtime's Argument and View. No heap memory for up to 32 arguments.
// What is wrong with a view as an argument of a kernel is the launch's to say; here it is only made readable.
// Thread-safe. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_C_ARGUMENTS_H
#define IMBREX_RUNTIME_C_ARGUMENTS_H

#include "runtime/Argument.h"
#include "runtime/Result.h"
#include "runtime/c/imbrex_c.h"
#include "llvm/ADT/SmallVector.h"

namespace imbrex::c {

using ArgumentList = llvm::SmallVector<Argument, 32>;

/// An Error names the argument, by its index where it has no name.
Result<void> readArguments(const imbrex_argument *arguments, size_t count, ArgumentList &list);

/// `what` names the view in an Error: "argument 'X'".
Result<View> readView(const imbrex_view *view, const char *what);

} // namespace imbrex::c

#endif // IMBREX_RUNTIME_C_ARGUMENTS_H
