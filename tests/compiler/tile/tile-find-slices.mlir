// RUN: imbrex-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(tile-find-slices,canonicalize))' | FileCheck %s

// Tiles of indices that are a start and iota are slices; what is left of others stays a gather.
// CHECK-LABEL: @slices
// CHECK-SAME: %[[X:.*]]: !tile.view<?x?xf32>, %[[I:.*]]: i32, %[[ROWS:.*]]: tensor<16x1xi32>
func.func @slices(%X: !tile.view<? x ? x f32>, %i: i32, %rows: tensor<16x1xi32>) -> (tensor<16x32xf32>, tensor<16x32xf32>) {
  // CHECK: tile.load %[[X]][%[[I]], %{{.*}}] dims [0, 1] : !tile.view<?x?xf32> -> tensor<16x32xf32>
  // CHECK: tile.gather %[[X]][%[[ROWS]], %{{.*}}] dims [-1, 1] : !tile.view<?x?xf32>, tensor<16x1xi32>, i32 -> tensor<16x32xf32>
  %start = tile.splat %i : i32 -> tensor<16xi32>
  %iota = tile.iota : tensor<16xi32>
  %sum = arith.addi %start, %iota : tensor<16xi32>
  %row = tile.expand_dims %sum at 1 : tensor<16xi32> -> tensor<16x1xi32>
  %columns = tile.iota : tensor<32xi32>
  %column = tile.expand_dims %columns at 0 : tensor<32xi32> -> tensor<1x32xi32>
  %a = tile.gather %X[%row, %column] dims [-1, -1] : !tile.view<? x ? x f32>, tensor<16x1xi32>, tensor<1x32xi32> -> tensor<16x32xf32>
  %b = tile.gather %X[%rows, %column] dims [-1, -1] : !tile.view<? x ? x f32>, tensor<16x1xi32>, tensor<1x32xi32> -> tensor<16x32xf32>
  return %a, %b : tensor<16x32xf32>, tensor<16x32xf32>
}

// -----

// Down a column: the tile's rows step along the view's columns.
// CHECK-LABEL: @across
func.func @across(%Y: !tile.view<? x ? x f32, out>, %i: i32, %x: tensor<16xf32>) {
  // CHECK: tile.store %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}] dims [1] : tensor<16xf32>, !tile.view<?x?xf32, out>
  %iota = tile.iota : tensor<16xi32>
  tile.scatter %x, %Y[%i, %iota] dims [-1] : tensor<16xf32>, !tile.view<? x ? x f32, out>, i32, tensor<16xi32>
  return
}
