// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bitonic sort of 1024 keys in shared memory. BUG 1: the barrier left out when the partner is in the same warp, with no
// __syncwarp. 2: barrier missing at all in the inner loop
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void bitonic(const unsigned *in, unsigned *out) {
  __shared__ unsigned s[1024];
  int t = threadIdx.x;
  s[t] = in[blockIdx.x * 1024 + t];
  s[t + 512] = in[blockIdx.x * 1024 + t + 512];
  for (int k = 2; k <= 1024; k *= 2)
    for (int j = k / 2; j > 0; j /= 2) {
#if BUG == 1
      if (j >= 32 || j == k / 2)
        __syncthreads();
#elif BUG == 2
      if (j == k / 2)
        __syncthreads();
#else
      __syncthreads();
#endif
      int i = 2 * t - (t & (j - 1)), l = i + j;
      unsigned a = s[i], b = s[l];
      bool up = (i & k) == 0;
      if ((a > b) == up) {
        s[i] = b;
        s[l] = a;
      }
    }
  __syncthreads();
  out[blockIdx.x * 1024 + t] = s[t];
  out[blockIdx.x * 1024 + t + 512] = s[t + 512];
}
