//===- IntegerTest.cpp - Integer operations of the interpreter ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each operation on a handful of values against numbers worked out by hand, wrapping and undefined cases
// included.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/reference/Interpret.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;

namespace {

using List = std::vector<double>;

void expectBinary(const std::string &name, DataType type, const List &a, const List &b, const List &expected) {
  EXPECT_EQ(elementwise("arith." + name + " %a, %b : IN", type, type, {a, b}), expected) << name;
}

TEST(Integer, arithmeticWraps) {
  List a = {127, -128, 100, -7}, b = {1, 1, 100, 3};
  expectBinary("addi", DataType::I8, a, b, {-128, -127, -56, -4});
  expectBinary("subi", DataType::I8, a, b, {126, 127, 0, -10});
  expectBinary("muli", DataType::I8, a, b, {127, -128, 16, -21}); // 10000 mod 256 = 16
  expectBinary("addi", DataType::I32, {2147483647}, {1}, {-2147483648.0});
}

TEST(Integer, divisionsRoundEachTheirWay) {
  List a = {7, -7, 7, -7, -128}, b = {2, 2, -2, -2, -1};
  expectBinary("divsi", DataType::I8, a, b, {3, -3, -3, 3, -128}); // -128 / -1 wraps
  expectBinary("floordivsi", DataType::I8, a, b, {3, -4, -4, 3, -128});
  expectBinary("ceildivsi", DataType::I8, a, b, {4, -3, -3, 4, -128});
  expectBinary("remsi", DataType::I8, a, b, {1, -1, 1, -1, 0});
  expectBinary("divui", DataType::I8, {-1, 7}, {2, 2}, {127, 3});    // 255 / 2
  expectBinary("ceildivui", DataType::I8, {-2, 7}, {4, 2}, {64, 4}); // 254 / 4
  expectBinary("remui", DataType::I8, {-1, 7}, {16, 4}, {15, 3});
}

TEST(Integer, bits) {
  expectBinary("andi", DataType::I32, {12, -1}, {10, 5}, {8, 5});
  expectBinary("ori", DataType::I32, {12, -1}, {10, 5}, {14, -1});
  expectBinary("xori", DataType::I32, {12, -1}, {10, 5}, {6, -6});
  expectBinary("shli", DataType::I8, {1, 3}, {7, 2}, {-128, 12});
  expectBinary("shrsi", DataType::I8, {-128, 64}, {7, 2}, {-1, 16});
  expectBinary("shrui", DataType::I8, {-128, 64}, {7, 2}, {1, 16});
}

TEST(Integer, extremes) {
  List a = {-1, 5}, b = {1, 3};
  expectBinary("maxsi", DataType::I32, a, b, {1, 5});
  expectBinary("minsi", DataType::I32, a, b, {-1, 3});
  expectBinary("maxui", DataType::I32, a, b, {-1, 5});
  expectBinary("minui", DataType::I32, a, b, {1, 3});
  EXPECT_EQ(elementwise("math.absi %a : IN", DataType::I8, DataType::I8, {{-5, 5, -128}}), (List{5, 5, -128}));
}

TEST(Integer, everyComparison) {
  List a = {1, 2, 2, -1}, b = {2, 2, 1, 1}; // -1 is the largest unsigned number
  std::pair<std::string, List> cases[] = {
      {"eq", {0, 1, 0, 0}},  {"ne", {1, 0, 1, 1}},  {"slt", {1, 0, 0, 1}}, {"sle", {1, 1, 0, 1}}, {"sgt", {0, 0, 1, 0}},
      {"sge", {0, 1, 1, 0}}, {"ult", {1, 0, 0, 0}}, {"ule", {1, 1, 0, 0}}, {"ugt", {0, 0, 1, 1}}, {"uge", {0, 1, 1, 1}},
  };
  for (const auto &[name, expected] : cases)
    EXPECT_EQ(elementwise("arith.cmpi " + name + ", %a, %b : IN", DataType::I32, DataType::Bool, {a, b}), expected)
        << name;
}

TEST(Integer, extendedProductsGiveBothHalves) {
  // 0xFFFFFFFF * 0xFFFFFFFF = 0xFFFFFFFE'00000001; as signed numbers (-1) * (-1) = 1.
  Array low(DataType::I32, {1}), high(DataType::I32, {1});
  for (auto [name, expectedLow, expectedHigh] :
       {std::tuple<std::string, double, double>{"mului_extended", 1, -2}, {"mulsi_extended", 1, 0}}) {
    EXPECT_EQ(runKernel("func.func @k(%l: !tile.view<?xi32, out>, %h: !tile.view<?xi32, out>) {\n"
                        "%zero = arith.constant 0 : i32\n%m = arith.constant -1 : i32\n%low, %high = arith." +
                            name +
                            " %m, %m : i32\ntile.store %low, %l[%zero] dims [] : i32, !tile.view<?xi32, out>\n"
                            "tile.store %high, %h[%zero] dims [] : i32, !tile.view<?xi32, out>\nreturn\n}",
                        {1, 1, 1}, {low.view(), high.view()}),
              "");
    EXPECT_EQ(low.get(0), expectedLow) << name;
    EXPECT_EQ(high.get(0), expectedHigh) << name;
  }
}

TEST(Integer, sumWithCarry) {
  Array sum(DataType::I32, {2}), carry(DataType::Bool, {2});
  EXPECT_EQ(runKernel(R"(
    func.func @k(%s: !tile.view<?xi32, out>, %c: !tile.view<?xi1, out>) {
      %zero = arith.constant 0 : i32
      %a = arith.constant dense<[-1, 5]> : tensor<2xi32>
      %b = arith.constant dense<[2, 6]> : tensor<2xi32>
      %sum, %carry = arith.addui_extended %a, %b : tensor<2xi32>, tensor<2xi1>
      tile.store %sum, %s[%zero] dims [0] : tensor<2xi32>, !tile.view<?xi32, out>
      tile.store %carry, %c[%zero] dims [0] : tensor<2xi1>, !tile.view<?xi1, out>
      return
    })",
                      {1, 1, 1}, {sum.view(), carry.view()}),
            "");
  EXPECT_EQ(sum.all(), (List{1, 11}));
  EXPECT_EQ(carry.all(), (List{1, 0}));
}

TEST(Integer, divisionByZero) {
  for (std::string name : {"divsi", "divui", "remsi", "remui", "ceildivui"})
    EXPECT_EQ(elementwise("arith." + name + " %a, %b : IN", DataType::I32, DataType::I32, {{5, 0}, {0, 0}}),
              (List{0, 0}))
        << name;
  EXPECT_EQ(elementwise("arith.ceildivsi %a, %b : IN", DataType::I32, DataType::I32, {{5, 0, -5}, {0, 0, 0}}),
            (List{1, 0, 0}));
}

TEST(Integer, undefinedValuesAreErrors) {
  for (std::string name : {"shli", "shrsi", "shrui"}) {
    std::string error = elementwiseError("arith." + name + " %a, %b : IN", DataType::I32, DataType::I32, {{1}, {32}});
    EXPECT_NE(error.find("shift by 32 of 32 bits"), std::string::npos) << error;
  }
}

} // namespace
