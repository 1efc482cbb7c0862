// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Structures with padding, and loads whose value is thrown away: nothing here is an error in CUDA.
struct Padded {
  double a;
  char b;
};
struct Mixed {
  char a;
  int b;
  short c;
};
extern "C" __global__ void make_padded(Padded *p, Mixed *m, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    p[i].a = i * 0.5;
    p[i].b = (char)i;
    m[i].a = (char)i;
    m[i].b = i;
    m[i].c = (short)i;
  }
}
extern "C" __global__ void copy_padded(const Padded *p, Padded *q, const Mixed *m, Mixed *r, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    q[i] = p[n - 1 - i];
    r[i] = m[n - 1 - i];
  }
}
extern "C" __global__ void memcpy_padded(const Padded *p, Padded *q, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    memcpy(&q[i], &p[i], sizeof(Padded));
}
// The neighbour of the last element was never written; its value is not used.
extern "C" __global__ void discard(const float *in, float *out, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  if (t < n)
    s[t] = in[t];
  __syncthreads();
  float next = s[(t + 1) & 63];
  out[t] = t + 1 < n ? next : -1.0f;
}
// Four floats at once where only the first n are written (vector tail).
extern "C" __global__ void vector_tail(const float *in, float *out, int n) {
  __shared__ __align__(16) float s[64];
  int t = threadIdx.x;
  if (t < n)
    s[t] = in[t];
  __syncthreads();
  if (t * 4 < n) {
    float4 v = *(float4 *)&s[t * 4];
    float sum = v.x;
    if (t * 4 + 1 < n)
      sum += v.y;
    if (t * 4 + 2 < n)
      sum += v.z;
    if (t * 4 + 3 < n)
      sum += v.w;
    out[t] = sum;
  }
}
