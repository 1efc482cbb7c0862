//===- EmitValues.cpp - Literals, shapes, words for them ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a literal becomes when it meets a type, which tiles are allowed, how shapes are brought together, and
// how a value is named in a message.
//
//===----------------------------------------------------------------------===//

#include "compiler/MlirTypes.h"
#include "compiler/frontend/Emitter.h"
#include "llvm/Support/Format.h"
#include <cmath>

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Words for messages
//===----------------------------------------------------------------------===//

std::string Emitter::describe(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, extent] : llvm::enumerate(shape))
    text += (i ? ", " : "") + std::to_string(extent);
  return text + "]";
}

std::string Emitter::describe(Type type, bool isUnsigned) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return "a tile of " + describe(tensor.getElementType(), isUnsigned) + describe(tensor.getShape());
  if (isUnsigned)
    return "u" + std::to_string(type.getIntOrFloatBitWidth());
  if (std::optional<DataType> known = dataTypeOf(type))
    return std::string(name(*known));
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// With a point or an exponent, as a float is written.
static std::string toText(double number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", number);
  bool isInteger = StringRef(text).find_if_not([](char c) { return llvm::isDigit(c) || c == '-'; }) == StringRef::npos;
  return isInteger ? text + ".0" : text;
}

std::string Emitter::describe(const Val &value) {
  switch (value.kind) {
  case Val::Poison:
    return "nothing";
  case Val::Integer:
    return "the integer " + std::to_string(value.integer);
  case Val::Float:
    return "the float " + toText(value.number);
  case Val::Bool:
    return value.integer ? "true" : "false";
  case Val::Choice:
    return describe((*value.fields)[1]) + " or " + describe((*value.fields)[2]);
  case Val::Type:
    return "the type " + std::string(name(DataType(value.integer)));
  case Val::Ssa:
    return describe(value.ssa.getType(), value.isUnsigned);
  case Val::Coord:
    return "a coord";
  case Val::View:
    return "the view '" + value.parameter->name + "' (read it with load)";
  case Val::Absent:
    return "the view '" + value.parameter->name + "', which is left out here,";
  case Val::Several:
    return std::to_string(value.fields->size()) + " values";
  }
  return "";
}

//===----------------------------------------------------------------------===//
// Constants and shapes
//===----------------------------------------------------------------------===//

Value Emitter::i32(Location loc, int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(value));
}

/// `literal` as an attribute of `element`; null if it does not fit.
static TypedAttr literalAttr(OpBuilder &b, const Val &literal, Type element, bool isUnsigned) {
  if (auto type = dyn_cast<FloatType>(element)) {
    FloatAttr value = literal.kind == Val::Bool ? FloatAttr() : b.getFloatAttr(type, literal.number);
    bool overflows = value && ((value.getValue().isInfinity() && !std::isinf(literal.number)) ||
                               (value.getValue().isNaN() && !std::isnan(literal.number))); // f8e4m3 has no infinity
    return overflows ? FloatAttr() : value;
  }
  unsigned bits = element.getIntOrFloatBitWidth();
  bool inRange = isUnsigned ? literal.integer >= 0 && llvm::isUIntN(bits, uint64_t(literal.integer))
                            : llvm::isIntN(bits, literal.integer);
  bool fits = bits == 1 ? literal.kind == Val::Bool : literal.kind == Val::Integer && inRange;
  return fits ? b.getIntegerAttr(element, APInt(bits, uint64_t(literal.integer), false, /*implicitTrunc=*/true))
              : IntegerAttr();
}

bool Emitter::isOf(const Val &value, DataType type) {
  return value.kind == Val::Ssa && value.element() == toType(type) && value.isUnsigned == isUnsigned(type);
}

bool Emitter::fits(const Val &literal, DataType type) {
  return bool(literalAttr(b, literal, toType(type), isUnsigned(type)));
}

/// Says why `literal` is no constant of `element`: it is of another kind, or too large.
Val Emitter::wrongLiteral(uint32_t offset, const Val &literal, Type element, bool isUnsigned) {
  bool isBool = element.isInteger(1), isFloat = isa<FloatType>(element);
  if (isBool == (literal.kind == Val::Bool) && (isFloat || literal.kind != Val::Float))
    return error(offset, Message::LiteralDoesNotFit, describe(literal), describe(element, isUnsigned));
  StringRef advice = isBool                       ? "; compare it"
                     : literal.kind == Val::Float ? "; write an integer, or convert with cast<>"
                                                  : "";
  return error(offset, Message::LiteralKind, describe(literal), describe(element, isUnsigned), advice);
}

Val Emitter::adapt(uint32_t offset, const Val &literal, DataType type) {
  return adapt(offset, literal, toType(type), isUnsigned(type));
}

