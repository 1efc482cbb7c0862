//===- Shape.cpp - Making and spreading tiles -----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// splat, iota, expand_dims, broadcast and transpose only rename registers.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/Lowering.h"

using namespace mlir;
using namespace imbrex;
using layout::Coord;
using layout::TileLayout;

static void lowerIota(Lowering &l, tile::IotaOp op) {
  const TileLayout &layout = cta::layoutOf(op.getResult().getType());
  Value base = l.threadCoordinate(layout, 0);
  Values registers;
  for (unsigned reg = 0, e = layout.registersPerThread(); reg < e; ++reg) {
    unsigned step = layout.registerCoord(reg)[0];
    registers.push_back(
        step == 0 ? base
                  : Value(LLVM::AddOp::create(l.b, l.loc, base, l.i32(step),
                                              LLVM::IntegerOverflowFlags::nsw | LLVM::IntegerOverflowFlags::nuw)));
  }
  l.define(op.getResult(), registers);
}

/// Each register of `result` is the register of `source` at the coordinate that `project` makes of its own.
static LogicalResult rename(Lowering &l, Value source, Value result, llvm::function_ref<Coord(Coord)> project) {
  const TileLayout &to = cta::layoutOf(result.getType());
  auto numbers = registerNumbers(cta::layoutOf(source.getType()));
  const Values &from = l.registersOf(source);
  Values registers;
  for (unsigned reg = 0, e = to.registersPerThread(); reg < e; ++reg) {
    auto found = numbers.find(project(to.registerCoord(reg)));
    if (found == numbers.end())
      return emitError(l.loc, "the source's layout is not the projection of the result's");
    registers.push_back(from[found->second]);
  }
  l.define(result, registers);
  return success();
}

Coord imbrex::narrowed(Coord coord, ArrayRef<int64_t> shape) {
  for (unsigned dim = 0; dim < shape.size(); ++dim)
    if (shape[dim] == 1)
      coord[dim] = 0;
  return coord;
}

Lowered imbrex::lowerShape(Lowering &l, Operation *op) {
  if (auto splat = dyn_cast<tile::SplatOp>(op)) {
    unsigned count = cta::layoutOf(splat.getResult().getType()).registersPerThread();
    l.define(splat.getResult(), Values(count, l.scalarOf(splat.getScalar())));
    return success();
  }
  if (auto scalar = dyn_cast<tile::ScalarOp>(op)) {
    l.define(scalar.getResult(), {l.registersOf(scalar.getSource()).front()});
    return success();
  }
  if (auto iota = dyn_cast<tile::IotaOp>(op)) {
    lowerIota(l, iota);
    return success();
  }
  if (auto expand = dyn_cast<tile::ExpandDimsOp>(op)) {
    return rename(l, expand.getSource(), expand.getResult(), [&](Coord coord) {
      coord.erase(coord.begin() + expand.getDim());
      return coord;
    });
  }
  if (auto broadcast = dyn_cast<tile::BroadcastOp>(op)) {
    auto shape = cast<RankedTensorType>(broadcast.getSource().getType()).getShape();
    return rename(l, broadcast.getSource(), broadcast.getResult(), [&](Coord coord) { return narrowed(coord, shape); });
  }
  if (auto transpose = dyn_cast<tile::TransposeOp>(op)) {
    return rename(l, transpose.getSource(), transpose.getResult(), [](Coord coord) {
      std::swap(coord[0], coord[1]);
      return coord;
    });
  }
  return std::nullopt;
}
