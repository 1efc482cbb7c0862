//===- VaryingViews.cpp - Views whose extents vary ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A sequence of a padded or a ragged view is a part of its storage. Of a paged view a tile that lies in one page is
// accessed as rows of the storage; others are gathered, row by row.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/VaryingViews.h"
#include "compiler/Target.h"
#include "compiler/tile/IndexArithmetic.h"
#include "compiler/tile/LinearForms.h"
#include "compiler/tile/NarrowAccess.h"
#include "compiler/tile/ScalarSigns.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace imbrex;

namespace {

/// Where a sequence lies: rows [begin, end) of its storage, or of a paged view its positions [0, end).
struct Sequence {
  Value begin, end;
};

/// What an access to the storage has within.
struct Within {
  SmallVector<int64_t> dims;
  SmallVector<Value> low, high;
};

/// One such view, whatever made it.
class VaryingView {
public:
  explicit VaryingView(Operation *view) : view(view) {}
  SmallVector<tile::SubviewOp> resolve();

private:
  template <typename Access> void toPart(Access op);
  template <typename Access> void toPages(Access op);
  template <typename Access> void toPage(Access op, Sequence sequence, int64_t n);
  template <typename Access> void toRows(Access op, Sequence sequence);
  template <typename Access> Sequence sequenceOf(Access op);
  template <typename Access> std::optional<int64_t> sliceInPage(Access op) const;
  template <typename Access> Value pageRows(OpBuilder &b, Access op, Value low, Value high);
  template <typename Access> Within withinStorage(Access op, ArrayRef<unsigned> leftOut) const;
  template <typename Access> void moveToStorage(Access op, Value view, ArrayRef<Value> indices, const Within &within);
  template <typename Access> Value stepsOf(OpBuilder &b, Access op);
  Sequence sequenceAt(Value index);
  Sequence readSequence(OpBuilder &b, Location loc, Value index);
  tile::SubviewOp makePart(OpBuilder &b, Location loc, Value index, Sequence sequence);
  Value lengthAt(Value index);
  Value extentOf(OpBuilder &b, Location loc, int64_t dim);
  std::pair<Value, Value> rowOf(OpBuilder &b, Location loc, Value index, Value position);
  Value rowsOf(OpBuilder &b, Location loc, Value index, Value page, Value offset, Value isInside, bool isSum);
  Value rowsFrom(OpBuilder &b, Location loc, Value index, Value start, Value steps, Value end,
                 function_ref<Value(Value positions, Value inside)> narrow);
  Value wholePages();

  unsigned dim() const { return unsigned(view->getAttrOfType<IntegerAttr>("dim").getInt()); }
  unsigned along() const { return unsigned(view->getAttrOfType<IntegerAttr>("along").getInt()); }
  Value storage() const { return view->getOperand(0); }
  bool isPadded() const { return isa<tile::PaddedOp>(view); }
  /// A dimension of the view but `along`, as one of the storage (of a padded view's part).
  int64_t without(int64_t d) const { return d - (d > int64_t(along())); }

  Operation *view;
  llvm::DenseMap<Value, Sequence> sequences;
  SmallVector<tile::SubviewOp> parts;
  Value pages; ///< of a paged view, those that the storage has whole; null: not asked yet
};

Value i32(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(value)));
}

Value entryOf(OpBuilder &b, Location loc, Value table, ValueRange indices) {
  return tile::LoadOp::create(b, loc, b.getI32Type(), table, indices, b.getDenseI64ArrayAttr({}),
                              b.getDenseI64ArrayAttr({}), ValueRange(), ValueRange());
}

Value clamped(OpBuilder &b, Location loc, Value x, Value most) {
  return arith::MaxSIOp::create(b, loc, arith::MinSIOp::create(b, loc, x, most), i32(b, loc, 0));
}

