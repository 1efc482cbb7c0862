//===- Constants.cpp - Compile-time values --------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluates expressions over parameters, and hands those over extents to the host.
//
//===----------------------------------------------------------------------===//

#include "compiler/ExpressionProgram.h"
#include "compiler/frontend/Sema.h"

using namespace imbrex;
using namespace imbrex::ast;
using llvm::StringRef;

/// & ^ | and shifts of 64 bits; nullopt for other operators, and where bits are lost or there are not so many.
static std::optional<int64_t> evaluateBits(StringRef op, int64_t x, int64_t y) {
  if (op == "&")
    return x & y;
  if (op == "|")
    return x | y;
  if (op == "^")
    return x ^ y;
  if (y < 0 || y > 62)
    return std::nullopt;
  if (op == ">>")
    return x >> y;
  int64_t result = int64_t(uint64_t(x) << y);
  return op == "<<" && result >> y == x ? std::optional(result) : std::nullopt;
}

std::optional<Constant> imbrex::evaluateBinary(StringRef op, const Constant &x, const Constant &y) {
  auto truth = [](bool value) { return Constant{Constant::Bool, value}; };
  if (x.kind != y.kind)
    return std::nullopt;
  if (op == "&&" && x.kind == Constant::Bool)
    return truth(x.value && y.value);
  if (op == "||" && x.kind == Constant::Bool)
    return truth(x.value || y.value);
  if (op == "==")
    return truth(x.value == y.value);
  if (op == "!=")
    return truth(x.value != y.value);
  if (x.kind != Constant::Integer)
    return std::nullopt;
  const ExpressionOperator *known = findExpressionOperator(op);
  std::optional<int64_t> value = known ? applyOperator(known->code, x.value, y.value) : std::nullopt;
  if (!known)
    value = evaluateBits(op, x.value, y.value);
  bool compares = op == "<" || op == "<=" || op == ">" || op == ">=";
  return value ? std::optional(Constant{compares ? Constant::Bool : Constant::Integer, *value}) : std::nullopt;
}

std::optional<Constant> imbrex::lookUp(const std::string &name, const Specialisation &specialisation) {
  if (auto it = specialisation.integers.find(name); it != specialisation.integers.end())
    return Constant{Constant::Integer, it->second};
  if (auto it = specialisation.types.find(name); it != specialisation.types.end())
    return Constant{Constant::Type, int64_t(it->second)};
  if (std::optional<DataType> type = parseDataType(name))
    return Constant{Constant::Type, int64_t(*type)};
  return std::nullopt;
}

/// One of the calls that the host and constants know: cdiv, min or max of two, pow2 of one.
static bool isIntegerCall(const Expr &expr) {
  const ExpressionOperator *op = expr.kind == Expr::Call ? findExpressionOperator(expr.text) : nullptr;
  return op && op->precedence == 0 && op->arity == expr.operands.size() && expr.integer == 0;
}

static std::optional<Constant> evaluateUnary(const Expr &expr, const Specialisation &specialisation,
                                             Diagnostics &diagnostics) {
  std::optional<Constant> x = evaluate(*expr.operands[0], specialisation, diagnostics);
  if (!x || x->kind != (expr.text == "!" ? Constant::Bool : Constant::Integer))
    return std::nullopt;
  if (expr.text == "!")
    return Constant{Constant::Bool, !x->value};
  std::optional<Constant> value =
      expr.text == "-" ? evaluateBinary("-", {Constant::Integer, 0}, *x) : evaluateBinary(expr.text, *x, *x);
  if (!value)
    report(diagnostics, expr.offset, Message::Overflow);
  return value;
}

static bool divides(const Expr &expr) { return expr.text == "/" || expr.text == "%" || expr.text == "cdiv"; }

std::optional<Constant> imbrex::evaluate(const Expr &expr, const Specialisation &specialisation,
                                         Diagnostics &diagnostics) {
  if (expr.kind == Expr::Integer || expr.kind == Expr::Bool)
    return Constant{expr.kind == Expr::Bool ? Constant::Bool : Constant::Integer, expr.integer};
  if (expr.kind == Expr::Name)
    return lookUp(expr.text, specialisation);
  if (expr.kind != Expr::Unary && expr.kind != Expr::Binary && !isIntegerCall(expr))
    return std::nullopt;
  if (expr.operands.size() == 1)
    return evaluateUnary(expr, specialisation, diagnostics);
  std::optional<Constant> x = evaluate(*expr.operands[0], specialisation, diagnostics);
  std::optional<Constant> y = evaluate(*expr.operands[1], specialisation, diagnostics);
  if (y && y->kind == Constant::Integer && y->value == 0 && divides(expr)) {
    report(diagnostics, expr.offset, Message::DivisionByZero);
    return std::nullopt;
  }
  if (!x || !y)
    return std::nullopt;
  std::optional<Constant> value = evaluateBinary(expr.text, *x, *y);
  if (!value && x->kind == Constant::Integer && y->kind == Constant::Integer)
    report(diagnostics, expr.offset, Message::Overflow);
  return value;
}

/// Appends `expr` to a postfix text; false if it is more than integer arithmetic over names.
static bool appendPostfix(const Expr &expr, std::string &text) {
  if (text.size() > kMaxHostText)
    return true; // refused by the caller
  auto token = [&](StringRef word) {
    text += text.empty() ? "" : " ";
    text += word;
    return true;
  };
  if (expr.kind == Expr::Integer || expr.kind == Expr::Bool)
    return token(std::to_string(expr.integer));
  if (expr.kind == Expr::Name)
    return token(expr.text);
  if (expr.kind == Expr::Unary) {
    if (expr.text == "-")
      return token("0") && appendPostfix(*expr.operands[0], text) && token("-");
    return appendPostfix(*expr.operands[0], text) && token("!");
  }
  if (expr.kind == Expr::Binary ? !findExpressionOperator(expr.text) : !isIntegerCall(expr))
    return false;
  for (const ExprPtr &operand : expr.operands)
    if (!appendPostfix(*operand, text))
      return false;
  return token(expr.text);
}

std::optional<Expression> imbrex::toExpression(const Expr &expr, Diagnostics &diagnostics) {
  Expression expression;
  if (!appendPostfix(expr, expression.postfix))
    report(diagnostics, expr.offset, Message::HostExpression, toText(expr));
  else if (expression.postfix.size() > kMaxHostText)
    report(diagnostics, expr.offset, Message::TooMany, "bytes of an expression that the host evaluates", kMaxHostText);
  else
    return expression;
  return std::nullopt;
}
