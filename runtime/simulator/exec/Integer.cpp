//===- Integer.cpp - Integer arithmetic -----------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, integer arithmetic instructions. Results wrap; a division by zero gives all ones, as the
// hardware does where the ISA leaves it open.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Arithmetic.h"
#include "runtime/simulator/exec/Elementwise.h"

#include <algorithm>
#include <limits>
#include <type_traits>

namespace imbrex::simulator {
namespace {

/// An unsigned type in which T's arithmetic wraps without undefined behaviour.
template <class T> using Wrap = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
/// Twice as wide, same signedness.
template <class T>
using Wide =
    std::conditional_t<sizeof(T) == 8, std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>,
                       std::conditional_t<sizeof(T) == 4, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>,
                                          std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>>>;

struct Add {
  template <class T> static T apply(T a, T b) { return static_cast<T>(Wrap<T>(a) + Wrap<T>(b)); }
};
struct Sub {
  template <class T> static T apply(T a, T b) { return static_cast<T>(Wrap<T>(a) - Wrap<T>(b)); }
};
struct MulLow {
  template <class T> static T apply(T a, T b) { return static_cast<T>(Wrap<T>(a) * Wrap<T>(b)); }
};
struct MulHigh {
  template <class T> static T apply(T a, T b) { return static_cast<T>(Wide<T>(a) * Wide<T>(b) >> (8 * sizeof(T))); }
};
struct MulWide {
  template <class T> static Wide<T> apply(T a, T b) { return Wide<T>(a) * Wide<T>(b); }
};
struct MadLow {
  template <class T> static T apply(T a, T b, T c) { return Add::apply(MulLow::apply(a, b), c); }
};
struct MadHigh {
  template <class T> static T apply(T a, T b, T c) { return Add::apply(MulHigh::apply(a, b), c); }
};
struct MadWide {
  template <class T> static Wide<T> apply(T a, T b, Wide<T> c) {
    return Add::apply(Wide<T>(Wide<T>(a) * Wide<T>(b)), c);
  }
};
struct Div {
  template <class T> static T apply(T a, T b) {
    if (b == 0)
      return static_cast<T>(~T(0));
    if (std::is_signed_v<T> && b == static_cast<T>(-1))
      return Sub::apply(T(0), a);
    return static_cast<T>(a / b);
  }
};
struct Rem {
  template <class T> static T apply(T a, T b) {
    if (b == 0)
      return a;
    if (std::is_signed_v<T> && b == static_cast<T>(-1))
      return 0;
    return static_cast<T>(a % b);
  }
};
struct Min {
  template <class T> static T apply(T a, T b) { return a < b ? a : b; }
};
struct Max {
  template <class T> static T apply(T a, T b) { return a > b ? a : b; }
};
/// min.relu and max.relu: a negative result becomes 0 (PTX ISA, "Integer Arithmetic Instructions: min").
template <class Op> struct Relu {
  template <class T> static T apply(T a, T b) { return std::max<T>(Op::apply(a, b), 0); }
};
struct Neg {
  template <class T> static T apply(T a) { return Sub::apply(T(0), a); }
};
struct Abs {
  template <class T> static T apply(T a) { return a < 0 ? Sub::apply(T(0), a) : a; }
};
struct AddSaturated {
  static int32_t clamp(int64_t value) {
    constexpr int64_t low = std::numeric_limits<int32_t>::min(), high = std::numeric_limits<int32_t>::max();
    return static_cast<int32_t>(value < low ? low : value > high ? high : value);
  }
  static int32_t apply(int32_t a, int32_t b) { return clamp(int64_t(a) + b); }
};
struct SubSaturated {
  static int32_t apply(int32_t a, int32_t b) { return AddSaturated::clamp(int64_t(a) - b); }
};
struct AbsDifference {
  template <class T> static T apply(T a, T b, T c) {
    return Add::apply(c, a < b ? Sub::apply(b, a) : Sub::apply(a, b));
  }
};
/// mul24 and mad24: the low or high 32 bits of the 48-bit product of the low 24 bits.
template <bool High> struct Mul24 {
  template <class T> static T apply(T a, T b) {
    auto low24 = [](T x) { return static_cast<int64_t>(static_cast<T>(uint32_t(x) << 8) >> 8); };
    return static_cast<T>(low24(a) * low24(b) >> (High ? 16 : 0));
  }
};
/// An operation on both halves of a 32-bit register.
template <class Operation, class T> struct Halves {
  static uint32_t apply(uint32_t a, uint32_t b) {
    uint16_t low = static_cast<uint16_t>(Operation::apply(static_cast<T>(a), static_cast<T>(b)));
    uint16_t high = static_cast<uint16_t>(Operation::apply(static_cast<T>(a >> 16), static_cast<T>(b >> 16)));
    return uint32_t(high) << 16 | low;
  }
};

template <class Operation> Handler map2With(Type type) {
  if (type == Type::U16x2)
    return map2<uint32_t, uint32_t, uint32_t, Halves<Operation, uint16_t>>;
  if (type == Type::S16x2)
    return map2<uint32_t, uint32_t, uint32_t, Halves<Operation, int16_t>>;
  return integerMap2<Operation>(type);
}

Type widened(Type type) {
  switch (type) {
  case Type::U16:
    return Type::U32;
  case Type::S16:
    return Type::S32;
  case Type::U32:
    return Type::U64;
  case Type::S32:
    return Type::S64;
  default:
    return Type::None;
  }
}

template <class Operation> Handler wide2(Type type) {
  switch (type) {
  case Type::U16:
    return map2<uint32_t, uint16_t, uint16_t, Operation>;
  case Type::S16:
    return map2<int32_t, int16_t, int16_t, Operation>;
  case Type::U32:
    return map2<uint64_t, uint32_t, uint32_t, Operation>;
  case Type::S32:
    return map2<int64_t, int32_t, int32_t, Operation>;
  default:
    return nullptr;
  }
}

template <class Operation> Handler wide3(Type type) {
  switch (type) {
  case Type::U16:
    return map3<uint32_t, uint16_t, uint16_t, uint32_t, Operation>;
  case Type::S16:
    return map3<int32_t, int16_t, int16_t, int32_t, Operation>;
  case Type::U32:
    return map3<uint64_t, uint32_t, uint32_t, uint64_t, Operation>;
  case Type::S32:
    return map3<int64_t, int32_t, int32_t, int64_t, Operation>;
  default:
    return nullptr;
  }
}

/// 9.7.1, mad.hi.sat.s32: the sum of the upper half and c, saturated.
struct MadHighSaturated {
  static int32_t apply(int32_t a, int32_t b, int32_t c) {
    int64_t sum = (int64_t(a) * b >> 32) + c;
    return static_cast<int32_t>(std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX));
  }
};

bool decodeMul(Decoder &d, Type type) {
  int part = d.takeOneOf({"lo", "hi", "wide"});
  if (part == 2)
    return d.operands(3) && widened(type) != Type::None && d.write(0, widened(type)) && d.read(1, type) &&
           d.read(2, type) && d.finish(wide2<MulWide>(type));
  return part < 0 ? d.fail("needs .lo, .hi or .wide")
                  : finishUniform(d, type, 3, part == 0 ? integerMap2<MulLow>(type) : integerMap2<MulHigh>(type));
}

bool decodeMad(Decoder &d, Type type) {
  int part = d.takeOneOf({"lo", "hi", "wide"});
  if (part == 2)
    return d.operands(4) && widened(type) != Type::None && d.write(0, widened(type)) && d.read(1, type) &&
           d.read(2, type) && d.read(3, widened(type)) && d.finish(wide3<MadWide>(type));
  if (part == 1 && type == Type::S32 && d.take("sat"))
    return finishUniform(d, type, 4, map3<int32_t, int32_t, int32_t, int32_t, MadHighSaturated>);
  return part < 0 ? d.fail("needs .lo, .hi or .wide")
                  : finishUniform(d, type, 4, part == 0 ? integerMap3<MadLow>(type) : integerMap3<MadHigh>(type));
}

bool decodeRem(Decoder &d) {
  Type type = d.takeType();
  return finishUniform(d, type, 3, integerMap2<Rem>(type));
}

bool decodeSad(Decoder &d) {
  Type type = d.takeType();
  return finishUniform(d, type, 4, integerMap3<AbsDifference>(type));
}

bool decodeMul24(Decoder &d) {
  bool high = d.takeOneOf({"lo", "hi"}) == 1;
  Type type = d.takeType();
  Handler handler = nullptr;
  if (type == Type::U32)
    handler = high ? map2<uint32_t, uint32_t, uint32_t, Mul24<true>> : map2<uint32_t, uint32_t, uint32_t, Mul24<false>>;
  else if (type == Type::S32)
    handler = high ? map2<int32_t, int32_t, int32_t, Mul24<true>> : map2<int32_t, int32_t, int32_t, Mul24<false>>;
  return finishUniform(d, type, 3, handler);
}

/// 9.7.1, mad24: mul24, and then the addition.
template <class Word, bool High, bool Saturated> struct Mad24 {
  static Word apply(Word a, Word b, Word c) {
    Word product = Mul24<High>::apply(a, b);
    if (Saturated)
      return static_cast<Word>(std::clamp<int64_t>(int64_t(product) + c, INT32_MIN, INT32_MAX));
    return static_cast<Word>(static_cast<uint32_t>(product) + static_cast<uint32_t>(c));
  }
};

bool decodeMad24(Decoder &d) {
  int part = d.takeOneOf({"lo", "hi"});
  bool saturated = d.take("sat");
  Type type = d.takeType();
  auto pick = [&]<class Word>() -> Handler {
    if (saturated)
      return part == 1 && type == Type::S32 ? map3<Word, Word, Word, Word, Mad24<Word, true, true>> : nullptr;
    return part == 1 ? map3<Word, Word, Word, Word, Mad24<Word, true, false>>
                     : map3<Word, Word, Word, Word, Mad24<Word, false, false>>;
  };
  bool fine = part >= 0 && (type == Type::U32 || type == Type::S32);
  return finishUniform(d, type, 4,
                       !fine               ? nullptr
                       : type == Type::S32 ? pick.operator()<int32_t>()
                                           : pick.operator()<uint32_t>());
}

constexpr Opcode kOpcodes[] = {{"rem", decodeRem}, {"sad", decodeSad}, {"mul24", decodeMul24}, {"mad24", decodeMad24}};

} // namespace

