// RUN: imbrex-opt %s -cta-pipeline -cta-to-nvvm -canonicalize | FileCheck %s

// Rows of 16 over four lanes: four registers first, then lanes 1 and 2 apart, never 4, which is another row. One lane of
// the four stores: the one whose number's last two bits are zero.
// CHECK-LABEL: llvm.func @sum(
// CHECK-DAG: %[[ALL:.*]] = llvm.mlir.constant(-1 : i32) : i32
// CHECK-DAG: %[[C1:.*]] = llvm.mlir.constant(1 : i32) : i32
// CHECK-DAG: %[[C2:.*]] = llvm.mlir.constant(2 : i32) : i32
// CHECK-DAG: %[[C3:.*]] = llvm.mlir.constant(3 : i32) : i32
// CHECK-DAG: %[[C0:.*]] = llvm.mlir.constant(0 : i32) : i32
// CHECK-DAG: %[[C31:.*]] = llvm.mlir.constant(31 : i32) : i32
// CHECK: %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x : i32
// CHECK: %[[LANE:.*]] = llvm.and %[[TID]], %[[C31]] : i32
// CHECK: ^bb2(%[[A:.*]]: f32, %[[B:.*]]: f32, %[[C:.*]]: f32, %[[D:.*]]: f32):
// CHECK: %[[AB:.*]] = llvm.fadd %[[A]], %[[B]]
// CHECK: %[[ABC:.*]] = llvm.fadd %[[AB]], %[[C]]
// CHECK: %[[MINE:.*]] = llvm.fadd %[[ABC]], %[[D]]
// CHECK: %[[NEXT:.*]] = llvm.call_intrinsic "llvm.nvvm.shfl.sync.bfly.f32"(%[[ALL]], %[[MINE]], %[[C1]], %[[C31]])
// CHECK: %[[TWO:.*]] = llvm.fadd %[[MINE]], %[[NEXT]]
// CHECK: %[[FAR:.*]] = llvm.call_intrinsic "llvm.nvvm.shfl.sync.bfly.f32"(%[[ALL]], %[[TWO]], %[[C2]], %[[C31]])
// CHECK: %[[ROW:.*]] = llvm.fadd %[[TWO]], %[[FAR]]
// CHECK-NOT: shfl
// CHECK: %[[PLACE:.*]] = llvm.and %[[LANE]], %[[C3]] : i32
// CHECK: %[[FIRST:.*]] = llvm.icmp "eq" %[[PLACE]], %[[C0]] : i32
// CHECK: %[[EXTENT:.*]] = llvm.select %[[FIRST]], %arg4, %[[C0]] : i1, i32
// CHECK: %[[STORES:.*]] = llvm.icmp "ult" %{{.*}}, %[[EXTENT]] : i32
// CHECK: llvm.cond_br %[[STORES]]
// CHECK: llvm.store %[[ROW]], %{{.*}} {alignment = 4 : i64} : f32, !llvm.ptr<1>
func.func @sum(%X: !tile.view<? x 16 x f32>, %Y: !tile.view<? x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c0 = arith.constant 0 : i32
  %x = tile.load %X[%c0, %c0] dims [0, 1] : !tile.view<? x 16 x f32> -> tensor<8x16xf32>
  %s = tile.reduce sum %x along 1 : tensor<8x16xf32> -> tensor<8xf32>
  tile.store %s, %Y[%c0] dims [0] : tensor<8xf32>, !tile.view<? x f32, out>
  return
}
