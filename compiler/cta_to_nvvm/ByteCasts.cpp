//===- ByteCasts.cpp - Casts of floats of 8 bits --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bytes are taken four at a time as a word, whose missing ones are zero; see ByteCasts.h for the ways.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/ByteCasts.h"
#include "compiler/cta_to_nvvm/ByteIntegers.h"
#include <bit>
#include <cmath>

using namespace mlir;
using namespace imbrex;

namespace {

/// A float of 8 bits: digits of the fraction, bias, and the largest number.
struct Format {
  StringRef name;
  unsigned fraction;
  int bias;
  float largest;
};

constexpr unsigned kWordBytes = 4;

} // namespace

static Format formatOf(Type type) {
  if (isa<Float8E4M3FNType>(type))
    return {"e4m3", 3, 7, 448};
  return {"e5m2", 2, 15, 57344};
}

/// permuteBytes with a constant.
static Value permute(Lowering &l, Value low, int64_t high, int64_t selector) {
  return permuteBytes(l, low, l.i32(high), selector);
}

static Value bitOr(Lowering &l, Value x, Value y) { return LLVM::OrOp::create(l.b, l.loc, x, y); }

/// `bits` as two f16.
static Value asHalves(Lowering &l, Value bits) {
  return LLVM::BitcastOp::create(l.b, l.loc, VectorType::get({2}, l.b.getF16Type()), bits);
}

static Value halvesConstant(Lowering &l, double value) {
  auto type = VectorType::get({2}, l.b.getF16Type());
  return LLVM::ConstantOp::create(l.b, l.loc, type,
                                  SplatElementsAttr::get(type, l.b.getFloatAttr(l.b.getF16Type(), value)));
}

//===----------------------------------------------------------------------===//
// From 8 bits
//===----------------------------------------------------------------------===//

/// Bytes 2 `pair` and 2 `pair` + 1 of `word`, of `format`, as two f16.
static Value halvesOf(Lowering &l, const Format &format, Value word, unsigned pair) {
  auto halves = VectorType::get({2}, l.b.getF16Type());
  if (l.target.hasF8()) {
    Value two = LLVM::TruncOp::create(l.b, l.loc, l.b.getI16Type(), pair == 0 ? word : l.shiftRight(word, 16));
    return l.callIntrinsic(halves, ("llvm.nvvm." + format.name + "x2.to.f16x2.rn").str(), two);
  }
  Value upper = permute(l, word, 0, pair == 0 ? 0x1404 : 0x3424); // each byte in the upper half of its 16 bits
  if (format.bias == 15)
    return asHalves(l, upper);
  Value size = l.bitAnd(l.shiftRight(upper, 1), 0x3f803f80);
  Value isNan =
      l.bitAnd(l.addConstant(size, 0x00800080), 0x40004000); // of 0x7f alone; with it the exponent is all ones
  Value bits = bitOr(l, bitOr(l, size, isNan), l.bitAnd(upper, int32_t(0x80008000)));
  return LLVM::FMulOp::create(l.b, l.loc, asHalves(l, bits), halvesConstant(l, 256));
}

/// As 16-bit numbers x * factor + addend, by one instruction.
static Value multiplyAdd(Lowering &l, Value bits, double factor, Value addend) {
  auto type = VectorType::get({2}, l.b.getBF16Type());
  auto asPair = [&](Value word) -> Value { return LLVM::BitcastOp::create(l.b, l.loc, type, word); };
  Value by = LLVM::ConstantOp::create(l.b, l.loc, type,
                                      SplatElementsAttr::get(type, l.b.getFloatAttr(l.b.getBF16Type(), factor)));
  return LLVM::FMAOp::create(l.b, l.loc, type, asPair(bits), by, asPair(addend));
}

/// Bytes 2 `pair` and 2 `pair` + 1 of `word`, of `format`, as two bf16: exponent and fraction further down, times what
/// the biases differ by. Where the last numbers are none, or infinities, adding one carries into the bit above.
static Value bfloatsOf(Lowering &l, const Format &format, Value word, unsigned pair) {
  const int64_t last = format.bias == 7 ? 0x7f : 0x7c, one = 0x80 - last;
  const unsigned at = 7 - format.fraction; // of the fraction's last digit
  const int64_t carry = int64_t(0x80) << at, both = 0x10001;
  Value upper = permute(l, word, 0, pair == 0 ? 0x1404 : 0x3424); // each byte in the upper half of its 16 bits
  Value size = l.bitAnd(l.shiftRight(upper, 8 - at), (int64_t(0x7f) << at) * both);
  Value isNone = l.bitAnd(l.addConstant(size, (one << at) * both), carry * both);
  Value bits = l.add(size, l.mulConstant(isNone, 0x8000 / carry - 1)); // the exponent is all ones
  bits = bitOr(l, bits, l.bitAnd(upper, int32_t(0x80008000)));
  return multiplyAdd(l, bits, std::ldexp(1.0, 127 - format.bias), l.i32(int32_t(0x80008000)));
}

/// Bytes 2 `pair` and 2 `pair` + 1 of `word`, integers, as two bf16: 128 + its lower 7 bits, less 128, or 256 of a
/// negative one.
static Value bfloatsOfIntegers(Lowering &l, Value word, unsigned pair) {
  const int64_t selector = pair == 0 ? 0x0504 : 0x0706; // each byte in the lower half of its 16 bits
  Value from = permuteBytes(l, l.i32(0x43), l.bitAnd(word, 0x7f7f7f7f), selector);
  Value less = permuteBytes(l, l.i32(0xc3), l.bitAnd(word, int32_t(0x80808080)), selector);
  return multiplyAdd(l, from, 1, less);
}

