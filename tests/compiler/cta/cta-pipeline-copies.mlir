// RUN: imbrex-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(cta-pipeline-copies))' | FileCheck %s

// Three slots: two copies start before the loop; each iteration gets its tile, then starts the copy two ahead. Behind
// the loop the last copy is waited for.
// CHECK-LABEL: @ring
// CHECK: cta.ring : !cta.ring<16, 64, bf16, span 128, slots 3, by groups>
// CHECK: cta.put {{.*}} if
// CHECK: cta.put {{.*}} if
// CHECK: scf.for %[[J:[a-z0-9]+]] =
// CHECK: cta.get %{{.*}}[%[[J]]] :
// CHECK: %[[NEXT:.*]] = arith.addi %[[J]], %{{.*}} overflow<nsw>
// CHECK: cta.put {{.*}}[%[[NEXT]]] if
// CHECK: cta.read
// CHECK-NOT: cta.put
// CHECK: }
// CHECK: cta.get
func.func @ring(%K: !tile.view<? x 64 x bf16>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c16 = arith.constant 16 : i32
  %b = cta.ring : !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %j0 = arith.muli %j, %c16 : i32
    cta.put %K[%j0, %c0] dims [0, 1] into %b[%j] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
    // expected-remark @+1 {{ring of 3 slots, 2048 bytes each, 128-byte swizzle}}
    %k = cta.get %b[%j] : !cta.ring<16, 64, bf16, span 128, slots 1, by groups> -> !cta.buffer<16, 64, bf16, span 128>
    %t = cta.read %k : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  }
  return
}

// -----

// One slot: the tile read first is put again behind its last reader, the other one early in its own iteration.
// CHECK-LABEL: @one_slot
// CHECK: cta.put %arg0{{.*}} if
// CHECK-NOT: cta.put
// CHECK: scf.for %[[J:[a-z0-9]+]] =
// CHECK: cta.get %[[KQUEUE:.*]][%[[J]]]
// CHECK-NEXT: cta.put %arg1{{.*}} into %[[VQUEUE:.*]][%[[J]]] :
// CHECK: cta.read
// CHECK: cta.get %[[VQUEUE]][%[[J]]]
// CHECK: cta.put %arg0{{.*}} into %[[KQUEUE]][%{{.*}}] if
// CHECK: cta.read
// CHECK: }
// CHECK: cta.get %[[KQUEUE]]
// CHECK-NOT: cta.get
func.func @one_slot(%K: !tile.view<? x 64 x bf16>, %V: !tile.view<? x 64 x bf16>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %rk = cta.ring : !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  %rv = cta.ring : !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  scf.for %j = %c0 to %n step %c1 : i32 {
    cta.put %K[%j, %c0] dims [0, 1] into %rk[%j] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
    // expected-remark @+1 {{ring of 1 slot, 2048 bytes each, 128-byte swizzle, filled again behind its last reader}}
    %k = cta.get %rk[%j] : !cta.ring<16, 64, bf16, span 128, slots 1, by groups> -> !cta.buffer<16, 64, bf16, span 128>
    %t = cta.read %k : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
    cta.put %V[%j, %c0] dims [0, 1] into %rv[%j] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
    // expected-remark @+1 {{ring of 1 slot, 2048 bytes each, 128-byte swizzle, filled again behind its last reader}}
    %v = cta.get %rv[%j] : !cta.ring<16, 64, bf16, span 128, slots 1, by groups> -> !cta.buffer<16, 64, bf16, span 128>
    %u = cta.read %v : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  }
  return
}

// -----

// Three slots of 32 KiB are more than an sm_86 has; two fit.
// CHECK-LABEL: @short
// CHECK: slots 2, by groups
// expected-remark @+1 {{rings of 2 slots in place of 4: shared memory is short}}
func.func @short(%K: !tile.view<? x 128 x bf16>, %n: i32) attributes {tile.kernel = #tile.request<"sm_86", warps 4, stages 4>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %b = cta.ring : !cta.ring<160, 128, bf16, span 128, slots 1, by groups>
  scf.for %j = %c0 to %n step %c1 : i32 {
    cta.put %K[%j, %c0] dims [0, 1] into %b[%j] : !tile.view<? x 128 x bf16>, !cta.ring<160, 128, bf16, span 128, slots 1, by groups>
    // expected-remark @+1 {{ring of 2 slots, 40960 bytes each}}
    %k = cta.get %b[%j] : !cta.ring<160, 128, bf16, span 128, slots 1, by groups> -> !cta.buffer<160, 128, bf16, span 128>
    %t = cta.read %k : !cta.buffer<160, 128, bf16, span 128> -> tensor<160x128xbf16>
  }
  return
}

