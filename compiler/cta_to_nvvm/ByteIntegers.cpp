//===- ByteIntegers.cpp - Integers of 8 bits, four a word -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Words are put together of registers and taken apart again; where the bytes were loaded as words, and stay such,
// nothing is left of that.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/ByteIntegers.h"
#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;
using namespace imbrex;

static constexpr unsigned kWordBytes = 4;

Value imbrex::wordOfBytes(Lowering &l, ArrayRef<Value> bytes) {
  Value all = LLVM::PoisonOp::create(l.b, l.loc, VectorType::get({kWordBytes}, l.b.getI8Type()));
  for (unsigned i = 0; i < kWordBytes; ++i)
    all =
        LLVM::InsertElementOp::create(l.b, l.loc, all, i < bytes.size() ? bytes[i] : l.zero(l.b.getI8Type()), l.i32(i));
  return LLVM::BitcastOp::create(l.b, l.loc, l.b.getI32Type(), all);
}

Value imbrex::permuteBytes(Lowering &l, Value low, Value high, int64_t selector) {
  return l.callIntrinsic(l.b.getI32Type(), "llvm.nvvm.prmt", {low, high, l.i32(selector)});
}

//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

/// The word of `op` on bytes, of the words of its operands; `by` is the constant of a shift.
static Value wordOf(Lowering &l, Operation *op, Value x, Value y, unsigned by) {
  constexpr int64_t kEach = 0x01010101;
  if (isa<arith::ShRUIOp>(op))
    return l.bitAnd(l.shiftRight(x, by), int32_t((0xff >> by) * kEach));
  if (isa<arith::ShLIOp>(op))
    return l.bitAnd(LLVM::ShlOp::create(l.b, l.loc, x, l.i32(by)), int32_t((0xff << by & 0xff) * kEach));
  if (isa<arith::AndIOp>(op))
    return LLVM::AndOp::create(l.b, l.loc, x, y);
  return isa<arith::OrIOp>(op) ? Value(LLVM::OrOp::create(l.b, l.loc, x, y)) : l.bitXor(x, y);
}

