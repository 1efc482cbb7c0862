// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels of language models: softmax, layernorm, rmsnorm, rope, gelu.  BUG 1: second block reduction reuses the words
// without a barrier. 2: one barrier missing in layernorm
#include <cuda_bf16.h>
#ifndef BUG
#define BUG 0
#endif
__device__ __forceinline__ float warpMax(float v) {
  for (int k = 16; k; k >>= 1)
    v = fmaxf(v, __shfl_xor_sync(~0u, v, k));
  return v;
}
__device__ __forceinline__ float warpSum(float v) {
  for (int k = 16; k; k >>= 1)
    v += __shfl_xor_sync(~0u, v, k);
  return v;
}
template <bool Max> __device__ float blockReduce(float v, float *words) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  v = Max ? warpMax(v) : warpSum(v);
  if (lane == 0)
    words[warp] = v;
  __syncthreads();
  v = lane < blockDim.x / 32 ? words[lane] : (Max ? -INFINITY : 0.0f);
  v = Max ? warpMax(v) : warpSum(v);
#if BUG != 1
  __syncthreads();
#endif
  return v;
}
extern "C" __global__ void softmax(const float *in, float *out, int cols) {
  __shared__ float words[32];
  const float *x = in + (size_t)blockIdx.x * cols;
  float m = -INFINITY;
  for (int i = threadIdx.x; i < cols; i += blockDim.x)
    m = fmaxf(m, x[i]);
  m = blockReduce<true>(m, words);
  float s = 0;
  for (int i = threadIdx.x; i < cols; i += blockDim.x)
    s += __expf(x[i] - m);
  s = blockReduce<false>(s, words);
  for (int i = threadIdx.x; i < cols; i += blockDim.x)
    out[(size_t)blockIdx.x * cols + i] = __expf(x[i] - m) / s;
}
extern "C" __global__ void layernorm(const __nv_bfloat16 *in, const float *gamma, const float *beta, __nv_bfloat16 *out,
                                     int cols) {
  __shared__ float words[32], mean, rstd;
  const __nv_bfloat16 *x = in + (size_t)blockIdx.x * cols;
  float s = 0;
  for (int i = threadIdx.x; i < cols; i += blockDim.x)
    s += __bfloat162float(x[i]);
  s = blockReduce<false>(s, words);
  if (threadIdx.x == 0)
    mean = s / cols;
#if BUG != 2
  __syncthreads();
#endif
  float q = 0;
  for (int i = threadIdx.x; i < cols; i += blockDim.x) {
    float d = __bfloat162float(x[i]) - mean;
    q += d * d;
  }
  q = blockReduce<false>(q, words);
  if (threadIdx.x == 0)
    rstd = rsqrtf(q / cols + 1e-5f);
  __syncthreads();
  for (int i = threadIdx.x; i < cols; i += blockDim.x)
    out[(size_t)blockIdx.x * cols + i] = __float2bfloat16((__bfloat162float(x[i]) - mean) * rstd * gamma[i] + beta[i]);
}
extern "C" __global__ void rope_gelu(float *x, const float *in, float *gelu, int heads, int dim) {
  int pos = blockIdx.x, h = blockIdx.y, i = threadIdx.x;
  float *p = x + ((size_t)pos * heads + h) * dim;
  float angle = pos * powf(10000.0f, -2.0f * i / dim), s, c;
  sincosf(angle, &s, &c);
  float a = p[i], b = p[i + dim / 2];
  p[i] = a * c - b * s;
  p[i + dim / 2] = a * s + b * c;
  int k = (pos * heads + h) * blockDim.x + i;
  float v = in[k];
  gelu[k] = 0.5f * v * (1.0f + tanhf(0.7978845608f * (v + 0.044715f * v * v * v)));
}
