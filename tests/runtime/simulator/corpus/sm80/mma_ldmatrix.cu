// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// 64 x 64 x k bf16 GEMM tile: cp.async double buffer, ldmatrix, mma.sync, 4 warps.
// BUG 1: no wait_group. 2: wait_group but no barrier. 3: next copy started before the readers are done. 4: waits for
// one group too few. 5: reads before commit. 6: ldmatrix address past the tile
#include <cuda_bf16.h>
#ifndef BUG
#define BUG 0
#endif
__device__ __forceinline__ unsigned saddr(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }
__device__ __forceinline__ void copy16(void *to, const void *from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(saddr(to)), "l"(from) : "memory");
}
extern "C" __global__ void __launch_bounds__(128)
    mma_ldmatrix(const __nv_bfloat16 *a, const __nv_bfloat16 *b, float *c, int n, int k) {
  __shared__ __align__(128) __nv_bfloat16 as[2][64][40], bs[2][32][72];
  int t = threadIdx.x, warp = t / 32, lane = t % 32;
  int wm = warp / 2 * 32, wn = warp % 2 * 32;
  a += blockIdx.y * 64 * k;
  b += blockIdx.x * 64;
  auto fetch = [&](int buf, int p) {
    for (int i = t; i < 256; i += 128)
      copy16(&as[buf][i / 4][i % 4 * 8], a + (i / 4) * k + p + i % 4 * 8);
    for (int i = t; i < 256; i += 128)
      copy16(&bs[buf][i / 8][i % 8 * 8], b + (p + i / 8) * n + i % 8 * 8);
#if BUG != 5
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
  };
  float acc[2][4][4] = {};
  fetch(0, 0);
  for (int p = 0; p < k; p += 32) {
    int buf = p / 32 & 1;
#if BUG == 3
    if (p + 32 < k)
      fetch(buf, p + 32);
#else
    if (p + 32 < k)
      fetch(buf ^ 1, p + 32);
#endif
#if BUG == 4
    asm volatile("cp.async.wait_group 1;" ::: "memory");
#elif BUG != 1
    if (p + 32 < k)
      asm volatile("cp.async.wait_group 1;" ::: "memory");
    else
      asm volatile("cp.async.wait_group 0;" ::: "memory");
#endif
#if BUG != 2
    __syncthreads();
#endif
    for (int kk = 0; kk < 32; kk += 16) {
      unsigned fa[2][4], fb[4][2];
      for (int i = 0; i < 2; ++i) {
        unsigned at = saddr(&as[buf][wm + i * 16 + lane % 16][kk + lane / 16 * 8]);
#if BUG == 6
        if (i == 1)
          at += 2 * 64 * 80 + 2 * 32 * 144;
#endif
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(fa[i][0]), "=r"(fa[i][1]), "=r"(fa[i][2]), "=r"(fa[i][3])
                     : "r"(at));
      }
      for (int j = 0; j < 4; j += 2) {
        unsigned at = saddr(&bs[buf][kk + lane % 16][wn + j * 8 + lane / 16 * 8]);
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(fb[j][0]), "=r"(fb[j][1]), "=r"(fb[j + 1][0]), "=r"(fb[j + 1][1])
                     : "r"(at));
      }
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 4; ++j)
          asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                       "{%0,%1,%2,%3};"
                       : "+f"(acc[i][j][0]), "+f"(acc[i][j][1]), "+f"(acc[i][j][2]), "+f"(acc[i][j][3])
                       : "r"(fa[i][0]), "r"(fa[i][1]), "r"(fa[i][2]), "r"(fa[i][3]), "r"(fb[j][0]), "r"(fb[j][1]));
    }
    __syncthreads();
  }
  c += (blockIdx.y * 64 + wm) * n + blockIdx.x * 64 + wn;
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 4; ++j) {
      float *at = c + (i * 16 + lane / 4) * n + j * 8 + lane % 4 * 2;
      *(float2 *)at = make_float2(acc[i][j][0], acc[i][j][1]);
      *(float2 *)(at + 8 * n) = make_float2(acc[i][j][2], acc[i][j][3]);
    }
}
