// RUN: imbrex-opt %s -tile-to-cta -cta-allocate-shared -cta-place-barriers -cta-to-nvvm -split-input-file | FileCheck %s

// A branch: each side gives the register of the block where they meet.
// CHECK-LABEL: llvm.func @branch(
// CHECK: %[[TAKEN:.*]] = llvm.icmp "slt" %arg2, %{{.*}} : i32
// CHECK: llvm.cond_br %[[TAKEN]], ^[[THEN:bb[0-9]+]], ^[[ELSE:bb[0-9]+]]
// CHECK: ^[[THEN]]:
// CHECK: %[[SUM:.*]] = llvm.fadd
// CHECK: llvm.br ^[[MEET:bb[0-9]+]](%[[SUM]] : f32)
// CHECK: ^[[ELSE]]:
// CHECK: %[[TWO:.*]] = llvm.mlir.constant(2.000000e+00 : f32) : f32
// CHECK: llvm.br ^[[MEET]](%[[TWO]] : f32)
// CHECK: ^[[MEET]](%[[R:.*]]: f32):
// CHECK: llvm.store %[[R]],
func.func @branch(%z: !tile.view<? x f32, out>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c3 = arith.constant 3 : i32
  %x = arith.constant dense<1.0> : tensor<32xf32>
  %p = arith.cmpi slt, %n, %c3 : i32
  %s = scf.if %p -> (tensor<32xf32>) {
    %a = arith.addf %x, %x : tensor<32xf32>
    scf.yield %a : tensor<32xf32>
  } else {
    %y = arith.constant dense<2.0> : tensor<32xf32>
    scf.yield %y : tensor<32xf32>
  }
  tile.store %s, %z[%c0] dims [0] : tensor<32xf32>, !tile.view<? x f32, out>
  return
}

// -----

// A loop from %lo to %hi by 3: the index and two registers go round; what was carried in is the first value, what the
// body made the next; the loop is left with what it carries.
// CHECK-LABEL: llvm.func @loop(
// CHECK: %[[STEP:.*]] = llvm.mlir.constant(3 : i32) : i32
// CHECK: %[[ONE:.*]] = llvm.mlir.constant(1.000000e+00 : f32) : f32
// CHECK: llvm.br ^[[HEAD:bb[0-9]+]](%arg2, %[[ONE]], %[[ONE]] : i32, f32, f32)
// CHECK: ^[[HEAD]](%[[I:.*]]: i32, %[[A:.*]]: f32, %[[B:.*]]: f32):
// CHECK: %[[MORE:.*]] = llvm.icmp "slt" %[[I]], %arg3 : i32
// CHECK: llvm.cond_br %[[MORE]], ^[[BODY:bb[0-9]+]], ^[[DONE:bb[0-9]+]]
// CHECK: ^[[BODY]]:
// CHECK: %[[A2:.*]] = llvm.fmul %[[A]], %[[A]]
// CHECK: %[[B2:.*]] = llvm.fmul %[[B]], %[[B]]
// CHECK: %[[NEXT:.*]] = llvm.add %[[I]], %[[STEP]] : i32
// CHECK: llvm.br ^[[HEAD]](%[[NEXT]], %[[A2]], %[[B2]] : i32, f32, f32)
// CHECK: ^[[DONE]]:
// CHECK: llvm.insertelement %[[A]],
// CHECK: llvm.insertelement %[[B]],
func.func @loop(%z: !tile.view<? x f32, out>, %lo: i32, %hi: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %x = arith.constant dense<1.0> : tensor<64xf32>
  %c3 = arith.constant 3 : i32
  %c0 = arith.constant 0 : i32
  %r = scf.for %j = %lo to %hi step %c3 iter_args(%a = %x) -> (tensor<64xf32>) : i32 {
    %b = arith.mulf %a, %a : tensor<64xf32>
    scf.yield %b : tensor<64xf32>
  }
  tile.store %r, %z[%c0] dims [0] : tensor<64xf32>, !tile.view<? x f32, out>
  return
}
