//===- EmitOperators.cpp - Arithmetic, comparisons, logic -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators on compile-time values fold here; on scalars and tiles they become arith operations of one
// type and shape.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Emitter.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

Val Emitter::binaryTypes(uint32_t offset, StringRef op, const Val &x, const Val &y) {
  if (x.kind != y.kind || (op != "==" && op != "!="))
    return error(offset, Message::NotAValue, describe(x.kind == Val::Type ? x : y));
  return Val::ofBool((x.integer == y.integer) == (op == "=="));
}

/// Arithmetic and comparisons of floats; Poison if `op` is neither.
static Val foldFloats(StringRef op, double x, double y) {
  using Number = std::optional<double>;
  if (Number value = llvm::StringSwitch<Number>(op)
                         .Case("+", x + y)
                         .Case("-", x - y)
                         .Case("*", x * y)
                         .Case("/", x / y)
                         .Case("min", std::fmin(x, y))
                         .Case("max", std::fmax(x, y))
                         .Default(std::nullopt))
    return Val::ofFloat(*value);
  using Truth = std::optional<bool>;
  if (Truth value = llvm::StringSwitch<Truth>(op)
                        .Case("<", x < y)
                        .Case("<=", x <= y)
                        .Case(">", x > y)
                        .Case(">=", x >= y)
                        .Case("==", x == y)
                        .Case("!=", x != y)
                        .Default(std::nullopt))
    return Val::ofBool(*value);
  return {};
}

Val Emitter::binaryLiterals(uint32_t offset, StringRef op, const Val &x, const Val &y) {
  if ((x.kind == Val::Bool) != (y.kind == Val::Bool))
    return error(offset, Message::TypeMismatch, op, describe(x), describe(y));
  if (x.kind == Val::Float || y.kind == Val::Float) {
    Val value = foldFloats(op, x.number, y.number);
    const Val &wrong = x.kind == Val::Float ? x : y;
    return value.isPoison() ? error(offset, Message::NeedsInteger, op, describe(wrong)) : value;
  }
  Constant::Kind kind = x.kind == Val::Bool ? Constant::Bool : Constant::Integer;
  if (std::optional<Constant> value = evaluateBinary(op, {kind, x.integer}, {kind, y.integer}))
    return value->kind == Constant::Bool ? Val::ofBool(value->value) : Val::ofInteger(value->value);
  if (kind == Constant::Bool)
    return error(offset, Message::NeedsNumber, op, describe(x));
  return error(offset, y.integer == 0 ? Message::DivisionByZero : Message::Overflow);
}

static std::optional<arith::CmpIPredicate> integerPredicate(StringRef op, bool isUnsigned) {
  using P = arith::CmpIPredicate;
  return llvm::StringSwitch<std::optional<P>>(op)
      .Case("<", isUnsigned ? P::ult : P::slt)
      .Case("<=", isUnsigned ? P::ule : P::sle)
      .Case(">", isUnsigned ? P::ugt : P::sgt)
      .Case(">=", isUnsigned ? P::uge : P::sge)
      .Case("==", P::eq)
      .Case("!=", P::ne)
      .Default(std::nullopt);
}

static arith::CmpFPredicate floatPredicate(StringRef op) {
  using P = arith::CmpFPredicate;
  return llvm::StringSwitch<P>(op)
      .Case("<", P::OLT)
      .Case("<=", P::OLE)
      .Case(">", P::OGT)
      .Case(">=", P::OGE)
      .Case("==", P::OEQ)
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

/// By as many bits as there are and more, or by fewer than none: 0, or -1 if x is negative and moves right.
Value Emitter::shift(Location loc, StringRef op, const Val &x, const Val &y) {
  unsigned bits = x.element().getIntOrFloatBitWidth();
  auto constant = [&](int64_t value) { return adapt(0, Val::ofInteger(value), x.ssa.getType(), x.isUnsigned).ssa; };
  APInt amount;
  if (matchPattern(y.ssa, m_ConstantInt(&amount)) && amount.ult(bits)) {
    if (op == "<<")
      return arith::ShLIOp::create(b, loc, x.ssa, y.ssa);
    return x.isUnsigned ? Value(arith::ShRUIOp::create(b, loc, x.ssa, y.ssa))
                        : arith::ShRSIOp::create(b, loc, x.ssa, y.ssa);
  }
  Value least = arith::MinUIOp::create(b, loc, y.ssa, constant(bits - 1));
  if (op == ">>" && !x.isUnsigned)
    return arith::ShRSIOp::create(b, loc, x.ssa, least);
  Value moved =
      op == "<<" ? Value(arith::ShLIOp::create(b, loc, x.ssa, least)) : arith::ShRUIOp::create(b, loc, x.ssa, least);
  Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, y.ssa, constant(bits));
  return arith::SelectOp::create(b, loc, inside, moved, constant(0));
}

