// RUN: imbrex-opt %s -split-input-file -cta-pipeline -cta-to-nvvm -canonicalize | FileCheck %s

// Rows of 8 over four lanes, two elements a lane: first those of the lane in order; then of lanes 1 and 2 apart, where
// the lane whose bit is set comes second. f(a, b) = b - a tells which is which.
// CHECK-LABEL: llvm.func @combine(
// CHECK-DAG: %[[C0:.*]] = llvm.mlir.constant(0 : i32) : i32
// CHECK-DAG: %[[C1:.*]] = llvm.mlir.constant(1 : i32) : i32
// CHECK-DAG: %[[C2:.*]] = llvm.mlir.constant(2 : i32) : i32
// CHECK-DAG: %[[ALL:.*]] = llvm.mlir.constant(-1 : i32) : i32
// CHECK-DAG: %[[C31:.*]] = llvm.mlir.constant(31 : i32) : i32
// CHECK: %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x : i32
// CHECK: %[[LANE:.*]] = llvm.and %[[TID]], %[[C31]] : i32
// CHECK: ^bb2(%[[A:.*]]: f32, %[[B:.*]]: f32):
// CHECK: %[[MINE:.*]] = llvm.fsub %[[B]], %[[A]]
// CHECK: %[[OTHER:.*]] = llvm.call_intrinsic "llvm.nvvm.shfl.sync.bfly.f32"(%[[ALL]], %[[MINE]], %[[C1]], %[[C31]])
// CHECK: %[[BIT:.*]] = llvm.and %[[LANE]], %[[C1]] : i32
// CHECK: %[[HIGH:.*]] = llvm.icmp "ne" %[[BIT]], %[[C0]] : i32
// CHECK: %[[FIRST:.*]] = llvm.select %[[HIGH]], %[[OTHER]], %[[MINE]]
// CHECK: %[[SECOND:.*]] = llvm.select %[[HIGH]], %[[MINE]], %[[OTHER]]
// CHECK: %[[FOUR:.*]] = llvm.fsub %[[SECOND]], %[[FIRST]]
// CHECK: llvm.call_intrinsic "llvm.nvvm.shfl.sync.bfly.f32"(%[[ALL]], %[[FOUR]], %[[C2]], %[[C31]])
// CHECK-NOT: shfl
func.func @combine(%X: !tile.view<? x 8 x f32>, %Y: !tile.view<? x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c0 = arith.constant 0 : i32
  %x = tile.load %X[%c0, %c0] dims [0, 1] : !tile.view<? x 8 x f32> -> tensor<8x8xf32>
  %s = tile.combine %x along 1 : tensor<8x8xf32> -> tensor<8xf32> {
  ^bb0(%a: f32, %b: f32):
    %d = arith.subf %b, %a : f32
    tile.yield %d : f32
  }
  tile.store %s, %Y[%c0] dims [0] : tensor<8xf32>, !tile.view<? x f32, out>
  return
}

// -----

// What is spread over several warps comes into one through shared memory, and a lane takes neighbours.
// CHECK-LABEL: llvm.func @scan(
// CHECK: nvvm.barrier
// CHECK: llvm.call_intrinsic "llvm.nvvm.shfl.sync.bfly.i32"
func.func @scan(%X: !tile.view<? x 512 x i32>, %Y: !tile.view<? x 512 x i32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %loaded = tile.load %X[%c0, %c0] dims [0, 1] : !tile.view<? x 512 x i32> -> tensor<4x512xi32>
  %sums = tile.reduce sum %loaded along 0 : tensor<4x512xi32> -> tensor<512xi32>
  %x = tile.expand_dims %sums at 0 : tensor<512xi32> -> tensor<1x512xi32>
  %s = tile.scan %x along 1 : tensor<1x512xi32> -> tensor<1x512xi32> {
  ^bb0(%a: i32, %b: i32):
    %d = arith.addi %a, %b : i32
    tile.yield %d : i32
  }
  tile.store %s, %Y[%c0, %c0] dims [0, 1] : tensor<1x512xi32>, !tile.view<? x 512 x i32, out>
  return
}
