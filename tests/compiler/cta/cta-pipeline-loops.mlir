// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(cta-pipeline-loops))' | FileCheck %s

// Three stages: two copies start before the loop; each iteration waits, then starts the copy two ahead.
// CHECK-LABEL: @ring
// CHECK: cta.alloc : !cta.buffer<16, 64, bf16, span 128, slots 3>
// CHECK: cta.put {{.*}} if
// CHECK: cta.put {{.*}} if
// CHECK: scf.for
// CHECK: cta.get {{.*}} pending 1
// CHECK: cta.put {{.*}} if
// CHECK: cta.read
// CHECK-NOT: cta.put
func.func @ring(%K: !tile.view<? x 64 x bf16>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c16 = arith.constant 16 : i32
  %b = cta.alloc : !cta.buffer<16, 64, bf16, span 128, slots 1>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %j0 = arith.muli %j, %c16 : i32
    cta.put %K[%j0, %c0] dims [0, 1] into %b[%c0] : !tile.view<? x 64 x bf16>, !cta.buffer<16, 64, bf16, span 128, slots 1>
    %k = cta.get %b[%c0] pending 0 : !cta.buffer<16, 64, bf16, span 128, slots 1> -> !cta.buffer<16, 64, bf16, span 128, slots 1>
    %t = cta.read %k : !cta.buffer<16, 64, bf16, span 128, slots 1> -> tensor<16x64xbf16>
  }
  return
}

// A copy from where a loaded value says cannot start ahead: the loop stays as it is.
// CHECK-LABEL: @dependent
// CHECK: cta.alloc : !cta.buffer<16, 64, bf16, span 128, slots 1>
func.func @dependent(%K: !tile.view<? x 64 x bf16>, %I: !tile.view<? x i32>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %b = cta.alloc : !cta.buffer<16, 64, bf16, span 128, slots 1>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %j0 = tile.load %I[%j] dims [] : !tile.view<? x i32> -> i32
    cta.put %K[%j0, %c0] dims [0, 1] into %b[%c0] : !tile.view<? x 64 x bf16>, !cta.buffer<16, 64, bf16, span 128, slots 1>
    %k = cta.get %b[%c0] pending 0 : !cta.buffer<16, 64, bf16, span 128, slots 1> -> !cta.buffer<16, 64, bf16, span 128, slots 1>
    %t = cta.read %k : !cta.buffer<16, 64, bf16, span 128, slots 1> -> tensor<16x64xbf16>
  }
  return
}
