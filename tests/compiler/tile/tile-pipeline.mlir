// RUN: imbrex-opt %s -tile-pipeline | FileCheck %s

// The inner loop has one iteration and is put into the outer one. Its promise must not become one about the outer loop's
// iterations: both of them run.
// CHECK-LABEL: @one_iteration
// CHECK: scf.for {{.*}} = %c0_i32 to %c2_i32
// CHECK-NOT: tile.visible
func.func @one_iteration(%O: !tile.view<? x i32, out>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c2 = arith.constant 2 : i32
  %c8 = arith.constant 8 : i32
  %cols = tile.iota : tensor<8xi32>
  %c = tile.expand_dims %cols at 0 : tensor<8xi32> -> tensor<1x8xi32>
  %cb = tile.broadcast %c : tensor<1x8xi32> -> tensor<16x8xi32>
  %ns = tile.splat %n : i32 -> tensor<16x8xi32>
  scf.for %i = %c0 to %c2 step %c1 : i32 {
    scf.for %j = %c0 to %c1 step %c1 : i32 {
      %j0 = arith.muli %j, %c8 overflow<nsw> : i32
      %i0 = arith.muli %i, %c8 overflow<nsw> : i32
      %start = arith.addi %i0, %j0 overflow<nsw> : i32
      %js = tile.splat %start : i32 -> tensor<16x8xi32>
      %kk = arith.addi %cb, %js overflow<nsw> : tensor<16x8xi32>
      %mask = arith.cmpi slt, %kk, %ns : tensor<16x8xi32>
      tile.visible %mask : tensor<16x8xi1>
    }
    tile.store %i, %O[%i] dims [] : i32, !tile.view<? x i32, out>
  }
  return
}

// Two constants whose sum (difference, product) is no i32 stay two operations: as one the result would wrap, and say
// that it does not.
// CHECK-LABEL: @constants_stay_apart
func.func @constants_stay_apart(%O: !tile.view<? x i32, out>, %x: i32) attributes {tile.kernel} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c2 = arith.constant 2 : i32
  %big = arith.constant 65536 : i32
  %most = arith.constant 2147483647 : i32
  %least = arith.constant -2147483647 : i32
  // CHECK: %[[DOWN:.*]] = arith.addi %arg1, %c-2147483647_i32 overflow<nsw>
  // CHECK: %[[DOWNER:.*]] = arith.addi %[[DOWN]], %c-2147483647_i32 overflow<nsw>
  // CHECK: tile.store %[[DOWNER]]
  %a = arith.addi %x, %least overflow<nsw> : i32
  %b = arith.addi %a, %least overflow<nsw> : i32
  tile.store %b, %O[%c0] dims [] : i32, !tile.view<? x i32, out>
  // CHECK: %[[TURNED:.*]] = arith.subi %c-2147483647_i32, %arg1 overflow<nsw>
  // CHECK: %[[LESS:.*]] = arith.subi %[[TURNED]], %c2147483647_i32 overflow<nsw>
  // CHECK: tile.store %[[LESS]]
  %c = arith.subi %least, %x overflow<nsw> : i32
  %d = arith.subi %c, %most overflow<nsw> : i32
  tile.store %d, %O[%c1] dims [] : i32, !tile.view<? x i32, out>
  // CHECK: %[[TIMES:.*]] = arith.muli %arg1, %c65536_i32 overflow<nsw>
  // CHECK: %[[MORE:.*]] = arith.muli %[[TIMES]], %c65536_i32 overflow<nsw>
  // CHECK: tile.store %[[MORE]]
  %e = arith.muli %x, %big overflow<nsw> : i32
  %f = arith.muli %e, %big overflow<nsw> : i32
  tile.store %f, %O[%c2] dims [] : i32, !tile.view<? x i32, out>
  return
}
