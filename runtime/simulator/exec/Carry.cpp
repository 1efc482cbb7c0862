//===- Carry.cpp - add.cc, addc, sub.cc, subc, mad.cc, madc ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Extended-precision integer arithmetic (PTX ISA, 9.7.2). The condition code's carry flag is a hidden predicate of the
// body: calls do not keep it.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Arithmetic.h"
#include "runtime/simulator/exec/Cta.h"
#include "runtime/simulator/exec/KernelDecoder.h"

namespace imbrex::simulator {
namespace {

constexpr uint32_t kReadsCarry = 1, kWritesCarry = 2, kHigh = 4;

template <class T> using Twice = std::conditional_t<sizeof(T) == 8, unsigned __int128, uint64_t>;
template <class T> using SignedTwice = std::conditional_t<sizeof(T) == 8, __int128, int64_t>;

/// The product's low or high half; the type is signed where S is.
template <class T, class S> T product(T a, T b, bool high) {
  if constexpr (std::is_signed_v<S>) {
    auto wide = static_cast<Twice<T>>(SignedTwice<T>(static_cast<S>(a)) * SignedTwice<T>(static_cast<S>(b)));
    return static_cast<T>(high ? wide >> (8 * sizeof(T)) : wide);
  } else {
    auto wide = Twice<T>(a) * Twice<T>(b);
    return static_cast<T>(high ? wide >> (8 * sizeof(T)) : wide);
  }
}

/// op: d, a, b, c, carry. c only for mad. The carry of a subtraction is its borrow.
template <class S, Operator Op> Step carried(Warp &warp, const Instruction &i, uint32_t lanes) {
  using T = std::make_unsigned_t<S>;
  uint32_t before = warp.pred(i.op[4]), after = before;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    T a = warp.reg<T>(i.op[1])[lane], b = warp.reg<T>(i.op[2])[lane];
    T in = i.flags & kReadsCarry ? before >> lane & 1 : 0;
    Twice<T> wide = 0;
    if constexpr (Op == Operator::Add)
      wide = Twice<T>(a) + b + in;
    else if constexpr (Op == Operator::Sub)
      wide = Twice<T>(a) - b - in;
    else
      wide = Twice<T>(product<T, S>(a, b, i.flags & kHigh)) + warp.reg<T>(i.op[3])[lane] + in;
    warp.reg<T>(i.op[0])[lane] = static_cast<T>(wide);
    uint32_t out = static_cast<uint32_t>(wide >> (8 * sizeof(T))) & 1;
    after = (after & ~(1u << lane)) | out << lane;
  }
  if (i.flags & kWritesCarry)
    warp.pred(i.op[4]) = after;
  return Step::Next;
}

template <Operator Op> Handler pick(Type type) {
  switch (type) {
  case Type::U32:
    return carried<uint32_t, Op>;
  case Type::S32:
    return carried<int32_t, Op>;
  case Type::U64:
    return carried<uint64_t, Op>;
  case Type::S64:
    return carried<int64_t, Op>;
  default:
    return nullptr;
  }
}

template <Operator Op> bool decodeWithCarry(Decoder &d) {
  Type type = d.takeType();
  return decodeCarry(d, Op, type, true);
}

constexpr Opcode kOpcodes[] = {{"addc", decodeWithCarry<Operator::Add>},
                               {"subc", decodeWithCarry<Operator::Sub>},
                               {"madc", decodeWithCarry<Operator::Mad>}};

} // namespace

bool decodeCarry(Decoder &d, Operator op, Type type, bool readsCarry) {
  bool writes = d.take("cc");
  bool isMad = op == Operator::Mad;
  int part = isMad ? d.takeOneOf({"lo", "hi"}) : 0;
  if (part < 0)
    return d.fail("needs .lo or .hi");
  d.out.flags = (readsCarry ? kReadsCarry : 0) | (writes ? kWritesCarry : 0) | (part == 1 ? kHigh : 0);
  if (!d.operands(isMad ? 4 : 3) || !d.write(0, type) || !d.read(1, type) || !d.read(2, type))
    return false;
  if (isMad ? !d.read(3, type) : (d.extra(0), false))
    return false;
  d.addCarry(readsCarry, writes);
  return d.finish(op == Operator::Add   ? pick<Operator::Add>(type)
                  : op == Operator::Sub ? pick<Operator::Sub>(type)
                                        : pick<Operator::Mad>(type));
}

std::span<const Opcode> carryOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
