//===- GlobalMemory.cpp - Views: launch values, loads and stores ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile in global memory is read and written in vectors of consecutive registers. Addresses are
// 64-bit; a bound is checked with one unsigned comparison (a negative index is a huge unsigned one) and
// only where it is not certain. Since a view's alignment divides the bytes of its last extent, a vector
// lies wholly inside or wholly outside. Accesses under one condition stand in one block.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/Divisibility.h"
#include "compiler/cta_to_nvvm/CertainIndex.h"
#include "compiler/cta_to_nvvm/InlinePtx.h"
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

Value Lowering::tilePointer(Value view, ArrayRef<Value> start, ArrayRef<int64_t> dims, const TileLayout &layout) {
  Value offset = i64(0);
  for (auto [k, dim] : llvm::enumerate(dims))
    offset = add(offset, mul(toI64(threadCoordinate(layout, k)), viewOf(view).strides[dim]));
  const unsigned bytes = elementBytes(cast<tile::ViewType>(view.getType()).getElementType());
  return offsetPointer(viewPointer(view, start), mulConstant(offset, bytes));
}

Value Lowering::insideAlong(Value view, unsigned dim, Value index, const AccessBounds &bounds) {
  Value inside = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, index, viewOf(view).extents[dim]);
  auto [low, high] = bounds.along(dim);
  if (!low)
    return inside;
  return both(inside, both(LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::sge, index, low), less(index, high)));
}

/// The choice between an index and none.
static LLVM::SelectOp choiceOfIndex(Value index) {
  APInt none;
  auto choice = index.getDefiningOp<LLVM::SelectOp>();
  bool isOne = choice && matchPattern(choice.getFalseValue(), m_ConstantInt(&none)) && none.isNegative();
  return isOne ? choice : LLVM::SelectOp();
}

Value Lowering::isIndex(Value index) {
  if (LLVM::SelectOp choice = choiceOfIndex(index))
    return choice.getCondition();
  return LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::sge, index, i32(0));
}

Value Lowering::strideBytes(Value view, unsigned dim) {
  const unsigned bytes = elementBytes(cast<tile::ViewType>(view.getType()).getElementType());
  return LLVM::TruncOp::create(b, loc, b.getI32Type(), mulConstant(viewOf(view).strides[dim], bytes));
}

/// What an index is the sum of: first what most often stays the same in a loop, then products with what was read from a
/// table, last the constants, so that registers that differ by these are bytes on from one another.
static Values termsOf(Value index) {
  Values terms, left{index};
  while (!left.empty()) {
    Value value = left.pop_back_val();
    if (LLVM::SelectOp choice = choiceOfIndex(value))
      left.push_back(choice.getTrueValue());
    else if (auto sum = value.getDefiningOp<LLVM::AddOp>())
      left.append({sum.getRhs(), sum.getLhs()});
    else
      terms.push_back(value);
  }
  auto rank = [](Value term) { return matchPattern(term, m_Constant()) ? 2 : bool(term.getDefiningOp<LLVM::MulOp>()); };
  llvm::stable_sort(terms, [&](Value x, Value y) { return rank(x) < rank(y); });
  return terms;
}

Value Lowering::indexBytes(Value view, unsigned dim, Value index) {
  Value step = strideBytes(view, dim);
  APInt constant;
  if (matchPattern(index, m_ConstantInt(&constant)))
    return mulConstant(LLVM::ZExtOp::create(b, loc, b.getI64Type(), step), constant.getSExtValue());
  auto product = index.getDefiningOp<LLVM::MulOp>();
  if (!product || matchPattern(product.getRhs(), m_Constant()))
    return wideProduct(*this, index, step);
  return wideProduct(*this, product.getLhs(), mul(product.getRhs(), step)); // a page's bytes, less than 2^32
}

Value imbrex::certainPointer(Lowering &l, Value pointer, Value view, unsigned dim, Value index) {
  for (Value term : termsOf(index))
    pointer = l.offsetPointer(pointer, l.indexBytes(view, dim, term));
  return pointer;
}

Value Lowering::insideView(Value view, ArrayRef<Value> indices, ArrayRef<int64_t> skip, const AccessBounds &bounds) {
  Value inside;
  for (unsigned dim = 0; dim < indices.size(); ++dim)
    if (!llvm::is_contained(skip, int64_t(dim)))
      inside = both(inside, insideAlong(view, dim, indices[dim], bounds));
  return inside;
}

