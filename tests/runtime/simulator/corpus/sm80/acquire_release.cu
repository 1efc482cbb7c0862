// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One warp hands shared data to another through a flag with release and acquire: no barrier, and no race.
// BUG 1: the flag is relaxed on both sides (a real race).
#include <cuda/atomic>
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void acquire_release(const int *in, int *out) {
  __shared__ int data[32];
  __shared__ int flag;
  cuda::atomic_ref<int, cuda::thread_scope_block> f(flag);
  if (threadIdx.x == 0)
    flag = 0;
  __syncthreads();
#if BUG == 1
  auto rel = cuda::std::memory_order_relaxed, acq = cuda::std::memory_order_relaxed;
#else
  auto rel = cuda::std::memory_order_release, acq = cuda::std::memory_order_acquire;
#endif
  if (threadIdx.x < 32) {
    data[threadIdx.x] = in[threadIdx.x] * 2;
    __syncwarp();
    if (threadIdx.x == 0)
      f.store(1, rel);
  } else {
    if (threadIdx.x == 32)
      while (f.load(acq) == 0) {
      }
    __syncwarp();
    out[threadIdx.x - 32] = data[threadIdx.x - 32];
  }
}
// The old idiom: volatile flag and __threadfence_block.
extern "C" __global__ void fence_flag(const int *in, int *out) {
  __shared__ int data;
  __shared__ volatile int flag;
  if (threadIdx.x == 0)
    flag = 0;
  __syncthreads();
  if (threadIdx.x == 0) {
    data = in[0];
    __threadfence_block();
    flag = 1;
  }
  if (threadIdx.x == 32) {
    while (flag == 0) {
    }
    __threadfence_block();
    out[0] = data;
  }
}
