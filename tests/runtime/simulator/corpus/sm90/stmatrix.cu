// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// stmatrix.x4 to shared memory.
__device__ __forceinline__ unsigned sa(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }
extern "C" __global__ void stmatrix_store(const unsigned *in, unsigned *out) {
  __shared__ alignas(128) unsigned short s[16][16];
  int l = threadIdx.x;
  unsigned at = sa(&s[l % 16][l / 16 * 8]);
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(at), "r"(in[l]),
               "r"(in[32 + l]), "r"(in[64 + l]), "r"(in[96 + l])
               : "memory");
  __syncwarp();
  for (int i = l; i < 128; i += 32)
    out[i] = ((unsigned *)s)[i];
}
