//===- BoundLoops.cpp - Skip the iterations in which nothing is visible ---===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass tile-bound-loops. With the loop's index j, a tile of N columns and the mask's column number
// k = col + B j (B a constant), each conjunct gives a bound:
//
//     rows:     the rows that any conjunct on rows alone leaves:   [firstRow, lastRow]
//     columns:  c k + a row + u <= 0 with the row that allows most: k <= ... or k >= ...
//
// so that k lies in [low, high) and j in the tiles that meet it. Of a disjunction the range is the hull of
// its parts' ranges; a part that leaves no row has none. All of it is computed in 64 bits; forms stay within 62, so
// sums of two do not wrap.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/MaskAnalysis.h"
#include "compiler/tile/NarrowAccess.h"
#include "compiler/tile/Passes.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_BOUNDLOOPS
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

namespace {

constexpr int64_t kLargestStep = 1 << 12; ///< of a bound, from row to row

/// Rows, or columns: first .. last, or low .. high - 1. i64 values; a null one bounds nothing.
struct Interval {
  Value low, high;
};

/// Emits the visible range of one loop before it.
class LoopBounder {
public:
  LoopBounder(scf::ForOp loop, tile::VisibleOp visible)
      : loop(loop), b(loop), loc(loop.getLoc()), mask(analyzeMask(visible.getMask())) {
    auto type = cast<RankedTensorType>(visible.getMask().getType());
    m = type.getDimSize(0), n = type.getDimSize(1);
  }

  /// False, with nothing changed, if the mask bounds nothing.
  bool run();

private:
  bool countsTiles();
  void dropUnreadable(Mask &part);
  bool findStep(const Mask &part);
  bool isBounded(const Mask &part, int64_t side);
  Interval findRows(const Mask &part, Interval rows);
  Interval findColumns(const Mask &part, Interval rows);
  Interval findHull(const std::vector<Mask> &parts, Interval rows);
  Interval whereSome(Interval rows, Interval columns);
  void shrinkLoop();
  Value emitFits(Value rest);
  void narrowLoads();

  Value i64(int64_t value) { return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)); }
  /// Of two, or the one that is there.
  Value max(Value x, Value y) { return !x ? y : !y ? x : arith::MaxSIOp::create(b, loc, x, y); }
  Value min(Value x, Value y) { return !x ? y : !y ? x : arith::MinSIOp::create(b, loc, x, y); }
  Value negate(Value x) { return arith::SubIOp::create(b, loc, i64(0), x); }
  Value add(Value x, int64_t constant) { return arith::AddIOp::create(b, loc, x, i64(constant)); }
  Value times(Value x, int64_t constant) {
    return constant == 1 ? x : Value(arith::MulIOp::create(b, loc, x, i64(constant)));
  }
  Value to32(Value x) { return arith::TruncIOp::create(b, loc, b.getI32Type(), x); }
  /// x clamped to [0, 2^31 - 1].
  Value clamp(Value x) { return min(max(x, i64(0)), i64(std::numeric_limits<int32_t>::max())); }

  scf::ForOp loop;
  OpBuilder b;
  Location loc;
  Mask mask;
  int64_t m, n;
  int64_t step = 0; ///< B: columns that the tile moves an iteration
  Interval rows;    ///< of the tile that the mask leaves
  Value low, high;  ///< i64: visible k in [low, high), each clamped to [0, 2^31 - 1]
};

struct BoundLoops : imbrex::impl::BoundLoopsBase<BoundLoops> {
  void runOnOperation() override {
    SmallVector<tile::VisibleOp> promises;
    getOperation().walk([&](tile::VisibleOp visible) { promises.push_back(visible); });
    for (tile::VisibleOp visible : promises) {
      auto loop = cast<scf::ForOp>(visible->getParentOp());
      if (!LoopBounder(loop, visible).run())
        visible.emitRemark("the mask does not bound the loop: every tile is visited");
      visible.erase();
    }
  }
};

} // namespace

/// Conjuncts whose scalars do not exist before the loop are dropped, and those that count rows by very much.
void LoopBounder::dropUnreadable(Mask &part) {
  llvm::erase_if(part.conjuncts, [&](const LinearForm &form) {
    return std::abs(form.row) > kLargestStep || llvm::any_of(form.scalars, [&](const auto &entry) {
             return entry.first != loop.getInductionVar() && !loop.isDefinedOutsideOfLoop(entry.first);
           });
  });
  for (std::vector<Mask> &disjunction : part.disjunctions)
    llvm::for_each(disjunction, [&](Mask &inner) { dropUnreadable(inner); });
}

