//===- ForeignForms.cpp - Forms of other languages, refused by name -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the grammar has no place for the next token, but another language has: a message that says what to write
// instead of "expected ';', found '?'". Words are in ForeignWords.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Parser.h"

using namespace imbrex;
using namespace imbrex::ast;
using llvm::StringRef;

std::string Parser::nameBefore() const {
  return at > 0 && tokens[at - 1].kind == TokenKind::Name ? tokens[at - 1].text.str() : "x";
}

/// After a name at the beginning of a statement: x ^= y, x++, x: f32 = y, x[i] = y.
bool Parser::refuseAssignForm() {
  const std::string name = nameBefore();
  bool isDeclared = at > 1 && (tokens[at - 2].is("let") || tokens[at - 2].is("var"));
  if (peek().is(":") && isDeclared)
    report(diagnostics, peek().offset, Message::TypeOfLet, name, peek(1).text);
  else if (peek().is("[") && !isDeclared)
    report(diagnostics, peek().offset, Message::StoreWord, name);
  else if ((peek().is("+") && peek(1).is("+")) || (peek().is("-") && (peek(1).is("-") || peek(1).is(">"))))
    report(diagnostics, peek().offset, Message::Increment, peek().text, name);
  else if (peek().is(">") && peek(1).is(">="))
    report(diagnostics, peek().offset, Message::CompoundAssign, ">>", name);
  else if ((peek().is("^") || peek().is("%") || peek().is("|") || peek().is("&") || peek().is("<<")) && peek(1).is("="))
    report(diagnostics, peek().offset, Message::CompoundAssign, peek().text, name);
  else
    return false;
  return true;
}

/// After an expression: c ? x : y, x if c else y, x and y.
bool Parser::refuseOperator() {
  if (peek().is("?") || peek().is("if"))
    return fail(Message::Conditional, peek().is("?") ? "c ? x : y" : "x if c else y"), true;
  if (peek().is("and") || peek().is("or"))
    return report(diagnostics, peek().offset, Message::WordOperator, peek().text, peek().is("and") ? "&&" : "||"), true;
  return false;
}

bool Parser::refuseForm(StringRef expected) {
  if (refuseOperator())
    return true;
  if (expected == "=")
    return refuseAssignForm();
  if (expected == "[" && at > 1 && (tokens[at - 2].is("load") || tokens[at - 2].is("store")))
    return fail(Message::ViewIndices, nameBefore()), true;
  if (expected == "]" && peek().is(":"))
    return fail(Message::SliceForm, ""), true;
  if (expected == "..")
    return fail(Message::LoopRange, ""), true;
  if (expected == "{" && peek().is("="))
    return fail(Message::EqualsInCondition, ""), true;
  if (expected == "{" && peek().is(".."))
    return fail(Message::LoopStep, ""), true;
  return false;
}

bool Parser::refuseExpression() {
  if (peek().is("*") && at > 0 && tokens[at - 1].is("*"))
    return fail(Message::Power, ""), true;
  if (peek().is(".") && peek(1).kind == TokenKind::Integer)
    return fail(Message::PointAlone, "0." + peek(1).text.str()), true;
  if (peek().is("["))
    return fail(Message::NoLists, ""), true;
  return false;
}
