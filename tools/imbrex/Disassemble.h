//===- Disassemble.h - Machine code as text ---------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NVIDIA's disassembler, where one is installed. Run without a shell, its input in a temporary file of this user.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_DISASSEMBLE_H
#define IMBREX_TOOLS_IMBREX_DISASSEMBLE_H

#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace imbrex::score {

/// The first executable file `nvdisasm` in these directories, or nullopt.
std::optional<std::string> findNvdisasm(const std::vector<std::string> &directories);

/// What `program -c -g` prints of the cubin in `code`: with its line table, if it has one. nullopt with the reason in
/// `error`.
std::optional<std::string> disassemble(const std::string &program, llvm::StringRef code, std::string &error);

} // namespace imbrex::score

#endif // IMBREX_TOOLS_IMBREX_DISASSEMBLE_H
