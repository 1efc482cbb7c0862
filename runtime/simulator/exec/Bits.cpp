//===- Bits.cpp - Logic, shifts and bit fields ----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, logic and shift instructions, bit-field and byte instructions (bfe, bfi, bfind, brev,
// clz, popc, prmt, szext, dp4a). Shift amounts above the width clamp, as the ISA says.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Elementwise.h"

#include <type_traits>

namespace imbrex::simulator {
namespace {

struct And {
  template <class T> static T apply(T a, T b) { return a & b; }
};
struct Or {
  template <class T> static T apply(T a, T b) { return a | b; }
};
struct Xor {
  template <class T> static T apply(T a, T b) { return a ^ b; }
};
struct Not {
  template <class T> static T apply(T a) { return static_cast<T>(~a); }
};
struct LogicalNot {
  template <class T> static T apply(T a) { return a == 0; }
};
struct ShiftLeft {
  template <class T> static T apply(T a, uint32_t n) {
    using U = std::make_unsigned_t<T>;
    return n >= 8 * sizeof(T) ? T(0) : static_cast<T>(static_cast<U>(static_cast<U>(a) << n));
  }
};
struct ShiftRight {
  template <class T> static T apply(T a, uint32_t n) {
    uint32_t clamped = n >= 8 * sizeof(T) ? 8 * sizeof(T) - 1 : n;
    T shifted = static_cast<T>(a >> clamped);
    return n >= 8 * sizeof(T) && !std::is_signed_v<T> ? T(0) : shifted;
  }
};

/// op: d, a, flip, b, flip for predicates.
template <class Operation> Step predicates2(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint32_t result = Operation::apply(warp.pred(i.op[1]) ^ i.op[2], warp.pred(i.op[3]) ^ i.op[4]);
  uint32_t &d = warp.pred(i.op[0]);
  d = (d & ~lanes) | (result & lanes);
  return Step::Next;
}

// Truth tables in lop3's order: bit 4a + 2b + c.
template <class Operation> constexpr uint64_t kTable = 0x3C;
template <> constexpr uint64_t kTable<And> = 0xC0;
template <> constexpr uint64_t kTable<Or> = 0xFC;
constexpr uint64_t kTableOfNot = 0x0F;
constexpr uint64_t kLastTable = 0xFF;

template <class Operation> bool decodeLogic(Decoder &d) {
  Type type = d.takeType();
  d.rule(Rule::Logic, 2);
  d.out.imm = kTable<Operation>;
  if (type == Type::Pred)
    return d.operands(3) && d.write(0, type) && d.readPredicate(1) && d.readPredicate(2) &&
           d.finish(predicates2<Operation>);
  return finishUniform(d, type, 3, isBits(type) ? integerMap2<Operation>(type) : nullptr);
}

Step predicateNot(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint32_t result = ~(warp.pred(i.op[1]) ^ i.op[2]);
  uint32_t &d = warp.pred(i.op[0]);
  d = (d & ~lanes) | (result & lanes);
  return Step::Next;
}

bool decodeNot(Decoder &d) {
  Type type = d.takeType();
  d.rule(Rule::Logic, 1);
  d.out.imm = kTableOfNot;
  if (type == Type::Pred)
    return d.operands(2) && d.write(0, type) && d.readPredicate(1) && d.finish(predicateNot);
  return finishUniform(d, type, 2, isBits(type) ? integerMap1<Not>(type) : nullptr);
}

bool decodeCnot(Decoder &d) {
  Type type = d.takeType();
  return finishUniform(d, type, 2, isBits(type) ? integerMap1<LogicalNot>(type) : nullptr);
}

template <class Operation> Handler shiftHandler(Type type) {
  switch (type) {
  case Type::U16:
  case Type::B16:
    return map2<uint16_t, uint16_t, uint32_t, Operation>;
  case Type::S16:
    return map2<int16_t, int16_t, uint32_t, Operation>;
  case Type::U32:
  case Type::B32:
    return map2<uint32_t, uint32_t, uint32_t, Operation>;
  case Type::S32:
    return map2<int32_t, int32_t, uint32_t, Operation>;
  case Type::U64:
  case Type::B64:
    return map2<uint64_t, uint64_t, uint32_t, Operation>;
  case Type::S64:
    return map2<int64_t, int64_t, uint32_t, Operation>;
  default:
    return nullptr;
  }
}

/// shl takes .b types only: there is nothing to extend.
template <class Operation> bool decodeShift(Decoder &d) {
  Type type = d.takeType();
  bool fine = isBits(type) || !std::is_same_v<Operation, ShiftLeft>;
  d.rule(Rule::Move, 1u << 2);
  return d.operands(3) && d.write(0, type) && d.read(1, type) && d.read(2, Type::U32) &&
         d.finish(fine ? shiftHandler<Operation>(type) : nullptr);
}

/// shf.l takes the upper, shf.r the lower 32 bits of the shifted pair {b, a} (a is the low half).
template <bool Left, bool Wrapped> struct Funnel {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t n = Wrapped ? c & 31 : c > 32 ? 32 : c;
    uint64_t pair = uint64_t(b) << 32 | a;
    return static_cast<uint32_t>(Left ? pair << n >> 32 : pair >> n);
  }
};

bool decodeShf(Decoder &d) {
  bool left = d.takeOneOf({"l", "r"}) == 0, wrapped = d.takeOneOf({"clamp", "wrap"}) == 1;
  Handler handler = left ? (wrapped ? map3<uint32_t, uint32_t, uint32_t, uint32_t, Funnel<true, true>>
                                    : map3<uint32_t, uint32_t, uint32_t, uint32_t, Funnel<true, false>>)
                         : (wrapped ? map3<uint32_t, uint32_t, uint32_t, uint32_t, Funnel<false, true>>
                                    : map3<uint32_t, uint32_t, uint32_t, uint32_t, Funnel<false, false>>);
  d.rule(Rule::Move, 1u << 3);
  return finishUniform(d, d.takeType(), 4, handler);
}

/// Bit k of imm is the result for inputs whose bits are (a, b, c) = k.
Step lop3(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint32_t *d = warp.reg<uint32_t>(i.op[0]);
  const uint32_t *a = warp.reg<uint32_t>(i.op[1]), *b = warp.reg<uint32_t>(i.op[2]), *c = warp.reg<uint32_t>(i.op[3]);
  uint32_t select[8];
  for (unsigned k = 0; k < 8; ++k)
    select[k] = i.imm >> k & 1 ? ~0u : 0;
  forLanes(lanes, [&](unsigned lane) {
    uint32_t x = a[lane], y = b[lane], z = c[lane];
    d[lane] = (~x & ~y & ~z & select[0]) | (~x & ~y & z & select[1]) | (~x & y & ~z & select[2]) |
              (~x & y & z & select[3]) | (x & ~y & ~z & select[4]) | (x & ~y & z & select[5]) |
              (x & y & ~z & select[6]) | (x & y & z & select[7]);
  });
  return Step::Next;
}

bool decodeLop3(Decoder &d) {
  Type type = d.takeType();
  d.rule(Rule::Logic, 3);
  return d.operands(5) && d.write(0, type) && d.read(1, type) && d.read(2, type) && d.read(3, type) &&
         d.immediate(4, d.out.imm) &&
         (d.out.imm <= kLastTable || d.fail("the truth table is a number from 0 to 255")) &&
         d.finish(type == Type::B32 ? lop3 : nullptr);
}

struct PopCount {
  template <class T> static uint32_t apply(T a) { return static_cast<uint32_t>(__builtin_popcountll(a)); }
};
struct LeadingZeros {
  template <class T> static uint32_t apply(T a) {
    return a == 0 ? 8 * sizeof(T) : static_cast<uint32_t>(__builtin_clzll(a)) - (64 - 8 * sizeof(T));
  }
};
/// The position of the most significant bit that differs from the sign; ~0 if there is none.
template <bool ShiftAmount> struct FindMost {
  template <class T> static uint32_t apply(T a) {
    using U = std::make_unsigned_t<T>;
    U bits = static_cast<U>(a < 0 ? ~a : a);
    if (bits == 0)
      return ~0u;
    uint32_t position = 63 - static_cast<uint32_t>(__builtin_clzll(bits));
    return ShiftAmount ? 8 * sizeof(T) - 1 - position : position;
  }
};
struct Reverse {
  static uint32_t apply(uint32_t a) { return __builtin_bitreverse32(a); }
  static uint64_t apply(uint64_t a) { return __builtin_bitreverse64(a); }
};

template <class Operation> bool decodeCount(Decoder &d) {
  Type type = d.takeType();
  Handler handler = bitsOf(type) == 64 ? map1<uint32_t, uint64_t, Operation> : map1<uint32_t, uint32_t, Operation>;
  bool fine = type == Type::B32 || type == Type::B64;
  return d.operands(2) && d.write(0, Type::U32) && d.read(1, type) && d.finish(fine ? handler : nullptr);
}

template <bool ShiftAmount> Handler findHandler(Type type) {
  using Find = FindMost<ShiftAmount>;
  switch (type) {
  case Type::U32:
    return map1<uint32_t, uint32_t, Find>;
  case Type::S32:
    return map1<uint32_t, int32_t, Find>;
  case Type::U64:
    return map1<uint32_t, uint64_t, Find>;
  case Type::S64:
    return map1<uint32_t, int64_t, Find>;
  default:
    return nullptr;
  }
}

bool decodeBfind(Decoder &d) {
  bool shift = d.take("shiftamt");
  Type type = d.takeType();
  return d.operands(2) && d.write(0, Type::U32) && d.read(1, type) &&
         d.finish(shift ? findHandler<true>(type) : findHandler<false>(type));
}

bool decodeBrev(Decoder &d) {
  Type type = d.takeType();
  d.rule(Rule::Move);
  return finishUniform(d, type, 2,
                       type == Type::B64   ? map1<uint64_t, uint64_t, Reverse>
                       : type == Type::B32 ? map1<uint32_t, uint32_t, Reverse>
                                           : nullptr);
}

/// Bits [position, position + length) of a. Bits past the register's end, and for signed types those
/// above the field, are copies of the field's top bit (or of the register's, whichever is lower).
struct ExtractField {
  template <class T> static T apply(T a, uint32_t position, uint32_t length) {
    using U = std::make_unsigned_t<T>;
    constexpr uint32_t width = 8 * sizeof(T);
    position &= 255;
    length &= 255;
    if (length == 0)
      return 0;
    uint32_t top = position + length - 1 < width ? position + length - 1 : width - 1;
    U sign = std::is_signed_v<T> && (static_cast<U>(a) >> top & 1) ? ~U(0) : U(0);
    if (position >= width)
      return static_cast<T>(sign);
    uint32_t kept = top - position + 1;
    U mask = kept >= width ? ~U(0) : (U(1) << kept) - 1;
    return static_cast<T>((static_cast<U>(a) >> position & mask) | (sign & ~mask));
  }
};

/// `length` ones from bit `position` on. clamp: both at most 32; wrap: modulo 32.
template <bool Wraps> struct BitMask {
  static uint32_t apply(uint32_t position, uint32_t length) {
    uint64_t at = Wraps ? position & 31 : std::min(position, 32u), count = Wraps ? length & 31 : std::min(length, 32u);
    return uint32_t(((uint64_t(1) << count) - 1) << at);
  }
};

bool decodeBmsk(Decoder &d) {
  int mode = d.takeOneOf({"clamp", "wrap"});
  Type type = d.takeType();
  return finishUniform(d, type, 3,
                       mode == 0 ? map2<uint32_t, uint32_t, uint32_t, BitMask<false>>
                                 : map2<uint32_t, uint32_t, uint32_t, BitMask<true>>);
}

struct InsertField {
  template <class T> static T apply(T a, T b, uint32_t position, uint32_t length) {
    constexpr uint32_t width = 8 * sizeof(T);
    position &= 255;
    length &= 255;
    if (length == 0 || position >= width)
      return b;
    T mask = (length >= width ? ~T(0) : (T(1) << length) - 1) << position;
    return (b & ~mask) | (a << position & mask);
  }
};

template <class T> Step insertField(Warp &warp, const Instruction &i, uint32_t lanes) {
  T *d = warp.reg<T>(i.op[0]);
  const T *a = warp.reg<T>(i.op[1]), *b = warp.reg<T>(i.op[2]);
  const uint32_t *position = warp.reg<uint32_t>(i.op[3]), *length = warp.reg<uint32_t>(i.op[4]);
  forLanes(lanes, [&](unsigned lane) { d[lane] = InsertField::apply(a[lane], b[lane], position[lane], length[lane]); });
  return Step::Next;
}

bool decodeBfe(Decoder &d) {
  Type type = d.takeType();
  d.rule(Rule::Move, 1u << 2 | 1u << 3);
  Handler handler = nullptr;
  switch (type) {
  case Type::U32:
    handler = map3<uint32_t, uint32_t, uint32_t, uint32_t, ExtractField>;
    break;
  case Type::S32:
    handler = map3<int32_t, int32_t, uint32_t, uint32_t, ExtractField>;
    break;
  case Type::U64:
    handler = map3<uint64_t, uint64_t, uint32_t, uint32_t, ExtractField>;
    break;
  case Type::S64:
    handler = map3<int64_t, int64_t, uint32_t, uint32_t, ExtractField>;
    break;
  default:
    break;
  }
  return d.operands(4) && d.write(0, type) && d.read(1, type) && d.read(2, Type::U32) && d.read(3, Type::U32) &&
         d.finish(handler);
}

bool decodeBfi(Decoder &d) {
  Type type = d.takeType();
  d.rule(Rule::Move, 1u << 3 | 1u << 4);
  return d.operands(5) && d.write(0, type) && d.read(1, type) && d.read(2, type) && d.read(3, Type::U32) &&
         d.read(4, Type::U32) && d.finish(bitsOf(type) == 64 ? insertField<uint64_t> : insertField<uint32_t>);
}

/// Each nibble of c picks one of the eight bytes of {b, a}; its top bit replicates that byte's sign.
struct Permute {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    uint64_t bytes = uint64_t(b) << 32 | a;
    uint32_t result = 0;
    for (unsigned k = 0; k < 4; ++k) {
      uint32_t selector = c >> (4 * k) & 15;
      uint32_t byte = static_cast<uint32_t>(bytes >> (8 * (selector & 7))) & 255;
      if (selector & 8)
        byte = byte & 128 ? 255 : 0;
      result |= byte << (8 * k);
    }
    return result;
  }
};

