//===- Generator.h - Writes random tile programs ----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Grows a kernel statement by statement. Every value in scope is known with type, shape and bounds, so
// each new statement is well typed and has safe operands. A step that finds no fitting operands writes
// nothing. Shapes come from a small world of two extents (and an inner one for products), so that
// values meet often.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_CONFORMANCE_RANDOM_GENERATOR_H
#define IMBREX_TESTS_CONFORMANCE_RANDOM_GENERATOR_H

#include "tests/conformance/random/Bounds.h"
#include "tests/conformance/random/Program.h"
#include <functional>
#include <random>

namespace imbrex::test {

using Shape = std::vector<int64_t>;

struct Value {
  std::string text; ///< a name, or an expression of primary or postfix form
  DataType type = DataType::F32;
  Shape shape; ///< empty: a scalar
  Bounds bounds;
};

/// A number with arithmetic: floats of 8 bits have none.
inline bool isNumber(const Value &value) { return value.type != DataType::Bool && !isF8(value.type); }

class Generator {
public:
  explicit Generator(uint64_t seed);
  Program run();

private:
  // Generator.cpp: chance, and the frame around the statements.
  int64_t pick(int64_t low, int64_t high);
  bool chance(int percent) { return pick(1, 100) <= percent; }
  template <typename T> const T &choose(const std::vector<T> &from) {
    return from[size_t(pick(0, int64_t(from.size()) - 1))];
  }
  std::string freshName(const char *prefix) { return prefix + std::to_string(++names); }
  void line(const std::string &text) { body += std::string(size_t(indent) * 2, ' ') + text + "\n"; }
  void chooseWorld();
  void moveToImport();
  void addScalars();
  void addGridValues();
  std::string kernelText() const;
  DataType floatType();
  DataType numberType();
  Shape anyShape();

  // GenerateArrays.cpp: views, loads and stores.
  size_t newArray(DataType type, const Shape &extents, bool output);
  std::string startOf(int64_t size);
  std::string indexTile(const std::string &start, int64_t size);
  std::string partOf(const ArrayPlan &array);
  Value load(DataType type, const Shape &shape);
  void store(const Value &value);
  std::string storeSlot(const Value &value, Shape &extents);
  std::string joinedRange(int64_t extent);
  void addJoinedLoad();
  void storeJoined(const Value &value);

  // GenerateValues.cpp: one value from others.
  using Filter = std::function<bool(const Value &)>;
  std::optional<Value> find(const Filter &fits);
  std::optional<Value> operandLike(DataType type, const Shape &shape);
  std::optional<Value> assignable(DataType type, const Shape &shape);
  std::optional<Value> comparison(const Shape &shape);
  void define(const std::string &text, DataType type, const Shape &shape, const std::optional<Bounds> &bounds);
  void addLoad();
  void addBinary();
  void addLiteral();
  void addUnary();
  void addBits();
  void addWhere();
  void addCast();
  void addReduce();
  void addReduceBoth();
  void addTranspose();
  void addIota();
  void addFill();
  void addLogic();

  // GenerateProducts.cpp: matrix products.
  Value dotOperand(DataType type, int64_t rows, int64_t columns);
  DataType dotType();
  std::string dotMode(DataType type);
  void addDot();
  void addDotLoop();
  void addChainedDots();

  // GenerateFunctions.cpp: functions of the file.
  void addFunction();
  void addCombiner();
  void addPairCombiner();
  void addWhole();
  void addDerivative();

  // GenerateMasks.cpp: loops with `visible`.
  int64_t maskConstant();
  std::string maskPart();
  void addMask();
  void addVisibleLoop();

  // GenerateStored.cpp: views whose extents vary.
  AddedPlan &addPlan(const std::string &name, std::vector<int64_t> extents);
  std::vector<int32_t> someLengths(int64_t count, int64_t most, bool isSound);
  void addScales(const ArrayPlan &array, int64_t sequences, int64_t most);
  std::string newStored(DataType type, int64_t sequences, int64_t most, bool isOwn);
  void addStoredLoop();
  void addStoredOutput();

  // GenerateStatements.cpp: sequences, loops and branches.
  void addStatement();
  void addStatements(int count);
  void addLoop();
  void addRuntimeIf();
  void addConstantIf();
  void addOptionalInput();
  std::string condition();

  std::mt19937_64 random;
  Program program;
  std::string declarations; ///< before the kernel
  std::string body;
  int indent = 1, names = 0, depth = 0;
  int64_t rows = 16, columns = 16, inner = 16;
  bool products = false;
  std::vector<DataType> types; ///< of loads in this program
  std::vector<Value> scope;
  std::vector<AddedPlan> captured; ///< by the mask's binding
};

} // namespace imbrex::test

#endif // IMBREX_TESTS_CONFORMANCE_RANDOM_GENERATOR_H
