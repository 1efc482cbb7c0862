//===- WidenProducts.cpp - Products of 8-bit floats by f16 ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass tile-widen-products. Left alone: kernels without a target, and those whose target has a unit that multiplies
// 8-bit floats.
//
//===----------------------------------------------------------------------===//

#include "compiler/Target.h"
#include "compiler/tile/Passes.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_WIDENPRODUCTS
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

static Value widened(OpBuilder &b, Value factor) {
  auto type = cast<RankedTensorType>(factor.getType());
  return arith::ExtFOp::create(b, factor.getLoc(), type.clone(b.getF16Type()), factor);
}

namespace {

struct WidenProducts : imbrex::impl::WidenProductsBase<WidenProducts> {
  void runOnOperation() override {
    tile::RequestAttr request = tile::requestOf(getOperation());
    std::optional<Target> target = request ? Target::parse(request.getTarget().str()) : std::nullopt;
    if (!target || target->hasF8Unit())
      return;
    getOperation().walk([](tile::DotOp dot) {
      if (!tile::isF8(getElementTypeOrSelf(dot.getA().getType())))
        return;
      OpBuilder b(dot);
      dot.getAMutable().assign(widened(b, dot.getA()));
      dot.getBMutable().assign(widened(b, dot.getB()));
    });
  }
};

} // namespace
