// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-hoist-invariants))' -verify-diagnostics | FileCheck %s

// A product of what is known before both loops leaves both; one with what the outer loop makes leaves the inner one. What
// costs nothing moves too, and is not told.
// CHECK-LABEL: func.func @invariants
// CHECK: tile.splat
// CHECK: arith.mulf
// CHECK: scf.for
// CHECK: arith.addf
// CHECK: scf.for
// CHECK: arith.subf
func.func @invariants(%x: tensor<64xf32>, %s: f32, %n: i32, %Y: !tile.view<? x f32, out>) {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  scf.for %i = %zero to %n step %one : i32 {
    %f = arith.sitofp %i : i32 to f32
    %outer = tile.splat %f : f32 -> tensor<64xf32>
    scf.for %j = %zero to %n step %one : i32 {
      %all = tile.splat %s : f32 -> tensor<64xf32>
      // expected-remark @+2 {{made before the loop of line 18, in which it stays the same}}
      // expected-remark @+1 {{made before the loop of line 15, in which it stays the same}}
      %a = arith.mulf %x, %all : tensor<64xf32>
      // expected-remark @+1 {{made before the loop of line 18, in which it stays the same}}
      %b = arith.addf %x, %outer : tensor<64xf32>
      %g = arith.sitofp %j : i32 to f32
      %inner = tile.splat %g : f32 -> tensor<64xf32>
      %c = arith.subf %a, %inner : tensor<64xf32>
      %d = arith.subf %b, %c : tensor<64xf32>
      tile.store %d, %Y[%j] dims [0] : tensor<64xf32>, !tile.view<? x f32, out>
    }
  }
  return
}

// What is loaded of an input at the same place leaves too; not of a view that is written, nor what takes too many registers.
// CHECK-LABEL: func.func @loads
// CHECK: tile.load %{{.*}} -> tensor<64xf32>
// CHECK: scf.for
// CHECK: tile.load %{{.*}}, var> -> tensor<64xf32>
// CHECK: tile.load %{{.*}} -> tensor<64x64xf32>
// CHECK: tile.load %{{.*}} -> tensor<32xf32>
func.func @loads(%X: !tile.view<? x f32>, %V: !tile.view<? x f32, var>, %M: !tile.view<? x ? x f32>, %n: i32, %Y: !tile.view<? x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  scf.for %j = %zero to %n step %one : i32 {
    // expected-remark @+1 {{made before the loop of line 45, in which it stays the same}}
    %x = tile.load %X[%zero] dims [0] : !tile.view<? x f32> -> tensor<64xf32>
    %v = tile.load %V[%zero] dims [0] : !tile.view<? x f32, var> -> tensor<64xf32>
    %m = tile.load %M[%zero, %zero] dims [0, 1] : !tile.view<? x ? x f32> -> tensor<64x64xf32>
    %s = tile.load %X[%j] dims [0] : !tile.view<? x f32> -> tensor<32xf32>
    %r = tile.reduce sum %m along 1 : tensor<64x64xf32> -> tensor<64xf32>
    %a = arith.addf %x, %v : tensor<64xf32>
    %b = arith.addf %a, %r : tensor<64xf32>
    tile.store %b, %Y[%j] dims [0] : tensor<64xf32>, !tile.view<? x f32, out>
    tile.store %s, %Y[%j] dims [0] : tensor<32xf32>, !tile.view<? x f32, out>
  }
  return
}
