//===- Elementwise.cpp - arith and math, one element at a time ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each register of the result from the same registers of the operands. f16 and bf16 arithmetic is done
// in f32 and rounded once: for + - * / and sqrt that is the correctly rounded result, since f32 has more
// than twice their digits. Products and sums may contract to fused multiply-adds.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/ByteCasts.h"
#include "compiler/cta_to_nvvm/ByteIntegers.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace imbrex;

static bool isHalf(Type type) { return type.isF16() || type.isBF16(); }

static LLVM::FastmathFlagsAttr contract(OpBuilder &b) {
  return LLVM::FastmathFlagsAttr::get(b.getContext(), LLVM::FastmathFlags::contract);
}

template <typename Op> static Value make(Lowering &l, ValueRange v) { return Op::create(l.b, l.loc, v[0], v[1]); }
template <typename Op> static Value makeFloat(Lowering &l, ValueRange v) {
  return Op::create(l.b, l.loc, v[0].getType(), v[0], v[1], contract(l.b));
}
template <typename Op> static Value makeCast(Lowering &l, Operation *op, ValueRange v) {
  return Op::create(l.b, l.loc, getElementTypeOrSelf(op->getResult(0).getType()), v[0]);
}

/// (x + c) / d and (x + c) % d, where the sum does not wrap and d divides c; null: it is something else.
template <typename Op> static Value divideSum(Lowering &l, ValueRange v) {
  auto sum = v[0].getDefiningOp<LLVM::AddOp>();
  APInt divisor, constant;
  bool isKnown = sum && sum.hasNoUnsignedWrap() && matchPattern(v[1], m_ConstantInt(&divisor)) &&
                 matchPattern(sum.getRhs(), m_ConstantInt(&constant)) && !divisor.isZero() &&
                 constant.urem(divisor).isZero();
  if (!isKnown)
    return {};
  Value part = Op::create(l.b, l.loc, sum.getLhs(), v[1]);
  if (std::is_same_v<Op, LLVM::URemOp>)
    return part;
  Value more =
      LLVM::ConstantOp::create(l.b, l.loc, v[0].getType(), l.b.getIntegerAttr(v[0].getType(), constant.udiv(divisor)));
  return LLVM::AddOp::create(l.b, l.loc, part, more, LLVM::IntegerOverflowFlags::nsw | LLVM::IntegerOverflowFlags::nuw);
}

/// a / b or a % b where LLVM leaves it undefined too: 0 for b = 0, and a / -1 wraps. The division itself then
/// runs with 1. A constant divisor folds all of this away.
template <typename Op> static Value divide(Lowering &l, ValueRange v) {
  Type type = v[0].getType();
  if (std::is_same_v<Op, LLVM::UDivOp> || std::is_same_v<Op, LLVM::URemOp>)
    if (Value known = divideSum<Op>(l, v))
      return known;
  auto constant = [&](int64_t value) -> Value {
    return LLVM::ConstantOp::create(l.b, l.loc, type, l.b.getIntegerAttr(type, value));
  };
  auto equal = [&](int64_t value) -> Value {
    return LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::eq, v[1], constant(value));
  };
  constexpr bool isSigned = std::is_same_v<Op, LLVM::SDivOp> || std::is_same_v<Op, LLVM::SRemOp>;
  constexpr bool isQuotient = std::is_same_v<Op, LLVM::SDivOp> || std::is_same_v<Op, LLVM::UDivOp>;
  Value zero = equal(0), divisor = l.select(zero, constant(1), v[1]);
  Value minusOne = isSigned ? equal(-1) : Value();
  if (minusOne)
    divisor = l.select(minusOne, constant(1), divisor);
  Value result = Op::create(l.b, l.loc, v[0], divisor);
  if (minusOne && isQuotient)
    result = l.select(minusOne, l.sub(constant(0), v[0]), result);
  return isQuotient ? l.select(zero, constant(0), result) : result;
}

/// Towards zero; what lies outside of the type becomes its nearest number, NaN becomes 0.
static Value toInteger(Lowering &l, Operation *op, Value x, StringRef intrinsic) {
  if (isHalf(x.getType()))
    x = LLVM::FPExtOp::create(l.b, l.loc, l.b.getF32Type(), x);
  Type type = getElementTypeOrSelf(op->getResult(0).getType());
  Value isNumber = LLVM::FCmpOp::create(l.b, l.loc, LLVM::FCmpPredicate::ord, x, x);
  return l.select(isNumber, l.callIntrinsic(type, intrinsic, x), l.zero(type));
}

/// Digits of f32 and f64, in bits.
static constexpr unsigned kDigitsF32 = 24, kDigitsF64 = 53;

