//===- ParseStatements.cpp - Statements -----------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The statements of Grammar.md. A broken statement is skipped up to its end, and the next one is read, so
// that one run reports several mistakes.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/ForeignWords.h"
#include "compiler/frontend/Parser.h"
#include "llvm/ADT/ScopeExit.h"

using namespace imbrex;
using namespace imbrex::ast;
using llvm::StringRef;

/// { statement }, up to a "}" or, with `stopsAtReturn`, to "return".
void Parser::parseStatements(Block &block, bool stopsAtReturn) {
  while (!peek().is("}") && peek().kind != TokenKind::End && diagnostics.errorCount() < kMaxErrors) {
    if (stopsAtReturn && peek().is("return"))
      return;
    if (std::unique_ptr<Stmt> stmt = parseStatement())
      block.push_back(std::move(stmt));
    else
      skipStatement();
  }
}

/// block = "{" { statement } "}" ;
bool Parser::parseBlock(Block &block) {
  ++depth;
  llvm::scope_exit leave([&] { --depth; });
  if (peek().is("store") || peek().is("let") || peek().is("var") || peek().is("for"))
    return fail(Message::BodyBraces, "");
  if (tooDeep() || !expect("{"))
    return false;
  parseStatements(block, /*stopsAtReturn=*/false);
  return expect("}");
}

/// True, reported, at what stands in a kernel's body alone, or at the end of a function's.
bool Parser::refuseByPlace() {
  if (peek().is("return"))
    report(diagnostics, peek().offset, Message::ReturnPlace,
           inFunction ? "choose with a var, or with where(...)" : "a kernel's results are stored: store Y[...] = ...");
  else if (inFunction && peek().is("store"))
    report(diagnostics, peek().offset, Message::StoreInFunction);
  else
    return false;
  return true;
}

/// Statements of other languages, and calls: refused by name, with what to write instead.
bool Parser::refuseStatement() {
  StringRef word = peek().text;
  bool isCall = peek(1).is("("), isAssignment = peek(1).kind == TokenKind::Symbol && peek(1).text.ends_with("=");
  if (peek().kind != TokenKind::Name || isAssignment)
    return false;
  if (isCall && isReservedFunction(word))
    report(diagnostics, peek().offset, Message::Unsupported, peek().describe());
  else if (std::optional<StringRef> instead = insteadOf(word))
    report(diagnostics, peek().offset, Message::NoSuchWord, word, *instead);
  else if (isCall)
    report(diagnostics, peek().offset, Message::CallStatement);
  else
    return false;
  return true;
}

/// names = name { "," name } ;
bool Parser::parseNames(Stmt &stmt) {
  if (!expectName(stmt.name, "a name"))
    return false;
  while (accept(","))
    if (!expectName(stmt.moreNames.emplace_back(), "a name") ||
        tooMany("names of one let", stmt.moreNames.size() + 1, kMaxResults))
      return false;
  return true;
}

/// statement = ( "let" | "var" ) names "=" expression ";" | for | if | store | assignment ;
std::unique_ptr<Stmt> Parser::parseStatement() {
  auto stmt = std::make_unique<Stmt>();
  stmt->offset = peek().offset;
  bool ok;
  if (peek().is("let") || peek().is("var")) {
    stmt->kind = take().is("let") ? Stmt::Let : Stmt::Var;
    stmt->offset = peek().offset;
    ok = parseNames(*stmt) && expect("=") && (stmt->value = parseExpression()) && expect(";");
  } else if (refuseByPlace()) {
    ok = false;
  } else if (accept("for")) {
    ok = parseFor(*stmt);
  } else if (accept("if")) {
    ok = parseIf(*stmt);
  } else if (accept("store")) {
    ok = parseStore(*stmt);
  } else if (refuseStatement()) {
    ok = false;
  } else if (peek().kind == TokenKind::Name && peek(1).kind != TokenKind::Name) {
    ok = parseAssign(*stmt);
  } else if (peek().kind == TokenKind::Name && peek(2).is("=")) {
    report(diagnostics, peek().offset, Message::TypeBeforeName, peek().text, peek(1).text);
    ok = false;
  } else {
    ok = fail(Message::ExpectedStatement, peek().describe() + misspelt({"let", "var", "for", "if", "store"}));
  }
  return ok ? std::move(stmt) : nullptr;
}

