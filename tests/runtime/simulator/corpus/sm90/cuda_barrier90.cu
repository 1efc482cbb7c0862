// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cuda::barrier in shared memory (mbarrier): split arrive and wait, and memcpy_async on a barrier.
#include <cuda/barrier>
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void cuda_barrier(const int *in, int *out, int rounds) {
  using Barrier = cuda::barrier<cuda::thread_scope_block>;
  __shared__ Barrier bar;
  __shared__ int s[256];
  if (threadIdx.x == 0)
    init(&bar, blockDim.x);
  __syncthreads();
  int v = in[blockIdx.x * 256 + threadIdx.x];
  for (int r = 0; r < rounds; ++r) {
    s[threadIdx.x] = v;
    auto token = bar.arrive();
    int mine = v * 3;
#if BUG != 1
    bar.wait(std::move(token));
#endif
    v = mine + s[(threadIdx.x + 37) % 256];
#if BUG != 2
    bar.arrive_and_wait();
#endif
  }
  out[blockIdx.x * 256 + threadIdx.x] = v;
}
extern "C" __global__ void barrier_memcpy(const int *in, int *out) {
  using Barrier = cuda::barrier<cuda::thread_scope_block>;
  __shared__ Barrier bar;
  __shared__ __align__(16) int s[1024];
  if (threadIdx.x == 0)
    init(&bar, blockDim.x);
  __syncthreads();
  cuda::memcpy_async(&s[threadIdx.x * 4], in + blockIdx.x * 1024 + threadIdx.x * 4, cuda::aligned_size_t<16>(16), bar);
#if BUG != 3
  bar.arrive_and_wait();
#endif
  for (int i = 0; i < 4; ++i)
    out[blockIdx.x * 1024 + i * 256 + threadIdx.x] = s[1023 - (i * 256 + threadIdx.x)];
}
