//===- GenerateValues.cpp - Random expressions ----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each function writes one `let` from values in scope, or nothing. Comparisons look only at values on
// which device and interpreter agree exactly: elsewhere a bound would say nothing of the choice.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/random/Generator.h"

using namespace imbrex;
using namespace imbrex::test;

/// Beyond this error a value is only stored.
static constexpr double kUsableError = 0.02;

static std::string cast(DataType type, const std::string &text) {
  return "cast<" + std::string(name(type)) + ">(" + text + ")";
}

void Generator::define(const std::string &text, DataType type, const Shape &shape,
                       const std::optional<Bounds> &bounds) {
  if (!bounds)
    return;
  std::string fresh = freshName("t");
  line("let " + fresh + " = " + text + ";");
  scope.push_back({fresh, type, shape, *bounds});
}

std::optional<Value> Generator::find(const Filter &fits) {
  std::vector<Value> found;
  for (const Value &value : scope)
    if (value.bounds.error <= kUsableError && fits(value)) {
      found.push_back(value);
      if (found.size() > 1 && chance(50)) // recent values more often
        found.erase(found.begin());
    }
  return found.empty() ? std::nullopt : std::optional(choose(found));
}

/// A value of that type that unifies with the shape: the same one, a scalar, a row, a column, a transpose.
std::optional<Value> Generator::operandLike(DataType type, const Shape &shape) {
  std::vector<Value> found;
  for (const Value &value : scope) {
    if (value.type != type || value.bounds.error > kUsableError)
      continue;
    Value fit = value;
    bool isTile = shape.size() == 2;
    if (value.shape == shape || value.shape.empty())
      found.push_back(fit);
    if (isTile && value.shape == Shape{shape[1], shape[0]})
      fit.text = value.text + ".T", found.push_back(fit);
    if (isTile && value.shape == Shape{shape[0]})
      fit.text = value.text + "[:, _]", found.push_back(fit);
    if (isTile && value.shape == Shape{shape[1]})
      fit.text = value.text + "[_, :]", found.push_back(fit);
  }
  return found.empty() ? std::nullopt : std::optional(choose(found));
}

/// A value of exactly that type and shape, made by a fill where there is none.
std::optional<Value> Generator::assignable(DataType type, const Shape &shape) {
  std::optional<Value> value = find([&](const Value &v) { return v.type == type && v.shape == shape; });
  if (value || type == DataType::Bool)
    return value;
  int64_t number = pick(isUnsigned(type) ? 0 : -3, 3);
  Bounds bounds{double(number), double(number), 0, 0};
  std::string text = std::to_string(number);
  if (shape.empty())
    return Value{cast(type, text), type, shape, bounds};
  std::string extents = std::to_string(shape[0]) + (shape.size() == 2 ? ", " + std::to_string(shape[1]) : "");
  return Value{"fill<" + std::string(name(type)) + ">[" + extents + "](" + text + ")", type, shape, bounds};
}

void Generator::addLoad() {
  DataType type = chance(8) ? DataType::Bool : choose(types);
  Value value = load(type, anyShape());
  define(value.text, type, value.shape, value.bounds);
}

void Generator::addBinary() {
  std::optional<Value> x = find(isNumber);
  std::optional<Value> y = x ? operandLike(x->type, x->shape) : std::nullopt;
  if (!y)
    return;
  std::vector<std::string> ops{"+", "-", "*", "min", "max", "/"};
  if (!isFloat(x->type))
    ops.insert(ops.end(), {"%", "cdiv", "/"});
  std::string op = choose(ops), left = x->text, right = y->text;
  Shape shape = x->shape.size() < y->shape.size() ? y->shape : x->shape;
  bool divides = op == "/" || op == "%" || op == "cdiv";
  if (divides) // at least 1/2 or 1: safe
    right = "max(abs(" + right + "), " + (isFloat(x->type) ? "0.5" : "1") + ")";
  bool isCall = op == "min" || op == "max" || op == "cdiv";
  std::string text = isCall ? op + "(" + left + ", " + right + ")" : left + " " + op + " " + right;
  define(text, x->type, shape, boundsOf(op, x->type, x->bounds, y->bounds));
}

