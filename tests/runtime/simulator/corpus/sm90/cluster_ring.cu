// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A cluster of four blocks adds up its rows by passing partial sums around, each block into the next one's memory; the
// barrier is split into arrival and wait. Blocks of rank 0 write the result.
#include <cooperative_groups.h>
namespace cg = cooperative_groups;
extern "C" __global__ void __cluster_dims__(4, 1, 1) cluster_ring(const int *in, int *out) {
  __shared__ int own[64], mail[2][64];
  cg::cluster_group cluster = cg::this_cluster();
  unsigned t = threadIdx.x, rank = cluster.block_rank(), next = (rank + 1) % 4;
  own[t] = in[blockIdx.x * 64 + t];
  mail[0][t] = own[t];
  cluster.sync();
  for (unsigned step = 0; step < 3; ++step) {
    int *to = cluster.map_shared_rank(mail[(step + 1) % 2], next);
    to[t] = mail[step % 2][t];
    auto token = cluster.barrier_arrive();
    cluster.barrier_wait(std::move(token));
    own[t] += mail[(step + 1) % 2][t];
    cluster.sync();
  }
  if (rank == 0)
    out[blockIdx.x / 4 * 64 + t] = own[t];
  cluster.sync();
  atomicAdd(cluster.map_shared_rank(&own[t], 0), 1);
  cluster.sync();
  if (rank == 0)
    out[gridDim.x * 16 + blockIdx.x / 4 * 64 + t] = own[t];
}
