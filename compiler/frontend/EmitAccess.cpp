//===- EmitAccess.cpp - Loads and stores of views -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Slices of views: one index, a start and a size, or a whole extent, for each dimension.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Emitter.h"

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

/// Where an index or a slice begins.
Value Emitter::emitStart(const ast::Expr &expr) {
  Val start = emit(expr);
  if (start.tile()) {
    error(expr.offset, Message::Unsupported, "gather: an index that is a tile");
    return {};
  }
  return toI32(expr, start, "an index");
}

bool Emitter::emitIndex(Access &access, unsigned dim, const ast::Index &index) {
  const Parameter &view = *access.view->parameter;
  if (index.kind == ast::Index::Whole) {
    std::optional<int64_t> extent = view.extents[dim].evaluate(interface.constants);
    if (!extent) {
      error(index.offset, Message::WholeNeedsConstant);
      return false;
    }
    access.indices.push_back(i32(at(index.offset), 0));
    access.dims.push_back(dim);
    access.shape.push_back(*extent);
    return true;
  }
  Value start = emitStart(*index.start);
  access.indices.push_back(start);
  if (index.kind == ast::Index::Slice) {
    std::optional<int64_t> size = emitExtent(*index.size);
    if (!size)
      return false;
    access.dims.push_back(dim);
    access.shape.push_back(*size);
  }
  return bool(start);
}

std::optional<Emitter::Access> Emitter::emitAccess(uint32_t offset, StringRef name,
                                                   const std::vector<ast::Index> &indices) {
  Binding *binding = find(name);
  if (!binding && isKernelsAlone(offset, name))
    return std::nullopt;
  if (!binding) {
    std::vector<std::string> known;
    for (const Parameter &parameter : interface.parameters)
      if (parameter.isView && !kernelScopes)
        known.push_back(parameter.name);
    error(offset, Message::UnknownName, name, suggestion(name, known));
    return std::nullopt;
  }
  if (binding->value.kind != Val::View && binding->value.kind != Val::Absent) {
    error(offset, Message::NotAView, name);
    return std::nullopt;
  }
  if (binding->value.kind == Val::Absent) {
    error(offset, Message::AbsentView, name);
    return std::nullopt;
  }
  Access access{&binding->value, {}, {}, {}};
  const Parameter &view = *access.view->parameter;
  if (indices.size() != view.extents.size()) {
    error(offset, Message::IndexCount, name, view.extents.size(), indices.size());
    return std::nullopt;
  }
  bool ok = true;
  for (auto [dim, index] : llvm::enumerate(indices))
    ok &= emitIndex(access, dim, index);
  return ok && checkTile(offset, access.shape) ? std::optional(access) : std::nullopt;
}

Val Emitter::emitLoad(const ast::Expr &expr) {
  std::optional<Access> access = emitAccess(expr.offset, expr.text, expr.indices);
  if (!access)
    return {};
  if (access->view->parameter->output)
    return error(expr.offset, Message::LoadFromOutput, expr.text);
  Type type = cast<tile::ViewType>(access->view->ssa.getType()).getElementType();
  if (!access->shape.empty())
    type = RankedTensorType::get(access->shape, type);
  return Val::of(tile::LoadOp::create(b, at(expr.offset), type, access->view->ssa, access->indices,
                                      b.getDenseI64ArrayAttr(access->dims), IntegerAttr(), Value(), Value()),
                 isUnsigned(access->view->parameter->type));
}

void Emitter::emitStore(const ast::Stmt &stmt) {
  std::optional<Access> access = emitAccess(stmt.offset, stmt.name, stmt.indices);
  Val value = emit(*stmt.value);
  if (!access || value.isPoison())
    return;
  if (!access->view->parameter->output) {
    error(stmt.offset, Message::StoreToInput, stmt.name);
    return;
  }
  Type element = cast<tile::ViewType>(access->view->ssa.getType()).getElementType();
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
  tile::StoreOp::create(b, at(stmt.offset), value.ssa, access->view->ssa, access->indices,
                        b.getDenseI64ArrayAttr(access->dims));
}