// -----

// A table that the kernel does not store to says where the copy comes from: it is looked up ahead too.
// CHECK-LABEL: @table
// CHECK: cta.ring : !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
// CHECK: %[[FIRST:.*]] = tile.load %arg1
// CHECK: cta.put %arg0[%[[FIRST]], %{{.*}}]
// CHECK: scf.for %[[J:.*]] =
// CHECK: cta.get
// CHECK: %[[NEXT:.*]] = arith.addi %[[J]], %{{.*}} overflow<nsw> : i32
// CHECK: %[[AHEAD:.*]] = tile.load %arg1[%[[NEXT]]]
// CHECK: cta.put %arg0[%[[AHEAD]], %{{.*}}]
func.func @table(%K: !tile.view<? x 64 x bf16>, %I: !tile.view<? x i32>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %b = cta.ring : !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %j0 = tile.load %I[%j] dims [] : !tile.view<? x i32> -> i32
    cta.put %K[%j0, %c0] dims [0, 1] into %b[%j] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
    // expected-remark @+1 {{ring of 2 slots}}
    %k = cta.get %b[%j] : !cta.ring<16, 64, bf16, span 128, slots 1, by groups> -> !cta.buffer<16, 64, bf16, span 128>
    %t = cta.read %k : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  }
  return
}

// -----

// In a loop with a product the table is read first, and the copy stands behind the product.
// CHECK-LABEL: @table_and_product
// CHECK: scf.for %[[J:.*]] =
// CHECK: cta.get
// CHECK: %[[AHEAD:.*]] = tile.load %arg1[%{{.*}}]
// CHECK-NOT: cta.put
// CHECK: cta.dot
// CHECK-NEXT: %[[ROW:.*]] = arith.muli %[[AHEAD]], %{{.*}}
// CHECK-NEXT: cta.put %arg0[%[[ROW]], %{{.*}}]
// CHECK: scf.yield
func.func @table_and_product(%K: !tile.view<? x 16 x f32>, %I: !tile.view<? x i32>, %n: i32, %q: !cta.buffer<16, 16, f32, span 64>, %c: tensor<16x16xf32>) -> tensor<16x16xf32> attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c16 = arith.constant 16 : i32
  %b = cta.ring : !cta.ring<16, 16, f32, span 64, slots 1, by groups>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%s = %c) -> (tensor<16x16xf32>) : i32 {
    %page = tile.load %I[%j] dims [] : !tile.view<? x i32> -> i32
    %j0 = arith.muli %page, %c16 : i32
    cta.put %K[%j0, %c0] dims [0, 1] into %b[%j] : !tile.view<? x 16 x f32>, !cta.ring<16, 16, f32, span 64, slots 1, by groups>
    // expected-remark @+1 {{ring of 2 slots}}
    %k = cta.get %b[%j] : !cta.ring<16, 16, f32, span 64, slots 1, by groups> -> !cta.buffer<16, 16, f32, span 64>
    %d = cta.dot fma buffer %q : !cta.buffer<16, 16, f32, span 64>, %k, %s : !cta.buffer<16, 16, f32, span 64>, tensor<16x16xf32> -> tensor<16x16xf32>
    scf.yield %d : tensor<16x16xf32>
  }
  return %r : tensor<16x16xf32>
}

// -----

// A copy from where a value says that the kernel itself may store cannot start ahead: the loop stays as it is.
// CHECK-LABEL: @dependent
// CHECK: slots 1, by groups
func.func @dependent(%K: !tile.view<? x 64 x bf16>, %I: !tile.view<? x i32, var>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %b = cta.ring : !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %j0 = tile.load %I[%j] dims [] : !tile.view<? x i32, var> -> i32
    // expected-remark @+1 {{this copy is not started ahead: where it reads depends on more than the loop's index}}
    cta.put %K[%j0, %c0] dims [0, 1] into %b[%j] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
    %k = cta.get %b[%j] : !cta.ring<16, 64, bf16, span 128, slots 1, by groups> -> !cta.buffer<16, 64, bf16, span 128>
    %t = cta.read %k : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  }
  return
}
