//===- CopiedTable.cpp - Tables of rows, spread over other threads --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operands are followed back; what several use is made again once.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/CopiedTable.h"
#include "compiler/cta/Movable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include <vector>

using namespace mlir;
using namespace imbrex;

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

namespace {

class Spreader {
public:
  Value make(Value value, const layout::TileLayout &layout);

private:
  struct Made {
    Value from;
    layout::TileLayout layout;
    Value again;
  };
  std::vector<Made> made;
};

} // namespace

/// How an operand of `op` is spread if its result is as `layout` spreads it.
static layout::TileLayout ofOperand(Operation *op, RankedTensorType operand, const layout::TileLayout &layout) {
  if (auto expand = dyn_cast<tile::ExpandDimsOp>(op))
    return layout.slice(unsigned(expand.getDim()));
  return cta::narrowed(layout, operand.getShape());
}

Value Spreader::make(Value value, const layout::TileLayout &layout) {
  for (const Made &known : made)
    if (known.from == value && known.layout == layout)
      return known.again;
  Operation *op = value.getDefiningOp();
  IRMapping map;
  for (Value operand : op->getOperands())
    if (auto type = dyn_cast<RankedTensorType>(operand.getType()))
      map.map(operand, make(operand, ofOperand(op, type, layout)));
  OpBuilder b(op->getContext());
  b.setInsertionPointAfter(op);
  Operation *again = b.clone(*op, map);
  RankedTensorType type = cta::withLayout(cast<RankedTensorType>(value.getType()), layout);
  again->getResult(0).setType(type);
  if (auto constant = dyn_cast<arith::ConstantOp>(again))
    constant.setValueAttr(cast<SplatElementsAttr>(constant.getValue()).resizeSplat(type));
  made.push_back({value, layout, again->getResult(0)});
  return again->getResult(0);
}

Value imbrex::spreadAnew(Value table, const layout::TileLayout &layout) { return Spreader().make(table, layout); }