Value compare(OpBuilder &b, Location loc, arith::CmpIPredicate predicate, Value x, Value y) {
  if (auto type = dyn_cast<RankedTensorType>(x.getType()); type && !isa<RankedTensorType>(y.getType()))
    y = tile::SplatOp::create(b, loc, RankedTensorType::get(type.getShape(), b.getI32Type()), y);
  return arith::CmpIOp::create(b, loc, predicate, x, y);
}

} // namespace

Value VaryingView::extentOf(OpBuilder &b, Location loc, int64_t d) {
  auto extent = [&](Value of, int64_t k) -> Value { return tile::ExtentOp::create(b, loc, of, k); };
  if (isPadded() || (d != dim() && d != along()))
    return extent(storage(), isPadded() ? d : without(d));
  if (auto ragged = dyn_cast<tile::RaggedOp>(view)) {
    if (d == dim())
      return ragged.getLongest();
    return subtractBound(b, loc, extent(ragged.getOffsets(), 0), i32(b, loc, 1), 0);
  }
  auto paged = cast<tile::PagedOp>(view);
  if (d == along())
    return extent(paged.getLengths(), 0);
  Value positions = arith::ExtSIOp::create(b, loc, b.getI64Type(), extent(paged.getTable(), 1));
  positions = arith::MulIOp::create(b, loc, positions, arith::ConstantOp::create(b, loc, paged.getPageAttr()));
  Value most = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(INT32_MAX));
  return arith::TruncIOp::create(b, loc, b.getI32Type(), arith::MinSIOp::create(b, loc, positions, most));
}

Sequence VaryingView::readSequence(OpBuilder &b, Location loc, Value index) {
  auto ragged = dyn_cast<tile::RaggedOp>(view);
  if (!ragged) {
    Value lengths = isPadded() ? cast<tile::PaddedOp>(view).getLengths() : cast<tile::PagedOp>(view).getLengths();
    return {i32(b, loc, 0), clamped(b, loc, entryOf(b, loc, lengths, index), extentOf(b, loc, dim()))};
  }
  // Both lie in the storage and in their order, whatever the offsets say: sums with positions do not wrap around.
  Value offsets = ragged.getOffsets(), rows = tile::ExtentOp::create(b, loc, storage(), without(dim()));
  Value begin = clamped(b, loc, entryOf(b, loc, offsets, index), rows);
  Value end = entryOf(b, loc, offsets, arith::AddIOp::create(b, loc, index, i32(b, loc, 1)).getResult());
  Value inside = compare(b, loc, arith::CmpIPredicate::ult, index, extentOf(b, loc, along()));
  end = arith::SelectOp::create(b, loc, inside, arith::MinSIOp::create(b, loc, end, rows), begin);
  Value length = arith::SubIOp::create(b, loc, arith::MaxSIOp::create(b, loc, end, begin), begin);
  return {begin, arith::AddIOp::create(b, loc, begin, clamped(b, loc, length, ragged.getLongest()))};
}

Sequence VaryingView::sequenceAt(Value index) {
  Sequence &sequence = sequences[index];
  if (!sequence.end) {
    OpBuilder b(view->getContext());
    b.setInsertionPointAfterValue(index);
    sequence = readSequence(b, view->getLoc(), index);
  }
  return sequence;
}

/// That of the access's index along `along`: empty where this lies outside what the access has within.
template <typename Access> Sequence VaryingView::sequenceOf(Access op) {
  Value index = op.getIndices()[along()];
  Sequence sequence = sequenceAt(index);
  auto [low, high] = tile::boundsWithin(op.getWithin(), op.getLow(), op.getHigh(), along());
  if (!low)
    return sequence;
  OpBuilder b(op);
  Location loc = op.getLoc();
  Value inside = arith::AndIOp::create(b, loc, compare(b, loc, arith::CmpIPredicate::sge, index, low),
                                       compare(b, loc, arith::CmpIPredicate::slt, index, high));
  return {sequence.begin, arith::SelectOp::create(b, loc, inside, sequence.end, sequence.begin)};
}

