//===- Lexer.h - Words of a PTX text ----------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Splits PTX text into tokens. A word keeps its dots and double colons ("cp.async.ca.shared::cta",
// ".reg", "%tid.x"), since PTX gives them no meaning of their own; comments and white space vanish.
// Tokens are views into the text, which must outlive them. No errors here: an unknown character
// becomes a punctuation token that the parser rejects with its line.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_PTX_LEXER_H
#define IMBREX_RUNTIME_SIMULATOR_PTX_LEXER_H

#include <cstdint>
#include <string_view>
#include <vector>

namespace imbrex::simulator::ptx {

struct Token {
  enum Kind : uint8_t { End, Word, Number, String, Punctuation };
  Kind kind = End;
  std::string_view text; ///< Without the quotes for a String.
  uint32_t line = 0;     ///< Of the PTX text.
};

/// All tokens of `text`, whose first line has that number, closed by one End token.
std::vector<Token> tokenize(std::string_view text, uint32_t firstLine = 1);

} // namespace imbrex::simulator::ptx

#endif // IMBREX_RUNTIME_SIMULATOR_PTX_LEXER_H
