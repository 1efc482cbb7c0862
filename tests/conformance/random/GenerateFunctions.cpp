//===- GenerateFunctions.cpp - Random functions ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Declares a function with a body and calls it where its results are wanted.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/random/Generator.h"

using namespace imbrex;
using namespace imbrex::test;

static std::string apply(const std::string &op, const std::string &x, const std::string &y) {
  return op.size() == 3 ? op + "(" + x + ", " + y + ")" : x + " " + op + " " + y;
}

/// A function of two values: steps s -> a s + b one after the other, which do not commute, modulo 2^n; or the larger of
/// two and where it stands, of floats whose comparisons are certain.
void Generator::addPairCombiner() {
  std::optional<Value> x = find([](const Value &v) {
    return isNumber(v) && v.shape.size() == 2 && (isFloat(v.type) ? v.bounds.isExact() : v.type != DataType::I8);
  });
  if (!x)
    return;
  bool isRow = chance(80), isScan = chance(50), isFloating = isFloat(x->type);
  std::string name = freshName("f"), one = freshName("t"), other = freshName("t"), second = x->text;
  Value y = *x;
  if (isFloating) {
    declarations += "fn " + name + "(a, i, b, j) { let first = a > b || (a == b && i < j); " +
                    "return where(first, a, b), where(first, i, j); }\n";
    std::string axes[] = {"[:, _]", "[_, :]"}, all = std::to_string(x->shape[isRow ? 0 : 1]);
    second = "iota(" + std::to_string(x->shape[isRow ? 1 : 0]) + ")" + axes[isRow] + " + iota(" + all + ")" +
             axes[!isRow] + " * 0";
    y.type = DataType::I32;
    y.bounds = {0, double(x->shape[isRow ? 1 : 0] - 1), 0, 0};
  } else {
    declarations += "fn " + name + "(a, x, b, y) { return a * b, x * b + y; }\n";
    if (std::optional<Value> found = find([&](const Value &v) { return v.type == x->type && v.shape == x->shape; }))
      second = found->text;
    y.bounds = wholeRange(y.type);
  }
  line("let " + one + ", " + other + " = " + (isRow ? "row" : "col") + (isScan ? "scan(" : "reduce(") + name + ", " +
       x->text + ", " + second + ");");
  Shape shape = isScan ? x->shape : Shape{x->shape[isRow ? 0 : 1]};
  scope.push_back({one, x->type, shape, isFloating ? x->bounds : y.bounds});
  scope.push_back({other, y.type, shape, y.bounds});
}

/// A sum, a maximum, or the last element (which is not commutative), of a row or column; the whole or every prefix.
void Generator::addCombiner() {
  if (chance(40))
    return addPairCombiner();
  std::optional<Value> x = find([](const Value &v) { return isNumber(v) && v.shape.size() == 2; });
  if (!x)
    return;
  bool isRow = chance(60), isScan = chance(60);
  std::string kind = choose<std::string>({"sum", "max", "last"}), name = freshName("f");
  declarations += "fn " + name + "(x, y) = " + (kind == "sum" ? "x + y" : kind == "max" ? "max(x, y)" : "y") + ";\n";
  std::optional<Bounds> bounds =
      kind == "sum" ? boundsOfSum(x->type, x->bounds, x->shape[isRow ? 1 : 0]) : std::optional(x->bounds);
  if (kind == "sum" && bounds && (x->type == DataType::F16 || x->type == DataType::BF16)) // rounded each time
    return;
  define((isRow ? "row" : "col") + std::string(isScan ? "scan(" : "reduce(") + name + ", " + x->text + ")", x->type,
         isScan ? x->shape : Shape{x->shape[isRow ? 0 : 1]}, bounds);
}

/// sum, max or min of a whole tile.
void Generator::addWhole() {
  std::optional<Value> x = find([](const Value &v) { return isNumber(v) && !v.shape.empty(); });
  if (!x)
    return;
  int64_t count = 1;
  for (int64_t extent : x->shape)
    count *= extent;
  std::string kind = choose<std::string>({"sum", "max", "min"});
  define(kind + "(" + x->text + ")", x->type, {}, kind == "sum" ? boundsOfSum(x->type, x->bounds, count) : x->bounds);
}

/// Two values and a parameter known when the kernel is specialised; two results, the second from the first.
void Generator::addFunction() {
  std::optional<Value> x = find(isNumber);
  std::optional<Value> y = x ? operandLike(x->type, x->shape) : std::nullopt;
  if (!y)
    return;
  std::string first = choose<std::string>({"+", "-", "min", "max"}), second = choose<std::string>({"+", "*", "max"});
  std::optional<Bounds> bounds = boundsOf(first, x->type, x->bounds, y->bounds);
  bool isNegated = program.options.set["P"] == Setting(1), loops = chance(30);
  std::optional<Bounds> changed = bounds ? isNegated ? boundsOf("neg", x->type, *bounds) : bounds : std::nullopt;
  std::optional<Bounds> last = changed ? boundsOf(second, x->type, *changed, y->bounds) : std::nullopt;
  if (!last)
    return;
  std::string name = freshName("f"), one = freshName("t"), other = freshName("t");
  declarations += "fn " + name + "(x, y) {\n  var s = " + apply(first, "x", "y") + ";\n  let before = s;\n" +
                  "  if P == 1 { s = -before; }\n" + (loops ? "  for k in 0..3 { s = max(s, s); }\n" : "") +
                  "  let t = " + apply(second, "s", "y") + ";\n  return s, t;\n}\n";
  line("let " + one + ", " + other + " = " + name + "(" + x->text + ", " + y->text + ");");
  Shape shape = x->shape.size() < y->shape.size() ? y->shape : x->shape;
  scope.push_back({one, x->type, shape, *changed});
  scope.push_back({other, x->type, shape, *last});
}

/// Of functions whose derivatives can be told: (x + y) x gives x + (x + y), and y multiplied in by a loop, y twice, or
/// by a branch gives y y, or y.
void Generator::addDerivative() {
  std::optional<Value> x = find([](const Value &v) { return isNumber(v) && isFloat(v.type); });
  std::optional<Value> y = x ? operandLike(x->type, x->shape) : std::nullopt;
  if (!y)
    return;
  std::string op = choose<std::string>({"+", "-"}), name = freshName("f"), text;
  std::optional<Bounds> bounds = y->bounds;
  bool isVariable = x->shape == y->shape && y->text.find_first_of(".[") == std::string::npos && chance(60);
  if (!isVariable) {
    text = "return (x " + op + " y) * x;";
    bounds = boundsOf(op, x->type, x->bounds, y->bounds);
    bounds = bounds ? boundsOf("+", x->type, x->bounds, *bounds) : std::nullopt;
  } else if (chance(50)) {
    text = "var s = x; for k in 0..2 { s = s * y; } return s;";
    bounds = boundsOf("*", x->type, y->bounds, y->bounds);
  } else {
    text = "var s = x; if i < 1 { s = s * y; } else { s = y * s; } return s;";
  }
  declarations += "fn " + name + "(i)(x, y) { " + text + " }\n";
  Shape shape = x->shape.size() < y->shape.size() ? y->shape : x->shape;
  define("derivative(" + name + "(i), " + x->text + ", " + y->text + ")", x->type, shape, bounds);
}
