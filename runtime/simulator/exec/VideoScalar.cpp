//===- VideoScalar.cpp - Scalar video instructions ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// vadd, vsub, vabsdiff, vmin, vmax, vshl, vshr, vmad, vset (PTX ISA, 9.7.17.1): a part of a and one of b, extended, one
// operation in more than 32 bits, saturation, and then either a second operation with c or a merge into a part of c.
//
//===----------------------------------------------------------------------===//

//|
//|   vsub.s32.u32.u32.sat d.b1, a.b0, b.h1, c;   a = 0x05, b = 0x0107....: 5 - 263 = -258, as s8: -128 (0x80);
//|   d is c with 0x80 in bits 8 to 15.

#include "runtime/simulator/exec/Cta.h"
#include "runtime/simulator/exec/VideoCompare.h"

#include <algorithm>
#include <cstring>

namespace imbrex::simulator {
namespace {

enum class Operation : uint8_t { Add, Sub, AbsoluteDifference, Min, Max, ShiftLeft, ShiftRight, MultiplyAdd, Compare };
enum class Second : uint8_t { None, Add, Min, Max, Merge };

/// A part of 32 bits: all, .b0 to .b3, .h0 or .h1.
struct Part {
  uint8_t shift = 0, bits = 32;
};

// Instruction::imm, with `flags`.
struct Plan {
  Operation operation;
  Second second;
  VideoCondition condition;
  uint8_t scale; ///< vmad: bits the sum is shifted to the right.
  Part a, b;
};
static_assert(sizeof(Plan) <= 8);
constexpr uint32_t kSignedA = 1, kSignedB = 2, kSignedD = 4, kSaturate = 8;
constexpr uint32_t kWrap = 16, kNegateProduct = 32, kNegateC = 64, kPlusOne = 128;

int64_t partOf(uint32_t value, const Part &part, bool isSigned) {
  uint64_t field = value >> part.shift & ((uint64_t(1) << part.bits) - 1);
  bool negative = isSigned && (field >> (part.bits - 1) & 1);
  return static_cast<int64_t>(field) - (negative ? int64_t(1) << part.bits : 0);
}

__int128 clampTo(__int128 value, unsigned bits, bool isSigned) {
  __int128 one = 1, low = isSigned ? -(one << (bits - 1)) : 0, high = (one << (isSigned ? bits - 1 : bits)) - 1;
  return std::clamp(value, low, high);
}

__int128 operate(const Plan &plan, uint32_t flags, int64_t a, int64_t b) {
  switch (plan.operation) {
  case Operation::Add:
    return a + b;
  case Operation::Sub:
    return a - b;
  case Operation::AbsoluteDifference:
    return a > b ? a - b : b - a;
  case Operation::Min:
    return std::min(a, b);
  case Operation::Max:
    return std::max(a, b);
  case Operation::Compare:
    return holds(plan.condition, a, b);
  default: { // b is unsigned.
    int64_t by = flags & kWrap ? b & 31 : std::min<int64_t>(b, 32);
    return plan.operation == Operation::ShiftLeft ? __int128(a) << by : __int128(a >> by);
  }
  }
}

uint32_t combine(const Plan &plan, uint32_t flags, const Part &to, uint32_t value, uint32_t c) {
  bool isSigned = flags & kSignedD;
  switch (plan.second) {
  case Second::None:
    return value;
  case Second::Add:
    return value + c;
  case Second::Merge: {
    uint32_t mask = static_cast<uint32_t>(((uint64_t(1) << to.bits) - 1) << to.shift);
    return (c & ~mask) | (value << to.shift & mask);
  }
  default: {
    int64_t x = isSigned ? static_cast<int32_t>(value) : int64_t(value),
            y = isSigned ? static_cast<int32_t>(c) : int64_t(c);
    return static_cast<uint32_t>(plan.second == Second::Min ? std::min(x, y) : std::max(x, y));
  }
  }
}

Plan planOf(const Instruction &i) {
  Plan plan;
  std::memcpy(&plan, &i.imm, sizeof(plan));
  return plan;
}

/// op: d, a, b, c. bytes, count: shift and bits of the destination's part.
Step video(Warp &warp, const Instruction &i, uint32_t lanes) {
  Plan plan = planOf(i);
  Part to{static_cast<uint8_t>(i.bytes), static_cast<uint8_t>(i.count)};
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    auto value = [&](unsigned operand) { return warp.reg<uint32_t>(i.op[operand])[lane]; };
    __int128 result = operate(plan, i.flags, partOf(value(1), plan.a, i.flags & kSignedA),
                              partOf(value(2), plan.b, i.flags & kSignedB));
    if (i.flags & kSaturate)
      result = clampTo(result, to.bits, i.flags & kSignedD);
    warp.reg<uint32_t>(i.op[0])[lane] = combine(plan, i.flags, to, static_cast<uint32_t>(result), value(3));
  }
  return Step::Next;
}

/// vmad: (+-(a b) + c [+ 1]) >> scale; its result is signed where an operand or a sign says so.
Step multiplyAdd(Warp &warp, const Instruction &i, uint32_t lanes) {
  Plan plan = planOf(i);
  bool isSigned = i.flags & (kSignedA | kSignedB | kNegateProduct | kNegateC);
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    auto value = [&](unsigned operand) { return warp.reg<uint32_t>(i.op[operand])[lane]; };
    __int128 product =
        __int128(partOf(value(1), plan.a, i.flags & kSignedA)) * partOf(value(2), plan.b, i.flags & kSignedB);
    __int128 c = isSigned ? __int128(static_cast<int32_t>(value(3))) : __int128(value(3));
    __int128 sum =
        (i.flags & kNegateProduct ? -product : product) + (i.flags & kNegateC ? -c : c) + (i.flags & kPlusOne ? 1 : 0);
    sum >>= plan.scale;
    if (i.flags & kSaturate)
      sum = clampTo(sum, 32, isSigned);
    warp.reg<uint32_t>(i.op[0])[lane] = static_cast<uint32_t>(sum);
  }
  return Step::Next;
}