static Value integerOp(OpBuilder &b, Location loc, StringRef op, Value x, Value y, bool isUnsigned) {
  if (op == "+")
    return arith::AddIOp::create(b, loc, x, y);
  if (op == "-")
    return arith::SubIOp::create(b, loc, x, y);
  if (op == "*")
    return arith::MulIOp::create(b, loc, x, y);
  if (op == "&")
    return arith::AndIOp::create(b, loc, x, y);
  if (op == "|")
    return arith::OrIOp::create(b, loc, x, y);
  if (op == "^")
    return arith::XOrIOp::create(b, loc, x, y);
  if (op == "/")
    return isUnsigned ? Value(arith::DivUIOp::create(b, loc, x, y)) : arith::DivSIOp::create(b, loc, x, y);
  if (op == "%")
    return isUnsigned ? Value(arith::RemUIOp::create(b, loc, x, y)) : arith::RemSIOp::create(b, loc, x, y);
  if (op == "cdiv")
    return isUnsigned ? Value(arith::CeilDivUIOp::create(b, loc, x, y)) : arith::CeilDivSIOp::create(b, loc, x, y);
  if (op == "min")
    return isUnsigned ? Value(arith::MinUIOp::create(b, loc, x, y)) : arith::MinSIOp::create(b, loc, x, y);
  if (op == "max")
    return isUnsigned ? Value(arith::MaxUIOp::create(b, loc, x, y)) : arith::MaxSIOp::create(b, loc, x, y);
  return {};
}

static bool isTruth(const Val &value) {
  return value.kind == Val::Bool || (value.kind == Val::Ssa && value.element().isInteger(1));
}

Val Emitter::logic(uint32_t offset, StringRef op, Val x, Val y) {
  for (const Val *value : {&x, &y})
    if (!isTruth(*value))
      return error(offset, Message::NeedsBool, op, describe(*value));
  bool neutral = op == "&&"; // true && x is x, and false || x
  if (x.kind == Val::Bool)
    return bool(x.integer) == neutral ? y : x;
  if (y.kind == Val::Bool)
    return bool(y.integer) == neutral ? x : y;
  if (!unify(offset, op, x, y))
    return {};
  if (op == "&&")
    return Val::of(arith::AndIOp::create(b, at(offset), x.ssa, y.ssa));
  return Val::of(arith::OrIOp::create(b, at(offset), x.ssa, y.ssa));
}

Val Emitter::binary(uint32_t offset, StringRef op, Val x, Val y) {
  if (x.isPoison() || y.isPoison())
    return {};
  if (x.kind == Val::Type || y.kind == Val::Type)
    return binaryTypes(offset, op, x, y);
  if (op == "&&" || op == "||")
    return logic(offset, op, x, y);
  if (x.isLiteral() && y.isLiteral())
    return x.kind == Val::Choice || y.kind == Val::Choice ? binaryChoices(offset, op, x, y)
                                                          : binaryLiterals(offset, op, x, y);
  bool zeroDivisor = y.kind == Val::Integer && y.integer == 0 && (op == "/" || op == "%" || op == "cdiv");
  if (zeroDivisor && x.kind == Val::Ssa && isa<IntegerType>(x.element()))
    return error(offset, Message::DivisionByZero);
  return unify(offset, op, x, y) ? binaryValues(offset, op, x, y) : Val();
}

/// Of integers of one type and shape, by any number. The operations of arith have no meaning for a divisor 0, and their
/// folds rely on it ((x * y) / y is x), so they are not given one: x / 0 and x % 0 are 0, cdiv(x, 0) is 1 where x > 0.
Val Emitter::divide(uint32_t offset, StringRef op, const Val &x, const Val &y) {
  auto by = [&](const Val &divisor) {
    return noted(integerOp(b, at(offset), op, x.ssa, divisor.ssa, x.isUnsigned), x.isUnsigned);
  };
  Interval divisors = exact.interval(y.ssa);
  if (divisors.low > 0 || divisors.high < 0)
    return by(y);
  const Val zero = Val::ofInteger(0), one = Val::ofInteger(1);
  Val isZero = binary(offset, "==", y, zero), result = by(choose(offset, isZero, one, y));
  if (op == "%")
    return result; // x % 1
  return choose(offset, isZero, op == "cdiv" ? choose(offset, binary(offset, ">", x, zero), one, zero) : zero, result);
}