void Generator::addLiteral() {
  std::optional<Value> x = find(isNumber);
  if (!x)
    return;
  static const char *kFloats[] = {"0.5", "2", "-1.25", "3", "0.125"}, *kIntegers[] = {"1", "2", "-3", "7", "16"};
  static const double kFloatValues[] = {0.5, 2, -1.25, 3, 0.125}, kIntegerValues[] = {1, 2, -3, 7, 16};
  size_t which = size_t(pick(0, 4));
  bool isReal = isFloat(x->type);
  double number = isReal ? kFloatValues[which] : kIntegerValues[which];
  std::string literal = isReal ? kFloats[which] : kIntegers[which];
  if (isUnsigned(x->type) && number < 0)
    number = -number, literal = literal.substr(1);
  if (x->type == DataType::I32 && chance(15)) // wraps, but for a comparison of positions
    number = 2147483000, literal = "2147483000";
  std::string op = choose<std::string>({"+", "-", "*", "min", "max"});
  bool isCall = op.size() == 3, swap = chance(30);
  std::string left = swap ? literal : x->text, right = swap ? x->text : literal;
  std::string text = isCall ? op + "(" + left + ", " + right + ")" : left + " " + op + " " + right;
  Bounds constant{number, number, 0, isReal ? 3 : 0};
  define(text, x->type, x->shape,
         swap ? boundsOf(op, x->type, constant, x->bounds) : boundsOf(op, x->type, x->bounds, constant));
}

void Generator::addUnary() {
  std::optional<Value> x = find(isNumber);
  if (!x)
    return;
  std::string op = choose<std::string>(
      isFloat(x->type) ? std::vector<std::string>{"neg", "abs", "sqrt", "rsqrt", "log2", "log", "exp2", "exp", "tanh"}
                       : std::vector<std::string>{"neg", "abs"});
  Bounds bounds = x->bounds;
  std::string argument = x->text;
  if (op == "sqrt" || op == "rsqrt" || op == "log2" || op == "log") {
    argument = "abs(" + argument + ") + 0.5";
    std::optional<Bounds> sum = boundsOf("+", x->type, {0, bounds.magnitude(), bounds.error, kRough}, {0.5, 0.5});
    if (!sum)
      return;
    bounds = *sum;
  } else if (op == "exp2" || op == "exp") {
    argument = "min(max(" + argument + ", -6), 3)";
    bounds = {-6, 3, bounds.error, kRough};
  }
  std::string text = op == "neg" ? "-" + argument : op + "(" + argument + ")";
  define(text, x->type, x->shape, boundsOf(op, x->type, bounds));
}

/// Bits of two integers, or shifted: by a number that there are bits for, or any.
void Generator::addBits() {
  std::optional<Value> x = find([](const Value &v) { return isNumber(v) && !isFloat(v.type); });
  std::optional<Value> y = x ? operandLike(x->type, x->shape) : std::nullopt;
  if (!y)
    return;
  std::string op = choose<std::string>({"&", "|", "^", "<<", ">>"}), right = y->text;
  Shape shape = x->shape.size() < y->shape.size() ? y->shape : x->shape;
  if (op.size() == 2 && chance(70))
    right = chance(50) ? std::to_string(pick(0, 7)) : "(" + right + " & 7)";
  if (right.find('&') == std::string::npos && right != y->text)
    shape = x->shape;
  define("(" + x->text + " " + op + " " + right + ")", x->type, shape, wholeRange(x->type));
}

/// x < y and its like, on exact operands, with the result's shape `shape`; nullopt if there are none.
std::optional<Value> Generator::comparison(const Shape &shape) {
  std::optional<Value> x = find([&](const Value &v) { return isNumber(v) && v.shape == shape && v.bounds.isExact(); });
  if (!x)
    return std::nullopt;
  std::optional<Value> y = operandLike(x->type, shape);
  bool useLiteral = !y || !y->bounds.isExact() || chance(30);
  std::string right = useLiteral ? std::to_string(pick(isUnsigned(x->type) ? 0 : -2, 2)) : y->text;
  std::string op = choose<std::string>({"<", "<=", ">", ">=", "==", "!="});
  return Value{"(" + x->text + " " + op + " " + right + ")", DataType::Bool, shape, wholeRange(DataType::Bool)};
}