Val Emitter::adapt(uint32_t offset, const Val &literal, Type type, bool isUnsigned) {
  Type element = getElementTypeOrSelf(type);
  auto shape = dyn_cast<RankedTensorType>(type);
  if (literal.kind == Val::Choice) {
    Val value =
        mapChoice(offset, literal, [&](const Val &number) { return adapt(offset, number, element, isUnsigned); });
    return shape && value.kind == Val::Ssa && !value.tile() ? broadcastTo(offset, value, shape.getShape()) : value;
  }
  TypedAttr value = literalAttr(b, literal, element, isUnsigned);
  if (!value)
    return wrongLiteral(offset, literal, element, isUnsigned);
  if (shape)
    value = SplatElementsAttr::get(shape, value);
  return Val::of(arith::ConstantOp::create(b, at(offset), value), isUnsigned);
}

Val Emitter::settle(uint32_t offset, Val value) {
  return value.isLiteral() ? adapt(offset, value, ownType(value)) : value;
}

bool Emitter::checkTile(uint32_t offset, ArrayRef<int64_t> shape) {
  int64_t elements = 1;
  if (shape.size() > 2) {
    error(offset, Message::TileRank, shape.size());
    return false;
  }
  for (int64_t extent : shape) {
    if (extent < 1 || extent > kMaxTileExtent) {
      error(offset, Message::TileExtent, kMaxTileExtent, extent);
      return false;
    }
    elements *= extent;
  }
  if (elements <= kMaxTileElements)
    return true;
  error(offset, Message::TileTooLarge, kMaxTileElements, elements);
  return false;
}

std::optional<int64_t> Emitter::emitConstant(const ast::Expr &expr) {
  Val value = emit(expr);
  if (value.kind == Val::Integer)
    return value.integer;
  if (value.kind == Val::Float || value.kind == Val::Bool)
    error(expr.offset, Message::NotAnInteger, describe(value));
  else if (!value.isPoison())
    error(expr.offset, Message::NotConstant, "'" + ast::toText(expr) + "'");
  return std::nullopt;
}

std::optional<int64_t> Emitter::emitExtent(const ast::Expr &expr) {
  std::optional<int64_t> extent = emitConstant(expr);
  return extent && checkTile(expr.offset, {*extent}) ? extent : std::nullopt;
}

Value Emitter::toI32(const ast::Expr &expr, Val value, StringRef what) {
  if (value.kind == Val::Integer)
    value = adapt(expr.offset, value, b.getI32Type());
  if (value.isPoison())
    return {};
  if (isOf(value, DataType::I32) && !value.tile())
    return value.ssa;
  error(expr.offset, Message::NeedsScalar, what, describe(value));
  return {};
}

Val Emitter::broadcastTo(uint32_t offset, const Val &value, ArrayRef<int64_t> shape) {
  Location loc = at(offset);
  auto type = RankedTensorType::get(shape, value.element());
  if (!value.tile())
    return Val::of(tile::SplatOp::create(b, loc, type, value.ssa), value.isUnsigned);
  if (value.tile() == type)
    return value;
  return Val::of(tile::BroadcastOp::create(b, loc, type, value.ssa), value.isUnsigned);
}

bool Emitter::unifyShapes(uint32_t offset, StringRef op, Val &x, Val &y) {
  RankedTensorType xt = x.tile(), yt = y.tile();
  if (!xt && !yt)
    return true;
  SmallVector<int64_t> shape(xt ? xt.getShape() : yt.getShape());
  if (xt && yt) {
    if (xt.getRank() != yt.getRank()) {
      error(offset, Message::ShapeMismatch, op, describe(xt.getShape()), describe(yt.getShape()),
            "; add a dimension to the smaller one with [:, _] or [_, :]");
      return false;
    }
    for (auto [extent, other] : llvm::zip(shape, yt.getShape())) {
      if (extent != other && extent != 1 && other != 1) {
        error(offset, Message::ShapeMismatch, op, describe(xt.getShape()), describe(yt.getShape()), "");
        return false;
      }
      extent = std::max(extent, other);
    }
  }
  x = broadcastTo(offset, x, shape);
  y = broadcastTo(offset, y, shape);
  return true;
}

bool Emitter::unify(uint32_t offset, StringRef op, Val &x, Val &y) {
  for (Val *value : {&x, &y})
    if (!value->isLiteral() && value->kind != Val::Ssa) {
      if (!value->isPoison())
        error(offset, Message::NotAValue, describe(*value));
      return false;
    }
  if (x.isLiteral() && y.kind == Val::Ssa)
    x = adapt(offset, x, y.ssa.getType(), y.isUnsigned);
  else if (y.isLiteral() && x.kind == Val::Ssa)
    y = adapt(offset, y, x.ssa.getType(), x.isUnsigned);
  else if (x.isLiteral()) { // a float makes a float of the other number
    bool isFloat = x.isNumber() && y.isNumber() && (ownType(x).isF32() || ownType(y).isF32());
    x = adapt(offset, x, isFloat ? b.getF32Type() : ownType(x));
    y = adapt(offset, y, isFloat ? b.getF32Type() : ownType(y));
  }
  if (x.isPoison() || y.isPoison())
    return false;
  if (!x.isOfOneType(y)) {
    error(offset, Message::TypeMismatch, op, describe(x), describe(y));
    return false;
  }
  return unifyShapes(offset, op, x, y);
}
