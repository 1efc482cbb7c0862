//===- Lexer.cpp - Tokens of the tile language ----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Longest match; symbols of three, two and one characters.
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
    static constexpr StringRef kSymbols[] = {"->", "==", "!=", "<=", ">=", "&&", "||", ":+", "..", "+=", "-=", "*=", "/="};
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
    if (length > kMaxNameBytes)
      report(diagnostics, at, Message::NameTooLong, kMaxNameBytes, length);
    push(TokenKind::Name, length);
  }

  /// digits [. digits] [e [+-] digits]; "1..4" is a range, not a number with two points.
  void number() {
    size_t end = at;
    auto digits = [&] {
      while (end < text.size() && llvm::isDigit(text[end]))
        ++end;
    };
    digits();
    bool isFloat = false;
    if (end + 1 < text.size() && text[end] == '.' && llvm::isDigit(text[end + 1])) {
      isFloat = true;
      ++end;
      digits();
    }
    if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
      isFloat = true;
      ++end;
      if (end < text.size() && (text[end] == '+' || text[end] == '-'))
        ++end;
      digits();
    }
    while (end < text.size() && (llvm::isAlnum(text[end]) || text[end] == '_'))
      ++end; // letters right after a number belong to it, and make it malformed
    StringRef digitsText = text.slice(at, end);
    push(isFloat ? TokenKind::Float : TokenKind::Integer, end - at);
    Token &token = tokens.back();
    if (isFloat ? digitsText.getAsDouble(token.number) : false)
      report(diagnostics, token.offset, Message::BadNumber, digitsText);
    if (!isFloat && digitsText.getAsInteger(10, token.integer)) {
      bool onlyDigits = llvm::all_of(digitsText, llvm::isDigit);
      report(diagnostics, token.offset, onlyDigits ? Message::IntegerTooLarge : Message::BadNumber, digitsText);
      token.integer = 1;
    }
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