/// The sequence of a padded or a ragged view as a part of the storage.
tile::SubviewOp VaryingView::makePart(OpBuilder &b, Location loc, Value index, Sequence sequence) {
  auto type = cast<tile::ViewType>(storage().getType());
  SmallVector<Value> starts(type.getRank(), i32(b, loc, 0)), ends;
  SmallVector<int64_t> dims, extents;
  int64_t sequenceDim = isPadded() ? int64_t(dim()) : without(dim());
  for (int64_t d = 0; d < type.getRank(); ++d) {
    if (isPadded() && d == along()) {
      starts[d] = index;
      continue;
    }
    bool varies = d == sequenceDim;
    dims.push_back(d);
    extents.push_back(varies ? ShapedType::kDynamic : type.getExtents()[d]);
    ends.push_back(varies ? sequence.end : Value(tile::ExtentOp::create(b, loc, storage(), d)));
    if (varies)
      starts[d] = sequence.begin;
  }
  auto part = tile::ViewType::get(b.getContext(), extents, type.getElementType(), type.getAccess());
  return parts.emplace_back(
      tile::SubviewOp::create(b, loc, part, storage(), starts, b.getDenseI64ArrayAttr(dims), ends));
}

/// What `op` has within, by the storage's dimensions, but along `leftOut`.
template <typename Access> Within VaryingView::withinStorage(Access op, ArrayRef<unsigned> leftOut) const {
  Within within;
  for (auto [d, from, upTo] : llvm::zip(op.getWithin(), op.getLow(), op.getHigh())) {
    if (llvm::is_contained(leftOut, unsigned(d)))
      continue;
    within.dims.push_back(without(d));
    within.low.push_back(from);
    within.high.push_back(upTo);
  }
  return within;
}

/// `op` on `to`, which has the view's dimensions but `along`, with indices and bounds for these.
template <typename Access>
void VaryingView::moveToStorage(Access op, Value to, ArrayRef<Value> indices, const Within &within) {
  SmallVector<int64_t> dims;
  for (int64_t d : op.getDims())
    dims.push_back(d < 0 ? d : without(d));
  op.getViewMutable().assign(to);
  op.getIndicesMutable().assign(indices);
  op.setDims(dims);
  op.setWithin(within.dims);
  op.getLowMutable().assign(within.low);
  op.getHighMutable().assign(within.high);
}

/// The type of what is loaded or stored.
template <typename Access> static Type accessedType(Access op) {
  if constexpr (requires { op.getResult(); })
    return op.getResult().getType();
  else
    return op.getValue().getType();
}

template <typename Access> static SmallVector<Value> indicesWithout(Access op, unsigned along) {
  SmallVector<Value> indices(op.getIndices());
  indices.erase(indices.begin() + along);
  return indices;
}

template <typename Access> void VaryingView::toPart(Access op) {
  Value index = op.getIndices()[along()];
  OpBuilder b(op);
  tile::SubviewOp part = makePart(b, op.getLoc(), index, sequenceOf(op));
  moveToStorage(op, part, indicesWithout(op, along()), withinStorage(op, {along()}));
}

/// x / by and x % by, of scalars or tiles that are not negative.
static std::pair<Value, Value> divide(OpBuilder &b, Location loc, Value x, int64_t by) {
  Value size = i32(b, loc, by);
  if (auto type = dyn_cast<RankedTensorType>(x.getType()))
    size = tile::SplatOp::create(b, loc, type, size);
  return {arith::DivUIOp::create(b, loc, x, size), arith::RemUIOp::create(b, loc, x, size)};
}

