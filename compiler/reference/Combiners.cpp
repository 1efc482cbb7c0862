//===- Combiners.cpp - Reductions and scans by a function -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.combine and tile.scan run their function on scalars, from the first element to the last. What it rounds depends
// on the order, which a device chooses: errors grow by the number of levels of a tree besides, and the runs with random
// roundings (ErrorSamples.h) combine by halves.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Execution.h"
#include "llvm/Support/MathExtras.h"

namespace imbrex::reference {

/// Element `index` of a tile, as a scalar.
static ValueRef elementOf(const TileValue &tile, size_t index) {
  TileValue value;
  value.element = tile.element;
  if (tile.element.isFloat())
    value.floats = {tile.floats[index]};
  else
    value.ints = {tile.ints[index]};
  if (!tile.errors.empty())
    value.errors = {tile.errors[index]};
  return std::make_shared<TileValue>(std::move(value));
}

/// Puts a scalar in its place; its error, `times` as large.
static void setElement(TileValue &tile, size_t index, const TileValue &value, double times) {
  if (tile.element.isFloat())
    tile.floats[index] = value.floats[0];
  else
    tile.ints[index] = value.ints[0];
  if (value.errors.empty() || value.errors[0] == 0)
    return;
  tile.errors.resize(tile.size());
  tile.errors[index] = value.errors[0] * times;
}

bool Execution::applyCombiner(mlir::Operation &op, const Elements &x, const Elements &y, Elements &result) {
  Elements arguments(x);
  llvm::append_range(arguments, y);
  mlir::Block &body = op.getRegion(0).front();
  if (!runBlock(body, arguments))
    return false;
  Elements values = valuesOf(body.getTerminator()->getOperands());
  result = std::move(values);
  return true;
}

/// Prefixes of a line, by halves.
bool Execution::combineHalves(mlir::Operation &op, llvm::MutableArrayRef<Elements> line) {
  if (line.size() < 2)
    return true;
  auto low = line.take_front(line.size() / 2), high = line.drop_front(line.size() / 2);
  if (!combineHalves(op, low) || !combineHalves(op, high))
    return false;
  for (Elements &element : high)
    if (!applyCombiner(op, low.back(), element, element))
      return false;
  return true;
}

/// Each element becomes what it is combined with all those before it.
bool Execution::combineLine(mlir::Operation &op, std::vector<Elements> &line) {
  if (rounding)
    return combineHalves(op, line);
  for (size_t i = 1; i < line.size(); ++i)
    if (!applyCombiner(op, line[i - 1], line[i], line[i]))
      return false;
  return true;
}

bool Execution::runCombiner(mlir::Operation &op, unsigned dim) {
  Elements sources = valuesOf(op.getOperands());
  llvm::ArrayRef<int64_t> shape = sources[0]->shape;
  int64_t length = shape[dim], inner = strideOf(shape, dim);
  bool isScan = mlir::isa<tile::ScanOp>(op);
  llvm::SmallVector<TileValue, 2> results;
  for (mlir::Type type : op.getResultTypes()) {
    std::optional<TileValue> result = TileValue::zeros(type);
    if (!result)
      return fail(op, "a tile of too many elements");
    results.push_back(std::move(*result));
  }
  double levels = 2 * (1 + llvm::Log2_64_Ceil(uint64_t(length)));
  for (int64_t at = 0; at < int64_t(sources[0]->size()) / length; ++at) {
    int64_t first = at / inner * length * inner + at % inner;
    std::vector<Elements> line;
    for (int64_t x = 0; x < length; ++x)
      line.push_back(llvm::map_to_vector<4>(
          sources, [&](const ValueRef &source) { return elementOf(*source, size_t(first + x * inner)); }));
    if (!combineLine(op, line))
      return false;
    for (int64_t x = isScan ? 0 : length - 1; x < length; ++x)
      for (auto [i, result] : llvm::enumerate(results))
        setElement(result, size_t(isScan ? first + x * inner : at), *line[size_t(x)][i], levels);
  }
  for (auto [name, result] : llvm::zip_equal(op.getResults(), results)) {
    result.normalize();
    environment[name] = std::make_shared<TileValue>(std::move(result));
  }
  return true;
}

} // namespace imbrex::reference
