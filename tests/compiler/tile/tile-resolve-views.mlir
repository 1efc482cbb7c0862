// RUN: imbrex-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(tile-resolve-views,canonicalize))' | FileCheck %s

// A part of a part: starts are added, ranges become bounds of the view in memory; a whole dimension gives none.
// CHECK-LABEL: @part
// CHECK-SAME: %[[X:.*]]: !tile.view<?x?x64xf32>, %[[I:.*]]: i32, %[[LO:.*]]: i32, %[[HI:.*]]: i32
func.func @part(%X: !tile.view<? x ? x 64 x f32>, %i: i32, %lo: i32, %hi: i32) -> tensor<16x32xf32> {
  // CHECK-NOT: tile.subview
  // CHECK: %[[ROW:.*]] = arith.addi %[[I]], %[[LO]]
  // CHECK: tile.load %[[X]][%[[I]], %[[ROW]], %{{.*}}] dims [1, 2] within [1] from %[[LO]] to %[[HI]]
  %c0 = arith.constant 0 : i32
  %d = tile.extent %X, 2 : !tile.view<? x ? x 64 x f32>
  %p = tile.subview %X[%i, %lo, %c0] dims [1, 2] to [%hi, %d] : !tile.view<? x ? x 64 x f32> -> !tile.view<? x 64 x f32>
  %r = tile.load %p[%i, %c0] dims [0, 1] : !tile.view<? x 64 x f32> -> tensor<16x32xf32>
  return %r : tensor<16x32xf32>
}

// -----

// A single index is bounded too; a part's extent is that of its range.
// CHECK-LABEL: @element
// CHECK-SAME: %[[X:.*]]: !tile.view<?x64xf32>, %[[I:.*]]: i32, %[[HI:.*]]: i32
func.func @element(%X: !tile.view<? x 64 x f32>, %i: i32, %hi: i32) -> (tensor<32xf32>, i32) {
  // CHECK: tile.load %[[X]][%[[I]], %{{.*}}] dims [1] within [0] from %{{.*}} to %[[HI]]
  // CHECK: %[[E:.*]] = arith.maxsi %[[HI]], %{{.*}}
  // CHECK: return %{{.*}}, %[[E]]
  %c0 = arith.constant 0 : i32
  %d = tile.extent %X, 1 : !tile.view<? x 64 x f32>
  %p = tile.subview %X[%c0, %c0] dims [0, 1] to [%hi, %d] : !tile.view<? x 64 x f32> -> !tile.view<? x 64 x f32>
  %r = tile.load %p[%i, %c0] dims [1] : !tile.view<? x 64 x f32> -> tensor<32xf32>
  %e = tile.extent %p, 0 : !tile.view<? x 64 x f32>
  return %r, %e : tensor<32xf32>, i32
}
