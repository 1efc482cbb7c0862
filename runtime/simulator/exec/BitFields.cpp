//===- BitFields.cpp - szext, fns, dp2a -----------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fields whose width comes from a register, the n-th set bit, and the two-way dot product (PTX ISA, 9.7.1.20
// to 9.7.1.24).
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Elementwise.h"

namespace imbrex::simulator {
namespace {

/// The low b bits of a, extended; all of a where b does not cut anything off.
template <bool Clamp, bool Signed> struct Extend {
  static uint32_t apply(uint32_t a, uint32_t b) {
    if (Clamp && b > 31)
      return a;
    uint32_t width = b & 31, low = width == 0 ? 0 : a & (~0u >> (32 - width));
    bool negative = Signed && width != 0 && (a >> (width - 1) & 1);
    return negative ? low | (~0u << width) : low;
  }
};

bool decodeSzext(Decoder &d) {
  int mode = d.takeOneOf({"clamp", "wrap"});
  Type type = d.takeType();
  Handler handler = nullptr;
  if (mode == 0)
    handler = type == Type::S32   ? map2<uint32_t, uint32_t, uint32_t, Extend<true, true>>
              : type == Type::U32 ? map2<uint32_t, uint32_t, uint32_t, Extend<true, false>>
                                  : nullptr;
  if (mode == 1)
    handler = type == Type::S32   ? map2<uint32_t, uint32_t, uint32_t, Extend<false, true>>
              : type == Type::U32 ? map2<uint32_t, uint32_t, uint32_t, Extend<false, false>>
                                  : nullptr;
  return finishUniform(d, type, 3, handler);
}

/// The position of the |n|-th set bit from `base` upwards, or downwards for a negative n; n = 0 asks for `base` itself.
struct FindSet {
  static uint32_t apply(uint32_t mask, uint32_t base, int32_t n) {
    if (n == 0)
      return base < 32 && mask >> base & 1 ? base : ~0u;
    int64_t left = n < 0 ? -int64_t(n) : n;
    for (int64_t at = base; at >= 0 && at < 32; at += n < 0 ? -1 : 1)
      if (mask >> at & 1 && --left == 0)
        return static_cast<uint32_t>(at);
    return ~0u;
  }
};

bool decodeFns(Decoder &d) {
  bool fine = d.takeType() == Type::B32;
  return d.operands(4) && d.write(0, Type::B32) && d.read(1, Type::B32) && d.read(2, Type::B32) &&
         d.read(3, Type::S32) && d.finish(fine ? map3<uint32_t, uint32_t, uint32_t, int32_t, FindSet> : nullptr);
}

/// Two halves of a times bytes 0 and 1, or 2 and 3, of b.
template <class A, class B, bool High> struct DotProduct2 {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    for (unsigned k = 0; k < 2; ++k)
      c += static_cast<uint32_t>(static_cast<A>(a >> (16 * k))) *
           static_cast<uint32_t>(static_cast<B>(b >> (8 * k + (High ? 16 : 0))));
    return c;
  }
};

template <class A, class B> Handler dotHandler(bool high) {
  return high ? map3<uint32_t, uint32_t, uint32_t, uint32_t, DotProduct2<A, B, true>>
              : map3<uint32_t, uint32_t, uint32_t, uint32_t, DotProduct2<A, B, false>>;
}

bool decodeDp2a(Decoder &d) {
  int part = d.takeOneOf({"lo", "hi"});
  Type a = d.takeType(), b = d.takeType();
  bool fine = part >= 0 && (a == Type::S32 || a == Type::U32) && (b == Type::S32 || b == Type::U32);
  Handler handler =
      a == Type::S32
          ? (b == Type::S32 ? dotHandler<int16_t, int8_t>(part == 1) : dotHandler<int16_t, uint8_t>(part == 1))
          : (b == Type::S32 ? dotHandler<uint16_t, int8_t>(part == 1) : dotHandler<uint16_t, uint8_t>(part == 1));
  return finishUniform(d, Type::B32, 4, fine ? handler : nullptr);
}

constexpr Opcode kOpcodes[] = {{"szext", decodeSzext}, {"fns", decodeFns}, {"dp2a", decodeDp2a}};

} // namespace

std::span<const Opcode> fieldOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
