//===- TileOps.cpp - Verifiers and folders of the tile operations ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each verifier cites the numbered constraint of TileOps.td that it checks.
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
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

/// Constraint (3) of all accesses.
static LogicalResult verifyElement(Operation *op, ViewType view, Type value) {
  if (getElementTypeOrSelf(value) == view.getElementType())
    return success();
  return op->emitOpError("(3) view of ") << view.getElementType() << ", but tile of " << getElementTypeOrSelf(value);
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
  return verifyElement(op, view, value);
}

LogicalResult imbrex::tile::verifyWithin(Operation *op, ViewType view, ArrayRef<int64_t> within, ValueRange low,
                                         ValueRange high) {
  bool isIncreasing = true;
  for (unsigned i = 0; i < within.size(); ++i)
    isIncreasing &= within[i] >= 0 && within[i] < view.getRank() && (i == 0 || within[i - 1] < within[i]);
  if (!isIncreasing || low.size() != within.size() || high.size() != within.size())
    return op->emitOpError("(4) 'within' names dimensions of the view, increasing, each with both bounds");
  return success();
}

LogicalResult LoadOp::verify() {
  if (failed(verifyAccess(*this, getView().getType(), getIndices(), getDims(), getResult().getType())))
    return failure();
  return verifyWithin(*this, getView().getType(), getWithin(), getLow(), getHigh());
}

/// Constraint `number`: what a store with `adds` adds to.
template <typename Access> static LogicalResult verifyAdds(Access op, int number) {
  ViewType view = op.getView().getType();
  if (!op.getAdds() || (view.getAccess() == ViewAccess::Var && canAdd(view.getElementType())))
    return success();
  return op.emitOpError("(") << number << ") 'adds' needs a 'var' view of f16, bf16, f32, f64, i32 or i64, found "
                             << view;
}

LogicalResult StoreOp::verify() {
  if (failed(verifyAccess(*this, getView().getType(), getIndices(), getDims(), getValue().getType())) ||
      failed(verifyWithin(*this, getView().getType(), getWithin(), getLow(), getHigh())))
    return failure();
  if (!getView().getType().getWritable())
    return emitOpError("(5) the view is not declared 'out' or 'var'");
  return verifyAdds(*this, 6);
}

/// Constraints (1) to (5) of gathers and scatters.
template <typename Access> static LogicalResult verifyGather(Access op, RankedTensorType tile) {
  ViewType view = op.getView().getType();
  ValueRange indices = op.getIndices();
  if (int64_t(indices.size()) != view.getRank() ||
      !llvm::all_of(indices, [](Value index) { return getElementTypeOrSelf(index).isInteger(32); }))
    return op.emitOpError("(1) expected ") << view.getRank() << " indices of i32";
  int64_t last = -1;
  bool areDims = int64_t(op.getDims().size()) == tile.getRank();
  for (int64_t dim : op.getDims()) {
    if (dim == -1)
      continue;
    areDims &= dim > last && dim < view.getRank() && !isa<RankedTensorType>(indices[dim].getType());
    last = dim;
  }
  if (!areDims)
    return op.emitOpError("(2) dims must be -1 or dimensions of the view with a scalar index, increasing, one a "
                          "dimension of the tile");
  if (failed(verifyElement(op, view, tile)))
    return failure();
  for (Value index : indices) {
    auto type = dyn_cast<RankedTensorType>(index.getType());
    bool repeats = !type || type.getRank() == tile.getRank();
    for (int64_t k = 0; type && repeats && k < tile.getRank(); ++k)
      repeats &= type.getDimSize(k) == 1 || type.getDimSize(k) == tile.getDimSize(k);
    if (!repeats)
      return op.emitOpError("(5) indices ") << type << " do not repeat to " << tile;
  }
  return verifyWithin(op, view, op.getWithin(), op.getLow(), op.getHigh());
}

LogicalResult GatherOp::verify() { return verifyGather(*this, cast<RankedTensorType>(getResult().getType())); }

LogicalResult ScatterOp::verify() {
  if (failed(verifyGather(*this, cast<RankedTensorType>(getValue().getType()))))
    return failure();
  if (!getView().getType().getWritable())
    return emitOpError("(6) the view is not declared 'out' or 'var'");
  return verifyAdds(*this, 7);
}

LogicalResult PageRowsOp::verify() {
  ViewType table = getTable().getType();
  if (table.getRank() != 2 || !table.getElementType().isInteger(32) || table.getWritable())
    return emitOpError("(1) expected a table of i32 of rank 2 that is not written, found ") << table;
  auto type = cast<RankedTensorType>(getType());
  if (type.getRank() != 2 || type.getDimSize(1) != 1 || !type.getElementType().isInteger(32))
    return emitOpError("(2) expected a column of i32, found ") << type;
  const int64_t run = getRun(), aligned = getAligned(), page = getPage();
  if (run < 1 || aligned < 1 || page < 1 || aligned % run != 0 || page % run != 0)
    return emitOpError("(3) expected a run of positions that divides pages of ")
           << page << " and " << aligned << ", found " << run;
  return success();
}

