//===- MaskBounds.cpp - What the bounds of a mask hide --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reader finds once which comparisons are sums, and by how much they change with the loop's index; how
// they change with rows and columns is then seen from the values themselves.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/MaskBounds.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace imbrex::reference {

class MaskBounds::Reader {
public:
  explicit Reader(scf::ForOp loop) : loop(loop) {}

  Part read(Value value, unsigned axis);
  /// By how much an integer grows where the loop's index grows by one; nullopt if it is no sum of rows, columns, the
  /// index and what stays. `exact`: arithmetic that may wrap is no sum.
  std::optional<int64_t> growth(Value value, bool exact, unsigned depth = 0);

private:
  void readComparison(Part &part, arith::CmpIOp cmp, unsigned axis);
  std::optional<int64_t> newGrowth(Value value, bool exact, unsigned depth);
  std::optional<int64_t> growthOfScalar(Operation *op, bool exact, unsigned depth);
  bool isDividedPosition(Operation *op, bool exact, unsigned depth);

  static constexpr unsigned kMostParts = 256, kMaxDepth = 256;
  scf::ForOp loop;
  llvm::DenseMap<std::pair<Value, unsigned>, std::optional<int64_t>> known; ///< with whether it is exact
  unsigned parts = 0;
};

MaskBounds::Part MaskBounds::Reader::read(Value value, unsigned axis) {
  Part part;
  if (++parts > kMostParts)
    return part;
  Operation *operation = value.getDefiningOp();
  if (auto broadcast = dyn_cast_or_null<tile::BroadcastOp>(operation))
    return read(broadcast.getSource(), axis);
  if (auto expand = dyn_cast_or_null<tile::ExpandDimsOp>(operation))
    return read(expand.getSource(), 1 - expand.getDim());
  if (auto cmp = dyn_cast_or_null<arith::CmpIOp>(operation))
    readComparison(part, cmp, axis);
  if (!isa_and_nonnull<arith::AndIOp, arith::OrIOp>(operation))
    return part;
  Part first = read(operation->getOperand(0), axis), second = read(operation->getOperand(1), axis);
  if (isa<arith::OrIOp>(operation)) {
    part.disjunctions.push_back({std::move(first), std::move(second)});
    return part;
  }
  first.bounds.append(second.bounds);
  llvm::append_range(first.disjunctions, second.disjunctions);
  return first;
}

void MaskBounds::Reader::readComparison(Part &part, arith::CmpIOp cmp, unsigned axis) {
  using P = arith::CmpIPredicate;
  std::optional<int64_t> left = growth(cmp.getLhs(), /*exact=*/true), right = growth(cmp.getRhs(), /*exact=*/true);
  P predicate = cmp.getPredicate();
  if (!left || !right || !llvm::is_contained({P::sle, P::slt, P::sge, P::sgt, P::eq}, predicate))
    return;
  if (predicate != P::sge && predicate != P::sgt)
    part.bounds.push_back({cmp, axis, 1, predicate == P::slt, *left - *right});
  if (predicate != P::sle && predicate != P::slt)
    part.bounds.push_back({cmp, axis, -1, predicate == P::sgt, *left - *right});
}

std::optional<int64_t> MaskBounds::Reader::growth(Value value, bool exact, unsigned depth) {
  auto it = known.find({value, unsigned(exact)});
  if (it != known.end())
    return it->second;
  std::optional<int64_t> result = depth < kMaxDepth ? newGrowth(value, exact, depth) : std::nullopt;
  known[{value, unsigned(exact)}] = result;
  return result;
}

/// True of sums and products of positions and of constants that are not below zero.
static bool isPosition(Value value, unsigned depth) {
  llvm::APInt number;
  Operation *op = value.getDefiningOp();
  if (matchPattern(value, m_ConstantInt(&number)))
    return number.isNonNegative();
  if (!op || depth == 0)
    return false;
  if (isa<tile::IotaOp, tile::ProgramIdOp, tile::ExtentOp, tile::LengthOp>(op))
    return true;
  bool isSum =
      isa<tile::BroadcastOp, tile::SplatOp, tile::ExpandDimsOp, arith::ExtSIOp, arith::AddIOp, arith::MulIOp>(op);
  return isSum && llvm::all_of(op->getOperands(), [&](Value operand) { return isPosition(operand, depth - 1); });
}

/// A position of rows alone that is divided by a constant, as those of packed heads: it stays in the loop.
bool MaskBounds::Reader::isDividedPosition(Operation *op, bool exact, unsigned depth) {
  if (!isa<arith::DivSIOp, arith::DivUIOp>(op) || !isPosition(op->getOperand(0), 16))
    return false;
  Value divisor = op->getOperand(1);
  while (isa_and_nonnull<tile::SplatOp, arith::ExtSIOp>(divisor.getDefiningOp()))
    divisor = divisor.getDefiningOp()->getOperand(0);
  llvm::APInt number;
  bool isConstant = matchPattern(divisor, m_ConstantInt(&number)) && number.isStrictlyPositive();
  return isConstant && growth(op->getOperand(0), exact, depth + 1) == std::optional<int64_t>(0);
}

