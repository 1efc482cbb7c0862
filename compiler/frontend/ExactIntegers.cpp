//===- ExactIntegers.cpp - Positions never wrap where they count ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Intervals are kept as the text is emitted, operand before result, so no chain of values is walked twice
// however long it is.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/ExactIntegers.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

using Wide = __int128;
static constexpr Wide kFar = Wide(1) << 62;

bool Interval::fits(unsigned bits) const {
  Interval all = ofWidth(std::min(bits, 63u));
  return low >= all.low && high <= all.high && (bits < 64 || (low > -kFar && high < kFar));
}

static Interval ofEnds(std::initializer_list<Wide> ends) {
  auto clamp = [](Wide x) { return int64_t(std::clamp(x, -kFar, kFar)); };
  return {clamp(std::min(ends)), clamp(std::max(ends))};
}

/// Quotients rounded in any way, x / 0 = 0 (cdiv: up to 1) among them.
static Interval ofQuotient(Interval x, Interval y, bool roundsUp) {
  auto divide = [&](Wide a, Wide b) { return a / b + (roundsUp && a % b != 0 && (a < 0) == (b < 0) ? 1 : 0); };
  if (y.low >= 1 || y.high <= -1)
    return ofEnds({divide(x.low, y.low), divide(x.low, y.high), divide(x.high, y.low), divide(x.high, y.high)});
  Wide most = std::max({-Wide(x.low), Wide(x.high), Wide(1)});
  return ofEnds({x.low >= 0 && y.low >= 0 ? 0 : -most, most});
}

static Interval ofRemainder(Interval x, Interval y) {
  Wide most = std::max({-Wide(y.low), Wide(y.high), Wide(1)}) - 1; // the sign is x's; x % 0 = 0
  return ofEnds({std::max(-most, std::min<Wide>(x.low, 0)), std::min(most, std::max<Wide>(x.high, 0))});
}

Interval imbrex::intervalOf(StringRef op, Interval x, Interval y) {
  if (op == "+")
    return ofEnds({Wide(x.low) + y.low, Wide(x.high) + y.high});
  if (op == "-")
    return ofEnds({Wide(x.low) - y.high, Wide(x.high) - y.low});
  if (op == "*")
    return ofEnds({Wide(x.low) * y.low, Wide(x.low) * y.high, Wide(x.high) * y.low, Wide(x.high) * y.high});
  if (op == "/" || op == "cdiv")
    return ofQuotient(x, y, op == "cdiv");
  if (op == "%")
    return ofRemainder(x, y);
  if (op == "min")
    return {std::min(x.low, y.low), std::min(x.high, y.high)};
  if (op == "max")
    return {std::max(x.low, y.low), std::max(x.high, y.high)};
  return Interval::ofWidth(32);
}

Interval imbrex::intervalOf(const Expression &expression,
                            const std::map<std::string, int64_t, std::less<>> &constants) {
  SmallVector<Interval> stack;
  SmallVector<StringRef> tokens;
  StringRef(expression.postfix).split(tokens, ' ', -1, /*KeepEmpty=*/false);
  for (StringRef token : tokens) {
    int64_t number = 0;
    auto constant = constants.find(token.str());
    if (!token.getAsInteger(10, number))
      stack.push_back({number, number});
    else if (constant != constants.end())
      stack.push_back({constant->second, constant->second});
    else if (llvm::isAlpha(token[0]) && !llvm::is_contained({"cdiv", "min", "max", "pow2"}, token))
      stack.push_back({0, kLargestExtent});
    else if (stack.size() >= 2 && token != "pow2" && token != "!") {
      Interval y = stack.pop_back_val(), x = stack.pop_back_val();
      stack.push_back(intervalOf(token, x, y));
    } else {
      return Interval::ofWidth(32);
    }
  }
  return stack.size() == 1 ? stack.back() : Interval::ofWidth(32);
}

/// The operator of the text that `op` stands for; "" if it is none.
static StringRef operatorOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, StringRef>(op)
      .Case([](arith::AddIOp) { return "+"; })
      .Case([](arith::SubIOp) { return "-"; })
      .Case([](arith::MulIOp) { return "*"; })
      .Case([](arith::DivSIOp) { return "/"; })
      .Case([](arith::RemSIOp) { return "%"; })
      .Case([](arith::CeilDivSIOp) { return "cdiv"; })
      .Case([](arith::MinSIOp) { return "min"; })
      .Case([](arith::MaxSIOp) { return "max"; })
      .Default([](Operation *) { return ""; });
}

static bool isReshape(Operation *op) {
  return isa_and_nonnull<tile::SplatOp, tile::BroadcastOp, tile::ExpandDimsOp, tile::TransposeOp>(op);
}

/// The operands that a value of 64 bits is made of, in place of `value`'s own.
static SmallVector<Value, 2> partsOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (isReshape(op))
    return {op->getOperand(0)};
  if (auto select = dyn_cast_or_null<arith::SelectOp>(op))
    return {select.getTrueValue(), select.getFalseValue()};
  if (op && (isa<math::AbsIOp>(op) || !operatorOf(op).empty()))
    return SmallVector<Value, 2>(op->getOperands());
  return {};
}

