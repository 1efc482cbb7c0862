// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-split-masks))' | FileCheck %s

// CHECK-LABEL: @bound
func.func @bound(%x: tensor<32x32xf32>, %n: i32, %ub: i32) -> tensor<32x32xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c32 = arith.constant 32 : i32
  %inf = arith.constant dense<0xFF800000> : tensor<32x32xf32>
  %cols = tile.iota : tensor<32xi32>
  %c = tile.expand_dims %cols at 0 : tensor<32xi32> -> tensor<1x32xi32>
  %ns = tile.splat %n : i32 -> tensor<1x32xi32>
  %r = scf.for %j = %c0 to %ub step %c1 iter_args(%acc = %x) -> (tensor<32x32xf32>) : i32 {
    %j0 = arith.muli %j, %c32 overflow<nsw> : i32
    %js = tile.splat %j0 : i32 -> tensor<1x32xi32>
    %k = arith.addi %c, %js overflow<nsw> : tensor<1x32xi32>
    %in = arith.cmpi slt, %k, %ns : tensor<1x32xi32>
    %mask = tile.broadcast %in : tensor<1x32xi1> -> tensor<32x32xi1>
    // CHECK: %[[ALL:.*]] = arith.andi
    // CHECK: scf.if %[[ALL]] -> (tensor<32x32xf32>) {
    // CHECK-NEXT: scf.yield %[[X:.*]] :
    // CHECK-NEXT: } else {
    // CHECK: arith.select %{{.*}}, %[[X]]
    %s = arith.select %mask, %acc, %inf : tensor<32x32xi1>, tensor<32x32xf32>
    scf.yield %s : tensor<32x32xf32>
  }
  return %r : tensor<32x32xf32>
}

// A small tile is not worth a branch.
// CHECK-LABEL: @small
// CHECK-NOT: scf.if
func.func @small(%x: tensor<4x4xf32>, %m: tensor<4x4xi1>, %ub: i32) -> tensor<4x4xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %z = arith.constant dense<0.0> : tensor<4x4xf32>
  %r = scf.for %j = %c0 to %ub step %c1 iter_args(%acc = %x) -> (tensor<4x4xf32>) : i32 {
    %s = arith.select %m, %acc, %z : tensor<4x4xi1>, tensor<4x4xf32>
    scf.yield %s : tensor<4x4xf32>
  }
  return %r : tensor<4x4xf32>
}

// The column number may wrap: no scalar test says that all of a tile is visible.
// CHECK-LABEL: @wraps
// CHECK-NOT: scf.if
func.func @wraps(%x: tensor<32x32xf32>, %n: i32, %start: i32, %ub: i32) -> tensor<32x32xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %inf = arith.constant dense<0xFF800000> : tensor<32x32xf32>
  %cols = tile.iota : tensor<32xi32>
  %starts = tile.splat %start : i32 -> tensor<32xi32>
  %k = arith.addi %cols, %starts : tensor<32xi32>
  %ns = tile.splat %n : i32 -> tensor<32xi32>
  %r = scf.for %j = %c0 to %ub step %c1 iter_args(%acc = %x) -> (tensor<32x32xf32>) : i32 {
    %in = arith.cmpi slt, %k, %ns : tensor<32xi32>
    %row = tile.expand_dims %in at 0 : tensor<32xi1> -> tensor<1x32xi1>
    %mask = tile.broadcast %row : tensor<1x32xi1> -> tensor<32x32xi1>
    %s = arith.select %mask, %acc, %inf : tensor<32x32xi1>, tensor<32x32xf32>
    scf.yield %s : tensor<32x32xf32>
  }
  return %r : tensor<32x32xf32>
}

// Compared before the dimension is added; the same condition twice, so that its parts are asked for twice.
// CHECK-LABEL: @spelled
func.func @spelled(%x: tensor<32x32xf32>, %n: i32, %ub: i32) -> tensor<32x32xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c32 = arith.constant 32 : i32
  %inf = arith.constant dense<0xFF800000> : tensor<32x32xf32>
  %r = scf.for %j = %c0 to %ub step %c1 iter_args(%acc = %x) -> (tensor<32x32xf32>) : i32 {
    %cols = tile.iota : tensor<32xi32>
    %ns = tile.splat %n : i32 -> tensor<32xi32>
    %j0 = arith.muli %j, %c32 overflow<nsw> : i32
    %js = tile.splat %j0 : i32 -> tensor<32xi32>
    %k = arith.addi %cols, %js overflow<nsw> : tensor<32xi32>
    %in = arith.cmpi slt, %k, %ns : tensor<32xi32>
    %row = tile.expand_dims %in at 0 : tensor<32xi1> -> tensor<1x32xi1>
    %one = tile.broadcast %row : tensor<1x32xi1> -> tensor<32x32xi1>
    %mask = arith.andi %one, %one : tensor<32x32xi1>
    // CHECK: scf.if
    // CHECK-NEXT: scf.yield
    // CHECK: arith.select
    %s = arith.select %mask, %acc, %inf : tensor<32x32xi1>, tensor<32x32xf32>
    scf.yield %s : tensor<32x32xf32>
  }
  return %r : tensor<32x32xf32>
}

// Of a disjunction it is enough that one part is true everywhere, also where the other cannot be read.
// CHECK-LABEL: @either
func.func @either(%x: tensor<32x32xf32>, %n: i32, %ub: i32) -> tensor<32x32xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c32 = arith.constant 32 : i32
  %inf = arith.constant dense<0xFF800000> : tensor<32x32xf32>
  %cols = tile.iota : tensor<32xi32>
  %c = tile.expand_dims %cols at 0 : tensor<32xi32> -> tensor<1x32xi32>
  %cb = tile.broadcast %c : tensor<1x32xi32> -> tensor<32x32xi32>
  %ns = tile.splat %n : i32 -> tensor<32x32xi32>
  %r = scf.for %j = %c0 to %ub step %c1 iter_args(%acc = %x) -> (tensor<32x32xf32>) : i32 {
    %j0 = arith.muli %j, %c32 overflow<nsw> : i32
    %js = tile.splat %j0 : i32 -> tensor<32x32xi32>
    %k = arith.addi %cb, %js overflow<nsw> : tensor<32x32xi32>
    %in = arith.cmpi slt, %k, %ns : tensor<32x32xi32>
    %other = arith.cmpf olt, %acc, %x : tensor<32x32xf32>
    %mask = arith.ori %in, %other : tensor<32x32xi1>
    // CHECK: %[[LAST:.*]] = arith.cmpi sle, %{{.*}}, %{{.*}} : i64
    // CHECK: %[[PART:.*]] = arith.andi %{{.*}}, %[[LAST]]
    // CHECK: %[[ALL:.*]] = arith.andi %{{.*}}, %[[PART]]
    // CHECK: scf.if %[[ALL]]
    // CHECK: else
    // CHECK: arith.ori
    %s = arith.select %mask, %acc, %inf : tensor<32x32xi1>, tensor<32x32xf32>
    scf.yield %s : tensor<32x32xf32>
  }
  return %r : tensor<32x32xf32>
}
