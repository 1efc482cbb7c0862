//===- EmitAccess.cpp - Loads and stores of views -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For each dimension of a view: one index, a start and a size, a whole extent, or a tile of indices; and, for parts of
// views, ranges.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Emitter.h"

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

/// An index, or where a slice begins: an i32, or a tile of them.
Value Emitter::emitIndexValue(const ast::Expr &expr) {
  Val index = settleChoice(expr.offset, emit(expr));
  if (!index.tile())
    return toI32(expr, index, "an index");
  if (isOf(index, DataType::I32))
    return index.ssa;
  error(expr.offset, Message::IndexTileType, describe(index));
  return {};
}

bool Emitter::emitIndex(Access &access, unsigned dim, const ast::Index &index) {
  if (index.kind == ast::Index::Range || index.isJoined) {
    error(index.offset, index.isJoined ? Message::JoinForm : Message::RangeInLoad);
    return false;
  }
  if (access.view->joined == int(dim))
    return emitJoinedIndex(access, index);
  if (index.kind == ast::Index::Whole) {
    if (access.type().isDynamic(dim)) {
      error(index.offset, Message::WholeNeedsConstant);
      return false;
    }
    access.indices.push_back(i32(at(index.offset), 0));
    access.dims.push_back(dim);
    access.shape.push_back(access.type().getExtents()[dim]);
    return true;
  }
  Value start = emitIndexValue(*index.start);
  access.indices.push_back(start);
  auto tile = start ? dyn_cast<RankedTensorType>(start.getType()) : RankedTensorType();
  if (index.kind == ast::Index::Slice) {
    if (tile) {
      error(index.offset, Message::SliceOfTile);
      return false;
    }
    std::optional<int64_t> size = emitExtent(*index.size);
    if (!size)
      return false;
    access.dims.push_back(dim);
    access.shape.push_back(*size);
  } else if (tile && tile.getRank() == 1) { // makes a dimension in its place
    access.dims.push_back(-1);
    access.shape.push_back(tile.getDimSize(0));
  }
  access.isGather |= bool(tile);
  return bool(start);
}

/// An index of the dimension that two of the view are: row r of it is index r / n of the first and r % n of the second,
/// n the extent of the second; what is below 0 stays outside. Whole and slices are tiles of rows.
bool Emitter::emitJoinedIndex(Access &access, const ast::Index &index) {
  const Val &view = *access.view;
  uint32_t offset = index.offset;
  Val extent = extentOf(offset, view.ssa, view.joined + 1), rows;
  if (index.kind == ast::Index::Whole) {
    Val first = extentOf(offset, view.ssa, view.joined);
    if (first.kind != Val::Integer || extent.kind != Val::Integer) {
      error(offset, Message::WholeNeedsConstant);
      return false;
    }
    rows = emitIota(offset, first.integer * extent.integer);
  } else {
    Value start = emitIndexValue(*index.start);
    bool isTile = start && isa<RankedTensorType>(start.getType());
    std::optional<int64_t> size = index.kind == ast::Index::Slice ? emitExtent(*index.size) : std::nullopt;
    if (isTile && index.kind == ast::Index::Slice)
      error(offset, Message::SliceOfTile), start = {};
    if (!start || (index.kind == ast::Index::Slice && !size))
      return false;
    rows = Val::of(start);
    if (size)
      rows = binary(offset, "+", rows, emitIota(offset, *size));
  }
  if (rows.isPoison())
    return false;
  Val first = binary(offset, "/", rows, extent), second = binary(offset, "%", rows, extent);
  if (exact.interval(rows.ssa).low < 0)
    first = choose(offset, binary(offset, "<", rows, Val::ofInteger(0)), Val::ofInteger(-1), first);
  for (Val *each : {&first, &second})
    access.indices.push_back(each->ssa);
  if (RankedTensorType tile = rows.tile()) {
    access.isGather = true;
    if (tile.getRank() == 1) {
      access.dims.push_back(-1);
      access.shape.push_back(tile.getDimSize(0));
    }
  }
  return true;
}