LogicalResult SubviewOp::verify() {
  ViewType source = getSource().getType(), part = getResult().getType();
  ArrayRef<int64_t> dims = getDims();
  if (int64_t(getStart().size()) != source.getRank())
    return emitOpError("(1) expected ") << source.getRank() << " starts, found " << getStart().size();
  bool areDims = !dims.empty() && dims.size() == getEnd().size();
  for (unsigned k = 0; k < dims.size(); ++k)
    areDims &= dims[k] >= 0 && dims[k] < source.getRank() && (k == 0 || dims[k - 1] < dims[k]);
  if (!areDims)
    return emitOpError("(2) dims must be increasing, below the source's rank, at least one, each with an end");
  bool follows = part.getElementType() == source.getElementType() && part.getAccess() == source.getAccess() &&
                 part.getRank() == int64_t(dims.size());
  for (unsigned k = 0; follows && k < dims.size(); ++k)
    follows = part.isDynamic(k) || part.getExtents()[k] == source.getExtents()[dims[k]];
  return follows ? success() : emitOpError("(3) ") << part << " is no part of " << source << " along these dims";
}

bool imbrex::tile::isMadeOfView(Value view) {
  return isa_and_nonnull<SubviewOp, PaddedOp, RaggedOp, PagedOp, ScaledOp>(view.getDefiningOp());
}

SmallVector<unsigned, 1> imbrex::tile::dimsOfOneIndex(Value view) {
  Operation *op = view.getDefiningOp();
  if (auto part = dyn_cast_or_null<SubviewOp>(op)) {
    SmallVector<unsigned, 1> ofPart, ofSource = dimsOfOneIndex(part.getSource());
    for (auto [k, dim] : llvm::enumerate(part.getDims()))
      if (llvm::is_contained(ofSource, dim))
        ofPart.push_back(unsigned(k));
    return ofPart;
  }
  if (auto scaled = dyn_cast_or_null<ScaledOp>(op))
    return dimsOfOneIndex(scaled.getStorage());
  if (auto padded = dyn_cast_or_null<PaddedOp>(op))
    return {padded.getAlong()};
  if (auto ragged = dyn_cast_or_null<RaggedOp>(op))
    return {ragged.getAlong()};
  if (auto paged = dyn_cast_or_null<PagedOp>(op))
    return {paged.getAlong()};
  return {};
}

/// True of a view of i32 of that rank.
static bool isTable(Value view, int64_t rank) {
  auto type = cast<ViewType>(view.getType());
  return type.getRank() == rank && type.getElementType().isInteger(32);
}

/// Constraints (1) to (3) of views with an extent that varies.
template <typename Op> static LogicalResult verifyVarying(Op op, Value lengths, bool keepsAlong) {
  ViewType storage = op.getStorage().getType(), result = op.getResult().getType();
  uint32_t dim = op.getDim(), along = op.getAlong();
  if (dim == along || dim >= result.getRank() || along >= result.getRank())
    return op.emitOpError("(1) dim ") << dim << " and along " << along << " must be two dimensions of " << result;
  if (!isTable(lengths, 1))
    return op.emitOpError("(2) expected a view of i32 of rank 1, found ") << lengths.getType();
  SmallVector<int64_t> extents(result.getExtents());
  if (!keepsAlong)
    extents.erase(extents.begin() + along);
  auto expected = ViewType::get(op.getContext(), extents, result.getElementType(), result.getAccess());
  if (storage != expected)
    return op.emitOpError("(3) expected a storage of ") << expected << ", found " << storage;
  return success();
}

LogicalResult PaddedOp::verify() { return verifyVarying(*this, getLengths(), /*keepsAlong=*/true); }

LogicalResult RaggedOp::verify() { return verifyVarying(*this, getOffsets(), /*keepsAlong=*/false); }

LogicalResult PagedOp::verify() {
  if (failed(verifyVarying(*this, getLengths(), /*keepsAlong=*/false)))
    return failure();
  if (!isTable(getTable(), 2) || getPage() < 1)
    return emitOpError("(4) expected a table of i32 of rank 2 and pages of at least 1");
  return success();
}

LogicalResult ScaledOp::verify() {
  ViewType storage = getStorage().getType(), result = getResult().getType();
  Type from = storage.getElementType(), to = result.getElementType();
  bool isWidened = (from.isInteger(8) || isF8(from) || from.isF16() || from.isBF16()) &&
                   (to.isF16() || to.isBF16() || to.isF32() || to.isF64());
  if (!isWidened || storage.getWritable() || storage.getExtents() != result.getExtents() ||
      storage.getAccess() != result.getAccess())
    return emitOpError("(1) ") << result << " is no scaled view of " << storage;
  ViewType scales = getScales().getType();
  ArrayRef<int64_t> over = getOver(), blocks = getBlocks();
  if (!scales.getElementType().isF32() || scales.getRank() != std::max<int64_t>(1, int64_t(over.size())))
    return emitOpError("(2) expected a view of f32 of rank ")
           << std::max<int64_t>(1, int64_t(over.size())) << ", found " << scales;
  bool areDims = over.size() == blocks.size();
  for (unsigned k = 0; areDims && k < over.size(); ++k)
    areDims = over[k] >= 0 && over[k] < result.getRank() && (k == 0 || over[k - 1] < over[k]) && blocks[k] >= 1;
  return areDims ? success() : emitOpError("(3) 'over' names dimensions, increasing, each with a block of at least 1");
}

