//===- Expression.cpp - Integer expressions over names --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluation and printing of postfix expressions. Every operation is checked: an overflow, a division
// by zero, an unknown name or malformed text gives no value.
//
//===----------------------------------------------------------------------===//

#include "compiler/KernelInterface.h"
#include <algorithm>
#include <charconv>

using namespace imbrex;

namespace {

using Values = std::map<std::string, int64_t, std::less<>>;

/// An operator, its arity, and how tightly it binds when printed infix (0: printed as a call).
struct Operator {
  std::string_view token;
  unsigned arity;
  unsigned precedence;
};

struct Printed {
  std::string text;
  unsigned precedence;
};

} // namespace

static constexpr unsigned kAtom = 9, kUnary = 7;
static constexpr Operator kOperators[] = {{"+", 2, 5},   {"-", 2, 5},  {"*", 2, 6},  {"/", 2, 6},      {"%", 2, 6},
                                          {"<", 2, 4},   {"<=", 2, 4}, {">", 2, 4},  {">=", 2, 4},     {"==", 2, 3},
                                          {"!=", 2, 3},  {"&&", 2, 2}, {"||", 2, 1}, {"!", 1, kUnary}, {"cdiv", 2, 0},
                                          {"min", 2, 0}, {"max", 2, 0}};

static const Operator *findOperator(std::string_view token) {
  for (const Operator &op : kOperators)
    if (op.token == token)
      return &op;
  return nullptr;
}

/// The next token of `text`, which is shortened; empty at the end.
static std::string_view nextToken(std::string_view &text) {
  size_t begin = std::min(text.find_first_not_of(' '), text.size());
  text.remove_prefix(begin);
  std::string_view token = text.substr(0, text.find(' '));
  text.remove_prefix(token.size());
  return token;
}

static bool isNumber(std::string_view token) {
  char first = token.size() > 1 && token.front() == '-' ? token[1] : token.front();
  return first >= '0' && first <= '9';
}

static std::optional<int64_t> parseNumber(std::string_view token) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc() || end != token.data() + token.size())
    return std::nullopt;
  return value;
}

/// / % and cdiv of a by b. cdiv rounds towards plus infinity.
static std::optional<int64_t> divide(std::string_view op, int64_t a, int64_t b) {
  if (b == 0 || (a == INT64_MIN && b == -1))
    return std::nullopt;
  if (op == "%")
    return a % b;
  bool roundUp = op == "cdiv" && a % b != 0 && (a < 0) == (b < 0);
  return a / b + roundUp;
}

static std::optional<int64_t> apply(std::string_view op, int64_t a, int64_t b) {
  int64_t result = 0;
  if (op == "+")
    return __builtin_add_overflow(a, b, &result) ? std::nullopt : std::optional(result);
  if (op == "-")
    return __builtin_sub_overflow(a, b, &result) ? std::nullopt : std::optional(result);
  if (op == "*")
    return __builtin_mul_overflow(a, b, &result) ? std::nullopt : std::optional(result);
  if (op == "/" || op == "%" || op == "cdiv")
    return divide(op, a, b);
  if (op == "min")
    return std::min(a, b);
  if (op == "max")
    return std::max(a, b);
  if (op == "==")
    return a == b;
  if (op == "!=")
    return a != b;
  if (op == "<")
    return a < b;
  if (op == "<=")
    return a <= b;
  if (op == ">")
    return a > b;
  if (op == ">=")
    return a >= b;
  if (op == "&&")
    return a != 0 && b != 0;
  return a != 0 || b != 0;
}

static std::optional<int64_t> leaf(std::string_view token, const Values &values) {
  if (isNumber(token))
    return parseNumber(token);
  auto found = values.find(token);
  return found == values.end() ? std::nullopt : std::optional(found->second);
}

std::optional<int64_t> Expression::evaluate(const Values &values) const {
  std::vector<int64_t> stack;
  std::string_view rest = postfix;
  for (std::string_view token = nextToken(rest); !token.empty(); token = nextToken(rest)) {
    const Operator *op = findOperator(token);
    std::optional<int64_t> value;
    if (!op) {
      value = leaf(token, values);
    } else if (stack.size() < op->arity) {
      return std::nullopt;
    } else if (op->arity == 1) {
      value = stack.back() == 0;
      stack.pop_back();
    } else {
      value = apply(token, stack[stack.size() - 2], stack.back());
      stack.resize(stack.size() - 2);
    }
    if (!value)
      return std::nullopt;
    stack.push_back(*value);
  }
  return stack.size() == 1 ? std::optional(stack.front()) : std::nullopt;
}

std::vector<std::string> Expression::unknowns(const Values &values) const {
  std::vector<std::string> names;
  std::string_view rest = postfix;
  for (std::string_view token = nextToken(rest); !token.empty(); token = nextToken(rest))
    if (!findOperator(token) && !isNumber(token) && !values.contains(token) &&
        std::find(names.begin(), names.end(), token) == names.end())
      names.emplace_back(token);
  return names;
}

static Printed print(const Operator &op, const Printed &left, const Printed &right) {
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
  for (std::string_view token = nextToken(rest); !token.empty(); token = nextToken(rest)) {
    const Operator *op = findOperator(token);
    if (!op) {
      stack.push_back({std::string(token), kAtom});
      continue;
    }
    if (stack.size() < op->arity)
      return postfix;
    Printed right = std::move(stack.back());
    stack.pop_back();
    if (op->arity == 1) {
      stack.push_back({right.precedence < kUnary ? "!(" + right.text + ")" : "!" + right.text, kUnary});
      continue;
    }
    stack.back() = print(*op, stack.back(), right);
  }
  return stack.size() == 1 ? stack.front().text : postfix;
}
