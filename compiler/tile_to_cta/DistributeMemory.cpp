//===- DistributeMemory.cpp - Loads, gathers, stores and their layouts ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What feeds products alone, and lines beside them, goes to shared memory through rings; all else to registers.
//
//===----------------------------------------------------------------------===//

#include "compiler/MlirTypes.h"
#include "compiler/cta/CopyDeal.h"
#include "compiler/cta/Divisibility.h"
#include "compiler/tile_to_cta/Distributor.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace imbrex;
using layout::TileLayout;

template <typename Access>
void Distributor::copyToRing(Access op, cta::BufferType slot, ValueRange indices, ArrayRef<int64_t> dims, Value step,
                             Value table) {
  Location loc = op.getLoc();
  Value ring = allocateRing(slot);
  cta::PutOp::create(builder, loc, scalars.lookupOrDefault(op.getView()), indices, builder.getDenseI64ArrayAttr(dims),
                     table, op.getWithinAttr(), scalarsOf(op.getLow()), scalarsOf(op.getHigh()), ring, step, Value(),
                     Value(), op.getCertain());
  slots[op.getResult()] = cta::GetOp::create(builder, loc, slot, ring, step, nullptr, nullptr);
}

/// A tile that was copied to a slot, in registers.
void Distributor::readCopied(Value tile, const TileLayout &layout) {
  RankedTensorType type = cta::withLayout(cast<RankedTensorType>(tile.getType()), layout);
  keep(tile, cta::ReadOp::create(builder, tile.getLoc(), type, slots.lookup(tile), /*transposed=*/false));
}

/// Of an operand that goes through registers.
static void tellWhyNotCopied(Operation *load) {
  if (StringRef reason = whyNotCopied(load); !reason.empty())
    load->emitRemark("operand not copied ahead: ") << reason;
}

void Distributor::distributeLoad(tile::LoadOp load) {
  auto type = dyn_cast<RankedTensorType>(load.getResult().getType());
  if (!type) {
    builder.clone(*load, scalars);
    return;
  }
  Location loc = load.getLoc();
  Values indices = scalarsOf(load.getIndices());
  if (feedsOnlyDots(load))
    return copyToRing(load, bufferFor(load, plans), indices, load.getDims(), currentStep(loc), Value());
  const LineCopy line = copyOfLine(load, plans);
  if (line != LineCopy::None) { // as a tile of one row, of the dimension before
    const int64_t column = load.getDims()[0];
    copyToRing(load, cta::BufferType::getFor(1, type.getDimSize(0), type.getElementType()), indices,
               {column - 1, column}, currentStep(loc), Value());
    if (line == LineCopy::Once)
      readCopied(load.getResult(), *layouts.anchor(load.getResult()));
    return;
  }
  tellWhyNotCopied(load);
  if (isWholeView(load, plans))
    emitRemark(loc, "not copied ahead: a line is copied of a view of two dimensions or more");
  const TileLayout &layout = *layouts.anchor(load.getResult());
  if (isCopiedBytes(load, plans)) {
    auto slot = cta::BufferType::getFor(type.getDimSize(0), type.getDimSize(1), type.getElementType());
    copyToRing(load, slot, indices, load.getDims(), currentStep(loc), Value());
    return readCopied(load.getResult(), layout);
  }
  keep(load.getResult(),
       tile::LoadOp::create(builder, loc, cta::withLayout(type, layout), scalars.lookupOrDefault(load.getView()),
                            indices, load.getDimsAttr(), load.getWithinAttr(), scalarsOf(load.getLow()),
                            scalarsOf(load.getHigh()), load.getCertain()));
}

SmallVector<Value> Distributor::indicesOf(ValueRange olds, const TileLayout &layout) {
  return llvm::map_to_vector(olds, [&](Value old) {
    auto type = dyn_cast<RankedTensorType>(old.getType());
    return type ? inLayout(old, cta::narrowed(layout, type.getShape())) : scalars.lookupOrDefault(old);
  });
}

/// The table of a gather's rows as the threads need it that copy to `slot`, made before the loops that do not change
/// it.
Value Distributor::tableOf(tile::GatherOp gather, ArrayRef<int64_t> dims, ValueRange indices, cta::BufferType slot) {
  Value table = gather.getIndices()[dims[0]];
  CopyDeal deal = dealCopy(scalars.lookupOrDefault(gather.getView()), indices, dims, gather.getWithin(), slot,
                           int64_t(warps) * layout::kWarpThreads, /*hasTable=*/true);
  OpBuilder::InsertionGuard guard(builder);
  Operation *old = gather->getParentOp(), *now = builder.getInsertionBlock()->getParentOp();
  while (auto loop = dyn_cast<scf::ForOp>(old)) {
    if (!loop.isDefinedOutsideOfLoop(table))
      break;
    builder.setInsertionPoint(now);
    old = old->getParentOp(), now = now->getParentOp();
  }
  llvm::SaveAndRestore isTable(makesTable, true);
  return inLayout(table, deal.tableLayout(slot.getLayout(), warps));
}

