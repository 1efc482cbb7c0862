//===- Instances.cpp - tile.program_id, cta.instances ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which instance of the grid a CTA is, or goes through next.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/Lowering.h"

using namespace mlir;
using namespace imbrex;

/// Of C CTAs that stay, number c goes through instances c, c + C ..: numbers stay below 2^32, as a grid has at most
/// 2^31 - 1 instances, and no more CTAs.
static Value instanceCount(Lowering &l) {
  Type type = l.b.getI32Type();
  Value all = l.mul(l.mul(l.foldedExtents[0], l.foldedExtents[1]), l.foldedExtents[2]);
  Value first = NVVM::BlockIdXOp::create(l.b, l.loc, type), ctas = NVVM::GridDimXOp::create(l.b, l.loc, type);
  Value left = LLVM::UDivOp::create(l.b, l.loc, l.sub(l.add(l.sub(all, first), ctas), l.i32(1)), ctas);
  return l.select(LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::ult, first, all), left, l.i32(0));
}

/// The position along `axis` of an instance whose number is x + X (y + Y z): KernelInterface::foldedGrid.
static Value foldedProgramId(Lowering &l, unsigned axis, Value turn) {
  Type type = l.b.getI32Type();
  Value index = NVVM::BlockIdXOp::create(l.b, l.loc, type);
  if (turn)
    index = l.add(index, l.mul(l.scalarOf(turn), NVVM::GridDimXOp::create(l.b, l.loc, type)));
  for (unsigned below = 0; below < axis; ++below)
    index = LLVM::UDivOp::create(l.b, l.loc, index, l.foldedExtents[below]);
  return axis == 2 ? index : Value(LLVM::URemOp::create(l.b, l.loc, index, l.foldedExtents[axis]));
}

/// The position that is as far from the end of its axis as `position` is from the beginning.
static Value fromTheEnd(Lowering &l, Value extent, Value position) {
  auto flags = LLVM::IntegerOverflowFlags::nsw | LLVM::IntegerOverflowFlags::nuw;
  Value last = LLVM::SubOp::create(l.b, l.loc, extent, l.i32(1), flags);
  return LLVM::SubOp::create(l.b, l.loc, last, position, flags);
}

static Value programId(Lowering &l, tile::ProgramIdOp id) {
  Type type = l.b.getI32Type();
  const unsigned axis = id.getAxis();
  const bool fromLast = axis == 0 && tile::requestOf(id->getParentOfType<func::FuncOp>()).getDescending();
  if (!l.foldedExtents.empty()) {
    Value position = foldedProgramId(l, axis, id.getTurn());
    return fromLast ? fromTheEnd(l, l.foldedExtents[0], position) : position;
  }
  if (fromLast)
    return fromTheEnd(l, NVVM::GridDimXOp::create(l.b, l.loc, type), NVVM::BlockIdXOp::create(l.b, l.loc, type));
  if (axis == 0)
    return NVVM::BlockIdXOp::create(l.b, l.loc, type);
  if (axis == 1)
    return NVVM::BlockIdYOp::create(l.b, l.loc, type);
  return NVVM::BlockIdZOp::create(l.b, l.loc, type);
}

Lowered imbrex::lowerInstances(Lowering &l, Operation *op) {
  if (auto id = dyn_cast<tile::ProgramIdOp>(op))
    l.define(id.getResult(), {programId(l, id)});
  else if (auto instances = dyn_cast<cta::InstancesOp>(op))
    l.define(instances.getResult(), {instanceCount(l)});
  else
    return std::nullopt;
  return success();
}
