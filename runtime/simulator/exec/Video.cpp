//===- Video.cpp - SIMD video instructions --------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// vadd2, vadd4 and their kin (PTX ISA, 9.7.17.2): one operation on two halves or four bytes, which selectors choose
// from both sources, saturated on request. A result that the mask leaves out is c's part; with .add the results that
// the mask keeps are added to c, as they are and not cut to a part. The scalar forms: VideoScalar.cpp.
//
//===----------------------------------------------------------------------===//

//|
//|   vsub4.s32.u32.u32.sat d.b10, a.b3216, b.b7777, c: bytes 0 to 3 are a's, 4 to 7 b's, the first named is the
//highest. |   d's byte 0 is b's byte 2 less b's byte 3, byte 1 is a's byte 1 less b's byte 3; bytes 2 and 3 are c's.

#include "runtime/simulator/exec/Cta.h"
#include "runtime/simulator/exec/VideoCompare.h"

#include <algorithm>
#include <cstring>

namespace imbrex::simulator {
namespace {

enum class Operation : uint8_t { Add, Sub, Average, AbsoluteDifference, Min, Max, Compare };

// Instruction::imm.
struct Plan {
  Operation operation;
  VideoCondition condition;
  uint8_t mask;     ///< Bit k: part k of d is a result.
  uint8_t bits;     ///< Of a part.
  uint8_t left[4];  ///< Part k of the first source: a's parts count first, then b's.
  uint8_t right[4]; ///< The same for the second; kept in Instruction::target.
};
constexpr uint32_t kSignedA = 1, kSignedB = 2, kSignedD = 4, kSaturate = 8, kAccumulate = 16;

Plan planOf(const Instruction &i) {
  Plan plan;
  std::memcpy(&plan, &i.imm, 8);
  std::memcpy(plan.right, &i.target, 4);
  return plan;
}

void keep(const Plan &plan, Instruction &i) {
  std::memcpy(&i.imm, &plan, 8);
  std::memcpy(&i.target, plan.right, 4);
}

/// Part `number` of a and b side by side.
int32_t part(uint64_t value, unsigned number, unsigned bits, bool isSigned) {
  uint32_t field = static_cast<uint32_t>(value >> (number * bits)) & ((1u << bits) - 1);
  return isSigned ? static_cast<int32_t>(field << (32 - bits)) >> (32 - bits) : static_cast<int32_t>(field);
}

int32_t operate(const Plan &plan, int32_t a, int32_t b) {
  switch (plan.operation) {
  case Operation::Add:
    return a + b;
  case Operation::Sub:
    return a - b;
  case Operation::Average:
    return (a + b + (a + b >= 0)) >> 1;
  case Operation::AbsoluteDifference:
    return a > b ? a - b : b - a;
  case Operation::Min:
    return std::min(a, b);
  case Operation::Max:
    return std::max(a, b);
  default:
    return holds(plan.condition, a, b);
  }
}

/// op: d, a, b, c.
Step video(Warp &warp, const Instruction &i, uint32_t lanes) {
  Plan plan = planOf(i);
  unsigned bits = plan.bits;
  int32_t low = i.flags & kSignedD ? -(1 << (bits - 1)) : 0, high = (1 << (i.flags & kSignedD ? bits - 1 : bits)) - 1;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t sources = warp.reg<uint32_t>(i.op[1])[lane] | uint64_t(warp.reg<uint32_t>(i.op[2])[lane]) << 32;
    uint32_t result = warp.reg<uint32_t>(i.op[3])[lane];
    for (unsigned k = 0; k < 32 / bits; ++k) {
      if (!(plan.mask >> k & 1))
        continue;
      int32_t value = operate(plan, part(sources, plan.left[k], bits, i.flags & kSignedA),
                              part(sources, plan.right[k], bits, i.flags & kSignedB));
      if (i.flags & kSaturate)
        value = std::clamp(value, low, high);
      uint32_t place = ((1u << bits) - 1) << (k * bits);
      if (i.flags & kAccumulate)
        result += static_cast<uint32_t>(value);
      else
        result = (result & ~place) | (static_cast<uint32_t>(value) << (k * bits) & place);
    }
    warp.reg<uint32_t>(i.op[0])[lane] = result;
  }
  return Step::Next;
}

/// "h01" or "b7012" as numbers of parts, part 0 first; without a selector the parts from `first` on.
bool takeSelector(const std::string &selector, unsigned parts, unsigned first, uint8_t (&numbers)[4]) {
  for (unsigned k = 0; k < parts; ++k)
    numbers[k] = static_cast<uint8_t>(selector.empty() ? first + k : unsigned(selector[selector.size() - 1 - k] - '0'));
  return selector.empty() || (selector.size() == parts + 1 && (selector[0] == 'h') == (parts == 2) &&
                              std::all_of(numbers, numbers + parts, [&](uint8_t n) { return n < 2 * parts; }));
}

/// ".b31" as bits: numbers of parts, the highest first; without a mask all.
bool takeMask(const std::string &selector, unsigned parts, uint8_t &mask) {
  mask = static_cast<uint8_t>(selector.empty() ? (1u << parts) - 1 : 0);
  unsigned above = parts;
  for (size_t at = 1; at < selector.size(); ++at) {
    unsigned number = static_cast<unsigned>(selector[at] - '0');
    if (number >= above)
      return false;
    mask = static_cast<uint8_t>(mask | 1u << number);
    above = number;
  }
  return selector.empty() || (selector.size() > 1 && (selector[0] == 'h') == (parts == 2));
}

template <Operation Op, unsigned Bits> bool decodeVideo(Decoder &d) {
  constexpr unsigned parts = 32 / Bits;
  Plan plan{};
  plan.operation = Op;
  plan.bits = Bits;
  bool isCompare = Op == Operation::Compare, hasCondition = !isCompare || takeVideoCondition(d, plan.condition);
  d.out.flags = (!isCompare && d.take("sat") ? kSaturate : 0) | (d.take("add") ? kAccumulate : 0);
  Type to = isCompare ? Type::U32 : d.takeType(), a = d.takeType(), b = d.takeType();
  if (!hasCondition || !isVideoType(to) || !isVideoType(a) || !isVideoType(b))
    return d.fail("these types are not those of a video instruction");
  if (d.out.flags == (kSaturate | kAccumulate))
    return d.fail(".sat and .add exclude each other");
  d.out.flags |= (a == Type::S32 ? kSignedA : 0) | (b == Type::S32 ? kSignedB : 0) | (to == Type::S32 ? kSignedD : 0);
  if (!d.operands(4))
    return false;
  if (!takeMask(d.operand(0).selector, parts, plan.mask))
    return d.fail("a mask names parts of d, the highest first");
  if (!takeSelector(d.operand(1).selector, parts, 0, plan.left) ||
      !takeSelector(d.operand(2).selector, parts, parts, plan.right))
    return d.fail("a selector names " + std::to_string(parts) + " of " + std::to_string(2 * parts) + " parts");
  keep(plan, d.out);
  return d.write(withoutSelector(d.operand(0)), Type::U32) && d.read(withoutSelector(d.operand(1)), Type::U32) &&
         d.read(withoutSelector(d.operand(2)), Type::U32) && d.read(3, Type::U32) && d.finish(video);
}

constexpr Opcode kOpcodes[] = {{"vadd2", decodeVideo<Operation::Add, 16>},
                               {"vadd4", decodeVideo<Operation::Add, 8>},
                               {"vsub2", decodeVideo<Operation::Sub, 16>},
                               {"vsub4", decodeVideo<Operation::Sub, 8>},
                               {"vavrg2", decodeVideo<Operation::Average, 16>},
                               {"vavrg4", decodeVideo<Operation::Average, 8>},
                               {"vabsdiff2", decodeVideo<Operation::AbsoluteDifference, 16>},
                               {"vabsdiff4", decodeVideo<Operation::AbsoluteDifference, 8>},
                               {"vmin2", decodeVideo<Operation::Min, 16>},
                               {"vmin4", decodeVideo<Operation::Min, 8>},
                               {"vmax2", decodeVideo<Operation::Max, 16>},
                               {"vmax4", decodeVideo<Operation::Max, 8>},
                               {"vset2", decodeVideo<Operation::Compare, 16>},
                               {"vset4", decodeVideo<Operation::Compare, 8>}};

} // namespace

std::span<const Opcode> videoOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
