//===- InsideAccesses.cpp - Accesses that a loop's range puts inside ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An index is read modulo 2^32, and is the number that its form is: that is not negative, and below the extent.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/InsideAccesses.h"
#include "compiler/tile/ScalarSigns.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace imbrex;

/// What is written for an extent of an argument of the kernel; null if nothing is.
static Attribute writtenExtent(Value view, int64_t dim) {
  auto argument = dyn_cast<BlockArgument>(view);
  auto kernel = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp();
  if (!kernel)
    return {};
  auto extents = kernel.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), tile::kExtentsAttr);
  return extents ? extents[dim] : Attribute();
}

static bool isExtent(Value scalar, Value view, int64_t dim) {
  auto extent = scalar.getDefiningOp<tile::ExtentOp>();
  if (!extent)
    return false;
  if (extent.getView() == view && int64_t(extent.getDim()) == dim)
    return true;
  Attribute written = writtenExtent(view, dim);
  return written && written == writtenExtent(extent.getView(), extent.getDim());
}

static bool isNonNegative(const LinearForm &form) {
  return form.constant >= 0 && llvm::all_of(form.scalars, [](const auto &entry) {
           return entry.second >= 0 && isNonNegativeScalar(entry.first);
         });
}

/// True if `comparison` <= 0 gives end <= the view's extent along `dim`.
static bool bounds(const LinearForm &comparison, const LinearForm &end, Value view, int64_t dim) {
  for (const auto &[scalar, factor] : comparison.scalars) {
    if (factor != -1 || !isExtent(scalar, view, dim))
      continue;
    LinearForm extent;
    extent.scalars[scalar] = 1;
    std::optional<LinearForm> beyond = end.plus(extent, -1);
    std::optional<LinearForm> more = beyond ? beyond->plus(comparison, -1) : std::nullopt;
    if (more && more->isConstant() && more->constant <= 0)
      return true;
  }
  return false;
}

/// Calls visit(access, type of its tile) for each load and store of a tile in the loop's body, in order.
static void forEachAccess(scf::ForOp loop, auto visit) {
  for (Operation &op : *loop.getBody())
    llvm::TypeSwitch<Operation *>(&op).Case<tile::LoadOp, tile::StoreOp>([&](auto access) {
      Type tile;
      if constexpr (std::is_same_v<decltype(access), tile::LoadOp>)
        tile = access.getResult().getType();
      else
        tile = access.getValue().getType();
      if (auto type = dyn_cast<RankedTensorType>(tile))
        visit(access, type);
    });
}

SmallVector<InsideAccess> imbrex::findInsideAccesses(scf::ForOp loop, ArrayRef<LinearForm> comparisons) {
  SmallVector<InsideAccess> found;
  LinearForms forms(LinearForms::Wrap::Modular);
  unsigned count = 0;
  forEachAccess(loop, [&](auto access, RankedTensorType type) {
    InsideAccess inside{count++, {}};
    if (!access.getWithin().empty())
      return;
    for (auto [k, dim] : llvm::enumerate(access.getDims())) {
      std::optional<LinearForm> end = forms.ofScalar(access.getIndices()[dim]);
      if (!end || !isNonNegative(*end))
        continue;
      end->constant += type.getDimSize(k);
      if (llvm::any_of(comparisons, [&, dim = dim](const LinearForm &comparison) {
            return bounds(comparison, *end, access.getView(), dim);
          }))
        inside.dims.push_back(dim);
    }
    if (!inside.dims.empty())
      found.push_back(std::move(inside));
  });
  return found;
}

template <typename Access> static void markAccess(Access access, RankedTensorType type, ArrayRef<int64_t> dims) {
  OpBuilder b(access);
  SmallVector<Value> low, high;
  for (int64_t dim : dims) {
    const int64_t *k = llvm::find(access.getDims(), dim);
    Value size = arith::ConstantOp::create(b, access.getLoc(),
                                           b.getI32IntegerAttr(int32_t(type.getDimSize(k - access.getDims().begin()))));
    low.push_back(access.getIndices()[dim]);
    high.push_back(
        arith::AddIOp::create(b, access.getLoc(), low.back(), size, arith::IntegerOverflowFlags::nsw).getResult());
  }
  access.setWithin(dims);
  access.getLowMutable().assign(low);
  access.getHighMutable().assign(high);
  access.setCertain(true);
}

void imbrex::markInside(scf::ForOp range, ArrayRef<InsideAccess> accesses) {
  unsigned count = 0;
  forEachAccess(range, [&](auto access, RankedTensorType type) {
    const InsideAccess *inside =
        llvm::find_if(accesses, [&](const InsideAccess &each) { return each.number == count; });
    if (inside != accesses.end())
      markAccess(access, type, inside->dims);
    ++count;
  });
}
