//===- ExpressionProgram.cpp - Expressions ready to be evaluated often ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decoding, evaluation and solving. Every operation is checked: overflow and division by zero give no value.
//
//===----------------------------------------------------------------------===//

#include "compiler/ExpressionProgram.h"
#include "compiler/Number.h"
#include "llvm/ADT/SmallVector.h"
#include <algorithm>
#include <array>
#include <bit>
#include <utility>

using namespace imbrex;
using Code = ExpressionCode;

static constexpr unsigned kDepth = 32;
static constexpr ExpressionOperator kOperators[] = {
    {"+", Code::Add, 2, 5},       {"-", Code::Subtract, 2, 5},      {"*", Code::Multiply, 2, 6},
    {"/", Code::Divide, 2, 6},    {"%", Code::Remainder, 2, 6},     {"cdiv", Code::CeilDivide, 2, 0},
    {"min", Code::Min, 2, 0},     {"max", Code::Max, 2, 0},         {"==", Code::Equal, 2, 3},
    {"!=", Code::NotEqual, 2, 3}, {"<", Code::Less, 2, 4},          {"<=", Code::LessEqual, 2, 4},
    {">", Code::Greater, 2, 4},   {">=", Code::GreaterEqual, 2, 4}, {"&&", Code::And, 2, 2},
    {"||", Code::Or, 2, 1},       {"!", Code::Not, 1, 7},           {"pow2", Code::PowerOfTwo, 1, 0}};

const ExpressionOperator *imbrex::findExpressionOperator(std::string_view token) {
  for (const ExpressionOperator &op : kOperators)
    if (op.token == token)
      return &op;
  return nullptr;
}

bool imbrex::isExpressionNumber(std::string_view token) {
  char first = token.size() > 1 && token.front() == '-' ? token[1] : token.front();
  return first >= '0' && first <= '9';
}

std::string_view imbrex::takeExpressionToken(std::string_view &postfix) {
  postfix.remove_prefix(std::min(postfix.find_first_not_of(' '), postfix.size()));
  std::string_view token = postfix.substr(0, postfix.find(' '));
  postfix.remove_prefix(token.size());
  return token;
}

std::optional<ExpressionProgram> ExpressionProgram::parse(const Expression &expression,
                                                          const std::function<unsigned(std::string_view)> &slotOf) {
  ExpressionProgram program;
  unsigned depth = 0;
  std::string_view rest = expression.postfix;
  for (std::string_view token = takeExpressionToken(rest); !token.empty(); token = takeExpressionToken(rest)) {
    if (const ExpressionOperator *op = findExpressionOperator(token)) {
      if (depth < op->arity)
        return std::nullopt;
      depth -= op->arity - 1;
      program.steps.push_back({op->code, 0});
      continue;
    }
    if (++depth > kDepth)
      return std::nullopt;
    if (!isExpressionNumber(token)) {
      program.steps.push_back({Code::Slot, int64_t(slotOf(token))});
    } else if (std::optional<int64_t> number = readInteger(token)) {
      program.steps.push_back({Code::Constant, *number});
    } else {
      return std::nullopt;
    }
  }
  return depth == 1 ? std::optional(std::move(program)) : std::nullopt;
}

/// / % and cdiv of a by b. cdiv rounds towards plus infinity.
static std::optional<int64_t> divide(Code code, int64_t a, int64_t b) {
  if (b == 0 || (a == INT64_MIN && b == -1))
    return std::nullopt;
  if (code == Code::Remainder)
    return a % b;
  bool roundUp = code == Code::CeilDivide && a % b != 0 && (a < 0) == (b < 0);
  return a / b + roundUp;
}

