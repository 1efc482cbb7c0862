//===- FloatLanes.cpp - Loops over lanes that want the machine's FMA ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Function multiversioning; the loops run over all lanes and keep what is not asked for.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/FloatLanes.h"
#include "runtime/simulator/exec/Clones.h"
#include "runtime/simulator/exec/FloatMath.h"

#include <bit>
#include <cstring>

namespace imbrex::simulator {

/// Most warps run as a whole.
template <class T>
__attribute__((always_inline)) static inline void keepLanes(T *d, const T (&result)[32], uint32_t lanes) {
  if (lanes == ~0u)
    std::memcpy(d, result, sizeof(result));
  else
    for (; lanes != 0; lanes &= lanes - 1)
      d[__builtin_ctz(lanes)] = result[__builtin_ctz(lanes)];
}

IMBREX_CLONES void fmaLanes(float *d, const float *a, const float *b, const float *c, uint32_t lanes) {
  float result[32];
  for (unsigned lane = 0; lane < 32; ++lane)
    result[lane] = canonical(__builtin_fmaf(a[lane], b[lane], c[lane]));
  keepLanes(d, result, lanes);
}

IMBREX_CLONES void fmaLanes(double *d, const double *a, const double *b, const double *c, uint32_t lanes) {
  double result[32];
  for (unsigned lane = 0; lane < 32; ++lane)
    result[lane] = canonical(__builtin_fma(a[lane], b[lane], c[lane]));
  keepLanes(d, result, lanes);
}

/// 2^x = 2^n * 2^f with n the nearest integer and |f| <= 1/2; the Taylor series of 2^f to the seventh
/// power has a relative error of 2^-27, its evaluation in float adds about 2^-23. The scale goes in by
/// two exact factors, so that subnormal results round once.
IMBREX_CLONES void exp2Lanes(float *d, const float *a, uint32_t lanes) {
  float result[32];
  for (unsigned lane = 0; lane < 32; ++lane) {
    float x = a[lane];
    float clamped = x < 160.0f ? x : 160.0f;
    clamped = clamped > -160.0f ? clamped : -160.0f;
    float shifted = clamped + 12582912.0f; // 1.5 * 2^23: the integer lands in the low mantissa bits.
    int32_t n = std::bit_cast<int32_t>(shifted) - 0x4B400000;
    float f = clamped - (shifted - 12582912.0f);
    float p = 1.52527338e-5f;
    p = p * f + 1.54035304e-4f;
    p = p * f + 1.33335581e-3f;
    p = p * f + 9.61812911e-3f;
    p = p * f + 5.55041087e-2f;
    p = p * f + 2.40226507e-1f;
    p = p * f + 6.93147181e-1f;
    p = p * f + 1.0f;
    int32_t half = n >> 1;
    float first = std::bit_cast<float>((half + 127) << 23), second = std::bit_cast<float>((n - half + 127) << 23);
    float value = p * first * second;
    result[lane] = x != x ? std::bit_cast<float>(0x7FFFFFFF) : value;
  }
  keepLanes(d, result, lanes);
}

} // namespace imbrex::simulator
