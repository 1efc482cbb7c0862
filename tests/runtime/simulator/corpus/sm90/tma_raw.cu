// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The same by inline assembly, as in most hand-written kernels: init, expect_tx, try_wait loop with phases; a ring of
// stages. BUG 1: consumer does not wait for full. 2: producer does not wait for empty. 3: wrong phase. 4: expect_tx
// counts half the bytes. 5: arrive count too large (deadlock). 6: the barrier is not initialised
#ifndef BUG
#define BUG 0
#endif
__device__ __forceinline__ unsigned sa(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }
__device__ __forceinline__ void mbInit(unsigned long long *b, int n) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(sa(b)), "r"(n) : "memory");
}
__device__ __forceinline__ void mbExpect(unsigned long long *b, int n) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(sa(b)), "r"(n) : "memory");
}
__device__ __forceinline__ void mbArrive(unsigned long long *b) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(sa(b)) : "memory");
}
__device__ __forceinline__ void mbWait(unsigned long long *b, int phase) {
  asm volatile("{\n.reg .pred P1;\nLAB_WAIT:\nmbarrier.try_wait.parity.shared::cta.b64 P1, [%0], %1;\n@P1 bra "
               "DONE;\nbra LAB_WAIT;\nDONE:\n}" ::"r"(sa(b)),
               "r"(phase)
               : "memory");
}
extern "C" __global__ void tma_raw(const float *in, float *out, int tiles) {
  __shared__ alignas(128) float ring[3][512];
  __shared__ alignas(8) unsigned long long full[3], empty[3];
  int t = threadIdx.x;
  if (t == 0) {
#if BUG != 6
    for (int i = 0; i < 3; ++i) {
      mbInit(&full[i], 1);
      mbInit(&empty[i], BUG == 5 ? 200 : 128);
    }
#endif
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  if (t >= 128) {
    if (t == 128)
      for (int i = 0; i < tiles; ++i) {
        int b = i % 3, round = i / 3;
#if BUG != 2
        if (round > 0)
          mbWait(&empty[b], (round - 1) & 1);
#endif
        mbExpect(&full[b], BUG == 4 ? 1024 : 2048);
        asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                         sa(ring[b])),
                     "l"(in + i * 512), "r"(2048), "r"(sa(&full[b]))
                     : "memory");
      }
  } else {
    float sum = 0;
    for (int i = 0; i < tiles; ++i) {
      int b = i % 3, round = i / 3;
#if BUG == 3
      mbWait(&full[b], (round & 1) ^ 1);
#elif BUG != 1
      mbWait(&full[b], round & 1);
#endif
      for (int k = 0; k < 4; ++k)
        sum += ring[b][511 - (k * 128 + t)] * (i + 1);
      mbArrive(&empty[b]);
    }
    out[t] = sum;
  }
}