/// The page of a position and the place there. n * factor, which is not negative, needs no division where one of
/// `factor` and `page` is a multiple of the other.
static std::pair<Value, Value> inPage(OpBuilder &b, Location loc, Value position, int64_t page) {
  auto product = position.getDefiningOp<arith::MulIOp>();
  APInt constant;
  bool isKnown = product && matchPattern(product.getRhs(), m_ConstantInt(&constant)) && constant.isStrictlyPositive() &&
                 isNonNegativeScalar(position);
  if (!isKnown)
    return divide(b, loc, position, page);
  Value n = product.getLhs();
  int64_t factor = constant.getSExtValue();
  auto times = [&](Value x, int64_t y) -> Value {
    return y == 1 ? x : arith::MulIOp::create(b, loc, x, i32(b, loc, y), arith::IntegerOverflowFlags::nsw);
  };
  if (factor % page == 0)
    return {times(n, factor / page), i32(b, loc, 0)};
  if (page % factor != 0)
    return divide(b, loc, position, page);
  auto [number, rest] = divide(b, loc, n, page / factor);
  return {number, times(rest, factor)};
}

/// True if `n` divides the index for certain.
static bool isMultiple(Value index, int64_t n) {
  std::optional<LinearForm> form = LinearForms().ofScalar(index);
  return form && form->constant % n == 0 &&
         llvm::all_of(form->scalars, [&](const auto &entry) { return entry.second % n == 0; });
}

/// How many pages the storage has whole.
Value VaryingView::wholePages() {
  if (pages)
    return pages;
  auto paged = cast<tile::PagedOp>(view);
  OpBuilder b(view);
  Location loc = view->getLoc();
  Value size = i32(b, loc, paged.getPage()), one = i32(b, loc, 1);
  Value extent = tile::ExtentOp::create(b, loc, storage(), without(dim()));
  Value apart = arith::MaxSIOp::create(b, loc, paged.getRows(), one);
  Value behind = arith::MaxSIOp::create(b, loc, arith::SubIOp::create(b, loc, extent, size), i32(b, loc, 0));
  Value count = arith::AddIOp::create(b, loc, arith::DivUIOp::create(b, loc, behind, apart), one);
  Value isAny = compare(b, loc, arith::CmpIPredicate::sge, extent, size);
  return pages = arith::SelectOp::create(b, loc, isAny, count, i32(b, loc, 0));
}

/// The storage's row of a position that lies in the sequence, and whether its page is there.
std::pair<Value, Value> VaryingView::rowOf(OpBuilder &b, Location loc, Value index, Value position) {
  auto paged = cast<tile::PagedOp>(view);
  auto [page, offset] = inPage(b, loc, position, paged.getPage());
  Value entry = entryOf(b, loc, paged.getTable(), {index, page});
  Value row = addIndices(b, loc, arith::MulIOp::create(b, loc, entry, paged.getRows()), offset);
  return {row, compare(b, loc, arith::CmpIPredicate::ult, entry, wholePages())};
}

/// The same of a tile of pages and places there: the storage's rows, -1 where not `isInside` or no page is there.
/// `isSum`: where inside, `page` is a sum of numbers of which none is negative, as an access that is certain asks.
Value VaryingView::rowsOf(OpBuilder &b, Location loc, Value index, Value page, Value offset, Value isInside,
                          bool isSum) {
  auto paged = cast<tile::PagedOp>(view);
  auto type = cast<RankedTensorType>(page.getType());
  auto splat = [&](Value value) -> Value { return tile::SplatOp::create(b, loc, type, value); };
  Value none = splat(i32(b, loc, -1));
  // What is in the sequence is in the table; of what is not, the entry is -1, and no page.
  Value asked = arith::SelectOp::create(b, loc, isInside, page, none);
  SmallVector<int64_t> dims(type.getRank(), -1);
  Value entry =
      tile::GatherOp::create(b, loc, type, paged.getTable(), ValueRange{index, asked}, b.getDenseI64ArrayAttr(dims),
                             b.getDenseI64ArrayAttr({}), ValueRange(), ValueRange(), /*certain=*/isSum);
  Value row = arith::MulIOp::create(b, loc, entry, splat(paged.getRows()));
  row = arith::AddIOp::create(b, loc, row, offset);
  Value isThere = compare(b, loc, arith::CmpIPredicate::ult, entry, wholePages());
  if (!isSum) // no entry is then 0
    isThere = arith::AndIOp::create(b, loc, isInside, isThere);
  return arith::SelectOp::create(b, loc, isThere, row, none);
}

