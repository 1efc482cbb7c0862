//===- ResolveViews.cpp - The pass tile-resolve-views ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Accesses to parts of views become accesses to what the parts are of, one part after another: starts are added to
// indices, ranges become bounds.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_RESOLVEVIEWS
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

/// x + y in i32, of scalars or of a tile and a scalar.
static Value addIndices(OpBuilder &b, Location loc, Value x, Value y) {
  if (matchPattern(y, m_Zero()))
    return x;
  if (matchPattern(x, m_Zero()))
    return y;
  if (isa<RankedTensorType>(x.getType()))
    y = tile::SplatOp::create(b, loc, x.getType(), y);
  return arith::AddIOp::create(b, loc, x, y);
}

/// start + bound, as near as i32 comes to it.
static Value addBound(OpBuilder &b, Location loc, Value start, Value bound) {
  if (matchPattern(start, m_Zero()))
    return bound;
  Type i64 = b.getI64Type();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(i64, value));
  };
  Value sum = arith::AddIOp::create(b, loc, arith::ExtSIOp::create(b, loc, i64, start),
                                    arith::ExtSIOp::create(b, loc, i64, bound));
  sum = arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, sum, constant(INT32_MIN)), constant(INT32_MAX));
  return arith::TruncIOp::create(b, loc, b.getI32Type(), sum);
}

namespace {

/// Bounds by dimension of a view.
class Bounds {
public:
  void narrow(OpBuilder &b, Location loc, int64_t dim, Value low, Value high) {
    auto [it, isNew] = bounds.try_emplace(dim, low, high);
    if (isNew)
      return;
    it->second.first = arith::MaxSIOp::create(b, loc, it->second.first, low);
    it->second.second = arith::MinSIOp::create(b, loc, it->second.second, high);
  }

  template <typename Access> void writeTo(Access op) const {
    SmallVector<int64_t> within;
    SmallVector<Value> low, high;
    for (const auto &[dim, pair] : bounds) {
      within.push_back(dim);
      low.push_back(pair.first);
      high.push_back(pair.second);
    }
    op.setWithin(within);
    op.getLowMutable().assign(low);
    op.getHighMutable().assign(high);
  }

private:
  std::map<int64_t, std::pair<Value, Value>> bounds;
};

} // namespace

/// True where the part has all of the source along its k-th dimension.
static bool isWhole(tile::SubviewOp part, unsigned k) {
  unsigned dim = part.getDims()[k];
  auto extent = part.getEnd()[k].getDefiningOp<tile::ExtentOp>();
  APInt end;
  tile::ViewType source = part.getSource().getType();
  bool endsThere = (extent && extent.getView() == part.getSource() && extent.getDim() == dim) ||
                   (!source.isDynamic(dim) && matchPattern(part.getEnd()[k], m_ConstantInt(&end)) &&
                    end.getSExtValue() >= source.getExtents()[dim]);
  return endsThere && matchPattern(part.getStart()[dim], m_Zero());
}

/// An access to a part, as one to the part's source.
template <typename Access> static void accessSource(Access op, tile::SubviewOp part) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  SmallVector<Value> indices(part.getStart());
  Bounds bounds;
  for (auto [k, dim] : llvm::enumerate(part.getDims())) {
    indices[dim] = addIndices(b, loc, op.getIndices()[k], part.getStart()[dim]);
    if (!isWhole(part, k))
      bounds.narrow(b, loc, dim, part.getStart()[dim], part.getEnd()[k]);
    if (auto [low, high] = tile::boundsWithin(op, k); low)
      bounds.narrow(b, loc, dim, addBound(b, loc, part.getStart()[dim], low),
                    addBound(b, loc, part.getStart()[dim], high));
  }
  SmallVector<int64_t> dims;
  for (int64_t dim : op.getDims())
    dims.push_back(dim < 0 ? dim : part.getDims()[dim]);
  op.getViewMutable().assign(part.getSource());
  op.getIndicesMutable().assign(indices);
  op.setDims(dims);
  bounds.writeTo(op);
}

static void accessSource(tile::ExtentOp op, tile::SubviewOp part) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  Value start = part.getStart()[part.getDims()[op.getDim()]], end = part.getEnd()[op.getDim()];
  if (!matchPattern(start, m_Zero()))
    end = arith::SubIOp::create(b, loc, end, start);
  Value zero = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  op.replaceAllUsesWith(Value(arith::MaxSIOp::create(b, loc, end, zero)));
  op.erase();
}

/// A subview of a subview stays one; its own accesses come first to it, then to its source.
static void resolve(tile::SubviewOp part) {
  for (Operation *user : llvm::make_early_inc_range(part->getUsers())) {
    if (auto load = dyn_cast<tile::LoadOp>(user))
      accessSource(load, part);
    else if (auto store = dyn_cast<tile::StoreOp>(user))
      accessSource(store, part);
    else if (auto gather = dyn_cast<tile::GatherOp>(user))
      accessSource(gather, part);
    else if (auto scatter = dyn_cast<tile::ScatterOp>(user))
      accessSource(scatter, part);
    else if (auto extent = dyn_cast<tile::ExtentOp>(user))
      accessSource(extent, part);
  }
  if (part->use_empty())
    part.erase();
}

namespace {

struct ResolveViews : imbrex::impl::ResolveViewsBase<ResolveViews> {
  void runOnOperation() override {
    SmallVector<tile::SubviewOp> parts;
    getOperation().walk([&](tile::SubviewOp part) { parts.push_back(part); });
    for (tile::SubviewOp part : llvm::reverse(parts)) // those of a part before the part
      resolve(part);
  }
};

} // namespace
