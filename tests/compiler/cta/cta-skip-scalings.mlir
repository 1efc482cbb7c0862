// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(cta-skip-scalings))' -verify-diagnostics | FileCheck %s

#x = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 2x1 stride 1x1 repeat 1x1">
#row = #cta.layout<"reg (8) lane (0) (0) (1) (2) (4) warps 2 stride 1 repeat 1">
#few = #cta.layout<"reg (8,0) lane (0,1) (0,2) (1,0) (2,0) (4,0) warps 2x1 stride 1x1 repeat 1x1">
#col = #cta.layout<"reg (8,0) lane (0,0) (0,0) (1,0) (2,0) (4,0) warps 2x1 stride 1x1 repeat 1x1">

// CHECK-LABEL: @mostly_one
// CHECK-SAME: %[[C:[^:]*]]: tensor<32xi1
// CHECK: scf.for {{.*}} iter_args(%[[OLD:.*]] =
// CHECK: %[[ANY:.*]] = cta.any %[[C]]
// CHECK: %[[NEXT:.*]] = scf.if %[[ANY]]
// CHECK: %[[A:.*]] = arith.select %[[C]]
// CHECK: %[[COLUMN:.*]] = tile.expand_dims %[[A]] at 1
// CHECK: %[[ALL:.*]] = tile.broadcast %[[COLUMN]]
// CHECK: arith.mulf %[[OLD]], %[[ALL]]
// CHECK: else
// CHECK: scf.yield %[[OLD]]
// CHECK: scf.yield %[[NEXT]]
func.func @mostly_one(%c: tensor<32xi1, #row>, %f: tensor<32xf32, #row>, %start: tensor<32x64xf32, #x>, %n: i32) -> tensor<32x64xf32, #x> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %one = arith.constant dense<1.0> : tensor<32xf32, #row>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%old = %start) -> (tensor<32x64xf32, #x>) : i32 {
    %a = arith.select %c, %f, %one : tensor<32xi1, #row>, tensor<32xf32, #row>
    %column = tile.expand_dims %a at 1 : tensor<32xf32, #row> -> tensor<32x1xf32, #col>
    %all = tile.broadcast %column : tensor<32x1xf32, #col> -> tensor<32x64xf32, #x>
    // expected-remark @+1 {{scaled only in warps where a row's factor is not 1}}
    %next = arith.mulf %old, %all : tensor<32x64xf32, #x>
    scf.yield %next : tensor<32x64xf32, #x>
  }
  return %r : tensor<32x64xf32, #x>
}

// The other arm is 1: the vote is on the negation.
// CHECK-LABEL: @one_if
// CHECK-SAME: %[[C:[^:]*]]: tensor<32xi1
// CHECK: %[[NOT:.*]] = arith.xori %[[C]],
// CHECK: cta.any %[[NOT]]
func.func @one_if(%c: tensor<32xi1, #row>, %f: tensor<32xf32, #row>, %start: tensor<32x64xf32, #x>, %n: i32) -> tensor<32x64xf32, #x> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %one = arith.constant dense<1.0> : tensor<32xf32, #row>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%old = %start) -> (tensor<32x64xf32, #x>) : i32 {
    %a = arith.select %c, %one, %f : tensor<32xi1, #row>, tensor<32xf32, #row>
    %column = tile.expand_dims %a at 1 : tensor<32xf32, #row> -> tensor<32x1xf32, #col>
    %all = tile.broadcast %column : tensor<32x1xf32, #col> -> tensor<32x64xf32, #x>
    // expected-remark @+1 {{scaled only in warps where a row's factor is not 1}}
    %next = arith.mulf %all, %old : tensor<32x64xf32, #x>
    scf.yield %next : tensor<32x64xf32, #x>
  }
  return %r : tensor<32x64xf32, #x>
}

// What the same rows scale, however small, is scaled in the same branch, and what gives the factors is made there; not
// what is asked for elsewhere too (the difference), nor what would hold more registers than it gives (the maximum).
// CHECK-LABEL: @together
// CHECK: scf.for {{.*}} iter_args(%[[OLD:.*]] = {{.*}}, %[[L:.*]] = {{.*}}, %[[M:[^ ]*]] =
// CHECK: %[[MAX:.*]] = tile.reduce max
// CHECK: %[[D:.*]] = arith.subf %[[M]], %[[MAX]]
// CHECK-NOT: math.exp2
// CHECK: %[[NEXT:.*]]:2 = scf.if
// CHECK: %[[E:.*]] = math.exp2 %[[D]]
// CHECK: %[[A:.*]] = arith.select {{.*}}, %[[E]],
// CHECK: arith.mulf %[[OLD]],
// CHECK: arith.mulf %[[L]],
// CHECK: else
// CHECK: scf.yield %[[OLD]], %[[L]]
// CHECK: arith.addf %[[NEXT]]#1, %{{.*}}
func.func @together(%start: tensor<32x64xf32, #x>, %n: i32, %few: tensor<32x4xf32, #few>, %rows: tensor<32xf32, #row>) -> (tensor<32x64xf32, #x>, tensor<32x4xf32, #few>, tensor<32xf32, #row>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %one = arith.constant dense<1.0> : tensor<32xf32, #row>
  %r:3 = scf.for %j = %c0 to %n step %c1 iter_args(%old = %start, %l = %few, %m = %rows) -> (tensor<32x64xf32, #x>, tensor<32x4xf32, #few>, tensor<32xf32, #row>) : i32 {
    %max = tile.reduce max %start along 1 : tensor<32x64xf32, #x> -> tensor<32xf32, #row>
    %d = arith.subf %m, %max : tensor<32xf32, #row>
    %c = arith.cmpf ogt, %d, %one : tensor<32xf32, #row>
    %e = math.exp2 %d : tensor<32xf32, #row>
    %a = arith.select %c, %e, %one : tensor<32xi1, #row>, tensor<32xf32, #row>
    %column = tile.expand_dims %a at 1 : tensor<32xf32, #row> -> tensor<32x1xf32, #col>
    %all = tile.broadcast %column : tensor<32x1xf32, #col> -> tensor<32x64xf32, #x>
    // expected-remark @+1 {{scaled only in warps where a row's factor is not 1}}
    %next = arith.mulf %old, %all : tensor<32x64xf32, #x>
    %lanes = tile.broadcast %column : tensor<32x1xf32, #col> -> tensor<32x4xf32, #few>
    %scaled = arith.mulf %l, %lanes : tensor<32x4xf32, #few>
    %sum = arith.addf %scaled, %few : tensor<32x4xf32, #few>
    scf.yield %next, %sum, %d : tensor<32x64xf32, #x>, tensor<32x4xf32, #few>, tensor<32xf32, #row>
  }
  return %r#0, %r#1, %r#2 : tensor<32x64xf32, #x>, tensor<32x4xf32, #few>, tensor<32xf32, #row>
}

