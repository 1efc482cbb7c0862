// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cooperative groups: tiles of 32 and 8, cg::reduce, block.sync.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#ifndef BUG
#define BUG 0
#endif
namespace cg = cooperative_groups;
extern "C" __global__ void reduce_cg(const int *in, int *sums, int *maxima, int n) {
  cg::thread_block block = cg::this_thread_block();
  auto warp = cg::tiled_partition<32>(block);
  auto tile = cg::tiled_partition<8>(block);
  __shared__ int part[32];
  int i = block.group_index().x * block.size() + block.thread_rank();
  int v = i < n ? in[i] : 0;
  int most = cg::reduce(tile, v, cg::greater<int>());
  if (tile.thread_rank() == 0)
    maxima[i / 8] = most;
  int sum = cg::reduce(warp, v, cg::plus<int>());
  if (warp.thread_rank() == 0)
    part[warp.meta_group_rank()] = sum;
#if BUG != 1
  block.sync();
#endif
  if (warp.meta_group_rank() == 0) {
    int p = warp.thread_rank() < warp.meta_group_size() ? part[warp.thread_rank()] : 0;
    p = cg::reduce(warp, p, cg::plus<int>());
    if (warp.thread_rank() == 0)
      sums[blockIdx.x] = p;
  }
}
