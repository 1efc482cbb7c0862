// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A stack: local arrays with dynamic indices, insertion sort.  BUG 1: reads a slot never written. 2: index past the
// array
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void local_array(const int *in, int *out, const int *order, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  int v[16];
#if BUG == 1
  for (int k = 0; k < 15; ++k)
    v[order[k]] = in[i * 16 + k];
#elif BUG == 2
  for (int k = 0; k < 16; ++k)
    v[order[k] + 1] = in[i * 16 + k];
#else
  for (int k = 0; k < 16; ++k)
    v[order[k]] = in[i * 16 + k];
#endif
  for (int k = 1; k < 16; ++k) {
    int x = v[k], j = k - 1;
    while (j >= 0 && v[j] > x) {
      v[j + 1] = v[j];
      --j;
    }
    v[j + 1] = x;
  }
  for (int k = 0; k < 16; ++k)
    out[i * 16 + k] = v[k];
}