bool decodeIntegerOperator(Decoder &d, Operator op, Type type) {
  if (d.has("cc"))
    return decodeCarry(d, op, type, false);
  switch (op) {
  case Operator::Add:
    if (type == Type::S32 && d.take("sat"))
      return finishUniform(d, type, 3, map2<int32_t, int32_t, int32_t, AddSaturated>);
    return finishUniform(d, type, 3, map2With<Add>(type));
  case Operator::Sub:
    if (type == Type::S32 && d.take("sat"))
      return finishUniform(d, type, 3, map2<int32_t, int32_t, int32_t, SubSaturated>);
    return finishUniform(d, type, 3, map2With<Sub>(type));
  case Operator::Mul:
    return decodeMul(d, type);
  case Operator::Mad:
    return decodeMad(d, type);
  case Operator::Div:
    return finishUniform(d, type, 3, integerMap2<Div>(type));
  case Operator::Min:
    if (type == Type::S32 && d.take("relu"))
      return finishUniform(d, type, 3, map2<int32_t, int32_t, int32_t, Relu<Min>>);
    return finishUniform(d, type, 3, map2With<Min>(type));
  case Operator::Max:
    if (type == Type::S32 && d.take("relu"))
      return finishUniform(d, type, 3, map2<int32_t, int32_t, int32_t, Relu<Max>>);
    return finishUniform(d, type, 3, map2With<Max>(type));
  case Operator::Neg:
    return finishUniform(d, type, 2, isSigned(type) ? integerMap1<Neg>(type) : nullptr);
  case Operator::Abs:
    return finishUniform(d, type, 2, isSigned(type) ? integerMap1<Abs>(type) : nullptr);
  }
  return d.fail("unknown operator");
}

std::span<const Opcode> integerOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