/// What an access steps by along `dim`, 0 and on with the rank of what is accessed; null: by nothing.
template <typename Access> Value VaryingView::stepsOf(OpBuilder &b, Access op) {
  const int64_t *entry = llvm::find(op.getDims(), int64_t(dim()));
  if (entry == op.getDims().end())
    return {};
  auto tile = cast<RankedTensorType>(accessedType(op));
  unsigned k = entry - op.getDims().begin();
  Location loc = op.getLoc();
  Value steps = tile::IotaOp::create(b, loc, RankedTensorType::get({tile.getDimSize(k)}, b.getI32Type()));
  if (tile.getRank() == 1)
    return steps;
  SmallVector<int64_t> shape{1, 1};
  shape[k] = tile.getDimSize(k);
  return tile::ExpandDimsOp::create(b, loc, RankedTensorType::get(shape, b.getI32Type()), steps, 1 - k);
}

/// The rows of positions start + steps. Where pages begin at `start`, what does not change from one iteration to the
/// next is a matter of the steps alone.
Value VaryingView::rowsFrom(OpBuilder &b, Location loc, Value index, Value start, Value steps, Value end,
                            function_ref<Value(Value positions, Value inside)> narrow) {
  auto type = cast<RankedTensorType>(steps.getType());
  auto splat = [&](Value value) -> Value { return tile::SplatOp::create(b, loc, type, value); };
  Value positions = addIndices(b, loc, steps, start);
  const int64_t size = cast<tile::PagedOp>(view).getPage();
  bool isPositive = isNonNegativeScalar(start);
  Value left =
      isPositive ? arith::SubIOp::create(b, loc, end, start, arith::IntegerOverflowFlags::nsw).getResult() : Value();
  Value inside = left ? compare(b, loc, arith::CmpIPredicate::slt, steps, left)
                      : compare(b, loc, arith::CmpIPredicate::ult, positions, end);
  inside = narrow(positions, inside);
  if (!isPositive || !isMultiple(start, size)) {
    auto [page, offset] = divide(b, loc, positions, size);
    return rowsOf(b, loc, index, page, offset, inside, isPositive || size > 1);
  }
  auto [page, offset] = divide(b, loc, steps, size);
  Value first = splat(inPage(b, loc, start, size).first);
  page = arith::AddIOp::create(b, loc, first, page, arith::IntegerOverflowFlags::nsw);
  return rowsOf(b, loc, index, page, offset, inside, /*isSum=*/true);
}

/// The length of an access's slice that begins at a multiple of it, if a page holds some of that length.
template <typename Access> std::optional<int64_t> VaryingView::sliceInPage(Access op) const {
  const int64_t *entry = llvm::find(op.getDims(), int64_t(dim()));
  if (!isa<tile::LoadOp, tile::StoreOp>(op) || entry == op.getDims().end())
    return std::nullopt;
  int64_t n = cast<RankedTensorType>(accessedType(op)).getDimSize(entry - op.getDims().begin());
  bool isInPage = cast<tile::PagedOp>(view).getPage() % n == 0 && isMultiple(op.getIndices()[dim()], n);
  return isInPage ? std::optional(n) : std::nullopt;
}

