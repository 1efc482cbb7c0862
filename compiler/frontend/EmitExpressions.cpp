//===- EmitExpressions.cpp - Names, operators, broadcasting ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators on compile-time values fold here; on scalars and tiles they become arith operations of one
// type and shape.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Emitter.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <numbers>

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

std::string Emitter::describe(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return "a tile of " + describe(tensor.getElementType()) + describe(tensor.getShape());
  if (type.isInteger(1))
    return "bool";
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

std::string Emitter::describe(const Val &value) {
  switch (value.kind) {
  case Val::Poison:
    return "nothing";
  case Val::Integer:
    return "the integer " + std::to_string(value.integer);
  case Val::Float:
    return llvm::formatv("the number {0}", value.number).str();
  case Val::Bool:
    return value.integer ? "true" : "false";
  case Val::Ssa:
    return describe(value.ssa.getType());
  case Val::Coord:
    return "a coord";
  case Val::View:
  case Val::Absent:
    return "the view '" + value.parameter->name + "'";
  }
  return "";
}

//===----------------------------------------------------------------------===//
// Constants and shapes
//===----------------------------------------------------------------------===//

Value Emitter::constant(Location loc, Type type, double number, int64_t integer) {
  TypedAttr value;
  if (isa<FloatType>(type))
    value = b.getFloatAttr(type, number);
  else
    value = b.getIntegerAttr(type, integer);
  return arith::ConstantOp::create(b, loc, value);
}

Val Emitter::adapt(uint32_t offset, const Val &literal, Type element) {
  bool isBool = element.isInteger(1), isFloat = isa<FloatType>(element);
  bool fits = isFloat ? literal.kind != Val::Bool : (isBool ? literal.kind == Val::Bool : literal.kind == Val::Integer);
  if (fits && !isFloat && !isBool)
    fits = llvm::isIntN(element.getIntOrFloatBitWidth(), literal.integer);
  if (!fits)
    return error(offset, Message::LiteralDoesNotFit,
                 literal.kind == Val::Integer ? std::to_string(literal.integer) : describe(literal), describe(element));
  return Val::of(constant(at(offset), element, literal.number, literal.integer));
}

bool Emitter::checkTile(uint32_t offset, ArrayRef<int64_t> shape) {
  int64_t elements = 1;
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
  if (!value.isPoison())
    error(expr.offset, Message::NotConstant, "'" + ast::toText(expr) + "'");
  return std::nullopt;
}

std::optional<int64_t> Emitter::emitExtent(const ast::Expr &expr) {
  std::optional<int64_t> extent = emitConstant(expr);
  return extent && checkTile(expr.offset, {*extent}) ? extent : std::nullopt;
}

Value Emitter::emitI32(const ast::Expr &expr, StringRef what) {
  Val value = emit(expr);
  if (value.kind == Val::Integer)
    value = adapt(expr.offset, value, b.getI32Type());
  if (value.isPoison())
    return {};
  if (value.kind == Val::Ssa && value.ssa.getType().isInteger(32))
    return value.ssa;
  error(expr.offset, Message::NeedsScalar, what, describe(value));
  return {};
}

Val Emitter::broadcastTo(const Val &value, ArrayRef<int64_t> shape) {
  Location loc = value.ssa.getLoc();
  auto type = RankedTensorType::get(shape, value.element());
  if (!value.tile())
    return Val::of(tile::SplatOp::create(b, loc, type, value.ssa));
  if (value.tile() == type)
    return value;
  return Val::of(tile::BroadcastOp::create(b, loc, type, value.ssa));
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
  x = broadcastTo(x, shape);
  y = broadcastTo(y, shape);
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
    x = adapt(offset, x, y.element());
  else if (y.isLiteral() && x.kind == Val::Ssa)
    y = adapt(offset, y, x.element());
  else if (x.isLiteral())
    x = settle(x), y = settle(y);
  if (x.isPoison() || y.isPoison())
    return false;
  if (x.element() != y.element()) {
    error(offset, Message::TypeMismatch, op, describe(x), describe(y));
    return false;
  }
  return unifyShapes(offset, op, x, y);
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

Val Emitter::binaryLiterals(uint32_t offset, StringRef op, const Val &x, const Val &y) {
  if (x.kind != Val::Float && y.kind != Val::Float) {
    Constant cx{x.kind == Val::Bool ? Constant::Bool : Constant::Integer, x.integer};
    Constant cy{y.kind == Val::Bool ? Constant::Bool : Constant::Integer, y.integer};
    std::optional<Constant> value = evaluateBinary(op, cx, cy);
    if (value)
      return value->kind == Constant::Bool ? Val::ofBool(value->value) : Val::ofInteger(value->value);
    bool divides = op == "/" || op == "%" || op == "cdiv";
    if (cx.kind != cy.kind || cx.kind == Constant::Bool)
      return error(offset, Message::TypeMismatch, op, describe(x), describe(y));
    return error(offset, divides && y.integer == 0 ? Message::DivisionByZero : Message::Overflow);
  }
  if (x.kind == Val::Bool || y.kind == Val::Bool)
    return error(offset, Message::TypeMismatch, op, describe(x), describe(y));
  double a = x.number, c = y.number;
  if (op == "min" || op == "max")
    return Val::ofFloat(op == "min" ? std::fmin(a, c) : std::fmax(a, c));
  if (std::optional<double> value = llvm::StringSwitch<std::optional<double>>(op)
                                        .Case("+", a + c)
                                        .Case("-", a - c)
                                        .Case("*", a * c)
                                        .Case("/", a / c)
                                        .Default(std::nullopt))
    return Val::ofFloat(*value);
  if (std::optional<bool> value = llvm::StringSwitch<std::optional<bool>>(op)
                                      .Case("<", a < c)
                                      .Case("<=", a <= c)
                                      .Case(">", a > c)
                                      .Case(">=", a >= c)
                                      .Case("==", a == c)
                                      .Case("!=", a != c)
                                      .Default(std::nullopt))
    return Val::ofBool(*value);
  return error(offset, Message::NeedsInteger, op, describe(x));
}

static std::optional<arith::CmpIPredicate> integerPredicate(StringRef op) {
  using P = arith::CmpIPredicate;
  return llvm::StringSwitch<std::optional<P>>(op)
      .Case("<", P::slt).Case("<=", P::sle).Case(">", P::sgt).Case(">=", P::sge).Case("==", P::eq).Case("!=", P::ne)
      .Default(std::nullopt);
}

static arith::CmpFPredicate floatPredicate(StringRef op) {
  using P = arith::CmpFPredicate;
  return llvm::StringSwitch<P>(op)
      .Case("<", P::OLT).Case("<=", P::OLE).Case(">", P::OGT).Case(">=", P::OGE).Case("==", P::OEQ)
      .Default(P::UNE);
}

static Value floatOp(OpBuilder &b, Location loc, StringRef op, Value x, Value y) {
  if (op == "+")
    return arith::AddFOp::create(b, loc, x, y);
  if (op == "-")
    return arith::SubFOp::create(b, loc, x, y);
  if (op == "*")
    return arith::MulFOp::create(b, loc, x, y);
  if (op == "/")
    return arith::DivFOp::create(b, loc, x, y);
  if (op == "min")
    return arith::MinNumFOp::create(b, loc, x, y);
  if (op == "max")
    return arith::MaxNumFOp::create(b, loc, x, y);
  return {};
}

static Value integerOp(OpBuilder &b, Location loc, StringRef op, Value x, Value y) {
  if (op == "+")
    return arith::AddIOp::create(b, loc, x, y);
  if (op == "-")
    return arith::SubIOp::create(b, loc, x, y);
  if (op == "*")
    return arith::MulIOp::create(b, loc, x, y);
  if (op == "/")
    return arith::DivSIOp::create(b, loc, x, y);
  if (op == "%")
    return arith::RemSIOp::create(b, loc, x, y);
  if (op == "cdiv")
    return arith::CeilDivSIOp::create(b, loc, x, y);
  if (op == "min")
    return arith::MinSIOp::create(b, loc, x, y);
  if (op == "max")
    return arith::MaxSIOp::create(b, loc, x, y);
  return {};
}

Val Emitter::binary(uint32_t offset, StringRef op, Val x, Val y) {
  if (x.isPoison() || y.isPoison())
    return {};
  if (x.isLiteral() && y.isLiteral())
    return binaryLiterals(offset, op, x, y);
  bool zeroDivisor = y.kind == Val::Integer && y.integer == 0 && (op == "/" || op == "%" || op == "cdiv");
  if (zeroDivisor && x.kind == Val::Ssa && isa<IntegerType>(x.element()))
    return error(offset, Message::DivisionByZero);
  if (!unify(offset, op, x, y))
    return {};
  Location loc = at(offset);
  Type element = x.element();
  bool isFloat = isa<FloatType>(element), isBool = element.isInteger(1);
  if (op == "&&" || op == "||") {
    if (!isBool)
      return error(offset, Message::NeedsBool, op, describe(x));
    return Val::of(op == "&&" ? Value(arith::AndIOp::create(b, loc, x.ssa, y.ssa))
                              : Value(arith::OrIOp::create(b, loc, x.ssa, y.ssa)));
  }
  if (std::optional<arith::CmpIPredicate> predicate = integerPredicate(op)) {
    if (isFloat)
      return Val::of(arith::CmpFOp::create(b, loc, floatPredicate(op), x.ssa, y.ssa));
    if (isBool && op != "==" && op != "!=")
      return error(offset, Message::NeedsNumber, op, describe(x));
    return Val::of(arith::CmpIOp::create(b, loc, *predicate, x.ssa, y.ssa));
  }
  if (isBool)
    return error(offset, Message::NeedsNumber, op, describe(x));
  Value result = isFloat ? floatOp(b, loc, op, x.ssa, y.ssa) : integerOp(b, loc, op, x.ssa, y.ssa);
  return result ? Val::of(result) : error(offset, Message::NeedsInteger, op, describe(x));
}

Val Emitter::emit(const ast::Expr &expr) {
  if (++emitted > kMaxOperations) {
    if (emitted == kMaxOperations + 1)
      error(expr.offset, Message::TooManyOperations, kMaxOperations);
    return {};
  }
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
    return emitCall(expr);
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
  }
  return {};
}

Val Emitter::emitName(const ast::Expr &expr) {
  if (Binding *binding = find(expr.text))
    return binding->value;
  std::optional<double> number = llvm::StringSwitch<std::optional<double>>(expr.text)
                                     .Case("inf", INFINITY)
                                     .Case("nan", NAN)
                                     .Case("LOG2E", std::numbers::log2e)
                                     .Case("LN2", std::numbers::ln2)
                                     .Case("PI", std::numbers::pi)
                                     .Default(std::nullopt);
  if (number)
    return Val::ofFloat(*number);
  std::vector<std::string> known{"inf", "nan", "LOG2E", "LN2", "PI"};
  for (const Scope &scope : scopes)
    for (const auto &[name, binding] : scope)
      known.push_back(name);
  return error(expr.offset, Message::UnknownName, expr.text, suggestion(expr.text, known));
}

Val Emitter::emitUnary(const ast::Expr &expr) {
  Val x = emit(*expr.operands[0]);
  if (x.isPoison())
    return {};
  Location loc = at(expr.offset);
  if (expr.text == "!") {
    if (x.kind == Val::Bool)
      return Val::ofBool(!x.integer);
    if (x.kind != Val::Ssa || !x.element().isInteger(1))
      return error(expr.offset, Message::NeedsBool, "!", describe(x));
    return binary(expr.offset, "==", x, Val::ofBool(false));
  }
  if (x.kind == Val::Integer)
    return binaryLiterals(expr.offset, "-", Val::ofInteger(0), x);
  if (x.kind == Val::Float)
    return Val::ofFloat(-x.number);
  if (x.kind != Val::Ssa || x.element().isInteger(1))
    return error(expr.offset, Message::NeedsNumber, "-", describe(x));
  if (isa<FloatType>(x.element()))
    return Val::of(arith::NegFOp::create(b, loc, x.ssa));
  return binary(expr.offset, "-", Val::ofInteger(0), x);
}

Val Emitter::emitBinary(const ast::Expr &expr) {
  Val x = emit(*expr.operands[0]);
  // A side that a constant decides is not looked at, as compile-time `if` would.
  if (x.kind == Val::Bool && ((expr.text == "&&" && !x.integer) || (expr.text == "||" && x.integer)))
    return x;
  Val y = emit(*expr.operands[1]);
  if ((expr.text == "&&" || expr.text == "||") && x.kind == Val::Bool && y.kind == Val::Ssa && y.element().isInteger(1))
    return y;
  return binary(expr.offset, expr.text, x, y);
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
  if (expr.text != "T")
    return error(expr.offset, Message::NoField, describe(x), expr.text, "");
  RankedTensorType type = x.tile();
  if (!type || type.getRank() != 2)
    return error(expr.offset, Message::NeedsTile, ".T", 2, describe(x));
  auto result = RankedTensorType::get({type.getDimSize(1), type.getDimSize(0)}, type.getElementType());
  return Val::of(tile::TransposeOp::create(b, at(expr.offset), result, x.ssa));
}

Val Emitter::emitExpand(const ast::Expr &expr) {
  Val x = emit(*expr.operands[0]);
  if (x.isPoison())
    return {};
  RankedTensorType type = x.tile();
  if (!type || type.getRank() != 1)
    return error(expr.offset, Message::NeedsTile, expr.integer ? "[:, _]" : "[_, :]", 1, describe(x));
  SmallVector<int64_t> shape(type.getShape());
  shape.insert(shape.begin() + expr.integer, 1);
  auto result = RankedTensorType::get(shape, type.getElementType());
  return Val::of(tile::ExpandDimsOp::create(b, at(expr.offset), result, x.ssa, expr.integer));
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
  if (shape.size() > 2)
    return error(expr.offset, Message::TileRank, shape.size());
  if (value.isLiteral())
    value = adapt(expr.operands.back()->offset, value, toType(*type));
  if (value.isPoison())
    return {};
  if (value.kind != Val::Ssa || value.tile() || value.element() != toType(*type))
    return error(expr.operands.back()->offset, Message::ArgumentType, "fill", "value", describe(toType(*type)),
                 describe(value));
  return broadcastTo(value, shape);
}

/// Between numbers of two element types; null for what has no conversion.
static Value convertElement(OpBuilder &b, Location loc, Value x, Type to) {
  Type from = getElementTypeOrSelf(x.getType());
  auto tensor = dyn_cast<RankedTensorType>(x.getType());
  Type type = tensor ? Type(tensor.clone(to)) : to;
  unsigned fromBits = from.getIntOrFloatBitWidth(), toBits = to.getIntOrFloatBitWidth();
  bool fromFloat = isa<FloatType>(from), toFloat = isa<FloatType>(to);
  if (fromFloat && toFloat) {
    if (fromBits == toBits) { // f16 and bf16: f32 holds both
      Value wide = convertElement(b, loc, x, b.getF32Type());
      return arith::TruncFOp::create(b, loc, type, wide);
    }
    return fromBits < toBits ? Value(arith::ExtFOp::create(b, loc, type, x)) : arith::TruncFOp::create(b, loc, type, x);
  }
  if (fromFloat)
    return toBits == 1 ? Value() : arith::FPToSIOp::create(b, loc, type, x);
  if (toFloat)
    return fromBits == 1 ? Value(arith::UIToFPOp::create(b, loc, type, x)) : arith::SIToFPOp::create(b, loc, type, x);
  if (toBits == 1)
    return {};
  if (fromBits < toBits)
    return fromBits == 1 ? Value(arith::ExtUIOp::create(b, loc, type, x)) : arith::ExtSIOp::create(b, loc, type, x);
  return arith::TruncIOp::create(b, loc, type, x);
}

Val Emitter::castTo(uint32_t offset, const Val &value, Type element) {
  if (value.element() == element)
    return value;
  if (Value result = convertElement(b, at(offset), value.ssa, element))
    return Val::of(result);
  return error(offset, Message::BadCast, describe(value), describe(element) + "; compare with 0 instead");
}

Val Emitter::emitCast(const ast::Expr &expr) {
  std::optional<DataType> type = resolveType(expr.type);
  Val value = emit(*expr.operands[0]);
  if (!type || value.isPoison())
    return {};
  if (value.isLiteral())
    value = value.kind == Val::Float || !isFloat(*type) ? settle(value) : adapt(expr.offset, value, toType(*type));
  if (value.isPoison())
    return {};
  if (value.kind != Val::Ssa)
    return error(expr.offset, Message::BadCast, describe(value), describe(toType(*type)));
  return castTo(expr.offset, value, toType(*type));
}
