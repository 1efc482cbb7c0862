// RUN: imbrex-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: @extent
func.func @extent(%v: !tile.view<? x 64 x f32>) -> i32 {
  // CHECK: %[[C:.*]] = arith.constant 64 : i32
  // CHECK: return %[[C]]
  %0 = tile.extent %v, 1 : !tile.view<? x 64 x f32>
  return %0 : i32
}

// CHECK-LABEL: @splat
func.func @splat() -> tensor<8x8xf32> {
  // CHECK: arith.constant dense<2.000000e+00> : tensor<8x8xf32>
  // CHECK-NOT: tile.
  %c = arith.constant 2.0 : f32
  %t = tile.splat %c : f32 -> tensor<8x1xf32>
  %b = tile.broadcast %t : tensor<8x1xf32> -> tensor<8x8xf32>
  return %b : tensor<8x8xf32>
}

// CHECK-LABEL: @transpose_twice
func.func @transpose_twice(%t: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // CHECK-NEXT: return %arg0
  %a = tile.transpose %t : tensor<8x4xf32> -> tensor<4x8xf32>
  %b = tile.transpose %a : tensor<4x8xf32> -> tensor<8x4xf32>
  return %b : tensor<8x4xf32>
}

// CHECK-LABEL: @broadcast_to_itself
func.func @broadcast_to_itself(%t: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // CHECK-NEXT: return %arg0
  %a = tile.broadcast %t : tensor<8x4xf32> -> tensor<8x4xf32>
  return %a : tensor<8x4xf32>
}
