// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// LU without pivoting of one small matrix a block, dynamic shared memory. BUG 1: barrier missing between the column and
// the update. 2: bounds of the dynamic array
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void lu_dynamic(const double *in, double *out, int n) {
  extern __shared__ double m[];
  in += blockIdx.x * n * n;
  out += blockIdx.x * n * n;
  for (int i = threadIdx.x; i < n * n; i += blockDim.x)
    m[i] = in[i];
#if BUG == 2
  m[n * n + threadIdx.x] = 0;
#endif
  for (int k = 0; k < n; ++k) {
    __syncthreads();
    for (int i = k + 1 + threadIdx.x; i < n; i += blockDim.x)
      m[i * n + k] /= m[k * n + k];
#if BUG != 1
    __syncthreads();
#endif
    int rest = n - k - 1;
    for (int e = threadIdx.x; e < rest * rest; e += blockDim.x) {
      int i = k + 1 + e / rest, j = k + 1 + e % rest;
      m[i * n + j] -= m[i * n + k] * m[k * n + j];
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < n * n; i += blockDim.x)
    out[i] = m[i];
}
