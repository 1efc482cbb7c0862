//===- GenerateMasks.cpp - Loops that promise what is visible -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loop over keys that adds, takes the largest of, and multiplies what a random mask shows. The mask is a
// hook bound to a function with integers, some of them at the edges of i32 and some arguments of the launch, so it
// bounds the loop below, above, on both sides, or not at all. What is added where nothing is visible is 0: the promise
// is kept. All numbers are dyadic and small: results are compared bit by bit.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/random/Generator.h"

using namespace imbrex;
using namespace imbrex::test;

/// An integer that a mask captures.
int64_t Generator::maskConstant() {
  switch (pick(0, 5)) {
  case 0:
    return INT32_MAX - pick(0, 3);
  case 1:
    return INT32_MIN + pick(0, 3);
  case 2:
    return -1;
  default:
    return pick(-40, 60);
  }
}

/// One comparison over at, a and b.
std::string Generator::maskPart() {
  return choose<std::string>({
      "at.k <= at.q",
      "at.k <= at.q + (at.Sk - at.Sq)",
      "at.k <= at.q + (at.Sk - at.Sq) + a",
      "at.k >= at.q + (at.Sk - at.Sq) - b",
      "(a < 0 || at.k >= at.q - a)",
      "at.k + a >= at.q",
      "at.q - b > at.k",
      "at.k < a",
      "at.k + b > 5",
      "at.k * 2 < at.q + b",
      "at.q - at.k != a",
      "at.k / 8 == at.q / 8",
      "(at.k % 5 != 2 || at.q == b)",
      "at.k <= at.q / 3 + 2",
      "at.k + 1 >= (at.q + 5) / 2",
      "min(at.q - b, at.q + 3) >= at.k",
      "min(at.k, at.q + b) <= 5",
      "max(at.k - 4, at.k + b) <= at.q",
      "at.k <= max(at.q - 9, a)",
      "abs(at.q - at.k) <= a",
      "abs(at.k - b) >= 7",
      "where(at.k <= at.q, 1, 0) == 1",
      "where(at.k <= at.q, at.k, 9) < b",
      "cast<i32>(at.k > at.q + 2) != 1",
  });
}

void Generator::addMask() {
  std::string mask = maskPart();
  for (int64_t more = pick(0, 2); more > 0; --more)
    mask += " && " + maskPart();
  std::string numbers[2];
  for (std::string &number : numbers) {
    number = std::to_string(maskConstant());
    if (chance(70))
      continue;
    captured.push_back({freshName("c"), {}, {int32_t(std::stoll(number))}}); // an argument of the launch
    number = captured.back().name;
  }
  declarations += "hook mask(at: coord) -> bool = true;\nfn seen(a: i32, b: i32)(at) = " + mask + ";\n";
  std::string &binding = program.options.hooks["mask"];
  binding = "seen(" + numbers[0] + ", " + numbers[1] + ")";
  if (!chance(30))
    return;
  AddedPlan table{freshName("t"), {pick(1, 40)}, {}};
  for (int64_t i = 0; i < table.extents[0]; ++i)
    table.values.push_back(int32_t(pick(0, 2)));
  declarations += "fn marked(t: view<i32>[M])(at) = load t[at.k % M] > 0 || at.q == M;\n";
  binding += "(at) && marked(" + table.name + ")(at)";
  captured.push_back(std::move(table));
}

void Generator::addVisibleLoop() {
  addMask();
  DataType type = choose<DataType>({DataType::F16, DataType::BF16, DataType::F32, DataType::F64});
  DataType wide = wideType(type);
  bool hasProduct = products && chance(60);
  int64_t keys = pick(1, 3 * inner);
  size_t k = newArray(wide, {keys}, false), v = hasProduct ? newArray(type, {keys, columns}, false) : 0;
  program.arrays[k].contents = ArrayPlan::Dyadic;
  std::string name = program.arrays[k].name, extent = program.arrays[k].symbols[0], wideName(imbrex::name(wide));
  std::string m = std::to_string(rows), n = std::to_string(inner), tile = m + ", " + n;
  std::string queries = chance(80) ? std::to_string(rows * program.grid[0]) : "2147418112";
  std::string sum = freshName("v"), top = freshName("v"), acc = freshName("v");
  line("var " + sum + " = fill<" + wideName + ">[" + m + "](0);");
  line("var " + top + " = fill<" + wideName + ">[" + m + "](-8);");
  if (hasProduct)
    line("var " + acc + " = fill<" + wideName + ">[" + m + ", " + std::to_string(columns) + "](0);");
  line("for t in tiles(" + extent + ", " + n + ") visible(mask) {");
  line("  let at = coord(0, 0, i * " + m + " + iota(" + m + ")[:, _], t * " + n + " + iota(" + n + ")[_, :], " +
       queries + ", " + extent + ");");
  line("  let x = fill<" + wideName + ">[" + tile + "](0) + (load " + name + "[t * " + n + " :+ " + n + "])[_, :];");
  line("  let shown = where(mask(at) && at.k < " + extent + ", x, 0);");
  line("  " + sum + " += rowsum(shown);");
  line("  " + top + " = max(" + top + ", rowmax(where(mask(at) && at.k < " + extent + ", x, -8)));");
  if (hasProduct) {
    program.arrays[v].contents = ArrayPlan::Dyadic;
    line("  " + acc + " = dot(cast<" + std::string(imbrex::name(type)) + ">(shown), load " + program.arrays[v].name +
         "[t * " + n + " :+ " + n + ", 0 :+ " + std::to_string(columns) + "], " + acc + ");");
  }
  line("}");
  Bounds value{-4, 4, 0, 3};
  if (std::optional<Bounds> bounds = boundsOfSum(wide, value, keys))
    store({sum, wide, {rows}, *bounds});
  store({top, wide, {rows}, {-8, 4, 0, 3}});
  if (std::optional<Bounds> bounds = boundsOfDot(wide, value, value, {0, 0, 0, 0}, keys); bounds && hasProduct)
    store({acc, wide, {rows, columns}, *bounds});
}
