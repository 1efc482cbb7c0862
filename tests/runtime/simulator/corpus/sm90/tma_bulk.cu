// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bulk copies global -> shared with an mbarrier, shared -> global with a bulk group; cuda::ptx.
// BUG 1: no wait on the mbarrier. 3: no fence.proxy.async before the bulk store. 4: smem
// overwritten before the store has read it
#include <cuda/barrier>
#include <cuda/ptx>
#ifndef BUG
#define BUG 0
#endif
namespace ptx = cuda::ptx;
using Barrier = cuda::barrier<cuda::thread_scope_block>;
extern "C" __global__ void tma_bulk(const int *in, int *out, int add) {
  __shared__ alignas(128) int s[1024];
  __shared__ Barrier bar;
  if (threadIdx.x == 0) {
    init(&bar, blockDim.x);
    ptx::fence_proxy_async(ptx::space_shared);
  }
  __syncthreads();
  Barrier::arrival_token token;
  if (threadIdx.x == 0) {
    cuda::memcpy_async(s, in + blockIdx.x * 1024, cuda::aligned_size_t<16>(sizeof(s)), bar);
    token = bar.arrive();
  } else
    token = bar.arrive();
#if BUG != 1
  bar.wait(std::move(token));
#endif
  for (int i = threadIdx.x; i < 1024; i += blockDim.x)
    s[i] += add;
#if BUG != 3
  ptx::fence_proxy_async(ptx::space_shared);
#endif
  __syncthreads();
  if (threadIdx.x == 0) {
    ptx::cp_async_bulk(ptx::space_global, ptx::space_shared, out + blockIdx.x * 1024, s, sizeof(s));
    ptx::cp_async_bulk_commit_group();
#if BUG != 4
    ptx::cp_async_bulk_wait_group_read(ptx::n32_t<0>());
#else
    s[0] = 5;
#endif
  }
}