/// An integer as bf16, rounded once: x in f32 (in f64 if it has 64 bits) would be rounded there first. Where x has more
/// digits, those that do not fit become one bit at the place above them, "to odd": nothing is rounded, and what is in
/// the middle of two bf16 is no longer taken for it. Of 32 bits 0x1010001 becomes 0x1010100.
static Value integerToBF16(Lowering &l, Value x, bool isSigned) {
  const bool isLong = x.getType().isInteger(64);
  const unsigned digits = isLong ? kDigitsF64 : kDigitsF32;
  auto number = [&](int64_t value) { return isLong ? l.i64(value) : l.i32(value); };
  auto compare = [&](LLVM::ICmpPredicate predicate, Value a, int64_t value) {
    return LLVM::ICmpOp::create(l.b, l.loc, predicate, a, number(value));
  };
  if (x.getType().getIntOrFloatBitWidth() >= 32) {
    const int64_t place = int64_t(1) << (x.getType().getIntOrFloatBitWidth() - digits), limit = int64_t(1) << digits;
    Value dropped = LLVM::AndOp::create(l.b, l.loc, x, number(place - 1));
    Value bit = l.select(compare(LLVM::ICmpPredicate::ne, dropped, 0), number(place), number(0));
    Value odd = LLVM::OrOp::create(l.b, l.loc, l.sub(x, dropped), bit);
    Value fits = isSigned ? compare(LLVM::ICmpPredicate::ult, l.add(x, number(limit)), 2 * limit)
                          : compare(LLVM::ICmpPredicate::ult, x, limit);
    x = l.select(fits, x, odd);
  }
  Type wide = isLong ? Type(l.b.getF64Type()) : l.b.getF32Type();
  Value exact = isSigned ? Value(LLVM::SIToFPOp::create(l.b, l.loc, wide, x))
                         : Value(LLVM::UIToFPOp::create(l.b, l.loc, wide, x));
  return LLVM::FPTruncOp::create(l.b, l.loc, l.b.getBF16Type(), exact);
}

static Value integerElement(Lowering &l, Operation *op, ValueRange v) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::AddIOp) { return make<LLVM::AddOp>(l, v); })
      .Case([&](arith::SubIOp) { return make<LLVM::SubOp>(l, v); })
      .Case([&](arith::MulIOp) { return make<LLVM::MulOp>(l, v); })
      .Case([&](arith::DivSIOp) { return divide<LLVM::SDivOp>(l, v); })
      .Case([&](arith::DivUIOp) { return divide<LLVM::UDivOp>(l, v); })
      .Case([&](arith::RemSIOp) { return divide<LLVM::SRemOp>(l, v); })
      .Case([&](arith::RemUIOp) { return divide<LLVM::URemOp>(l, v); })
      .Case([&](arith::AndIOp) { return make<LLVM::AndOp>(l, v); })
      .Case([&](arith::OrIOp) { return make<LLVM::OrOp>(l, v); })
      .Case([&](arith::XOrIOp) { return make<LLVM::XOrOp>(l, v); })
      .Case([&](arith::ShLIOp) { return make<LLVM::ShlOp>(l, v); })
      .Case([&](arith::ShRSIOp) { return make<LLVM::AShrOp>(l, v); })
      .Case([&](arith::ShRUIOp) { return make<LLVM::LShrOp>(l, v); })
      .Case([&](arith::MaxSIOp) { return make<LLVM::SMaxOp>(l, v); })
      .Case([&](arith::MinSIOp) { return make<LLVM::SMinOp>(l, v); })
      .Case([&](arith::MaxUIOp) { return make<LLVM::UMaxOp>(l, v); })
      .Case([&](arith::MinUIOp) { return make<LLVM::UMinOp>(l, v); })
      .Case([&](math::AbsIOp) { return LLVM::AbsOp::create(l.b, l.loc, v[0].getType(), v[0], false); })
      .Case([&](arith::CmpIOp cmp) {
        // arith and llvm number their predicates alike.
        return LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate(cmp.getPredicate()), v[0], v[1]);
      })
      .Default([](Operation *) { return Value(); });
}

