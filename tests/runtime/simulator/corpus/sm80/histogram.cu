// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Histogram: privatised in shared memory with atomics, then added to global.
// BUG 1: bins not cleared. 2: no barrier after clearing. 3: plain increments instead of atomics. 4: no barrier before
// the merge. 5: bin index past the end
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void histogram(const unsigned char *in, unsigned *bins, int n) {
#if BUG == 5
  __shared__ unsigned local[200];
#else
  __shared__ unsigned local[256];
#endif
#if BUG != 1
#if BUG == 5
  if (threadIdx.x < 200)
    local[threadIdx.x] = 0;
#else
  local[threadIdx.x] = 0;
#endif
#endif
#if BUG != 2
  __syncthreads();
#endif
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
#if BUG == 3
    local[in[i]]++;
#else
    atomicAdd(&local[in[i]], 1u);
#endif
#if BUG != 4
  __syncthreads();
#endif
#if BUG == 5
  if (threadIdx.x < 200)
#endif
    if (local[threadIdx.x])
      atomicAdd(&bins[threadIdx.x], local[threadIdx.x]);
}
