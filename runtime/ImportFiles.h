//===- ImportFiles.h - Kernel sources in files ------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads kernel sources, and finds what they import beside them. Thread-safe. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_IMPORTFILES_H
#define IMBREX_RUNTIME_IMPORTFILES_H

#include "compiler/Source.h"
#include "runtime/Result.h"

namespace imbrex {

/// The text of a file of at most 16 MiB. An Error of kind File: it cannot be read, or is a folder or device.
Result<std::string> readKernelFile(const std::string &path);

/// Finds a text in the folder of the file that imports it; where there is none, what `others` finds.
ImportResolver importsBeside(ImportResolver others = {});

} // namespace imbrex

#endif // IMBREX_RUNTIME_IMPORTFILES_H