static Value castElement(Lowering &l, Operation *op, ValueRange v) {
  const bool isToBF16 = getElementTypeOrSelf(op->getResult(0).getType()).isBF16();
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::ExtSIOp) { return makeCast<LLVM::SExtOp>(l, op, v); })
      .Case([&](arith::ExtUIOp) { return makeCast<LLVM::ZExtOp>(l, op, v); })
      .Case([&](arith::TruncIOp) { return makeCast<LLVM::TruncOp>(l, op, v); })
      .Case([&](arith::ExtFOp) { return makeCast<LLVM::FPExtOp>(l, op, v); })
      .Case([&](arith::TruncFOp) { return makeCast<LLVM::FPTruncOp>(l, op, v); })
      .Case([&](arith::SIToFPOp) {
        return isToBF16 ? integerToBF16(l, v[0], /*isSigned=*/true) : makeCast<LLVM::SIToFPOp>(l, op, v);
      })
      .Case([&](arith::UIToFPOp) {
        return isToBF16 ? integerToBF16(l, v[0], /*isSigned=*/false) : makeCast<LLVM::UIToFPOp>(l, op, v);
      })
      .Case([&](arith::FPToSIOp) { return toInteger(l, op, v[0], "llvm.fptosi.sat"); })
      .Case([&](arith::FPToUIOp) { return toInteger(l, op, v[0], "llvm.fptoui.sat"); })
      .Case([&](arith::BitcastOp) { return makeCast<LLVM::BitcastOp>(l, op, v); })
      .Default([](Operation *) { return Value(); });
}

/// x / y. Of f32, where the operation allows approximation (afn): by the reciprocal of y if it allows that too
/// (arcp), else within 2 units over the whole range (PTX ISA "div.full").
static Value divideFloats(Lowering &l, arith::DivFOp op, Value x, Value y) {
  using Flags = arith::FastMathFlags;
  if (!x.getType().isF32() || !bitEnumContainsAll(op.getFastmath(), Flags::afn))
    return LLVM::FDivOp::create(l.b, l.loc, x, y);
  if (!bitEnumContainsAll(op.getFastmath(), Flags::arcp))
    return l.callIntrinsic(x.getType(), "llvm.nvvm.div.full", {x, y});
  Value reciprocal = l.callIntrinsic(x.getType(), "llvm.nvvm.rcp.approx.ftz.f", y);
  return makeFloat<LLVM::FMulOp>(l, {x, reciprocal});
}

/// f32 and f64 arithmetic.
static Value floatElement(Lowering &l, Operation *op, ValueRange v) {
  Type type = v[0].getType();
  auto fast = contract(l.b);
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::AddFOp) { return makeFloat<LLVM::FAddOp>(l, v); })
      .Case([&](arith::SubFOp) { return makeFloat<LLVM::FSubOp>(l, v); })
      .Case([&](arith::MulFOp) { return makeFloat<LLVM::FMulOp>(l, v); })
      .Case([&](arith::DivFOp div) { return divideFloats(l, div, v[0], v[1]); })
      .Case([&](arith::NegFOp) { return LLVM::FNegOp::create(l.b, l.loc, v[0]); })
      .Case([&](arith::MaxNumFOp) { return LLVM::MaxNumOp::create(l.b, l.loc, type, v[0], v[1], fast); })
      .Case([&](arith::MinNumFOp) { return LLVM::MinNumOp::create(l.b, l.loc, type, v[0], v[1], fast); })
      .Case([&](math::FmaOp) { return LLVM::FMAOp::create(l.b, l.loc, type, v[0], v[1], v[2]); })
      .Case([&](math::AbsFOp) { return LLVM::FAbsOp::create(l.b, l.loc, type, v[0]); })
      .Case([&](math::FloorOp) { return LLVM::FFloorOp::create(l.b, l.loc, type, v[0]); })
      .Case([&](math::CeilOp) { return LLVM::FCeilOp::create(l.b, l.loc, type, v[0]); })
      .Case([&](math::SqrtOp) { return LLVM::SqrtOp::create(l.b, l.loc, type, v[0]); })
      .Case([&](arith::CmpFOp cmp) {
        return LLVM::FCmpOp::create(l.b, l.loc, LLVM::FCmpPredicate(cmp.getPredicate()), v[0], v[1]);
      })
      .Default([](Operation *) { return Value(); });
}

/// Functions that PTX has as approximations, f32 only (tile-expand-math has rewritten the others).
static Value approximateElement(Lowering &l, Operation *op, ValueRange v) {
  if (!v[0].getType().isF32())
    return {};
  StringRef name = llvm::TypeSwitch<Operation *, StringRef>(op)
                       .Case([](math::Exp2Op) { return StringRef("llvm.nvvm.ex2.approx.ftz.f"); })
                       .Case([](math::Log2Op) { return StringRef("llvm.nvvm.lg2.approx.f"); })
                       .Case([](math::RsqrtOp) { return StringRef("llvm.nvvm.rsqrt.approx.f"); })
                       .Default([](Operation *) { return StringRef(); });
  return name.empty() ? Value() : l.callIntrinsic(v[0].getType(), name, v);
}

