//===- TileOps.cpp - Verifiers and folders of the tile operations ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each verifier cites the numbered constraint of TileOps.td that it checks.
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace imbrex::tile;

#define GET_OP_CLASSES
#include "dialects/tile/TileOps.cpp.inc"

LogicalResult ExtentOp::verify() {
  if (getDim() >= getView().getType().getRank())
    return emitOpError("(1) dimension ") << getDim() << " of a view of rank " << getView().getType().getRank();
  return success();
}

OpFoldResult ExtentOp::fold(FoldAdaptor) {
  ViewType view = getView().getType();
  if (view.isDynamic(getDim()))
    return {};
  return IntegerAttr::get(getType(), view.getExtents()[getDim()]);
}

/// Constraints (1) to (3) of loads and stores.
LogicalResult imbrex::tile::verifyAccess(Operation *op, ViewType view, ValueRange indices, ArrayRef<int64_t> dims,
                                         Type value) {
  if (int64_t(indices.size()) != view.getRank())
    return op->emitOpError("(1) expected ") << view.getRank() << " indices, found " << indices.size();
  auto tensor = dyn_cast<RankedTensorType>(value);
  bool inRange = llvm::all_of(dims, [&](int64_t dim) { return dim >= 0 && dim < view.getRank(); });
  bool increasing = true;
  for (unsigned i = 1; i < dims.size(); ++i)
    increasing &= dims[i - 1] < dims[i];
  if (!inRange || !increasing || int64_t(dims.size()) != (tensor ? tensor.getRank() : 0))
    return op->emitOpError("(2) dims must be increasing, below the view's rank, one a dimension of the tile");
  if (getElementTypeOrSelf(value) != view.getElementType())
    return op->emitOpError("(3) view of ") << view.getElementType() << ", but tile of " << getElementTypeOrSelf(value);
  return success();
}

LogicalResult imbrex::tile::verifyWithin(Operation *op, ArrayRef<int64_t> dims, std::optional<uint32_t> within,
                                         Value low, Value high) {
  if (within.has_value() != bool(low) || within.has_value() != bool(high))
    return op->emitOpError("(4) 'within' needs a dimension and both bounds");
  if (within && !llvm::is_contained(dims, int64_t(*within)))
    return op->emitOpError("(4) 'within' names dimension ") << *within << ", which is not in dims";
  return success();
}

LogicalResult LoadOp::verify() {
  if (failed(verifyAccess(*this, getView().getType(), getIndices(), getDims(), getResult().getType())))
    return failure();
  return verifyWithin(*this, getDims(), getWithinDim(), getWithinLow(), getWithinHigh());
}

LogicalResult StoreOp::verify() {
  if (failed(verifyAccess(*this, getView().getType(), getIndices(), getDims(), getValue().getType())))
    return failure();
  if (!getView().getType().getWritable())
    return emitOpError("(4) the view is not declared 'out'");
  return success();
}

LogicalResult SplatOp::verify() {
  if (getScalar().getType() != getElementTypeOrSelf(getResult().getType()))
    return emitOpError("(1) scalar of ") << getScalar().getType() << " into a tile of "
                                         << getElementTypeOrSelf(getResult().getType());
  return success();
}

OpFoldResult SplatOp::fold(FoldAdaptor adaptor) {
  Attribute scalar = adaptor.getScalar();
  auto type = cast<RankedTensorType>(getType());
  return scalar ? OpFoldResult(SplatElementsAttr::get(type, scalar)) : OpFoldResult();
}

LogicalResult IotaOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  if (type.getRank() != 1 || !type.getElementType().isInteger(32))
    return emitOpError("(1) expected one dimension of i32, found ") << type;
  return success();
}

LogicalResult ExpandDimsOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType()), result = cast<RankedTensorType>(getType());
  SmallVector<int64_t> shape(source.getShape());
  if (getDim() <= shape.size())
    shape.insert(shape.begin() + getDim(), 1);
  if (result.getShape() != ArrayRef(shape) || source.getElementType() != result.getElementType())
    return emitOpError("(1) ") << result << " is not " << source << " with a 1 inserted at " << getDim();
  return success();
}

