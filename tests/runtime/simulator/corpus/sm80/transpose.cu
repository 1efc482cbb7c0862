// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tiled transpose, 32 x 8 threads, padded tile.
// BUG 1: no barrier. 2: wrong bound check (columns against height)
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void transpose(const float *in, float *out, int w, int h) {
  __shared__ float tile[32][33];
  int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
#if BUG == 2
    if (x < h && y + j < w)
      tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * w + x];
#else
    if (x < w && y + j < h)
      tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * w + x];
#endif
#if BUG != 1
  __syncthreads();
#endif
  x = blockIdx.y * 32 + threadIdx.x;
  y = blockIdx.x * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    if (x < h && y + j < w)
      out[(y + j) * h + x] = tile[threadIdx.x][threadIdx.y + j];
}