void Generator::addWhere() {
  std::optional<Value> x = find([](const Value &) { return true; });
  std::optional<Value> y = x ? operandLike(x->type, x->shape) : std::nullopt;
  if (!y)
    return;
  std::optional<Value> which = chance(40) ? operandLike(DataType::Bool, x->shape) : comparison(x->shape);
  if (!which)
    which = comparison(x->shape);
  if (!which)
    return;
  define("where(" + which->text + ", " + x->text + ", " + y->text + ")", x->type, x->shape, join(x->bounds, y->bounds));
}

void Generator::addLogic() {
  std::optional<Value> x = find([](const Value &v) { return !v.shape.empty(); });
  std::optional<Value> left = x ? comparison(x->shape) : std::nullopt;
  if (!left)
    return;
  std::optional<Value> right = operandLike(DataType::Bool, x->shape);
  if (!right || chance(40))
    right = comparison(x->shape);
  std::string op = choose<std::string>({"&&", "||", "==", "!="});
  std::string text = !right || chance(25) ? "!" + left->text : left->text + " " + op + " " + right->text;
  define(text, DataType::Bool, x->shape, wholeRange(DataType::Bool));
}

void Generator::addCast() {
  std::optional<Value> x = find([](const Value &) { return true; });
  if (!x)
    return;
  DataType to = chance(85) ? numberType() : chance(50) ? DataType::F8E4M3 : DataType::F8E5M2;
  if (to != x->type)
    define(cast(to, x->text), to, x->shape, boundsOfCast(x->type, to, x->bounds));
}

void Generator::addReduce() {
  std::optional<Value> x = find([](const Value &v) { return isNumber(v) && v.shape.size() == 2; });
  if (!x)
    return;
  bool isRow = chance(60);
  std::string kind = choose<std::string>({"sum", "max", "min"});
  int64_t count = x->shape[isRow ? 1 : 0];
  std::optional<Bounds> bounds = kind == "sum" ? boundsOfSum(x->type, x->bounds, count) : x->bounds;
  define((isRow ? "row" : "col") + kind + "(" + x->text + ")", x->type, {x->shape[isRow ? 0 : 1]}, bounds);
}

/// Along both dimensions: a tile of one number.
void Generator::addReduceBoth() {
  std::optional<Value> x = find([](const Value &v) { return isNumber(v) && v.shape.size() == 2; });
  if (!x)
    return;
  std::string kind = choose<std::string>({"sum", "max", "min"});
  std::optional<Bounds> bounds = kind == "sum" ? boundsOfSum(x->type, x->bounds, x->shape[0] * x->shape[1]) : x->bounds;
  bool rowsFirst = chance(50);
  std::string first = rowsFirst ? "row" : "col", second = rowsFirst ? "col" : "row",
              axis = rowsFirst ? "[:, _]" : "[_, :]";
  define(second + kind + "(" + first + kind + "(" + x->text + ")" + axis + ")", x->type, {1}, bounds);
}

void Generator::addTranspose() {
  if (std::optional<Value> x = find([](const Value &v) { return v.shape.size() == 2; }))
    define(x->text + ".T", x->type, {x->shape[1], x->shape[0]}, x->bounds);
}

void Generator::addIota() {
  int64_t size = chance(50) ? rows : columns;
  std::string text = "iota(" + std::to_string(size) + ")";
  if (chance(40))
    text = "i * " + std::to_string(size) + " + " + text;
  define(text, DataType::I32, {size}, Bounds{0, double(4 * size), 0, 0});
}

void Generator::addFill() {
  Shape shape = anyShape();
  std::optional<Value> scalar = find([](const Value &v) { return isNumber(v) && v.shape.empty(); });
  if (!scalar || shape.empty())
    return;
  std::string extents = std::to_string(shape[0]) + (shape.size() == 2 ? ", " + std::to_string(shape[1]) : "");
  define("fill<" + std::string(name(scalar->type)) + ">[" + extents + "](" + scalar->text + ")", scalar->type, shape,
         scalar->bounds);
}
