//===- AlgebraDamages.cpp - Wrong arithmetic ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Damages behind the passes that rewrite arithmetic, and behind MLIR's own.
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "tests/conformance/random/PassDamages.h"

using namespace imbrex;
using namespace imbrex::test;
namespace arith = mlir::arith;
namespace scf = mlir::scf;

/// Products that the pass has made give their left factor.
static void forgetFactor(mlir::ModuleOp module, IsNew isNew) {
  module.walk([&](arith::MulFOp product) {
    if (isNew(product))
      product.replaceAllUsesWith(product.getLhs());
  });
}

/// Factors that the pass has made of several are twice as large: constants that bound nothing.
static void doubleConstants(mlir::ModuleOp module, IsNew isNew) {
  module.walk([&](arith::ConstantOp constant) {
    auto bounds = [](mlir::Operation *user) { return mlir::isa<arith::MaxNumFOp, arith::MinNumFOp>(user); };
    mlir::FloatAttr value;
    if (auto tile = mlir::dyn_cast<mlir::SplatElementsAttr>(constant.getValue()))
      value = mlir::dyn_cast<mlir::FloatAttr>(tile.getSplatValue<mlir::Attribute>());
    else
      value = mlir::dyn_cast<mlir::FloatAttr>(constant.getValue());
    if (!value || !isNew(constant) || llvm::any_of(constant->getUsers(), bounds))
      return;
    auto twice = mlir::FloatAttr::get(value.getType(), 2 * value.getValueAsDouble());
    auto tile = mlir::dyn_cast<mlir::RankedTensorType>(constant.getType());
    constant.setValueAttr(tile ? mlir::TypedAttr(mlir::SplatElementsAttr::get(tile, mlir::Attribute(twice))) : twice);
  });
}

static void squareReciprocal(mlir::ModuleOp module, IsNew isNew) {
  module.walk([&](arith::DivFOp reciprocal) {
    if (isNew(reciprocal))
      reciprocal.getLhsMutable().assign(reciprocal.getRhs());
  });
}

/// A factor that the pass has widened is zero.
static void loseFactor(mlir::ModuleOp module, IsNew isNew) {
  module.walk([&](arith::ExtFOp wide) {
    if (!isNew(wide))
      return;
    mlir::OpBuilder b(wide);
    wide.replaceAllUsesWith(arith::ConstantOp::create(b, wide.getLoc(), b.getZeroAttr(wide.getType())).getResult());
  });
}

/// Adds 1 to the last integer constant, scalar or of a tile, that arithmetic uses.
static void spoilIntegerConstant(mlir::ModuleOp module, IsNew) {
  arith::ConstantOp last;
  module.walk([&](arith::ConstantOp constant) {
    if (constant.getType().isInteger(32) && llvm::any_of(constant->getUsers(), [](mlir::Operation *user) {
          return mlir::isa<arith::AddIOp, arith::MulIOp, arith::CmpIOp>(user);
        }))
      last = constant;
  });
  if (last)
    last.setValueAttr(
        mlir::IntegerAttr::get(last.getType(), mlir::cast<mlir::IntegerAttr>(last.getValue()).getInt() + 1));
}

static void confuseComparisons(mlir::ModuleOp module, IsNew) {
  arith::CmpIOp first;
  module.walk([&](arith::CmpIOp cmp) {
    if (first && cmp.getType() == first.getType() && cmp->getBlock() == first->getBlock())
      cmp.replaceAllUsesWith(first.getResult());
    else
      first = cmp;
  });
}

static void useFirstIteration(mlir::ModuleOp module, IsNew) {
  module.walk([&](scf::ForOp loop) {
    mlir::Value first = loop.getLowerBound();
    for (mlir::OpOperand &use : llvm::make_early_inc_range(loop.getInductionVar().getUses()))
      if (mlir::isa<arith::MulIOp>(use.getOwner()))
        use.set(first);
  });
}

static void spoilCoefficient(mlir::ModuleOp module, IsNew) {
  module.walk([&](mlir::math::FmaOp fma) {
    mlir::DenseFPElementsAttr value;
    auto constant = fma.getC().getDefiningOp<arith::ConstantOp>();
    if (!constant || !mlir::matchPattern(fma.getC(), mlir::m_Constant(&value)) || !value.isSplat())
      return;
    double wrong = value.getSplatValue<llvm::APFloat>().convertToDouble() * 1.01;
    auto type = mlir::cast<mlir::RankedTensorType>(constant.getType());
    constant.setValueAttr(
        mlir::SplatElementsAttr::get(type, mlir::Attribute(mlir::FloatAttr::get(type.getElementType(), wrong))));
  });
}

static void roundDown(mlir::ModuleOp module, IsNew) {
  module.walk([&](arith::SelectOp select) {
    if (!mlir::getElementTypeOrSelf(select).isInteger(32))
      return;
    if (select.getTrueValue().getDefiningOp<arith::AddIOp>() && select.getFalseValue().getDefiningOp<arith::DivSIOp>())
      select.replaceAllUsesWith(select.getFalseValue());
  });
}

llvm::ArrayRef<PassDamage> imbrex::test::algebraDamages() {
  static constexpr PassDamage kDamages[] = {
      {"tile-widen-products", "a factor lost", loseFactor},
      {"tile-simplify", "a factor forgotten", forgetFactor},
      {"tile-simplify", "a divisor taken for its reciprocal", squareReciprocal},
      {"tile-defer-scales", "a scale forgotten", forgetFactor},
      {"tile-fold-scales", "a constant doubled", doubleConstants},
      {"tile-lag-maxima", "sums not multiplied behind the loop", forgetFactor},
      {"canonicalize", "a constant off by one", spoilIntegerConstant},
      {"cse", "one comparison taken for another", confuseComparisons},
      {"tile-hoist-invariants", "a value of the first iteration", useFirstIteration},
      {"tile-expand-math", "a coefficient wrong by a hundredth", spoilCoefficient},
      {"tile-expand-math", "cdiv rounded down", roundDown},
  };
  return kDamages;
}
