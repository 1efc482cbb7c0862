// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
extern "C" __global__ void match_redux(const int *in, unsigned *out) {
  int t = threadIdx.x, v = in[t], pred;
  unsigned *o = out + t * 12;
  o[0] = __match_any_sync(~0u, v);
  o[1] = __match_all_sync(~0u, v & 0, &pred);
  o[2] = pred;
  o[3] = __reduce_add_sync(~0u, v);
  o[4] = __reduce_min_sync(~0u, v);
  o[5] = __reduce_max_sync(~0u, (unsigned)v);
  o[6] = __reduce_xor_sync(~0u, (unsigned)v);
  unsigned half = t & 16 ? 0xffff0000u : 0x0000ffffu;
  o[7] = __reduce_add_sync(half, v);
  o[8] = __match_any_sync(~0u, (long long)v << 33);
  o[9] = __shfl_xor_sync(~0u, v, 5);
  o[10] = __shfl_up_sync(~0u, v, 3, 8);
  o[11] = __shfl_sync(~0u, v, t + 1, 16);
  if (t % 3 == 0) {
    unsigned m = __activemask();
    o[11] += __popc(m);
  }
}