std::optional<int64_t> imbrex::applyOperator(Code code, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (code) {
  case Code::Add:
    return __builtin_add_overflow(a, b, &result) ? std::nullopt : std::optional(result);
  case Code::Subtract:
    return __builtin_sub_overflow(a, b, &result) ? std::nullopt : std::optional(result);
  case Code::Multiply:
    return __builtin_mul_overflow(a, b, &result) ? std::nullopt : std::optional(result);
  case Code::Divide:
  case Code::Remainder:
  case Code::CeilDivide:
    return divide(code, a, b);
  case Code::Min:
    return std::min(a, b);
  case Code::Max:
    return std::max(a, b);
  case Code::Equal:
    return a == b;
  case Code::NotEqual:
    return a != b;
  case Code::Less:
    return a < b;
  case Code::LessEqual:
    return a <= b;
  case Code::Greater:
    return a > b;
  case Code::GreaterEqual:
    return a >= b;
  case Code::And:
    return a != 0 && b != 0;
  case Code::Or:
    return a != 0 || b != 0;
  case Code::Not:
    return a == 0;
  case Code::PowerOfTwo:
    return a > int64_t(1) << 62 ? std::nullopt
                                : std::optional(int64_t(std::bit_ceil(uint64_t(std::max<int64_t>(a, 1)))));
  case Code::Constant:
  case Code::Slot:
    break;
  }
  return std::nullopt;
}

static bool isUnary(Code code) { return code == Code::Not || code == Code::PowerOfTwo; }

std::optional<int64_t> ExpressionProgram::evaluate(Slots slots) const {
  std::array<int64_t, kDepth> stack;
  unsigned depth = 0;
  for (const Step &step : steps) {
    std::optional<int64_t> value;
    if (step.code == Code::Constant) {
      value = step.value;
    } else if (step.code == Code::Slot) {
      value = slots[size_t(step.value)];
    } else if (isUnary(step.code)) {
      value = applyOperator(step.code, stack[--depth]);
    } else {
      depth -= 2;
      value = applyOperator(step.code, stack[depth], stack[depth + 1]);
    }
    if (!value)
      return std::nullopt;
    stack[depth++] = *value;
  }
  return stack[0];
}

namespace {

/// An operator whose one side holds the missing slot.
struct Around {
  Code code;
  int64_t other;
  bool missingIsLeft;
};

} // namespace

/// What the missing side must be for (missing op other) to be `total`.
static std::optional<int64_t> invert(const Around &around, int64_t total) {
  int64_t result = 0;
  switch (around.code) {
  case Code::Add:
    return __builtin_sub_overflow(total, around.other, &result) ? std::nullopt : std::optional(result);
  case Code::Subtract:
    if (around.missingIsLeft)
      return __builtin_add_overflow(total, around.other, &result) ? std::nullopt : std::optional(result);
    return __builtin_sub_overflow(around.other, total, &result) ? std::nullopt : std::optional(result);
  case Code::Multiply:
    if (around.other == 0 || total % around.other != 0)
      return std::nullopt;
    return total / around.other;
  default:
    return std::nullopt;
  }
}

ExpressionProgram::Solution ExpressionProgram::solve(Slots slots, int64_t total) const {
  if (std::optional<int64_t> value = evaluate(slots))
    return {Solution::Known, *value, 0};
  std::array<std::optional<int64_t>, kDepth> stack; // nullopt: holds the missing slot
  llvm::SmallVector<Around, 8> path;                // from the missing slot outwards; solved at launches: no heap
  std::optional<unsigned> missing;
  unsigned depth = 0;
  for (const Step &step : steps) {
    if (step.code == Code::Constant || step.code == Code::Slot) {
      stack[depth] = step.code == Code::Constant ? std::optional(step.value) : slots[size_t(step.value)];
      if (!stack[depth++] && std::exchange(missing, unsigned(step.value)))
        return {Solution::Open};
      continue;
    }
    if (isUnary(step.code)) {
      if (!stack[depth - 1])
        return {Solution::Open};
      stack[depth - 1] = applyOperator(step.code, *stack[depth - 1]);
      if (!stack[depth - 1])
        return {Solution::Open};
      continue;
    }
    std::optional<int64_t> left = stack[depth - 2], right = stack[depth - 1];
    depth -= 1;
    if (left && right) {
      stack[depth - 1] = applyOperator(step.code, *left, *right);
      if (!stack[depth - 1])
        return {Solution::Open};
      continue;
    }
    path.push_back({step.code, left ? *left : *right, !left});
    stack[depth - 1] = std::nullopt;
  }
  if (!missing)
    return {Solution::Open};
  for (size_t i = path.size(); i-- > 0;) {
    std::optional<int64_t> inner = invert(path[i], total);
    if (!inner)
      return {path[i].code == Code::Multiply && path[i].other != 0 ? Solution::NotExact : Solution::Open, path[i].other,
              *missing};
    total = *inner;
  }
  return {Solution::Solved, total, *missing};
}
