// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// BUG 1: no barrier before the tile is refilled. 2: tile index out of bounds for the last partial tile
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void nbody(const float4 *p, float3 *f, int n) {
  __shared__ float4 tile[128];
  int i = blockIdx.x * 128 + threadIdx.x;
  float4 me = i < n ? p[i] : make_float4(0, 0, 0, 0);
  float3 a = make_float3(0, 0, 0);
  for (int j = 0; j < n; j += 128) {
#if BUG == 2
    tile[threadIdx.x] = p[j + threadIdx.x];
#else
    tile[threadIdx.x] = j + threadIdx.x < n ? p[j + threadIdx.x] : make_float4(0, 0, 0, 0);
#endif
    __syncthreads();
    for (int k = 0; k < 128; ++k) {
      float4 q = tile[k];
      float x = q.x - me.x, y = q.y - me.y, z = q.z - me.z, d = x * x + y * y + z * z + 1e-3f, r = rsqrtf(d),
            s = q.w * r * r * r;
      a.x += x * s;
      a.y += y * s;
      a.z += z * s;
    }
#if BUG != 1
    __syncthreads();
#endif
  }
  if (i < n)
    f[i] = a;
}
extern "C" __global__ void spmv_vector(const int *rows, const int *cols, const float *values, const float *x, float *y,
                                       int n) {
  int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x & 31;
  if (row >= n)
    return;
  float s = 0;
  for (int j = __ldg(rows + row) + lane; j < rows[row + 1]; j += 32)
    s += values[j] * __ldg(&x[cols[j]]);
  for (int k = 16; k; k >>= 1)
    s += __shfl_down_sync(~0u, s, k);
  if (lane == 0)
    y[row] = s;
}
