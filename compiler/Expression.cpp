//===- Expression.cpp - Integer expressions over names --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluation by name, and printing for people. Decoding and arithmetic are ExpressionProgram's.
//
//===----------------------------------------------------------------------===//

#include "compiler/ExpressionProgram.h"
#include <algorithm>

using namespace imbrex;

using Values = std::map<std::string, int64_t, std::less<>>;

std::optional<int64_t> Expression::evaluate(const Values &values) const {
  std::vector<std::optional<int64_t>> slots;
  std::optional<ExpressionProgram> program = ExpressionProgram::parse(*this, [&](std::string_view name) {
    auto found = values.find(name);
    slots.push_back(found == values.end() ? std::nullopt : std::optional(found->second));
    return unsigned(slots.size() - 1);
  });
  return program ? program->evaluate(slots) : std::nullopt;
}

std::vector<std::string> Expression::unknowns(const Values &values) const {
  std::vector<std::string> names;
  std::string_view rest = postfix;
  for (std::string_view token = takeExpressionToken(rest); !token.empty(); token = takeExpressionToken(rest))
    if (!findExpressionOperator(token) && !isExpressionNumber(token) && !values.contains(token) &&
        std::find(names.begin(), names.end(), token) == names.end())
      names.emplace_back(token);
  return names;
}

namespace {

/// A part of the infix text, and how tightly its outermost operator binds.
struct Printed {
  std::string text;
  unsigned precedence;
};

} // namespace

static constexpr unsigned kAtom = 9;

static Printed print(const ExpressionOperator &op, const Printed &left, const Printed &right) {
  if (op.precedence == 0)
    return {std::string(op.token) + "(" + left.text + ", " + right.text + ")", kAtom};
  auto wrap = [](const Printed &side, bool parentheses) { return parentheses ? "(" + side.text + ")" : side.text; };
  std::string text = wrap(left, left.precedence < op.precedence) + " " + std::string(op.token) + " " +
                     wrap(right, right.precedence <= op.precedence);
  return {text, op.precedence};
}

std::string Expression::infix() const {
  std::vector<Printed> stack;
  std::string_view rest = postfix;
  for (std::string_view token = takeExpressionToken(rest); !token.empty(); token = takeExpressionToken(rest)) {
    const ExpressionOperator *op = findExpressionOperator(token);
    if (!op) {
      stack.push_back({std::string(token), kAtom});
      continue;
    }
    if (stack.size() < op->arity)
      return postfix;
    Printed right = std::move(stack.back());
    stack.pop_back();
    if (op->arity == 1) {
      bool parentheses = right.precedence < op->precedence;
      if (op->precedence == 0)
        stack.push_back({std::string(op->token) + "(" + right.text + ")", kAtom});
      else
        stack.push_back({parentheses ? "!(" + right.text + ")" : "!" + right.text, op->precedence});
      continue;
    }
    stack.back() = print(*op, stack.back(), right);
  }
  return stack.size() == 1 ? stack.front().text : postfix;
}
