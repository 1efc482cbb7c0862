//===- GenerateArrays.cpp - Views, loads and stores -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Views of any extents and row strides, with the alignment they really have or less. Loads start
// anywhere, also before the view; stores of different instances never meet.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/random/Generator.h"
#include <numeric>

using namespace imbrex;
using namespace imbrex::test;

/// The largest power of two, up to 16 bytes, that divides all that CompileOptions::alignment speaks of.
static unsigned alignmentOf(const ArrayPlan &array) {
  int64_t all = array.extents.back() | array.offset;
  for (size_t d = 0; d + 1 < array.strides.size(); ++d)
    all |= array.strides[d];
  return unsigned(std::gcd<int64_t>(16, all * byteSize(array.type)));
}

size_t Generator::newArray(DataType type, const Shape &extents, bool output) {
  ArrayPlan array;
  array.name = freshName(output ? "O" : "A");
  array.type = type;
  array.extents = extents;
  array.output = output;
  array.strides.assign(extents.size(), 1);
  int64_t gap = chance(50) ? 0 : chance(50) ? pick(1, 5) : 8 * pick(1, 4);
  for (size_t d = extents.size() - 1; d > 0; --d)
    array.strides[d - 1] = array.strides[d] * extents[d] + gap;
  array.offset = chance(70) ? 0 : chance(50) ? pick(1, 9) : 16;
  for (int64_t extent : extents)
    array.symbols.push_back(chance(40) ? std::to_string(extent) : freshName("N"));
  bool isWide = isUnsigned(type) || (!isFloat(type) && chance(30));
  array.contents = isFloat(type) ? (chance(75) ? ArrayPlan::Dyadic : ArrayPlan::Rough)
                                 : (isWide ? ArrayPlan::Whole : ArrayPlan::Small);
  unsigned alignment = alignmentOf(array);
  if (alignment > byteSize(type) && chance(15))
    alignment = byteSize(type);
  if (alignment < 16)
    program.options.alignment[array.name] = alignment;
  program.arrays.push_back(array);
  return program.arrays.size() - 1;
}

/// Where a slice of `size` starts.
std::string Generator::startOf(int64_t size) {
  std::string text = std::to_string(size);
  switch (pick(0, 9)) {
  case 0:
  case 1:
    return "i * " + text;
  case 2:
    return "j * " + text + " + i";
  case 3:
    return "i * " + text + " - " + std::to_string(pick(1, size / 2 + 1));
  case 4:
    return std::to_string(pick(0, size));
  case 5:
    return "n * " + std::to_string(pick(1, 8));
  case 6:
    return "-" + std::to_string(pick(1, size / 4 + 1));
  default:
    return "0";
  }
}

static Bounds boundsOfContents(const ArrayPlan &array) {
  switch (array.contents) {
  case ArrayPlan::Dyadic:
    return {-4, 4, 0, 3};
  case ArrayPlan::Rough:
    return {-4, 4, 0, kRough};
  case ArrayPlan::Small:
    return array.type == DataType::Bool ? wholeRange(DataType::Bool) : Bounds{-100, 100, 0, 0};
  case ArrayPlan::Whole:
    break;
  }
  return wholeRange(array.type);
}

/// `size` indices from `start` on, as a tile: in order (the compiler sees the slice), backwards, or some of them.
std::string Generator::indexTile(const std::string &start, int64_t size) {
  std::string iota = "iota(" + std::to_string(size) + ")", last = std::to_string(size - 1);
  switch (pick(0, 3)) {
  case 0:
    return "(" + start + " + " + iota + ")";
  case 1:
    return "(" + start + " + (" + last + " - " + iota + "))";
  case 2:
    return "(" + iota + " * 3 % " + std::to_string(pick(1, size)) + " + " + start + ")";
  default:
    return "where(" + iota + " % 5 == 1, -1, " + iota + " / 2 + " + start + ")";
  }
}

/// Perhaps a part of `array`, that all of its dimensions stay in: its name.
std::string Generator::partOf(const ArrayPlan &array) {
  if (!chance(15))
    return array.name;
  std::string part = freshName("P"), text = "let " + part + " = " + array.name + "[";
  for (size_t d = 0; d < array.extents.size(); ++d) {
    int64_t extent = array.extents[d], low = pick(-2, extent / 2), high = pick(low - 1, extent + 3);
    text += d ? ", " : "";
    text += chance(30) ? ":"
                       : std::to_string(low) + (chance(50) ? " + i .. " : " .. ") + std::to_string(high) +
                             (chance(30) ? " + n" : "");
  }
  line(text + "];");
  return part;
}

