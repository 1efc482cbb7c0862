//===- GenerateProducts.cpp - Random matrix products ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Single products of whatever is in scope, loops over the inner extent (copies in flight), and two
// products in a row with a running maximum between them, as attention has it: the left operand of the
// second comes from registers.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/random/Generator.h"

using namespace imbrex;
using namespace imbrex::test;

static std::string typeName(DataType type) { return std::string(name(type)); }
static std::string fill(DataType type, const Shape &shape, const char *value) {
  std::string extents = std::to_string(shape[0]) + (shape.size() == 2 ? ", " + std::to_string(shape[1]) : "");
  return "fill<" + typeName(type) + ">[" + extents + "](" + value + ")";
}

/// A tile [rows, columns] of `type`: loaded as it is or transposed, converted from registers, or in scope.
Value Generator::dotOperand(DataType type, int64_t height, int64_t width) {
  Shape shape{height, width}, flipped{width, height};
  if (chance(35)) {
    DataType from = chance(50) ? type : isFloat(type) ? DataType::F32 : DataType::I32;
    std::optional<Value> value = find([&](const Value &v) { return v.type == from && v.shape == shape; });
    std::optional<Bounds> bounds = value ? boundsOfCast(from, type, value->bounds) : std::nullopt;
    if (value && from == type)
      return *value;
    if (bounds && bounds->magnitude() < 1000) {
      define("cast<" + typeName(type) + ">(" + value->text + ")", type, shape, bounds);
      return scope.back();
    }
  }
  bool isFlipped = chance(40), isWidened = isFloat(type) && !isF8(type) && chance(15);
  DataType stored = !isWidened ? type : chance(60) ? DataType::F8E4M3 : DataType::F8E5M2;
  Value loaded = load(stored, isFlipped ? flipped : shape);
  define(isWidened ? "cast<" + typeName(type) + ">(" + loaded.text + ")" : loaded.text, type, loaded.shape,
         loaded.bounds);
  Value operand = scope.back();
  operand.shape = shape;
  operand.text += isFlipped ? ".T" : "";
  return operand;
}

/// How dot multiplies f32: "" as it is.
std::string Generator::dotMode(DataType type) {
  return type == DataType::F32 ? choose<std::string>({"", "", "tf32", "tf32", "tf32x3"}) : "";
}

static std::string dotName(const std::string &mode) { return mode.empty() ? "dot" : "dot<" + mode + ">"; }

/// i8 too, which is added in i32, and floats of 8 bits.
DataType Generator::dotType() {
  if (chance(15))
    return chance(60) ? DataType::F8E4M3 : DataType::F8E5M2;
  return chance(35) ? DataType::F16 : chance(20) ? DataType::I8 : floatType();
}

void Generator::addDot() {
  DataType type = dotType();
  Value a = dotOperand(type, rows, inner), b = dotOperand(type, inner, columns);
  Bounds zero{0, 0, 0, 0};
  std::optional<Value> c;
  if (chance(50))
    c = assignable(wideType(type), {rows, columns});
  std::string mode = dotMode(type),
              text = dotName(mode) + "(" + a.text + ", " + b.text + (c ? ", " + c->text : "") + ")";
  define(text, wideType(type), {rows, columns},
         boundsOfDot(wideType(type), boundsOfFactor(mode, type, a.bounds), boundsOfFactor(mode, type, b.bounds),
                     c ? c->bounds : zero, inner));
}

