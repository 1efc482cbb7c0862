// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CUTLASS's own products of the tiles that compare_matmul.py compares: bf16 A [M, K] and B [K, N], both rows first, f32
// sums, C in bf16, no cluster, as many stages as fit. SCHEDULE is Cooperative or Pingpong, TILE_M and TILE_N the tile.
#include "cutlass/cutlass.h"
#include "cutlass/epilogue/collective/collective_builder.hpp"
#include "cutlass/gemm/collective/collective_builder.hpp"
#include "cutlass/gemm/device/gemm_universal_adapter.h"
#include "cutlass/gemm/kernel/gemm_universal.hpp"

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)

using namespace cute;
using T = cutlass::bfloat16_t;
using Rows = cutlass::layout::RowMajor;
using Block = Shape<Int<TILE_M>, Int<TILE_N>, _64>;
using Alone = Shape<_1, _1, _1>;

using Epilogue = typename cutlass::epilogue::collective::CollectiveBuilder<
    cutlass::arch::Sm90, cutlass::arch::OpClassTensorOp, Block, Alone, cutlass::epilogue::collective::EpilogueTileAuto,
    float, float, void, Rows, 8, T, Rows, 8, JOIN(cutlass::epilogue::TmaWarpSpecialized, EPILOGUE)>::CollectiveOp;
using Mainloop = typename cutlass::gemm::collective::CollectiveBuilder<
    cutlass::arch::Sm90, cutlass::arch::OpClassTensorOp, T, Rows, 8, T, Rows, 8, float, Block, Alone,
    cutlass::gemm::collective::StageCountAutoCarveout<int(sizeof(typename Epilogue::SharedStorage))>,
    JOIN(cutlass::gemm::KernelTmaWarpSpecialized, SCHEDULE)>::CollectiveOp;
using Matmul = cutlass::gemm::kernel::GemmUniversal<Shape<int, int, int, int>, Mainloop, Epilogue>;

extern "C" __global__ __launch_bounds__(Matmul::MaxThreadsPerBlock, Matmul::MinBlocksPerMultiprocessor) void matmul(
    __grid_constant__ const typename Matmul::Params parameters) {
  extern __shared__ char storage[];
  Matmul()(parameters, storage);
}
