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

// A row of 512 over four warps of 128 elements, four a lane. Each warp makes its part, and all read the four parts; a
// warp's elements come after those before it: none for the first warp, the first part for the second, that of two runs
// for the third. f(a, b) = b - a tells which is which.
// CHECK-LABEL: llvm.func @scan(
// CHECK-DAG: %[[C0:.*]] = llvm.mlir.constant(0 : i32) : i32
// CHECK-DAG: %[[C1:.*]] = llvm.mlir.constant(1 : i32) : i32
// CHECK-DAG: %[[C2:.*]] = llvm.mlir.constant(2 : i32) : i32
// CHECK-COUNT-5: llvm.call_intrinsic "llvm.nvvm.shfl.sync.bfly.i32"
// CHECK: llvm.store %{{.*}} : i32, !llvm.ptr<3>
// CHECK: nvvm.barrier
// CHECK: %[[PARTS:.*]] = llvm.load %{{.*}} : !llvm.ptr<3> -> vector<4xi32>
// CHECK-DAG: %[[P0:.*]] = llvm.extractelement %[[PARTS]][%[[C0]] : i32]
// CHECK-DAG: %[[P1:.*]] = llvm.extractelement %[[PARTS]][%[[C1]] : i32]
// CHECK-DAG: %[[P2:.*]] = llvm.extractelement %[[PARTS]][%[[C2]] : i32]
// CHECK-COUNT-5: llvm.call_intrinsic "llvm.nvvm.shfl.sync.bfly.i32"
// CHECK: %[[TWO:.*]] = llvm.sub %[[P1]], %[[P0]] : i32
// CHECK: %[[THREE:.*]] = llvm.sub %[[P2]], %[[TWO]] : i32
// CHECK: %[[THIRD:.*]] = llvm.icmp "slt" %[[C1]], %[[WARP:.*]] : i32
// CHECK: %[[BEFORE:.*]] = llvm.select %[[THIRD]], %[[TWO]], %[[P0]] : i1, i32
// CHECK: %[[FOURTH:.*]] = llvm.icmp "slt" %[[C2]], %[[WARP]] : i32
// CHECK: %[[BEFORE3:.*]] = llvm.select %[[FOURTH]], %[[THREE]], %[[BEFORE]] : i1, i32
// CHECK: %[[LATER:.*]] = llvm.icmp "slt" %[[C0]], %[[WARP]] : i32
// CHECK: %[[CARRY:.*]] = llvm.sub %{{.*}}, %[[BEFORE3]] : i32
// CHECK-NOT: shfl
func.func @scan(%X: !tile.view<? x 512 x i32>, %Y: !tile.view<? x 512 x i32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %x = tile.load %X[%c0, %c0] dims [0, 1] : !tile.view<? x 512 x i32> -> tensor<1x512xi32>
  %s = tile.scan %x along 1 : tensor<1x512xi32> -> tensor<1x512xi32> {
  ^bb0(%a: i32, %b: i32):
    %d = arith.subi %b, %a : i32
    tile.yield %d : i32
  }
  tile.store %s, %Y[%c0, %c0] dims [0, 1] : tensor<1x512xi32>, !tile.view<? x 512 x i32, out>
  return
}

// -----

// Two warps that take turns: warp 0 has runs 0 and 2, warp 1 runs 1 and 3, each with what comes before it.
#turns = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 2 stride 1 repeat 2">
#all = #cta.layout<"reg (1) (2) lane (0) (0) (0) (0) (0) warps 1 stride 1 repeat 1">
// CHECK-LABEL: llvm.func @turns(
// CHECK-DAG: %[[C0:.*]] = llvm.mlir.constant(0 : i32) : i32
// CHECK-COUNT-10: llvm.call_intrinsic "llvm.nvvm.shfl.sync.bfly.i32"
// CHECK: llvm.sub
// CHECK: %[[P1:.*]] = llvm.sub %{{.*}}, %[[P0:.*]] : i32
// CHECK: %[[P2:.*]] = llvm.sub %{{.*}}, %[[P1]] : i32
// CHECK: %[[LATER:.*]] = llvm.icmp "slt" %[[C0]], %[[WARP:.*]] : i32
// CHECK: llvm.sub %{{.*}}, %[[P0]] : i32
// CHECK: %[[SECOND:.*]] = llvm.icmp "slt" %[[C0]], %[[WARP]] : i32
// CHECK: llvm.select %[[SECOND]], %[[P2]], %[[P1]] : i1, i32
func.func @turns(%X: !tile.view<? x i32>, %Y: !tile.view<? x i32, out>) attributes {cta.launch = #cta.launch<"sm_80", threads 64, shared 0, registers 255>} {
  %c0 = arith.constant 0 : i32
  %x = tile.load %X[%c0] dims [0] : !tile.view<? x i32> -> tensor<128xi32, #turns>
  %p = tile.load %X[%c0] dims [0] : !tile.view<? x i32> -> tensor<4xi32, #all>
  %s = cta.scan %x after %p along 0 : tensor<128xi32, #turns> after tensor<4xi32, #all> -> tensor<128xi32, #turns> {
  ^bb0(%a: i32, %b: i32):
    %d = arith.subi %b, %a : i32
    tile.yield %d : i32
  }
  tile.store %s, %Y[%c0] dims [0] : tensor<128xi32, #turns>, !tile.view<? x i32, out>
  return
}
