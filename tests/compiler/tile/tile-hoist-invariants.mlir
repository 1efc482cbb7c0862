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
