//===- SourceName.h - A source's name in PTX --------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `.file` lines of PTX carry the name of the kernel's source. It says nothing about the code, so the same text
// under another name gives the same kernel with other `.file` lines. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SOURCENAME_H
#define IMBREX_COMPILER_SOURCENAME_H

#include <string>
#include <string_view>

namespace imbrex {

/// `name` as a `.file` line can hold it: every byte that is not printable ASCII, quotes and backslashes become '_'.
std::string nameInPtx(std::string_view name);

/// `ptx` with the `.file` lines that name the source `from` naming `to`.
std::string renameSource(std::string ptx, std::string_view from, std::string_view to);

} // namespace imbrex

#endif // IMBREX_COMPILER_SOURCENAME_H