/// for = "for" name "in" ( "tiles" "(" expression "," expression ")" [ "visible" "(" name ")" ]
///                       | expression ".." expression ) block ;
bool Parser::parseFor(Stmt &stmt) {
  ++loops;
  llvm::scope_exit leave([&] { --loops; });
  stmt.offset = peek().offset;
  if (peek().is("("))
    return fail(Message::LoopRange, "");
  if (tooMany("loops in one another", loops, kMaxLoops) || !expectName(stmt.name, "the loop's name") || !expect("in"))
    return false;
  if (peek().is("tiles") && peek(1).is("(")) {
    stmt.kind = Stmt::Tiles;
    take(), take();
    if (!(stmt.value = parseExpression()) || !expect(",") || !(stmt.second = parseExpression()) || !expect(")"))
      return false;
    if (accept("visible")) {
      stmt.visibleOffset = peek().offset;
      if (!expect("(") || !expectName(stmt.visible, "a hook's name") || !expect(")"))
        return false;
    }
  } else {
    stmt.kind = Stmt::Range;
    if (!(stmt.value = parseExpression()) || !expect("..") || !(stmt.second = parseExpression()))
      return false;
  }
  return parseBlock(stmt.body);
}

/// if = "if" expression block [ "else" ( if | block ) ] ;
bool Parser::parseIf(Stmt &stmt) {
  ++depth;
  llvm::scope_exit leave([&] { --depth; });
  stmt.kind = Stmt::If;
  if (tooDeep() || !(stmt.value = parseExpression()) || !parseBlock(stmt.body))
    return false;
  if (!accept("else"))
    return true;
  if (!peek().is("if"))
    return parseBlock(stmt.otherwise);
  std::unique_ptr<Stmt> chained = parseStatement();
  if (!chained)
    return false;
  stmt.otherwise.push_back(std::move(chained));
  return true;
}

/// store = "store" name indices ( "=" | "+=" ) expression ";" ;
bool Parser::parseStore(Stmt &stmt) {
  stmt.kind = Stmt::Store;
  stmt.offset = peek().offset;
  if (!expectName(stmt.name, "a view") || !parseIndices(stmt.indices))
    return false;
  if (peek().is("-=") || peek().is("*=") || peek().is("/="))
    return fail(Message::StoreOperator, peek().text.str());
  if (accept("+="))
    stmt.op = "+";
  else if (!expect("="))
    return false;
  return (stmt.value = parseExpression()) && expect(";");
}

/// assignment = name ( "=" | "+=" | "-=" | "*=" | "/=" ) expression ";" ;
bool Parser::parseAssign(Stmt &stmt) {
  stmt.kind = Stmt::Assign;
  expectName(stmt.name, "a name");
  for (llvm::StringRef op : {"+", "-", "*", "/"})
    if (accept((op + "=").str())) {
      stmt.op = op.str();
      return (stmt.value = parseExpression()) && expect(";");
    }
  return expect("=") && (stmt.value = parseExpression()) && expect(";");
}

/// indices = "[" ( index | joined ) { "," ( index | joined ) } "]" ;
bool Parser::parseIndices(std::vector<Index> &indices) {
  if (!expect("["))
    return false;
  do {
    if (!(isJoined() ? parseJoined(indices) : parseIndex(indices)))
      return false;
  } while (accept(","));
  return expect("]");
}

/// index = ":" | expression [ ( ":+" | ".." ) expression ] ;
bool Parser::parseIndex(std::vector<Index> &indices) {
  Index index;
  index.offset = peek().offset;
  if (!accept(":")) {
    index.kind = Index::Single;
    if (!(index.start = parseExpression()))
      return false;
    if (peek().is(":+") || peek().is("..")) {
      index.kind = take().is("..") ? Index::Range : Index::Slice;
      if (!(index.size = parseExpression()))
        return false;
    }
  }
  indices.push_back(std::move(index));
  return true;
}

/// Whether a joined index begins here: brackets that hold what no expression in brackets does.
bool Parser::isJoined() const {
  unsigned depth = 0;
  for (size_t i = at; i < tokens.size() && (i == at ? tokens[i].is("(") : depth != 0); ++i) {
    bool opens = tokens[i].is("(") || tokens[i].is("[") || tokens[i].is("{");
    bool closes = tokens[i].is(")") || tokens[i].is("]") || tokens[i].is("}");
    depth += opens ? 1 : closes ? -1 : 0;
    if (depth == 1 && (tokens[i].is(",") || tokens[i].is("..") || tokens[i].is(":") || tokens[i].is(":+")))
      return true;
  }
  return false;
}

/// joined = "(" index "," index ")" ;
bool Parser::parseJoined(std::vector<Index> &indices) {
  uint32_t offset = take().offset;
  size_t first = indices.size();
  do {
    if (!parseIndex(indices))
      return false;
  } while (accept(","));
  bool isPair =
      indices.size() == first + 2 && indices[first].kind != Index::Single && indices[first + 1].kind != Index::Single;
  if (!isPair) {
    report(diagnostics, offset, Message::JoinForm);
    return false;
  }
  indices[first].isJoined = true;
  return expect(")");
}
