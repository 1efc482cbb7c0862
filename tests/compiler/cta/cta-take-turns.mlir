// RUN: imbrex-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(cta-take-turns))' | FileCheck %s

#p = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 8x1 stride 1x1 repeat 1x1">

// Both products are issued under one turn; the second one's tile is waited for, and cleared where it is outside, before
// that: all warps meet there.
// CHECK-LABEL: func.func @run
// CHECK: cta.roles compute
// CHECK-NEXT: cta.open_turns
// CHECK: scf.for
// CHECK: cta.get
// CHECK-NEXT: %[[V:.*]] = cta.get
// CHECK-NEXT: cta.clear %[[V]]
// CHECK-NEXT: cta.take_turn
// CHECK-NEXT: cta.dot wgmma async
// CHECK-NEXT: cta.dot wgmma async
// CHECK-NEXT: cta.pass_turn
// CHECK-NEXT: cta.dot_wait
// CHECK: }
// CHECK-NEXT: cta.close_turns
func.func @run(%n: i32, %low: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 8, stages 2, turns>} {
  %k = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier>
  %v = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier>
  cta.roles compute warps 8 registers 240 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %q = arith.constant dense<1.0> : tensor<128x16xbf16, #p>
    %o = arith.constant dense<0.0> : tensor<128x16xf32, #p>
    // expected-remark @+1 {{warpgroups issue products in turns}}
    scf.for %j = %c0 to %n step %c1 : i32 {
      %a = cta.get %k[%j] : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
      %s = cta.dot wgmma async tile %q : tensor<128x16xbf16, #p>, %a transposed_b, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<128x16xf32, #p> -> tensor<128x16xf32, #p>
      %b = cta.get %v[%j] : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
      %x = cta.clear %b outside %low, %n : !cta.buffer<16, 16, bf16, span 32> -> !cta.buffer<16, 16, bf16, span 32>
      %t = cta.dot wgmma async tile %q : tensor<128x16xbf16, #p>, %x, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<128x16xf32, #p> -> tensor<128x16xf32, #p>
      %w:2 = cta.dot_wait %s, %t pending 0 : tensor<128x16xf32, #p>, tensor<128x16xf32, #p> -> tensor<128x16xf32, #p>, tensor<128x16xf32, #p>
    }
  } copy warps 4 registers 24 {
    %none = arith.constant 0 : i32
  }
  return
}

// -----

#p = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 8x1 stride 1x1 repeat 1x1">

// Who waits between its products would hold up the others.
// CHECK-LABEL: func.func @waits
// CHECK-NOT: cta.{{.*}}turn
func.func @waits(%n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 8, stages 2, turns>} {
  %k = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier>
  cta.roles compute warps 8 registers 240 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %q = arith.constant dense<1.0> : tensor<128x16xbf16, #p>
    %o = arith.constant dense<0.0> : tensor<128x16xf32, #p>
    // expected-remark @+1 {{no turns: the loop waits between its products}}
    scf.for %j = %c0 to %n step %c1 : i32 {
      %a = cta.get %k[%j] : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
      %s = cta.dot wgmma async tile %q : tensor<128x16xbf16, #p>, %a transposed_b, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<128x16xf32, #p> -> tensor<128x16xf32, #p>
      %w = cta.dot_wait %s pending 0 : tensor<128x16xf32, #p> -> tensor<128x16xf32, #p>
      %t = cta.dot wgmma async tile %q : tensor<128x16xbf16, #p>, %a, %w : !cta.buffer<16, 16, bf16, span 32>, tensor<128x16xf32, #p> -> tensor<128x16xf32, #p>
      %x = cta.dot_wait %t pending 0 : tensor<128x16xf32, #p> -> tensor<128x16xf32, #p>
    }
  } copy warps 4 registers 24 {
    %none = arith.constant 0 : i32
  }
  return
}

// -----

// CHECK-LABEL: func.func @alone
// CHECK-NOT: cta.
// expected-remark @+1 {{no turns: they take two warpgroups that multiply, and warps that copy for them}}
func.func @alone() attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2, turns>} {
  return
}
