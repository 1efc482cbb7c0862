//===- EmitRandom.cpp - Random numbers from counters ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// philox: Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011), written out as
// arithmetic. philox16 gives each element of a matrix 16 of its bits, laid out so that the eight elements which a lane
// of a matrix product holds in four neighbouring fragments come of one call: LLVM finds that the calls are the same.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Emitter.h"

using namespace mlir;
using namespace imbrex;

/// The arguments as values of `types`, literals adapted. False, reported, if one is of another.
bool Emitter::readArguments(const ast::Expr &expr, ArrayRef<Val> arguments, ArrayRef<DataType> types,
                            SmallVectorImpl<Val> &values) {
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    uint32_t offset = expr.operands[i]->offset;
    Val value = argument.isLiteral() ? adapt(offset, argument, types[i]) : argument;
    if (value.isPoison())
      return false;
    if (!isOf(value, types[i])) {
      error(offset, Message::ArgumentType, expr.text, std::to_string(i + 1), name(types[i]), describe(value));
      return false;
    }
    values.push_back(value);
  }
  return true;
}

/// The lower and the upper word of a product.
std::pair<Val, Val> Emitter::multiplyWide(uint32_t offset, const Val &x, uint32_t factor) {
  Val product = binary(offset, "*", castTo(offset, x, DataType::I64), Val::ofInteger(factor));
  return {castTo(offset, product, DataType::U32),
          castTo(offset, binary(offset, ">>", product, Val::ofInteger(32)), DataType::U32)};
}

/// Ten rounds. The words of `counter` may be scalars and tiles of shapes that meet. False if they do not.
bool Emitter::runPhilox(uint32_t offset, const Val &seed, Words &counter) {
  constexpr uint32_t kFactors[] = {0xD2511F53, 0xCD9E8D57}, kSteps[] = {0x9E3779B9, 0xBB67AE85};
  constexpr unsigned kRounds = 10;
  Val key[] = {castTo(offset, seed, DataType::U32),
               castTo(offset, binary(offset, ">>", seed, Val::ofInteger(32)), DataType::U32)};
  for (unsigned round = 0; round < kRounds; ++round) {
    auto [low0, high0] = multiplyWide(offset, counter[0], kFactors[0]);
    auto [low1, high1] = multiplyWide(offset, counter[2], kFactors[1]);
    counter = {binary(offset, "^", binary(offset, "^", high1, counter[1]), key[0]), low1,
               binary(offset, "^", binary(offset, "^", high0, counter[3]), key[1]), low0};
    for (unsigned i = 0; i < 2; ++i)
      key[i] = binary(offset, "+", key[i], Val::ofInteger(kSteps[i]));
  }
  return llvm::none_of(counter, [](const Val &word) { return word.isPoison(); });
}

Val Emitter::emitPhilox(const ast::Expr &expr, ArrayRef<Val> arguments) {
  constexpr DataType kTypes[] = {DataType::I64, DataType::U32, DataType::U32, DataType::U32, DataType::U32};
  SmallVector<Val> values;
  if (!readArguments(expr, arguments, kTypes, values))
    return {};
  Words counter = {values[1], values[2], values[3], values[4]};
  return runPhilox(expr.offset, values[0], counter) ? Val::gather(counter) : Val();
}

/// Element (row, column) takes word (column % 32) / 8, half column % 2, of the call with the counter
/// (row, 4 * (column / 32) + (column % 8) / 2, plane, offset).
Val Emitter::emitPhilox16(const ast::Expr &expr, ArrayRef<Val> arguments) {
  constexpr DataType kTypes[] = {DataType::I64, DataType::U32, DataType::U32, DataType::U32, DataType::U32};
  SmallVector<Val> values;
  if (!readArguments(expr, arguments, kTypes, values))
    return {};
  uint32_t at = expr.offset;
  auto op = [&](llvm::StringRef op, const Val &x, int64_t y) { return binary(at, op, x, Val::ofInteger(y)); };
  const Val &column = values[3];
  Val block = binary(at, "|", op(">>", op("&", column, 0xffffffe0), 3), op(">>", op("&", column, 6), 1));
  Words words = {values[2], block, values[4], values[1]};
  if (!runPhilox(at, values[0], words))
    return {};
  Val isOdd = op("==", op("&", op(">>", column, 3), 1), 1), isUpper = op("==", op("&", op(">>", column, 4), 1), 1);
  Val word = choose(at, isUpper, choose(at, isOdd, words[3], words[2]), choose(at, isOdd, words[1], words[0]));
  Val half = choose(at, op("==", op("&", column, 1), 1), op(">>", word, 16), op("&", word, 0xffff));
  return half;
}
