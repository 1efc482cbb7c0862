// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A plain CUDA flash attention (f32), one query row a thread. BUG 1: no barrier before the next K/V tile. 2: no barrier
// after it. 3: tail rows of K not masked nor loaded
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void flash_cuda(const float *q, const float *k, const float *v, float *o, int n, float scale) {
  __shared__ float ks[32][64], vs[32][64];
  int t = threadIdx.x, row = blockIdx.x * 64 + t;
  float qr[64], acc[64], m = -INFINITY, l = 0;
  for (int d = 0; d < 64; ++d) {
    qr[d] = row < n ? q[row * 64 + d] : 0;
    acc[d] = 0;
  }
  for (int j = 0; j < n; j += 32) {
    for (int i = t; i < 32 * 64; i += 64) {
      bool in = j + i / 64 < n;
#if BUG == 3
      if (in)
#endif
      {
        ks[i / 64][i % 64] = in ? k[j * 64 + i] : 0;
        vs[i / 64][i % 64] = in ? v[j * 64 + i] : 0;
      }
    }
#if BUG != 2
    __syncthreads();
#endif
    for (int c = 0; c < 32; ++c) {
      float s = 0;
      for (int d = 0; d < 64; ++d)
        s += qr[d] * ks[c][d];
      s = j + c < n ? s * scale : -INFINITY;
      float nm = fmaxf(m, s), a = __expf(m - nm), p = __expf(s - nm);
      l = l * a + p;
      m = nm;
      for (int d = 0; d < 64; ++d)
        acc[d] = acc[d] * a + p * vs[c][d];
    }
#if BUG != 1
    __syncthreads();
#endif
  }
  if (row < n)
    for (int d = 0; d < 64; ++d)
      o[row * 64 + d] = acc[d] / l;
}
