//===- Reductions.cpp - Combining elements along a dimension --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A reduction combines the registers of a thread, then its neighbours' by shuffles. What lies in the margin
// of the layout is taken for the neutral element. Where the dimension lies over several warps, cta.reduce does
// so much, and the warps' parts meet in shared memory before tile.reduce (Distribute.cpp). cta.any is a
// reduction of truths.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/Restage.h"

using namespace mlir;
using namespace imbrex;
using layout::Coord;
using layout::TileLayout;

Value imbrex::neutral(Lowering &l, tile::ReduceKind kind, Type type) {
  if (auto real = dyn_cast<FloatType>(type)) {
    // -0 + x is x for every x, and the larger or smaller of NaN and x is x.
    const llvm::fltSemantics &semantics = real.getFloatSemantics();
    APFloat value =
        kind == tile::ReduceKind::Sum ? APFloat::getZero(semantics, /*Negative=*/true) : APFloat::getQNaN(semantics);
    return LLVM::ConstantOp::create(l.b, l.loc, type, l.b.getFloatAttr(type, value));
  }
  unsigned width = type.getIntOrFloatBitWidth();
  APInt value = kind == tile::ReduceKind::Sum   ? APInt::getZero(width)
                : kind == tile::ReduceKind::Max ? APInt::getSignedMinValue(width)
                                                : APInt::getSignedMaxValue(width);
  return LLVM::ConstantOp::create(l.b, l.loc, type, l.b.getIntegerAttr(type, value));
}

/// The last lane that a shuffle may read (PTX ISA, "shfl.sync").
static constexpr unsigned kClamp = layout::kWarpThreads - 1;

