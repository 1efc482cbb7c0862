// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One warpgroup, 64 x 64 x k bf16 by wgmma.mma_async from shared memory (no swizzle), A and B filled by ordinary
// stores. BUG 1: no fence.proxy.async. 2: no wait_group before the accumulators are read. 3: no wgmma.fence. 4: no
// barrier after the fill
#include <cuda_bf16.h>
#ifndef BUG
#define BUG 0
#endif
__device__ __forceinline__ unsigned long long desc(const void *p, unsigned lead, unsigned stride) {
  unsigned long long a = __cvta_generic_to_shared(p);
  return (a >> 4 & 0x3fff) | (unsigned long long)(lead >> 4) << 16 | (unsigned long long)(stride >> 4) << 32;
}
extern "C" __global__ void __launch_bounds__(128)
    wgmma_gemm(const __nv_bfloat16 *a, const __nv_bfloat16 *b, float *c, int k) {
  // Core matrices of 8 rows x 16 bytes; K is contiguous in both. Layout: [k / 8][row][8].
  __shared__ alignas(128) __nv_bfloat16 as[2][64][8], bs[2][64][8];
  float d[32];
  for (int i = 0; i < 32; ++i)
    d[i] = 0;
  int t = threadIdx.x;
  for (int p = 0; p < k; p += 16) {
    __syncthreads();
    for (int i = t; i < 1024; i += 128) {
      int r = i / 16, kk = i % 16;
      as[kk / 8][r][kk % 8] = a[r * k + p + kk];
      bs[kk / 8][r][kk % 8] = b[r * k + p + kk];
    }
#if BUG != 1
    asm volatile("fence.proxy.async;" ::: "memory");
#endif
#if BUG != 4
    __syncthreads();
#endif
    unsigned long long da = desc(as, 64 * 16, 128), db = desc(bs, 64 * 16, 128);
#if BUG != 3
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, "
                 "%11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, "
                 "%31}, %32, %33, p, 1, 1, 0, 0;\n}"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
                   "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]),
                   "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]),
                   "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]),
                   "+f"(d[30]), "+f"(d[31])
                 : "l"(da), "l"(db), "r"(1));
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#if BUG != 2
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
#endif
  }
  int row = t / 32 * 16 + t % 32 / 4, col = t % 4 * 2;
  for (int j = 0; j < 8; ++j) {
    c[row * 64 + j * 8 + col] = d[j * 4];
    c[row * 64 + j * 8 + col + 1] = d[j * 4 + 1];
    c[(row + 8) * 64 + j * 8 + col] = d[j * 4 + 2];
    c[(row + 8) * 64 + j * 8 + col + 1] = d[j * 4 + 3];
  }
}
