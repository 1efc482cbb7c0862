//===- PtxNames.h - Names in PTX ------------------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What may stand in PTX as a name. The `.file` lines carry the name of the kernel's source. It says nothing about the
// code, so the same text under another name gives the same kernel with other `.file` lines. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_PTXNAMES_H
#define IMBREX_COMPILER_PTXNAMES_H

#include <string>
#include <string_view>

namespace imbrex {

/// True of an identifier that PTX takes for an entry: at most 256 letters, digits, '_' and '$', beginning with a
/// letter or with '_' and something (PTX ISA, "Identifiers"), and no predefined constant.
bool isPtxName(std::string_view name);

/// `name` as a `.file` line can hold it: every byte that is not printable ASCII, quotes and backslashes become '_'.
std::string nameInPtx(std::string_view name);

/// `ptx` with the `.file` lines that name the source `from` naming `to`.
std::string renameSource(std::string ptx, std::string_view from, std::string_view to);

} // namespace imbrex

#endif // IMBREX_COMPILER_PTXNAMES_H
