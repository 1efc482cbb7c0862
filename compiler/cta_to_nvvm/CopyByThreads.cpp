//===- CopyByThreads.cpp - A tile from a view to a ring, by cp.async -----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A piece outside the view, in the slot's padding, or of a tile that the loop has no use for is zero-filled
// (PTX ISA, "cp.async": src-size 0). Where a view's alignment forbids cp.async, elements are loaded and
// stored one by one; a barrier behind the get makes either visible.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/CopyByThreads.h"
#include "compiler/cta_to_nvvm/CertainIndex.h"
#include "compiler/cta_to_nvvm/InlinePtx.h"
#include "compiler/tile/ScalarSigns.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace imbrex;

TileCopy::TileCopy(Lowering &l, cta::PutOp put)
    : l(l), put(put), view(put.getView().getType()), layout(put.getRing().getType().getSlot().getLayout()),
      threads(int64_t(l.warps) * layout::kWarpThreads),
      deal(dealCopy(put.getView(), put.getIndices(), put.getDims(), put.getWithin(), put.getRing().getType().getSlot(),
                    threads, bool(put.getRows()))) {
  row0 = LLVM::UDivOp::create(l.b, l.loc, l.thread, l.i32(deal.across));
  column0 = l.mulConstant(LLVM::URemOp::create(l.b, l.loc, l.thread, l.i32(deal.across)), deal.elements);
}

unsigned TileCopy::rounds() const {
  return deal.isRegular ? deal.panels * llvm::divideCeil(layout.paddedRows(), down())
                        : llvm::divideCeil(deal.total, threads);
}

SharedPlace TileCopy::placeOf(unsigned round) {
  if (deal.isRegular)
    return {row0, column0, round / deal.panels * down(), round % deal.panels * deal.across * deal.elements};
  Value id = l.addConstant(l.thread, int64_t(round) * threads);
  return {LLVM::UDivOp::create(l.b, l.loc, id, l.i32(deal.perRow)),
          l.mulConstant(LLVM::URemOp::create(l.b, l.loc, id, l.i32(deal.perRow)), deal.elements), 0, 0};
}

Value TileCopy::hasPiece(unsigned round) {
  if (deal.isRegular) {
    int64_t above = round / deal.panels * down();
    return above + down() <= layout.paddedRows() ? Value() : l.less(row0, l.i32(layout.paddedRows() - above));
  }
  if (int64_t(round + 1) * threads <= deal.total)
    return {};
  return l.less(l.addConstant(l.thread, int64_t(round) * threads), l.i32(deal.total));
}

Value TileCopy::tableRow(unsigned round) {
  const int64_t first = round / deal.panels * down();
  ValueRange rows = l.registersOf(put.getRows());
  if (!deal.isTableShared(layout, l.warps))
    return rows[round / deal.panels];
  Value lane = l.addConstant(row0, first % layout::kWarpThreads);
  return l.callIntrinsic(l.b.getI32Type(), "llvm.nvvm.shfl.sync.idx.i32",
                         {l.i32(-1), rows[first / layout::kWarpThreads], lane, l.i32(layout::kWarpThreads - 1)});
}

bool TileCopy::rowsBeginAtBound() {
  Value first = put.getIndices()[rowDim()];
  return !put.getRows() && (put.getCertain() || isNonNegativeScalar(first)) &&
         tile::boundsWithin(put.getWithin(), put.getLow(), put.getHigh(), rowDim()).first == first;
}

/// `count` positions without its limits 0 and `n` or more, which say nothing of the n positions of a tile.
static Value withoutLimits(Value count, int64_t n) {
  APInt limit;
  while (Operation *op = count.getDefiningOp()) {
    if (!isa<arith::MinSIOp, arith::MaxSIOp>(op) || !matchPattern(op->getOperand(1), m_ConstantInt(&limit)) ||
        (isa<arith::MinSIOp>(op) ? limit.slt(n) : !limit.isZero()))
      break;
    count = op->getOperand(0);
  }
  return count;
}