/// A f16 or f32 as `to`, which holds it.
static Value convert(Lowering &l, Value x, Type to) {
  if (x.getType() == to)
    return x;
  if (x.getType().isF16())
    return convert(l, LLVM::FPExtOp::create(l.b, l.loc, l.b.getF32Type(), x), to);
  return to.isF64() ? Value(LLVM::FPExtOp::create(l.b, l.loc, to, x)) : LLVM::FPTruncOp::create(l.b, l.loc, to, x);
}

static Values widen(Lowering &l, Type from, ArrayRef<Value> bytes, Type to) {
  auto pairOf = [&](Value word, unsigned pair) {
    if (from.isInteger())
      return bfloatsOfIntegers(l, word, pair);
    return to.isBF16() && !l.target.hasF8() ? bfloatsOf(l, formatOf(from), word, pair)
                                            : halvesOf(l, formatOf(from), word, pair);
  };
  Values result;
  for (; !bytes.empty(); bytes = bytes.drop_front(std::min<size_t>(kWordBytes, bytes.size()))) {
    unsigned count = std::min<size_t>(kWordBytes, bytes.size());
    Value word = wordOfBytes(l, bytes.take_front(count));
    for (unsigned i = 0; i < count; i += 2) {
      Value two = pairOf(word, i / 2);
      for (unsigned half = 0; half < std::min(2u, count - i); ++half)
        result.push_back(convert(l, LLVM::ExtractElementOp::create(l.b, l.loc, two, l.i32(half)), to));
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// To 8 bits
//===----------------------------------------------------------------------===//

/// An f32 as a byte, by its bits.
static Value narrow(Lowering &l, const Format &format, Value x) {
  const unsigned dropped = 23 - format.fraction;
  auto bitsOf = [](double value) { return int64_t(std::bit_cast<uint32_t>(float(value))); };
  auto compare = [&](LLVM::ICmpPredicate predicate, Value a, int64_t c) -> Value {
    return LLVM::ICmpOp::create(l.b, l.loc, predicate, a, l.i32(c));
  };
  Value bits = LLVM::BitcastOp::create(l.b, l.loc, l.b.getI32Type(), x), all = l.bitAnd(bits, 0x7fffffff);
  Value isNan = compare(LLVM::ICmpPredicate::ugt, all, 0x7f800000);
  Value size = LLVM::UMinOp::create(l.b, l.loc, all, l.i32(bitsOf(format.largest)));
  // Half a unit less one, and the last digit that stays: to even.
  Value half = l.addConstant(l.bitAnd(l.shiftRight(size, dropped), 1), (int64_t(1) << (dropped - 1)) - 1);
  Value normal =
      l.addConstant(l.shiftRight(l.add(size, half), dropped), -((127 - int64_t(format.bias)) << format.fraction));
  const double unit = std::ldexp(1.0, 1 - format.bias - int(format.fraction)), aligned = unit * 0x1p23;
  Value base = LLVM::ConstantOp::create(l.b, l.loc, l.b.getF32Type(), l.b.getF32FloatAttr(float(aligned)));
  Value sum = LLVM::FAddOp::create(l.b, l.loc, LLVM::BitcastOp::create(l.b, l.loc, l.b.getF32Type(), size), base);
  Value small = l.addConstant(LLVM::BitcastOp::create(l.b, l.loc, l.b.getI32Type(), sum), -bitsOf(aligned));
  Value isSmall = compare(LLVM::ICmpPredicate::ult, size, bitsOf(std::ldexp(1.0, 1 - format.bias)));
  Value result = bitOr(l, l.select(isSmall, small, normal), l.bitAnd(l.shiftRight(bits, 24), 0x80));
  return LLVM::TruncOp::create(l.b, l.loc, l.b.getI8Type(), l.select(isNan, l.i32(0x7f), result));
}

static Values narrowAll(Lowering &l, const Format &format, ArrayRef<Value> source) {
  Values result;
  Type i8 = l.b.getI8Type(), i16 = l.b.getI16Type();
  if (!l.target.hasF8()) {
    for (Value x : source)
      result.push_back(narrow(l, format, x));
    return result;
  }
  for (size_t i = 0; i < source.size(); i += 2) {
    bool isLast = i + 1 == source.size();
    Value high = isLast ? l.zero(l.b.getF32Type()) : source[i + 1];
    Value two = l.callIntrinsic(i16, ("llvm.nvvm.ff.to." + format.name + "x2.rn").str(), {high, source[i]});
    two = LLVM::BitcastOp::create(l.b, l.loc, VectorType::get({2}, i8), two); // wordOf takes them together again
    for (unsigned half = 0; half < (isLast ? 1 : 2); ++half)
      result.push_back(LLVM::ExtractElementOp::create(l.b, l.loc, two, l.i32(half)));
  }
  return result;
}

std::optional<Values> imbrex::lowerByteCast(Lowering &l, Operation *op) {
  if (op->getNumOperands() != 1)
    return std::nullopt;
  Type from = getElementTypeOrSelf(op->getOperand(0).getType()), to = getElementTypeOrSelf(op->getResult(0).getType());
  const Values &source = l.registersOf(op->getOperand(0));
  if (isa<tile::NarrowOp>(op))
    return narrowAll(l, formatOf(to), source);
  bool isOfIntegers = isa<arith::SIToFPOp>(op) && from.isInteger(8) && to.isBF16() && source.size() > 1;
  if (!isOfIntegers && !(isa<arith::ExtFOp>(op) && tile::isF8(from)))
    return std::nullopt;
  return widen(l, from, source, to);
}
