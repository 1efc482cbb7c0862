//===- MatrixMath.cpp - Small matrix products over one warp's fragments ---===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Eight columns are one vector register on machines with AVX; four rows at a time hide the latency of
// the additions. Multiplication and addition stay separate (the file is compiled without contraction):
// where the product is exact, the result is that of a fused operation.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/MatrixMath.h"
#include "runtime/simulator/exec/Clones.h"

namespace imbrex::simulator {

using Row = float __attribute__((vector_size(32), aligned(4)));

IMBREX_CLONES void multiplyAdd(float *c, const float *a, const float *b, unsigned k) {
  for (unsigned m = 0; m < 16; m += 4) {
    Row *rows = reinterpret_cast<Row *>(c + 8 * m);
    Row sum0 = rows[0], sum1 = rows[1], sum2 = rows[2], sum3 = rows[3];
    const float *left = a + m * k;
    for (unsigned i = 0; i < k; ++i) {
      Row right = *reinterpret_cast<const Row *>(b + 8 * i);
      sum0 = sum0 + right * left[i];
      sum1 = sum1 + right * left[k + i];
      sum2 = sum2 + right * left[2 * k + i];
      sum3 = sum3 + right * left[3 * k + i];
    }
    rows[0] = sum0;
    rows[1] = sum1;
    rows[2] = sum2;
    rows[3] = sum3;
  }
}

} // namespace imbrex::simulator
