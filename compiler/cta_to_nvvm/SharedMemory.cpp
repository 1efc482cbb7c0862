//===- SharedMemory.cpp - Tiles to and from shared memory -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Addresses in swizzled buffers; cta.read and cta.write by vectors or by ldmatrix; cta.clear, cta.barrier. An address
// is split so that what depends on the thread is computed once and the rest is a constant:
//
//     row = rowBase + rowStep, rowStep a multiple of 8: the XOR of a row depends on row % 8 only
//     chunk = chunkBase ^ chunkStep when the two have no bit in common
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/BufferAccess.h"
#include "compiler/cta_to_nvvm/FragmentLines.h"
#include "compiler/cta_to_nvvm/InlinePtx.h"
#include "compiler/cta_to_nvvm/Ldmatrix.h"
#include "compiler/cta_to_nvvm/Restage.h"
#include "compiler/cta_to_nvvm/SlotBarrier.h"
#include "dialects/layout/Access.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace imbrex;
using layout::Coord;
using layout::SharedLayout;
using layout::TileLayout;

Value Lowering::memoryBase(Operation *allocation) { return offsetPointer(sharedMemory, offsetOf(allocation)); }

Value Lowering::slotStart(Value buffer) const { return slotStarts.lookup(buffer); }

Value Lowering::slotPointer(Value buffer) {
  Value base = memoryBase(allocationOf(buffer)), start = slotStart(buffer);
  return start ? offsetPointer(base, start) : base;
}

Value Lowering::turnedPointer(Value pointer, int64_t turn) {
  Value address = LLVM::PtrToIntOp::create(b, loc, b.getI32Type(), pointer);
  return LLVM::IntToPtrOp::create(b, loc, pointer.getType(), bitXor(address, i32(turn)));
}

/// The XOR that i32 `row` puts on its chunks: 16 * ((row * span / 128) % (span / 16)), see SharedLayout.h.
static Value swizzleOf(Lowering &l, const SharedLayout &layout, Value row) {
  unsigned span = layout.span();
  Value phase = l.bitAnd(l.shiftRight(row, llvm::Log2_32(128 / span)), span / 16 - 1);
  return l.mulConstant(phase, 16);
}

Value Lowering::sharedPointer(Value slot, const SharedLayout &layout, const SharedPlace &place) {
  unsigned span = layout.span(), bytes = layout.elementBytes();
  int64_t panelBytes = layout.paddedRows() * span;
  Value row = place.rowBase;
  int64_t rowStep = place.rowStep;
  if (rowStep % 8 != 0) {
    row = addConstant(row, rowStep);
    rowStep = 0;
  }
  // Byte of the row; a step of whole panels is a constant, the rest joins the thread's part.
  Value byte = mulConstant(place.columnBase, bytes);
  int64_t stepBytes = place.columnStep * bytes;
  int64_t panelStep = stepBytes / span * panelBytes;
  byte = addConstant(byte, stepBytes % span);
  Value inPanel = bitXor(bitAnd(byte, span - 1), swizzleOf(*this, layout, row));
  Value offset = add(mulConstant(row, span), inPanel);
  if (layout.paddedColumns() * bytes > span)
    offset = add(offset, mulConstant(shiftRight(byte, llvm::Log2_32(span)), panelBytes));
  return offsetPointer(offsetPointer(slot, offset), panelStep + rowStep * span);
}

/// Where register `reg` of a tile lies in a buffer that holds it, or its transpose.
static SharedPlace placeOf(Lowering &l, const TileLayout &layout, unsigned reg, bool transposed) {
  Coord coord = layout.registerCoord(reg);
  if (layout.rank() == 1)
    return {l.i32(0), l.threadCoordinate(layout, 0), 0, coord[0]};
  unsigned row = transposed ? 1 : 0;
  return {l.threadCoordinate(layout, row), l.threadCoordinate(layout, 1 - row), coord[row], coord[1 - row]};
}

