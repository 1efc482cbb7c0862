//===- FloatLanes.h - Loops over lanes that want the machine's FMA ---*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fused multiply-adds and exponentials over 32 lanes, compiled once for any x86-64 and once for
// machines with AVX2 and FMA, chosen when the program starts. Results are the same bit for bit.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_FLOATLANES_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_FLOATLANES_H

#include <cstdint>

namespace imbrex::simulator {

/// d[l] = a[l] * b[l] + c[l], rounded once, NaN canonical, for the set bits of `lanes`. d may be one of the others.
void fmaLanes(float *d, const float *a, const float *b, const float *c, uint32_t lanes);
void fmaLanes(double *d, const double *a, const double *b, const double *c, uint32_t lanes);

/// d[l] = 2^a[l] with a relative error below 2^-22; subnormal results are kept.
void exp2Lanes(float *d, const float *a, uint32_t lanes);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_FLOATLANES_H