/// A load of a new view, or of one in use with as many dimensions; defines nothing.
Value Generator::load(DataType type, const Shape &shape) {
  size_t extra = shape.size() < 2 && chance(40) ? 1 : shape.size() == 2 && chance(25) ? 1 : shape.empty();
  size_t rank = shape.size() + extra, at = program.arrays.size(), single = size_t(pick(0, int64_t(rank) - 1));
  for (size_t i = 0; i < program.arrays.size(); ++i)
    if (const ArrayPlan &old = program.arrays[i];
        !old.output && !old.optional && old.type == type && old.extents.size() == rank && chance(40))
      at = i;
  if (at == program.arrays.size()) {
    Shape extents;
    for (size_t d = 0, used = 0; d < rank; ++d) {
      bool isSingle = extra && d == single;
      int64_t size = isSingle ? pick(1, 3) : shape[used++];
      extents.push_back(isSingle || chance(25) ? size : chance(50) ? size * pick(1, 3) : pick(size / 2 + 1, 3 * size));
    }
    at = newArray(type, extents, false);
  }
  const ArrayPlan &array = program.arrays[at];
  std::string view = partOf(array), text = "load " + view + "[";
  bool isPlane = shape.size() == 2 && chance(10); // tiles of indices of rank 2 give the whole shape
  for (size_t d = 0, used = 0; d < rank; ++d) {
    text += d ? ", " : "";
    if (extra && d == single) {
      text += chance(60) ? "i" : std::to_string(pick(0, 3));
      continue;
    }
    int64_t size = shape[used++];
    if (isPlane || chance(10)) {
      text += indexTile(startOf(size), size) + (isPlane ? used == 1 ? "[:, _]" : "[_, :]" : "");
      continue;
    }
    bool isWhole =
        array.extents[d] == size && array.symbols[d] == std::to_string(size) && view == array.name && chance(60);
    text += isWhole ? ":" : startOf(size) + " :+ " + std::to_string(size);
  }
  return {text + "]", type, shape, boundsOfContents(array)};
}

/// A value that an input replaces where the launch gives one.
void Generator::addOptionalInput() {
  DataType type = numberType();
  Shape shape = anyShape();
  std::optional<Value> start = assignable(type, shape);
  if (shape.empty())
    return;
  ArrayPlan &array = program.arrays[newArray(type, shape, false)];
  array.optional = true;
  array.absent = chance(50);
  if (!array.absent)
    program.options.given.insert(array.name);
  std::string result = freshName("v"), indices;
  for (int64_t size : shape)
    indices += (indices.empty() ? "" : ", ") + startOf(size) + " :+ " + std::to_string(size);
  line("var " + result + " = " + start->text + ";");
  line("if " + array.name + " { " + result + " = load " + array.name + "[" + indices + "]; }");
  scope.push_back({result, type, shape, array.absent ? start->bounds : boundsOfContents(array)});
}

/// The indices of a store of which each instance has its own part, and the extents of a view for them.
std::string Generator::storeSlot(const Value &value, Shape &extents) {
  int64_t gx = program.grid[0], gy = program.grid[1];
  const Shape &shape = value.shape;
  auto slice = [&](const std::string &start, int64_t size) {
    std::string count = std::to_string(size);
    return chance(10) ? "(" + start + " + (" + std::to_string(size - 1) + " - iota(" + count + ")))"
                      : start + " :+ " + count;
  };
  auto rowOf = [&](int64_t size) { return "i * " + std::to_string(size); };
  auto ragged = [&](int64_t all) { return chance(50) ? all : std::max<int64_t>(1, all - pick(1, all / 2 + 1)); };
  if (shape.empty()) {
    extents = {gx, gy};
    return "i, j";
  }
  if (shape.size() == 1 && chance(50)) {
    extents = {ragged(gx * gy * shape[0])};
    return slice("(i * " + std::to_string(gy) + " + j) * " + std::to_string(shape[0]), shape[0]);
  }
  if (shape.size() == 1) {
    extents = {gx, ragged(shape[0]), gy};
    return "i, " + slice(chance(70) ? "0" : "-" + std::to_string(pick(1, shape[0])), shape[0]) + ", j";
  }
  if (chance(60)) {
    extents = {ragged(gx * shape[0]), ragged(gy * shape[1])};
    return slice(rowOf(shape[0]), shape[0]) + ", " + slice("j * " + std::to_string(shape[1]), shape[1]);
  }
  extents = {gx * gy, shape[0], ragged(shape[1] + 8)};
  std::string rowsText = slice(chance(60) ? "0" : "-3", shape[0]);
  return "i * " + std::to_string(gy) + " + j, " + rowsText + ", " +
         slice(chance(60) ? "0" : std::to_string(pick(1, 8)), shape[1]);
}