/// All conjuncts on columns must move by the same number of columns an iteration.
bool LoopBounder::findStep(const Mask &part) {
  for (const LinearForm &form : part.conjuncts) {
    int64_t coefficient = form.coefficient(loop.getInductionVar());
    int64_t moves = form.col != 0 && coefficient % form.col == 0 ? coefficient / form.col : 0;
    if (form.col != 0 && (moves <= 0 || moves > INT32_MAX || (step != 0 && step != moves)))
      return false;
    if (form.col == 0 && coefficient != 0)
      return false;
    if (form.col != 0)
      step = moves;
  }
  return llvm::all_of(part.disjunctions, [&](const std::vector<Mask> &disjunction) {
    return llvm::all_of(disjunction, [&](const Mask &inner) { return findStep(inner); });
  });
}

static bool boundsRows(const Mask &part) {
  return llvm::any_of(part.conjuncts, [](const LinearForm &form) { return form.col == 0; });
}

/// Whether something bounds k from above (side 1) or below (side -1): a conjunct on rows alone may leave none.
bool LoopBounder::isBounded(const Mask &part, int64_t side) {
  return boundsRows(part) ||
         llvm::any_of(part.conjuncts, [&](const LinearForm &form) { return form.col * side > 0; }) ||
         llvm::any_of(part.disjunctions, [&](const std::vector<Mask> &disjunction) {
           return llvm::all_of(disjunction, [&](const Mask &inner) { return isBounded(inner, side); });
         });
}

/// What the conjuncts on rows alone leave of `rows`; none where one on scalars alone does not hold.
Interval LoopBounder::findRows(const Mask &part, Interval rows) {
  for (const LinearForm &form : part.conjuncts) {
    if (form.col != 0)
      continue;
    Value rest = form.emit(b, loc);              // a row <= -rest, or a row >= rest, or rest <= 0
    if (int64_t by = std::abs(form.row); by > 1) // a row <= -rest is row <= -ceil(rest / a)
      rest = arith::CeilDivSIOp::create(b, loc, rest, i64(by));
    if (form.row > 0)
      rows.high = min(rows.high, negate(rest));
    else if (form.row < 0)
      rows.low = max(rows.low, rest);
    else
      rows.high = arith::SelectOp::create(
          b, loc, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, rest, i64(0)), rows.high, i64(-1));
  }
  return rows;
}

/// The columns that some of `rows` (all that `part` leaves) sees; not clamped.
Interval LoopBounder::findColumns(const Mask &part, Interval rows) {
  Interval columns;
  for (LinearForm form : part.conjuncts) {
    if (form.col == 0)
      continue;
    form.scalars.erase(loop.getInductionVar()); // col + B j is k
    Value rest = form.emit(b, loc);
    if (form.row != 0) // the row that shows most
      rest = arith::AddIOp::create(b, loc, rest, times(form.row > 0 ? rows.low : rows.high, form.row));
    if (int64_t by = std::abs(form.col); by != 1) // c k <= -rest is k <= -ceil(rest / c)
      rest = arith::CeilDivSIOp::create(b, loc, rest, i64(by));
    if (form.col > 0) // k <= -rest
      columns.high = min(columns.high, add(negate(rest), 1));
    else // k >= rest
      columns.low = max(columns.low, rest);
  }
  for (const std::vector<Mask> &disjunction : part.disjunctions) {
    Interval hull = findHull(disjunction, rows);
    columns = {max(columns.low, hull.low), min(columns.high, hull.high)};
  }
  return columns;
}

/// `columns` where a row is left, all where nothing bounds them; none otherwise.
Interval LoopBounder::whereSome(Interval rows, Interval columns) {
  Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, rows.low, rows.high);
  Value least = i64(0), most = i64(std::numeric_limits<int32_t>::max());
  return {arith::SelectOp::create(b, loc, some, columns.low ? columns.low : least, most),
          arith::SelectOp::create(b, loc, some, columns.high ? columns.high : most, least)};
}

/// From the lowest to the highest column that one of the parts shows.
Interval LoopBounder::findHull(const std::vector<Mask> &parts, Interval rows) {
  bool below = llvm::all_of(parts, [&](const Mask &part) { return isBounded(part, -1); });
  bool above = llvm::all_of(parts, [&](const Mask &part) { return isBounded(part, 1); });
  Interval hull;
  for (const Mask &part : parts) {
    if (!below && !above)
      break;
    const Interval left = findRows(part, rows);
    Interval columns = findColumns(part, left);
    if (boundsRows(part))
      columns = whereSome(left, columns);
    if (below)
      hull.low = min(hull.low, columns.low);
    if (above)
      hull.high = max(hull.high, columns.high);
  }
  return hull;
}

