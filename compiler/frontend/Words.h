//===- Words.h - The words of the tile language --------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keywords, types, named numbers and built-in functions, each with what it is: for the parser, for editors (completion,
// hover) and for grammars that colour texts. One list of each.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FRONTEND_WORDS_H
#define IMBREX_COMPILER_FRONTEND_WORDS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace imbrex {

/// Cannot be a name.
bool isKeyword(llvm::StringRef name);

struct Word {
  enum Kind : uint8_t { Keyword, Contextual, Type, Number, Builtin } kind; ///< Contextual: a name elsewhere
  llvm::StringRef name;
  llvm::StringRef form;    ///< "dot(a, b[, c])": how it is written
  llvm::StringRef summary; ///< one sentence
};
llvm::ArrayRef<Word> languageWords();
/// nullptr: it is none.
const Word *findWord(llvm::StringRef name);

} // namespace imbrex

#endif // IMBREX_COMPILER_FRONTEND_WORDS_H
