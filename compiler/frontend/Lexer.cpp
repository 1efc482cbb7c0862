//===- Lexer.cpp - Tokens of the tile language ----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Longest match; symbols of three, two and one characters. A wrong token is reported and skipped or given
// a harmless value, so that the parser can go on.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Lexer.h"
#include "compiler/frontend/Messages.h"
#include "llvm/ADT/StringExtras.h"

using namespace imbrex;
using llvm::StringRef;

namespace {

class Lexer {
public:
  Lexer(StringRef text, Diagnostics &diagnostics) : text(text), diagnostics(diagnostics) {}

  std::vector<Token> run() {
    if (text.size() > kMaxSourceBytes) {
      report(diagnostics, 0, Message::SourceTooLong, kMaxSourceBytes, text.size());
      text = {};
    }
    while (skipBlanks(), at < text.size() && diagnostics.errorCount() < kMaxErrors)
      next();
    tokens.push_back({TokenKind::End, uint32_t(text.size()), {}});
    return std::move(tokens);
  }

private:
  void skipBlanks() {
    while (at < text.size()) {
      if (text.substr(at).starts_with("//"))
        at = std::min(text.find('\n', at), text.size());
      else if (llvm::isSpace(text[at]))
        ++at;
      else
        return;
    }
  }

  void next() {
    char c = text[at];
    if (llvm::isAlpha(c) || c == '_')
      return name();
    if (llvm::isDigit(c))
      return number();
    static constexpr StringRef kSymbols[] = {"->", "==", "!=", "<=", ">=", "&&", "||",
                                             ":+", "..", "+=", "-=", "*=", "/="};
    for (StringRef symbol : kSymbols)
      if (text.substr(at).starts_with(symbol))
        return push(TokenKind::Symbol, symbol.size());
    if (StringRef("+-*/%<>=!?:;,.()[]{}|").contains(c))
      return push(TokenKind::Symbol, 1);
    report(diagnostics, at, Message::UnknownCharacter,
           llvm::isPrint(c) ? std::string(1, c) : "\\x" + llvm::utohexstr(uint8_t(c)));
    ++at;
  }

  void name() {
    size_t length = text.substr(at).find_if_not([](char c) { return llvm::isAlnum(c) || c == '_'; });
    length = std::min(length, text.size() - at);
    push(TokenKind::Name, length);
    if (length > kMaxNameBytes) {
      report(diagnostics, tokens.back().offset, Message::NameTooLong, kMaxNameBytes, length);
      tokens.back().text = tokens.back().text.take_front(kMaxNameBytes);
    }
  }

  char peek(size_t i) const { return i < text.size() ? text[i] : '\0'; }
  size_t skipDigits(size_t end) const {
    while (llvm::isDigit(peek(end)))
      ++end;
    return end;
  }

  /// digits [. digits] [e [+-] digits]; "1..4" is a range, not a number with two points.
  void number() {
    size_t end = skipDigits(at);
    bool isFloat = peek(end) == '.' && llvm::isDigit(peek(end + 1));
    if (isFloat)
      end = skipDigits(end + 1);
    if (peek(end) == 'e' || peek(end) == 'E') {
      isFloat = true;
      ++end;
      end = skipDigits(end + (peek(end) == '+' || peek(end) == '-'));
    }
    while (llvm::isAlnum(peek(end)) || peek(end) == '_')
      ++end; // letters right after a number belong to it, and make it malformed
    push(isFloat ? TokenKind::Float : TokenKind::Integer, end - at);
    readNumber(tokens.back());
  }

  /// Fills in the token's value; 1 stands for one that is wrong, and is wrong nowhere.
  void readNumber(Token &token) {
    if (token.text.size() > kMaxNameBytes) {
      report(diagnostics, token.offset, Message::NumberTooLong, kMaxNameBytes, token.text.size());
      token.integer = 1;
      token.number = 1;
      return;
    }
    bool onlyDigits = llvm::all_of(token.text, llvm::isDigit);
    bool isFloat = token.kind == TokenKind::Float;
    bool wrong =
        isFloat ? !llvm::isDigit(token.text.back()) || token.text.getAsDouble(token.number) || std::isinf(token.number)
                : token.text.getAsInteger(10, token.integer);
    if (!wrong)
      return;
    report(diagnostics, token.offset, onlyDigits ? Message::IntegerTooLarge : Message::BadNumber,
           token.text.take_front(kMaxNameBytes));
    token.integer = 1;
    token.number = 1;
  }

  void push(TokenKind kind, size_t length) {
    tokens.push_back({kind, uint32_t(at), text.substr(at, length)});
    at += length;
  }

  StringRef text;
  Diagnostics &diagnostics;
  size_t at = 0;
  std::vector<Token> tokens;
};

} // namespace

std::vector<Token> imbrex::lex(StringRef text, Diagnostics &diagnostics) { return Lexer(text, diagnostics).run(); }
