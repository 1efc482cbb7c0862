//===- Words.cpp - The words of the tile language -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table stands in Words.def.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Words.h"
#include "llvm/ADT/STLExtras.h"

using namespace imbrex;

static constexpr Word kWords[] = {
#define IMBREX_WORD(kind, name, form, summary) {Word::kind, name, form, summary},
#include "compiler/frontend/Words.def"
};

llvm::ArrayRef<Word> imbrex::languageWords() { return kWords; }

const Word *imbrex::findWord(llvm::StringRef name) {
  const Word *found = llvm::find_if(kWords, [&](const Word &word) { return word.name == name; });
  return found == std::end(kWords) ? nullptr : found;
}

bool imbrex::isKeyword(llvm::StringRef name) {
  const Word *word = findWord(name);
  return word && word->kind == Word::Keyword;
}
