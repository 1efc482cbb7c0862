//===- Generator.cpp - The frame of a random program ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chooses a program's world (extents, types, grid, target, warps, stages), lets the statements grow and
// stores what they made. No distribution of the standard library: their results differ from one to another.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/random/Generator.h"

using namespace imbrex;
using namespace imbrex::test;

Generator::Generator(uint64_t seed) : random(seed * 0x9e3779b97f4a7c15u + 1) { program.seed = seed; }

int64_t Generator::pick(int64_t low, int64_t high) { return low + int64_t(random() % uint64_t(high - low + 1)); }

DataType Generator::floatType() {
  return choose<DataType>({DataType::F16, DataType::BF16, DataType::F32, DataType::F32, DataType::F64});
}

DataType Generator::numberType() {
  return chance(65) ? floatType()
                    : choose<DataType>({DataType::I8, DataType::I32, DataType::I32, DataType::I32, DataType::I64,
                                        DataType::U8, DataType::U32});
}

Shape Generator::anyShape() {
  switch (pick(0, 9)) {
  case 0:
    return {};
  case 1:
    return {rows};
  case 2:
    return {columns};
  case 3:
    return {columns, rows};
  default:
    return {rows, columns};
  }
}

void Generator::chooseWorld() {
  products = chance(45);
  std::vector<int64_t> extents{8, 16, 24, 32, 40, 48, 64, 96};
  // Any extents: what lanes, warps and matrix instructions do not divide. One row: what only many warps can hold.
  bool anyExtent = chance(30), isRow = !products && chance(12);
  auto extent = [&](const std::vector<int64_t> &usual) { return anyExtent ? pick(1, 56) : choose(usual); };
  if (products) {
    rows = extent({8, 16, 16, 24, 32, 32, 48, 64});
    columns = extent({8, 16, 24, 32, 40, 48});
    inner = extent({8, 16, 16, 32, 40, 48});
  } else {
    rows = extent(extents);
    columns = isRow ? choose<int64_t>({257, 512, 1000, 1021, 1536, 3001}) : extent(extents);
    inner = extent(extents);
  }
  if (isRow)
    rows = pick(1, 2);
  if (rows * columns > 3072 && !isRow)
    columns = 32;
  types = {floatType(), numberType(), numberType()};
  int target = int(pick(0, 9));
  const char *kTargets[] = {"sm_86", "sm_90a", "sm_120"}, *kDevices[] = {"rtx3090", "h200", "rtx5090"};
  program.options.target = target < 3 ? kTargets[target] : "sm_80";
  program.device = target < 3 ? kDevices[target] : "a100";
  program.grid = {pick(1, 3), chance(40) ? pick(1, 2) : 1, 1};
  program.options.set["warps"] = int64_t(1) << pick(0, isRow ? 5 : 3);
  program.options.set["stages"] = pick(1, 4);
  program.options.set["P"] = pick(0, 3);
}

void Generator::addScalars() {
  auto add = [&](const char *name, DataType type, double value) {
    program.scalars.push_back({name, type, value});
    Bounds bounds{value, value, 0, isFloat(type) ? 3 : 0};
    scope.push_back({name, type, {}, bounds});
  };
  add("n", DataType::I32, double(pick(0, 4)));
  if (chance(50))
    add("s", floatType(), double(pick(-16, 16)) / 8);
  if (chance(30))
    add("w", DataType::I64, double(pick(-1000000000000, 1000000000000)));
  if (chance(20))
    add("c", DataType::I8, double(pick(-100, 100)));
  if (chance(20))
    add("flag", DataType::Bool, double(pick(0, 1)));
}

void Generator::addGridValues() {
  scope.push_back({"i", DataType::I32, {}, {0, double(program.grid[0] - 1), 0, 0}});
  scope.push_back({"j", DataType::I32, {}, {0, double(program.grid[1] - 1), 0, 0}});
}

static std::string accessOf(const ArrayPlan &array) {
  return array.inPlace ? "var " : array.optional ? (array.output ? "out? " : "in? ") : array.output ? "out " : "";
}

/// Of every fifth program the functions and hooks are another file's.
void Generator::moveToImport() {
  if (program.seed % 5 != 1 || declarations.empty())
    return;
  program.imports.push_back({"functions.tile", std::make_shared<Source>(Source{"functions.tile", declarations})});
  declarations = "import \"functions.tile\";\n";
}

std::string Generator::kernelText() const {
  std::string text = declarations + "kernel k<P: int>(";
  for (const ArrayPlan &array : program.arrays) {
    text += "\n    " + array.name + ": " + accessOf(array) + "view<" +
            std::string(name(array.scaledTo.value_or(array.type))) + ">[";
    for (size_t d = 0; d < array.symbols.size(); ++d)
      text += (d ? ", " : "") + array.symbols[d];
    text += "],";
  }
  text += "\n    ";
  for (size_t i = 0; i < program.scalars.size(); ++i)
    text += (i ? ", " : "") + program.scalars[i].name + ": " + std::string(name(program.scalars[i].type));
  const char *resident = program.seed % 4 == 0 ? "1" : "0";
  return text + ")\ntune { warps: {1, 2, 4, 8, 16, 32} = 4;  stages: 1..4 = 1; resident: {0, 1} = " + resident +
         "; }\ngrid (" + std::to_string(program.grid[0]) + ", " + std::to_string(program.grid[1]) + ") |i, j| {\n" +
         body + "}\n";
}

Program Generator::run() {
  chooseWorld();
  addScalars();
  addGridValues();
  if (chance(5)) {
    addStoredOutput();
    program.text = kernelText();
    return std::move(program);
  }
  for (int64_t loads = pick(1, 3); loads > 0; --loads)
    addLoad();
  addStatements(int(pick(8, 18)));
  for (int wide = rows <= 2 && columns > 256 ? 3 : 0; wide > 0; --wide) // a function that all warps share
    addCombiner();
  if (products) {
    chance(40) ? addDotLoop() : chance(50) ? addChainedDots() : addDot();
    addStatements(int(pick(0, 4)));
  }
  if (chance(40))
    addVisibleLoop();
  if (chance(30))
    addStoredLoop();
  program.added.insert(program.added.end(), captured.begin(), captured.end());
  size_t first = program.scalars.size() + 2, stores = 0;
  for (size_t at = scope.size(); at-- > first && stores < 8;)
    if (stores == 0 || chance(60)) {
      store(Value(scope[at]));
      ++stores;
    }
  moveToImport();
  program.text = kernelText();
  return std::move(program);
}

Program test::generateProgram(uint64_t seed) { return Generator(seed).run(); }