LogicalResult BroadcastOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType()), result = cast<RankedTensorType>(getType());
  if (source.getRank() != result.getRank() || source.getElementType() != result.getElementType())
    return emitOpError("(1) expected the same rank and element type");
  for (auto [from, to] : llvm::zip(source.getShape(), result.getShape()))
    if (from != 1 && from != to)
      return emitOpError("(2) extent ") << from << " does not repeat to " << to;
  return success();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getSource().getType() == getType())
    return getSource();
  if (auto splat = dyn_cast_or_null<SplatElementsAttr>(adaptor.getSource()))
    return SplatElementsAttr::get(cast<RankedTensorType>(getType()), splat.getSplatValue<Attribute>());
  return {};
}

LogicalResult TransposeOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType()), result = cast<RankedTensorType>(getType());
  if (source.getRank() != 2 || result.getRank() != 2 || source.getElementType() != result.getElementType() ||
      source.getDimSize(0) != result.getDimSize(1) || source.getDimSize(1) != result.getDimSize(0))
    return emitOpError("(1) ") << result << " is not the transpose of " << source;
  return success();
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (auto inner = getSource().getDefiningOp<TransposeOp>(); inner && inner.getSource().getType() == getType())
    return inner.getSource();
  return {};
}

LogicalResult DotOp::verify() {
  auto a = cast<RankedTensorType>(getA().getType()), b = cast<RankedTensorType>(getB().getType());
  auto c = cast<RankedTensorType>(getType());
  if (a.getRank() != 2 || b.getRank() != 2 || c.getRank() != 2 || a.getDimSize(1) != b.getDimSize(0) ||
      a.getDimSize(0) != c.getDimSize(0) || b.getDimSize(1) != c.getDimSize(1))
    return emitOpError("(1) extents do not agree: ") << a << " times " << b << " into " << c;
  Type element = a.getElementType();
  bool narrow = element.isF16() || element.isBF16() || element.isF32();
  bool fits = (narrow && c.getElementType().isF32()) || (element.isF64() && c.getElementType().isF64()) ||
              (element.isInteger(8) && c.getElementType().isInteger(32));
  if (element != b.getElementType() || !fits)
    return emitOpError("(2) ") << element << " times " << b.getElementType() << " into " << c.getElementType();
  if (getMode() != DotMode::Ieee && !element.isF32())
    return emitOpError("(3) mode ") << stringifyDotMode(getMode()) << " of " << element;
  return success();
}

LogicalResult ReduceOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType()), result = cast<RankedTensorType>(getType());
  if (getDim() >= source.getRank())
    return emitOpError("(1) dimension ") << getDim() << " of a tile of rank " << source.getRank();
  SmallVector<int64_t> shape(source.getShape());
  shape.erase(shape.begin() + getDim());
  if (result.getShape() != ArrayRef(shape) || source.getElementType() != result.getElementType())
    return emitOpError("(2) ") << result << " is not " << source << " without dimension " << getDim();
  return success();
}

LogicalResult IntervalOp::verify() {
  auto low = cast<RankedTensorType>(getLow().getType()), result = cast<RankedTensorType>(getType());
  if (result.getRank() != 2 || !result.getElementType().isInteger(1))
    return emitOpError("(1) expected a rank-2 tile of i1, found ") << result;
  if (low.getRank() != 1 || !low.getElementType().isInteger(32) || low.getDimSize(0) != result.getDimSize(0))
    return emitOpError("(2) expected one i32 a row of ") << result << ", found " << low;
  return success();
}

LogicalResult RequireOp::verify() {
  if (isa<scf::SCFDialect>((*this)->getParentOp()->getDialect()))
    return emitOpError("(1) expected to stand in the body of the kernel");
  return success();
}

LogicalResult VisibleOp::verify() {
  auto mask = cast<RankedTensorType>(getMask().getType());
  if (mask.getRank() != 2 || !mask.getElementType().isInteger(1))
    return emitOpError("(1) expected a rank-2 tile of i1, found ") << mask;
  if (!isa<scf::ForOp>((*this)->getParentOp()))
    return emitOpError("(2) expected to stand directly in the body of an scf.for");
  return success();
}
