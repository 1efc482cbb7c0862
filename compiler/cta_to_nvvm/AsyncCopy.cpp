//===- AsyncCopy.cpp - cta.put, cta.get and cta.barrier as cp.async -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A put copies the tile in pieces of up to 16 bytes with cp.async, all threads taking turns; a piece
// outside the view, or in the slot's padding, is zero-filled (PTX ISA, "cp.async": src-size 0). Where
// a view's alignment forbids cp.async, elements are loaded and stored one by one; the get's barrier
// makes either visible. A get waits for groups, then meets all threads.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/BufferAccess.h"
#include "compiler/cta/Divisibility.h"
#include "compiler/cta_to_nvvm/Lowering.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace imbrex;
using layout::SharedLayout;

namespace {

/// The pieces of a tile, dealt to threads: piece number = thread + round * threads.
class Pieces {
public:
  Pieces(Lowering &l, int64_t rows, int64_t columns, unsigned elements)
      : l(l), elements(elements), perRow(columns / elements), total(rows * perRow), threads(l.warps * 32) {
    regular = llvm::isPowerOf2_64(perRow) && threads % perRow == 0;
    row0 = LLVM::UDivOp::create(l.b, l.loc, l.thread, l.i32(perRow));
    column0 = l.mulConstant(LLVM::URemOp::create(l.b, l.loc, l.thread, l.i32(perRow)), elements);
  }

  unsigned rounds() const { return llvm::divideCeil(total, threads); }

  /// The place of this thread's piece in `round`.
  SharedPlace place(unsigned round) const {
    if (regular)
      return {row0, column0, int64_t(round) * (threads / perRow), 0};
    Value id = l.addConstant(l.thread, int64_t(round) * threads);
    return {LLVM::UDivOp::create(l.b, l.loc, id, l.i32(perRow)),
            l.mulConstant(LLVM::URemOp::create(l.b, l.loc, id, l.i32(perRow)), elements), 0, 0};
  }

  /// True (i1) where the thread has a piece in `round`; null if all have one.
  Value hasPiece(unsigned round) const {
    if (int64_t(round + 1) * threads <= total)
      return {};
    return l.less(l.addConstant(l.thread, int64_t(round) * threads), l.i32(total));
  }

private:
  Lowering &l;
  int64_t elements, perRow, total, threads;
  bool regular;
  Value row0, column0;
};

/// One put: where it reads, where it writes, what is inside.
class TileCopy {
public:
  TileCopy(Lowering &l, cta::PutOp put)
      : l(l), put(put), view(put.getView().getType()), layout(put.getBuffer().getType().getLayout()),
        rowDim(put.getDims()[0]), columnDim(put.getDims()[1]) {
    for (Value index : put.getIndices())
      start.push_back(l.scalarOf(index));
    slot = l.bufferBase(allocationOf(put.getBuffer()), l.scalarOf(put.getSlot()));
    source = l.viewPointer(put.getView(), start);
    elementBytes = layout.elementBytes();
    ranges[0] = rangeAlong(rowDim, layout.rows(), layout.paddedRows());
    ranges[1] = rangeAlong(columnDim, layout.columns(), layout.paddedColumns());
    uniform = l.foldInto(l.insideView(put.getView(), start, put.getDims()), ranges);
  }

  void run() {
    // A piece lies wholly in the tile or wholly beyond it.
    unsigned bytes =
        std::gcd<int64_t>(accessAlignment(put.getView(), put.getIndices()), layout.columns() * elementBytes);
    if (columnDim == view.getRank() - 1 && bytes >= 4)
      copyAsync(bytes);
    else
      copyElements();
  }

private:
  void copyAsync(unsigned bytes);
  void copyElements();

  IndexRange rangeAlong(unsigned dim, int64_t elements, int64_t padded) {
    bool narrowed = put.getWithinDim() == uint32_t(dim);
    return l.indexRange(put.getView(), dim, put.getIndices()[dim],
                        {elements, padded != elements, narrowed ? l.scalarOf(put.getWithinLow()) : Value(),
                         narrowed ? l.scalarOf(put.getWithinHigh()) : Value()});
  }