Values Lowering::loadVector(Value pointer, Type element, unsigned count) {
  Type memory = element.isInteger(1) ? b.getI8Type() : carried(element);
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
  Value value = stored.size() == 1 ? stored[0] : vectorOf(stored);
  LLVM::StoreOp::create(b, loc, value, pointer, stored.size() * elementBytes(memory));
}

Value Lowering::vectorOf(ArrayRef<Value> elements) {
  Type type = VectorType::get({int64_t(elements.size())}, elements[0].getType());
  Value vector = LLVM::PoisonOp::create(b, loc, type);
  for (auto [i, element] : llvm::enumerate(elements))
    vector = LLVM::InsertElementOp::create(b, loc, vector, element, i32(i));
  return vector;
}

/// The integer whose bits `elements` are, one after another, or null.
static Value wholeOf(ArrayRef<Value> elements) {
  Value vector;
  for (auto [i, element] : llvm::enumerate(elements)) {
    auto extract = element.getDefiningOp<LLVM::ExtractElementOp>();
    APInt position;
    if (!extract || (vector && extract.getVector() != vector) ||
        !matchPattern(extract.getPosition(), m_ConstantInt(&position)) || position != i)
      return {};
    vector = extract.getVector();
  }
  auto whole = vector.getDefiningOp<LLVM::BitcastOp>();
  bool isWhole = whole && isa<IntegerType>(whole.getArg().getType()) &&
                 cast<VectorType>(vector.getType()).getNumElements() == int64_t(elements.size());
  return isWhole ? whole.getArg() : Value();
}

Value Lowering::wordOf(ArrayRef<Value> elements) {
  if (Value whole = wholeOf(elements))
    return whole;
  if (elements.size() == 4) // bytes that came in pairs: LLVM does not see it
    if (Value low = wholeOf(elements.take_front(2)), high = wholeOf(elements.drop_front(2)); low && high)
      return LLVM::BitcastOp::create(b, loc, b.getI32Type(), vectorOf({low, high}));
  return LLVM::BitcastOp::create(b, loc, b.getI32Type(), vectorOf(elements));
}

IndexRange Lowering::indexRange(Value view, unsigned dim, Value index, const AlongView &along) {
  auto type = cast<tile::ViewType>(view.getType());
  Value start = scalarOf(index), extent = viewOf(view).extents[dim];
  APInt first;
  bool isCovered = !type.isDynamic(dim) && matchPattern(index, m_ConstantInt(&first)) && first.isZero() &&
                   along.elements <= type.getExtents()[dim];
  if (isCovered && !along.low)
    return {start, along.hasMargin ? i32(along.elements) : Value(), along.elements};
  Value low, high = extent;
  if (along.low) {
    low = LLVM::SMaxOp::create(b, loc, along.low, i32(0));
    high = LLVM::SMinOp::create(b, loc, along.high, extent);
  }
  if (along.hasMargin) { // min(high, start + elements), which may not fit 32 bits
    Value end = LLVM::SMinOp::create(b, loc, toI64(high), addConstant(toI64(start), along.elements));
    high = LLVM::TruncOp::create(b, loc, b.getI32Type(), LLVM::SMaxOp::create(b, loc, end, i64(0)));
  }
  if (!low)
    return {start, high, 0};
  return {sub(start, low), LLVM::SMaxOp::create(b, loc, sub(high, low), i32(0)), 0};
}

Value Lowering::insideRange(const IndexRange &range, Value position) {
  if (!range.count)
    return {};
  return LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, add(range.first, position), range.count);
}

Value Lowering::foldInto(Value condition, MutableArrayRef<IndexRange> ranges) {
  for (IndexRange &range : ranges)
    if (condition && range.count && range.certain == 0)
      range.count = select(std::exchange(condition, Value()), range.count, i32(0));
  return condition;
}

/// True if the access says that `size` positions along `dim` lie in the view: from its index on, and certain.
template <typename Access> static bool isTileInside(Access op, int64_t dim, int64_t size) {
  if constexpr (requires { op.getCertain(); }) {
    auto [low, high] = tile::boundsWithin(op.getWithin(), op.getLow(), op.getHigh(), dim);
    auto end = high ? high.template getDefiningOp<arith::AddIOp>() : arith::AddIOp();
    APInt count;
    return op.getCertain() && end && low == op.getIndices()[dim] && end.getLhs() == low &&
           matchPattern(end.getRhs(), m_ConstantInt(&count)) && count == size;
  }
  return false;
}

