//===- ScaledViews.cpp - Views of elements times scales -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A load becomes one of the elements as they lie, widened and multiplied by scales, which are read with as few loads as
// the access allows: one where all its elements share a scale, else a row or a column of them. Outside of what an
// access may see elements are zero, and so are scales, so that what lies there, NaN too, spoils nothing:
//
//     load of rows [e, e + 64) with 128 rows a block, e a multiple of 64:   one scale, of block e / 128
//     load of rows [e, e + 64), any e:                                      64 scales, of blocks (e + iota(64)) / 128
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/ScaledViews.h"
#include "compiler/tile/IndexArithmetic.h"
#include "compiler/tile/LinearForms.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace imbrex;

namespace {

/// One access to a scaled view.
template <typename Access> class ScaledAccess {
public:
  ScaledAccess(Access op, tile::ScaledOp view) : op(op), view(view), b(op), loc(op.getLoc()) {}
  void resolve();

private:
  Value loadStorage();
  Value widen(Value elements, Type to);
  Value loadScales();
  Value blockOf(unsigned k);
  Value divide(Value index, int64_t block);
  void addBounds(unsigned k);
  Value lengthOf(int64_t dim);
  Value spread(Value scales, Type element);

  int64_t rank() { return tileType() ? tileType().getRank() : 0; }
  RankedTensorType tileType() { return dyn_cast<RankedTensorType>(op.getResult().getType()); }
  Type like(Type element) { return tileType() ? Type(tileType().clone(element)) : element; }

  Access op;
  tile::ScaledOp view;
  OpBuilder b;
  Location loc;
  SmallVector<int64_t> within; ///< what the access to the scales has within
  SmallVector<Value> low, high;
};

Value i32(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(value)));
}

} // namespace

/// The access to the elements as they lie, with all that it has within.
template <typename Access> Value ScaledAccess<Access>::loadStorage() {
  Type element = view.getStorage().getType().getElementType();
  return Access::create(b, loc, like(element), view.getStorage(), op.getIndices(), op.getDimsAttr(), op.getWithinAttr(),
                        op.getLow(), op.getHigh());
}

template <typename Access> Value ScaledAccess<Access>::widen(Value elements, Type to) {
  if (getElementTypeOrSelf(elements.getType()).isInteger())
    return arith::SIToFPOp::create(b, loc, like(to), elements);
  return arith::ExtFOp::create(b, loc, like(to), elements);
}

/// index / block, of scalars or tiles; an index below zero becomes one past all blocks.
template <typename Access> Value ScaledAccess<Access>::divide(Value index, int64_t block) {
  if (block == 1)
    return index;
  Value size = i32(b, loc, block);
  if (auto type = dyn_cast<RankedTensorType>(index.getType()))
    size = tile::SplatOp::create(b, loc, type, size);
  return arith::DivUIOp::create(b, loc, index, size);
}

/// The index of the scales along their k-th dimension: a scalar, or a tile of the access's rank.
template <typename Access> Value ScaledAccess<Access>::blockOf(unsigned k) {
  int64_t dim = view.getOver()[k], block = view.getBlocks()[k];
  Value index = op.getIndices()[dim];
  const int64_t *entry = llvm::find(op.getDims(), dim);
  if (entry == op.getDims().end())
    return divide(index, block);
  unsigned at = entry - op.getDims().begin();
  int64_t n = tileType().getDimSize(at);
  std::optional<LinearForm> start = LinearForms().ofScalar(index);
  bool isInBlock = block % n == 0 && start && start->constant % n == 0 &&
                   llvm::all_of(start->scalars, [&](const auto &entry) { return entry.second % n == 0; });
  if (isInBlock)
    return divide(index, block);
  Value positions = tile::IotaOp::create(b, loc, RankedTensorType::get({n}, b.getI32Type()));
  if (rank() == 2) {
    SmallVector<int64_t> shape{1, 1};
    shape[at] = n;
    positions =
        tile::ExpandDimsOp::create(b, loc, RankedTensorType::get(shape, b.getI32Type()), positions, 1 - at).getResult();
  }
  return divide(addIndices(b, loc, positions, index), block);
}

/// How far the storage reaches along `dim`, for the access's index.
template <typename Access> Value ScaledAccess<Access>::lengthOf(int64_t dim) {
  Operation *storage = view.getStorage().getDefiningOp();
  if (isa_and_nonnull<tile::PaddedOp, tile::RaggedOp, tile::PagedOp>(storage) &&
      storage->getAttrOfType<IntegerAttr>("dim").getInt() == dim)
    return tile::LengthOp::create(b, loc, view.getStorage(),
                                  op.getIndices()[storage->getAttrOfType<IntegerAttr>("along").getInt()]);
  return tile::ExtentOp::create(b, loc, view.getStorage(), dim);
}