/// The selectors of prmt's modes f4e, b4e, rc8, ecl, ecr and rc16, by c's two low bits.
template <unsigned Mode> struct PermuteMode {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    constexpr uint32_t kSelectors[6][4] = {{0x3210, 0x4321, 0x5432, 0x6543}, {0x5670, 0x6701, 0x7012, 0x0123},
                                           {0x0000, 0x1111, 0x2222, 0x3333}, {0x3210, 0x3211, 0x3222, 0x3333},
                                           {0x0000, 0x1110, 0x2210, 0x3210}, {0x1010, 0x3232, 0x1010, 0x3232}};
    return Permute::apply(a, b, kSelectors[Mode][c & 3]);
  }
};

bool decodePrmt(Decoder &d) {
  Type type = d.takeType();
  d.rule(Rule::Move, 1u << 3);
  constexpr Handler kModes[] = {map3<uint32_t, uint32_t, uint32_t, uint32_t, PermuteMode<0>>,
                                map3<uint32_t, uint32_t, uint32_t, uint32_t, PermuteMode<1>>,
                                map3<uint32_t, uint32_t, uint32_t, uint32_t, PermuteMode<2>>,
                                map3<uint32_t, uint32_t, uint32_t, uint32_t, PermuteMode<3>>,
                                map3<uint32_t, uint32_t, uint32_t, uint32_t, PermuteMode<4>>,
                                map3<uint32_t, uint32_t, uint32_t, uint32_t, PermuteMode<5>>};
  int mode = d.takeOneOf({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"});
  return finishUniform(d, type, 4, mode < 0 ? map3<uint32_t, uint32_t, uint32_t, uint32_t, Permute> : kModes[mode]);
}

template <class A, class B> struct DotProduct4 {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    for (unsigned k = 0; k < 32; k += 8)
      c += static_cast<uint32_t>(static_cast<A>(a >> k)) * static_cast<uint32_t>(static_cast<B>(b >> k));
    return c;
  }
};

bool decodeDp4a(Decoder &d) {
  bool aSigned = d.takeType() == Type::S32, bSigned = d.takeType() == Type::S32;
  Handler handler = aSigned ? (bSigned ? map3<uint32_t, uint32_t, uint32_t, uint32_t, DotProduct4<int8_t, int8_t>>
                                       : map3<uint32_t, uint32_t, uint32_t, uint32_t, DotProduct4<int8_t, uint8_t>>)
                            : (bSigned ? map3<uint32_t, uint32_t, uint32_t, uint32_t, DotProduct4<uint8_t, int8_t>>
                                       : map3<uint32_t, uint32_t, uint32_t, uint32_t, DotProduct4<uint8_t, uint8_t>>);
  return finishUniform(d, Type::B32, 4, handler);
}

constexpr Opcode kOpcodes[] = {{"and", decodeLogic<And>},
                               {"or", decodeLogic<Or>},
                               {"xor", decodeLogic<Xor>},
                               {"not", decodeNot},
                               {"cnot", decodeCnot},
                               {"shl", decodeShift<ShiftLeft>},
                               {"shr", decodeShift<ShiftRight>},
                               {"shf", decodeShf},
                               {"lop3", decodeLop3},
                               {"popc", decodeCount<PopCount>},
                               {"clz", decodeCount<LeadingZeros>},
                               {"bfind", decodeBfind},
                               {"brev", decodeBrev},
                               {"bfe", decodeBfe},
                               {"bfi", decodeBfi},
                               {"bmsk", decodeBmsk},
                               {"prmt", decodePrmt},
                               {"dp4a", decodeDp4a}};

} // namespace

std::span<const Opcode> bitOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