namespace {

/// Addresses and bounds of a distributed tile of a view. What differs between registers is a constant, or a constant
/// times a stride: each thread has one pointer, and one more a row; and one comparison for each coordinate it holds.
class TileAccess {
public:
  /// `condition` (null: true) must hold too.
  template <typename Access>
  TileAccess(Lowering &l, Access op, RankedTensorType tile, Value condition)
      : l(l), view(op.getView()), type(op.getView().getType()), indices(op.getIndices()), dims(op.getDims()),
        shape(tile.getShape()), layout(cta::layoutOf(tile)), bounds(l.boundsOf(op)),
        isRow(dims.back() == type.getRank() - 1 &&
              (!bounds.has(dims.back()) || isTileInside(op, dims.back(), shape.back()))) {
    Values start;
    for (Value index : indices)
      start.push_back(l.scalarOf(index));
    bytes = elementBytes(type.getElementType());
    for (auto [k, dim] : llvm::enumerate(dims)) {
      auto [low, high] = bounds.along(dim);
      const bool hasMargin = layout.extent(k) > shape[k];
      if (isTileInside(op, dim, shape[k]))
        ranges.push_back({l.i32(0), hasMargin ? l.i32(shape[k]) : Value(), shape[k]}); // by the place in the tile
      else
        ranges.push_back(l.indexRange(view, dim, indices[dim], {shape[k], hasMargin, low, high}));
      if (ranges[k].count)
        ranges[k].first = l.add(ranges[k].first, l.threadCoordinate(layout, k));
    }
    Value carried = l.tilePointers.lookup(op);
    thread = carried ? carried : l.tilePointer(view, start, dims, layout);
    uniform = l.foldInto(l.both(l.insideView(view, start, dims, bounds), condition), ranges);
  }

  /// Registers in one access.
  unsigned vectorWidth() const { return isRow ? rowAccessWidth(view, indices, layout, shape) : 1; }

  /// Calls `access` for all registers, `width` to an access: with the first of each access and those that exist and lie
  /// inside the view under one condition (null: always) together, in the block where the condition is made.
  void forGroups(unsigned width, llvm::function_ref<void(Value inside, ArrayRef<unsigned>)> access) {
    llvm::MapVector<Coord, SmallVector<unsigned>, std::map<Coord, unsigned>> groups; // by the checked coordinates
    for (unsigned reg = 0, e = layout.registersPerThread(); reg < e; reg += width) {
      Coord coord = layout.registerCoord(reg);
      for (unsigned k = 0; k < dims.size(); ++k)
        coord[k] = isChecked(k, coord[k]) ? coord[k] : UINT32_MAX;
      groups[coord].push_back(reg);
    }
    for (const auto &[key, registers] : groups) {
      for (unsigned reg : registers)
        rowPointer(layout.registerCoord(reg)); // here, so that later groups may use it
      access(inside(layout.registerCoord(registers.front())), registers);
    }
  }

  /// Address of what register `reg` holds: for `access` above.
  Value pointer(unsigned reg) {
    Coord coord = layout.registerCoord(reg);
    Value row = rowPointer(coord);
    int64_t constant = 0;
    for (unsigned k = 0; k < dims.size(); ++k)
      if (isContiguous(k))
        constant += int64_t(coord[k]) * bytes;
    return l.offsetPointer(row, constant);
  }

private:
  bool isContiguous(unsigned k) const { return dims[k] == type.getRank() - 1; }

  bool isChecked(unsigned k, uint32_t step) const {
    return ranges[k].count && int64_t(step) + layout.threadReach(k) >= ranges[k].certain;
  }

  Value inside(const Coord &coord) {
    Value result = uniform;
    for (unsigned k = 0; k < dims.size(); ++k) {
      if (!isChecked(k, coord[k]))
        continue;
      Value &valid = checks[{k, coord[k]}];
      if (!valid)
        valid = l.insideRange(ranges[k], l.i32(coord[k]));
      result = l.both(result, valid);
    }
    return result;
  }

  /// The thread's pointer moved along all dimensions whose stride is not a constant.
  Value rowPointer(Coord coord) {
    for (unsigned k = 0; k < dims.size(); ++k)
      if (isContiguous(k))
        coord[k] = 0;
    Value &pointer = rows[coord];
    if (pointer)
      return pointer;
    pointer = thread;
    for (unsigned k = 0; k < dims.size(); ++k)
      if (coord[k] != 0)
        pointer = l.offsetPointer(pointer, l.mulConstant(l.viewOf(view).strides[dims[k]], int64_t(coord[k]) * bytes));
    return pointer;
  }

