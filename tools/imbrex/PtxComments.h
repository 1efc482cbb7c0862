//===- PtxComments.h - PTX with the text beside it --------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For reading: what the assembler and the simulated device take is the same line by line.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_PTXCOMMENTS_H
#define IMBREX_TOOLS_IMBREX_PTXCOMMENTS_H

#include "compiler/Source.h"
#include "llvm/ADT/StringRef.h"

namespace imbrex::tool {

/// `ptx` with the text's line as a comment behind each .loc that leads to another line than the one before. No line is
/// added: numbers of lines stay.
std::string withTextBeside(llvm::StringRef ptx, const Source &source);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_PTXCOMMENTS_H
