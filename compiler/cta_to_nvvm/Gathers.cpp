//===- Gathers.cpp - Accesses whose indices are tiles ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each access has an address of its own: a part that all share, what the thread steps along the dimensions that the
// tile has in the view, and index times stride for each index of a tile. What registers have in common (the place of a
// row, its test) is made once, where the first of them needs it, which is in straight-line code.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/Divisibility.h"
#include "compiler/cta_to_nvvm/CertainIndex.h"
#include "compiler/cta_to_nvvm/InlinePtx.h"

using namespace mlir;
using namespace imbrex;
using layout::Coord;
using layout::TileLayout;

namespace {

/// A gather or a scatter of a tile spread as `tile` says.
class GatherAccess {
public:
  /// `condition` (null: true) must hold too.
  template <typename Access>
  GatherAccess(Lowering &l, Access op, RankedTensorType tile, Value condition)
      : l(l), view(op.getView()), type(op.getView().getType()), indices(op.getIndices()), dims(op.getDims()),
        tile(tile), layout(cta::layoutOf(tile)), bounds(l.boundsOf(op)), isCertain(isCertainAccess(op)),
        uniform(condition) {
    bytes = tile::elementBytes(type.getElementType());
    Value offset = l.i64(0);
    for (unsigned dim = 0; dim < indices.size(); ++dim) {
      if (isa<RankedTensorType>(indices[dim].getType())) {
        numbers[dim] = registerNumbers(cta::layoutOf(indices[dim].getType()));
        continue;
      }
      Value start = l.scalarOf(indices[dim]);
      offset = l.add(offset, l.mul(l.toI64(start), l.viewOf(view).strides[dim]));
      if (!llvm::is_contained(dims, int64_t(dim)))
        uniform = l.both(uniform, l.insideAlong(view, dim, start, bounds));
    }
    for (auto [k, dim] : llvm::enumerate(dims)) {
      positions.push_back(l.threadCoordinate(layout, k));
      if (dim >= 0)
        offset = l.add(offset, l.mul(l.toI64(positions[k]), l.viewOf(view).strides[dim]));
    }
    base = l.offsetPointer(l.viewOf(view).pointer, l.mulConstant(offset, bytes));
  }

  /// Registers in one access: neighbours in a row of the view that no tile of indices tells apart.
  unsigned vectorWidth() const {
    unsigned last = dims.size() - 1;
    bool isRow = dims[last] == type.getRank() - 1 && !bounds.has(dims[last]);
    for (Value index : indices)
      if (auto indexType = dyn_cast<RankedTensorType>(index.getType()))
        isRow &= indexType.getDimSize(last) == 1;
    return isRow ? rowAccessWidth(view, indices, layout, tile.getShape()) : 1;
  }

  /// Whether what register `reg` stands for exists: in the tile, the view and the bounds. Null: certain.
  Value inside(unsigned reg) {
    Coord coord = layout.registerCoord(reg);
    Value result = l.both(uniform, l.insideTile(tile.getShape(), layout, coord));
    for (auto [k, dim] : llvm::enumerate(dims))
      if (dim >= 0)
        result = l.both(result, stepInside(k, coord[k]));
    for (const auto &[dim, registers] : numbers)
      result = l.both(result, indexInside(dim, indexRegister(dim, coord)));
    return result;
  }

  Value pointer(unsigned reg) {
    Coord coord = layout.registerCoord(reg);
    Value offset = l.i64(0);
    for (auto [k, dim] : llvm::enumerate(dims))
      if (dim >= 0 && coord[k] != 0)
        offset = l.add(offset, l.mulConstant(l.viewOf(view).strides[dim], int64_t(coord[k]) * bytes));
    if (isCertain)
      return certainPointer(coord, offset);
    for (const auto &[dim, registers] : numbers)
      offset = l.add(offset, indexOffset(dim, indexRegister(dim, coord)));
    return l.offsetPointer(base, offset);
  }

private:
  /// The register of the tile of indices of `dim` that stands for the element at `coord`.
  unsigned indexRegister(unsigned dim, const Coord &coord) {
    return numbers[dim].find(narrowed(coord, cast<RankedTensorType>(indices[dim].getType()).getShape()))->second;
  }

  template <typename Access> static bool isCertainAccess(Access op) {
    if constexpr (requires { op.getCertain(); })
      return op.getCertain();
    return false;
  }

