// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(cta-defer-reductions))' -verify-diagnostics | FileCheck %s

#x = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 2x1 stride 1x1 repeat 1x1">
#row = #cta.layout<"reg (8) lane (0) (0) (1) (2) (4) warps 2 stride 1 repeat 1">

// A scaled sum: four lanes' parts are carried, scaled by the row's factor, and added up after the loop.
// CHECK-LABEL: @scaled
// CHECK: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<32x4xf32, #cta.layout<"reg (8,0) lane (0,1) (0,2) (1,0) (2,0) (4,0) warps 2x1 stride 1x1 repeat 1x1">>
// CHECK: %[[L:.*]] = scf.for {{.*}} iter_args(%[[OLD:.*]] = %[[ZERO]])
// CHECK: %[[PARTS:.*]] = cta.reduce sum %{{.*}} along 1 per lane
// CHECK: %[[COLUMN:.*]] = tile.expand_dims %{{.*}} at 1
// CHECK: %[[A:.*]] = tile.broadcast %[[COLUMN]]
// CHECK: %[[SCALED:.*]] = arith.mulf %[[OLD]], %[[A]]
// CHECK: %[[NEXT:.*]] = arith.addf %[[SCALED]], %[[PARTS]]
// CHECK: scf.yield %[[NEXT]]
// CHECK: %[[TOTAL:.*]] = tile.reduce sum %[[L]] along 1 : {{.*}} -> tensor<32xf32, #cta.layout<"reg (8) lane (0) (0) (1) (2) (4) warps 2 stride 1 repeat 1">>
// CHECK: return %[[TOTAL]]
func.func @scaled(%p: tensor<32x8xf32, #x>, %a: tensor<32xf32, #row>, %n: i32) -> tensor<32xf32, #row> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<32xf32, #row>
  %l = scf.for %j = %c0 to %n step %c1 iter_args(%old = %zero) -> (tensor<32xf32, #row>) : i32 {
    %scaled = arith.mulf %old, %a : tensor<32xf32, #row>
    // expected-remark @+1 {{kept a lane in the loop, combined once after it}}
    %sum = tile.reduce sum %p along 1 : tensor<32x8xf32, #x> -> tensor<32xf32, #row>
    %next = arith.addf %scaled, %sum : tensor<32xf32, #row>
    scf.yield %next : tensor<32xf32, #row>
  }
  return %l : tensor<32xf32, #row>
}

// A largest element that nothing reads in the loop is deferred too.
// CHECK-LABEL: @largest
// CHECK: scf.for
// CHECK: cta.reduce max
// CHECK: tile.reduce max
func.func @largest(%p: tensor<32x8xf32, #x>, %n: i32) -> tensor<32xf32, #row> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %start = arith.constant dense<0xFF800000> : tensor<32xf32, #row>
  %m = scf.for %j = %c0 to %n step %c1 iter_args(%old = %start) -> (tensor<32xf32, #row>) : i32 {
    // expected-remark @+1 {{kept a lane in the loop, combined once after it}}
    %most = tile.reduce max %p along 1 : tensor<32x8xf32, #x> -> tensor<32xf32, #row>
    %next = arith.maxnumf %most, %old : tensor<32xf32, #row>
    scf.yield %next : tensor<32xf32, #row>
  }
  return %m : tensor<32xf32, #row>
}

// Read in every iteration, scaled where scaling does not commute, or started from anything: left alone.
// CHECK-LABEL: @read
// CHECK-NOT: cta.reduce
func.func @read(%p: tensor<32x8xf32, #x>, %a: tensor<32xf32, #row>, %start: tensor<32xf32, #row>, %n: i32) -> (tensor<32xf32, #row>, tensor<32xf32, #row>, tensor<32xf32, #row>, tensor<32xf32, #row>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<32xf32, #row>
  %r:4 = scf.for %j = %c0 to %n step %c1 iter_args(%x = %zero, %y = %zero, %z = %start, %w = %zero) -> (tensor<32xf32, #row>, tensor<32xf32, #row>, tensor<32xf32, #row>, tensor<32xf32, #row>) : i32 {
    %sum = tile.reduce sum %p along 1 : tensor<32x8xf32, #x> -> tensor<32xf32, #row>
    %x1 = arith.addf %x, %sum : tensor<32xf32, #row>
    %most = tile.reduce max %p along 1 : tensor<32x8xf32, #x> -> tensor<32xf32, #row>
    %y0 = arith.mulf %y, %a : tensor<32xf32, #row>
    %y1 = arith.maxnumf %y0, %most : tensor<32xf32, #row>
    // expected-remark @+1 {{combined in every iteration: what the loop starts from is not a constant}}
    %more = tile.reduce sum %p along 1 : tensor<32x8xf32, #x> -> tensor<32xf32, #row>
    %z1 = arith.addf %z, %more : tensor<32xf32, #row>
    %w1 = arith.addf %w, %x1 : tensor<32xf32, #row>
    scf.yield %x1, %y1, %z1, %w1 : tensor<32xf32, #row>, tensor<32xf32, #row>, tensor<32xf32, #row>, tensor<32xf32, #row>
  }
  return %r#0, %r#1, %r#2, %r#3 : tensor<32xf32, #row>, tensor<32xf32, #row>, tensor<32xf32, #row>, tensor<32xf32, #row>
}