/// Blocks without a position that the access may see are outside.
template <typename Access> void ScaledAccess<Access>::addBounds(unsigned k) {
  int64_t dim = view.getOver()[k], block = view.getBlocks()[k];
  Value zero = i32(b, loc, 0);
  auto [from, upTo] = tile::boundsWithin(op.getWithin(), op.getLow(), op.getHigh(), dim);
  Value end = lengthOf(dim), begin = from ? Value(arith::MaxSIOp::create(b, loc, from, zero)) : zero;
  if (upTo)
    end = arith::MinSIOp::create(b, loc, end, upTo);
  if (block > 1) { // the last block begins below the end: no sum wraps
    Value last = divide(
        arith::SubIOp::create(b, loc, arith::MaxSIOp::create(b, loc, end, i32(b, loc, 1)), i32(b, loc, 1)), block);
    Value after = arith::AddIOp::create(b, loc, last, i32(b, loc, 1));
    Value isAny = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, end, zero);
    end = arith::SelectOp::create(b, loc, isAny, after, zero);
    begin = divide(begin, block);
  }
  within.push_back(k);
  low.push_back(begin);
  high.push_back(end);
}

/// A scalar, or a tile of the access's rank that repeats to its shape.
template <typename Access> Value ScaledAccess<Access>::loadScales() {
  SmallVector<Value> indices;
  SmallVector<int64_t> shape(rank(), 1);
  bool isGathered = false;
  for (unsigned k = 0; k < view.getOver().size(); ++k) {
    indices.push_back(blockOf(k));
    addBounds(k);
    auto type = dyn_cast<RankedTensorType>(indices.back().getType());
    isGathered |= bool(type);
    for (int64_t i = 0; type && i < rank(); ++i)
      shape[i] = std::max(shape[i], type.getDimSize(i));
  }
  if (indices.empty())
    indices.push_back(i32(b, loc, 0));
  Type f32 = b.getF32Type();
  DenseI64ArrayAttr withinAttr = b.getDenseI64ArrayAttr(within);
  if (!isGathered)
    return tile::LoadOp::create(b, loc, f32, view.getScales(), indices, b.getDenseI64ArrayAttr({}), withinAttr, low,
                                high);
  SmallVector<int64_t> dims(rank(), -1);
  return tile::GatherOp::create(b, loc, RankedTensorType::get(shape, f32), view.getScales(), indices,
                                b.getDenseI64ArrayAttr(dims), withinAttr, low, high);
}

/// Scales of f32 as a tile of the access's shape of f32 or f64, or as a scalar.
template <typename Access> Value ScaledAccess<Access>::spread(Value scales, Type element) {
  auto type = dyn_cast<RankedTensorType>(scales.getType());
  if (element.isF64())
    scales = arith::ExtFOp::create(b, loc, type ? Type(type.clone(element)) : element, scales);
  if (!tileType())
    return scales;
  auto whole = cast<RankedTensorType>(like(element));
  if (!type)
    return tile::SplatOp::create(b, loc, whole, scales);
  return scales.getType() == whole ? scales : Value(tile::BroadcastOp::create(b, loc, whole, scales));
}

template <typename Access> void ScaledAccess<Access>::resolve() {
  Type element = view.getResult().getType().getElementType();
  Type computed = element.isF64() ? element : b.getF32Type();
  Value elements = widen(loadStorage(), computed);
  Value product = arith::MulFOp::create(b, loc, elements, spread(loadScales(), computed));
  if (computed != element)
    product = arith::TruncFOp::create(b, loc, like(element), product);
  op.getResult().replaceAllUsesWith(product);
  op.erase();
}

void imbrex::resolveScaled(tile::ScaledOp view) {
  for (Operation *user : llvm::make_early_inc_range(view->getUsers())) {
    if (auto load = dyn_cast<tile::LoadOp>(user))
      ScaledAccess(load, view).resolve();
    else if (auto gather = dyn_cast<tile::GatherOp>(user))
      ScaledAccess(gather, view).resolve();
    else // tile.extent, tile.length
      user->replaceUsesOfWith(view.getResult(), view.getStorage());
  }
  if (view->use_empty())
    view.erase();
}
