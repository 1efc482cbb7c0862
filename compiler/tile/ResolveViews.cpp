//===- ResolveViews.cpp - The pass tile-resolve-views ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Accesses to parts of views become accesses to what the parts are of, one part after another: starts are added to
// indices, ranges become bounds. A sequence of a padded or ragged view is a part of its storage; of a paged view,
// each page is (VaryingViews.h). What is scaled is loaded and multiplied (ScaledViews.h).
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/IndexArithmetic.h"
#include "compiler/tile/NarrowAccess.h"
#include "compiler/tile/Passes.h"
#include "compiler/tile/ScaledViews.h"
#include "compiler/tile/VaryingViews.h"
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
    extent = subtractBound(b, loc, end, start, 0);
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
    SmallVector<Operation *> views;
    getOperation().walk([&](Operation *op) {
      if (op->getNumResults() == 1 && tile::isMadeOfView(op->getResult(0)))
        views.push_back(op);
    });
    for (Operation *view : llvm::reverse(views)) // those made of a view before the view
      if (auto part = dyn_cast<tile::SubviewOp>(view))
        resolve(part);
      else if (auto scaled = dyn_cast<tile::ScaledOp>(view))
        resolveScaled(scaled);
      else
        for (tile::SubviewOp sequence : resolveVarying(view))
          resolve(sequence);
  }
};

} // namespace
