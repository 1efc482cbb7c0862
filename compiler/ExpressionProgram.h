//===- ExpressionProgram.h - Expressions ready to be evaluated often --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An Expression with its tokens decoded and its names resolved to slots of an array: evaluated at every
// launch without touching a string, and solved for the one name that has no value yet. Immutable. No
// LLVM type: public.
//
// Example: Hk * G is "Hk G *". With Hk in slot 0 known to be 4, G in slot 1 unknown, and a total of 12,
// solve() gives Solved, slot 1, value 3.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_EXPRESSIONPROGRAM_H
#define IMBREX_COMPILER_EXPRESSIONPROGRAM_H

#include "compiler/KernelInterface.h"
#include <functional>
#include <span>

namespace imbrex {

enum class ExpressionCode : uint8_t {
  Constant,
  Slot,
  Add,
  Subtract,
  Multiply,
  Divide,
  Remainder,
  CeilDivide,
  Min,
  Max,
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  And,
  Or,
  Not,
  PowerOfTwo
};

/// One row of the table of operators. `precedence` is of the infix form; 0: written as a call.
struct ExpressionOperator {
  std::string_view token;
  ExpressionCode code;
  unsigned arity, precedence;
};

/// The operator spelt `token`, or null.
const ExpressionOperator *findExpressionOperator(std::string_view token);
/// `a` op `b`, or of an operator of one operand, op `a`. nullopt if it overflows or divides by zero.
std::optional<int64_t> applyOperator(ExpressionCode code, int64_t a, int64_t b = 0);
/// True if a token is an integer literal rather than a name.
bool isExpressionNumber(std::string_view token);
/// Takes the next token from the front of a postfix text; empty at the end.
std::string_view takeExpressionToken(std::string_view &postfix);

class ExpressionProgram {
public:
  using Slots = std::span<const std::optional<int64_t>>;

  /// Resolves every name by `slotOf`. nullopt if the postfix text is malformed or deeper than 32 values.
  static std::optional<ExpressionProgram> parse(const Expression &expression,
                                                const std::function<unsigned(std::string_view)> &slotOf);

  /// As Expression::evaluate.
  std::optional<int64_t> evaluate(Slots slots) const;

  struct Solution {
    enum Kind {
      Known,    ///< no slot is missing; `value` is the expression's own value
      Solved,   ///< `slot` must be `value`
      NotExact, ///< a product of `value` (what is known of it) and `slot` cannot be the total
      Open,     ///< more than one slot is missing, or it stands where it cannot be solved for
    } kind;
    int64_t value = 0;
    unsigned slot = 0;
  };
  /// What the expression's being `total` says about its missing slot. Inverts + - and *.
  Solution solve(Slots slots, int64_t total) const;
  /// The slot that is all of the expression.
  std::optional<unsigned> onlySlot() const {
    bool isOne = steps.size() == 1 && steps[0].code == ExpressionCode::Slot;
    return isOne ? std::optional(unsigned(steps[0].value)) : std::nullopt;
  }

private:
  struct Step {
    ExpressionCode code;
    int64_t value; ///< a constant, or a slot's number
  };

  std::vector<Step> steps;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_EXPRESSIONPROGRAM_H