/// Where a lane's row of the four matrices of ldmatrix or stmatrix lies, of those that begin at register `reg` of a
/// fragment; `lanes` says which row it names. Whole atoms further: the warp's part.
namespace {
class FragmentPlaces {
public:
  FragmentPlaces(Lowering &l, const TileLayout &layout, const SharedLayout &shared, Value slot, bool transposed)
      : l(l), layout(layout), shared(shared), slot(slot), transposed(transposed) {
    MatrixLanes lanes = matrixLanes(l);
    rowBase = l.add(lanes.row, l.mulConstant(transposed ? lanes.bit4 : lanes.bit3, 8));
    columnBase = l.mulConstant(transposed ? lanes.bit3 : lanes.bit4, chunk());
    Value warpRow = l.mulConstant(l.shiftRight(l.threadCoordinate(layout, 0), 4), 16);
    (transposed ? columnBase : rowBase) = l.add(transposed ? columnBase : rowBase, warpRow);
  }
  /// Elements of 16 bytes: a matrix's row, and the registers of four matrices.
  unsigned chunk() const { return 4 * layout::mmaPacked(shared.elementBytes()); }
  Value of(unsigned reg) {
    Coord coord = layout.registerCoord(reg);
    return l.sharedPointer(slot, shared, {rowBase, columnBase, coord[transposed ? 1 : 0], coord[transposed ? 0 : 1]});
  }

private:
  Lowering &l;
  const TileLayout &layout;
  const SharedLayout &shared;
  Value slot;
  bool transposed;
  Value rowBase, columnBase;
};
} // namespace

/// ldmatrix for a left operand: x4 gives the four words of the fragment at a k-step, whose elements are registers one
/// after another; its matrices are, of 16-bit elements, (0,0) (8,0) (0,8) (8,8) of the 16 x 16 block.
static void readFragment(Lowering &l, cta::ReadOp op, const TileLayout &layout) {
  SharedLayout shared = op.getBuffer().getType().getLayout();
  FragmentPlaces places(l, layout, shared, l.slotPointer(op.getBuffer()), op.getTransposed());
  const unsigned packed = layout::mmaPacked(shared.elementBytes());
  Type carried = l.carried(op.getBuffer().getType().getElementType());
  Type word = packed == 1 ? carried : Type(VectorType::get({packed}, carried));
  Values registers;
  for (unsigned reg = 0, e = layout.registersPerThread(); reg < e; reg += places.chunk())
    for (Value bits : loadMatrices(l, places.of(reg), 4, op.getTransposed())) {
      Value elements = LLVM::BitcastOp::create(l.b, l.loc, word, bits);
      if (packed == 1)
        registers.push_back(elements);
      for (unsigned i = 0; packed > 1 && i < packed; ++i)
        registers.push_back(LLVM::ExtractElementOp::create(l.b, l.loc, elements, l.i32(i)));
    }
  l.define(op.getResult(), registers);
}

/// stmatrix for a fragment of 16-bit elements, its registers in pairs, four matrices at once.
static void writeFragment(Lowering &l, const TileLayout &layout, const SharedLayout &shared, Value slot,
                          ArrayRef<Value> registers) {
  FragmentPlaces places(l, layout, shared, slot, /*transposed=*/false);
  for (unsigned reg = 0; reg < registers.size(); reg += places.chunk()) {
    Values words;
    for (unsigned pair = 0; pair < places.chunk(); pair += 2)
      words.push_back(l.wordOf(registers.slice(reg + pair, 2)));
    storeMatrices(l, places.of(reg), words);
  }
}

static LogicalResult lowerRead(Lowering &l, cta::ReadOp op) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  const TileLayout layout = storedLayout(op.getBuffer(), cta::layoutOf(type));
  SharedLayout shared = op.getBuffer().getType().getLayout();
  if (cta::isReadByLdmatrix(op)) {
    readFragment(l, op, layout);
    return success();
  }
  unsigned columnDim = op.getTransposed() ? 0 : layout.rank() - 1;
  unsigned width = layout::accessWidth(layout, columnDim, type.getDimSize(columnDim), shared.elementBytes());
  Value slot = l.slotPointer(op.getBuffer());
  Values registers, outside(width, l.zero(type.getElementType()));
  for (unsigned reg = 0, e = layout.registersPerThread(); reg < e; reg += width) {
    Value inside = l.insideTile(type.getShape(), layout, layout.registerCoord(reg));
    llvm::append_range(registers, l.whenElse(inside, outside, [&] {
      Value pointer = l.sharedPointer(slot, shared, placeOf(l, layout, reg, op.getTransposed()));
      return l.loadVector(pointer, type.getElementType(), width);
    }));
  }
  l.define(op.getResult(), registers);
  return success();
}

