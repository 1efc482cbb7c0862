//===- Lexer.cpp - Words of a PTX text ------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One pass over the characters; see the header for what a word is.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/ptx/Lexer.h"

namespace imbrex::simulator::ptx {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool startsWord(char c) { return isLetter(c) || c == '_' || c == '$' || c == '%' || c == '.'; }
bool continuesWord(char c) { return isLetter(c) || isDigit(c) || c == '_' || c == '$' || c == '%' || c == '.'; }

struct Scanner {
  std::string_view text;
  size_t at = 0;
  uint32_t line = 1;

  char peek(size_t ahead = 0) const { return at + ahead < text.size() ? text[at + ahead] : '\0'; }

  void advance() {
    if (text[at] == '\n')
      ++line;
    ++at;
  }

  void skipBlank() {
    while (at < text.size()) {
      if (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n') {
        advance();
      } else if (peek() == '/' && peek(1) == '/') {
        while (at < text.size() && peek() != '\n')
          ++at;
      } else if (peek() == '/' && peek(1) == '*') {
        at += 2;
        while (at < text.size() && !(peek() == '*' && peek(1) == '/'))
          advance();
        at = at + 2 < text.size() ? at + 2 : text.size();
      } else {
        return;
      }
    }
  }

  /// "::" belongs to a word when a letter or digit follows it, so that "label:" stays two tokens. A word that begins
  /// with a dot is a directive or a type and has no other: ".reg.b16" is two words.
  void scanWord() {
    bool isDirective = peek() == '.';
    at += isDirective;
    while (!(isDirective && peek() == '.') &&
           (continuesWord(peek()) || (peek() == ':' && peek(1) == ':' && (isLetter(peek(2)) || isDigit(peek(2))))))
      at += peek() == ':' ? 2 : 1;
  }

  /// A sign belongs to a decimal float's exponent ("1.5e-3"), never to a hexadecimal literal.
  void scanNumber() {
    bool hexadecimal = peek() == '0' && isLetter(peek(1));
    while (isDigit(peek()) || isLetter(peek()) || peek() == '.' ||
           (!hexadecimal && (peek() == '-' || peek() == '+') && (text[at - 1] == 'e' || text[at - 1] == 'E')))
      ++at;
  }

  Token next() {
    skipBlank();
    Token token;
    token.line = line;
    if (at >= text.size())
      return token;
    size_t begin = at;
    char c = peek();
    if (c == '"') {
      for (++at; at < text.size() && peek() != '"';)
        advance();
      token.kind = Token::String;
      token.text = text.substr(begin + 1, at - begin - 1);
      at += at < text.size();
      return token;
    }
    if (isDigit(c)) {
      scanNumber();
      token.kind = Token::Number;
    } else if (startsWord(c)) {
      scanWord();
      token.kind = Token::Word;
    } else {
      ++at;
      token.kind = Token::Punctuation;
    }
    token.text = text.substr(begin, at - begin);
    return token;
  }
};

} // namespace

std::vector<Token> tokenize(std::string_view text, uint32_t firstLine) {
  std::vector<Token> tokens;
  tokens.reserve(text.size() / 4);
  Scanner scanner{text, 0, firstLine};
  do
    tokens.push_back(scanner.next());
  while (tokens.back().kind != Token::End);
  return tokens;
}

} // namespace imbrex::simulator::ptx