/// The shape of an access whose tiles of indices have rank 2: they meet as the operands of `+` do.
bool Emitter::shapePlane(uint32_t offset, Access &access) {
  if (!access.dims.empty()) {
    error(offset, Message::IndexTileRanks);
    return false;
  }
  access.dims = {-1, -1};
  access.shape = {1, 1};
  for (Value index : access.indices)
    if (auto tile = dyn_cast<RankedTensorType>(index.getType()))
      for (unsigned k = 0; k < 2; ++k) {
        int64_t extent = tile.getDimSize(k);
        if (extent != 1 && access.shape[k] != 1 && extent != access.shape[k]) {
          error(offset, Message::IndexTileShapes, describe(tile.getShape()), describe(access.shape));
          return false;
        }
        access.shape[k] = std::max(access.shape[k], extent);
      }
  return true;
}

/// Brings the tiles of indices to the rank of the access.
bool Emitter::shapeGather(uint32_t offset, Access &access) {
  auto rankOf = [](Value index) {
    auto tile = dyn_cast<RankedTensorType>(index.getType());
    return tile ? tile.getRank() : 0;
  };
  if (llvm::any_of(access.indices, [&](Value index) { return rankOf(index) == 2; }))
    return shapePlane(offset, access);
  if (!checkTile(offset, access.shape))
    return false;
  unsigned next = 0; // dimensions of the access before this index
  for (Value &index : access.indices) {
    if (rankOf(index) == 1 && access.shape.size() == 2) {
      SmallVector<int64_t> shape{1, 1};
      shape[next] = access.shape[next];
      index = tile::ExpandDimsOp::create(b, at(offset), RankedTensorType::get(shape, b.getI32Type()), index, 1 - next);
    }
    int64_t dim = &index - access.indices.begin();
    bool isFirst = access.view->joined >= 0 && dim == access.view->joined; // the second is of the same dimension
    next += !isFirst && (rankOf(index) != 0 || llvm::is_contained(access.dims, dim));
  }
  return true;
}

/// The view that `name` stands for; null, reported, if it is none or has other dimensions.
const Val *Emitter::findView(uint32_t offset, StringRef name, size_t indexCount) {
  Binding *binding = find(name);
  if (!binding && isKernelsAlone(offset, name))
    return nullptr;
  if (!binding) {
    std::vector<std::string> known;
    for (const Parameter &parameter : interface.parameters)
      if (parameter.isView && !kernelScopes)
        known.push_back(parameter.name);
    error(offset, Message::UnknownName, name, suggestion(name, known));
    return nullptr;
  }
  const Val &view = binding->value;
  if (view.isPoison())
    return nullptr;
  if (view.kind == Val::View) {
    if (indexCount == view.rank())
      return &view;
    error(offset, Message::IndexCount, name, view.rank(), indexCount);
    return nullptr;
  }
  error(offset, view.kind == Val::Absent ? Message::AbsentView : Message::NotAView, name);
  return nullptr;
}

std::optional<Emitter::Access> Emitter::emitAccess(uint32_t offset, StringRef name,
                                                   const std::vector<ast::Index> &indices) {
  const Val *view = findView(offset, name, indices.size());
  if (!view)
    return std::nullopt;
  Access access{view, {}, {}, {}};
  bool ok = true;
  unsigned dim = 0;
  for (const ast::Index &index : indices) {
    ok &= emitIndex(access, dim, index);
    dim += view->joined == int(dim) ? 2 : 1;
  }
  for (unsigned one : tile::dimsOfOneIndex(view->ssa))
    if (ok && (llvm::is_contained(access.dims, int64_t(one)) || isa<RankedTensorType>(access.indices[one].getType()))) {
      error(offset, Message::AlongVarying, name);
      ok = false;
    }
  if (ok && access.isGather)
    ok = shapeGather(offset, access);
  return ok && checkTile(offset, access.shape) ? std::optional(access) : std::nullopt;
}

Val Emitter::emitLoad(const ast::Expr &expr) {
  std::optional<Access> access = emitAccess(expr.offset, expr.text, expr.indices);
  if (!access)
    return {};
  if (access->type().getAccess() == tile::ViewAccess::Out)
    return error(expr.offset, Message::LoadFromOutput, expr.text);
  if (!checkTouch(expr.offset, expr.text, *access->view, /*adds=*/false))
    return {};
  Type type = access->type().getElementType();
  if (!access->shape.empty())
    type = RankedTensorType::get(access->shape, type);
  DenseI64ArrayAttr dims = b.getDenseI64ArrayAttr(access->dims), none = b.getDenseI64ArrayAttr({});
  Location loc = at(expr.offset);
  bool isUnsignedView = isUnsigned(access->view->parameter->type);
  if (access->isGather)
    return Val::of(tile::GatherOp::create(b, loc, type, access->view->ssa, access->indices, dims, none, {}, {}),
                   isUnsignedView);
  return Val::of(tile::LoadOp::create(b, loc, type, access->view->ssa, access->indices, dims, none, {}, {}),
                 isUnsignedView);
}

