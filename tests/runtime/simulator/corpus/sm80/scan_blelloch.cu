// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exclusive scan of 2 x blockDim elements in dynamic shared memory (Blelloch) with bank-conflict padding.
// BUG 1: barrier missing in the up-sweep. 2: in the down-sweep. 3: root not cleared by thread 0 before a barrier
// (race). 4: too little dynamic shared memory (host)
#ifndef BUG
#define BUG 0
#endif
#define PAD(i) ((i) + ((i) >> 5))
extern "C" __global__ void scan_blelloch(const int *in, int *out, int n) {
  extern __shared__ int s[];
  int t = threadIdx.x, offset = 1;
  in += blockIdx.x * n;
  out += blockIdx.x * n;
  s[PAD(t)] = in[t];
  s[PAD(t + n / 2)] = in[t + n / 2];
  for (int d = n >> 1; d > 0; d >>= 1) {
#if BUG != 1
    __syncthreads();
#endif
    if (t < d)
      s[PAD(offset * (2 * t + 2) - 1)] += s[PAD(offset * (2 * t + 1) - 1)];
    offset *= 2;
  }
#if BUG == 3
  if (t == n / 2 - 1)
    s[PAD(n - 1)] = 0;
#else
  if (t == 0)
    s[PAD(n - 1)] = 0;
#endif
  for (int d = 1; d < n; d *= 2) {
    offset >>= 1;
#if BUG != 2
    if (BUG != 3 || d > 1)
      __syncthreads();
#endif
    if (t < d) {
      int a = PAD(offset * (2 * t + 1) - 1), b = PAD(offset * (2 * t + 2) - 1), v = s[a];
      s[a] = s[b];
      s[b] += v;
    }
  }
  __syncthreads();
  out[t] = s[PAD(t)];
  out[t + n / 2] = s[PAD(t + n / 2)];
}
