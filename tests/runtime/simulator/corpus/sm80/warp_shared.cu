// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A warp's own part of shared memory with __syncwarp.  BUG 1: no __syncwarp after the write (a shuffle stands there
// instead). 2: none after the read. 3: __syncwarp with a mask that lacks half of the lanes. 4: two lanes write one word
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void warp_shared(const int *in, int *out) {
  __shared__ int s[8][32];
  int lane = threadIdx.x & 31, w = threadIdx.x >> 5, v = in[blockIdx.x * 256 + threadIdx.x];
  for (int r = 0; r < 3; ++r) {
#if BUG == 4
    s[w][lane & ~1] = v;
    s[w][lane | 1] = v;
#else
    s[w][lane] = v;
#endif
#if BUG == 1
    v += __shfl_xor_sync(~0u, v, 1) * 0;
#elif BUG == 3
    if (lane < 16)
      __syncwarp(0x0000ffffu);
    else
      __syncwarp(0xffff0000u);
#else
    __syncwarp();
#endif
    v = v * 3 + s[w][(lane + 7) & 31];
#if BUG != 2
    __syncwarp();
#endif
  }
  out[blockIdx.x * 256 + threadIdx.x] = v;
}
