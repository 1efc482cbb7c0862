//===- Parser.cpp - Tokens, recovery, the file ----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What all productions use (looking ahead, expecting, skipping what is broken), and the first one, a file.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Parser.h"
#include "compiler/frontend/Words.h"

using namespace imbrex;
using namespace imbrex::ast;
using llvm::StringRef;

bool Parser::accept(StringRef symbol) {
  if (!peek().is(symbol))
    return false;
  take();
  return true;
}

bool Parser::fail(Message message, const std::string &found) {
  if (isCut)
    return false;
  report(diagnostics, peek().offset, message, found);
  return false;
}

std::string Parser::misspelt(std::initializer_list<std::string> keywords) const {
  return peek().kind == TokenKind::Name ? suggestion(peek().text, std::vector(keywords)) : "";
}

bool Parser::expect(StringRef symbol) {
  if (accept(symbol))
    return true;
  if (!isCut && !refuseForm(symbol))
    report(diagnostics, peek().offset, Message::Expected, "'" + symbol.str() + "'", peek().describe());
  return false;
}

bool Parser::expectName(std::string &name, StringRef what) {
  if (peek().kind == TokenKind::Name && !isKeyword(peek().text)) {
    name = take().text.str();
    return true;
  }
  if (peek().kind == TokenKind::Name)
    report(diagnostics, peek().offset, Message::Keyword, what, peek().text);
  else if (!isCut)
    report(diagnostics, peek().offset, Message::Expected, what, peek().describe());
  return false;
}

bool Parser::expectInteger(int64_t &value) {
  bool negative = accept("-");
  if (peek().kind == TokenKind::Integer) {
    value = negative ? -take().integer : take().integer;
    return true;
  }
  report(diagnostics, peek().offset, Message::Expected, "an integer", peek().describe());
  return false;
}

bool Parser::tooMany(StringRef what, size_t count, size_t limit) {
  if (count <= limit)
    return false;
  report(diagnostics, peek().offset, Message::TooMany, what, limit);
  return true;
}

bool Parser::tooDeep() {
  if (depth <= kMaxNesting)
    return false;
  report(diagnostics, peek().offset, Message::TooDeep, kMaxNesting);
  at = tokens.size() - 1; // nothing after this can be told apart, and nothing is said of it
  isCut = true;
  return true;
}

void Parser::skipStatement() {
  for (unsigned braces = 0; peek().kind != TokenKind::End; take()) {
    if (peek().is("{"))
      ++braces;
    if (peek().is("}") && braces-- == 0)
      return;
    if (braces == 0 && (peek().is(";") || peek().is("}"))) {
      take();
      return;
    }
  }
}

void Parser::skipDeclaration() {
  while (peek().kind != TokenKind::End && !peek().is("kernel") && !peek().is("fn") && !peek().is("hook") &&
         !peek().is("import"))
    take();
}

/// file = { import } { function | hook | kernel } ;
std::unique_ptr<File> Parser::parseFile() {
  auto file = std::make_unique<File>();
  while (peek().kind != TokenKind::End && diagnostics.errorCount() < kMaxErrors) {
    bool ok;
    if (accept("import"))
      ok = parseImport(*file);
    else if (accept("fn"))
      ok = parseFunction(*file, /*isHook=*/false);
    else if (accept("hook"))
      ok = parseFunction(*file, /*isHook=*/true);
    else if (accept("kernel"))
      ok = parseKernel(*file);
    else
      ok = fail(Message::ExpectedDeclaration, peek().describe() + misspelt({"kernel", "fn", "hook", "import"}));
    if (tooMany("declarations of a file", file->functions.size() + file->kernels.size(), kMaxDeclarations))
      return file;
    if (!ok)
      skipDeclaration();
  }
  return file;
}

/// binding = { function } expression ;
ExprPtr Parser::parseBinding(File &own) {
  while (accept("fn"))
    if (!parseFunction(own, /*isHook=*/false) ||
        tooMany("functions of a hook's binding", own.functions.size(), kMaxDeclarations))
      return nullptr;
  ExprPtr binding = parseExpression();
  if (!binding || peek().kind == TokenKind::End)
    return binding;
  fail(Message::BindingEnd, peek().describe());
  return nullptr;
}
