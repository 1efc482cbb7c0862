//===- FloatMath.h - Scalar floating-point rules of PTX ---------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What PTX adds to IEEE arithmetic: canonical NaNs, flushing of subnormals (.ftz), saturation to
// [0, 1] (.sat), and minimum and maximum with their NaN and signed-zero rules (PTX ISA, 9.7.3).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_FLOATMATH_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_FLOATMATH_H

#include <bit>
#include <cmath>
#include <cstdint>

namespace imbrex::simulator {

/// Modifiers of a floating-point instruction, in Instruction::flags.
constexpr uint32_t kFtz = 1, kSat = 2, kNan = 4, kRelu = 8;

inline float flushed(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  return std::bit_cast<float>((bits & 0x7F800000) == 0 ? bits & 0x80000000 : bits);
}
inline double flushed(double x) { return x; }

inline float canonical(float x) { return x != x ? std::bit_cast<float>(0x7FFFFFFF) : x; }
inline double canonical(double x) { return x != x ? std::bit_cast<double>(uint64_t(0x7FFFFFFFFFFFFFFF)) : x; }

/// .sat: NaN becomes +0.
template <class T> T saturated(T x) { return x > T(0) ? (x < T(1) ? x : T(1)) : T(0); }

template <class T> T minimum(T a, T b, bool propagate) {
  if (a != a || b != b)
    return propagate || (a != a && b != b) ? canonical(T(NAN)) : (a != a ? b : a);
  if (a == b)
    return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

template <class T> T maximum(T a, T b, bool propagate) {
  if (a != a || b != b)
    return propagate || (a != a && b != b) ? canonical(T(NAN)) : (a != a ? b : a);
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_FLOATMATH_H
