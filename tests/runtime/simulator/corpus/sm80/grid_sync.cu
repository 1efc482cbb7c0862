// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every thread meets only elements of other blocks, so each barrier inside grid.sync() counts; n is 512, a block 128.
#include <cooperative_groups.h>
namespace cg = cooperative_groups;
extern "C" __global__ void grid_sync(int *a, int *b, int n) {
  cg::grid_group grid = cg::this_grid();
  int i = grid.thread_rank();
  for (int r = 0; r < 4; ++r) {
    b[i] = a[(i + 160) % n] + 1;
    grid.sync();
    a[i] = b[(i + n - 160) % n] * 2;
    grid.sync();
  }
}
