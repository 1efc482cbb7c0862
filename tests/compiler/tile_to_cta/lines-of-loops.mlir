// RUN: imbrex-opt %s -tile-to-cta -verify-diagnostics | FileCheck %s
// A line beside products by wgmma is copied ahead as the tiles are, from a view with a dimension that its one row is of; of
// a view that it is all of, each thread loads what it needs.
// CHECK-LABEL: @lines
// CHECK: cta.put %arg0
// CHECK-NOT: cta.put %arg1
// CHECK: tile.load %arg1
// CHECK: cta.put %arg2

func.func @lines(%Q: !tile.view<? x 64 x f16>, %L: !tile.view<? x f32>, %D: !tile.view<? x ? x f32>, %O: !tile.view<? x 64 x f32, out>, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %k = tile.load %Q[%c0, %c0] dims [0, 1] : !tile.view<? x 64 x f16> -> tensor<64x64xf16>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<64x64xf32>) : i32 {
    %row = arith.muli %i, %c64 overflow<nsw> : i32
    %q = tile.load %Q[%row, %c0] dims [0, 1] : !tile.view<? x 64 x f16> -> tensor<64x64xf16>
    // expected-remark @+1 {{not copied ahead: a line is copied of a view of two dimensions or more}}
    %l = tile.load %L[%row] dims [0] : !tile.view<? x f32> -> tensor<64xf32>
    %d = tile.load %D[%c0, %row] dims [1] : !tile.view<? x ? x f32> -> tensor<64xf32>
    %t = tile.transpose %q : tensor<64x64xf16> -> tensor<64x64xf16>
    // expected-remark @+1 {{product by wgmma}}
    %s = tile.dot %k, %t, %acc : tensor<64x64xf16>, tensor<64x64xf16>, tensor<64x64xf32>
    %le = tile.expand_dims %l at 0 : tensor<64xf32> -> tensor<1x64xf32>
    %lb = tile.broadcast %le : tensor<1x64xf32> -> tensor<64x64xf32>
    %de = tile.expand_dims %d at 0 : tensor<64xf32> -> tensor<1x64xf32>
    %db = tile.broadcast %de : tensor<1x64xf32> -> tensor<64x64xf32>
    %x = arith.addf %lb, %db : tensor<64x64xf32>
    %y = arith.addf %s, %x : tensor<64x64xf32>
    scf.yield %y : tensor<64x64xf32>
  }
  tile.store %sum, %O[%c0, %c0] dims [0, 1] : tensor<64x64xf32>, !tile.view<? x 64 x f32, out>
  return
}