/// Zeroes columns `from` .. `to` - 1 of rows `first` .. `last` - 1, a row a thread.
static void clearColumns(Lowering &l, const SharedLayout &shared, Value slot, Type element, int64_t first, int64_t last,
                         int64_t from, int64_t to) {
  const int64_t threads = int64_t(l.warps) * layout::kWarpThreads;
  for (; first < last && from < to; first += threads) {
    Value row = l.addConstant(l.thread, first);
    Value inside = first + threads <= last ? Value() : l.less(row, l.i32(last));
    l.when(inside, [&] {
      for (int64_t column = from, width; column < to; column += width) {
        width = layout::accessWidth(shared.elementBytes(), column);
        l.storeVector(l.sharedPointer(slot, shared, {row, l.i32(0), 0, column}), Values(width, l.zero(element)));
      }
    });
  }
}

/// Zeroes what is stored beyond the tile. (Products read it; and LLVM may widen a read of the last columns over it.)
static void clearPadding(Lowering &l, const SharedLayout &shared, Value slot, Type element) {
  clearColumns(l, shared, slot, element, 0, shared.rows(), shared.columns(), shared.paddedColumns());
  clearColumns(l, shared, slot, element, shared.rows(), shared.paddedRows(), 0, shared.paddedColumns());
}

static LogicalResult lowerWrite(Lowering &l, cta::WriteOp op) {
  auto type = cast<RankedTensorType>(op.getValue().getType());
  const TileLayout layout = storedLayout(op.getBuffer(), cta::layoutOf(type));
  SharedLayout shared = op.getBuffer().getType().getLayout();
  unsigned columnDim = layout.rank() - 1;
  unsigned width = layout::accessWidth(layout, columnDim, type.getDimSize(columnDim), shared.elementBytes());
  Value slot = l.slotPointer(op.getBuffer());
  clearPadding(l, shared, slot, op.getBuffer().getType().getElementType());
  Values registers = l.registersOf(op.getValue());
  l.when(l.firstReplica(layout), [&] {
    if (l.target.hasStmatrix() && cta::isWrittenByStmatrix(op))
      return writeFragment(l, layout, shared, slot, registers);
    for (unsigned reg = 0; reg < registers.size(); reg += width)
      l.when(l.insideTile(type.getShape(), layout, layout.registerCoord(reg)), [&] {
        l.storeVector(l.sharedPointer(slot, shared, placeOf(l, layout, reg, /*transposed=*/false)),
                      ArrayRef(registers).slice(reg, width));
      });
  });
  return success();
}

/// Builds `body` for 0, `step` ... below `end`: one after another, or as a loop, of which nothing is made ahead of the
/// loops around it, where it would hold registers.
static void forEach(Lowering &l, int64_t end, int64_t step, bool isLoop, function_ref<void(Value, int64_t)> body) {
  for (int64_t at = 0; at < end && !isLoop; at += step)
    body(l.i32(at), at);
  if (!isLoop)
    return;
  Block *header = l.newBlock(l.b.getI32Type()), *done = l.newBlock();
  LLVM::BrOp::create(l.b, l.loc, l.i32(0), header);
  l.b.setInsertionPointToEnd(header);
  Value at = header->getArgument(0);
  body(at, end);
  Value next = l.addConstant(at, step);
  LLVM::CondBrOp::create(l.b, l.loc, l.less(next, l.i32(end)), header, ValueRange(next), done, ValueRange());
  l.b.setInsertionPointToEnd(done);
}

