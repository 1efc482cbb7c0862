// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bulk reduce-add from shared into global memory. BUG 1: no fence.proxy.async. 2: no barrier before the copy
#ifndef BUG
#define BUG 0
#endif
__device__ __forceinline__ unsigned sa(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }
extern "C" __global__ void bulk_reduce(const float *in, float *out) {
  __shared__ alignas(128) float s[256];
  s[threadIdx.x] = in[blockIdx.x * 256 + threadIdx.x];
#if BUG != 1
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
#if BUG != 2
  __syncthreads();
#endif
  if (threadIdx.x == 0) {
    asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f32 [%0], [%1], 1024;" ::"l"(out), "r"(sa(s))
                 : "memory");
    asm volatile("cp.async.bulk.commit_group;\ncp.async.bulk.wait_group 0;" ::: "memory");
  }
}