  Value certainPointer(const Coord &coord, Value offset) {
    Value pointer = l.offsetPointer(base, offset);
    for (const auto &[dim, registers] : numbers)
      pointer = imbrex::certainPointer(l, pointer, view, dim, l.registersOf(indices[dim])[indexRegister(dim, coord)]);
    return pointer;
  }

  Value stepInside(unsigned k, uint32_t step) {
    Value &check = steps[{k, step}];
    if (!check) {
      Value index = l.add(l.scalarOf(indices[dims[k]]), l.addConstant(positions[k], step));
      check = l.insideAlong(view, dims[k], index, bounds);
    }
    return check;
  }

  Value indexInside(unsigned dim, unsigned reg) {
    Value &check = checks[{dim, reg}];
    if (!check) {
      Value index = l.registersOf(indices[dim])[reg];
      check = isCertain ? l.isIndex(index) : l.insideAlong(view, dim, index, bounds);
    }
    return check;
  }

  Value indexOffset(unsigned dim, unsigned reg) {
    Value &offset = offsets[{dim, reg}];
    if (!offset)
      offset = l.mulConstant(l.mul(l.toI64(l.registersOf(indices[dim])[reg]), l.viewOf(view).strides[dim]), bytes);
    return offset;
  }

  Lowering &l;
  Value view;
  tile::ViewType type;
  ValueRange indices;
  ArrayRef<int64_t> dims;
  RankedTensorType tile;
  const TileLayout &layout;
  AccessBounds bounds;
  bool isCertain; ///< a tile's index is negative or inside
  Value uniform;  ///< what all registers need
  Value base;     ///< address of the thread's first element but for the tiles of indices
  Values positions;
  unsigned bytes;
  std::map<unsigned, std::map<SmallVector<uint32_t, 4>, unsigned>> numbers; ///< of a dimension whose indices are a tile
  std::map<std::pair<unsigned, uint32_t>, Value> steps, checks, offsets;
};

} // namespace

/// The indices of an element lie with the thread that has the element.
template <typename Access> static LogicalResult checkLayouts(Access op, RankedTensorType tile) {
  for (Value index : op.getIndices())
    if (auto type = dyn_cast<RankedTensorType>(index.getType());
        type && cta::layoutOf(type) != cta::narrowed(cta::layoutOf(tile), type.getShape()))
      return op.emitError("tiles of indices must be spread as the tile is");
  return success();
}

static LogicalResult lowerGather(Lowering &l, tile::GatherOp op) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  if (failed(checkLayouts(op, type)))
    return failure();
  GatherAccess access(l, op, type, Value());
  Type element = type.getElementType();
  unsigned width = access.vectorWidth();
  const bool isTable = op.getCertain() && element.isInteger(32); // -1: no entry
  Values registers, outside(width, isTable ? l.i32(-1) : l.zero(element));
  for (unsigned reg = 0, e = cta::layoutOf(type).registersPerThread(); reg < e; reg += width) {
    Value inside = access.inside(reg), pointer = access.pointer(reg);
    llvm::append_range(registers, l.whenElse(inside, outside, [&] { return l.loadVector(pointer, element, width); }));
  }
  l.define(op.getResult(), registers);
  return success();
}

static LogicalResult lowerScatter(Lowering &l, tile::ScatterOp op) {
  auto type = cast<RankedTensorType>(op.getValue().getType());
  if (failed(checkLayouts(op, type)))
    return failure();
  GatherAccess access(l, op, type, l.firstReplica(cta::layoutOf(type)));
  Values registers = l.registersOf(op.getValue());
  unsigned width = access.vectorWidth();
  if (op.getAdds())
    width = memoryAddWidth(l.target, type.getElementType(), width);
  for (unsigned reg = 0; reg < registers.size(); reg += width) {
    Value inside = access.inside(reg), pointer = access.pointer(reg);
    ArrayRef<Value> elements = ArrayRef(registers).slice(reg, width);
    l.when(inside, [&] { op.getAdds() ? addInMemory(l, pointer, elements) : l.storeVector(pointer, elements); });
  }
  return success();
}

Lowered imbrex::lowerGathers(Lowering &l, Operation *op) {
  if (auto gather = dyn_cast<tile::GatherOp>(op))
    return lowerGather(l, gather);
  if (auto scatter = dyn_cast<tile::ScatterOp>(op))
    return lowerScatter(l, scatter);
  return std::nullopt;
}