/// Where the bounds along `dim` end as the tile's first position and a count: that, and what must hold beside it (null:
/// nothing), without what the tile says of it anyway.
std::pair<Value, Value> TileCopy::countAlong(unsigned dim) {
  Value high = tile::boundsWithin(put.getWithin(), put.getLow(), put.getHigh(), dim).second;
  auto sum = high ? high.getDefiningOp<arith::AddIOp>() : arith::AddIOp();
  if (!sum || sum.getLhs() != put.getIndices()[dim])
    return {};
  Value count = sum.getRhs(), condition;
  if (auto choice = count.getDefiningOp<arith::SelectOp>(); choice && matchPattern(choice.getFalseValue(), m_Zero())) {
    condition = choice.getCondition();
    count = choice.getTrueValue();
  }
  return {withoutLimits(count, dim == rowDim() ? layout.rows() : layout.columns()), condition};
}

/// The positions from `first` on along `dim`, up to the end of the view and of the bounds: 0 or fewer if there are
/// none.
Value TileCopy::leftAlong(unsigned dim, Value first) {
  Value extent = l.viewOf(put.getView()).extents[dim];
  Value high = tile::boundsWithin(put.getWithin(), put.getLow(), put.getHigh(), dim).second;
  if (!high)
    return l.sub(extent, first);
  if (Value count = countAlong(dim).first) {
    count = l.scalarOf(count);
    return put.getCertain() ? count : Value(LLVM::SMinOp::create(l.b, l.loc, count, l.sub(extent, first)));
  }
  return l.sub(LLVM::SMinOp::create(l.b, l.loc, l.scalarOf(high), extent), first);
}

/// `start` (i64) is where the tile starts along `dim`, `piece` (i32 or null) how far on the thread's piece lies.
/// `follows`: not before the first position that is visible.
Reach TileCopy::reachAlong(unsigned dim, Value start, Value piece, bool follows) {
  auto narrow = [&](Value x) -> Value { return LLVM::TruncOp::create(l.b, l.loc, l.b.getI32Type(), x); };
  Value first = narrow(start), end = l.viewOf(put.getView()).extents[dim], low;
  if (follows) {
    Value left = leftAlong(dim, first);
    return {piece ? l.sub(left, piece) : left, {}, {}};
  }
  if (auto [from, to] = l.boundsOf(put).along(dim); from) {
    low = LLVM::SMaxOp::create(l.b, l.loc, from, l.i32(0));
    end = LLVM::SMinOp::create(l.b, l.loc, to, end);
  }
  // One comparison: a position in [low, end) is (position - low) < (end - low) without a sign.
  Value position = piece ? l.add(first, piece) : first, count = end;
  if (low) {
    position = l.sub(position, low);
    count = LLVM::SMaxOp::create(l.b, l.loc, l.sub(end, low), l.i32(0));
  }
  return {{}, position, count};
}

CopyCursor TileCopy::cursorAt(ArrayRef<Value> start, bool rowsFollow, bool columnsFollow) {
  const Values &strides = l.viewOf(put.getView()).strides;
  CopyCursor cursor;
  Value offset = l.i64(0), row; // a row that a table names, added behind what stays the same
  if (rowsBeginAtBound() && put.getCertain())
    row = LLVM::TruncOp::create(l.b, l.loc, l.b.getI32Type(), start[rowDim()]);
  for (unsigned dim = 0; dim < start.size(); ++dim) {
    Value index = row && dim == rowDim() ? l.i64(0) : start[dim];
    if (deal.isRegular && dim == rowDim() && !put.getRows())
      index = l.add(index, l.toI64(row0));
    if (deal.isRegular && dim == columnDim())
      index = l.add(index, l.toI64(column0));
    offset = l.add(offset, l.mul(index, strides[dim]));
  }
  cursor.pointer = l.offsetPointer(l.viewOf(put.getView()).pointer, l.mulConstant(offset, layout.elementBytes()));
  if (row)
    cursor.pointer = l.offsetPointer(cursor.pointer, wideProduct(l, row, l.strideBytes(put.getView(), rowDim())));
  if (!put.getRows())
    cursor.rows = reachAlong(rowDim(), start[rowDim()], deal.isRegular ? row0 : Value(), rowsFollow);
  APInt first;
  bool isCertain = layout.paddedColumns() == layout.columns() && !view.isDynamic(columnDim()) &&
                   view.getExtents()[columnDim()] >= layout.columns() &&
                   !llvm::is_contained(put.getWithin(), columnDim()) &&
                   matchPattern(put.getIndices()[columnDim()], m_ConstantInt(&first)) && first.isZero();
  if (!isCertain)
    cursor.columns = reachAlong(columnDim(), start[columnDim()], deal.isRegular ? column0 : Value(), columnsFollow);
  return cursor;
}

