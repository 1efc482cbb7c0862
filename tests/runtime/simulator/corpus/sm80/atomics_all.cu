// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <cuda/atomic>
#include <cuda_fp16.h>
extern "C" __global__ void atomics_all(int *i, unsigned *u, float *f, double *d, unsigned long long *ull, half2 *h) {
  int t = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(&i[0], t);
  atomicSub(&i[1], t);
  atomicMin(&i[2], -t);
  atomicMax(&i[3], t);
  atomicAnd(&i[4], ~t);
  atomicOr(&i[5], t);
  atomicXor(&i[6], t);
  atomicInc(&u[0], 100);
  atomicDec(&u[1], 50);
  atomicExch(&u[2], 77u);
  atomicAdd(f, 0.5f);
  atomicAdd(d, 0.25);
  atomicAdd(&ull[0], (unsigned long long)t << 20);
  atomicMax(&ull[1], (unsigned long long)t << 33);
  atomicCAS(&ull[2], 5ull, 6ull);
  atomicAdd(h, __floats2half2_rn(1.0f, 0.5f));
  int *fp = (int *)(f + 1), old = *(volatile int *)fp, assumed; // float max by CAS
  do {
    assumed = old;
    old = atomicCAS(fp, assumed, __float_as_int(fmaxf((float)t, __int_as_float(assumed))));
  } while (assumed != old);
  atomicAdd_block(&i[7 + blockIdx.x], 1);
  atomicAdd_system(&i[9], 1);
}
extern "C" __global__ void atomic_ref(int *a, float *f, unsigned short *s, unsigned char *c) {
  int t = blockIdx.x * blockDim.x + threadIdx.x;
  cuda::atomic_ref<int, cuda::thread_scope_device> r(a[0]);
  r.fetch_add(1, cuda::std::memory_order_relaxed);
  r.fetch_max(t, cuda::std::memory_order_acq_rel);
  cuda::atomic_ref<int, cuda::thread_scope_block> q(a[1]);
  int e = q.load(cuda::std::memory_order_acquire);
  while (!q.compare_exchange_weak(e, e + 2, cuda::std::memory_order_seq_cst)) {
  }
  cuda::atomic_ref<float, cuda::thread_scope_device>(*f).fetch_add(1.0f, cuda::std::memory_order_relaxed);
  cuda::atomic_ref<unsigned char, cuda::thread_scope_device>(c[1]).fetch_or(t & 0x3f, cuda::std::memory_order_relaxed);
  unsigned short v = *s;
  (void)v;
  atomicCAS(s, (unsigned short)1, (unsigned short)9);
}