// A factor that is never known to be 1, and a tile of few registers, are multiplied.
// CHECK-LABEL: @multiply
// CHECK-NOT: cta.any
func.func @multiply(%c: tensor<32xi1, #row>, %f: tensor<32xf32, #row>, %start: tensor<32x64xf32, #x>, %l: tensor<32xf32, #row>, %n: i32) -> (tensor<32x64xf32, #x>, tensor<32xf32, #row>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %one = arith.constant dense<1.0> : tensor<32xf32, #row>
  %two = arith.constant dense<2.0> : tensor<32xf32, #row>
  %r:2 = scf.for %j = %c0 to %n step %c1 iter_args(%old = %start, %m = %l) -> (tensor<32x64xf32, #x>, tensor<32xf32, #row>) : i32 {
    %a = arith.select %c, %f, %two : tensor<32xi1, #row>, tensor<32xf32, #row>
    %column = tile.expand_dims %a at 1 : tensor<32xf32, #row> -> tensor<32x1xf32, #col>
    %all = tile.broadcast %column : tensor<32x1xf32, #col> -> tensor<32x64xf32, #x>
    %next = arith.mulf %old, %all : tensor<32x64xf32, #x>
    %b = arith.select %c, %f, %one : tensor<32xi1, #row>, tensor<32xf32, #row>
    %few = arith.mulf %m, %b : tensor<32xf32, #row>
    scf.yield %next, %few : tensor<32x64xf32, #x>, tensor<32xf32, #row>
  }
  return %r#0, %r#1 : tensor<32x64xf32, #x>, tensor<32xf32, #row>
}

// What the same rows scale but is used before the branch can stand (by what the large tile is made of) is scaled for
// itself.
// CHECK-LABEL: @used_before
// CHECK: scf.for {{.*}} iter_args(%[[OLD:.*]] = {{.*}}, %[[L:.*]] = %
// CHECK: %[[SCALED:.*]] = arith.mulf %[[L]],
// CHECK: %[[SUM:.*]] = arith.addf %[[OLD]],
// CHECK: %[[NEXT:.*]] = scf.if
// CHECK: arith.mulf %[[SUM]],
// CHECK: else
// CHECK: scf.yield %[[SUM]]
// CHECK: scf.yield %[[NEXT]], %[[SCALED]]
func.func @used_before(%c: tensor<32xi1, #row>, %f: tensor<32xf32, #row>, %start: tensor<32x64xf32, #x>, %few: tensor<32x1xf32, #col>, %n: i32) -> (tensor<32x64xf32, #x>, tensor<32x1xf32, #col>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %one = arith.constant dense<1.0> : tensor<32xf32, #row>
  %r:2 = scf.for %j = %c0 to %n step %c1 iter_args(%old = %start, %l = %few) -> (tensor<32x64xf32, #x>, tensor<32x1xf32, #col>) : i32 {
    %a = arith.select %c, %f, %one : tensor<32xi1, #row>, tensor<32xf32, #row>
    %column = tile.expand_dims %a at 1 : tensor<32xf32, #row> -> tensor<32x1xf32, #col>
    %all = tile.broadcast %column : tensor<32x1xf32, #col> -> tensor<32x64xf32, #x>
    %scaled = arith.mulf %l, %column : tensor<32x1xf32, #col>
    %wide = tile.broadcast %scaled : tensor<32x1xf32, #col> -> tensor<32x64xf32, #x>
    %sum = arith.addf %old, %wide : tensor<32x64xf32, #x>
    // expected-remark @+1 {{scaled only in warps where a row's factor is not 1}}
    %next = arith.mulf %sum, %all : tensor<32x64xf32, #x>
    scf.yield %next, %scaled : tensor<32x64xf32, #x>, tensor<32x1xf32, #col>
  }
  return %r#0, %r#1 : tensor<32x64xf32, #x>, tensor<32x1xf32, #col>
}
