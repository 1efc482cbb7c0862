// RUN: imbrex-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(cta-split-loops))' | FileCheck %s

// 16 j <= r: the first iterations do without the test, the rest is as it was.
// CHECK-LABEL: @upper
// CHECK: %[[FIRST:.*]] = scf.for %{{.*}} = %[[C0:.*]] to %[[HIGH:.*]] step %{{.*}} iter_args(%{{.*}} = %arg0)
// CHECK-NOT: scf.if
// CHECK:   arith.addf
// CHECK-NOT: arith.mulf
// CHECK: }
// CHECK: %[[SECOND:.*]] = scf.for %{{.*}} = %[[HIGH]] to %arg1 step %{{.*}} iter_args(%{{.*}} = %[[FIRST]])
// CHECK:   scf.if
// CHECK: return %[[SECOND]]
func.func @upper(%x: tensor<16x16xf32>, %n: i32, %r: i32) -> tensor<16x16xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c16 = arith.constant 16 : i64
  %y = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %x) -> (tensor<16x16xf32>) : i32 {
    %wide = arith.extsi %j : i32 to i64
    %at = arith.muli %wide, %c16 overflow<nsw> : i64
    %limit = arith.extsi %r : i32 to i64
    %in = arith.cmpi sle, %at, %limit : i64
    // expected-remark @+1 {{split: one range of the loop does without this test}}
    %z = scf.if %in -> (tensor<16x16xf32>) {
      %a = arith.addf %acc, %x : tensor<16x16xf32>
      scf.yield %a : tensor<16x16xf32>
    } else {
      %b = arith.mulf %acc, %x : tensor<16x16xf32>
      scf.yield %b : tensor<16x16xf32>
    }
    scf.yield %z : tensor<16x16xf32>
  }
  return %y : tensor<16x16xf32>
}

// -----

// Bounds on both sides: three ranges.
// CHECK-LABEL: @both
// CHECK: scf.for
// CHECK: scf.if
// CHECK: scf.for
// CHECK-NOT: scf.if
// CHECK: scf.for
// CHECK: scf.if
func.func @both(%x: tensor<16x16xf32>, %n: i32, %r: i32, %s: i32) -> tensor<16x16xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %y = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %x) -> (tensor<16x16xf32>) : i32 {
    %above = arith.cmpi sge, %j, %r : i32
    %below = arith.cmpi slt, %j, %s : i32
    %in = arith.andi %above, %below : i1
    // expected-remark @+1 {{split: one range of the loop does without this test}}
    %z = scf.if %in -> (tensor<16x16xf32>) {
      scf.yield %acc : tensor<16x16xf32>
    } else {
      %b = arith.mulf %acc, %x : tensor<16x16xf32>
      scf.yield %b : tensor<16x16xf32>
    }
    scf.yield %z : tensor<16x16xf32>
  }
  return %y : tensor<16x16xf32>
}

// -----

// A test of what the loop computes, or of something that is not linear: the loop stays.
// CHECK-LABEL: @other
// CHECK-COUNT-1: scf.for
// CHECK-NOT: scf.for
func.func @other(%x: tensor<16x16xf32>, %n: i32) -> tensor<16x16xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %y = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %x) -> (tensor<16x16xf32>) : i32 {
    %square = arith.muli %j, %j overflow<nsw> : i32
    %in = arith.cmpi slt, %square, %n : i32
    %z = scf.if %in -> (tensor<16x16xf32>) {
      scf.yield %acc : tensor<16x16xf32>
    } else {
      %b = arith.mulf %acc, %x : tensor<16x16xf32>
      scf.yield %b : tensor<16x16xf32>
    }
    scf.yield %z : tensor<16x16xf32>
  }
  return %y : tensor<16x16xf32>
}

// -----

#l = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x2">