/// `S[e]` of an extent S that varies: how long sequence e is. nullopt if S is none.
std::optional<Val> Emitter::emitLength(const ast::Expr &expr) {
  auto it = varying.find(expr.text);
  Binding *extent = find(expr.text);
  if (it == varying.end() || !extent || extent->value.kind == Val::View)
    return std::nullopt;
  if (expr.indices.size() != 1 || expr.indices[0].kind != ast::Index::Single)
    return error(expr.offset, Message::LengthIndex, expr.text);
  Value index = emitI32(*expr.indices[0].start, "an index");
  if (!index)
    return Val();
  if (!it->second)
    return extent->value;
  Value length = tile::LengthOp::create(b, at(expr.offset), it->second, index);
  exact.definePosition(length, {0, kLargestExtent});
  return Val::of(length);
}

/// `V[e, lo .. hi, :]`: a view.
Val Emitter::emitPart(const ast::Expr &expr) {
  if (std::optional<Val> length = emitLength(expr))
    return *length;
  const Val *view = findView(expr.offset, expr.text, expr.indices.size());
  if (!view)
    return {};
  if (view->joined >= 0)
    return error(expr.offset, Message::JoinedPart, expr.text);
  auto type = cast<tile::ViewType>(view->ssa.getType());
  Val result = *view;
  SmallVector<Value> starts, ends;
  SmallVector<int64_t> dims, extents;
  Location loc = at(expr.offset);
  for (auto [dim, index] : llvm::enumerate(expr.indices)) {
    bool isWhole = index.kind == ast::Index::Whole;
    starts.push_back(isWhole ? i32(at(index.offset), 0) : emitI32(*index.start, "an index"));
    if (!starts.back())
      return {};
    if (index.kind == ast::Index::Single)
      continue;
    if (index.isJoined && result.joined >= 0)
      return error(index.offset, Message::JoinForm);
    if (index.isJoined)
      result.joined = int(dims.size());
    dims.push_back(dim);
    extents.push_back(isWhole ? type.getExtents()[dim] : ShapedType::kDynamic);
    if (isWhole)
      ends.push_back(tile::ExtentOp::create(b, at(index.offset), view->ssa, dim));
    else
      ends.push_back(emitI32(*index.size, index.kind == ast::Index::Slice ? "a slice's size" : "a range's end"));
    if (!ends.back())
      return {};
    if (index.kind == ast::Index::Slice)
      ends.back() = arith::AddIOp::create(b, loc, starts.back(), ends.back());
  }
  if (dims.empty())
    return error(expr.offset, Message::PartOfOneElement, expr.text);
  auto part = tile::ViewType::get(b.getContext(), extents, type.getElementType(), type.getAccess());
  result.ssa = tile::SubviewOp::create(b, loc, part, view->ssa, starts, b.getDenseI64ArrayAttr(dims), ends);
  return result;
}

/// The same of a view as the text sees it. Of two dimensions that are one it is their product, at most 2^31 - 1.
Val Emitter::extentOf(uint32_t offset, const Val &view, unsigned dim) {
  if (view.joined < 0 || int(dim) < view.joined)
    return extentOf(offset, view.ssa, dim);
  if (int(dim) > view.joined)
    return extentOf(offset, view.ssa, dim + 1);
  Val first = extentOf(offset, view.ssa, dim), second = extentOf(offset, view.ssa, dim + 1);
  if (first.kind == Val::Integer && second.kind == Val::Integer)
    return Val::ofInteger(std::min<int64_t>(first.integer * second.integer, INT32_MAX));
  for (Val *each : {&first, &second})
    *each = castTo(offset, settle(offset, *each), DataType::I64);
  Val product = binary(offset, "min", binary(offset, "*", first, second), Val::ofInteger(INT32_MAX));
  Val extent = castTo(offset, product, DataType::I32);
  exact.definePosition(extent.ssa, {0, INT32_MAX});
  return extent;
}

