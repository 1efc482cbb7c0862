// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Multicast TMA, remote arrives, st.async to a neighbour, mapa and cluster barriers by inline PTX.
__device__ __forceinline__ unsigned sa(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }
extern "C" __global__ void __cluster_dims__(2, 1, 1) cluster_mcast(const float *in, float *out) {
  __shared__ alignas(128) float s[256];
  __shared__ alignas(8) unsigned long long full, peer;
  __shared__ int box[4];
  int t = threadIdx.x;
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  if (t == 0) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(sa(&full)) : "memory");
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(sa(&peer)) : "memory");
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 1024;" ::"r"(sa(&full)) : "memory");
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 4;" ::"r"(sa(&peer)) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
  if (t == 0) {
    if (rank == 0)
      asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], "
                   "1024, [%2], %3;" ::"r"(sa(s)),
                   "l"(in), "r"(sa(&full)), "h"((unsigned short)3)
                   : "memory");
    unsigned remote, remoteBar;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remote) : "r"(sa(box)), "r"(rank ^ 1));
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remoteBar) : "r"(sa(&peer)), "r"(rank ^ 1));
    asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.u32 [%0], %1, [%2];" ::"r"(remote),
                 "r"(100 + rank), "r"(remoteBar)
                 : "memory");
  }
  for (unsigned long long *b : {&full, &peer})
    asm volatile(
        "{\n.reg .pred P;\nW:\nmbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 P, [%0], 0;\n@!P bra W;\n}" ::
            "r"(sa(b))
        : "memory");
  out[blockIdx.x * 256 + t] = s[t] + box[0];
  asm volatile("barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;" ::: "memory");
}