/// ".b2" or ".h1" of a register operand; false if it is another selector.
bool selectPart(const ptx::Operand &operand, Part &part) {
  const std::string &selector = operand.selector;
  if (selector.empty())
    return true;
  bool half = selector[0] == 'h';
  unsigned number = selector.size() == 2 ? static_cast<unsigned>(selector[1] - '0') : 9;
  part = {static_cast<uint8_t>(number * (half ? 16 : 8)), static_cast<uint8_t>(half ? 16 : 8)};
  return number < (half ? 2u : 4u);
}

/// Operands d, a, b and c, whose parts go to the plan; without c a zero.
bool takeOperands(Decoder &d, Plan &plan) {
  Part to;
  bool merges = !d.operand(0).selector.empty();
  if (!selectPart(d.operand(0), to) || !selectPart(d.operand(1), plan.a) || !selectPart(d.operand(2), plan.b))
    return d.fail("a selector must be .b0 to .b3, .h0 or .h1");
  if (merges && plan.second != Second::None)
    return d.fail("a part of d and a second operation exclude each other");
  plan.second = merges ? Second::Merge : plan.second;
  bool needsC = plan.second != Second::None || plan.operation == Operation::MultiplyAdd;
  ptx::Operand zero;
  zero.kind = ptx::Operand::Integer;
  d.out.bytes = to.shift;
  d.out.count = to.bits;
  std::memcpy(&d.out.imm, &plan, sizeof(plan));
  return d.operands(needsC ? 4 : 3) && d.write(withoutSelector(d.operand(0)), Type::U32) &&
         d.read(withoutSelector(d.operand(1)), Type::U32) && d.read(withoutSelector(d.operand(2)), Type::U32) &&
         d.read(needsC ? withoutSelector(d.operand(3)) : zero, Type::U32);
}

template <Operation Op> bool decodeVideo(Decoder &d) {
  constexpr bool isShift = Op == Operation::ShiftLeft || Op == Operation::ShiftRight,
                 isCompare = Op == Operation::Compare;
  Plan plan{};
  plan.operation = Op;
  d.out.flags = d.take("sat") ? kSaturate : 0;
  if (isShift) {
    int mode = d.takeOneOf({"clamp", "wrap"});
    if (mode < 0)
      return d.fail("needs .clamp or .wrap");
    d.out.flags |= mode == 1 ? kWrap : 0;
  }
  bool hasCondition = !isCompare || takeVideoCondition(d, plan.condition);
  plan.second = static_cast<Second>(d.takeOneOf({"add", "min", "max"}) + 1);
  Type to = isCompare ? Type::U32 : d.takeType(), a = d.takeType(), b = d.takeType();
  if (!hasCondition || !isVideoType(to) || !isVideoType(a) || !isVideoType(b) || (isShift && b != Type::U32))
    return d.fail("these types are not those of a video instruction");
  d.out.flags |= (a == Type::S32 ? kSignedA : 0) | (b == Type::S32 ? kSignedB : 0) | (to == Type::S32 ? kSignedD : 0);
  return d.operands(3, 4) && takeOperands(d, plan) && d.finish(video);
}

bool decodeMultiplyAdd(Decoder &d) {
  Plan plan{};
  plan.operation = Operation::MultiplyAdd;
  d.out.flags = (d.take("sat") ? kSaturate : 0) | (d.take("po") ? kPlusOne : 0);
  int scale = d.takeOneOf({"shr7", "shr15"});
  plan.scale = scale < 0 ? 0 : scale == 0 ? 7 : 15;
  Type to = d.takeType(), a = d.takeType(), b = d.takeType();
  if (!isVideoType(to) || !isVideoType(a) || !isVideoType(b))
    return d.fail("these types are not those of a video instruction");
  if (!d.operands(4))
    return false;
  bool product = d.operand(1).negated != d.operand(2).negated, sum = d.operand(3).negated;
  if ((product && sum) || ((product || sum) && d.out.flags & kPlusOne))
    return d.fail("the product or c is negated, not both, and neither with .po");
  if (!d.operand(0).selector.empty())
    return d.fail("has no part of d");
  d.out.flags |= (a == Type::S32 ? kSignedA : 0) | (b == Type::S32 ? kSignedB : 0) | (product ? kNegateProduct : 0) |
                 (sum ? kNegateC : 0);
  return takeOperands(d, plan) && d.finish(multiplyAdd);
}

constexpr Opcode kOpcodes[] = {{"vadd", decodeVideo<Operation::Add>},
                               {"vsub", decodeVideo<Operation::Sub>},
                               {"vabsdiff", decodeVideo<Operation::AbsoluteDifference>},
                               {"vmin", decodeVideo<Operation::Min>},
                               {"vmax", decodeVideo<Operation::Max>},
                               {"vshl", decodeVideo<Operation::ShiftLeft>},
                               {"vshr", decodeVideo<Operation::ShiftRight>},
                               {"vmad", decodeMultiplyAdd},
                               {"vset", decodeVideo<Operation::Compare>}};

} // namespace

std::span<const Opcode> scalarVideoOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
