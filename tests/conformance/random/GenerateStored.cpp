//===- GenerateStored.cpp - Views whose extents vary ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loop over one sequence of a view that is dense, padded, ragged or paged, perhaps scaled, and loads of it from
// anywhere. Lengths, offsets and tables are right in most programs; in some they lead outside. All numbers are dyadic
// and small.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/random/Generator.h"
#include <bit>

using namespace imbrex;
using namespace imbrex::test;

AddedPlan &Generator::addPlan(const std::string &name, std::vector<int64_t> extents) {
  program.added.push_back({name, std::move(extents), {}, DataType::I32});
  return program.added.back();
}

std::vector<int32_t> Generator::someLengths(int64_t count, int64_t most, bool isSound) {
  std::vector<int32_t> lengths;
  for (int64_t b = 0; b < count; ++b)
    lengths.push_back(int32_t(chance(20) ? 0 : !isSound && chance(10) ? pick(-3, most + 5) : pick(0, most)));
  return lengths;
}

/// A view [B, S[B], columns] of some storage, with S at most `most`: its name. `isOwn`: no element is in two sequences.
std::string Generator::newStored(DataType type, int64_t sequences, int64_t most, bool isOwn) {
  int64_t kind = isOwn ? pick(1, 2) : pick(0, 3), page = choose<int64_t>({1, 3, 8, 16, 32, 64});
  int64_t pages = (most + page - 1) / page, rows = kind == 2 ? pick(most, sequences * most) : sequences * pages * page;
  std::optional<DataType> scaledTo;
  if (!isOwn && chance(40)) {
    scaledTo = type;
    type = choose<DataType>({DataType::F8E4M3, DataType::F8E5M2, DataType::F16, DataType::BF16});
  }
  size_t number = kind < 2 ? newArray(type, {sequences, most, columns}, false) : newArray(type, {rows, columns}, false);
  ArrayPlan &array = program.arrays[number];
  array.contents = ArrayPlan::Dyadic;
  array.scaledTo = scaledTo;
  array.symbols = {"B" + array.name, "S" + array.name + "[B" + array.name + "]", std::to_string(columns)};
  if (kind == 1) {
    program.options.storage[array.name] = {Storage::Kind::Padded};
    addPlan(array.name + ".lengths", {sequences}).values = someLengths(sequences, most, isOwn);
  }
  if (kind == 2) {
    program.options.storage[array.name] = {Storage::Kind::Ragged};
    std::vector<int32_t> offsets = {int32_t(pick(0, 3))};
    for (int32_t length : someLengths(sequences, most, isOwn))
      offsets.push_back(offsets.back() + length);
    addPlan(array.name + ".offsets", {sequences + 1}).values = std::move(offsets);
    addPlan(array.name + ".longest", {}).values = {int32_t(most)};
  }
  if (kind == 3) {
    program.options.storage[array.name] = {Storage::Kind::Paged, page};
    AddedPlan &table = addPlan(array.name + ".table", {sequences, pages});
    for (int64_t i = 0; i < sequences * pages; ++i)
      table.values.push_back(int32_t(chance(5) ? pick(-2, 2 * pages * sequences) : pick(0, sequences * pages - 1)));
    addPlan(array.name + ".lengths", {sequences}).values = someLengths(sequences, most, isOwn);
    addPlan(array.name + ".pageRows", {}).values = {int32_t(page)};
  }
  if (scaledTo)
    addScales(array, sequences, most);
  return array.name;
}

/// Scales 1/2, 1 and 2, one or one a block; there may be too few blocks, whose scales are zero then.
void Generator::addScales(const ArrayPlan &array, int64_t sequences, int64_t most) {
  Storage &storage = program.options.storage.try_emplace(array.name, Storage{Storage::Kind::Dense}).first->second;
  storage.scaling = Scaling{array.type};
  std::vector<int64_t> extents = {1};
  if (chance(70)) {
    storage.scaling->each = Scaling::Each::Block;
    storage.scaling->block = choose<int64_t>({1, 3, 8, 16, 64});
    int64_t blocks = (most + storage.scaling->block - 1) / storage.scaling->block;
    extents = {sequences, std::max<int64_t>(1, blocks + pick(-1, 1))};
  }
  AddedPlan &scales = addPlan(array.name + ".scales", extents);
  scales.type = DataType::F32;
  for (int64_t i = 0; i < extents.front() * (extents.size() > 1 ? extents.back() : 1); ++i)
    scales.values.push_back(std::bit_cast<int32_t>(choose<float>({0.5f, 1, 2})));
}

void Generator::addStoredLoop() {
  DataType type = floatType(), wide = wideType(type);
  int64_t sequences = pick(1, 3), most = pick(1, columns > 512 ? 8 : 3 * inner);
  int64_t height = std::min(inner, std::max<int64_t>(1, 3072 / columns)); // of a tile that threads can hold
  std::string name = newStored(type, sequences, most, /*isOwn=*/false), n = std::to_string(height),
              c = std::to_string(columns);
  std::string b = chance(60) ? "i % " + std::to_string(sequences) : std::to_string(pick(-1, sequences));
  std::string sum = freshName("v"), x = freshName("v"), element(imbrex::name(type));
  line("let b" + name + " = " + b + ";");
  b = "b" + name;
  // A product alone, whose operand no one else reads, or sums of columns.
  const bool isProduct = products && byteSize(type) == 2 && height == inner && chance(50);
  const std::string tall = std::to_string(rows), filled = " = fill<" + std::string(imbrex::name(wide)) + ">[";
  line("var " + sum + filled + (isProduct ? tall + ", " : "") + c + "](0);");
  line("for t in tiles(S" + name + "[" + b + "], " + n + ") {");
  const std::string loaded = "load " + name + "[" + b + ", t * " + n + " :+ " + n + ", 0 :+ " + c + "]";
  if (isProduct)
    line("  " + sum + " = dot(fill<" + element + ">[" + tall + ", " + n + "](0.5), " + loaded + ", " + sum + ");");
  else
    line("  " + sum + " += colsum(cast<" + std::string(imbrex::name(wide)) + ">(" + loaded + "));");
  line("}");
  line("let " + x + " = load " + name + "[" + b + ", " + startOf(rows) + " :+ " + std::to_string(rows) + ", 0 :+ " + c +
       "];");
  Bounds value{-8, 8, 0, 4};
  std::optional<Bounds> bounds =
      isProduct ? boundsOfDot(wide, {0.5, 0.5, 0, 1}, value, {0, 0, 0, 0}, most) : boundsOfSum(wide, value, most);
  if (bounds)
    store({sum, wide, isProduct ? std::vector<int64_t>{rows, columns} : std::vector<int64_t>{columns}, *bounds});
  store({x, type, {rows, columns}, value});
}

/// All that the program does: an output whose sequences are the input's, whose instances come to an end behind them.
void Generator::addStoredOutput() {
  DataType type = floatType();
  int64_t height = std::min<int64_t>(rows, std::max<int64_t>(1, 3072 / columns)), sequences = program.grid[0];
  std::string name = newStored(type, sequences, height * program.grid[1], /*isOwn=*/true);
  const ArrayPlan input = program.arrays.back();
  ArrayPlan &output = program.arrays[newArray(type, input.extents, true)];
  output.symbols = input.symbols;
  std::string place =
      "[i, j * " + std::to_string(height) + " :+ " + std::to_string(height) + ", 0 :+ " + std::to_string(columns) + "]";
  line("store " + output.name + place + " = -(load " + name + place + ");");
}
