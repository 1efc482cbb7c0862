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
#include "compiler/frontend/ForeignWords.h"
#include "compiler/frontend/Messages.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

using namespace imbrex;
using llvm::StringRef;

namespace {

class Lexer {
public:
  Lexer(StringRef text, Diagnostics &diagnostics, uint32_t begin)
      : text(text), diagnostics(diagnostics), begin(begin) {}

  std::vector<Token> run() {
    if (text.size() > kMaxSourceBytes) {
      report(diagnostics, begin, Message::SourceTooLong, kMaxSourceBytes, text.size());
      text = {};
    }
    at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0; // the mark that some editors put before UTF-8
    while (skipBlanks(), at < text.size() && diagnostics.errorCount() < kMaxErrors)
      next();
    tokens.push_back({TokenKind::End, offsetOf(text.size()), {}});
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
    if (c == '"' && !tokens.empty() && tokens.back().is("import"))
      return quoted();
    static constexpr StringRef kSymbols[] = {"->", "==", "!=", "<=", ">=", "&&", "||",
                                             "<<", ":+", "..", "+=", "-=", "*=", "/="};
    for (StringRef symbol : kSymbols)
      if (text.substr(at).starts_with(symbol))
        return push(TokenKind::Symbol, symbol.size());
    if (StringRef("+-*/%<>=!?:;,.()[]{}|&^").contains(c))
      return push(TokenKind::Symbol, 1);
    unknownCharacter();
  }

  /// One message for all bytes of a character, which is shown as it stands if it is one of UTF-8.
  void unknownCharacter() {
    size_t length = 1;
    while (uint8_t(text[at]) >= 0xC0 && (uint8_t(peek(at + length)) & 0xC0) == 0x80)
      ++length;
    std::string shown(text.substr(at, length));
    if (length == 1 ? !llvm::isPrint(shown[0]) : !llvm::json::isUTF8(shown))
      shown = "\\x" + llvm::utohexstr(uint8_t(shown[0]));
    if (std::optional<StringRef> instead = characterInsteadOf(shown))
      report(diagnostics, offsetOf(at), Message::ForeignCharacter, shown, *instead);
    else
      report(diagnostics, offsetOf(at), Message::UnknownCharacter, shown);
    at += length;
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

  /// "text", in one line.
  void quoted() {
    size_t end = std::min(text.find_first_of("\"\n", at + 1), text.size());
    tokens.push_back({TokenKind::Text, offsetOf(at), text.slice(at + 1, end)});
    if (peek(end) != '"')
      report(diagnostics, offsetOf(at), Message::UnfinishedText);
    at = peek(end) == '"' ? end + 1 : end;
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

  /// The message for a number that cannot be read.
  static Message formOf(StringRef number) {
    if (number.starts_with_insensitive("0x") || number.starts_with_insensitive("0b"))
      return Message::NotDecimal;
    bool hasSuffix = StringRef("fFlLuUhH").contains(number.back()) && llvm::isDigit(number.drop_back().back());
    return hasSuffix ? Message::NumberSuffix : Message::BadNumber;
  }

  /// Fills in the token's value; 1 stands for one that is wrong, and is wrong nowhere.
  void readNumber(Token &token) {
    if (token.text.size() > kMaxNumberBytes) {
      report(diagnostics, token.offset, Message::NumberTooLong, kMaxNumberBytes, token.text.size());
      token.integer = 1;
      token.number = 1;
      return;
    }
    bool onlyDigits = llvm::all_of(token.text, llvm::isDigit);
    bool isFloat = token.kind == TokenKind::Float;
    std::optional<int64_t> integer = isFloat ? std::nullopt : readInteger(token.text);
    std::optional<double> number = isFloat && llvm::isDigit(token.text.back()) ? readReal(token.text) : std::nullopt;
    if (!integer && !number)
      report(diagnostics, token.offset, onlyDigits ? Message::IntegerTooLarge : formOf(token.text), token.text);
    token.integer = integer.value_or(1);
    token.number = number.value_or(1);
  }

  void push(TokenKind kind, size_t length) {
    tokens.push_back({kind, offsetOf(at), text.substr(at, length)});
    at += length;
  }

  uint32_t offsetOf(size_t index) const { return begin + uint32_t(index); }

  StringRef text;
  Diagnostics &diagnostics;
  uint32_t begin;
  size_t at = 0;
  std::vector<Token> tokens;
};

} // namespace

std::vector<Token> imbrex::lex(StringRef text, Diagnostics &diagnostics, uint32_t begin) {
  return Lexer(text, diagnostics, begin).run();
}
