// RUN: imbrex-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(tile-check-size{most=5}))' | FileCheck %s

// Five operations, and the same five behind the pass.
// CHECK-LABEL: @within
// CHECK-COUNT-2: arith.constant
// CHECK: arith.addi
// CHECK: arith.muli
// CHECK: return
func.func @within(%x: i32) -> i32 {
  %c1 = arith.constant 1 : i32
  %c2 = arith.constant 2 : i32
  %y = arith.addi %x, %c1 : i32
  %z = arith.muli %y, %c2 : i32
  return %z : i32
}

// -----

// What stands in a loop or a branch counts, and the operation around it before it.
func.func @beyond(%n: i32, %c: i1) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  scf.for %i = %c0 to %n step %c1 : i32 {
    scf.if %c {
      %y = arith.addi %i, %c1 : i32
      // expected-error @below {{up to here the kernel takes 6 operations, more than 5; split the kernel}}
      %z = arith.addi %y, %c1 : i32
    }
  }
  return
}
