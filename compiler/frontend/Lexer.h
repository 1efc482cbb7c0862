//===- Lexer.h - Tokens of the tile language ------------------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Splits a source into tokens, all at once. Comments run from // to the end of the line. A text in quotes stands only
// behind `import`.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FRONTEND_LEXER_H
#define IMBREX_COMPILER_FRONTEND_LEXER_H

#include "compiler/Diagnostics.h"
#include "llvm/ADT/StringRef.h"
#include <vector>

namespace imbrex {

enum class TokenKind : uint8_t { Name, Integer, Float, Symbol, Text, End };

struct Token {
  TokenKind kind;
  uint32_t offset;
  llvm::StringRef text; ///< points into the source; of a Text what stands between the quotes
  int64_t integer = 0;  ///< of an Integer
  double number = 0;    ///< of a Float

  bool is(llvm::StringRef symbol) const {
    return (kind == TokenKind::Symbol || kind == TokenKind::Name) && text == symbol;
  }
  /// "'x'" or "end of file": for messages.
  std::string describe() const { return kind == TokenKind::End ? "the end of the file" : "'" + text.str() + "'"; }
};

/// The tokens of `text`, the last of kind End; its first byte has the offset `begin`. Errors are reported and
/// skipped.
std::vector<Token> lex(llvm::StringRef text, Diagnostics &diagnostics, uint32_t begin = 0);

} // namespace imbrex

#endif // IMBREX_COMPILER_FRONTEND_LEXER_H
