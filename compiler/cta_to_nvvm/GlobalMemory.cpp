//===- GlobalMemory.cpp - Views: launch values, loads and stores ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile in global memory is read and written in vectors of consecutive registers. Addresses are
// 64-bit; a bound is checked with one unsigned comparison (a negative index is a huge unsigned one) and
// only where it is not certain. Since a view's alignment divides the bytes of its last extent, a vector
// lies wholly inside or wholly outside.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/Divisibility.h"
#include "compiler/cta_to_nvvm/Lowering.h"
#include "mlir/IR/Matchers.h"
#include <numeric>

using namespace mlir;
using namespace imbrex;
using layout::Coord;
using layout::TileLayout;

Value Lowering::offsetPointer(Value pointer, Value bytes) {
  return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(), pointer, ValueRange(bytes));
}

Value Lowering::offsetPointer(Value pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(int32_t(bytes))});
}

using tile::elementBytes;

Value Lowering::viewPointer(Value view, ArrayRef<Value> indices) {
  const ViewValues &values = viewOf(view);
  Type element = cast<tile::ViewType>(view.getType()).getElementType();
  Value offset = i64(0);
  for (auto [index, stride] : llvm::zip(indices, values.strides))
    offset = add(offset, mul(toI64(index), stride));
  return offsetPointer(values.pointer, mulConstant(offset, elementBytes(element)));
}

Value Lowering::insideView(Value view, ArrayRef<Value> indices, ArrayRef<int64_t> skip) {
  Value inside;
  for (unsigned dim = 0; dim < indices.size(); ++dim)
    if (!llvm::is_contained(skip, int64_t(dim)))
      inside =
          both(inside, LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, indices[dim], viewOf(view).extents[dim]));
  return inside;
}

Values Lowering::loadVector(Value pointer, Type element, unsigned count) {
  Type memory = element.isInteger(1) ? b.getI8Type() : element;
  Type type = count == 1 ? memory : Type(VectorType::get({count}, memory));
  Value vector = LLVM::LoadOp::create(b, loc, type, pointer, count * elementBytes(memory));
  Values elements;
  for (unsigned i = 0; i < count; ++i) {
    Value value = count == 1 ? vector : Value(LLVM::ExtractElementOp::create(b, loc, vector, i32(i)));
    if (element.isInteger(1))
      value = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ne, value, zero(memory));
    elements.push_back(value);
  }
  return elements;
}

void Lowering::storeVector(Value pointer, ArrayRef<Value> elements) {
  Type element = elements[0].getType();
  Type memory = element.isInteger(1) ? b.getI8Type() : element;
  Values stored(elements);
  if (memory != element)
    for (Value &value : stored)
      value = LLVM::ZExtOp::create(b, loc, memory, value);
  unsigned count = stored.size();
  Value value = stored[0];
  if (count > 1) {
    value = LLVM::PoisonOp::create(b, loc, VectorType::get({count}, memory));
    for (unsigned i = 0; i < count; ++i)
      value = LLVM::InsertElementOp::create(b, loc, value, stored[i], i32(i));
  }
  LLVM::StoreOp::create(b, loc, value, pointer, count * elementBytes(memory));
}

namespace {

/// Addresses and bounds of a distributed tile of a view.
class TileAccess {
public:
  TileAccess(Lowering &l, Value view, ValueRange indices, ArrayRef<int64_t> dims, RankedTensorType tile)
      : l(l), view(view), type(cast<tile::ViewType>(view.getType())), indices(indices), dims(dims),
        shape(tile.getShape()), layout(cta::layoutOf(tile)) {
    for (Value index : indices)
      start.push_back(l.scalarOf(index));
    base = l.viewPointer(view, start);
    uniform = l.insideView(view, start, dims);
  }

  void narrow(std::optional<uint32_t> dim, Value low, Value high) {
    withinDim = dim, withinLow = low, withinHigh = high;
  }

  /// Registers in one access.
  unsigned vectorWidth() const {
    unsigned last = dims.size() - 1;
    if (dims[last] != type.getRank() - 1 || withinDim == uint32_t(dims[last]))
      return 1;
    unsigned bytes = elementBytes(type.getElementType());
    unsigned widest = std::max(1u, accessAlignment(view, indices) / bytes);
    return std::gcd(std::min(layout.contiguous(last), widest), shape[last]);
  }

  Value pointer(const Coord &coord) {
    Value offset = l.i64(0);
    for (unsigned k = 0; k < dims.size(); ++k)
      offset = l.add(offset, l.mul(l.toI64(position(k, coord[k])), l.viewOf(view).strides[dims[k]]));
    return l.offsetPointer(base, l.mulConstant(offset, elementBytes(type.getElementType())));
  }

  /// True (i1) where the element at `coord` of this thread exists and lies inside; null if certain.
  Value inside(const Coord &coord) {
    Value result = l.both(uniform, l.insideTile(shape, layout, coord));
    for (unsigned k = 0; k < dims.size(); ++k) {
      if (isCovered(k))
        continue;
      Value index = l.add(start[dims[k]], position(k, coord[k]));
      result = l.both(
          result, LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::ult, index, l.viewOf(view).extents[dims[k]]));
      if (withinDim == uint32_t(dims[k])) {
        result = l.both(result, LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::sge, index, withinLow));
        result = l.both(result, l.less(index, withinHigh));
      }
    }
    return result;
  }

