// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sum of all blocks by whichever block comes last (threadFenceReduction). BUG 1: no fence (a race between blocks).
#ifndef BUG
#define BUG 0
#endif
__device__ unsigned ticketCounter = 0;
extern "C" __global__ void last_block(const float *in, float *partial, float *out, int n) {
  __shared__ float s[128];
  __shared__ bool last;
  float v = 0;
  for (int i = blockIdx.x * 128 + threadIdx.x; i < n; i += gridDim.x * 128)
    v += in[i];
  s[threadIdx.x] = v;
  __syncthreads();
  for (int k = 64; k > 0; k >>= 1) {
    if (threadIdx.x < k)
      s[threadIdx.x] += s[threadIdx.x + k];
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = s[0];
#if BUG != 1
    __threadfence();
#endif
    last = atomicInc(&ticketCounter, gridDim.x) == gridDim.x - 1;
  }
  __syncthreads();
  if (last) {
    v = 0;
    for (int i = threadIdx.x; i < gridDim.x; i += 128)
      v += ((volatile float *)partial)[i];
    s[threadIdx.x] = v;
    __syncthreads();
    for (int k = 64; k > 0; k >>= 1) {
      if (threadIdx.x < k)
        s[threadIdx.x] += s[threadIdx.x + k];
      __syncthreads();
    }
    if (threadIdx.x == 0) {
      *out = s[0];
      ticketCounter = 0;
    }
  }
}
