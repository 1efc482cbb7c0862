// RUN: imbrex-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(cta-allocate-shared))' | FileCheck %s

// Lives that do not meet share bytes.
// CHECK-LABEL: @share
// CHECK-SAME: cta.launch = #cta.launch<"sm_80", threads 128, shared 2048, registers 255>
func.func @share(%t: tensor<16x64xbf16>) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  // CHECK: cta.alloc at 0
  // CHECK: cta.alloc at 0
  %a = cta.alloc : !cta.buffer<16, 64, bf16, span 128>
  %b = cta.alloc : !cta.buffer<16, 64, bf16, span 128>
  cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
  %x = cta.read %a : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  cta.write %x, %b : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
  %y = cta.read %b : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  return
}

// -----

// A buffer that is written before a loop and read inside lives through all of it.
// CHECK-LABEL: @through_loop
// CHECK-SAME: cta.launch = #cta.launch<"sm_80", threads 128, shared 4096, registers 255>
func.func @through_loop(%t: tensor<16x64xbf16>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %a = cta.alloc : !cta.buffer<16, 64, bf16, span 128>
  %b = cta.alloc : !cta.buffer<16, 64, bf16, span 128>
  cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %x = cta.read %a : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
    cta.write %x, %b : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
    %y = cta.read %b : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  }
  return
}

// -----

// Written and read in each iteration, one behind the other: dead in between, and at the loop's end.
// CHECK-LABEL: @in_turn
// CHECK-SAME: cta.launch = #cta.launch<"sm_80", threads 128, shared 2048, registers 255>
func.func @in_turn(%t: tensor<16x64xbf16>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %a = cta.alloc : !cta.buffer<16, 64, bf16, span 128>
  %b = cta.alloc : !cta.buffer<16, 64, bf16, span 128>
  scf.for %j = %c0 to %n step %c1 : i32 {
    cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
    %x = cta.read %a : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
    cta.write %x, %b : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
    %y = cta.read %b : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  }
  return
}

// -----

// What the next iteration reads is alive from its write on.
// CHECK-LABEL: @carried
// CHECK-SAME: cta.launch = #cta.launch<"sm_80", threads 128, shared 4096, registers 255>
func.func @carried(%t: tensor<16x64xbf16>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %a = cta.alloc : !cta.buffer<16, 64, bf16, span 128>
  %b = cta.alloc : !cta.buffer<16, 64, bf16, span 128>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %x = cta.read %a : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
    cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
    cta.write %x, %b : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
    %y = cta.read %b : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  }
  return
}

// -----

// A ring is alive from its first put to its last get, behind the loop; what comes before and after shares its bytes.
// CHECK-LABEL: @ring
// CHECK-SAME: cta.launch = #cta.launch<"sm_80", threads 128, shared 4096, registers 255>
func.func @ring(%K: !tile.view<? x 64 x bf16>, %t: tensor<16x64xbf16>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  // CHECK: cta.alloc at 0
  // CHECK: cta.ring at 0
  // CHECK: cta.alloc at 0
  %a = cta.alloc : !cta.buffer<16, 64, bf16, span 128>
  %r = cta.ring : !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  %b = cta.alloc : !cta.buffer<16, 64, bf16, span 128>
  cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
  %x = cta.read %a : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  cta.put %K[%c0, %c0] dims [0, 1] into %r[%c0] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %k = cta.get %r[%j] : !cta.ring<16, 64, bf16, span 128, slots 2, by groups> -> !cta.buffer<16, 64, bf16, span 128>
    %next = arith.addi %j, %c1 : i32
    cta.put %K[%next, %c0] dims [0, 1] into %r[%next] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
    %z = cta.read %k : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  }
  %l = cta.get %r[%n] : !cta.ring<16, 64, bf16, span 128, slots 2, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  cta.write %x, %b : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
  %y = cta.read %b : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  return
}

// -----