Value TileCopy::bytesOf(ArrayRef<int64_t> steps) {
  const Values &strides = l.viewOf(put.getView()).strides;
  Value sum = l.i64(0);
  for (auto [step, stride] : llvm::zip(steps, strides))
    if (step != 0)
      sum = l.add(sum, l.mulConstant(stride, step * layout.elementBytes()));
  return sum;
}

/// True (i1) where the piece `offset` (i32 or null) + `step` on from the cursor is inside; null if certain.
Value TileCopy::isWithin(const Reach &reach, Value offset, int64_t step) {
  Value at = offset ? l.addConstant(offset, step) : Value();
  if (reach.left)
    return LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::sgt, reach.left, at ? at : l.i32(step));
  if (!reach.position)
    return {};
  Value position = at ? l.add(reach.position, at) : l.addConstant(reach.position, step);
  return LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::ult, position, reach.count);
}

/// Where the loop has no use for the tile its place may be no number at all, which is made some number first.
Value TileCopy::enabledBy(const CopyCursor &cursor, Value enabled, ArrayRef<Value> start) {
  auto alsoIf = [&](Value condition) {
    if (condition)
      enabled = enabled ? l.both(enabled, LLVM::FreezeOp::create(l.b, l.loc, condition)) : condition;
  };
  alsoIf(l.insideView(put.getView(), start, put.getDims(), l.boundsOf(put)));
  if (rowsBeginAtBound())
    if (Value condition = countAlong(rowDim()).second)
      alsoIf(l.scalarOf(condition));
  if (deal.isRegular && deal.panels == 1) {
    alsoIf(isWithin(cursor.columns, Value(), 0));
    if (layout.paddedColumns() != layout.columns())
      alsoIf(l.less(column0, l.i32(layout.columns())));
  }
  return enabled;
}

/// Bounds the rows by `enabled`: one comparison a piece is left.
static Reach enabledRows(Lowering &l, Reach rows, Value enabled) {
  Value &bound = rows.left ? rows.left : rows.count;
  bound = l.select(enabled, bound, l.i32(0));
  return rows;
}

/// Bounds the rows by all else.
CopyCursor TileCopy::narrowed(CopyCursor cursor, ArrayRef<Value> start) {
  Values narrow;
  for (Value index : start)
    narrow.push_back(LLVM::TruncOp::create(l.b, l.loc, l.b.getI32Type(), index));
  cursor.rows = enabledRows(l, cursor.rows, enabledBy(cursor, {}, narrow));
  cursor.isNarrowed = true;
  return cursor;
}

CopyCursor TileCopy::narrowedAt(ArrayRef<Value> start, bool rowsFollow, bool columnsFollow) {
  return narrowed(cursorAt(start, rowsFollow, columnsFollow), start);
}

CopyCursor TileCopy::lineAt(ArrayRef<Value> start) {
  auto narrow = [&](Value x) -> Value { return LLVM::TruncOp::create(l.b, l.loc, l.b.getI32Type(), x); };
  Value low = l.i32(0), end = l.viewOf(put.getView()).extents[columnDim()];
  if (auto [from, to] = l.boundsOf(put).along(columnDim()); from) {
    low = LLVM::SMaxOp::create(l.b, l.loc, from, low);
    end = LLVM::SMaxOp::create(l.b, l.loc, l.sub(LLVM::SMinOp::create(l.b, l.loc, to, end), low), l.i32(0));
  }
  Values origin(start);
  origin[columnDim()] = l.sub(l.toI64(low), l.toI64(column0));
  CopyCursor cursor = cursorAt(origin, rowsBeginAtBound(), /*columnsFollow=*/false);
  cursor.columns = cursor.rows;
  cursor.rows = {{}, l.sub(l.add(narrow(start[columnDim()]), column0), low), end};
  cursor.isLine = true;
  return narrowed(cursor, start);
}

/// `condition` and `enabled` (null: certain). A comparison with a bound stays one, with a bound that is 0 where it must
/// not hold: one for all pieces.
static Value onlyIf(Lowering &l, Value enabled, Value condition) {
  auto comparison = condition.getDefiningOp<LLVM::ICmpOp>();
  if (!enabled || !comparison || comparison.getPredicate() != LLVM::ICmpPredicate::ult)
    return l.both(enabled, condition);
  Value bound = l.select(enabled, comparison.getRhs(), l.i32(0));
  return LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::ult, comparison.getLhs(), bound);
}

