// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sum of a block by a tree in shared memory.
// BUG 1: no barrier after the fill. 2: no barrier in the tree. 3: barrier inside the branch. 4: reads one element past
// n. 5: threads past n leave their slot unwritten. 6: shared index off by one (past the end)
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void reduce_smem(const float *in, float *out, int n) {
  __shared__ float s[256];
  int t = threadIdx.x, i = blockIdx.x * 256 + t;
#if BUG == 4
  s[t] = i <= n ? in[i] : 0.0f;
#elif BUG == 5
  if (i < n)
    s[t] = in[i];
#elif BUG == 6
  s[t + 1] = i < n ? in[i] : 0.0f;
#else
  s[t] = i < n ? in[i] : 0.0f;
#endif
#if BUG != 1
  __syncthreads();
#endif
  for (int k = 128; k > 0; k >>= 1) {
    if (t < k) {
      s[t] += s[t + k];
#if BUG == 3
      __syncthreads();
#endif
    }
#if BUG != 2 && BUG != 3
    __syncthreads();
#endif
  }
  if (t == 0)
    out[blockIdx.x] = s[0];
}
