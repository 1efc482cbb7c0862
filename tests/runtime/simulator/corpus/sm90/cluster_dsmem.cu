// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A cluster of two blocks; each reads the other's shared memory. BUG 1: no cluster barrier before the read. 2: none
// before the end (a block leaves while its memory is read)
#include <cooperative_groups.h>
#ifndef BUG
#define BUG 0
#endif
namespace cg = cooperative_groups;
extern "C" __global__ void __cluster_dims__(2, 1, 1) cluster_dsmem(const int *in, int *out) {
  __shared__ int s[128];
  cg::cluster_group cluster = cg::this_cluster();
  int t = threadIdx.x, rank = cluster.block_rank();
  s[t] = in[blockIdx.x * 128 + t];
#if BUG != 1
  cluster.sync();
#endif
  int *other = cluster.map_shared_rank(s, rank ^ 1);
  out[blockIdx.x * 128 + t] = other[127 - t] + rank;
#if BUG != 2
  cluster.sync();
#endif
}
// Histogram whose bins are spread over the cluster's shared memory.
extern "C" __global__ void cluster_hist(int *bins, int nbins, const int *in, int n) {
  extern __shared__ int local[];
  cg::cluster_group cluster = cg::this_cluster();
  int per = nbins / cluster.num_blocks();
  for (int i = threadIdx.x; i < per; i += blockDim.x)
    local[i] = 0;
  cluster.sync();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    int b = in[i], rank = b / per;
    atomicAdd(cluster.map_shared_rank(local, rank) + b % per, 1);
  }
  cluster.sync();
  for (int i = threadIdx.x; i < per; i += blockDim.x)
    atomicAdd(&bins[cluster.block_rank() * per + i], local[i]);
}