  Lowering &l;
  Value view;
  tile::ViewType type;
  ValueRange indices;
  ArrayRef<int64_t> dims;
  ArrayRef<int64_t> shape;
  const TileLayout &layout;
  AccessBounds bounds;
  bool isRow; ///< elements of a row follow one another, and nothing cuts it but the view
  unsigned bytes;
  SmallVector<IndexRange> ranges; ///< along dims[k], for positions relative to the thread's
  Value thread;                   ///< address of the thread's element at coordinate 0
  Value uniform;                  ///< what all registers need, where no comparison says it; null: nothing
  std::map<std::pair<unsigned, uint32_t>, Value> checks;
  std::map<Coord, Value> rows;
};

} // namespace

/// As viewPointer, index by index, so that a loop adds only those that change: of a table most often the last.
static Value entryPointer(Lowering &l, Value view, ArrayRef<Value> indices) {
  const ViewValues &values = l.viewOf(view);
  unsigned bytes = elementBytes(cast<tile::ViewType>(view.getType()).getElementType());
  Value pointer = values.pointer;
  for (auto [index, stride] : llvm::zip(indices, values.strides))
    pointer = l.offsetPointer(pointer, l.mul(l.toI64(index), l.mulConstant(stride, bytes)));
  return pointer;
}

static LogicalResult lowerScalarLoad(Lowering &l, tile::LoadOp op) {
  Values start;
  for (Value index : op.getIndices())
    start.push_back(l.scalarOf(index));
  Type element = op.getView().getType().getElementType();
  Values zero{l.zero(element)};
  l.define(op.getResult(), l.whenElse(l.insideView(op.getView(), start, {}, l.boundsOf(op)), zero,
                                      [&] { return l.loadVector(entryPointer(l, op.getView(), start), element, 1); }));
  return success();
}

static LogicalResult lowerLoad(Lowering &l, tile::LoadOp op) {
  if (!isa<RankedTensorType>(op.getResult().getType()))
    return lowerScalarLoad(l, op);
  auto type = cast<RankedTensorType>(op.getResult().getType());
  TileAccess access(l, op, type, Value());
  Type element = op.getView().getType().getElementType();
  unsigned width = access.vectorWidth();
  Values registers(cta::layoutOf(type).registersPerThread());
  access.forGroups(width, [&](Value inside, ArrayRef<unsigned> group) {
    Values outside(group.size() * width, l.zero(element));
    Values loaded = l.whenElse(inside, outside, [&] {
      Values values;
      for (unsigned reg : group)
        llvm::append_range(values, l.loadVector(access.pointer(reg), element, width));
      return values;
    });
    for (auto [i, reg] : llvm::enumerate(group))
      std::copy_n(loaded.begin() + i * width, width, registers.begin() + reg);
  });
  l.define(op.getResult(), registers);
  return success();
}

static LogicalResult lowerStore(Lowering &l, tile::StoreOp op) {
  if (!isa<RankedTensorType>(op.getValue().getType())) {
    Values start;
    for (Value index : op.getIndices())
      start.push_back(l.scalarOf(index));
    Value first = l.isFirstThread();
    l.when(l.both(first, l.insideView(op.getView(), start, {}, l.boundsOf(op))), [&] {
      Value pointer = l.viewPointer(op.getView(), start);
      op.getAdds() ? addInMemory(l, pointer, l.registersOf(op.getValue()))
                   : l.storeVector(pointer, l.registersOf(op.getValue()));
    });
    return success();
  }
  auto type = cast<RankedTensorType>(op.getValue().getType());
  TileAccess access(l, op, type, l.firstReplica(cta::layoutOf(type)));
  Values registers = l.registersOf(op.getValue());
  unsigned width = access.vectorWidth();
  if (op.getAdds())
    width = memoryAddWidth(l.target, type.getElementType(), width);
  access.forGroups(width, [&](Value inside, ArrayRef<unsigned> group) {
    l.when(inside, [&] {
      for (unsigned reg : group) {
        ArrayRef<Value> elements = ArrayRef(registers).slice(reg, width);
        op.getAdds() ? addInMemory(l, access.pointer(reg), elements) : l.storeVector(access.pointer(reg), elements);
      }
    });
  });
  return success();
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
  return std::nullopt;
}