static std::optional<Values> lowerBits(Lowering &l, Operation *op) {
  const bool isShift = isa<arith::ShRUIOp, arith::ShLIOp>(op);
  const Values &x = l.registersOf(op->getOperand(0)), &y = l.registersOf(op->getOperand(1));
  APInt by;
  const bool isKnown = isShift && matchPattern(op->getOperand(1), m_ConstantInt(&by)) && by.ult(8);
  if (!isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op) && !isKnown)
    return std::nullopt;
  if (x.size() < kWordBytes || x.size() % kWordBytes != 0 || x.size() != y.size())
    return std::nullopt;
  Values result;
  auto bytes = VectorType::get({kWordBytes}, l.b.getI8Type());
  for (size_t i = 0; i < x.size(); i += kWordBytes) {
    Value left = wordOfBytes(l, ArrayRef(x).slice(i, kWordBytes));
    Value right = isShift ? Value() : wordOfBytes(l, ArrayRef(y).slice(i, kWordBytes));
    Value all = LLVM::BitcastOp::create(l.b, l.loc, bytes, wordOf(l, op, left, right, isKnown ? by.getZExtValue() : 0));
    for (unsigned byte = 0; byte < kWordBytes; ++byte)
      result.push_back(LLVM::ExtractElementOp::create(l.b, l.loc, all, l.i32(byte)));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// To floats
//===----------------------------------------------------------------------===//

/// `x` - `number`, which is exact.
static Value less(Lowering &l, Value x, double number) {
  Type type = x.getType();
  TypedAttr attr = l.b.getFloatAttr(getElementTypeOrSelf(type), number);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = SplatElementsAttr::get(vector, attr);
  return LLVM::FSubOp::create(l.b, l.loc, x, LLVM::ConstantOp::create(l.b, l.loc, type, attr));
}

/// The bytes of a word, each as an f32 less `number`.
static void appendSingles(Lowering &l, Value word, unsigned count, double number, Values &result) {
  for (unsigned byte = 0; byte < count; ++byte) {
    Value bits = permuteBytes(l, word, l.i32(0x4b000000), 0x7440 + byte);
    result.push_back(less(l, LLVM::BitcastOp::create(l.b, l.loc, l.b.getF32Type(), bits), 0x1p23 + number));
  }
}

/// The same of f16.
static void appendHalves(Lowering &l, Value word, unsigned count, double number, Values &result) {
  auto halves = VectorType::get({2}, l.b.getF16Type());
  for (unsigned byte = 0; byte < count; byte += 2) {
    Value bits = permuteBytes(l, word, l.i32(0x64646464), byte == 0 ? 0x4140 : 0x4342);
    Value two = less(l, LLVM::BitcastOp::create(l.b, l.loc, halves, bits), 1024 + number);
    for (unsigned half = 0; half < std::min(2u, count - byte); ++half)
      result.push_back(LLVM::ExtractElementOp::create(l.b, l.loc, two, l.i32(half)));
  }
}

/// `bytes`, signed or not, less `number`.
static Values floatsOf(Lowering &l, ArrayRef<Value> bytes, bool isSigned, double number, Type to) {
  Values result;
  for (; !bytes.empty(); bytes = bytes.drop_front(std::min<size_t>(kWordBytes, bytes.size()))) {
    unsigned count = std::min<size_t>(kWordBytes, bytes.size());
    Value word = wordOfBytes(l, bytes.take_front(count));
    if (isSigned) // x + 128
      word = l.bitXor(word, l.i32(int32_t(0x80808080)));
    (to.isF16() ? appendHalves : appendSingles)(l, word, count, number + (isSigned ? 128 : 0), result);
  }
  return result;
}

/// A cast of bytes to f32 or f16; null: something else.
static Operation *castOfBytes(Operation *op) {
  if (!isa_and_nonnull<arith::UIToFPOp, arith::SIToFPOp>(op))
    return nullptr;
  Type to = getElementTypeOrSelf(op->getResult(0).getType());
  return getElementTypeOrSelf(op->getOperand(0).getType()).isInteger(8) && (to.isF32() || to.isF16()) ? op : nullptr;
}

/// What a sum of a cast of bytes to f32 and of one integer subtracts from it; nullopt: it is something else.
static std::optional<double> subtracted(Operation *op) {
  DenseFPElementsAttr elements;
  if (!isa<arith::SubFOp, arith::AddFOp>(op) || !castOfBytes(op->getOperand(0).getDefiningOp()) ||
      !getElementTypeOrSelf(op->getOperand(0).getType()).isF32() ||
      !matchPattern(op->getOperand(1), m_Constant(&elements)) || !elements.isSplat())
    return std::nullopt;
  constexpr double kMost = 1 << 20; // sums with 2^23 that f32 holds
  double number = elements.getSplatValue<APFloat>().convertToDouble();
  if (number != std::trunc(number) || std::abs(number) > kMost || number == 0) // x - 0 and x + -0 keep signs of zero
    return std::nullopt;
  return isa<arith::SubFOp>(op) ? number : -number;
}

std::optional<Values> imbrex::lowerByteIntegers(Lowering &l, Operation *op) {
  if (op->getNumOperands() == 2 && getElementTypeOrSelf(op->getOperand(0).getType()).isInteger(8))
    return lowerBits(l, op);
  std::optional<double> number = op->getNumOperands() == 2 ? subtracted(op) : std::nullopt;
  Operation *cast = number ? op->getOperand(0).getDefiningOp() : castOfBytes(op);
  const Values *bytes = cast ? &l.registersOf(cast->getOperand(0)) : nullptr;
  if (!bytes || bytes->size() < 2)
    return std::nullopt;
  return floatsOf(l, *bytes, isa<arith::SIToFPOp>(cast), number.value_or(0),
                  getElementTypeOrSelf(op->getResult(0).getType()));
}
