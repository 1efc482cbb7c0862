//===- ResolveViews.cpp - The pass tile-resolve-views ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Accesses to parts of views become accesses to what the parts are of, one part after another: starts are added to
// indices, ranges become bounds.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/NarrowAccess.h"
#include "compiler/tile/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/Pass.h"
#include "llvm/ADT/TypeSwitch.h"

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

static Value toI64(OpBuilder &b, Location loc, Value x) { return arith::ExtSIOp::create(b, loc, b.getI64Type(), x); }

/// An i64 as an i32, as near as that comes to it; not below `least`.
static Value toI32(OpBuilder &b, Location loc, Value x, int64_t least) {
  auto constant = [&](int64_t value) -> Value { return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)); };
  x = arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, x, constant(least)), constant(INT32_MAX));
  return arith::TruncIOp::create(b, loc, b.getI32Type(), x);
}

/// start + bound, as near as i32 comes to it.
static Value addBound(OpBuilder &b, Location loc, Value start, Value bound) {
  if (matchPattern(start, m_Zero()))
    return bound;
  return toI32(b, loc, arith::AddIOp::create(b, loc, toI64(b, loc, start), toI64(b, loc, bound)), INT32_MIN);
}

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
  SmallVector<Value> indices(part.getStart()), low(op.getLow()), high(op.getHigh());
  SmallVector<int64_t> dims, within(op.getWithin());
  for (auto [index, dim] : llvm::zip(op.getIndices(), part.getDims()))
    indices[dim] = addIndices(b, loc, index, part.getStart()[dim]);
  for (int64_t dim : op.getDims())
    dims.push_back(dim < 0 ? dim : part.getDims()[dim]);
  op.getViewMutable().assign(part.getSource());
  op.getIndicesMutable().assign(indices);
  op.setDims(dims);
  op.setWithin({});
  op.getLowMutable().clear();
  op.getHighMutable().clear();
  for (auto [k, dim] : llvm::enumerate(part.getDims()))
    if (!isWhole(part, k))
      narrowAccess(op, dim, part.getStart()[dim], part.getEnd()[k]);
  for (auto [k, from, to] : llvm::zip(within, low, high)) {
    Value start = part.getStart()[part.getDims()[k]];
    narrowAccess(op, part.getDims()[k], addBound(b, loc, start, from), addBound(b, loc, start, to));
  }
}

static void accessSource(tile::ExtentOp op, tile::SubviewOp part) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  Value start = part.getStart()[part.getDims()[op.getDim()]], end = part.getEnd()[op.getDim()], extent;
  if (matchPattern(start, m_Zero()))
    extent = arith::MaxSIOp::create(b, loc, end, arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0)));
  else
    extent = toI32(b, loc, arith::SubIOp::create(b, loc, toI64(b, loc, end), toI64(b, loc, start)), 0);
  op.replaceAllUsesWith(extent);
  op.erase();
}

/// A subview of a subview stays one; its own accesses come first to it, then to its source.
static void resolve(tile::SubviewOp part) {
  for (Operation *user : llvm::make_early_inc_range(part->getUsers()))
    llvm::TypeSwitch<Operation *>(user)
        .Case<tile::LoadOp, tile::StoreOp, tile::GatherOp, tile::ScatterOp, tile::ExtentOp>(
            [&](auto op) { accessSource(op, part); });
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