/// A slice in one page: rows that follow one another.
template <typename Access> void VaryingView::toPage(Access op, Sequence sequence, int64_t n) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  Value position = op.getIndices()[dim()];
  auto [row, isThere] = rowOf(b, loc, op.getIndices()[along()], position);
  auto [low, high] = tile::boundsWithin(op.getWithin(), op.getLow(), op.getHigh(), dim());
  // The rows before `bound`, 0 to n of them: the slice begins at a multiple of n. None of a page that is not there.
  auto rowsBefore = [&, row = row, isThere = isThere](Value bound) -> Value {
    Value none = i32(b, loc, 0);
    if (isNonNegativeScalar(position)) {
      Value left = arith::SubIOp::create(b, loc, bound, position, arith::IntegerOverflowFlags::nsw);
      return arith::SelectOp::create(b, loc, isThere, clamped(b, loc, left, i32(b, loc, n)), none);
    }
    Value begins = compare(b, loc, arith::CmpIPredicate::ult, position, bound);
    Value count = arith::MinSIOp::create(b, loc, arith::SubIOp::create(b, loc, bound, position), i32(b, loc, n));
    begins = arith::AndIOp::create(b, loc, begins, isThere);
    return arith::SelectOp::create(b, loc, begins, count, none);
  };
  APInt lowest;
  if (low && matchPattern(low, m_ConstantInt(&lowest)) && !lowest.isStrictlyPositive())
    low = Value(); // a sequence begins there
  Value end = high ? clamped(b, loc, high, sequence.end) : sequence.end;
  SmallVector<Value> indices = indicesWithout(op, along());
  indices[without(dim())] = row;
  const Within others = withinStorage(op, {along(), dim()});
  moveToStorage(op, storage(), indices, others);
  Value from = low ? arith::AddIOp::create(b, loc, row, rowsBefore(clamped(b, loc, low, end))).getResult() : row;
  Value to = arith::AddIOp::create(b, loc, row, rowsBefore(end));
  narrowAccess(op, without(dim()), from, to);
  if constexpr (requires { op.setCertain(true); })
    op.setCertain(others.dims.empty());
}

/// The rows of a slice of whole rows that begins at multiples of its length, as one operation, for a copy engine to be
/// asked for runs of them; null where there is none or the access is another one.
template <typename Access> Value VaryingView::pageRows(OpBuilder &b, Access op, Value low, Value high) {
  tile::RequestAttr request = tile::requestOf(op->template getParentOfType<func::FuncOp>());
  std::optional<Target> target = request ? Target::parse(request.getTarget().str()) : std::nullopt;
  auto type = dyn_cast<RankedTensorType>(accessedType(op));
  Value start = op.getIndices()[dim()];
  if (!target || !target->hasWgmma || !isa<tile::LoadOp>(op) || type.getRank() != 2 || op.getDims()[0] != dim() ||
      !isNonNegativeScalar(start) || !isMultiple(start, type.getDimSize(0)))
    return {};
  auto paged = cast<tile::PagedOp>(view);
  return tile::PageRowsOp::create(b, op.getLoc(), RankedTensorType::get({type.getDimSize(0), 1}, b.getI32Type()),
                                  paged.getTable(), op.getIndices()[along()], start, type.getDimSize(0),
                                  low ? low : i32(b, op.getLoc(), 0), high, paged.getPage(), paged.getRows(),
                                  wholePages(),
                                  /*run=*/1);
}

