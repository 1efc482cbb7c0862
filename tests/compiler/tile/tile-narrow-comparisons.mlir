// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-narrow-comparisons))' | FileCheck %s

// k <= q + n - 7 with k an i32 tile: each row's bound is clamped to 32 bits, k stays as it is.
// CHECK-LABEL: @bound
func.func @bound(%V: !tile.view<? x f32>, %n: i32) -> tensor<16x8xi1> {
  %rows = tile.iota : tensor<16xi32>
  %cols = tile.iota : tensor<8xi32>
  %r = tile.expand_dims %rows at 1 : tensor<16xi32> -> tensor<16x1xi32>
  %c = tile.expand_dims %cols at 0 : tensor<8xi32> -> tensor<1x8xi32>
  %extent = tile.extent %V, 0 : !tile.view<? x f32>
  %starts = tile.splat %extent : i32 -> tensor<1x8xi32>
  // CHECK: %[[K:.*]] = arith.addi
  %k = arith.addi %c, %starts overflow<nsw> : tensor<1x8xi32>
  %kb = tile.broadcast %k : tensor<1x8xi32> -> tensor<16x8xi32>
  %k64 = arith.extsi %kb : tensor<16x8xi32> to tensor<16x8xi64>
  %r64 = arith.extsi %r : tensor<16x1xi32> to tensor<16x1xi64>
  %ns = tile.splat %n : i32 -> tensor<16x1xi32>
  %n64 = arith.extsi %ns : tensor<16x1xi32> to tensor<16x1xi64>
  %seven = arith.constant dense<7> : tensor<16x1xi64>
  %q0 = arith.addi %r64, %n64 overflow<nsw> : tensor<16x1xi64>
  %q1 = arith.subi %q0, %seven overflow<nsw> : tensor<16x1xi64>
  %q = tile.broadcast %q1 : tensor<16x1xi64> -> tensor<16x8xi64>
  // CHECK: arith.constant -7 : i64
  // CHECK: arith.maxsi {{.*}} : tensor<16x1xi64>
  // CHECK: arith.minsi {{.*}} : tensor<16x1xi64>
  // CHECK: %[[T:.*]] = arith.trunci {{.*}} : tensor<16x1xi64> to tensor<16x1xi32>
  // CHECK: %[[B:.*]] = tile.broadcast %[[T]]
  // CHECK: arith.cmpi sle, %{{.*}}, %[[B]] : tensor<16x8xi32>
  %mask = arith.cmpi sle, %k64, %q : tensor<16x8xi64>
  return %mask : tensor<16x8xi1>
}

// n + 3 col == row: what is shared is clamped to just beyond -3 * 7 .. 15.
// CHECK-LABEL: @shared
func.func @shared(%n: i32) -> tensor<16x8xi1> {
  %rows = tile.iota : tensor<16xi32>
  %cols = tile.iota : tensor<8xi32>
  %r = tile.expand_dims %rows at 1 : tensor<16xi32> -> tensor<16x1xi32>
  %c = tile.expand_dims %cols at 0 : tensor<8xi32> -> tensor<1x8xi32>
  %rb = tile.broadcast %r : tensor<16x1xi32> -> tensor<16x8xi32>
  %cb = tile.broadcast %c : tensor<1x8xi32> -> tensor<16x8xi32>
  %r64 = arith.extsi %rb : tensor<16x8xi32> to tensor<16x8xi64>
  %c64 = arith.extsi %cb : tensor<16x8xi32> to tensor<16x8xi64>
  %n64 = arith.extsi %n : i32 to i64
  %ns = tile.splat %n64 : i64 -> tensor<16x8xi64>
  %three = arith.constant dense<3> : tensor<16x8xi64>
  %t = arith.muli %c64, %three overflow<nsw> : tensor<16x8xi64>
  %x = arith.addi %t, %ns overflow<nsw> : tensor<16x8xi64>
  // CHECK: %[[LOW:.*]] = arith.constant -22 : i64
  // CHECK: %[[HIGH:.*]] = arith.constant 16 : i64
  // CHECK: %[[MAX:.*]] = arith.maxsi %{{.*}}, %[[LOW]] : i64
  // CHECK: arith.minsi %[[MAX]], %[[HIGH]] : i64
  // CHECK: arith.cmpi eq, {{.*}} : tensor<16x8xi32>
  %mask = arith.cmpi eq, %x, %r64 : tensor<16x8xi64>
  return %mask : tensor<16x8xi1>
}

// Not linear: stays.
// CHECK-LABEL: @product
// CHECK: arith.cmpi slt, {{.*}} : tensor<8xi64>
func.func @product(%n: i64) -> tensor<8xi1> {
  %cols = tile.iota : tensor<8xi32>
  %c = arith.extsi %cols : tensor<8xi32> to tensor<8xi64>
  %square = arith.muli %c, %c overflow<nsw> : tensor<8xi64>
  %ns = tile.splat %n : i64 -> tensor<8xi64>
  %mask = arith.cmpi slt, %square, %ns : tensor<8xi64>
  return %mask : tensor<8xi1>
}

// n + col <= row / 8: a row's bound is no sum, but n is taken from it, and what is left is clamped to where columns are.
// CHECK-LABEL: @quotient
// CHECK: %[[N:.*]] = arith.addi %{{.*}}, %{{.*}} : i64
// CHECK: %[[NS:.*]] = tile.splat %[[N]] : i64 -> tensor<16x1xi64>
// CHECK: arith.subi %{{.*}}, %[[NS]] : tensor<16x1xi64>
// CHECK: %[[T:.*]] = arith.trunci {{.*}} : tensor<16x1xi64> to tensor<16x1xi32>
// CHECK: %[[B:.*]] = tile.broadcast %[[T]]
// CHECK: arith.cmpi sle, %{{.*}}, %[[B]] : tensor<16x8xi32>
func.func @quotient(%n: i32) -> tensor<16x8xi1> {
  %rows = tile.iota : tensor<16xi32>
  %cols = tile.iota : tensor<8xi32>
  %r = tile.expand_dims %rows at 1 : tensor<16xi32> -> tensor<16x1xi32>
  %c = tile.expand_dims %cols at 0 : tensor<8xi32> -> tensor<1x8xi32>
  %ns = tile.splat %n : i32 -> tensor<1x8xi32>
  %k = arith.addi %c, %ns overflow<nsw> : tensor<1x8xi32>
  %kb = tile.broadcast %k : tensor<1x8xi32> -> tensor<16x8xi32>
  %k64 = arith.extsi %kb : tensor<16x8xi32> to tensor<16x8xi64>
  %eight = arith.constant dense<8> : tensor<16x1xi64>
  %r64 = arith.extsi %r : tensor<16x1xi32> to tensor<16x1xi64>
  %q = arith.divsi %r64, %eight : tensor<16x1xi64>
  %qb = tile.broadcast %q : tensor<16x1xi64> -> tensor<16x8xi64>
  %mask = arith.cmpi sle, %k64, %qb : tensor<16x8xi64>
  return %mask : tensor<16x8xi1>
}
