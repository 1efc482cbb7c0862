// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <cuda_pipeline.h>
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void pipeline_c(const float4 *in, float *out, int tiles) {
  __shared__ float4 ring[2][64];
  int t = threadIdx.x;
  float sum = 0;
  __pipeline_memcpy_async(&ring[0][t], in + t, 16);
  __pipeline_commit();
  for (int tile = 0; tile < tiles; ++tile) {
    if (tile + 1 < tiles)
      __pipeline_memcpy_async(&ring[(tile + 1) & 1][t], in + (tile + 1) * 64 + t, 16);
    __pipeline_commit();
#if BUG != 1
    __pipeline_wait_prior(1);
#endif
#if BUG != 2
    __syncthreads();
#endif
    float4 v = ring[tile & 1][63 - t];
    sum += v.x + 2 * v.y + 3 * v.z + 4 * v.w;
#if BUG != 3
    __syncthreads();
#endif
  }
  out[t] = sum;
}
