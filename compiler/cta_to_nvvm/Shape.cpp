//===- Shape.cpp - Making, spreading and reducing tiles -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// splat, iota, expand_dims, broadcast and transpose only rename registers; a reduction combines the
// registers of a thread, then its neighbours' by shuffles.
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
  for (unsigned reg = 0, e = layout.registersPerThread(); reg < e; ++reg)
    registers.push_back(l.addConstant(base, layout.registerCoord(reg)[0]));
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

/// The value that lane (lane ^ mask) has. 64-bit values travel in halves, small ones in an i32.
static Value shuffle(Lowering &l, Value value, unsigned mask) {
  OpBuilder &b = l.b;
  Type type = value.getType();
  unsigned width = type.getIntOrFloatBitWidth();
  auto shuffle32 = [&](Value word) -> Value {
    return l.callIntrinsic(b.getI32Type(), "llvm.nvvm.shfl.sync.bfly.i32", {l.i32(-1), word, l.i32(mask), l.i32(31)});
  };
  if (type.isF32())
    return l.callIntrinsic(type, "llvm.nvvm.shfl.sync.bfly.f32", {l.i32(-1), value, l.i32(mask), l.i32(31)});
  Type integer = b.getIntegerType(width);
  Value bits = type == integer ? value : Value(LLVM::BitcastOp::create(b, l.loc, integer, value));
  if (width <= 32) {
    if (width < 32)
      bits = LLVM::ZExtOp::create(b, l.loc, b.getI32Type(), bits);
    bits = shuffle32(bits);
    if (width < 32)
      bits = LLVM::TruncOp::create(b, l.loc, integer, bits);
  } else {
    Type pair = VectorType::get({2}, b.getI32Type());
    Value halves = LLVM::BitcastOp::create(b, l.loc, pair, bits), moved = LLVM::PoisonOp::create(b, l.loc, pair);
    for (unsigned half = 0; half < 2; ++half) {
      Value word = LLVM::ExtractElementOp::create(b, l.loc, halves, l.i32(half));
      moved = LLVM::InsertElementOp::create(b, l.loc, moved, shuffle32(word), l.i32(half));
    }
    bits = LLVM::BitcastOp::create(b, l.loc, integer, moved);
  }
  return type == integer ? bits : Value(LLVM::BitcastOp::create(b, l.loc, type, bits));
}

static LogicalResult lowerReduce(Lowering &l, tile::ReduceOp op) {
  const TileLayout &from = cta::layoutOf(op.getSource().getType());
  const TileLayout &to = cta::layoutOf(op.getResult().getType());
  unsigned dim = op.getDim();
  if (from.warps()[dim] != 1)
    return op.emitError("the reduced dimension is spread over several warps");
  auto numbers = registerNumbers(to);
  const Values &source = l.registersOf(op.getSource());
  Values registers(to.registersPerThread());
  for (unsigned reg = 0; reg < source.size(); ++reg) {
    Coord coord = from.registerCoord(reg);
    coord.erase(coord.begin() + dim);
    auto found = numbers.find(coord);
    if (found == numbers.end())
      return op.emitError("the result's layout is not the source's without the reduced dimension");
    Value &sum = registers[found->second];
    sum = sum ? combine(l, op.getKind(), sum, source[reg]) : source[reg];
  }
  if (llvm::is_contained(registers, Value()))
    return op.emitError("the result's layout is not the source's without the reduced dimension");
  unsigned lanes = from.lanesAlong(dim);
  for (unsigned bit = 0; bit < 5; ++bit)
    if (lanes & (1u << bit))
      for (Value &value : registers)
        value = combine(l, op.getKind(), value, shuffle(l, value, 1u << bit));
  l.define(op.getResult(), registers);
  return success();
}

Lowered imbrex::lowerShape(Lowering &l, Operation *op) {
  if (auto splat = dyn_cast<tile::SplatOp>(op)) {
    unsigned count = cta::layoutOf(splat.getResult().getType()).registersPerThread();
    l.define(splat.getResult(), Values(count, l.scalarOf(splat.getScalar())));
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
    return rename(l, broadcast.getSource(), broadcast.getResult(), [&](Coord coord) {
      for (unsigned dim = 0; dim < shape.size(); ++dim)
        if (shape[dim] == 1)
          coord[dim] = 0;
      return coord;
    });
  }
  if (auto transpose = dyn_cast<tile::TransposeOp>(op)) {
    return rename(l, transpose.getSource(), transpose.getResult(), [](Coord coord) {
      std::swap(coord[0], coord[1]);
      return coord;
    });
  }
  if (auto reduce = dyn_cast<tile::ReduceOp>(op))
    return lowerReduce(l, reduce);
  return std::nullopt;
}
