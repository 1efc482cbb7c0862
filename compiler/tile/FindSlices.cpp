//===- FindSlices.cpp - The pass tile-find-slices -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads tiles of indices as linear forms: what steps by one along one dimension of the tile is a slice.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/LinearForms.h"
#include "compiler/tile/Passes.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_FINDSLICES
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

/// What a tile of indices adds to its step along one dimension of the tile, as an i32.
static Value emitStart(OpBuilder &b, Location loc, const LinearForm &form) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(value)));
  };
  Value sum = constant(form.constant);
  for (auto [scalar, factor] : form.scalars) {
    Value term = int32_t(factor) == 1 ? scalar : Value(arith::MulIOp::create(b, loc, scalar, constant(factor)));
    sum = arith::AddIOp::create(b, loc, term, sum);
  }
  return sum;
}

/// Whether dims[k] may become `dim`: what is not -1 stays increasing.
static bool keepsOrder(ArrayRef<int64_t> dims, unsigned k, int64_t dim) {
  for (auto [other, value] : llvm::enumerate(dims))
    if (value >= 0 && (other < k ? value >= dim : value <= dim))
      return false;
  return true;
}

/// Turns tiles of indices into starts of slices where they are that: `e + iota(N)`.
template <typename Access> static void findSlices(Access op) {
  OpBuilder b(op);
  LinearForms forms(LinearForms::Wrap::Modular);
  SmallVector<int64_t> dims(op.getDims());
  SmallVector<Value> indices(op.getIndices());
  for (auto [dim, index] : llvm::enumerate(indices)) {
    if (!isa<RankedTensorType>(index.getType()))
      continue;
    std::optional<LinearForm> form = forms.ofTile(index);
    if (!form || (form->row != 0 && form->col != 0) || form->row + form->col < 0 || form->row + form->col > 1)
      continue;
    if (form->row + form->col == 1) {
      unsigned k = form->row == 1 ? 0 : 1;
      if (dims[k] >= 0 || !keepsOrder(dims, k, dim))
        continue;
      dims[k] = dim;
    }
    index = emitStart(b, op.getLoc(), *form);
  }
  op.getIndicesMutable().assign(indices);
  op.setDims(dims);
}

template <typename Access> static bool isSlice(Access op) {
  return llvm::none_of(op.getDims(), [](int64_t dim) { return dim < 0; }) &&
         llvm::none_of(op.getIndices(), [](Value index) { return isa<RankedTensorType>(index.getType()); });
}

static void simplify(tile::GatherOp op) {
  findSlices(op);
  if (!isSlice(op))
    return;
  OpBuilder b(op);
  op.replaceAllUsesWith(
      Value(tile::LoadOp::create(b, op.getLoc(), op.getResult().getType(), op.getView(), op.getIndices(),
                                 op.getDimsAttr(), op.getWithinAttr(), op.getLow(), op.getHigh())));
  op.erase();
}

static void simplify(tile::ScatterOp op) {
  findSlices(op);
  if (!isSlice(op))
    return;
  OpBuilder b(op);
  tile::StoreOp::create(b, op.getLoc(), op.getValue(), op.getView(), op.getIndices(), op.getDimsAttr(),
                        op.getWithinAttr(), op.getLow(), op.getHigh(), op.getAdds());
  op.erase();
}

namespace {

struct FindSlices : imbrex::impl::FindSlicesBase<FindSlices> {
  void runOnOperation() override {
    getOperation().walk([](tile::GatherOp op) { simplify(op); });
    getOperation().walk([](tile::ScatterOp op) { simplify(op); });
  }
};

} // namespace