std::optional<int64_t> MaskBounds::Reader::newGrowth(Value value, bool exact, unsigned depth) {
  DenseIntElementsAttr elements;
  bool isTile = isa<RankedTensorType>(value.getType());
  if (value == loop.getInductionVar())
    return 1;
  if (!isTile && loop.isDefinedOutsideOfLoop(value))
    return 0;
  Operation *op = value.getDefiningOp();
  if (!op || isa<tile::IotaOp>(op) || (matchPattern(value, m_Constant(&elements)) && elements.isSplat()))
    return op ? std::optional<int64_t>(0) : std::nullopt;
  if (isa<tile::BroadcastOp, tile::SplatOp, tile::ExpandDimsOp, arith::ExtSIOp>(op))
    return growth(op->getOperand(0), exact, depth + 1);
  if (isTile && isDividedPosition(op, exact, depth))
    return 0;
  auto flags = dyn_cast<arith::ArithIntegerOverflowFlagsInterface>(op);
  bool isSum = isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op) && (!exact || flags.hasNoSignedWrap());
  if (!isSum)
    return isTile ? std::nullopt : growthOfScalar(op, exact, depth);
  std::optional<int64_t> x = growth(op->getOperand(0), exact, depth + 1),
                         y = growth(op->getOperand(1), exact, depth + 1);
  int64_t result = 0;
  if (!x || !y)
    return std::nullopt;
  if (isa<arith::AddIOp>(op))
    return __builtin_add_overflow(*x, *y, &result) ? std::nullopt : std::optional(result);
  if (isa<arith::SubIOp>(op))
    return __builtin_sub_overflow(*x, *y, &result) ? std::nullopt : std::optional(result);
  for (auto [factor, other] : {std::pair(op->getOperand(0), *y), {op->getOperand(1), *x}}) {
    llvm::APInt number;
    if (matchPattern(factor, m_ConstantInt(&number)))
      return __builtin_mul_overflow(number.getSExtValue(), other, &result) ? std::nullopt : std::optional(result);
  }
  return isTile ? std::nullopt : growthOfScalar(op, exact, depth);
}

/// Of a scalar that is no sum: 0 if it is computed from what stays.
std::optional<int64_t> MaskBounds::Reader::growthOfScalar(Operation *op, bool exact, unsigned depth) {
  bool stays = isPure(op) && op->getNumRegions() == 0 && llvm::all_of(op->getOperands(), [&](Value operand) {
                 return growth(operand, exact, depth + 1) == std::optional<int64_t>(0);
               });
  return stays ? std::optional<int64_t>(0) : std::nullopt;
}

MaskBounds::MaskBounds(tile::VisibleOp promise) : op(promise) {
  auto type = cast<RankedTensorType>(promise.getMask().getType());
  rowCount = type.getDimSize(0), columnCount = type.getDimSize(1);
  auto loop = cast<scf::ForOp>(promise->getParentOp());
  llvm::APInt first;
  if (!matchPattern(loop.getLowerBound(), m_ConstantInt(&first)) || first.isNegative() ||
      !matchPattern(loop.getStep(), m_One()))
    return;
  Reader reader(loop);
  mask = reader.read(promise.getMask(), 0);
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
class Difference {
public:
  Difference(arith::CmpIOp cmp, unsigned axis, const Environment &values)
      : left(*values.find(cmp.getLhs())->second), right(*values.find(cmp.getRhs())->second), axis(axis) {}

  __int128 at(int64_t row, int64_t column) const { return __int128(of(left, row, column)) - of(right, row, column); }

private:
  int64_t of(const TileValue &tile, int64_t row, int64_t column) const {
    if (tile.shape.empty())
      return tile.ints[0];
    if (tile.shape.size() == 1)
      return tile.ints[clamp(axis == 0 ? row : column, tile.shape[0])];
    return tile.ints[clamp(row, tile.shape[0]) * tile.shape[1] + clamp(column, tile.shape[1])];
  }
  /// A tile of extent 1 stands for all rows, or columns.
  static size_t clamp(int64_t index, int64_t extent) { return size_t(extent == 1 ? 0 : index); }

  const TileValue &left, &right;
  unsigned axis;
};

/// `bound` as a function of rows and columns, with how it changes along either: from the first to the last.
struct Form {
  Difference difference;
  int sign, offset;
  __int128 row = 0, column = 0, mostRow = 0;

  template <typename Bound>
  Form(const Bound &bound, int64_t rows, int64_t columns, const Environment &values)
      : difference(bound.comparison, bound.axis, values), sign(bound.sign), offset(bound.offset) {
    row = at(rows - 1, 0) - at(0, 0);
    column = columns > 1 ? at(0, 1) - at(0, 0) : 0;
    mostRow = rows - 1;
  }
  __int128 at(int64_t r, int64_t c) const { return sign * difference.at(r, c) + offset; }
  bool countsByOne() const { return row >= -mostRow && row <= mostRow && column >= -1 && column <= 1; }
};

} // namespace

MaskBounds::Rows MaskBounds::narrowRows(const Part &part, Rows rows, const Environment &values) const {
  for (const Bound &bound : part.bounds) {
    Form form(bound, rowCount, columnCount, values);
    if (form.column != 0 || !form.countsByOne())
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
  if (form.column == 0 || !form.countsByOne())
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
    if (!form.countsByOne() || form.column == 0)
      return !form.countsByOne() || bound.growth == 0;
    int64_t moves = int64_t(form.column) * bound.sign * bound.growth;
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
  Hidden hidden = hide(mask, {0, rowCount - 1}, values);
  for (int64_t column = 0; column < columnCount; ++column)
    hidden.below[column] = hidden.below[column] || hidden.above[column];
  return hidden.below;
}

} // namespace imbrex::reference
