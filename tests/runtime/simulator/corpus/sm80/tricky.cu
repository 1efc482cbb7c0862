// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Correct kernels with unusual synchronisation: none of them may fault.
#include <cooperative_groups.h>
namespace cg = cooperative_groups;
extern "C" __global__ void odd_block(const int *in, int *out) { // 100 threads
  __shared__ int s[100];
  int t = threadIdx.x;
  s[t] = in[t];
  __syncthreads();
  int v = s[99 - t];
  __syncthreads();
  s[t] = v * 2;
  __syncthreads();
  out[t] = s[(t + 1) % 100];
}
extern "C" __global__ void early_return(const int *in, int *out, int n) { // threads past n leave before the barriers
  __shared__ int s[128];
  int t = threadIdx.x;
  if (t >= n)
    return;
  s[t] = in[t];
  __syncthreads();
  out[t] = s[n - 1 - t];
}
extern "C" __global__ void two_places(const int *in, int *out) { // warps meet at different instructions
  __shared__ int s[64];
  int t = threadIdx.x;
  if (t < 32) {
    s[t] = in[t];
    __syncthreads();
    out[t] = s[t + 32];
  } else {
    s[t] = in[t] * 3;
    __syncthreads();
    out[t] = s[t - 32];
  }
}
extern "C" __global__ void done_flag(const int *in, int *out) { // many threads set the same flag to the same value
  __shared__ int changed;
  int t = threadIdx.x, rounds = 0, v = in[t];
  while (true) {
    if (t == 0)
      changed = 0;
    __syncthreads();
    if (v > 0) {
      --v;
      changed = 1;
    }
    __syncthreads();
    int c = changed;
    __syncthreads();
    if (!c)
      break;
    ++rounds;
  }
  out[t] = rounds;
}
extern "C" __global__ void tile_exchange(const int *in, int *out) { // tiles of 16 synchronise on their own
  __shared__ int s[64];
  auto tile = cg::tiled_partition<16>(cg::this_thread_block());
  int t = threadIdx.x;
  s[t] = in[t];
  tile.sync();
  int v = s[(t & ~15) | (15 - (t & 15))];
  if (tile.meta_group_rank() & 1) {
    tile.sync();
    s[t] = v + 1;
    tile.sync();
    v = s[t ^ 1];
  }
  out[t] = v;
}
extern "C" __global__ void
views(const float4 *in, unsigned *out) { // one shared array seen in several widths, static and dynamic together
  __shared__ float4 s[32];
  extern __shared__ unsigned char d[];
  int t = threadIdx.x;
  s[t] = in[t];
  d[t] = t;
  d[t + 32] = 2 * t;
  __syncthreads();
  out[t] = ((unsigned char *)s)[t * 5] + ((unsigned short *)d)[t] + (unsigned)((double *)s)[t] * 0;
}
extern "C" __global__ void own_atomic(int *out) {
  __shared__ int s[64];
  int t = threadIdx.x;
  s[t] = 0;
  atomicExch(&s[t], t * 7);
  out[t] = s[t];
}
extern "C" __global__ void any_loop(const int *in, int *out) {
  int t = threadIdx.x, v = in[t], k = 0;
  while (__any_sync(~0u, v > 0)) {
    if (v > 0) {
      --v;
      ++k;
    }
  }
  out[t] = k;
}
extern "C" __global__ void
half_warp_roles(const int *in,
                int *out) { // lanes of one warp as producer and consumer through volatile shared and __syncwarp masks
  __shared__ int s[32];
  int t = threadIdx.x;
  if (t < 16)
    s[t] = in[t];
  else
    s[t] = in[t] * 2;
  __syncwarp();
  if (t < 16) {
    int v = s[t + 16];
    __syncwarp(0xffff);
    s[t] = v;
    __syncwarp(0xffff);
    out[t] = s[t ^ 1];
  } else
    out[t] = s[t];
}
extern "C" __global__ void lane_producer(const int *in,
                                         volatile int *out) { // lane 0 waits for lane 31 through global memory
  volatile int *flag = out + 32;
  int t = threadIdx.x;
  if (t == 0) {
    while (*flag == 0) {
    }
    __threadfence();
    out[0] = out[33] + 1;
  }
  if (t == 31) {
    out[33] = in[0];
    __threadfence();
    *flag = 1;
  }
}
extern "C" __global__ void lane_producer2(const int *in,
                                          volatile int *out) { // the same, the waiting lane is tested second
  volatile int *flag = out + 32;
  int t = threadIdx.x;
  if (t == 31) {
    out[33] = in[0];
    __threadfence();
    *flag = 1;
  } else if (t == 0) {
    while (*flag == 0) {
    }
    __threadfence();
    out[0] = out[33] + 1;
  }
}
extern "C" __global__ void critical_section(int *lock,
                                            int *sum) { // every lane takes a lock; the release is after the loop
  while (atomicCAS(lock, 0, 1) != 0) {
  }
  __threadfence();
  *(volatile int *)sum += 1;
  __threadfence();
  atomicExch(lock, 0);
}
extern "C" __global__ void named_subset(const int *in,
                                        int *out) { // two groups of warps with their own barriers, then all
  __shared__ int s[128];
  int t = threadIdx.x, g = t / 64;
  s[t] = in[t];
  asm volatile("bar.sync %0, 64;" ::"r"(g + 1) : "memory");
  int v = s[g * 64 + (63 - t % 64)];
  __syncthreads();
  s[t] = v;
  __syncthreads();
  out[t] = s[127 - t];
}
extern "C" __global__ void red_then_read(const int *in, int *out) {
  __shared__ int sum, big;
  int t = threadIdx.x;
  if (t == 0) {
    sum = 0;
    big = -1000;
  }
  __syncthreads();
  atomicAdd(&sum, in[t]);
  atomicMax(&big, in[t]);
  __syncthreads();
  out[t] = sum * 1000 + big;
}
extern "C" __global__ void barrier_in_loop(const int *in, int *out, int n) { // uniform trip count, divergent body
  __shared__ int s[96];
  int t = threadIdx.x, acc = 0;
  for (int i = 0; i < n; ++i) {
    if ((t + i) % 3 == 0)
      s[t] = in[t] + i;
    else if (i == 0)
      s[t] = 0;
    __syncthreads();
    if (t % 2)
      acc += s[(t + i) % 96];
    else
      acc -= s[(t * 5) % 96];
    __syncthreads();
  }
  out[t] = acc;
}