/// acc += A B in steps of `inner`, each operand stored as it is or transposed.
void Generator::addDotLoop() {
  DataType type = dotType(), wide = wideType(type);
  int64_t depthAll = pick(1, 3 * inner), steps = (depthAll + inner - 1) / inner;
  bool flipA = chance(40), flipB = chance(50);
  int64_t heightAll = pick(rows / 2 + 1, rows * 3), widthAll = pick(columns / 2 + 1, columns * 3);
  size_t a = newArray(type, flipA ? Shape{depthAll, heightAll} : Shape{heightAll, depthAll}, false);
  size_t b = newArray(type, flipB ? Shape{widthAll, depthAll} : Shape{depthAll, widthAll}, false);
  std::string extent = program.arrays[a].symbols[flipA ? 0 : 1], acc = freshName("v"), step = std::to_string(inner);
  auto slices = [&](size_t array, bool isFirst, const std::string &outer, int64_t size) {
    std::string along = "k * " + step + " :+ " + step, across = outer + " :+ " + std::to_string(size);
    return "load " + program.arrays[array].name + "[" + (isFirst ? along + ", " + across : across + ", " + along) + "]";
  };
  line("var " + acc + " = " + fill(wide, {rows, columns}, "0") + ";");
  line("for k in tiles(" + extent + ", " + step + ") {");
  std::string x = freshName("t"), y = freshName("t");
  line("  let " + x + " = " + slices(a, flipA, "i * " + std::to_string(rows), rows) + ";");
  line("  let " + y + " = " + slices(b, !flipB, "j * " + std::to_string(columns), columns) + ";");
  std::string mode = dotMode(type);
  line("  " + acc + " = " + dotName(mode) + "(" + x + (flipA ? ".T" : "") + ", " + y + (flipB ? ".T" : "") + ", " +
       acc + ");");
  line("}");
  auto boundsOfArray = [&](size_t array) {
    Bounds ofFloats{-4, 4, 0, program.arrays[array].contents == ArrayPlan::Dyadic ? 3 : kRough};
    return boundsOfFactor(mode, type, isFloat(type) ? ofFloats : wholeRange(type));
  };
  Bounds each = boundsOfArray(a), other = boundsOfArray(b);
  if (std::optional<Bounds> bounds = boundsOfDot(wide, each, other, {0, 0, 0, 0}, steps * inner))
    scope.push_back({acc, wide, {rows, columns}, *bounds});
}

/// Softmax-weighted sums over a loop: rows queries, `inner` keys a step, `columns` channels.
void Generator::addChainedDots() {
  DataType type = choose<DataType>({DataType::F16, DataType::BF16, DataType::F16, DataType::F32, DataType::F64});
  DataType wide = wideType(type);
  int64_t channels = chance(25) ? pick(1, 40) : choose<int64_t>({8, 16, 32, 40}), keys = pick(1, 3 * inner);
  Value q = dotOperand(type, rows, channels);
  size_t k = newArray(type, {keys, channels}, false), v = newArray(type, {keys, columns}, false);
  program.arrays[k].contents = program.arrays[v].contents = ArrayPlan::Dyadic;
  std::string step = std::to_string(inner), slice = "[t * " + step + " :+ " + step + ", 0 :+ ";
  std::string m = freshName("v"), l = freshName("v"), acc = freshName("v");
  bool isOpen = chance(50); // what is not there is -inf, as the maximum before the first step; there is a key in it
  line("var " + m + " = " + fill(wide, {rows}, isOpen ? "-inf" : "-64") + ";");
  line("var " + l + " = " + fill(wide, {rows}, "0") + ";");
  line("var " + acc + " = " + fill(wide, {rows, columns}, "0") + ";");
  line("for t in tiles(" + program.arrays[k].symbols[0] + ", " + step + ") {");
  line("  let kt = load " + program.arrays[k].name + slice + std::to_string(channels) + "];");
  line("  let vt = load " + program.arrays[v].name + slice + std::to_string(columns) + "];");
  line("  let at = t * " + step + " + iota(" + step + ");");
  std::string mode = dotMode(type), dot = dotName(mode);
  line("  let s = where((at < " + program.arrays[k].symbols[0] + ")[_, :], " + dot + "(" + q.text +
       ", kt.T) * 0.0625, " + (isOpen ? "-inf" : "-80") + ");");
  line("  let mn = max(" + m + ", rowmax(s));");
  std::string unit = isOpen ? " * 1.5" : "";
  line("  let p = exp2((s - mn[:, _])" + unit + ");");
  line("  let a = exp2((" + m + " - mn)" + unit + ");");
  line("  " + l + " = " + l + " * a + rowsum(p);");
  line("  " + acc + " = " + dot + "(cast<" + typeName(type) + ">(p), vt, " + acc + " * a[:, _]);");
  line("  " + m + " = mn;");
  line("}");
  std::optional<Bounds> s =
      boundsOfDot(wide, boundsOfFactor(mode, type, q.bounds), {-4, 4, 0, 3}, {0, 0, 0, 0}, channels);
  if (!s || s->error > 0.1)
    return;
  Bounds weight{0, 1, s->error * 0.15 + 1e-6, kRough};
  std::optional<Bounds> p = boundsOfCast(wide, type == wide ? DataType::F32 : type, weight);
  std::optional<Bounds> sum = boundsOfSum(wide, weight, keys);
  std::optional<Bounds> out = boundsOfDot(wide, boundsOfFactor(mode, type, *p), {-4, 4, 0, 3}, {0, 0, 0, kRough}, keys);
  if (sum)
    scope.push_back({l, wide, {rows}, *sum});
  if (out)
    scope.push_back({acc, wide, {rows, columns}, *out});
}
