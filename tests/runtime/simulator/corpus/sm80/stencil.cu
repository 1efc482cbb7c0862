// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// 2D five-point stencil with a halo in shared memory. BUG 1: no barrier. 2: halo corner column not loaded
// (uninitialised). 3: y bound missing
#ifndef BUG
#define BUG 0
#endif
extern "C" __global__ void stencil(const float *in, float *out, int w, int h) {
  __shared__ float s[18][18];
  int tx = threadIdx.x, ty = threadIdx.y, x = blockIdx.x * 16 + tx, y = blockIdx.y * 16 + ty;
  auto at = [&](int u, int v) { return u >= 0 && u < w && v >= 0 && v < h ? in[v * w + u] : 0.0f; };
  s[ty + 1][tx + 1] = at(x, y);
#if BUG != 2
  if (tx == 0)
    s[ty + 1][0] = at(x - 1, y);
#endif
  if (tx == 15)
    s[ty + 1][17] = at(x + 1, y);
  if (ty == 0)
    s[0][tx + 1] = at(x, y - 1);
  if (ty == 15)
    s[17][tx + 1] = at(x, y + 1);
#if BUG != 1
  __syncthreads();
#endif
#if BUG == 3
  if (x < w)
#else
  if (x < w && y < h)
#endif
    out[y * w + x] =
        s[ty + 1][tx + 1] * 0.5f + 0.125f * (s[ty][tx + 1] + s[ty + 2][tx + 1] + s[ty + 1][tx] + s[ty + 1][tx + 2]);
}