LogicalResult LengthOp::verify() {
  Value view = getView();
  if (auto scaled = view.getDefiningOp<ScaledOp>())
    view = scaled.getStorage();
  bool varies = isa_and_nonnull<PaddedOp, RaggedOp, PagedOp>(view.getDefiningOp());
  return varies ? success() : emitOpError("(1) the view is not made by tile.padded, tile.ragged or tile.paged");
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

LogicalResult NarrowOp::verify() {
  Type from = getElementTypeOrSelf(getSource().getType()), to = getElementTypeOrSelf(getType());
  if (!from.isF32() || !isF8(to))
    return emitOpError("(1) ") << from << " to " << to;
  return success();
}

LogicalResult DotOp::verify() {
  auto a = cast<RankedTensorType>(getA().getType()), b = cast<RankedTensorType>(getB().getType());
  auto c = cast<RankedTensorType>(getType());
  if (a.getRank() != 2 || b.getRank() != 2 || c.getRank() != 2 || a.getDimSize(1) != b.getDimSize(0) ||
      a.getDimSize(0) != c.getDimSize(0) || b.getDimSize(1) != c.getDimSize(1))
    return emitOpError("(1) extents do not agree: ") << a << " times " << b << " into " << c;
  Type element = a.getElementType();
  bool narrow = isF8(element) || element.isF16() || element.isBF16() || element.isF32();
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

LogicalResult ScalarOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  if (source.getShape() != ArrayRef<int64_t>{1})
    return emitOpError("(1) expected a tile of one element and one dimension, found ") << source;
  if (source.getElementType() != getType())
    return emitOpError("(2) ") << getType() << " of a tile of " << source.getElementType();
  return success();
}

unsigned imbrex::tile::combinedDim(Operation *op) {
  assert(op->hasTrait<CombinesByFunction>() && "it has a dimension");
  return op->getAttrOfType<IntegerAttr>("dim").getInt();
}

LogicalResult imbrex::tile::verifyCombiner(Operation *op, ValueRange sources) {
  Block &body = op->getRegion(0).front();
  SmallVector<Type> once, twice;
  for (Value source : sources)
    once.push_back(getElementTypeOrSelf(source.getType()));
  twice = once;
  twice.append(once);
  auto yield = dyn_cast<YieldOp>(body.back());
  if (body.getArgumentTypes() != ArrayRef(twice) || !yield || yield.getOperandTypes() != ArrayRef(once))
    return op->emitOpError("(3) the function must take the tiles' element types twice, and give them once");
  for (Operation &inner : body.without_terminator()) {
    auto isScalar = [](Type type) { return type.isIntOrFloat(); };
    bool fits = isa<arith::ArithDialect, math::MathDialect>(inner.getDialect()) && inner.getNumRegions() == 0 &&
                llvm::all_of(inner.getOperandTypes(), isScalar) && llvm::all_of(inner.getResultTypes(), isScalar);
    if (!fits)
      return op->emitOpError("(4) '") << inner.getName() << "' is not arithmetic on scalars";
  }
  return success();
}

/// Constraints (1) and (2); `shapeOf` makes a result's type of a source's.
static LogicalResult verifyCombined(Operation *op, ValueRange sources, unsigned dim,
                                    llvm::function_ref<RankedTensorType(RankedTensorType)> typeOf) {
  if (sources.empty() || op->getNumResults() != sources.size())
    return op->emitOpError("(2) expected one result a tile, and at least one");
  auto first = cast<RankedTensorType>(sources.front().getType());
  for (Value source : sources)
    if (cast<RankedTensorType>(source.getType()).getShape() != first.getShape() || dim >= first.getRank())
      return op->emitOpError("(1) expected tiles of one shape with a dimension ") << dim;
  for (auto [source, result] : llvm::zip(sources, op->getResults())) {
    auto expected = typeOf(cast<RankedTensorType>(source.getType())), found = cast<RankedTensorType>(result.getType());
    if (found.getShape() != expected.getShape() || found.getElementType() != expected.getElementType())
      return op->emitOpError("(2) ") << found << " cannot come of " << source.getType();
  }
  return verifyCombiner(op, sources);
}

LogicalResult CombineOp::verify() {
  return verifyCombined(*this, getSources(), getDim(), [&](RankedTensorType type) {
    SmallVector<int64_t> shape(type.getShape());
    shape.erase(shape.begin() + getDim());
    return type.clone(shape);
  });
}

LogicalResult ScanOp::verify() {
  return verifyCombined(*this, getSources(), getDim(), [](RankedTensorType type) { return type; });
}

LogicalResult YieldOp::verify() {
  if (!(*this)->getParentOp()->hasTrait<CombinesByFunction>())
    return emitOpError("(1) expected to end the function of a tile.combine or tile.scan");
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