/// A gather of rows that goes to shared memory: copied by the threads, started ahead as other copies are.
void Distributor::copyGather(tile::GatherOp gather, cta::BufferType slot) {
  Location loc = gather.getLoc();
  Value step = currentStep(loc);
  SmallVector<int64_t> dims{*gatheredRows(gather), gather.getDims()[1]};
  Values indices;
  for (auto [dim, index] : llvm::enumerate(gather.getIndices()))
    indices.push_back(int64_t(dim) == dims[0]
                          ? Value(arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0)))
                          : scalars.lookupOrDefault(index));
  copyToRing(gather, slot, indices, dims, step, tableOf(gather, dims, indices, slot));
}

void Distributor::distributeGather(tile::GatherOp gather) {
  if (feedsOnlyDots(gather))
    return copyGather(gather, bufferFor(gather, plans));
  tellWhyNotCopied(gather);
  const TileLayout &layout = *layouts.anchor(gather.getResult());
  if (isCopiedBytes(gather, plans)) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(gather.getResult().getType()).getShape();
    copyGather(gather, cta::BufferType::getFor(shape[0], shape[1], gather.getView().getType().getElementType()));
    return readCopied(gather.getResult(), layout);
  }
  RankedTensorType type = cta::withLayout(cast<RankedTensorType>(gather.getResult().getType()), layout);
  keep(gather.getResult(),
       tile::GatherOp::create(builder, gather.getLoc(), type, scalars.lookupOrDefault(gather.getView()),
                              indicesOf(gather.getIndices(), layout), gather.getDimsAttr(), gather.getWithinAttr(),
                              scalarsOf(gather.getLow()), scalarsOf(gather.getHigh()), gather.getCertain()));
}

void Distributor::distributeScatter(tile::ScatterOp scatter) {
  auto type = cast<RankedTensorType>(scatter.getValue().getType());
  const TileLayout *own = layouts.anchor(scatter.getValue());
  TileLayout layout = own ? *own : layouts.memoryLayout(type, accessAlignment(scatter.getView(), scatter.getIndices()));
  Value value = inLayout(scatter.getValue(), layout);
  tile::ScatterOp::create(builder, scatter.getLoc(), value, scalars.lookupOrDefault(scatter.getView()),
                          indicesOf(scatter.getIndices(), layout), scatter.getDimsAttr(), scatter.getWithinAttr(),
                          scalarsOf(scatter.getLow()), scalarsOf(scatter.getHigh()), scatter.getAdds());
}

/// True if a warp that adds what `layout` holds along `dim` side by side touches all of each piece of memory that it
/// touches.
bool Distributor::addsWholeSectors(Type element, const TileLayout &layout, unsigned dim) {
  constexpr unsigned kSectorBytes = 32;
  const unsigned each = tile::elementBytes(element), own = layout.contiguous(dim);
  if (target.memoryAddBytes(*dataTypeOf(element)) < own * each)
    return false;
  unsigned run = own;
  for (const layout::AtomBit &bit : layout.laneBits())
    if (bit.dim == dim && bit.step == run)
      run *= 2;
  return run * each >= kSectorBytes;
}

void Distributor::distributeStore(tile::StoreOp store) {
  Value value = store.getValue();
  if (auto type = dyn_cast<RankedTensorType>(value.getType())) {
    TileLayout wide = layouts.memoryLayout(type, accessAlignment(store.getView(), store.getIndices()));
    const TileLayout *own = layouts.anchor(value);
    // A tile whose rows lie in pieces is put together through shared memory, to be stored in wide pieces. Memory adds
    // piece by piece, however wide they are.
    unsigned last = type.getRank() - 1;
    bool scattered = own && type.getRank() == 2 && own->contiguous(last) < wide.contiguous(last) &&
                     !(store.getAdds() && addsWholeSectors(type.getElementType(), *own, last));
    value = inLayout(value, own && !scattered ? *own : wide);
  } else {
    value = scalars.lookupOrDefault(value);
  }
  tile::StoreOp::create(builder, store.getLoc(), value, scalars.lookupOrDefault(store.getView()),
                        scalarsOf(store.getIndices()), store.getDimsAttr(), store.getWithinAttr(),
                        scalarsOf(store.getLow()), scalarsOf(store.getHigh()), store.getAdds());
}
