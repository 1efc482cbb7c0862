// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The block that comes last adds what all have written; without the fence (NO_FENCE) that is a race.
#include <cstdio>

__device__ unsigned tickets = 0;

__global__ void sum(const int *in, int *partial, int *out, int n) {
  __shared__ bool last;
  int value = 0;
  for (int i = blockIdx.x * 32 + threadIdx.x; i < n; i += gridDim.x * 32)
    value += in[i];
  for (int offset = 16; offset > 0; offset /= 2)
    value += __shfl_down_sync(~0u, value, offset);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = value;
#ifndef NO_FENCE
    __threadfence();
#endif
    last = atomicInc(&tickets, gridDim.x) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    int total = 0;
    for (int i = 0; i < gridDim.x; ++i)
      total += partial[i];
    *out = total;
  }
}

int main() {
  const int n = 5000;
  static int host[n];
  for (int i = 0; i < n; ++i)
    host[i] = i;
  int *in, *partial, *out, result = 0;
  cudaMalloc(&in, sizeof(host));
  cudaMalloc(&partial, 20 * sizeof(int));
  cudaMalloc(&out, sizeof(int));
  cudaMemcpy(in, host, sizeof(host), cudaMemcpyHostToDevice);
  sum<<<20, 32>>>(in, partial, out, n);
  cudaError_t status = cudaMemcpy(&result, out, sizeof(int), cudaMemcpyDeviceToHost);
  std::puts(status == cudaSuccess && result == n / 2 * (n - 1) ? "right" : cudaGetErrorString(status));
  return status != cudaSuccess || result != n / 2 * (n - 1);
}
