//===- IntersectMasks.cpp - A mask as one interval of columns a row -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass tile-intersect-masks. A conjunct  +-col + a row + rest <= 0  bounds the columns of a row:
//
//     +col:  col < 1 - rest - a row      (an upper end)
//     -col:  col >= rest + a row         (a lower end)
//     none:  the row sees columns only where rest + a row <= 0
//
// `rest`, what all elements share, is computed in 64 bits and clamped to just beyond what rows and columns can
// balance; then 32 bits hold every end exactly.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/MaskAnalysis.h"
#include "compiler/tile/Passes.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_INTERSECTMASKS
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

/// A row of fewer comparisons than this, of columns times conjuncts, is compared one by one.
static constexpr int64_t kFewestComparisons = 96;
static constexpr int64_t kLargestStep = 1 << 12; ///< of a bound, from row to row

namespace {

/// Builds the ends of one mask's intervals.
class IntervalBuilder {
public:
  IntervalBuilder(OpBuilder &b, Location loc, RankedTensorType mask)
      : b(b), loc(loc), type(mask), rows(mask.getDimSize(0)), columns(mask.getDimSize(1)),
        ends(RankedTensorType::get({rows}, b.getI32Type())) {}

  Value build(const Mask &mask);

private:
  Value constant(int64_t value) {
    return arith::ConstantOp::create(b, loc, SplatElementsAttr::get(ends, b.getI32IntegerAttr(value)));
  }
  /// sign (rest + a row) for every row, where `rest` is clamped to [least, most].
  Value end(const LinearForm &form, int64_t sign, int64_t least, int64_t most);

  OpBuilder &b;
  Location loc;
  RankedTensorType type;
  int64_t rows, columns;
  RankedTensorType ends;
};

struct IntersectMasks : imbrex::impl::IntersectMasksBase<IntersectMasks> {
  void runOnOperation() override {
    llvm::MapVector<Value, SmallVector<arith::SelectOp>> masks;
    getOperation().walk([&](arith::SelectOp select) {
      auto type = dyn_cast<RankedTensorType>(select.getCondition().getType());
      bool isMade = select.getCondition().getDefiningOp<tile::IntervalOp>();
      if (type && type.getRank() == 2 && !isMade)
        masks[select.getCondition()].push_back(select);
    });
    for (auto &[mask, selects] : masks)
      intersect(mask, selects);
  }

private:
  static bool isInterval(const Mask &mask) {
    bool bounds = false, differs = mask.conjuncts.size() > 1; // else rows share the comparisons of columns
    for (const LinearForm &form : mask.conjuncts) {
      if (std::abs(form.col) > 1 || std::abs(form.row) > kLargestStep)
        return false;
      bounds |= form.col != 0;
      differs |= form.row != 0;
    }
    return mask.complete && mask.disjunctions.empty() && bounds && differs;
  }

  static void intersect(Value value, ArrayRef<arith::SelectOp> selects) {
    Mask mask = analyzeMask(value);
    Operation *op = value.getDefiningOp();
    int64_t columns = cast<RankedTensorType>(value.getType()).getDimSize(1);
    if (!op || !isInterval(mask) || columns * int64_t(mask.conjuncts.size()) < kFewestComparisons)
      return;
    OpBuilder builder(op);
    builder.setInsertionPointAfter(op);
    Value interval = IntervalBuilder(builder, op->getLoc(), cast<RankedTensorType>(value.getType())).build(mask);
    for (arith::SelectOp select : selects)
      select.getConditionMutable().set(interval);
    op->emitRemark() << mask.conjuncts.size() << " comparison(s) an element became one interval of columns a row";
  }
};

} // namespace

Value IntervalBuilder::end(const LinearForm &form, int64_t sign, int64_t least, int64_t most) {
  auto i64 = [&](int64_t value) { return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)); };
  int64_t step = sign * form.row;
  Value rest = arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, form.emit(b, loc), i64(least)), i64(most));
  if (sign < 0)
    rest = arith::SubIOp::create(b, loc, i64(0), rest);
  rest = arith::TruncIOp::create(b, loc, b.getI32Type(), rest);
  Value shared = tile::SplatOp::create(b, loc, ends, rest);
  if (step == 0)
    return shared;
  Value row = tile::IotaOp::create(b, loc, ends);
  if (step != 1)
    row = arith::MulIOp::create(b, loc, row, constant(step));
  return arith::AddIOp::create(b, loc, row, shared);
}

Value IntervalBuilder::build(const Mask &mask) {
  Value low, high, seen;
  for (const LinearForm &form : mask.conjuncts) {
    int64_t reach = form.row * (rows - 1), down = std::min<int64_t>(reach, 0), up = std::max<int64_t>(reach, 0);
    if (form.col > 0) { // all columns where 1 - rest - a row >= columns, none where it is <= 0
      LinearForm shifted = form;
      shifted.constant -= 1;
      Value end = this->end(shifted, -1, -up - columns, -down);
      high = high ? Value(arith::MinSIOp::create(b, loc, high, end)) : end;
    } else if (form.col < 0) {
      Value end = this->end(form, 1, -up, columns - down);
      low = low ? Value(arith::MaxSIOp::create(b, loc, low, end)) : end;
    } else {
      Value end = this->end(form, 1, -up, 1 - down);
      seen = seen ? Value(arith::MaxSIOp::create(b, loc, seen, end)) : end;
    }
  }
  low = low ? low : constant(0);
  high = high ? high : constant(columns);
  if (seen) {
    Value isSeen = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, seen, constant(0));
    high = arith::SelectOp::create(b, loc, isSeen, high, constant(0));
    low = arith::MaxSIOp::create(b, loc, low, constant(0));
  }
  return tile::IntervalOp::create(b, loc, type, low, high);
}