// A slot starts at a multiple of 8 spans: 12 rows of 128 bytes take 2048.
// CHECK-LABEL: @stride
// CHECK-SAME: cta.launch = #cta.launch<"sm_80", threads 128, shared 4096, registers 255>
func.func @stride(%K: !tile.view<? x 64 x bf16>) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %r = cta.ring : !cta.ring<12, 64, bf16, span 128, slots 2, by groups>
  cta.put %K[%c0, %c0] dims [0, 1] into %r[%c0] : !tile.view<? x 64 x bf16>, !cta.ring<12, 64, bf16, span 128, slots 2, by groups>
  return
}

// -----

// expected-error @+1 {{needs 131072 bytes of shared memory, but a CTA on sm_86 has 101376}}
func.func @too_much(%t: tensor<256x256xbf16>) attributes {tile.kernel = #tile.request<"sm_86", warps 4, stages 1>} {
  %a = cta.alloc : !cta.buffer<256, 256, bf16, span 128>
  // expected-note @+1 {{131072 bytes: 1 x 256x256 'bf16'}}
  cta.write %t, %a : tensor<256x256xbf16>, !cta.buffer<256, 256, bf16, span 128>
  return
}

// -----

// What the warps that copy read and write anew is theirs at all times: no buffer of the others shares its bytes.
// CHECK-LABEL: func.func @restaged
// CHECK-DAG: cta.ring at 0 {{.*}}<64, 64, i8, span 64, slots 1, by mbarrier>
// CHECK-DAG: cta.ring at 4096 {{.*}}<64, 64, i8, span 64, slots 1, by mbarrier>
// CHECK-DAG: cta.alloc at 8192 : !cta.buffer<1, 128, f32, span 128>
#v = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
func.func @restaged(%V: !tile.view<? x 64 x i8>, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %r = cta.ring : !cta.ring<64, 64, i8, span 64, slots 1, by mbarrier>
  %t = cta.ring : !cta.ring<64, 64, i8, span 64, slots 1, by mbarrier>
  %b = cta.alloc : !cta.buffer<1, 128, f32, span 128>
  cta.roles compute warps 4 registers 240 {
    %x = arith.constant dense<0.0> : tensor<128xf32, #v>
    %c0 = arith.constant 0 : i32
    %k = cta.get %t[%c0] : !cta.ring<64, 64, i8, span 64, slots 1, by mbarrier> -> !cta.buffer<64, 64, i8, span 64>
    cta.write %x, %b : tensor<128xf32, #v>, !cta.buffer<1, 128, f32, span 128>
    %y = cta.read %b : !cta.buffer<1, 128, f32, span 128> -> tensor<128xf32, #v>
    %z = cta.read %k : !cta.buffer<64, 64, i8, span 64> -> tensor<64x64xi8, #cta.layout<"reg (0,1) (0,2) (0,4) (0,8) (0,16) (0,32) lane (1,0) (2,0) (4,0) (8,0) (16,0) warps 2x1 stride 1x1 repeat 1x1">>
  } copy warps 4 registers 40 {
    %c0 = arith.constant 0 : i32
    cta.put %V[%c0, %c0] dims [0, 1] into %r[%c0] : !tile.view<? x 64 x i8>, !cta.ring<64, 64, i8, span 64, slots 1, by mbarrier>
    %v = cta.get %r[%c0] : !cta.ring<64, 64, i8, span 64, slots 1, by mbarrier> -> !cta.buffer<64, 64, i8, span 64>
    %w = cta.acquire %t[%c0] : !cta.ring<64, 64, i8, span 64, slots 1, by mbarrier> -> !cta.buffer<64, 64, i8, span 64>
    cta.restage %v into %w : !cta.buffer<64, 64, i8, span 64>, !cta.buffer<64, 64, i8, span 64>
    cta.publish %t[%c0] : !cta.ring<64, 64, i8, span 64, slots 1, by mbarrier>
  }
  return
}
