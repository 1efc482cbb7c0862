//===- EmitExpressions.cpp - Names, members, new tiles --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function a kind of expression; operators, casts, calls and loads have files of their own.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Emitter.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <numbers>

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

bool Emitter::spend(uint32_t offset, size_t amount) {
  bool before = emitted <= kMaxOperations;
  emitted += amount;
  if (before && emitted > kMaxOperations)
    error(offset, Message::TooManyOperations, kMaxOperations);
  return emitted <= kMaxOperations;
}

Val Emitter::emit(const ast::Expr &expr) {
  ++depth;
  llvm::scope_exit leave([&] { --depth; });
  if (!spend(expr.offset, 1))
    return {};
  if (depth > kMaxEmitDepth)
    return error(expr.offset, Message::TooDeep, kMaxEmitDepth);
  switch (expr.kind) {
  case ast::Expr::Integer:
    return Val::ofInteger(expr.integer);
  case ast::Expr::Float:
    return Val::ofFloat(expr.number);
  case ast::Expr::Bool:
    return Val::ofBool(expr.integer);
  case ast::Expr::Name:
    return emitName(expr);
  case ast::Expr::Unary:
    return emitUnary(expr);
  case ast::Expr::Binary:
    return emitBinary(expr);
  case ast::Expr::Call:
    return expectValues(expr, emitCall(expr), 1);
  case ast::Expr::Fill:
    return emitFill(expr);
  case ast::Expr::Cast:
    return emitCast(expr);
  case ast::Expr::Member:
    return emitMember(expr);
  case ast::Expr::Expand:
    return emitExpand(expr);
  case ast::Expr::Load:
    return emitLoad(expr);
  case ast::Expr::Part:
    return emitPart(expr);
  }
  return {};
}

Val Emitter::emitName(const ast::Expr &expr) {
  if (Binding *binding = find(expr.text))
    return binding->value;
  if (std::optional<Constant> type = lookUp(expr.text, program); type && type->kind == Constant::Type)
    return Val::ofType(DataType(type->value));
  if (std::optional<double> number = namedNumber(expr.text))
    return Val::ofFloat(*number);
  if (isKernelsAlone(expr.offset, expr.text))
    return {};
  std::vector<std::string> known{"inf", "nan", "LOG2E", "LN2", "PI"};
  for (const Scope &scope : llvm::reverse(scopes))
    for (const auto &[name, binding] : scope)
      if (known.size() < kMaxSuggestions)
        known.push_back(name);
  for (const auto &[name, value] : program.integers)
    known.push_back(name);
  for (const auto &[name, type] : program.types)
    known.push_back(name);
  return error(expr.offset, Message::UnknownName, expr.text, suggestion(expr.text, known));
}

Val Emitter::emitMember(const ast::Expr &expr) {
  Val x = emit(*expr.operands[0]);
  if (x.isPoison())
    return {};
  if (x.kind == Val::Coord) {
    static constexpr StringRef kFields[] = {"b", "h", "q", "k", "Sq", "Sk"};
    for (auto [i, field] : llvm::enumerate(kFields))
      if (field == expr.text)
        return (*x.fields)[i];
    return error(expr.offset, Message::NoField, "a coord", expr.text, " (b, h, q, k, Sq, Sk)");
  }
  x = settleChoice(expr.offset, x);
  if (expr.text != "T")
    return error(expr.offset, Message::NoField, describe(x), expr.text, "");
  RankedTensorType type = x.tile();
  if (!type || type.getRank() != 2)
    return error(expr.offset, Message::NeedsTile, ".T", 2, describe(x));
  auto result = RankedTensorType::get({type.getDimSize(1), type.getDimSize(0)}, type.getElementType());
  return Val::of(tile::TransposeOp::create(b, at(expr.offset), result, x.ssa), x.isUnsigned);
}

Val Emitter::emitExpand(const ast::Expr &expr) {
  Val x = settleChoice(expr.offset, emit(*expr.operands[0]));
  if (x.isPoison())
    return {};
  RankedTensorType type = x.tile();
  if (!type || type.getRank() != 1)
    return error(expr.offset, Message::NeedsTile, expr.integer ? "[:, _]" : "[_, :]", 1, describe(x));
  SmallVector<int64_t> shape(type.getShape());
  shape.insert(shape.begin() + expr.integer, 1);
  auto result = RankedTensorType::get(shape, type.getElementType());
  return Val::of(tile::ExpandDimsOp::create(b, at(expr.offset), result, x.ssa, expr.integer), x.isUnsigned);
}

Val Emitter::emitFill(const ast::Expr &expr) {
  std::optional<DataType> type = resolveType(expr.type);
  SmallVector<int64_t> shape;
  for (size_t i = 0; i + 1 < expr.operands.size(); ++i) {
    std::optional<int64_t> extent = emitExtent(*expr.operands[i]);
    if (!extent)
      return {};
    shape.push_back(*extent);
  }
  Val value = emit(*expr.operands.back());
  if (!type || value.isPoison() || !checkTile(expr.offset, shape))
    return {};
  if (value.kind == Val::Choice)
    value = adapt(expr.operands.back()->offset, value, *type);
  if (value.isLiteral())
    return adapt(expr.operands.back()->offset, value, RankedTensorType::get(shape, toType(*type)), isUnsigned(*type));
  if (value.tile() || !isOf(value, *type))
    return error(expr.operands.back()->offset, Message::ArgumentType, "fill", "value", name(*type), describe(value));
  return broadcastTo(expr.offset, value, shape);
}
