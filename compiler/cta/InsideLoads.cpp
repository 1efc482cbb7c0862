//===- InsideLoads.cpp - Loads that a loop's range puts inside ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An index is read modulo 2^32, and is the number that its form is: that is not negative, and below the extent.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/InsideLoads.h"
#include "compiler/tile/ScalarSigns.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

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

SmallVector<InsideLoad> imbrex::findInsideLoads(scf::ForOp loop, ArrayRef<LinearForm> comparisons) {
  SmallVector<InsideLoad> found;
  LinearForms forms(LinearForms::Wrap::Modular);
  for (auto [number, load] : llvm::enumerate(loop.getBody()->getOps<tile::LoadOp>())) {
    auto type = dyn_cast<RankedTensorType>(load.getResult().getType());
    if (!type || !load.getWithin().empty())
      continue;
    InsideLoad inside{unsigned(number), {}};
    for (auto [k, dim] : llvm::enumerate(load.getDims())) {
      std::optional<LinearForm> end = forms.ofScalar(load.getIndices()[dim]);
      if (!end || !isNonNegative(*end))
        continue;
      end->constant += type.getDimSize(k);
      if (llvm::any_of(comparisons, [&, dim = dim](const LinearForm &comparison) {
            return bounds(comparison, *end, load.getView(), dim);
          }))
        inside.dims.push_back(dim);
    }
    if (!inside.dims.empty())
      found.push_back(std::move(inside));
  }
  return found;
}

void imbrex::markInside(scf::ForOp range, ArrayRef<InsideLoad> loads) {
  SmallVector<tile::LoadOp> all(range.getBody()->getOps<tile::LoadOp>());
  for (const InsideLoad &inside : loads) {
    tile::LoadOp load = all[inside.number];
    OpBuilder b(load);
    auto type = cast<RankedTensorType>(load.getResult().getType());
    SmallVector<Value> low, high;
    for (int64_t dim : inside.dims) {
      const int64_t *k = llvm::find(load.getDims(), dim);
      Value size = arith::ConstantOp::create(b, load.getLoc(),
                                             b.getI32IntegerAttr(int32_t(type.getDimSize(k - load.getDims().begin()))));
      low.push_back(load.getIndices()[dim]);
      high.push_back(
          arith::AddIOp::create(b, load.getLoc(), low.back(), size, arith::IntegerOverflowFlags::nsw).getResult());
    }
    load.setWithin(inside.dims);
    load.getLowMutable().assign(low);
    load.getHighMutable().assign(high);
    load.setCertain(true);
  }
}
