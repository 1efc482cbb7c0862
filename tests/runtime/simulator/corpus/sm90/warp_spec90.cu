// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Warp-specialised kernel with setmaxnreg, named barriers, elect.sync and bulk copies.
__device__ __forceinline__ unsigned sa(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }
__device__ __forceinline__ void mbWait(unsigned long long *b, int phase) {
  asm volatile("{\n.reg .pred P1;\nL:\nmbarrier.try_wait.parity.shared::cta.b64 P1, [%0], %1, 0x989680;\n@P1 bra "
               "D;\nbra L;\nD:\n}" ::"r"(sa(b)),
               "r"(phase)
               : "memory");
}
extern "C" __global__ void __launch_bounds__(256) warp_spec90(const float *in, float *out, int tiles) {
  __shared__ alignas(128) float ring[2][128];
  __shared__ alignas(8) unsigned long long full[2], empty[2];
  if (threadIdx.x == 0)
    for (int i = 0; i < 2; ++i) {
      asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(sa(&full[i])));
      asm volatile("mbarrier.init.shared::cta.b64 [%0], 128;" ::"r"(sa(&empty[i])));
    }
  __syncthreads();
  if (threadIdx.x < 128) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 24;");
    unsigned leader;
    asm volatile("{\n.reg .pred P;\nelect.sync _|P, 0xffffffff;\nselp.u32 %0, 1, 0, P;\n}" : "=r"(leader));
    if (threadIdx.x < 32 && leader)
      for (int i = 0; i < tiles; ++i) {
        mbWait(&empty[i & 1], i / 2 & 1 ^ 1);
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 512;" ::"r"(sa(&full[i & 1])) : "memory");
        asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], "
                     "512, [%2], %3;" ::"r"(sa(ring[i & 1])),
                     "l"(in + i * 128), "r"(sa(&full[i & 1])), "l"(0x14F0000000000000ull)
                     : "memory");
      }
  } else {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 240;");
    int t = threadIdx.x - 128;
    float s = 0;
    for (int i = 0; i < tiles; ++i) {
      mbWait(&full[i & 1], i / 2 & 1);
      s += ring[i & 1][127 - t];
      asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(sa(&empty[i & 1])) : "memory");
    }
    asm volatile("bar.sync 1, 128;" ::: "memory");
    out[t] = s;
  }
}