Value imbrex::shuffle(Lowering &l, Value value, unsigned mask) {
  OpBuilder &b = l.b;
  Type type = value.getType();
  unsigned width = type.getIntOrFloatBitWidth();
  auto shuffle32 = [&](Value word) -> Value {
    return l.callIntrinsic(b.getI32Type(), "llvm.nvvm.shfl.sync.bfly.i32",
                           {l.i32(-1), word, l.i32(mask), l.i32(kClamp)});
  };
  if (type.isF32())
    return l.callIntrinsic(type, "llvm.nvvm.shfl.sync.bfly.f32", {l.i32(-1), value, l.i32(mask), l.i32(kClamp)});
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

/// Combines what each lane holds of `source` along `dim`: the registers of the result, laid out as `to`. `project`
/// makes of a coordinate that of the element it goes to. None if `to` does not cover the very elements that `source`'s
/// layout leaves of its own.
static Values reduceInLane(Lowering &l, tile::ReduceKind kind, Value source, unsigned dim, const TileLayout &to,
                           llvm::function_ref<Coord(Coord)> project) {
  auto type = cast<RankedTensorType>(source.getType());
  const TileLayout &from = cta::layoutOf(type);
  Value none = neutral(l, kind, type.getElementType());
  auto numbers = registerNumbers(to);
  Values registers(to.registersPerThread());
  // Only the reduced dimension's margin is left out: along the others it goes to a margin again.
  SmallVector<int64_t> shape(from.shape());
  shape[dim] = type.getDimSize(dim);
  for (auto [reg, element] : llvm::enumerate(l.registersOf(source))) {
    Coord coord = from.registerCoord(reg);
    Value inside = l.insideTile(shape, from, coord), value = l.select(inside, element, none);
    auto found = numbers.find(project(coord));
    if (found == numbers.end())
      return {};
    Value &sum = registers[found->second];
    sum = sum ? combine(l, kind, sum, value) : value;
  }
  return llvm::is_contained(registers, Value()) ? Values() : registers;
}

static LogicalResult refuseLayout(Operation *op) {
  return op->emitError("the result's layout does not cover what the source's leaves of it");
}

/// Combines the parts of the lanes along `dim` of a tile laid out as `from`: every lane gets the whole.
static void reduceOverLanes(Lowering &l, tile::ReduceKind kind, const TileLayout &from, unsigned dim,
                            Values &registers) {
  unsigned lanes = from.lanesAlong(dim);
  for (unsigned bit = 0; bit < layout::kLaneBits; ++bit)
    if (lanes & (1u << bit))
      for (Value &value : registers)
        value = combine(l, kind, value, shuffle(l, value, 1u << bit));
}

static LogicalResult lowerReduce(Lowering &l, tile::ReduceOp op) {
  Type element = op.getResult().getType().getElementType();
  if (op.getKind() == tile::ReduceKind::Sum && isa<FloatType>(element) && element.getIntOrFloatBitWidth() == 16)
    return op.emitError("a sum of 16-bit floats is made in f32: run tile-expand-math first");
  unsigned dim = op.getDim();
  if (cta::layoutOf(op.getSource().getType()).warps()[dim] != 1)
    return op.emitError("the reduced dimension is spread over several warps");
  Values registers =
      reduceInLane(l, op.getKind(), op.getSource(), dim, cta::layoutOf(op.getResult().getType()), [&](Coord coord) {
        coord.erase(coord.begin() + dim);
        return coord;
      });
  if (registers.empty())
    return refuseLayout(op);
  reduceOverLanes(l, op.getKind(), cta::layoutOf(op.getSource().getType()), dim, registers);
  l.define(op.getResult(), registers);
  return success();
}

static LogicalResult lowerParts(Lowering &l, cta::ReduceOp op) {
  unsigned dim = op.getDim();
  Values registers =
      reduceInLane(l, op.getKind(), op.getSource(), dim, cta::layoutOf(op.getResult().getType()), [&](Coord coord) {
        coord[dim] = 0;
        return coord;
      });
  if (registers.empty())
    return refuseLayout(op);
  if (op.getScope() == cta::PartScope::Warp)
    reduceOverLanes(l, op.getKind(), cta::layoutOf(op.getSource().getType()), dim, registers);
  l.define(op.getResult(), registers);
  return success();
}

/// A vote of the warp (PTX ISA, "vote.sync").
static void lowerAny(Lowering &l, cta::AnyOp op) {
  Value any;
  for (Value condition : l.registersOf(op.getCondition()))
    any = any ? Value(LLVM::OrOp::create(l.b, l.loc, any, condition)) : condition;
  l.define(op.getResult(), {l.callIntrinsic(l.b.getI1Type(), "llvm.nvvm.vote.any.sync", {l.i32(-1), any})});
}

static void lowerClearMargin(Lowering &l, cta::ClearMarginOp op) {
  auto type = cast<RankedTensorType>(op.getValue().getType());
  const TileLayout &layout = cta::layoutOf(type);
  Values registers = l.registersOf(op.getValue());
  Value zero = l.zero(type.getElementType());
  for (auto [reg, value] : llvm::enumerate(registers))
    value = l.select(l.insideTile(type.getShape(), layout, layout.registerCoord(reg)), value, zero);
  l.define(op.getResult(), registers);
}

static void lowerRound(Lowering &l, cta::RoundOp op) {
  Values registers = l.registersOf(op.getValue());
  for (Value &value : registers)
    value = roundToTf32(l, value);
  l.define(op.getResult(), registers);
}

Lowered imbrex::lowerReductions(Lowering &l, Operation *op) {
  if (auto reduce = dyn_cast<tile::ReduceOp>(op))
    return lowerReduce(l, reduce);
  if (auto parts = dyn_cast<cta::ReduceOp>(op))
    return lowerParts(l, parts);
  if (auto any = dyn_cast<cta::AnyOp>(op)) {
    lowerAny(l, any);
    return success();
  }
  if (auto clear = dyn_cast<cta::ClearMarginOp>(op)) {
    lowerClearMargin(l, clear);
    return success();
  }
  if (auto round = dyn_cast<cta::RoundOp>(op)) {
    lowerRound(l, round);
    return success();
  }
  return std::nullopt;
}
