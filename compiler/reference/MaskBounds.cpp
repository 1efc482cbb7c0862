//===- MaskBounds.cpp - What the bounds of a mask hide --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MaskBoundsReader finds once which comparisons are sums, and by how much they change with the loop's index; how
// they change with rows and columns is then seen from the values themselves.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/MaskBoundsReader.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace imbrex::reference {

MaskBounds::MaskBounds(tile::VisibleOp promise) : op(promise) {
  auto type = cast<RankedTensorType>(promise.getMask().getType());
  rowCount = type.getDimSize(0), columnCount = type.getDimSize(1);
  auto loop = cast<scf::ForOp>(promise->getParentOp());
  llvm::APInt first;
  if (!matchPattern(loop.getLowerBound(), m_ConstantInt(&first)) || first.isNegative() ||
      !matchPattern(loop.getStep(), m_One()))
    return;
  MaskBoundsReader reader(loop);
  MaskBoundsReader::Reading reading = reader.read(promise.getMask(), 0);
  mask = std::move(reading.part);
  isNever = reading.certain == false;
  loop.getBody()->walk([&](tile::LoadOp load) {
    auto tile = dyn_cast<RankedTensorType>(load.getResult().getType());
    if (!tile || !load.getWithin().empty())
      return;
    for (auto [axis, dim] : llvm::enumerate(load.getDims())) {
      std::optional<int64_t> step = reader.growth(load.getIndices()[dim], /*exact=*/false);
      if (tile.getDimSize(axis) == columnCount && step && *step > 0)
        columnLoads.push_back({load, unsigned(axis), *step});
    }
  });
}

namespace {

/// The difference of the two sides of a comparison at a row and a column.
template <typename Side> class Difference {
public:
  Difference(const Side &left, const Side &right, const Environment &values)
      : left(left), right(right), leftTile(*values.find(left.value)->second),
        rightTile(*values.find(right.value)->second) {}

  __int128 at(int64_t row, int64_t column) const {
    return left.sign * __int128(of(leftTile, left.axis, row, column)) -
           right.sign * __int128(of(rightTile, right.axis, row, column));
  }

private:
  static int64_t of(const TileValue &tile, unsigned axis, int64_t row, int64_t column) {
    if (tile.shape.empty())
      return tile.ints[0];
    if (tile.shape.size() == 1)
      return tile.ints[clamp(axis == 0 ? row : column, tile.shape[0])];
    return tile.ints[clamp(row, tile.shape[0]) * tile.shape[1] + clamp(column, tile.shape[1])];
  }
  /// A tile of extent 1 stands for all rows, or columns.
  static size_t clamp(int64_t index, int64_t extent) { return size_t(extent == 1 ? 0 : index); }

  const Side &left, &right;
  const TileValue &leftTile, &rightTile;
};

/// `bound` as a function of rows and columns, with how it changes along either: from the first to the last.
template <typename Bound> struct Form {
  Difference<decltype(Bound::left)> difference;
  int sign, offset;
  int64_t divisor;
  __int128 row = 0, column = 0, mostRow = 0;

  Form(const Bound &bound, int64_t rows, int64_t columns, const Environment &values)
      : difference(bound.left, bound.right, values), sign(bound.sign), offset(bound.offset), divisor(bound.divisor) {
    row = at(rows - 1, 0) - at(0, 0);
    column = columns > 1 ? at(0, 1) - at(0, 0) : 0;
    mostRow = rows - 1;
  }
  __int128 at(int64_t r, int64_t c) const { return sign * difference.at(r, c) + offset; }
  /// By how much G times a bound with the quotient x / G moves is known but for G - 1.
  bool isGradual() const {
    const __int128 most = kLargestStep * mostRow - (mostRow > 0 ? divisor - 1 : 0);
    return row * divisor >= -most && row * divisor <= most;
  }
};

} // namespace

MaskBounds::Rows MaskBounds::narrowRows(const Part &part, Rows rows, const Environment &values) const {
  for (const Bound &bound : part.bounds) {
    Form form(bound, rowCount, columnCount, values);
    if (form.column != 0 || !form.isGradual())
      continue;
    while (rows.first <= rows.last && form.row <= 0 && form.at(rows.first, 0) > 0)
      ++rows.first;
    while (rows.first <= rows.last && form.row >= 0 && form.at(rows.last, 0) > 0)
      --rows.last;
  }
  return rows;
}

void MaskBounds::hideByBound(Hidden &hidden, const Bound &bound, Rows rows, const Environment &values) const {
  Form form(bound, rowCount, columnCount, values);
  if (form.column == 0 || !form.isGradual())
    return;
  int64_t best = form.row > 0 ? rows.first : rows.last; // the row that sees most
  for (int64_t column = 0; column < columnCount; ++column)
    if (form.at(best, column) > 0)
      (form.column > 0 ? hidden.above : hidden.below)[column] = true;
}

void MaskBounds::hideByDisjunction(Hidden &hidden, const std::vector<Part> &parts, Rows rows,
                                   const Environment &values) const {
  Hidden all{std::vector<bool>(columnCount, true), std::vector<bool>(columnCount, true)};
  for (const Part &part : parts) {
    Hidden one = hide(part, rows, values);
    for (int64_t column = 0; column < columnCount; ++column) {
      all.below[column] = all.below[column] && one.below[column];
      all.above[column] = all.above[column] && one.above[column];
    }
  }
  for (int64_t column = 0; column < columnCount; ++column) {
    hidden.below[column] = hidden.below[column] || all.below[column];
    hidden.above[column] = hidden.above[column] || all.above[column];
  }
}

MaskBounds::Hidden MaskBounds::hide(const Part &part, Rows rows, const Environment &values) const {
  rows = narrowRows(part, rows, values);
  bool isEmpty = rows.first > rows.last;
  Hidden hidden{std::vector<bool>(columnCount, isEmpty), std::vector<bool>(columnCount, isEmpty)};
  if (isEmpty)
    return hidden;
  for (const Bound &bound : part.bounds)
    hideByBound(hidden, bound, rows, values);
  for (const std::vector<Part> &disjunction : part.disjunctions)
    hideByDisjunction(hidden, disjunction, rows, values);
  return hidden;
}

bool MaskBounds::movesWithLoop(const Part &part, const Environment &values, int64_t &step) const {
  bool all = llvm::all_of(part.bounds, [&](const Bound &bound) {
    Form form(bound, rowCount, columnCount, values);
    if (!form.isGradual() || form.column == 0)
      return !form.isGradual() || bound.growth == 0;
    const int64_t by = int64_t(form.column), grows = bound.sign * bound.growth;
    const int64_t moves = grows % by == 0 ? grows / by : 0;
    bool agrees = moves > 0 && (step == 0 || step == moves);
    step = moves;
    return agrees;
  });
  return all && llvm::all_of(part.disjunctions, [&](const std::vector<Part> &disjunction) {
           return llvm::all_of(disjunction, [&](const Part &inner) { return movesWithLoop(inner, values, step); });
         });
}

std::vector<bool> MaskBounds::hiddenColumns(const Environment &values, int64_t &step) const {
  step = 0;
  if (!movesWithLoop(mask, values, step) || step == 0) {
    step = 0;
    return std::vector<bool>(columnCount, false);
  }
  if (isNever)
    return std::vector<bool>(columnCount, true);
  Hidden hidden = hide(mask, {0, rowCount - 1}, values);
  for (int64_t column = 0; column < columnCount; ++column)
    hidden.below[column] = hidden.below[column] || hidden.above[column];
  return hidden.below;
}

} // namespace imbrex::reference
