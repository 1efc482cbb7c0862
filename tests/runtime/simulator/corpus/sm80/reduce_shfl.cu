// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Grid sum: warp shuffles, one shared word a warp, one atomic a block.
// BUG 1: no barrier between the warps' words and their reader. 2: shuffle under a divergent branch with a full mask.
// 3: legacy warp-synchronous tail without __syncwarp (plain shared). 4: the same with volatile. 5: second use of the
// words without a barrier
#ifndef BUG
#define BUG 0
#endif
__device__ __forceinline__ float warpSum(float v) {
  for (int k = 16; k > 0; k >>= 1)
    v += __shfl_down_sync(0xffffffffu, v, k);
  return v;
}
extern "C" __global__ void reduce_shfl(const float *in, float *out, int n) {
  __shared__ float words[32];
  float v = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    v += in[i];
#if BUG == 2
  if (threadIdx.x % 2 == 0)
    v = warpSum(v);
#elif BUG == 3 || BUG == 4
  __shared__ float all[256];
#if BUG == 3
  float *p = all;
#else
  volatile float *p = all;
#endif
  int t = threadIdx.x;
  p[t] = v;
  __syncthreads();
  int l = t & 31, b = t & ~31;
  if (l < 16) {
    p[b + l] += p[b + l + 16];
    p[b + l] += p[b + l + 8];
    p[b + l] += p[b + l + 4];
    p[b + l] += p[b + l + 2];
    p[b + l] += p[b + l + 1];
  }
  v = p[b];
#else
  v = warpSum(v);
#endif
  if ((threadIdx.x & 31) == 0)
    words[threadIdx.x >> 5] = v;
#if BUG != 1
  __syncthreads();
#endif
  if (threadIdx.x < 32) {
    v = threadIdx.x < blockDim.x / 32 ? words[threadIdx.x] : 0.0f;
    v = warpSum(v);
    if (threadIdx.x == 0)
      atomicAdd(out, v);
  }
#if BUG == 5
  if ((threadIdx.x & 31) == 0)
    words[threadIdx.x >> 5] = v;
#endif
}