  /// True (i1) where the element at (row, column) of the tile is inside the view; null if certain.
  Value inside(Value row, Value column) {
    return l.both(uniform, l.both(l.insideRange(ranges[0], row), l.insideRange(ranges[1], column)));
  }

  /// Address of the element at (row, column) of the tile.
  Value sourceAt(Value row, Value column) {
    const Values &strides = l.viewOf(put.getView()).strides;
    Value offset = l.add(l.mul(l.toI64(row), strides[rowDim]), l.mul(l.toI64(column), strides[columnDim]));
    return l.offsetPointer(source, l.mulConstant(offset, elementBytes));
  }

  Lowering &l;
  cta::PutOp put;
  tile::ViewType view;
  SharedLayout layout;
  unsigned rowDim, columnDim, elementBytes;
  Values start;
  Value slot, source;
  IndexRange ranges[2]; ///< rows, columns
  Value uniform;        ///< what every element needs and no range says; null: nothing
};

} // namespace

void TileCopy::copyAsync(unsigned bytes) {
  unsigned elements = std::max(1u, bytes / elementBytes);
  Pieces pieces(l, layout.paddedRows(), layout.paddedColumns(), elements);
  auto modifier = bytes == 16 ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
  for (unsigned round = 0; round < pieces.rounds(); ++round) {
    l.when(pieces.hasPiece(round), [&] {
      SharedPlace place = pieces.place(round);
      Value row = l.addConstant(place.rowBase, place.rowStep), column = place.columnBase;
      Value size;
      if (Value valid = inside(row, column))
        size = l.select(valid, l.i32(bytes), l.i32(0));
      NVVM::CpAsyncOp::create(l.b, l.loc, l.sharedPointer(slot, layout, place), sourceAt(row, column), bytes, modifier,
                              size);
    });
  }
}

void TileCopy::copyElements() {
  Pieces pieces(l, layout.paddedRows(), layout.paddedColumns(), 1);
  Type element = put.getBuffer().getType().getElementType();
  for (unsigned round = 0; round < pieces.rounds(); ++round) {
    l.when(pieces.hasPiece(round), [&] {
      SharedPlace place = pieces.place(round);
      Value row = l.addConstant(place.rowBase, place.rowStep), column = place.columnBase;
      Values zero{l.zero(element)};
      Values value =
          l.whenElse(inside(row, column), zero, [&] { return l.loadVector(sourceAt(row, column), element, 1); });
      l.storeVector(l.sharedPointer(slot, layout, place), value);
    });
  }
}

static void lowerPut(Lowering &l, cta::PutOp put) {
  Value condition = put.getCondition() ? l.scalarOf(put.getCondition()) : Value();
  l.when(condition, [&] { TileCopy(l, put).run(); });
  NVVM::CpAsyncCommitGroupOp::create(l.b, l.loc);
}

/// bar.sync 0 of the whole CTA. By its intrinsic: the text of nvvm.barrier with a location cannot be read back.
static void emitBarrier(Lowering &l) {
  LLVM::CallIntrinsicOp::create(l.b, l.loc, l.b.getStringAttr("llvm.nvvm.barrier.cta.sync.aligned.all"), {l.i32(0)});
}

static void lowerGet(Lowering &l, cta::GetOp get) {
  // Gets in a row share one wait and one barrier: the one that leaves the fewest copies pending.
  auto next = dyn_cast_or_null<cta::GetOp>(get->getNextNode());
  if (!next || next.getPending() > get.getPending()) {
    NVVM::CpAsyncWaitGroupOp::create(l.b, l.loc, get.getPending());
    emitBarrier(l);
  }
  l.slotPointers[get.getResult()] = l.bufferBase(allocationOf(get.getBuffer()), l.scalarOf(get.getSlot()));
}

Lowered imbrex::lowerAsyncCopy(Lowering &l, Operation *op) {
  if (auto put = dyn_cast<cta::PutOp>(op)) {
    lowerPut(l, put);
    return success();
  }
  if (auto get = dyn_cast<cta::GetOp>(op)) {
    lowerGet(l, get);
    return success();
  }
  if (isa<cta::BarrierOp>(op)) {
    emitBarrier(l);
    return success();
  }
  return std::nullopt;
}
