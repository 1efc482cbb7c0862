// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Right kernels of unusual kinds: a sort in registers of a short warp, groups by value, a ring between warps with
// back-off, group algorithms of cooperative groups, recursion that differs from lane to lane, named barriers around
// half warps, phases of a grid, a heap of nodes, and bytes that overlap.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
namespace cg = cooperative_groups;

// Each warp sorts its 32 keys by shuffles; the last warp of a block has `blockDim.x % 32` lanes, a power of two.
extern "C" __global__ void register_sort(const int *in, int *out) {
  unsigned t = threadIdx.x, lane = t & 31, width = min(32u, blockDim.x - (t & ~31u));
  unsigned mask = width == 32 ? ~0u : (1u << width) - 1;
  int key = in[t];
  for (unsigned k = 2; k <= width; k *= 2)
    for (unsigned j = k / 2; j > 0; j /= 2) {
      int other = __shfl_xor_sync(mask, key, j);
      bool up = (lane & k) == 0, low = (lane & j) == 0;
      key = up == low ? min(key, other) : max(key, other);
    }
  out[t] = key;
}

// One atomic operation a group of lanes with the same bin; each lane gets its own place in the bin.
extern "C" __global__ void grouped_places(const int *bins, int *counts, int *places) {
  int t = blockIdx.x * blockDim.x + threadIdx.x, bin = bins[t];
  unsigned peers = __match_any_sync(__activemask(), bin);
  int leader = __ffs(peers) - 1, lane = threadIdx.x & 31, base = 0;
  if (lane == leader)
    base = atomicAdd(&counts[bin], __popc(peers));
  places[t] = __shfl_sync(peers, base, leader) + __popc(peers & ((1u << lane) - 1));
}

// Warp 0 fills a ring of four slots, warp 1 empties it. Lane 0 speaks for its warp.
extern "C" __global__ void slow_ring(const int *in, int *out, int count) {
  __shared__ int slot[4][32];
  __shared__ volatile int filled, emptied;
  int lane = threadIdx.x & 31;
  if (threadIdx.x == 0)
    filled = emptied = 0;
  __syncthreads();
  for (int i = 0; i < count; ++i) {
    if (threadIdx.x < 32) {
      if (lane == 0)
        while (i - emptied >= 4)
          __nanosleep(100);
      __syncwarp();
      slot[i % 4][lane] = in[i * 32 + lane] * 2;
      __threadfence_block();
      __syncwarp();
      if (lane == 0)
        filled = i + 1;
    } else {
      if (lane == 0)
        while (filled <= i)
          __nanosleep(20);
      __threadfence_block();
      __syncwarp();
      out[i * 32 + lane] = slot[i % 4][31 - lane];
      __threadfence_block();
      __syncwarp();
      if (lane == 0)
        emptied = i + 1;
    }
  }
}

// Sums, scans and a split of tiles of eight lanes.
extern "C" __global__ void tile_algebra(const int *in, int *sums, int *scans, int *sizes) {
  auto block = cg::this_thread_block();
  auto tile = cg::tiled_partition<8>(block);
  int t = block.thread_rank(), x = in[t];
  int sum = cg::reduce(tile, x, cg::plus<int>()), scan = cg::inclusive_scan(tile, x);
  auto half = cg::binary_partition(tile, x > 0);
  sizes[t] = half.size() * 100 + half.thread_rank();
  scans[t] = scan;
  if (tile.thread_rank() == 0)
    sums[tile.meta_group_rank()] = sum;
}

__device__ __noinline__ int ackermann(int m, int n) {
  return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}
// Every lane recurses to another depth.
extern "C" __global__ void lane_recursion(int *out) {
  int t = threadIdx.x;
  out[t] = ackermann(t % 3, t % 5);
}

// Half a warp at a time passes words on through barriers of its own.
extern "C" __global__ void paired_barriers(const int *in, int *out) {
  __shared__ int s[128];
  int t = threadIdx.x, pair = t / 64, mate = t % 64;
  s[t] = in[t];
  asm volatile("barrier.sync %0, 64;" ::"r"(pair + 1) : "memory");
  int value = s[pair * 64 + 63 - mate];
  asm volatile("barrier.sync %0, 64;" ::"r"(pair + 1) : "memory");
  s[t] = value * 3;
  __syncthreads();
  out[t] = s[127 - t];
}

// A smoothing of the whole grid, one phase after the other; the arrays change places.
extern "C" __global__ void grid_phases(float *a, float *b, int n, int phases) {
  cg::grid_group grid = cg::this_grid();
  int t = grid.thread_rank();
  for (int phase = 0; phase < phases; ++phase) {
    if (t < n)
      b[t] = 0.5f * a[t] + 0.25f * (a[(t + 1) % n] + a[(t + n - 1) % n]);
    grid.sync();
    float *other = a;
    a = b;
    b = other;
  }
}

struct Node {
  int value;
  Node *next;
};
// Lanes push nodes of the device's heap on one list; then the first thread takes it apart.
extern "C" __global__ void heap_list(int *out) {
  __shared__ Node *head;
  if (threadIdx.x == 0)
    head = nullptr;
  __syncthreads();
  Node *node = static_cast<Node *>(malloc(sizeof(Node)));
  node->value = threadIdx.x;
  unsigned long long *place = reinterpret_cast<unsigned long long *>(&head), old = *reinterpret_cast<volatile unsigned long long *>(place), seen;
  do {
    seen = old;
    node->next = reinterpret_cast<Node *>(seen);
    __threadfence_block();
    old = atomicCAS(place, seen, reinterpret_cast<unsigned long long>(node));
  } while (old != seen);
  __syncthreads();
  if (threadIdx.x == 0) {
    int count = 0, sum = 0;
    for (Node *at = head; at;) {
      Node *next = at->next;
      sum += at->value;
      ++count;
      free(at);
      at = next;
    }
    out[0] = count;
    out[1] = sum;
  }
}

// Bytes of a string moved over themselves, and words that are read as bytes, at any address.
extern "C" __global__ void byte_play(const unsigned char *in, unsigned char *out, int n) {
  extern __shared__ unsigned char bytes[];
  int t = threadIdx.x;
  for (int i = t; i < n; i += blockDim.x)
    bytes[i] = in[i];
  __syncthreads();
  unsigned char own[16];
  memcpy(own, bytes + (t * 3) % (n - 16), 16);
  for (int k = 12; k > 0; --k)
    own[k] = own[k - 1];
  unsigned word;
  memcpy(&word, own + 5, 4);
  reinterpret_cast<unsigned *>(out)[t] = __brev(word) ^ __byte_perm(word, t, 0x4021);
}