void ExactIntegers::definePosition(Value value, Interval interval) { known[value] = {interval, true, true}; }

ExactIntegers::Known ExactIntegers::look(Value value) {
  SmallVector<Value> reshaped;
  while (!known.contains(value) && isReshape(value.getDefiningOp())) {
    reshaped.push_back(value);
    value = value.getDefiningOp()->getOperand(0);
  }
  Known result = known.lookup(value);
  APInt constant;
  DenseIntElementsAttr elements;
  if (matchPattern(value, m_ConstantInt(&constant)))
    result.interval = {constant.getSExtValue(), constant.getSExtValue()};
  else if (matchPattern(value, m_Constant(&elements)) && elements.isSplat())
    result.interval = {elements.getSplatValue<APInt>().getSExtValue(), elements.getSplatValue<APInt>().getSExtValue()};
  for (Value tile : reshaped) // so that a chain of them is walked once
    known[tile] = result;
  return result;
}

static void markNotWrapping(Operation *op) {
  if (isa<math::AbsIOp>(op))
    op->setAttr(tile::kExactAttr, UnitAttr::get(op->getContext()));
  if (auto flags = dyn_cast<arith::ArithIntegerOverflowFlagsInterface>(op))
    op->setAttr(flags.getIntegerOverflowAttrName(),
                arith::IntegerOverflowFlagsAttr::get(op->getContext(), arith::IntegerOverflowFlags::nsw));
}

void ExactIntegers::note(Value result) {
  Operation *op = result.getDefiningOp();
  SmallVector<Value, 2> parts = partsOf(result);
  if (!op || !getElementTypeOrSelf(result).isInteger(32) || parts.empty())
    return;
  Known x = look(parts[0]), y = look(parts.back());
  Known all{{}, x.isPosition || y.isPosition, true};
  if (isa<arith::SelectOp>(op))
    all.interval = {std::min(x.interval.low, y.interval.low), std::max(x.interval.high, y.interval.high)};
  else if (isa<math::AbsIOp>(op))
    all.interval = {0, std::max(-x.interval.low, x.interval.high)};
  else
    all.interval = intervalOf(operatorOf(op), x.interval, y.interval);
  bool fits = all.interval.fits(32) && x.isNarrow && y.isNarrow;
  if (fits)
    markNotWrapping(op);
  else if (!all.isPosition)
    all.interval = Interval::ofWidth(32); // it wraps, and stays what it became
  all.isNarrow = fits || !all.isPosition;
  known[result] = all;
}

void ExactIntegers::forComparison(Value &x, Value &y) {
  if (!getElementTypeOrSelf(x).isInteger(32))
    return;
  Known left = look(x), right = look(y);
  if ((!left.isPosition && !right.isPosition) || (left.isNarrow && right.isNarrow))
    return;
  x = widen(x), y = widen(y);
}

Value ExactIntegers::widen(Value root) {
  SmallVector<Value> stack{root};
  while (!stack.empty()) {
    Value value = stack.back();
    size_t before = stack.size();
    if (!wide.contains(value) && !look(value).isNarrow)
      for (Value part : partsOf(value))
        if (!wide.contains(part))
          stack.push_back(part);
    if (stack.size() != before)
      continue;
    if (!wide.contains(value))
      wide[value] = makeWide(value);
    stack.pop_back();
  }
  return wide[root];
}

/// Whether nothing that a scalar of 64 bits is made of may leave them, as far as a short walk tells.
static bool isExact(Operation *wideOp) {
  constexpr size_t kFar = 64;
  llvm::SetVector<Operation *> parts;
  parts.insert(wideOp);
  for (size_t i = 0; i < parts.size(); ++i) {
    auto flags = dyn_cast<arith::ArithIntegerOverflowFlagsInterface>(parts[i]);
    if (parts.size() > kFar || (flags && !flags.hasNoSignedWrap()))
      return false;
    for (Value operand : parts[i]->getOperands())
      if (Operation *op = operand.getDefiningOp(); op && operand.getType().isInteger(64) && !isa<arith::ExtSIOp>(op))
        parts.insert(op);
  }
  return true;
}

/// Its parts are wide already.
Value ExactIntegers::makeWide(Value value) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfterValue(value);
  Type i64 = b.getI64Type();
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  Type type = tensor ? Type(tensor.clone(i64)) : i64;
  Known exact = look(value);
  Operation *op = value.getDefiningOp();
  if (exact.isNarrow)
    return arith::ExtSIOp::create(b, value.getLoc(), type, value);
  Operation *copy = b.clone(*op);
  for (OpOperand &operand : copy->getOpOperands())
    if (Value part = wide.lookup(operand.get()); part && getElementTypeOrSelf(operand.get()).isInteger(32))
      operand.set(part);
  copy->getResult(0).setType(type);
  if (exact.interval.fits(64))
    markNotWrapping(copy);
  if (tensor || !exact.interval.fits(32) || !isExact(copy))
    return copy->getResult(0);
  // A scalar that 32 bits hold again, as min(part * share, length) does, is one that masks are analysed by.
  Value narrow = arith::TruncIOp::create(b, value.getLoc(), b.getI32Type(), copy->getResult(0));
  return arith::ExtSIOp::create(b, value.getLoc(), i64, narrow);
}
