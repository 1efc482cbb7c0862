//===- LexerTest.cpp - Tokens of the tile language ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tokens of good and of malformed text, with their values and places.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Lexer.h"
#include "gtest/gtest.h"

using namespace imbrex;

/// The tokens' texts, one blank between two.
static std::string tokensOf(const std::string &text) {
  Source source{"t", text};
  Diagnostics diagnostics(source);
  std::string result;
  for (const Token &token : lex(source.text, diagnostics))
    result += (token.kind == TokenKind::End ? "" : token.text.str() + " ");
  EXPECT_FALSE(diagnostics.hasErrors()) << text;
  return result;
}

static Token firstOf(const std::string &text) {
  Source source{"t", text};
  Diagnostics diagnostics(source);
  return lex(source.text, diagnostics).front();
}

TEST(Lexer, LongestSymbolFirst) {
  EXPECT_EQ(tokensOf("a:+b a<=b->c&&!d..e+=1"), "a :+ b a <= b -> c && ! d .. e += 1 ");
}

TEST(Lexer, RangesAreNotNumbersWithPoints) {
  EXPECT_EQ(tokensOf("1..4"), "1 .. 4 ");
  EXPECT_EQ(tokensOf("1.5..2"), "1.5 .. 2 ");
  EXPECT_EQ(tokensOf("k.T"), "k . T ");
}

TEST(Lexer, Numbers) {
  EXPECT_EQ(firstOf("9223372036854775807").integer, INT64_MAX);
  EXPECT_EQ(firstOf("1e-3").number, 1e-3);
  EXPECT_EQ(firstOf("2.5E+2").number, 250.0);
  EXPECT_EQ(firstOf("1e3").kind, TokenKind::Float);
  EXPECT_EQ(firstOf("10").kind, TokenKind::Integer);
}

TEST(Lexer, CommentsAndBlanks) {
  EXPECT_EQ(tokensOf("a // b\r\n\tc // the end"), "a c ");
  EXPECT_EQ(firstOf("  // x\n  y").offset, 9u);
  EXPECT_EQ(firstOf("").kind, TokenKind::End);
}
