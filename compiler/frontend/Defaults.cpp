//===- Defaults.cpp - Defaults of scalar parameters ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers made of parameters and literals when a kernel is specialised: what a scalar is where the host gives none.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Sema.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <numbers>

using namespace imbrex;
using namespace imbrex::ast;
using llvm::StringRef;

std::optional<double> imbrex::namedNumber(StringRef name) {
  return llvm::StringSwitch<std::optional<double>>(name)
      .Case("inf", INFINITY)
      .Case("nan", NAN)
      .Case("LOG2E", std::numbers::log2e)
      .Case("LN2", std::numbers::ln2)
      .Case("PI", std::numbers::pi)
      .Default(std::nullopt);
}

static Number ofInteger(int64_t value) { return {false, value, double(value)}; }
static Number ofReal(double value) { return {true, 0, value}; }

static std::optional<Number> applyFunction(StringRef name, double x) {
  using Function = double (*)(double);
  auto function = llvm::StringSwitch<Function>(name)
                      .Case("sqrt", [](double v) { return std::sqrt(v); })
                      .Case("rsqrt", [](double v) { return 1 / std::sqrt(v); })
                      .Case("exp", [](double v) { return std::exp(v); })
                      .Case("exp2", [](double v) { return std::exp2(v); })
                      .Case("log", [](double v) { return std::log(v); })
                      .Case("log2", [](double v) { return std::log2(v); })
                      .Case("tanh", [](double v) { return std::tanh(v); })
                      .Default(nullptr);
  return function ? std::optional(ofReal(function(x))) : std::nullopt;
}

static std::optional<Number> applyBinary(StringRef op, const Number &x, const Number &y) {
  if (!x.isFloat && !y.isFloat) {
    std::optional<Constant> value = evaluateBinary(op, {Constant::Integer, x.integer}, {Constant::Integer, y.integer});
    return value && value->kind == Constant::Integer ? std::optional(ofInteger(value->value)) : std::nullopt;
  }
  double a = x.real, b = y.real;
  return llvm::StringSwitch<std::optional<Number>>(op)
      .Case("+", ofReal(a + b))
      .Case("-", ofReal(a - b))
      .Case("*", ofReal(a * b))
      .Case("/", ofReal(a / b))
      .Case("min", ofReal(std::fmin(a, b)))
      .Case("max", ofReal(std::fmax(a, b)))
      .Default(std::nullopt);
}

static std::optional<Number> evaluateNumber(const Expr &expr, const Specialisation &specialisation) {
  if (expr.kind == Expr::Integer)
    return ofInteger(expr.integer);
  if (expr.kind == Expr::Float)
    return ofReal(expr.number);
  if (expr.kind == Expr::Name) {
    if (std::optional<double> named = namedNumber(expr.text))
      return ofReal(*named);
    std::optional<Constant> constant = lookUp(expr.text, specialisation);
    bool isInteger = constant && constant->kind == Constant::Integer;
    return isInteger ? std::optional(ofInteger(constant->value)) : std::nullopt;
  }
  if (expr.kind != Expr::Unary && expr.kind != Expr::Binary && (expr.kind != Expr::Call || expr.integer != 0))
    return std::nullopt;
  std::vector<Number> operands;
  for (const ExprPtr &operand : expr.operands) {
    std::optional<Number> value = evaluateNumber(*operand, specialisation);
    if (!value)
      return std::nullopt;
    operands.push_back(*value);
  }
  if (operands.size() == 2)
    return applyBinary(expr.text, operands[0], operands[1]);
  if (operands.size() != 1)
    return std::nullopt;
  const Number &x = operands[0];
  if (expr.text == "-" || (expr.text == "abs" && x.real < 0))
    return x.isFloat ? ofReal(-x.real) : applyBinary("-", ofInteger(0), x);
  if (expr.text == "abs")
    return x;
  if (expr.text == "pow2")
    return x.isFloat ? std::nullopt : applyBinary("pow2", x, x);
  return applyFunction(expr.text, x.real);
}

std::optional<Number> imbrex::evaluateDefault(const Expr &expr, const Specialisation &specialisation,
                                              Diagnostics &diagnostics, Message mistake) {
  std::optional<Number> value = evaluateNumber(expr, specialisation);
  if (value && std::isfinite(value->real))
    return value;
  report(diagnostics, expr.offset, mistake, toText(expr));
  return std::nullopt;
}