/// True (i1) where the view has the row of the piece; null if certain.
Value TileCopy::isRowInside(const SharedPlace &place) {
  if (!put.getRows())
    return isWithin(rows, deal.isRegular ? Value() : place.rowBase, place.rowStep);
  if (put.getCertain())
    return onlyIf(l, enabled, l.isIndex(named));
  Value row = l.add(l.scalarOf(put.getIndices()[rowDim()]), named);
  return l.both(enabled, l.insideAlong(put.getView(), rowDim(), row, l.boundsOf(put)));
}

Value TileCopy::isInside(const CopyCursor &cursor, const SharedPlace &place) {
  Value inside = isRowInside(place);
  if (!deal.isRegular || deal.panels > 1) {
    inside = l.both(inside, isWithin(cursor.columns, deal.isRegular ? Value() : place.columnBase, place.columnStep));
    if (layout.paddedColumns() != layout.columns())
      inside = l.both(inside, l.less(l.addConstant(place.columnBase, place.columnStep), l.i32(layout.columns())));
  }
  if (layout.paddedRows() != layout.rows())
    inside = l.both(inside, l.less(l.addConstant(place.rowBase, place.rowStep), l.i32(layout.rows())));
  return inside;
}

/// Where a piece is read.
Value TileCopy::sourceOf(const SharedPlace &place) {
  const Values &strides = l.viewOf(put.getView()).strides;
  if (deal.isRegular) {
    Value offset = l.mulConstant(strides[columnDim()], place.columnStep);
    if (put.getRows() && put.getCertain())
      return certainPointer(l, l.offsetPointer(source, l.mulConstant(offset, layout.elementBytes())), put.getView(),
                            rowDim(), named);
    if (put.getRows())
      offset = l.add(l.mul(l.toI64(named), strides[rowDim()]), offset);
    else if (place.columnStep == 0)
      return source;
    return l.offsetPointer(source, l.mulConstant(offset, layout.elementBytes()));
  }
  Value offset =
      l.add(l.mul(l.toI64(place.rowBase), strides[rowDim()]), l.mul(l.toI64(place.columnBase), strides[columnDim()]));
  return l.offsetPointer(source, l.mulConstant(offset, layout.elementBytes()));
}

void TileCopy::copyPiece(const CopyCursor &cursor, Value slot, unsigned round) {
  SharedPlace place = placeOf(round);
  Value from = sourceOf(place), inside = isInside(cursor, place);
  Value to = l.sharedPointer(slot, layout, place);
  if (!deal.isAsync) {
    Type element = put.getRing().getType().getElementType();
    Values zero{l.zero(element)};
    return l.storeVector(to, l.whenElse(inside, zero, [&] { return l.loadVector(from, element, 1); }));
  }
  Value bytes = l.i32(deal.bytes);
  Value size = inside ? l.select(inside, bytes, l.i32(0)) : bytes;
  auto modifier = deal.bytes == 16 ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
  NVVM::CpAsyncOp::create(l.b, l.loc, to, from, deal.bytes, modifier, size);
}

void TileCopy::run(const CopyCursor &cursor, Value slot) {
  enabled = put.getCondition() ? l.scalarOf(put.getCondition()) : Value();
  if (!cursor.isNarrowed) {
    Values start;
    for (Value index : put.getIndices())
      start.push_back(l.scalarOf(index));
    enabled = enabledBy(cursor, enabled, start);
  }
  rows = put.getRows() ? Reach() : enabledRows(l, cursor.rows, enabled);
  source = cursor.pointer;
  if (cursor.isLine)
    source = l.offsetPointer(source, l.mulConstant(l.toI64(cursor.rows.position), layout.elementBytes()));
  for (unsigned round = 0; round < rounds(); ++round) {
    if (deal.isRegular && !put.getRows() && round != 0 && round % deal.panels == 0) { // the next rows
      Value stride = l.viewOf(put.getView()).strides[rowDim()];
      source = l.offsetPointer(source, l.mulConstant(stride, down() * layout.elementBytes()));
    }
    if (put.getRows() && round % deal.panels == 0)
      named = tableRow(round); // of all lanes, whether they have a piece or not
    l.when(hasPiece(round), [&] { copyPiece(cursor, slot, round); });
  }
}
