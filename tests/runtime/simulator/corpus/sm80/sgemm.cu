// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Classic 16 x 16 tiled sgemm and a register-tiled, float4, double-buffered one.
// BUG 1: no barrier after the fill. 2: no barrier before the next fill. 3: k loop one tile too long. 4: double buffer
// toggled wrong (writes the buffer being read). 5: tail of tile not zeroed
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void sgemm16(const float *a, const float *b, float *c, int m, int n, int k) {
  __shared__ float as[16][16], bs[16][16];
  int tx = threadIdx.x, ty = threadIdx.y, row = blockIdx.y * 16 + ty, col = blockIdx.x * 16 + tx;
  float sum = 0;
#if BUG == 3
  for (int p = 0; p <= k; p += 16) {
    as[ty][tx] = row < m ? a[row * k + p + tx] : 0.0f;
#elif BUG == 5
  for (int p = 0; p < k; p += 16) {
    if (row < m && p + tx < k)
      as[ty][tx] = a[row * k + p + tx];
#else
  for (int p = 0; p < k; p += 16) {
    as[ty][tx] = row < m && p + tx < k ? a[row * k + p + tx] : 0.0f;
#endif
    bs[ty][tx] = col < n && p + ty < k ? b[(p + ty) * n + col] : 0.0f;
#if BUG != 1
    __syncthreads();
#endif
    for (int i = 0; i < 16; ++i)
      sum += as[ty][i] * bs[i][tx];
#if BUG != 2
    __syncthreads();
#endif
  }
  if (row < m && col < n)
    c[row * n + col] = sum;
}
extern "C" __global__ void __launch_bounds__(256) sgemm128(const float *a, const float *b, float *c, int n, int k) {
  __shared__ float as[2][8][128], bs[2][8][128]; // 128 x 128 x 8
  int t = threadIdx.x, ar = t / 2, ac = t % 2 * 4, br = t / 32, bc = t % 32 * 4;
  int tr = t / 16 * 8, tc = t % 16 * 8;
  a += blockIdx.y * 128 * k;
  b += blockIdx.x * 128;
  c += blockIdx.y * 128 * n + blockIdx.x * 128;
  float acc[8][8] = {};
  float4 va = *(const float4 *)&a[ar * k + ac], vb = *(const float4 *)&b[br * n + bc];
  as[0][ac][ar] = va.x;
  as[0][ac + 1][ar] = va.y;
  as[0][ac + 2][ar] = va.z;
  as[0][ac + 3][ar] = va.w;
  *(float4 *)&bs[0][br][bc] = vb;
  __syncthreads();
  int buf = 0;
  for (int p = 8; p <= k; p += 8) {
    if (p < k) {
      va = *(const float4 *)&a[ar * k + p + ac];
      vb = *(const float4 *)&b[(p + br) * n + bc];
    }
    for (int i = 0; i < 8; ++i) {
      float x[8], y[8];
      *(float4 *)&x[0] = *(float4 *)&as[buf][i][tr];
      *(float4 *)&x[4] = *(float4 *)&as[buf][i][tr + 4];
      *(float4 *)&y[0] = *(float4 *)&bs[buf][i][tc];
      *(float4 *)&y[4] = *(float4 *)&bs[buf][i][tc + 4];
      for (int u = 0; u < 8; ++u)
        for (int v = 0; v < 8; ++v)
          acc[u][v] += x[u] * y[v];
    }
    if (p < k) {
#if BUG != 4
      buf ^= 1;
#endif
      as[buf][ac][ar] = va.x;
      as[buf][ac + 1][ar] = va.y;
      as[buf][ac + 2][ar] = va.z;
      as[buf][ac + 3][ar] = va.w;
      *(float4 *)&bs[buf][br][bc] = vb;
      __syncthreads();
    }
  }
  for (int u = 0; u < 8; ++u)
    for (int v = 0; v < 8; v += 4)
      *(float4 *)&c[(tr + u) * n + tc + v] = *(float4 *)&acc[u][v];
}
