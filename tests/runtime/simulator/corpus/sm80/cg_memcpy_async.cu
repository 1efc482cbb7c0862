// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
#ifndef BUG
#define BUG 0
#endif
namespace cg = cooperative_groups;
extern "C" __global__ void cg_memcpy_async(const int *in, int *out) {
  __shared__ __align__(16) int s[512];
  auto block = cg::this_thread_block();
  cg::memcpy_async(block, s, in + blockIdx.x * 512, sizeof(int) * 512);
#if BUG == 1
  block.sync();
#else
  cg::wait(block);
#endif
  for (int i = threadIdx.x; i < 512; i += blockDim.x)
    out[blockIdx.x * 512 + i] = s[511 - i] * 2;
}