/// Zeroes the rows below `low` and from `high` on: the threads take turns at 16 bytes. Of a single row, its columns.
/// Where a turn is whole rows, a thread's place is one number and constants, which take few registers.
static void clearRows(Lowering &l, cta::ClearOp op, Value slot, Value low, Value high) {
  cta::BufferType buffer = op.getBuffer().getType();
  SharedLayout shared = buffer.getLayout();
  const bool isLine = shared.rows() == 1;
  int64_t width = isLine ? 1 : std::max(1u, 16 / shared.elementBytes()), perRow = shared.paddedColumns() / width;
  const int64_t threads = int64_t(l.warps) * layout::kWarpThreads, total = shared.rows() * perRow;
  const bool areWholeRows = threads % perRow == 0;
  for (Value *bound : {&low, &high}) // a row less stays a number
    *bound = LLVM::SMaxOp::create(l.b, l.loc, *bound, l.i32(0));
  forEach(l, total, threads, cta::copies(op) && !areWholeRows, [&](Value at, int64_t first) {
    Value piece = areWholeRows ? l.thread : l.add(l.thread, at);
    int64_t further = areWholeRows ? first / perRow : 0;
    Value row = LLVM::UDivOp::create(l.b, l.loc, piece, l.i32(perRow));
    Value column = l.mulConstant(LLVM::URemOp::create(l.b, l.loc, piece, l.i32(perRow)), width);
    Value place = isLine ? column : row;
    auto beyond = [&](Value bound) { return l.addConstant(bound, -further); };
    Value outside = LLVM::OrOp::create(l.b, l.loc, l.less(place, beyond(low)),
                                       LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::sge, place, beyond(high)));
    Value exists = first + threads <= total ? Value() : l.less(l.add(l.thread, at), l.i32(total));
    l.when(l.both(outside, exists), [&] {
      l.storeVector(l.sharedPointer(slot, shared, {row, column, further, 0}),
                    Values(width, l.zero(buffer.getElementType())));
    });
  });
}

/// bar.sync of the whole CTA, or of the part that `op` is in. By its intrinsic: the text of nvvm.barrier with a
/// location cannot be read back.
static void lowerBarrier(Lowering &l, cta::Scope scope, Operation *op) {
  auto call = [&](StringRef name, ValueRange arguments) {
    LLVM::CallIntrinsicOp::create(l.b, l.loc, l.b.getStringAttr(name), arguments);
  };
  if (scope == cta::Scope::Cta)
    return call("llvm.nvvm.barrier.cta.sync.aligned.all", {l.i32(kBarrierOfCta)});
  call("llvm.nvvm.barrier.cta.sync.aligned.count",
       {l.i32(cta::copies(op) ? kBarrierOfCopies : kBarrierOfRole), l.i32(int64_t(l.warps) * layout::kWarpThreads)});
}

void imbrex::makeBarrier(Lowering &l) { lowerBarrier(l, cta::Scope::Cta, nullptr); }

/// Where a row lies outside, all threads clear, and meet.
static void lowerClear(Lowering &l, cta::ClearOp op) {
  Value low = l.scalarOf(op.getLow()), high = l.scalarOf(op.getHigh()), slot = l.slotPointer(op.getBuffer());
  Value outside = LLVM::OrOp::create(l.b, l.loc, l.less(l.i32(0), low), l.less(high, l.i32(op.getExtent())));
  l.when(outside, [&] {
    clearRows(l, op, slot, low, high);
    fenceAsync(l);
    if (cta::copies(op)) // whose lanes may come apart, and the barrier wants whole warps
      meetAsWarp(l);
    lowerBarrier(l, op->getParentOfType<cta::RolesOp>() ? cta::Scope::Role : cta::Scope::Cta, op);
  });
  l.slotStarts[op.getResult()] = l.slotStart(op.getBuffer());
}

Lowered imbrex::lowerSharedMemory(Lowering &l, Operation *op) {
  if (isa<cta::AllocOp>(op))
    return success(); // an offset, used where the buffer is
  if (auto clear = dyn_cast<cta::ClearOp>(op)) {
    lowerClear(l, clear);
    return success();
  }
  if (auto restage = dyn_cast<cta::RestageOp>(op)) {
    lowerRestage(l, restage);
    return success();
  }
  if (isa<cta::FenceAsyncOp>(op)) {
    fenceAsync(l);
    return success();
  }
  if (auto barrier = dyn_cast<cta::BarrierOp>(op)) {
    lowerBarrier(l, barrier.getScope(), op);
    return success();
  }
  if (auto read = dyn_cast<cta::ReadOp>(op))
    return lowerRead(l, read);
  if (auto write = dyn_cast<cta::WriteOp>(op))
    return lowerWrite(l, write);
  return std::nullopt;
}