/// A view's extent along `dim`: a number where it is one.
Val Emitter::extentOf(uint32_t offset, Value view, unsigned dim) {
  auto type = cast<tile::ViewType>(view.getType());
  if (!type.isDynamic(dim))
    return Val::ofInteger(type.getExtents()[dim]);
  Value extent = tile::ExtentOp::create(b, at(offset), view, dim);
  bool isPart = view.getDefiningOp(); // whose range need not lie in the view
  exact.definePosition(extent, {0, isPart ? INT32_MAX : kLargestExtent});
  return Val::of(extent);
}

/// extent(view, dimension)
Val Emitter::emitExtentOf(const ast::Expr &expr, ArrayRef<Val> arguments) {
  const Val &view = arguments[0], &dim = arguments[1];
  if (view.kind != Val::View)
    return error(expr.operands[0]->offset, Message::NotAView, ast::toText(*expr.operands[0]));
  if (dim.kind != Val::Integer || dim.integer < 0 || dim.integer >= int64_t(view.rank()))
    return error(expr.operands[1]->offset, Message::ExtentDimension, view.rank(), ast::toText(*expr.operands[1]));
  return extentOf(expr.offset, view, unsigned(dim.integer));
}

/// False, reported, if `view` is added to here and touched otherwise elsewhere, or the other way round.
bool Emitter::checkTouch(uint32_t offset, StringRef name, const Val &view, bool adds) {
  Touch &first = touched.try_emplace(view.parameter, Touch{adds, offset}).first->second;
  if (first.adds == adds)
    return true;
  error(offset, Message::AddMixed, name, diagnostics.position(first.offset).line);
  return false;
}

/// What a view must be to be added to.
bool Emitter::checkAdd(const ast::Stmt &stmt, const Access &access) {
  DataType type = access.view->parameter->type;
  if (access.type().getAccess() != tile::ViewAccess::Var)
    error(stmt.offset, Message::AddToOutput, stmt.name);
  else if (!tile::canAdd(access.type().getElementType()))
    error(stmt.offset, Message::AddType, stmt.name, name(type));
  else if (type == DataType::BF16 && !target.addsVectors)
    error(stmt.offset, Message::Unsupported,
          "adding bf16 in memory on " + target.name + " (from sm_90 on it is; a view of f32 can be added to)");
  else if (options.deterministic && isFloat(type))
    error(stmt.offset, Message::AddInOrder, stmt.name, name(type));
  else
    return true;
  return false;
}

void Emitter::emitStore(const ast::Stmt &stmt) {
  std::optional<Access> access = emitAccess(stmt.offset, stmt.name, stmt.indices);
  Val value = emit(*stmt.value);
  if (!access || value.isPoison())
    return;
  if (!access->type().getWritable()) {
    error(stmt.offset, Message::StoreToInput, stmt.name);
    return;
  }
  bool adds = !stmt.op.empty();
  if ((adds && !checkAdd(stmt, *access)) || !checkTouch(stmt.offset, stmt.name, *access->view, adds))
    return;
  Type element = access->type().getElementType();
  Type type = access->shape.empty() ? element : Type(RankedTensorType::get(access->shape, element));
  if (value.isLiteral())
    value = adapt(stmt.value->offset, value, type, isUnsigned(access->view->parameter->type));
  if (value.isPoison())
    return;
  if (!isOf(value, access->view->parameter->type)) {
    error(stmt.value->offset, Message::StoreType, describe(value), stmt.name, name(access->view->parameter->type));
    return;
  }
  if (!value.tile() && !access->shape.empty())
    value = broadcastTo(stmt.offset, value, access->shape);
  ArrayRef<int64_t> shape = value.tile() ? value.tile().getShape() : ArrayRef<int64_t>();
  if (shape != ArrayRef(access->shape)) {
    error(stmt.value->offset, Message::StoreShape, describe(shape), describe(access->shape), stmt.name);
    return;
  }
  DenseI64ArrayAttr dims = b.getDenseI64ArrayAttr(access->dims), none = b.getDenseI64ArrayAttr({});
  Value view = access->view->ssa;
  if (access->isGather)
    tile::ScatterOp::create(b, at(stmt.offset), value.ssa, view, access->indices, dims, none, {}, {}, adds);
  else
    tile::StoreOp::create(b, at(stmt.offset), value.ssa, view, access->indices, dims, none, {}, {}, adds);
}