Value imbrex::lowerElement(Lowering &l, Operation *op, ValueRange operands) {
  if (isa<arith::SelectOp>(op))
    return LLVM::SelectOp::create(l.b, l.loc, operands[0], operands[1], operands[2]);
  if (Value value = integerElement(l, op, operands))
    return value;
  if (Value value = castElement(l, op, operands))
    return value;
  Values wide(operands);
  bool half = isHalf(operands[0].getType());
  if (half)
    for (Value &operand : wide)
      operand = LLVM::FPExtOp::create(l.b, l.loc, l.b.getF32Type(), operand);
  Value value = floatElement(l, op, wide);
  if (!value)
    value = approximateElement(l, op, wide);
  if (value && half && value.getType().isF32())
    value = LLVM::FPTruncOp::create(l.b, l.loc, operands[0].getType(), value);
  return value;
}

Value imbrex::combine(Lowering &l, tile::ReduceKind kind, Value x, Value y) {
  bool isFloat = isa<FloatType>(x.getType());
  Type type = x.getType();
  Values v{x, y};
  bool half = isHalf(type);
  if (half)
    for (Value &value : v)
      value = LLVM::FPExtOp::create(l.b, l.loc, l.b.getF32Type(), value);
  Value result;
  switch (kind) {
  case tile::ReduceKind::Sum:
    result = isFloat ? makeFloat<LLVM::FAddOp>(l, v) : make<LLVM::AddOp>(l, v);
    break;
  case tile::ReduceKind::Max:
    result = isFloat ? Value(LLVM::MaxNumOp::create(l.b, l.loc, v[0].getType(), v[0], v[1], contract(l.b)))
                     : make<LLVM::SMaxOp>(l, v);
    break;
  case tile::ReduceKind::Min:
    result = isFloat ? Value(LLVM::MinNumOp::create(l.b, l.loc, v[0].getType(), v[0], v[1], contract(l.b)))
                     : make<LLVM::SMinOp>(l, v);
    break;
  }
  return half ? Value(LLVM::FPTruncOp::create(l.b, l.loc, type, result)) : result;
}

static bool hasF8(Operation *op) {
  return llvm::any_of(
      llvm::concat<Type>(SmallVector<Type>(op->getOperandTypes()), SmallVector<Type>(op->getResultTypes())),
      [](Type type) { return tile::isF8(getElementTypeOrSelf(type)); });
}

Lowered imbrex::lowerElementwise(Lowering &l, Operation *op) {
  bool isArithmetic = isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) || isa<tile::NarrowOp>(op);
  if (op->getNumResults() != 1 || !isArithmetic)
    return std::nullopt;
  Value result = op->getResult(0);
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    unsigned count = 1;
    TypedAttr value = constant.getValue();
    if (auto splat = dyn_cast<SplatElementsAttr>(Attribute(value))) {
      value = cast<TypedAttr>(splat.getSplatValue<Attribute>());
      count = cta::layoutOf(result.getType()).registersPerThread();
    }
    if (auto number = dyn_cast<FloatAttr>(value); number && tile::isF8(value.getType()))
      value = l.b.getI8IntegerAttr(int8_t(number.getValue().bitcastToAPInt().getZExtValue()));
    l.define(result, Values(count, LLVM::ConstantOp::create(l.b, l.loc, value.getType(), value)));
    return success();
  }
  Values registers;
  unsigned count = 1;
  for (Value operand : op->getOperands())
    count = std::max<unsigned>(count, l.registersOf(operand).size());
  for (Value value : llvm::concat<Value>(SmallVector<Value>(op->getOperands()), SmallVector<Value>(op->getResults())))
    if (auto type = dyn_cast<RankedTensorType>(value.getType());
        type && cta::layoutOf(type) != cta::layoutOf(result.getType()))
      return op->emitError("operands and result have different layouts");
  std::optional<Values> converted = lowerByteCast(l, op);
  if (!converted)
    converted = lowerByteIntegers(l, op);
  if (converted) {
    l.define(result, *converted);
    return success();
  }
  for (unsigned reg = 0; reg < count; ++reg) {
    Values operands;
    for (Value operand : op->getOperands()) {
      const Values &all = l.registersOf(operand);
      operands.push_back(all[all.size() == 1 ? 0 : reg]);
    }
    bool isKnown = isa<arith::SelectOp>(op) || !hasF8(op);
    registers.push_back(isKnown ? lowerElement(l, op, operands) : Value());
    if (!registers.back())
      return op->emitError("no instruction for '") << op->getName() << "' on " << op->getOperand(0).getType();
  }
  l.define(result, registers);
  return success();
}
