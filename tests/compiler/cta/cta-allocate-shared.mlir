// RUN: imbrex-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(cta-allocate-shared))' | FileCheck %s

// Lives that do not meet share bytes.
// CHECK-LABEL: @share
// CHECK-SAME: cta.launch = #cta.launch<"sm_80", threads 128, shared 2048, registers 255>
func.func @share(%t: tensor<16x64xbf16>) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  // CHECK: cta.alloc at 0
  // CHECK: cta.alloc at 0
  %a = cta.alloc : !cta.buffer<16, 64, bf16, span 128, slots 1>
  %b = cta.alloc : !cta.buffer<16, 64, bf16, span 128, slots 1>
  cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128, slots 1>
  %x = cta.read %a : !cta.buffer<16, 64, bf16, span 128, slots 1> -> tensor<16x64xbf16>
  cta.write %x, %b : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128, slots 1>
  %y = cta.read %b : !cta.buffer<16, 64, bf16, span 128, slots 1> -> tensor<16x64xbf16>
  return
}

// -----

// A buffer that is written before a loop and read inside lives through all of it.
// CHECK-LABEL: @through_loop
// CHECK-SAME: cta.launch = #cta.launch<"sm_80", threads 128, shared 4096, registers 255>
func.func @through_loop(%t: tensor<16x64xbf16>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %a = cta.alloc : !cta.buffer<16, 64, bf16, span 128, slots 1>
  %b = cta.alloc : !cta.buffer<16, 64, bf16, span 128, slots 1>
  cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128, slots 1>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %x = cta.read %a : !cta.buffer<16, 64, bf16, span 128, slots 1> -> tensor<16x64xbf16>
    cta.write %x, %b : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128, slots 1>
    %y = cta.read %b : !cta.buffer<16, 64, bf16, span 128, slots 1> -> tensor<16x64xbf16>
  }
  return
}

// -----

// expected-error @+1 {{needs 131072 bytes of shared memory, but a CTA on sm_86 has 101376}}
func.func @too_much(%t: tensor<256x256xbf16>) attributes {tile.kernel = #tile.request<"sm_86", warps 4, stages 1>} {
  %a = cta.alloc : !cta.buffer<256, 256, bf16, span 128, slots 1>
  // expected-note @+1 {{131072 bytes: 1 x 256x256 'bf16'}}
  cta.write %t, %a : tensor<256x256xbf16>, !cta.buffer<256, 256, bf16, span 128, slots 1>
  return
}
