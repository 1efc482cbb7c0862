//===- CtaMemoryOps.cpp - Verifiers of the operations on buffers ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each verifier cites the numbered constraint of CtaMemoryOps.td that it checks.
//
//===----------------------------------------------------------------------===//

#include "dialects/cta/CtaDialect.h"
#include "dialects/layout/Access.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace imbrex;
using namespace imbrex::cta;

/// True if a tile of `shape` can lie in `buffer`, seen transposed or not.
static bool fits(ArrayRef<int64_t> shape, BufferType buffer, bool transposed) {
  if (shape.size() == 1)
    return buffer.getRows() == 1 && shape[0] == buffer.getColumns() && !transposed;
  if (shape.size() != 2)
    return false;
  int64_t rows = shape[transposed ? 1 : 0], columns = shape[transposed ? 0 : 1];
  return rows == buffer.getRows() && columns == buffer.getColumns();
}

LogicalResult imbrex::cta::verifyPlace(Operation *op, std::optional<int64_t> offset, BufferType slot) {
  int64_t alignment = slot.getLayout().alignment();
  if (offset && (*offset < 0 || *offset % alignment != 0))
    return op->emitOpError("(1) expected 'at' to be a multiple of ") << alignment << ", found " << *offset;
  return success();
}

LogicalResult AllocOp::verify() { return verifyPlace(*this, getOffset(), getType()); }

bool imbrex::cta::isReadByLdmatrix(ReadOp read) {
  auto type = cast<RankedTensorType>(read.getResult().getType());
  return !type.getElementType().isInteger(1) &&
         layout::isLdmatrixOperand(layoutOf(type), type.getShape(), read.getBuffer().getType().getLayout(),
                                   read.getTransposed());
}

bool imbrex::cta::isWrittenByStmatrix(WriteOp write) {
  constexpr unsigned kBytes = 2; // of an element
  auto type = cast<RankedTensorType>(write.getValue().getType());
  const layout::TileLayout &layout = layoutOf(type);
  const layout::SharedLayout shared = write.getBuffer().getType().getLayout();
  // What a layout covers beyond the tile would be written too, over zeros.
  return shared.elementBytes() == kBytes && ArrayRef(layout.shape()) == type.getShape() &&
         layout::isLdmatrixOperand(layout, type.getShape(), shared, /*transposed=*/false);
}

LogicalResult ReadOp::verify() {
  RankedTensorType type = cast<RankedTensorType>(getResult().getType());
  if (!fits(type.getShape(), getBuffer().getType(), getTransposed()))
    return emitOpError("(1) tile ") << type << " does not lie in " << getBuffer().getType();
  if (type.getElementType() != getBuffer().getType().getElementType())
    return emitOpError("(2) expected the buffer's element type");
  return success();
}

LogicalResult RestageOp::verify() {
  BufferType from = getSource().getType(), to = getTarget().getType();
  const bool isF32 = from.getElementType().isF32();
  if (getStraight()) {
    if (from != to)
      return emitOpError("(1) expected a target of the source's type");
    return isF32 && !getPairs() ? success() : emitOpError("(2) straight, expected elements of f32 in their own order");
  }
  if (getSource() == getTarget())
    return emitOpError("(1) expected another buffer");
  if (from.getRows() != to.getColumns() || from.getColumns() != to.getRows())
    return emitOpError("(1) expected a target of ")
           << from.getColumns() << " rows and " << from.getRows() << " columns";
  if (from.getElementType() != to.getElementType() || (from.getElementBytes() != 1 && !isF32))
    return emitOpError("(2) expected elements of 8 bits or f32, the same in both");
  const layout::SharedLayout source = from.getLayout(), target = to.getLayout();
  const unsigned bytes = from.getElementBytes();
  const int64_t along = llvm::alignTo(from.getRows(), layout::mmaDepth(bytes)), across = target.paddedRows();
  return source.paddedRows() >= along && target.paddedColumns() >= along && source.paddedColumns() >= across &&
                 across % blockRows(bytes) == 0
             ? success()
             : emitOpError("(3) expected ")
                   << along << " elements along K stored in both, and blocks of " << blockRows(bytes)
                   << " rows in the target, of which the source has columns";
}

LogicalResult ClearOp::verify() {
  return getResult().getType() == getBuffer().getType() ? success() : emitOpError("(1) expected the buffer's type");
}

LogicalResult TensorMapOp::verify() {
  constexpr int64_t kMostDims = 5, kLongestBox = 256; // CUDA Driver API, "cuTensorMapEncodeTiled"
  tile::ViewType view = getView().getType();
  ArrayRef<int64_t> box = getBox();
  if (int64_t(box.size()) != view.getRank() || view.getRank() < 1 || view.getRank() > kMostDims ||
      llvm::any_of(box, [](int64_t extent) { return extent < 1 || extent > kLongestBox; }))
    return emitOpError("(1) expected an extent from 1 to ")
           << kLongestBox << " for each of 1 to " << kMostDims << " dimensions";
  const int64_t bytes = box.back() * tile::elementBytes(view.getElementType());
  const unsigned none = layout::SharedLayout::kNoSwizzle;
  bool isSpan = getSpan() == 32 || getSpan() == 64 || getSpan() == 128;
  if (getSpan() == none ? bytes % none != 0 : !isSpan || bytes != getSpan())
    return emitOpError("(2) expected rows of a span of 32, 64 or 128 bytes, or of pieces of 16, found a span of ")
           << getSpan();
  return success();
}

bool imbrex::cta::isMapOfPanels(Value map, Value view, ArrayRef<int64_t> dims, const layout::SharedLayout &layout,
                                int64_t rows) {
  auto op = map.getDefiningOp<TensorMapOp>();
  if (!op || op.getView() != view || op.getSpan() != layout.boxSpan())
    return false;
  return llvm::all_of(llvm::enumerate(op.getBox()), [&](auto each) {
    const int64_t dim = each.index();
    return each.value() == (dim == dims[0] ? rows : dim == dims[1] ? layout.boxColumns() : 1);
  });
}

LogicalResult SendOp::verify() {
  BufferType buffer = getBuffer().getType();
  auto copied = RankedTensorType::get({buffer.getRows(), buffer.getColumns()}, buffer.getElementType());
  if (failed(tile::verifyAccess(*this, getView().getType(), getIndices(), getDims(), copied)))
    return failure();
  if (getView().getType().getAccess() != tile::ViewAccess::Out)
    return emitOpError("(2) the view is not declared 'out'");
  return isMapOfPanels(getMap(), getView(), getDims(), buffer.getLayout(), buffer.getRows())
             ? success()
             : emitOpError("(3) expected a map of the view with a panel of the buffer as its box");
}

LogicalResult WriteOp::verify() {
  RankedTensorType type = cast<RankedTensorType>(getValue().getType());
  if (!fits(type.getShape(), getBuffer().getType(), /*transposed=*/false))
    return emitOpError("(1) tile ") << type << " does not lie in " << getBuffer().getType();
  if (type.getElementType() != getBuffer().getType().getElementType())
    return emitOpError("(2) expected the buffer's element type");
  return success();
}
