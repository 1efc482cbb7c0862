// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
extern "C" __global__ void sync_votes(const int *in, int *out) {
  int t = threadIdx.x, v = in[blockIdx.x * blockDim.x + t];
  int c = __syncthreads_count(v > 0), a = __syncthreads_and(v > -100), o = __syncthreads_or(v == 42);
  unsigned ballot = __ballot_sync(~0u, v & 1);
  int any = __any_sync(~0u, v > 50), all = __all_sync(~0u, v < 50);
  int *p = out + (blockIdx.x * blockDim.x + t) * 6;
  p[0] = c;
  p[1] = a;
  p[2] = o;
  p[3] = ballot;
  p[4] = any;
  p[5] = all;
}
