//===- SpreadAnew.cpp - Tiles made again, spread over threads otherwise ---===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operands are followed back; what several use is made again once.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/SpreadAnew.h"
#include "compiler/cta/Movable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <vector>

using namespace mlir;
using namespace imbrex;
using layout::TileLayout;

bool imbrex::canBeSpreadAnew(Operation *op) {
  if (isa<tile::PageRowsOp>(op)) // its table is an input
    return true;
  if (op->getNumResults() != 1 || !isa<RankedTensorType>(op->getResult(0).getType()) || !isRepeatable(op))
    return false;
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return isa<SplatElementsAttr>(constant.getValue());
  return isa<tile::LoadOp, tile::GatherOp, tile::SplatOp, tile::IotaOp, tile::ExpandDimsOp>(op) ||
         op->hasTrait<OpTrait::Elementwise>();
}

/// How an operand of `op` is spread if its result is as `layout` spreads it.
static TileLayout ofOperand(Operation *op, RankedTensorType operand, const TileLayout &layout) {
  if (auto expand = dyn_cast<tile::ExpandDimsOp>(op))
    return layout.slice(unsigned(expand.getDim()));
  if (isa<tile::IntervalOp>(op))
    return layout.slice(1);
  if (isa<tile::TransposeOp>(op))
    return layout.transposed();
  const bool isWhole = operand.getShape() == cast<RankedTensorType>(op->getResult(0).getType()).getShape();
  return isWhole ? layout : cta::narrowed(layout, operand.getShape());
}

Value imbrex::makeSpread(OpBuilder &b, Operation *op, const TileLayout &layout, OperandMaker make) {
  OperationState state(op->getLoc(), op->getName());
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    std::optional<TileLayout> spread;
    if (type)
      spread = ofOperand(op, type, layout);
    state.addOperands(make(operand, spread ? &*spread : nullptr));
  }
  RankedTensorType type = cta::withLayout(cast<RankedTensorType>(op->getResult(0).getType()), layout);
  state.addTypes(type);
  state.addAttributes(op->getAttrs());
  Operation *made = b.create(state);
  if (auto constant = dyn_cast<arith::ConstantOp>(made))
    constant.setValueAttr(cast<SplatElementsAttr>(constant.getValue()).resizeSplat(type));
  return made->getResult(0);
}

namespace {

class Spreader {
public:
  Value make(Value value, const TileLayout &layout);

private:
  struct Made {
    Value from;
    TileLayout layout;
    Value again;
  };
  std::vector<Made> made;
};

} // namespace

Value Spreader::make(Value value, const TileLayout &layout) {
  for (const Made &known : made)
    if (known.from == value && known.layout == layout)
      return known.again;
  Operation *op = value.getDefiningOp();
  OpBuilder b(op->getContext());
  b.setInsertionPointAfter(op); // behind its operands, too, wherever those are made again
  Value again = makeSpread(b, op, layout, [&](Value operand, const TileLayout *spread) {
    return spread ? make(operand, *spread) : operand;
  });
  made.push_back({value, layout, again});
  return again;
}

Value imbrex::spreadAnew(Value table, const TileLayout &layout) { return Spreader().make(table, layout); }