void LoopBounder::shrinkLoop() {
  Value stepValue = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(step));
  auto constant = [&](int64_t v) -> Value { return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(v)); };
  auto less = [&](Value x, Value y) -> Value { return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y); };
  // First tile whose last column is not below `low`: low < N ? 0 : (low - N) / B + 1.
  Value low32 = to32(low), high32 = to32(high), zero = constant(0), one = constant(1);
  Value first = arith::SubIOp::create(b, loc, low32, constant(n));
  first = arith::AddIOp::create(b, loc, arith::DivUIOp::create(b, loc, first, stepValue), one);
  first = arith::SelectOp::create(b, loc, less(low32, constant(n)), zero, first);
  // One past the last tile that begins below `high`: high == 0 ? 0 : (high - 1) / B + 1.
  Value end = arith::SubIOp::create(b, loc, high32, one);
  end = arith::AddIOp::create(b, loc, arith::DivUIOp::create(b, loc, end, stepValue), one);
  end = arith::SelectOp::create(b, loc, less(zero, high32), end, zero);
  if (boundsRows(mask)) {
    Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, rows.low, rows.high);
    end = arith::SelectOp::create(b, loc, some, end, zero);
  }
  loop.setLowerBound(max(loop.getLowerBound(), first));
  loop.setUpperBound(min(loop.getUpperBound(), end));
}

/// Whether k + rest is an i32 in every iteration, k the first column of a tile.
Value LoopBounder::emitFits(Value rest) {
  Value last = arith::ExtSIOp::create(b, loc, b.getI64Type(), loop.getUpperBound());
  last = arith::MulIOp::create(b, loc, arith::SubIOp::create(b, loc, last, i64(1)), i64(step));
  last = arith::AddIOp::create(b, loc, last, rest);
  Value above = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, rest, i64(INT32_MIN));
  Value below = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, last, i64(INT32_MAX));
  return arith::AndIOp::create(b, loc, above, below);
}

void LoopBounder::narrowLoads() {
  Value index = loop.getInductionVar();
  LinearForms starts(LinearForms::Wrap::Modular);
  SmallVector<tile::LoadOp> loads; // also in branches and loops inside
  loop.getBody()->walk([&](tile::LoadOp load) { loads.push_back(load); });
  for (tile::LoadOp load : loads) {
    auto type = dyn_cast<RankedTensorType>(load.getResult().getType());
    if (!type)
      continue;
    for (auto [axis, dim] : llvm::enumerate(load.getDims())) {
      std::optional<LinearForm> start = starts.ofScalar(load.getIndices()[dim]);
      bool invariant = llvm::all_of(start->scalars, [&](const auto &entry) {
        return entry.first == index || loop.isDefinedOutsideOfLoop(entry.first);
      });
      if (start->coefficient(index) != step || type.getDimSize(axis) != n || !invariant)
        continue;
      start->scalars.erase(index); // the load's index is k + rest, unless that wraps
      Value rest = start->emit(b, loc), isExact = emitFits(rest);
      Value from = clamp(arith::AddIOp::create(b, loc, low, rest));
      Value to = clamp(arith::AddIOp::create(b, loc, high, rest));
      from = arith::SelectOp::create(b, loc, isExact, from, i64(0));
      to = arith::SelectOp::create(b, loc, isExact, to, i64(std::numeric_limits<int32_t>::max()));
      narrowAccess(load, dim, to32(from), to32(to));
      break;
    }
  }
}

/// The loop counts from a constant that is not negative, by one.
bool LoopBounder::countsTiles() {
  APInt first;
  bool counts = matchPattern(loop.getLowerBound(), m_ConstantInt(&first)) && !first.isNegative();
  return counts && matchPattern(loop.getStep(), m_One()) && loop.getInductionVar().getType().isInteger(32);
}

bool LoopBounder::run() {
  dropUnreadable(mask);
  if (!countsTiles() || !findStep(mask) || step == 0 || !(isBounded(mask, 1) || isBounded(mask, -1)))
    return false;
  rows = findRows(mask, {i64(0), i64(m - 1)});
  Interval columns = findColumns(mask, rows);
  low = columns.low ? clamp(columns.low) : i64(0);
  high = columns.high ? clamp(columns.high) : i64(std::numeric_limits<int32_t>::max());
  shrinkLoop();
  narrowLoads();
  loop.emitRemark("loop bounded by the mask's visible columns");
  return true;
}
