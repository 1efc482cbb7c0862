// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shuffles by fewer than 32 lanes. The lanes that read a lane outside the mask throw the value away.
extern "C" __global__ void shfl_partial(const float *in, float *out) {
  int t = threadIdx.x;
  if (t < 16) {
    float v = in[t];
    for (int k = 8; k > 0; k >>= 1)
      v += __shfl_down_sync(0x0000ffffu, v, k);
    if (t == 0)
      out[0] = v;
  }
}
// A block of 48 threads: the second warp has 16 lanes. Full masks name lanes that do not exist.
extern "C" __global__ void shfl_short_warp(const float *in, float *out) {
  int t = threadIdx.x;
  float v = in[t];
  for (int k = 16; k > 0; k >>= 1) {
    float w = __shfl_down_sync(0xffffffffu, v, k);
    if (t + k < 48 && (t & 31) + k < 32)
      v += w;
  }
  if ((t & 31) == 0)
    out[t >> 5] = v;
}
