//===- MatrixFragment.h - Matrices in registers -----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element types of matrix operands, and moving a warp's fragments between registers and plain row-major
// arrays. With g = lane / 4, t = lane % 4 and e elements in a 32-bit register of A or B:
//
//===----------------------------------------------------------------------===//

//|
//|   A register r: row g + 8 * (r % 2), columns e * (t + 4 * (r / 2)) ...   (16 rows, up to 4 registers)
//|   B register r: rows e * (t + 4 * r) ..., column g                       (8 columns, up to 2 registers)
//|   C, D: rows g and g + 8, columns 2t and 2t + 1: (g, 2t) (g, 2t+1) (g+8, 2t) (g+8, 2t+1)

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXFRAGMENT_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXFRAGMENT_H

#include "runtime/simulator/exec/Half.h"
#include "runtime/simulator/exec/Warp.h"

#include <bit>

namespace imbrex::simulator {

// Element types: how many in a register, and element `e` of a register as a number.
struct BFloatElement {
  using Value = float;
  static constexpr unsigned count = 2;
  static float get(uint32_t bits, unsigned e) { return std::bit_cast<float>(e ? bits & 0xFFFF0000 : bits << 16); }
};
struct HalfElement {
  using Value = float;
  static constexpr unsigned count = 2;
  static float get(uint32_t bits, unsigned e) { return halfToFloat(static_cast<uint16_t>(bits >> (16 * e))); }
};
/// The lower 13 bits of a tf32 operand are ignored.
struct Tf32Element {
  using Value = float;
  static constexpr unsigned count = 1;
  static float get(uint32_t bits, unsigned) { return std::bit_cast<float>(bits & 0xFFFFE000); }
};
struct E4M3Element {
  using Value = float;
  static constexpr unsigned count = 4;
  static float get(uint32_t bits, unsigned e) { return e4m3ToFloat(static_cast<uint8_t>(bits >> (8 * e))); }
};
struct E5M2Element {
  using Value = float;
  static constexpr unsigned count = 4;
  static float get(uint32_t bits, unsigned e) { return e5m2ToFloat(static_cast<uint8_t>(bits >> (8 * e))); }
};
template <class Byte> struct ByteElement {
  using Value = int32_t;
  static constexpr unsigned count = 4;
  static int32_t get(uint32_t bits, unsigned e) { return static_cast<Byte>(bits >> (8 * e)); }
};

/// A[16][K], row-major. Loops of fixed length, so that they unroll to moves.
template <class Element, unsigned K> void gatherA(Warp &warp, const uint32_t *slots, typename Element::Value *a) {
  constexpr unsigned e = Element::count;
  for (unsigned r = 0; r < K / e / 2; ++r) {
    const uint32_t *source = warp.reg<uint32_t>(slots[r]);
    auto *to = a + (r % 2) * 8 * K + (r / 2) * 4 * e;
    for (unsigned g = 0; g < 8; ++g)
      for (unsigned t = 0; t < 4; ++t)
        for (unsigned i = 0; i < e; ++i)
          to[g * K + t * e + i] = Element::get(source[4 * g + t], i);
  }
}

/// C and D as four 32-bit registers of T.
template <class T> void gatherC(Warp &warp, const uint32_t *slots, T *c) {
  for (unsigned half = 0; half < 2; ++half) {
    const T *even = warp.reg<T>(slots[2 * half]), *odd = warp.reg<T>(slots[2 * half + 1]);
    for (unsigned lane = 0; lane < 32; ++lane) {
      c[64 * half + 2 * lane] = even[lane];
      c[64 * half + 2 * lane + 1] = odd[lane];
    }
  }
}

/// Element (g, 2t) of a half of D is number 8g + 2t = 2 * lane.
template <class T> void scatterD(Warp &warp, const uint32_t *slots, const T *d) {
  for (unsigned half = 0; half < 2; ++half) {
    T *even = warp.reg<T>(slots[2 * half]), *odd = warp.reg<T>(slots[2 * half + 1]);
    for (unsigned lane = 0; lane < 32; ++lane) {
      even[lane] = d[64 * half + 2 * lane];
      odd[lane] = d[64 * half + 2 * lane + 1];
    }
  }
}

/// f16 accumulators: two packed registers. The sum is formed in f32 and rounded to f16 at the end.
inline void gatherHalfC(Warp &warp, const uint32_t *slots, float *c) {
  for (unsigned r = 0; r < 2; ++r)
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned e = 0; e < 2; ++e)
        c[(lane / 4 + 8 * r) * 8 + lane % 4 * 2 + e] = HalfElement::get(warp.reg<uint32_t>(slots[r])[lane], e);
}

inline void scatterHalfD(Warp &warp, const uint32_t *slots, const float *d) {
  for (unsigned r = 0; r < 2; ++r)
    for (unsigned lane = 0; lane < 32; ++lane) {
      const float *pair = d + (lane / 4 + 8 * r) * 8 + lane % 4 * 2;
      warp.reg<uint32_t>(slots[r])[lane] = uint32_t(floatToHalf(pair[1])) << 16 | floatToHalf(pair[0]);
    }
}

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXFRAGMENT_H
