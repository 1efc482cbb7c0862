// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Warp specialisation with named barriers (bar.sync id, count; bar.arrive): producer warps and consumer warps, two
// buffers. BUG 1: consumer does not wait. 2: producer does not wait for the free buffer. 3: arrive on the wrong
// barrier. 4: counts disagree
#ifndef BUG
#define BUG 0
#endif
__device__ __forceinline__ void barSync(int id, int n) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(n) : "memory");
}
__device__ __forceinline__ void barArrive(int id, int n) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(n) : "memory");
}
extern "C" __global__ void warp_special(const int *in, int *out, int tiles) {
  __shared__ int buf[2][128];
  int t = threadIdx.x;
  if (t < 128) { // producers
    for (int i = 0; i < tiles; ++i) {
      int b = i & 1;
#if BUG != 2
      if (i >= 2)
        barSync(3 + b, 256);
#endif
      buf[b][t] = in[i * 128 + t];
#if BUG == 3
      barArrive(1 + (b ^ 1), 256);
#elif BUG == 4
      barArrive(1 + b, 128);
#else
      barArrive(1 + b, 256);
#endif
    }
  } else {
    int sum = 0;
    for (int i = 0; i < tiles; ++i) {
      int b = i & 1;
#if BUG != 1
      barSync(1 + b, 256);
#endif
      sum += buf[b][255 - t] * (i + 1);
      if (i + 2 < tiles)
        barArrive(3 + b, 256);
    }
    out[t - 128] = sum;
  }
}
