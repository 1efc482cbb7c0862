//===- GenerateStatements.cpp - Sequences, loops and branches -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a block defines leaves scope with it; variables stay, with bounds that hold for every trip and
// for both branches. A variable of a loop is read only after its update of the same trip, or through
// the value it had before it, whose bounds are known from the start.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/random/Generator.h"

using namespace imbrex;
using namespace imbrex::test;

void Generator::addStatement() {
  struct Choice {
    int weight;
    void (Generator::*add)();
  };
  static constexpr Choice kChoices[] = {
      {8, &Generator::addLoad},       {22, &Generator::addBinary},    {8, &Generator::addLiteral},
      {14, &Generator::addUnary},     {10, &Generator::addWhere},     {10, &Generator::addCast},
      {9, &Generator::addReduce},     {5, &Generator::addTranspose},  {4, &Generator::addIota},
      {3, &Generator::addFill},       {4, &Generator::addLogic},      {6, &Generator::addLoop},
      {4, &Generator::addRuntimeIf},  {3, &Generator::addConstantIf}, {6, &Generator::addDot},
      {3, &Generator::addReduceBoth}, {5, &Generator::addFunction},   {5, &Generator::addCombiner},
      {2, &Generator::addWhole},      {5, &Generator::addBits},       {2, &Generator::addOptionalInput},
      {4, &Generator::addDerivative}, {4, &Generator::addJoinedLoad},
  };
  int total = 0;
  for (const Choice &choice : kChoices)
    total += choice.weight;
  int64_t at = pick(0, total - 1);
  for (const Choice &choice : kChoices) {
    if ((at -= choice.weight) >= 0)
      continue;
    bool isNested = choice.add == &Generator::addLoop || choice.add == &Generator::addRuntimeIf;
    if ((isNested && depth >= 2) || (choice.add == &Generator::addDot && (!products || depth > 1)))
      return;
    return (this->*choice.add)();
  }
}

void Generator::addStatements(int count) {
  for (; count > 0; --count)
    addStatement();
}

std::string Generator::condition() {
  std::optional<Value> flag;
  switch (pick(0, 4)) {
  case 0:
    return "i % 2 == 0";
  case 1:
    return "n > " + std::to_string(pick(0, 4));
  case 2:
    return "i + j < n";
  case 3:
    flag = find([](const Value &v) { return v.type == DataType::Bool && v.shape.empty(); });
    break;
  default:
    flag = comparison({});
  }
  return flag ? flag->text : "j == 0";
}

/// for: carries a sum or a maximum, a count, and the value that a load had one trip before.
void Generator::addLoop() {
  int64_t trips = pick(1, 3);
  double n = program.scalars[0].value;
  bool isRuntime = chance(50);
  double most = isRuntime ? n : double(trips);
  DataType type = numberType(), loadType = choose(types);
  Shape shape = anyShape(), loadShape = anyShape();
  std::optional<Value> old = assignable(loadType, loadShape);
  std::optional<Value> start = assignable(type, shape);
  std::string sum = freshName("v"), count = freshName("v"), before = freshName("v"), index = freshName("x");
  line("var " + sum + " = " + start->text + ";");
  line("var " + count + " = 0;");
  line("var " + before + " = " + old->text + ";");
  line("for " + index + " in 0.." + (isRuntime ? "n" : std::to_string(trips)) + " {");
  ++indent, ++depth;
  size_t outside = scope.size();
  scope.push_back({index, DataType::I32, {}, {0, std::max(0.0, most - 1), 0, 0}});
  Value fresh = load(loadType, loadShape);
  Bounds carried = join(old->bounds, fresh.bounds);
  define(before, loadType, loadShape, carried);
  line(before + " = " + fresh.text + ";");
  scope.push_back({before, loadType, loadShape, carried});
  addStatements(int(pick(1, 5)));
  Bounds total = start->bounds, counted{0, 1000, 0, 0};
  std::optional<Value> step = operandLike(type, shape);
  if (step && step->shape.size() > shape.size())
    step = std::nullopt;
  bool isMax = chance(30);
  std::optional<Bounds> grown = step && !isMax ? boundsOfSum(type, step->bounds, int64_t(most) + 1) : std::nullopt;
  grown = grown ? boundsOf("+", type, *grown, start->bounds) : std::nullopt;
  if (step && isMax) {
    line(sum + " = max(" + sum + ", " + step->text + ");");
    total = join(total, step->bounds);
  } else if (grown) {
    line(sum + " = " + sum + " + " + step->text + ";");
    total = join(total, *grown);
  } else {
    line(sum + " = " + sum + " + 1;");
    total.high += most;
    total.grain = total.grain == kRough ? kRough : std::max(total.grain, 0);
  }
  line(count + (chance(50) ? " += " : " = 3 - ") + (chance(50) ? index : "2") + ";");
  scope.push_back({sum, type, shape, total});
  addStatements(int(pick(0, 2)));
  scope.resize(outside);
  --indent, --depth;
  line("}");
  counted.low = -1000;
  scope.push_back({count, DataType::I32, {}, counted});
  scope.push_back({before, loadType, loadShape, carried});
  scope.push_back({sum, type, shape, total});
}

void Generator::addRuntimeIf() {
  DataType type = numberType();
  Shape shape = anyShape();
  std::optional<Value> start = assignable(type, shape);
  std::string result = freshName("v");
  line("var " + result + " = " + start->text + ";");
  Bounds bounds = start->bounds;
  auto branch = [&](const std::string &open) {
    line(open);
    ++indent, ++depth;
    size_t outside = scope.size();
    addStatements(int(pick(0, 4)));
    if (std::optional<Value> value = assignable(type, shape); value && chance(85)) {
      line(result + " = " + value->text + ";");
      bounds = join(bounds, value->bounds);
    }
    scope.resize(outside);
    --indent, --depth;
  };
  branch("if " + condition() + " {");
  if (chance(60))
    branch("} else {");
  line("}");
  scope.push_back({result, type, shape, bounds});
}

void Generator::addConstantIf() {
  std::optional<Value> x = find([](const Value &v) { return isNumber(v) && isFloat(v.type); });
  if (!x)
    return;
  bool holds = program.options.set["P"] == Setting(1);
  std::string result = freshName("v");
  line("var " + result + " = " + x->text + ";");
  line("if P == 1 { " + result + " = -" + x->text + "; } else { " + result + " = abs(" + x->text + "); }");
  scope.push_back({result, x->type, x->shape, *boundsOf(holds ? "neg" : "abs", x->type, x->bounds)});
}