bool Emitter::hasArithmetic(uint32_t offset, StringRef op, const Val &x) {
  if (x.kind != Val::Ssa || !tile::isF8(x.element()))
    return true;
  error(offset, Message::F8Arithmetic, op, describe(x));
  return false;
}

/// Of two values of one type and shape.
Val Emitter::binaryValues(uint32_t offset, StringRef op, const Val &x, const Val &y) {
  if (!hasArithmetic(offset, op, x))
    return {};
  Location loc = at(offset);
  Type element = x.element();
  bool isFloat = isa<FloatType>(element), isBool = element.isInteger(1);
  if (std::optional<arith::CmpIPredicate> predicate = integerPredicate(op, x.isUnsigned)) {
    if (isFloat)
      return Val::of(arith::CmpFOp::create(b, loc, floatPredicate(op), x.ssa, y.ssa));
    if (isBool && op != "==" && op != "!=")
      return error(offset, Message::NeedsNumber, op, describe(x));
    Value left = x.ssa, right = y.ssa;
    if (!x.isUnsigned)
      exact.forComparison(left, right);
    return Val::of(arith::CmpIOp::create(b, loc, *predicate, left, right));
  }
  if (isBool)
    return error(offset, Message::NeedsNumber, op, describe(x));
  if (!isFloat && (op == "/" || op == "%" || op == "cdiv"))
    return divide(offset, op, x, y);
  bool shifts = !isFloat && (op == "<<" || op == ">>");
  Value result = shifts    ? shift(loc, op, x, y)
                 : isFloat ? floatOp(b, loc, op, x.ssa, y.ssa)
                           : integerOp(b, loc, op, x.ssa, y.ssa, x.isUnsigned);
  if (!result)
    return error(offset, Message::NeedsInteger, op, describe(x));
  return noted(result, x.isUnsigned);
}

/// The opposite of what comparisons of integers and && and || of them make, as the opposite comparisons: masks that are
/// spelled so are bounded as others are. Null of anything else, or of more than a mask is made of.
static Value negated(OpBuilder &b, Location loc, Value truth, llvm::DenseMap<Value, Value> &made) {
  constexpr unsigned kMost = 32; // operations
  if (Value found = made.lookup(truth))
    return found;
  Operation *op = truth.getDefiningOp();
  if (!isa_and_nonnull<arith::CmpIOp, arith::AndIOp, arith::OrIOp>(op) || made.size() >= kMost)
    return {};
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    return made[truth] = arith::CmpIOp::create(b, loc, arith::invertPredicate(compare.getPredicate()),
                                               compare.getLhs(), compare.getRhs());
  Value x = negated(b, loc, op->getOperand(0), made), y = x ? negated(b, loc, op->getOperand(1), made) : Value();
  if (!y)
    return {};
  return made[truth] = isa<arith::AndIOp>(op) ? Value(arith::OrIOp::create(b, loc, x, y))
                                              : Value(arith::AndIOp::create(b, loc, x, y));
}

Val Emitter::emitUnary(const ast::Expr &expr) {
  Val x = emit(*expr.operands[0]);
  if (x.isPoison())
    return {};
  if (x.kind == Val::Choice && expr.text == "-")
    return binary(expr.offset, "-", Val::ofInteger(0), x);
  Location loc = at(expr.offset);
  if (expr.text == "!") {
    if (x.kind == Val::Bool)
      return Val::ofBool(!x.integer);
    if (x.kind != Val::Ssa || !x.element().isInteger(1))
      return error(expr.offset, Message::NeedsBool, "!", describe(x));
    llvm::DenseMap<Value, Value> made;
    Value opposite = negated(b, loc, x.ssa, made);
    return opposite ? Val::of(opposite) : binary(expr.offset, "==", x, Val::ofBool(false));
  }
  if (x.kind == Val::Integer)
    return binaryLiterals(expr.offset, "-", Val::ofInteger(0), x);
  if (x.kind == Val::Float)
    return Val::ofFloat(-x.number);
  if (x.kind != Val::Ssa || x.element().isInteger(1))
    return error(expr.offset, Message::NeedsNumber, "-", describe(x));
  if (!hasArithmetic(expr.offset, "-", x))
    return {};
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
  return binary(expr.offset, expr.text, x, y);
}
