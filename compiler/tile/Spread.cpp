//===- Spread.cpp - Tiles that repeat a smaller value ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walking the chain of splat, expand_dims and broadcast from a tile to its core, and back.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/Spread.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

/// The operation of the chain that made `value`, or null.
static Operation *linkOf(Value value) {
  Operation *op = value.getDefiningOp();
  return isa_and_nonnull<tile::BroadcastOp, tile::ExpandDimsOp, tile::SplatOp>(op) ? op : nullptr;
}

static int64_t elementsOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.getNumElements() : 1;
}

Value imbrex::coreOf(Value value) {
  while (Operation *link = linkOf(value))
    value = link->getOperand(0);
  return value;
}

bool imbrex::isSpread(Value tile) { return elementsOf(coreOf(tile).getType()) < elementsOf(tile.getType()); }

Value imbrex::spreadLike(OpBuilder &b, Location loc, Value core, Value like) {
  SmallVector<Operation *> chain;
  for (Value value = like; Operation *link = linkOf(value); value = link->getOperand(0))
    chain.push_back(link);
  Type element = getElementTypeOrSelf(core.getType());
  for (Operation *link : llvm::reverse(chain)) {
    RankedTensorType type = cast<RankedTensorType>(link->getResult(0).getType()).clone(element);
    if (isa<tile::SplatOp>(link))
      core = tile::SplatOp::create(b, loc, type, core);
    else if (auto expand = dyn_cast<tile::ExpandDimsOp>(link))
      core = tile::ExpandDimsOp::create(b, loc, type, core, expand.getDim());
    else
      core = tile::BroadcastOp::create(b, loc, type, core);
  }
  return core;
}

bool imbrex::spreadAlike(Value x, Value y) {
  auto shapeOf = [](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return type ? type.getShape() : ArrayRef<int64_t>();
  };
  Operation *xLink = linkOf(x), *yLink = linkOf(y);
  for (; xLink && yLink; xLink = linkOf(x), yLink = linkOf(y)) {
    if (xLink->getName() != yLink->getName() || xLink->getAttrs() != yLink->getAttrs() || shapeOf(x) != shapeOf(y))
      return false;
    x = xLink->getOperand(0), y = yLink->getOperand(0);
  }
  return !xLink && !yLink && shapeOf(x) == shapeOf(y) &&
         isa<RankedTensorType>(x.getType()) == isa<RankedTensorType>(y.getType());
}

std::optional<APFloat> imbrex::constantFloat(Value value) {
  Value core = coreOf(value);
  FloatAttr number;
  if (matchPattern(core, m_Constant(&number)))
    return number.getValue();
  DenseFPElementsAttr elements;
  if (matchPattern(core, m_Constant(&elements)) && elements.isSplat())
    return elements.getSplatValue<APFloat>();
  return std::nullopt;
}

Value imbrex::floatConstant(OpBuilder &b, Location loc, Type type, double value) {
  TypedAttr number = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    number = SplatElementsAttr::get(tensor, Attribute(number));
  return arith::ConstantOp::create(b, loc, number);
}

bool imbrex::isUniform(Value value) {
  return !isa<RankedTensorType>(coreOf(value).getType()) || constantFloat(value).has_value();
}

Value imbrex::uniformScalar(OpBuilder &b, Location loc, Value value) {
  Value core = coreOf(value);
  if (!isa<RankedTensorType>(core.getType()))
    return core;
  std::optional<APFloat> number = constantFloat(value);
  if (!number)
    return {};
  Type element = getElementTypeOrSelf(value.getType());
  return arith::ConstantOp::create(b, loc, FloatAttr::get(element, *number));
}

Value imbrex::splatTo(OpBuilder &b, Location loc, Value scalar, Type type) {
  if (scalar.getType() == type)
    return scalar;
  return tile::SplatOp::create(b, loc, cast<RankedTensorType>(type), scalar);
}

bool imbrex::isFloatElementwise(Operation *op) {
  auto isFloats = [](Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); };
  return op->getNumResults() == 1 && op->getNumOperands() > 0 && isa<RankedTensorType>(op->getResult(0).getType()) &&
         OpTrait::hasElementwiseMappableTraits(op) && llvm::all_of(op->getOperandTypes(), isFloats) &&
         isFloats(op->getResult(0).getType());
}
