//===- Format.h - One layout for all texts ---------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The canonical layout of tile texts. Where lines break is the author's; blanks are not:
//
//   * two blanks a block, four more between brackets, two more where a line goes on;
//   * one blank around operators that have two sides, behind commas and semicolons; none inside brackets;
//   * one empty line at most; comments of neighbouring lines stand below each other, two blanks behind the longest.
//
// Tokens and comments stay what they are, and a formatted text is its own format. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FORMAT_H
#define IMBREX_COMPILER_FORMAT_H

#include "compiler/Diagnostics.h"

namespace imbrex {

struct Formatted {
  std::optional<std::string> text;     ///< absent: the text is not of the language
  std::vector<Diagnostic> diagnostics; ///< then why
};

/// `source`'s own text; what it imports is not looked at. Safe to call from several threads at once.
Formatted format(const Source &source);

} // namespace imbrex

#endif // IMBREX_COMPILER_FORMAT_H