void Generator::store(const Value &value) {
  if (value.shape.size() == 2 && chance(8))
    return storeJoined(value);
  Shape extents;
  std::string slot = storeSlot(value, extents);
  size_t at = newArray(value.type, extents, true);
  ArrayPlan &array = program.arrays[at];
  array.tolerance = 1.5 * value.bounds.error;
  if (chance(15)) {
    array.optional = true;
    array.absent = chance(50);
    if (!array.absent)
      program.options.given.insert(array.name);
  }
  std::string place = array.name + "[" + slot + "]", text = "store " + place + " = " + value.text + ";";
  std::optional<Bounds> sum;
  if (!array.optional && isNumber(value) && chance(25))
    sum = boundsOf("+", value.type, boundsOfContents(array), value.bounds);
  if (sum) { // read and written, or added to
    array.inPlace = true;
    array.tolerance = 1.5 * sum->error;
    bool isLate = program.options.target != "sm_80" && program.options.target != "sm_86"; // adds bf16 too
    bool adds = byteSize(value.type) > 1 && (isLate || value.type != DataType::BF16) && chance(60);
    text = "store " + place + (adds ? " += " : " = load " + place + " + ") + value.text + ";";
  }
  line(array.optional ? "if " + array.name + " { " + text + " }" : text);
}

/// All of a dimension, or a range that may begin and end outside of it, or be empty.
std::string Generator::joinedRange(int64_t extent) {
  if (chance(40))
    return ":";
  int64_t low = pick(-1, extent / 2), high = chance(10) ? low - 1 : pick(low + 1, extent + 2);
  return std::to_string(low) + (chance(30) ? " + j .. " : " .. ") + std::to_string(high);
}

/// A load of rows that two dimensions have together, walked as one.
void Generator::addJoinedLoad() {
  DataType type = choose(types);
  Shape shape = chance(70) ? Shape{rows, columns} : Shape{rows};
  int64_t width = pick(1, 9);
  Shape extents = {std::max<int64_t>(1, rows / width + pick(-1, 2)), width};
  std::string part = freshName("P"), lead;
  if (shape.size() == 2)
    extents.push_back(chance(50) ? columns : pick(columns / 2 + 1, 2 * columns));
  if (chance(30)) {
    extents.insert(extents.begin(), pick(1, 3));
    lead = chance(70) ? "i, " : "1, ";
  }
  const ArrayPlan &array = program.arrays[newArray(type, extents, false)];
  const size_t first = lead.empty() ? 0 : 1;
  std::string joined = "(" + joinedRange(extents[first]) + ", " + joinedRange(extents[first + 1]) + ")";
  line("let " + part + " = " + array.name + "[" + lead + joined + (shape.size() == 2 ? ", :];" : "];"));
  std::string text = "load " + part + "[";
  for (size_t d = 0; d < shape.size(); ++d)
    text += (d ? ", " : "") + (chance(15) ? indexTile(startOf(shape[d]), shape[d])
                                          : startOf(shape[d]) + " :+ " + std::to_string(shape[d]));
  define(text + "]", type, shape, boundsOfContents(array));
}

/// Stores a tile to rows that two dimensions have together: each instance has rows and columns of its own.
void Generator::storeJoined(const Value &value) {
  int64_t height = value.shape[0], width = pick(1, 7), all = program.grid[0] * height;
  Shape extents = {std::max<int64_t>(1, all / width + pick(0, 1)), width, program.grid[1] * value.shape[1]};
  ArrayPlan &array = program.arrays[newArray(value.type, extents, true)];
  array.tolerance = 1.5 * value.bounds.error;
  std::string part = freshName("P"), tall = std::to_string(height), wide = std::to_string(value.shape[1]);
  line("let " + part + " = " + array.name + "[(:, " + (chance(50) ? ":" : "0 .. " + std::to_string(width)) + "), :];");
  line("store " + part + "[i * " + tall + " :+ " + tall + ", j * " + wide + " :+ " + wide + "] = " + value.text + ";");
}