/// Each position has a row of its own. Where no index of the result is a tile it is a slice still.
template <typename Access> void VaryingView::toRows(Access op, Sequence sequence) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  Value start = op.getIndices()[dim()], index = op.getIndices()[along()], steps = stepsOf(b, op);
  auto [low, high] = tile::boundsWithin(op.getWithin(), op.getLow(), op.getHigh(), dim());
  APInt lowest;
  if (low && matchPattern(low, m_ConstantInt(&lowest)) && !lowest.isStrictlyPositive())
    low = {};
  Value end = high ? clamped(b, loc, high, sequence.end) : sequence.end; // one comparison an element
  auto narrow = [&, low = low](Value positions, Value inside) -> Value {
    return low ? arith::AndIOp::create(b, loc, inside, compare(b, loc, arith::CmpIPredicate::sge, positions, low))
                     .getResult()
               : inside;
  };
  const bool isTile = steps || isa<RankedTensorType>(start.getType());
  SmallVector<Value> indices = indicesWithout(op, along());
  const bool isCertain = isTile && llvm::count_if(indices, [](Value other) { // no other tile says where elements lie
                                     return isa<RankedTensorType>(other.getType());
                                   }) == (steps ? 0 : 1);
  Value &row = indices[without(dim())];
  if (Value rows = steps ? pageRows(b, op, low, end) : Value()) {
    row = rows;
  } else if (steps) {
    row = rowsFrom(b, loc, index, start, steps, end, narrow);
  } else {
    Value inside = narrow(start, compare(b, loc, arith::CmpIPredicate::ult, start, end));
    if (isTile) {
      const int64_t size = cast<tile::PagedOp>(view).getPage();
      auto [page, offset] = divide(b, loc, start, size);
      row = rowsOf(b, loc, index, page, offset, inside, /*isSum=*/size > 1);
    } else {
      auto [place, isThere] = rowOf(b, loc, index, start);
      inside = arith::AndIOp::create(b, loc, inside, isThere);
      row = arith::SelectOp::create(b, loc, inside, place, i32(b, loc, -1));
    }
  }
  SmallVector<int64_t> dims;
  for (int64_t d : op.getDims())
    dims.push_back(d < 0 || d == dim() ? -1 : without(d));
  const Within within = withinStorage(op, {along(), dim()});
  DenseI64ArrayAttr dimsAttr = b.getDenseI64ArrayAttr(dims), withinAttr = b.getDenseI64ArrayAttr(within.dims);
  bool isGathered = isa<tile::GatherOp, tile::ScatterOp>(op) || isTile;
  if constexpr (requires { op.getResult(); }) {
    Type type = op.getResult().getType();
    Value loaded;
    if (isGathered)
      loaded = tile::GatherOp::create(b, loc, type, storage(), indices, dimsAttr, withinAttr, within.low, within.high,
                                      isCertain && within.dims.empty());
    else
      loaded = tile::LoadOp::create(b, loc, type, storage(), indices, dimsAttr, withinAttr, within.low, within.high);
    op.getResult().replaceAllUsesWith(loaded);
  } else if (isGathered) {
    tile::ScatterOp::create(b, loc, op.getValue(), storage(), indices, dimsAttr, withinAttr, within.low, within.high,
                            op.getAdds());
  } else {
    tile::StoreOp::create(b, loc, op.getValue(), storage(), indices, dimsAttr, withinAttr, within.low, within.high,
                          op.getAdds());
  }
  op.erase();
}

template <typename Access> void VaryingView::toPages(Access op) {
  Sequence sequence = sequenceOf(op);
  if (std::optional<int64_t> n = sliceInPage(op))
    toPage(op, sequence, *n);
  else
    toRows(op, sequence);
}

Value VaryingView::lengthAt(Value index) {
  Sequence sequence = sequenceAt(index);
  if (!isa<tile::RaggedOp>(view))
    return sequence.end;
  OpBuilder b(view->getContext());
  b.setInsertionPointAfterValue(sequence.end);
  return arith::SubIOp::create(b, view->getLoc(), sequence.end, sequence.begin);
}

SmallVector<tile::SubviewOp> VaryingView::resolve() {
  for (Operation *user : llvm::make_early_inc_range(view->getUsers()))
    llvm::TypeSwitch<Operation *>(user)
        .Case<tile::LengthOp>([&](tile::LengthOp op) {
          op.replaceAllUsesWith(lengthAt(op.getIndex()));
          op.erase();
        })
        .Case<tile::ExtentOp>([&](tile::ExtentOp op) {
          OpBuilder b(op);
          op.replaceAllUsesWith(extentOf(b, op.getLoc(), op.getDim()));
          op.erase();
        })
        .Case<tile::LoadOp, tile::StoreOp, tile::GatherOp, tile::ScatterOp>([&](auto op) {
          if (isa<tile::PagedOp>(view))
            toPages(op);
          else
            toPart(op);
        });
  if (view->use_empty())
    view->erase();
  return std::move(parts);
}

SmallVector<tile::SubviewOp> imbrex::resolveVarying(Operation *view) { return VaryingView(view).resolve(); }
