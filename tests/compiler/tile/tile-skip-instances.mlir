// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-skip-instances),cse)' -split-input-file | FileCheck %s

// Rows from %q on are stored up to a length that is read: where %q is behind it, nothing is done.
// CHECK-LABEL: func.func @behind
// CHECK: %[[N:.*]] = tile.load %arg1[%arg2]
// CHECK: %[[BEHIND:.*]] = arith.cmpi sge, %arg3, %[[N]] : i32
// CHECK: %[[SOME:.*]] = arith.xori %[[BEHIND]]
// CHECK: scf.if %[[SOME]] {
// CHECK: tile.load %arg0[%arg3]
// CHECK: tile.store
// CHECK: }
// CHECK-NEXT: return
func.func @behind(%X: !tile.view<? x f32>, %lengths: !tile.view<? x i32>, %b: i32, %q: i32, %Y: !tile.view<? x f32, out>) {
  %zero = arith.constant 0 : i32
  %x = tile.load %X[%q] dims [0] : !tile.view<? x f32> -> tensor<8xf32>
  %n = tile.load %lengths[%b] dims [] : !tile.view<? x i32> -> i32
  tile.store %x, %Y[%q] dims [0] within [0] from %zero to %n : tensor<8xf32>, !tile.view<? x f32, out>
  return
}

// -----

// All stores must have nothing to store.
// CHECK-LABEL: func.func @both
// CHECK: %[[FIRST:.*]] = arith.cmpi sge, %arg2, %[[N:.*]] : i32
// CHECK: %[[SECOND:.*]] = arith.cmpi sge, %[[R:.*]], %[[N]] : i32
// CHECK: arith.andi %[[FIRST]], %[[SECOND]]
// CHECK: scf.if
func.func @both(%lengths: !tile.view<? x i32>, %b: i32, %q: i32, %x: tensor<8xf32>, %Y: !tile.view<? x f32, out>) {
  %zero = arith.constant 0 : i32
  %eight = arith.constant 8 : i32
  %n = tile.load %lengths[%b] dims [] : !tile.view<? x i32> -> i32
  %r = arith.addi %q, %eight : i32
  tile.store %x, %Y[%q] dims [0] within [0] from %zero to %n : tensor<8xf32>, !tile.view<? x f32, out>
  tile.store %x, %Y[%r] dims [0] within [0] from %zero to %n : tensor<8xf32>, !tile.view<? x f32, out>
  return
}

// -----

// A store without a bound, a bound that is given (the grid follows it), and a length that the kernel itself may write.
// CHECK-LABEL: func.func @kept
// CHECK-NOT: scf.if
func.func @kept(%lengths: !tile.view<? x i32>, %b: i32, %q: i32, %x: tensor<8xf32>, %Y: !tile.view<? x f32, out>) {
  %zero = arith.constant 0 : i32
  %n = tile.load %lengths[%b] dims [] : !tile.view<? x i32> -> i32
  tile.store %x, %Y[%q] dims [0] within [0] from %zero to %n : tensor<8xf32>, !tile.view<? x f32, out>
  tile.store %x, %Y[%q] dims [0] : tensor<8xf32>, !tile.view<? x f32, out>
  return
}

// CHECK-LABEL: func.func @given
// CHECK-NOT: scf.if
func.func @given(%n: i32, %q: i32, %x: tensor<8xf32>, %Y: !tile.view<? x f32, out>) {
  %zero = arith.constant 0 : i32
  tile.store %x, %Y[%q] dims [0] within [0] from %zero to %n : tensor<8xf32>, !tile.view<? x f32, out>
  return
}

// CHECK-LABEL: func.func @written
// CHECK-NOT: scf.if
func.func @written(%C: !tile.view<? x i32, var>, %b: i32, %q: i32, %x: tensor<8xi32>) {
  %zero = arith.constant 0 : i32
  %n = tile.load %C[%b] dims [] : !tile.view<? x i32, var> -> i32
  tile.store %x, %C[%q] dims [0] within [0] from %zero to %n : tensor<8xi32>, !tile.view<? x i32, var>
  return
}