private:
  Value position(unsigned k, uint32_t step) { return l.addConstant(l.threadCoordinate(layout, k), step); }

  /// The tile lies inside the view along dims[k] whatever happens: it starts at 0 and is not longer.
  bool isCovered(unsigned k) const {
    APInt first;
    return !type.isDynamic(dims[k]) && matchPattern(indices[dims[k]], m_ConstantInt(&first)) && first.isZero() &&
           shape[k] <= type.getExtents()[dims[k]] && withinDim != uint32_t(dims[k]);
  }

  Lowering &l;
  Value view;
  tile::ViewType type;
  ValueRange indices;
  ArrayRef<int64_t> dims;
  ArrayRef<int64_t> shape;
  const TileLayout &layout;
  Values start;
  Value base, uniform;
  std::optional<uint32_t> withinDim;
  Value withinLow, withinHigh;
};

} // namespace

static LogicalResult lowerScalarLoad(Lowering &l, tile::LoadOp op) {
  Values start;
  for (Value index : op.getIndices())
    start.push_back(l.scalarOf(index));
  Type element = op.getView().getType().getElementType();
  Values zero{l.zero(element)};
  l.define(op.getResult(), l.whenElse(l.insideView(op.getView(), start, {}), zero,
                                      [&] { return l.loadVector(l.viewPointer(op.getView(), start), element, 1); }));
  return success();
}

static LogicalResult lowerLoad(Lowering &l, tile::LoadOp op) {
  if (!isa<RankedTensorType>(op.getResult().getType()))
    return lowerScalarLoad(l, op);
  const TileLayout &layout = cta::layoutOf(op.getResult().getType());
  TileAccess access(l, op.getView(), op.getIndices(), op.getDims(), cast<RankedTensorType>(op.getResult().getType()));
  if (op.getWithinDim())
    access.narrow(op.getWithinDim(), l.scalarOf(op.getWithinLow()), l.scalarOf(op.getWithinHigh()));
  Type element = op.getView().getType().getElementType();
  unsigned width = access.vectorWidth();
  Values registers, outside(width, l.zero(element));
  for (unsigned reg = 0, e = layout.registersPerThread(); reg < e; reg += width) {
    Coord coord = layout.registerCoord(reg);
    llvm::append_range(registers, l.whenElse(access.inside(coord), outside,
                                             [&] { return l.loadVector(access.pointer(coord), element, width); }));
  }
  l.define(op.getResult(), registers);
  return success();
}

static LogicalResult lowerStore(Lowering &l, tile::StoreOp op) {
  if (!isa<RankedTensorType>(op.getValue().getType())) {
    Values start;
    for (Value index : op.getIndices())
      start.push_back(l.scalarOf(index));
    Value first = LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::eq, l.thread, l.i32(0));
    l.when(l.both(first, l.insideView(op.getView(), start, {})),
           [&] { l.storeVector(l.viewPointer(op.getView(), start), l.registersOf(op.getValue())); });
    return success();
  }
  const TileLayout &layout = cta::layoutOf(op.getValue().getType());
  TileAccess access(l, op.getView(), op.getIndices(), op.getDims(), cast<RankedTensorType>(op.getValue().getType()));
  Value replica = l.firstReplica(layout);
  Values registers = l.registersOf(op.getValue());
  unsigned width = access.vectorWidth();
  for (unsigned reg = 0; reg < registers.size(); reg += width) {
    Coord coord = layout.registerCoord(reg);
    l.when(l.both(access.inside(coord), replica),
           [&] { l.storeVector(access.pointer(coord), ArrayRef(registers).slice(reg, width)); });
  }
  return success();
}

/// The position along `axis` of a CTA whose index along x is x + X (y + Y z): KernelInterface::foldedGrid.
static Value foldedProgramId(Lowering &l, unsigned axis) {
  Value index = NVVM::BlockIdXOp::create(l.b, l.loc, l.b.getI32Type());
  for (unsigned below = 0; below < axis; ++below)
    index = LLVM::UDivOp::create(l.b, l.loc, index, l.foldedExtents[below]);
  return axis == 2 ? index : Value(LLVM::URemOp::create(l.b, l.loc, index, l.foldedExtents[axis]));
}

static Value programId(Lowering &l, unsigned axis) {
  Type type = l.b.getI32Type();
  if (!l.foldedExtents.empty())
    return foldedProgramId(l, axis);
  if (axis == 0)
    return NVVM::BlockIdXOp::create(l.b, l.loc, type);
  if (axis == 1)
    return NVVM::BlockIdYOp::create(l.b, l.loc, type);
  return NVVM::BlockIdZOp::create(l.b, l.loc, type);
}

Lowered imbrex::lowerGlobalMemory(Lowering &l, Operation *op) {
  if (auto load = dyn_cast<tile::LoadOp>(op))
    return lowerLoad(l, load);
  if (auto store = dyn_cast<tile::StoreOp>(op))
    return lowerStore(l, store);
  if (auto extent = dyn_cast<tile::ExtentOp>(op)) {
    l.define(extent.getResult(), {l.viewOf(extent.getView()).extents[extent.getDim()]});
    return success();
  }
  if (auto id = dyn_cast<tile::ProgramIdOp>(op)) {
    l.define(id.getResult(), {programId(l, id.getAxis())});
    return success();
  }
  return std::nullopt;
}
