//===- ExpressionTest.cpp - Integer expressions over names -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluation with its refusals (unknown name, zero divisor, overflow, malformed text), and printing.
//
//===----------------------------------------------------------------------===//

#include "compiler/ExpressionProgram.h"
#include <gtest/gtest.h>

using namespace imbrex;

using Values = std::map<std::string, int64_t, std::less<>>;

static std::optional<int64_t> evaluate(std::string postfix, const Values &values = {}) {
  return Expression{std::move(postfix)}.evaluate(values);
}

TEST(Expression, EveryOperator) {
  struct Case {
    const char *postfix;
    int64_t value;
  };
  for (const Case &test : std::initializer_list<Case>{
           {"7 2 +", 9},     {"7 2 -", 5},    {"7 2 *", 14},    {"7 2 /", 3},   {"-7 2 /", -3}, {"7 2 %", 1},
           {"-7 2 %", -1},   {"7 2 cdiv", 4}, {"8 2 cdiv", 4},  {"7 2 min", 2}, {"7 2 max", 7}, {"7 7 ==", 1},
           {"7 7 !=", 0},    {"7 2 <", 0},    {"7 7 <=", 1},    {"7 2 >", 1},   {"2 7 >=", 0},  {"3 0 &&", 0},
           {"3 5 &&", 1},    {"0 0 ||", 0},   {"0 9 ||", 1},    {"5 !", 0},     {"0 !", 1},     {"42", 42},
           {"1 2 3 * +", 7}, {"0 5 cdiv", 0}, {"-7 2 cdiv", -3}})
    EXPECT_EQ(evaluate(test.postfix), test.value) << test.postfix;
}

TEST(Expression, Names) {
  EXPECT_EQ(evaluate("Sq BM cdiv", {{"Sq", 1025}, {"BM", 128}}), 9);
  EXPECT_EQ(evaluate("Hk G *", {{"Hk", 3}}), std::nullopt);
}

TEST(Expression, Refusals) {
  for (const char *postfix : {"1 0 /", "1 0 %", "1 0 cdiv", "9223372036854775807 1 +", "-9223372036854775808 -1 /",
                              "9223372036854775807 2 *", "9223372036854775808", "1 +", "1 2", "", "!", "12x"})
    EXPECT_EQ(evaluate(postfix), std::nullopt) << postfix;
}

TEST(Expression, UnknownsInOrderOnce) {
  EXPECT_EQ(Expression{"Hk G * Hk + 2 *"}.unknowns({}), (std::vector<std::string>{"Hk", "G"}));
  EXPECT_EQ(Expression{"Hk G *"}.unknowns({{"Hk", 1}}), std::vector<std::string>{"G"});
}

TEST(Expression, Infix) {
  EXPECT_EQ(Expression{"Sq BM cdiv"}.infix(), "cdiv(Sq, BM)");
  EXPECT_EQ(Expression{"a b + c *"}.infix(), "(a + b) * c");
  EXPECT_EQ(Expression{"a b c - -"}.infix(), "a - (b - c)");
  EXPECT_EQ(Expression{"a b * c +"}.infix(), "a * b + c");
  EXPECT_EQ(Expression{"D 16 % 0 == E 16 % 0 == &&"}.infix(), "D % 16 == 0 && E % 16 == 0");
  EXPECT_EQ(Expression{"a b < !"}.infix(), "!(a < b)");
}

static ExpressionProgram::Solution solve(const char *postfix, std::vector<std::optional<int64_t>> slots,
                                         int64_t total) {
  std::optional<ExpressionProgram> program =
      ExpressionProgram::parse({postfix}, [](std::string_view name) { return unsigned(name[0] - 'a'); });
  return program->solve(slots, total);
}

TEST(ExpressionProgram, SolvesForTheOneMissingName) {
  using Solution = ExpressionProgram::Solution;
  struct Case {
    const char *postfix;
    int64_t total, value;
  };
  for (const Case &test : std::initializer_list<Case>{{"a", 7, 7},
                                                      {"a b *", 12, 4},
                                                      {"b a *", 12, 4},
                                                      {"a b +", 12, 9},
                                                      {"a b -", 12, 15},
                                                      {"b a -", 12, -9},
                                                      {"a b * 2 +", 14, 4},
                                                      {"2 a b * *", 24, 4}}) {
    Solution solution = solve(test.postfix, {std::nullopt, 3}, test.total);
    EXPECT_EQ(solution.kind, Solution::Solved) << test.postfix;
    EXPECT_EQ(solution.slot, 0u) << test.postfix;
    EXPECT_EQ(solution.value, test.value) << test.postfix;
  }
}

TEST(ExpressionProgram, SaysWhyItCannotSolve) {
  using Solution = ExpressionProgram::Solution;
  EXPECT_EQ(solve("a b *", {2, 3}, 7).kind, Solution::Known);
  EXPECT_EQ(solve("a b *", {std::nullopt, 3}, 7).kind, Solution::NotExact);
  EXPECT_EQ(solve("a b *", {std::nullopt, 0}, 0).kind, Solution::Open);
  EXPECT_EQ(solve("a b *", {std::nullopt, std::nullopt}, 6).kind, Solution::Open);
  EXPECT_EQ(solve("a a *", {std::nullopt}, 9).kind, Solution::Open);
  EXPECT_EQ(solve("a b cdiv", {std::nullopt, 3}, 2).kind, Solution::Open);
  EXPECT_EQ(solve("a b +", {std::nullopt, 1}, INT64_MIN).kind, Solution::Open);
}

TEST(ExpressionProgram, PowersOfTwo) {
  auto pow2 = [](int64_t value) { return Expression{"n pow2"}.evaluate({{"n", value}}); };
  for (auto [value, power] : {std::pair{INT64_MIN, int64_t(1)}, {0, 1}, {1, 1}, {2, 2}, {3, 4}, {1025, 2048}})
    EXPECT_EQ(pow2(value), power) << value;
  EXPECT_EQ(pow2(int64_t(1) << 62), int64_t(1) << 62);
  EXPECT_EQ(pow2((int64_t(1) << 62) + 1), std::nullopt);
  EXPECT_EQ(Expression{"a b + pow2 2 *"}.infix(), "pow2(a + b) * 2");
  EXPECT_EQ(solve("a b pow2 *", {std::nullopt, 3}, 12).value, 3);
  EXPECT_EQ(solve("a pow2", {std::nullopt}, 4).kind, ExpressionProgram::Solution::Open);
}
