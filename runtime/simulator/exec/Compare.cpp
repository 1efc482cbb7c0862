//===- Compare.cpp - setp, set, selp, slct --------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, comparison and selection instructions: all integer comparisons, the ordered and unordered
// floating-point ones, num and nan, and the combination with a second predicate.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Elementwise.h"
#include "runtime/simulator/exec/Half.h"

#include <cmath>
#include <cstring>
#include <type_traits>

namespace imbrex::simulator {
namespace {

enum class Compare : uint8_t { Eq, Ne, Lt, Le, Gt, Ge, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, Nan };

/// Types whose register bits are not the value compared.
struct HalfValue {
  uint16_t bits;
  operator float() const { return halfToFloat(bits); }
};
struct BFloatValue {
  uint16_t bits;
  operator float() const { return bfloatToFloat(bits); }
};

template <class T> auto plain(T value) { return value; }
inline float plain(HalfValue value) { return value; }
inline float plain(BFloatValue value) { return value; }

template <Compare C, class T> bool holds(T a, T b) {
  bool unordered = false;
  if constexpr (std::is_floating_point_v<T>)
    unordered = a != a || b != b;
  switch (C) {
  case Compare::Eq:
    return a == b;
  case Compare::Ne:
    return !unordered && a != b;
  case Compare::Lt:
    return a < b;
  case Compare::Le:
    return a <= b;
  case Compare::Gt:
    return a > b;
  case Compare::Ge:
    return a >= b;
  case Compare::Equ:
    return unordered || a == b;
  case Compare::Neu:
    return a != b;
  case Compare::Ltu:
    return unordered || a < b;
  case Compare::Leu:
    return unordered || a <= b;
  case Compare::Gtu:
    return unordered || a > b;
  case Compare::Geu:
    return unordered || a >= b;
  case Compare::Num:
    return !unordered;
  case Compare::Nan:
    return unordered;
  }
  return false;
}

/// A value of type T, flushed for .ftz if it is subnormal in T.
template <class T> auto flush(T bits, uint32_t flags) {
  auto value = plain(bits);
  constexpr float kLeast = std::is_same_v<T, HalfValue> ? 0x1p-14f : 0x1p-126f;
  if constexpr (std::is_same_v<decltype(value), float>)
    return flags && std::fabs(value) < kLeast ? std::copysign(0.0f, value) : value;
  else
    return value;
}

/// Comparison of all lanes as a mask; flags: 1 for .ftz.
template <Compare C, class T> uint32_t compareLanes(Warp &warp, const Instruction &i, uint32_t aSlot, uint32_t bSlot) {
  const T *a = warp.reg<T>(aSlot), *b = warp.reg<T>(bSlot);
  uint32_t result = 0;
  for (unsigned lane = 0; lane < 32; ++lane)
    result |= uint32_t(holds<C>(flush(a[lane], i.flags), flush(b[lane], i.flags))) << lane;
  return result;
}

void assign(uint32_t &to, uint32_t lanes, uint32_t value) { to = (to & ~lanes) | (value & lanes); }

/// op: p, q, a, b, c, flip of c. count: 0 no combination, 1 and, 2 or, 3 xor.
template <Compare C, class T> Step setPredicate(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint32_t result = compareLanes<C, T>(warp, i, i.op[2], i.op[3]), inverse = ~result;
  if (i.count != 0) {
    uint32_t c = warp.pred(i.op[4]) ^ i.op[5];
    result = i.count == 1 ? result & c : i.count == 2 ? result | c : result ^ c;
    inverse = i.count == 1 ? inverse & c : i.count == 2 ? inverse | c : inverse ^ c;
  }
  assign(warp.pred(i.op[1]), lanes, inverse);
  assign(warp.pred(i.op[0]), lanes, result);
  return Step::Next;
}

/// op: d, a, b, c, flip. imm: the value for true. Integers get ~0, floats 1.0.
template <Compare C, class T> Step setValue(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint32_t result = compareLanes<C, T>(warp, i, i.op[1], i.op[2]);
  if (i.count != 0) {
    uint32_t c = warp.pred(i.op[3]) ^ i.op[4];
    result = i.count == 1 ? result & c : i.count == 2 ? result | c : result ^ c;
  }
  forLanes(lanes, [&](unsigned lane) {
    uint64_t value = result >> lane & 1 ? i.imm : 0;
    if (i.bytes == 2)
      warp.reg<uint16_t>(i.op[0])[lane] = static_cast<uint16_t>(value);
    else
      warp.reg<uint32_t>(i.op[0])[lane] = static_cast<uint32_t>(value);
  });
  return Step::Next;
}

template <template <Compare, class> class Maker, class T> Handler pickCompare(Compare compare) {
  switch (compare) {
  case Compare::Eq:
    return Maker<Compare::Eq, T>::handler;
  case Compare::Ne:
    return Maker<Compare::Ne, T>::handler;
  case Compare::Lt:
    return Maker<Compare::Lt, T>::handler;
  case Compare::Le:
    return Maker<Compare::Le, T>::handler;
  case Compare::Gt:
    return Maker<Compare::Gt, T>::handler;
  case Compare::Ge:
    return Maker<Compare::Ge, T>::handler;
  default:
    break;
  }
  if constexpr (!std::is_integral_v<T>) {
    switch (compare) {
    case Compare::Equ:
      return Maker<Compare::Equ, T>::handler;
    case Compare::Neu:
      return Maker<Compare::Neu, T>::handler;
    case Compare::Ltu:
      return Maker<Compare::Ltu, T>::handler;
    case Compare::Leu:
      return Maker<Compare::Leu, T>::handler;
    case Compare::Gtu:
      return Maker<Compare::Gtu, T>::handler;
    case Compare::Geu:
      return Maker<Compare::Geu, T>::handler;
    case Compare::Num:
      return Maker<Compare::Num, T>::handler;
    case Compare::Nan:
      return Maker<Compare::Nan, T>::handler;
    default:
      break;
    }
  }
  return nullptr;
}

template <Compare C, class T> struct PredicateMaker {
  static constexpr Handler handler = setPredicate<C, T>;
};
template <Compare C, class T> struct ValueMaker {
  static constexpr Handler handler = setValue<C, T>;
};

template <template <Compare, class> class Maker> Handler pickType(Compare compare, Type type) {
  switch (type) {
  case Type::B16:
  case Type::U16:
    return pickCompare<Maker, uint16_t>(compare);
  case Type::S16:
    return pickCompare<Maker, int16_t>(compare);
  case Type::B32:
  case Type::U32:
    return pickCompare<Maker, uint32_t>(compare);
  case Type::S32:
    return pickCompare<Maker, int32_t>(compare);
  case Type::B64:
  case Type::U64:
    return pickCompare<Maker, uint64_t>(compare);
  case Type::S64:
    return pickCompare<Maker, int64_t>(compare);
  case Type::F16:
    return pickCompare<Maker, HalfValue>(compare);
  case Type::BF16:
    return pickCompare<Maker, BFloatValue>(compare);
  case Type::F32:
    return pickCompare<Maker, float>(compare);
  case Type::F64:
    return pickCompare<Maker, double>(compare);
  default:
    return nullptr;
  }
}

/// The comparison that a word names at run time, for the packed types.
bool holdsAtRunTime(Compare compare, float a, float b) {
  bool unordered = a != a || b != b;
  switch (compare) {
  case Compare::Num:
    return !unordered;
  case Compare::Nan:
    return unordered;
  case Compare::Equ:
    return unordered || a == b;
  case Compare::Neu:
    return a != b;
  case Compare::Ltu:
    return unordered || a < b;
  case Compare::Leu:
    return unordered || a <= b;
  case Compare::Gtu:
    return unordered || a > b;
  case Compare::Geu:
    return unordered || a >= b;
  case Compare::Eq:
    return a == b;
  case Compare::Ne:
    return !unordered && a != b;
  case Compare::Lt:
    return a < b;
  case Compare::Le:
    return a <= b;
  case Compare::Gt:
    return a > b;
  case Compare::Ge:
    return a >= b;
  }
  return false;
}

// Instruction::imm of a comparison of packed halves.
struct PairTest {
  Compare compare;
  bool isBFloat;
  uint16_t truth; ///< set: what a half holds for true.
};

/// Bit 0 and 1: the result of the lower and upper halves. `c` is the value of the predicate to combine with.
unsigned comparePair(const Instruction &i, const PairTest &test, uint32_t a, uint32_t b, bool c) {
  unsigned result = 0;
  for (unsigned half = 0; half < 2; ++half) {
    uint16_t x = static_cast<uint16_t>(a >> (16 * half)), y = static_cast<uint16_t>(b >> (16 * half));
    bool holds = test.isBFloat
                     ? holdsAtRunTime(test.compare, bfloatToFloat(x), bfloatToFloat(y))
                     : holdsAtRunTime(test.compare, flush(HalfValue{x}, i.flags), flush(HalfValue{y}, i.flags));
    holds = i.count == 1 ? holds && c : i.count == 2 ? holds || c : i.count == 3 ? holds != c : holds;
    result |= unsigned(holds) << half;
  }
  return result;
}

PairTest pairTestOf(const Instruction &i) {
  PairTest test;
  std::memcpy(&test, &i.imm, sizeof(test));
  return test;
}

/// op: p (lower halves), q (upper halves), a, b, c, flip.
Step setPredicatePair(Warp &warp, const Instruction &i, uint32_t lanes) {
  PairTest test = pairTestOf(i);
  uint32_t c = i.count ? warp.pred(i.op[4]) ^ i.op[5] : 0, low = 0, high = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned result =
        comparePair(i, test, warp.reg<uint32_t>(i.op[2])[lane], warp.reg<uint32_t>(i.op[3])[lane], c >> lane & 1);
    low |= (result & 1) << lane;
    high |= (result >> 1) << lane;
  }
  assign(warp.pred(i.op[1]), lanes, high);
  assign(warp.pred(i.op[0]), lanes, low);
  return Step::Next;
}

/// op: d, a, b, c, flip.
Step setPair(Warp &warp, const Instruction &i, uint32_t lanes) {
  PairTest test = pairTestOf(i);
  uint32_t c = i.count ? warp.pred(i.op[3]) ^ i.op[4] : 0;
  forLanes(lanes, [&](unsigned lane) {
    unsigned result =
        comparePair(i, test, warp.reg<uint32_t>(i.op[1])[lane], warp.reg<uint32_t>(i.op[2])[lane], c >> lane & 1);
    warp.reg<uint32_t>(i.op[0])[lane] = (result & 1 ? test.truth : 0u) | (result & 2 ? test.truth : 0u) << 16;
  });
  return Step::Next;
}

void keepPairTest(Decoder &d, Compare compare, Type type, Type to) {
  uint16_t truth = to == Type::F16x2 ? 0x3C00 : to == Type::BF16x2 ? 0x3F80 : 0xFFFF;
  PairTest test{compare, type == Type::BF16x2, truth};
  std::memcpy(&d.out.imm, &test, sizeof(test));
}

/// The comparison word; lo, ls, hi and hs are the unsigned forms of lt, le, gt and ge.
bool takeCompare(Decoder &d, Compare &compare) {
  int position =
      d.takeOneOf({"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"});
  if (position < 0) {
    position = d.takeOneOf({"lo", "ls", "hi", "hs"});
    if (position < 0)
      return d.fail("needs a comparison");
    position += static_cast<int>(Compare::Lt);
  }
  compare = static_cast<Compare>(position);
  return true;
}

uint16_t takeCombination(Decoder &d) { return static_cast<uint16_t>(d.takeOneOf({"and", "or", "xor"}) + 1); }

bool readCombination(Decoder &d) { return d.out.count == 0 || (d.operands(4) && d.readPredicate(3)); }

bool decodeSetp(Decoder &d) {
  Compare compare;
  if (!takeCompare(d, compare))
    return false;
  d.out.count = takeCombination(d);
  Type type = d.takeType();
  d.out.flags = (type == Type::F32 || type == Type::F16 || type == Type::F16x2) && d.take("ftz");
  if (!d.operands(3, 4))
    return false;
  bool pair = d.operand(0).kind == ptx::Operand::Pair;
  ptx::Operand nobody;
  if (type == Type::F16x2 || type == Type::BF16x2) {
    keepPairTest(d, compare, type, type);
    return pair && d.write(d.operand(0).elements[0], Type::Pred) && d.write(d.operand(0).elements[1], Type::Pred) &&
           d.read(1, type) && d.read(2, type) && readCombination(d) && d.finish(setPredicatePair);
  }
  d.rule(Rule::Test);
  return d.write(pair ? d.operand(0).elements[0] : d.operand(0), Type::Pred) &&
         d.write(pair ? d.operand(0).elements[1] : nobody, Type::Pred) && d.read(1, type) && d.read(2, type) &&
         readCombination(d) && d.finish(pickType<PredicateMaker>(compare, type));
}

bool decodeSet(Decoder &d) {
  Compare compare;
  if (!takeCompare(d, compare))
    return false;
  d.out.count = takeCombination(d);
  Type to = d.takeType(), type = d.takeType();
  d.out.flags = (type == Type::F32 || type == Type::F16 || type == Type::F16x2) && d.take("ftz");
  if (type == Type::F16x2 || type == Type::BF16x2) {
    keepPairTest(d, compare, type, to);
    bool fine = to == type || to == Type::U32 || to == Type::S32;
    return d.operands(3, 4) && d.write(0, to) && d.read(1, type) && d.read(2, type) && readCombination(d) &&
           d.finish(fine ? setPair : nullptr);
  }
  if (to != Type::U32 && to != Type::S32 && to != Type::F32 && to != Type::U16 && to != Type::S16 && to != Type::F16 &&
      to != Type::BF16)
    return d.fail("this destination type is not modelled");
  d.out.bytes = static_cast<uint16_t>(bitsOf(to) / 8);
  d.out.imm = to == Type::F32 ? 0x3F800000 : to == Type::F16 ? 0x3C00 : to == Type::BF16 ? 0x3F80 : ~uint64_t(0);
  return d.operands(3, 4) && d.write(0, to) && d.read(1, type) && d.read(2, type) && readCombination(d) &&
         d.finish(pickType<ValueMaker>(compare, type));
}

/// op: d, a, b, c, flip.
template <class T> Step select(Warp &warp, const Instruction &i, uint32_t lanes) {
  T *d = warp.reg<T>(i.op[0]);
  const T *a = warp.reg<T>(i.op[1]), *b = warp.reg<T>(i.op[2]);
  uint32_t c = warp.pred(i.op[3]) ^ i.op[4];
  forLanes(lanes, [&](unsigned lane) { d[lane] = c >> lane & 1 ? a[lane] : b[lane]; });
  return Step::Next;
}

bool decodeSelp(Decoder &d) {
  Type type = d.takeType();
  d.rule(Rule::Move, 1u << 3 | kPredicateControl);
  unsigned bits = bitsOf(type);
  Handler handler = bits == 16   ? select<uint16_t>
                    : bits == 32 ? select<uint32_t>
                    : bits == 64 ? select<uint64_t>
                                 : nullptr;
  return d.operands(4) && d.write(0, type) && d.read(1, type) && d.read(2, type) && d.readPredicate(3) &&
         d.finish(handler);
}

template <class T, class C> struct SelectByZero {
  static T apply(T a, T b, C c) { return c >= 0 ? a : b; }
};

bool decodeSlct(Decoder &d) {
  Type type = d.takeType(), by = d.takeType();
  Handler handler = nullptr;
  d.rule(Rule::Move, 1u << 3);
  if (bitsOf(type) == 32 && by == Type::S32)
    handler = map3<uint32_t, uint32_t, uint32_t, int32_t, SelectByZero<uint32_t, int32_t>>;
  if (bitsOf(type) == 64 && by == Type::S32)
    handler = map3<uint64_t, uint64_t, uint64_t, int32_t, SelectByZero<uint64_t, int32_t>>;
  if (bitsOf(type) == 32 && by == Type::F32)
    handler = map3<uint32_t, uint32_t, uint32_t, float, SelectByZero<uint32_t, float>>;
  return d.operands(4) && d.write(0, type) && d.read(1, type) && d.read(2, type) && d.read(3, by) && d.finish(handler);
}

constexpr Opcode kOpcodes[] = {{"setp", decodeSetp}, {"set", decodeSet}, {"selp", decodeSelp}, {"slct", decodeSlct}};

} // namespace

std::span<const Opcode> compareOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
