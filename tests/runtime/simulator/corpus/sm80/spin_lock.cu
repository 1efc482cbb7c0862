// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A lock with atomicCAS, __nanosleep back-off and fences. BUG 1: no lock around the update (a race on global memory
// between blocks and warps).
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void spin_lock(int *lock, volatile int *value, int *log) {
  if ((threadIdx.x & 31) == 0) {
#if BUG != 1
    unsigned ns = 8;
    while (atomicCAS(lock, 0, 1) != 0) {
      __nanosleep(ns);
      if (ns < 256)
        ns *= 2;
    }
    __threadfence();
#endif
    int v = *value;
    *value = v + 1;
    log[v] = blockIdx.x * 100 + threadIdx.x / 32;
#if BUG != 1
    __threadfence();
    atomicExch(lock, 0);
#endif
  }
}
// All lanes of a warp take the lock in turns (independent thread scheduling).
extern "C" __global__ void lane_lock(int *lock, int *value) {
  bool done = false;
  while (!done) {
    if (atomicCAS(lock, 0, 1) == 0) {
      *(volatile int *)value += threadIdx.x;
      __threadfence();
      atomicExch(lock, 0);
      done = true;
    }
  }
}