// A carried product whose successor is made beside it: two iterations in turn, the odd one behind.
// CHECK-LABEL: @in_turn
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[HIGH:.*]] step %c2
// CHECK:   cta.dot
// CHECK:   cta.dot
// CHECK: scf.for %{{.*}} = %[[HIGH]] to %arg1 step %c1
// CHECK:   cta.dot
// CHECK-NOT: cta.dot
func.func @in_turn(%x: tensor<16x16xf32, #l>, %n: i32, %a: !cta.buffer<16, 16, bf16, span 32>) -> tensor<16x16xf32, #l> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32, #l>
  %y:2 = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %x, %s = %x) -> (tensor<16x16xf32, #l>, tensor<16x16xf32, #l>) : i32 {
    %t = cta.dot mma buffer %a : !cta.buffer<16, 16, bf16, span 32>, %a, %none : !cta.buffer<16, 16, bf16, span 32>, tensor<16x16xf32, #l> -> tensor<16x16xf32, #l>
    %b = arith.addf %acc, %s : tensor<16x16xf32, #l>
    scf.yield %b, %t : tensor<16x16xf32, #l>, tensor<16x16xf32, #l>
  }
  return %y#0 : tensor<16x16xf32, #l>
}

// -----

// Where 16 j + 16 <= the extent that is written N, a tile of 16 columns from 16 j lies inside a view with that extent:
// of the first loop, of one view, along its columns; of the rows nothing is known, nor of the other view. So with a store.
// CHECK-LABEL: @inside
// CHECK: scf.for
// CHECK:   tile.load %arg1[%{{.*}}, %[[K:.*]]] dims [0, 1] within [1] from %[[K]] to %[[END:.*]] certain :
// CHECK:   tile.load %arg2[%{{.*}}, %{{.*}}] dims [0, 1] :
// CHECK:   tile.store %{{.*}}, %arg6[%{{.*}}, %[[TO:.*]]] dims [0, 1] within [1] from %[[TO]] to %{{.*}} certain adds :
// CHECK: scf.for
// CHECK:   tile.load %arg1[%{{.*}}, %{{.*}}] dims [0, 1] :
// CHECK:   tile.store %{{.*}}, %arg6[%{{.*}}, %{{.*}}] dims [0, 1] adds :
func.func @inside(%x: tensor<16x16xf32>, %b: !tile.view<? x ? x f32> {tile.extents = ["M", "N"], tile.name = "b", tile.alignment = 4 : i32},
    %c: !tile.view<? x ? x f32> {tile.extents = ["M", "L"], tile.name = "c", tile.alignment = 4 : i32},
    %k: !tile.view<? x f32> {tile.extents = ["N"], tile.name = "k", tile.alignment = 4 : i32}, %n: i32, %i: i32,
    %s: !tile.view<? x ? x f32, var> {tile.extents = ["M", "N"], tile.name = "s", tile.alignment = 4 : i32}) -> tensor<16x16xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c16 = arith.constant 16 : i32
  %size = tile.extent %k, 0 : !tile.view<? x f32>
  %y = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %x) -> (tensor<16x16xf32>) : i32 {
    %at = arith.muli %j, %c16 overflow<nsw> : i32
    %first = arith.muli %j, %c16 : i32
    %end = arith.addi %at, %c16 overflow<nsw> : i32
    %in = arith.cmpi sle, %end, %size : i32
    %u = tile.load %b[%i, %first] dims [0, 1] : !tile.view<? x ? x f32> -> tensor<16x16xf32>
    %v = tile.load %c[%i, %first] dims [0, 1] : !tile.view<? x ? x f32> -> tensor<16x16xf32>
    %w = arith.addf %u, %v : tensor<16x16xf32>
    tile.store %w, %s[%i, %first] dims [0, 1] adds : tensor<16x16xf32>, !tile.view<? x ? x f32, var>
    // expected-remark @+1 {{split: one range of the loop does without this test}}
    %z = scf.if %in -> (tensor<16x16xf32>) {
      %a = arith.addf %acc, %w : tensor<16x16xf32>
      scf.yield %a : tensor<16x16xf32>
    } else {
      %d = arith.mulf %acc, %w : tensor<16x16xf32>
      scf.yield %d : tensor<16x16xf32>
    }
    scf.yield %z : tensor<16x16xf32>
  }
  return %y : tensor<16x16xf32>
}
