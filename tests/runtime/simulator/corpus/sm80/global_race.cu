// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Global memory. BUG 1: neighbours read in place what others write (a race inside the block). 2: reads a freed buffer
// (host). 3: reads an output nobody wrote. 4: misaligned float4. 5: null pointer. 6: endless loop. 7: writes the const
// buffer
#ifndef BUG
#define BUG 0
#endif
__constant__ int table[4] = {1, 2, 3, 4};
extern "C" __global__ void global_race(float *a, float *b, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n - 1)
    return;
#if BUG == 1
  a[i] = a[i + 1] * 2;
  b[i] = a[i];
#elif BUG == 3
  b[i] = b[i + 1] + a[i];
#elif BUG == 4
  if (i + 4 < n) {
    float x, y, z, w;
    asm volatile("ld.global.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(x), "=f"(y), "=f"(z), "=f"(w) : "l"(a + i));
    b[i] = x + y + z + w;
  }
#elif BUG == 5
  float *volatile q = n > 5 ? nullptr : a;
  b[i] = q[i & 1];
#elif BUG == 6
  while (((volatile float *)a)[i] < 1e30f)
    ;
  b[i] = 1;
#elif BUG == 7
  *(int *)&table[i & 3] = i;
  b[i] = table[1];
#else
  b[i] = a[i + 1] * 2;
#endif
}
