//===- MatrixMath.h - Small matrix products over one warp's fragments ---*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arithmetic of mma.sync on plain row-major arrays. Products of f16, bf16, tf32 and 8-bit floats
// are exact in f32 (subnormal products are rounded to f32); they are added to the accumulator one by
// one, k ascending, each sum rounded to f32. Hardware adds in groups with truncation that NVIDIA does
// not document, so the last bits may differ from any device.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXMATH_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXMATH_H

namespace imbrex::simulator {

class Decoder;

/// mma of integers, single bits and f64 of 16 rows: exec/MatrixGeneral.cpp.
bool isGeneralProduct(const Decoder &decoder);
bool decodeGeneralProduct(Decoder &decoder);

/// mma m8n8k4 of f16, four products at once: exec/MatrixQuad.cpp.
bool isQuadProduct(const Decoder &decoder);
bool decodeQuadProduct(Decoder &decoder);

/// c[16][8] += a[16][k] * b[k][8]; k is 4, 8, 16 or 32.
void multiplyAdd(float *c, const float *a, const float *b, unsigned k);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXMATH_H
