// RUN: imbrex-opt %s -verify-diagnostics -split-input-file -pass-pipeline='builtin.module(func.func(cta-issue-dots))' | FileCheck %s

// CHECK-LABEL: @one
// CHECK: %[[ISSUED:.*]] = cta.dot fma async
// CHECK-NEXT: %[[DONE:.*]] = cta.dot_wait %[[ISSUED]] pending 0
// CHECK-NEXT: return %[[DONE]]
func.func @one(%a: !cta.buffer<16, 16, f32, span 64>, %b: !cta.buffer<16, 8, f32, span 32>, %c: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %0 = cta.dot fma buffer %a : !cta.buffer<16, 16, f32, span 64>, %b, %c : !cta.buffer<16, 8, f32, span 32>, tensor<16x8xf32> -> tensor<16x8xf32>
  return %0 : tensor<16x8xf32>
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// What waits for the first product of an iteration is done beside the second one, which needs nothing of it. Left
// operands that the loop does not change are read before it.
// CHECK-LABEL: @together
// CHECK: %[[Q:.*]] = cta.read %arg0
// CHECK: %[[G:.*]] = cta.read %arg1
// CHECK: scf.for
// CHECK:   cta.get
// CHECK:   %[[S:.*]] = cta.dot wgmma async tile %[[Q]]
// CHECK:   cta.get
// CHECK:   cta.dot wgmma async tile %[[G]]
// CHECK:   cta.dot_wait %[[S]]
// CHECK:   cta.dot wgmma async tile
func.func @together(%q: !cta.buffer<64, 16, bf16, span 32>, %g: !cta.buffer<64, 16, bf16, span 32>, %n: i32, %o0: tensor<64x16xf32, #a>) -> tensor<64x16xf32, #a> attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<64x16xf32, #a>
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier>
  %rv = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %o0) -> (tensor<64x16xf32, #a>) : i32 {
    %k = cta.get %rk[%j] : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
    // expected-remark @+1 {{left operand read into registers before the loop}}
    %s = cta.dot wgmma buffer %q : !cta.buffer<64, 16, bf16, span 32>, %k transposed_b, %zero : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %p = math.exp2 %s : tensor<64x16xf32, #a>
    %v = cta.get %rv[%j] : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
    // expected-remark @+2 {{issued behind the iteration's first product}}
    // expected-remark @+1 {{left operand read into registers before the loop}}
    %t = cta.dot wgmma buffer %g : !cta.buffer<64, 16, bf16, span 32>, %v transposed_b, %zero : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %d = arith.mulf %p, %t : tensor<64x16xf32, #a>
    %x = arith.truncf %d : tensor<64x16xf32, #a> to tensor<64x16xbf16, #a>
    %a = cta.dot wgmma tile %x : tensor<64x16xbf16, #a>, %k, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    scf.yield %a : tensor<64x16xf32, #a>
  }
  return %r : tensor<64x16xf32, #a>
}

// -----

#w = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) (0,64) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// Not where the sums of all of them do not fit into the registers.
// CHECK-LABEL: @too_many_sums
// CHECK: scf.for
// CHECK:   cta.dot wgmma async
// CHECK:   math.exp2
// CHECK:   cta.dot wgmma async
func.func @too_many_sums(%q: !cta.buffer<64, 16, bf16, span 32>, %k: !cta.buffer<128, 16, bf16, span 32>, %n: i32, %o0: tensor<64x128xf32, #w>) -> tensor<64x128xf32, #w> attributes {tile.kernel = #tile.request<"sm_90a", warps 16, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<64x128xf32, #w>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %o0) -> (tensor<64x128xf32, #w>) : i32 {
    %s = cta.dot wgmma buffer %q : !cta.buffer<64, 16, bf16, span 32>, %k transposed_b, %zero : !cta.buffer<128, 16, bf16, span 32>, tensor<64x128xf32, #w> -> tensor<64x128xf32, #w>
    %p = math.exp2 %s : tensor<64x128xf32, #w>
    // expected-remark @+1 {{not issued behind the iteration's first product: 224 registers would hold sums, and 24 more are for the rest, of 128}}
    %t = cta.dot wgmma buffer %q : !cta.buffer<64, 16, bf16, span 32>, %k transposed_b, %zero : !cta.buffer<128, 16, bf16, span 32>, tensor<64x128xf32, #w> -> tensor<64x128xf32, #w>
    %d = arith.mulf %p, %t : tensor<64x128xf32, #w>
    %e = arith.addf %d, %o : tensor<64x128xf32, #w>
    scf.yield %e : tensor<64x128xf32, #w>
  }
  return %r : tensor<64x128xf32, #w>
}

// -----

#m = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// Of two left operands one has room beside the sums and the rest of an iteration.
// CHECK-LABEL: @room_for_one
// CHECK: %[[Q:.*]] = cta.read %arg0
// CHECK-NOT: cta.read
// CHECK:   cta.dot wgmma async tile %[[Q]]
// CHECK:   cta.dot wgmma async buffer %arg0
func.func @room_for_one(%q: !cta.buffer<64, 64, bf16, span 128>, %k: !cta.buffer<32, 64, bf16, span 128>, %n: i32, %o0: tensor<64x32xf32, #m>) -> tensor<64x32xf32, #m> attributes {tile.kernel = #tile.request<"sm_90a", warps 16, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<64x32xf32, #m>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %o0) -> (tensor<64x32xf32, #m>) : i32 {
    // expected-remark @+1 {{left operand read into registers before the loop}}
    %s = cta.dot wgmma buffer %q : !cta.buffer<64, 64, bf16, span 128>, %k transposed_b, %zero : !cta.buffer<32, 64, bf16, span 128>, tensor<64x32xf32, #m> -> tensor<64x32xf32, #m>
    // expected-remark @+1 {{issued behind the iteration's first product}}
    %t = cta.dot wgmma buffer %q : !cta.buffer<64, 64, bf16, span 128>, %k transposed_b, %zero : !cta.buffer<32, 64, bf16, span 128>, tensor<64x32xf32, #m> -> tensor<64x32xf32, #m>
    %d = arith.mulf %s, %t : tensor<64x32xf32, #m>
    %e = arith.addf %d, %o : tensor<64x32xf32, #m>
    scf.yield %e : tensor<64x32xf32, #m>
  }
  return %r : tensor<64x32xf32, #m>
}

// -----

#q = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// Where all of the second product's sums are too many beside the first one's, its last columns are issued there; the rest
// where it was, behind the product that reads the exponentials.
// CHECK-LABEL: @last_columns
// CHECK: %[[ZERO:.*]] = arith.constant dense<0.0
// CHECK: scf.for
// CHECK:   %[[S:.*]] = cta.dot wgmma async
// CHECK:   %[[LAST:.*]] = cta.dot wgmma async buffer %arg0 {{.*}}, %arg2 transposed_b, %[[ZERO]] columns [48, 64]
// CHECK:   cta.dot_wait %[[S]]
// CHECK:   math.exp2
// CHECK:   cta.dot wgmma async tile
// CHECK:   %[[ALL:.*]] = cta.dot wgmma async buffer %arg0 {{.*}}, %arg2 transposed_b, %[[LAST]] columns [0, 48]
// CHECK:   cta.dot_wait %[[ALL]]
func.func @last_columns(%q: !cta.buffer<64, 64, bf16, span 128>, %k: !cta.buffer<64, 64, bf16, span 128>, %v: !cta.buffer<64, 64, bf16, span 128>, %n: i32, %o0: tensor<64x64xf32, #q>) -> tensor<64x64xf32, #q> attributes {tile.kernel = #tile.request<"sm_90a", warps 16, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<64x64xf32, #q>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %o0) -> (tensor<64x64xf32, #q>) : i32 {
    %s = cta.dot wgmma buffer %q : !cta.buffer<64, 64, bf16, span 128>, %k transposed_b, %zero : !cta.buffer<64, 64, bf16, span 128>, tensor<64x64xf32, #q> -> tensor<64x64xf32, #q>
    %p = math.exp2 %s : tensor<64x64xf32, #q>
    %x = arith.truncf %p : tensor<64x64xf32, #q> to tensor<64x64xbf16, #q>
    %a = cta.dot wgmma tile %x : tensor<64x64xbf16, #q>, %k, %o : !cta.buffer<64, 64, bf16, span 128>, tensor<64x64xf32, #q> -> tensor<64x64xf32, #q>
    // expected-remark @+1 {{16 of 64 columns issued behind the iteration's first product: the registers do not hold all}}
    %t = cta.dot wgmma buffer %q : !cta.buffer<64, 64, bf16, span 128>, %v transposed_b, %zero : !cta.buffer<64, 64, bf16, span 128>, tensor<64x64xf32, #q> -> tensor<64x64xf32, #q>
    %d = arith.mulf %p, %t : tensor<64x64xf32, #q>
    %e = arith.addf %d, %a : tensor<64x64xf32, #q>
    scf.yield %e : tensor<64x64xf32, #q>
  }
  return %r : tensor<64x64xf32, #q>
}

// -----

#q = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// Not where they would start within a panel of the right operand.
// CHECK-LABEL: @within_a_panel
// CHECK-NOT: columns [
func.func @within_a_panel(%q: !cta.buffer<64, 64, bf16, span 128>, %k: !cta.buffer<64, 64, bf16, span 128>, %v: !cta.buffer<64, 64, bf16, span 128>, %n: i32, %o0: tensor<64x64xf32, #q>) -> tensor<64x64xf32, #q> attributes {tile.kernel = #tile.request<"sm_90a", warps 16, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<64x64xf32, #q>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %o0) -> (tensor<64x64xf32, #q>) : i32 {
    %s = cta.dot wgmma buffer %q : !cta.buffer<64, 64, bf16, span 128>, %k transposed_b, %zero : !cta.buffer<64, 64, bf16, span 128>, tensor<64x64xf32, #q> -> tensor<64x64xf32, #q>
    %p = math.exp2 %s : tensor<64x64xf32, #q>
    // expected-remark @+1 {{not issued behind the iteration's first product: 112 registers would hold sums, and 24 more are for the rest, of 128}}
    %t = cta.dot wgmma buffer %q : !cta.buffer<64, 64, bf16, span 128>, %v, %zero : !cta.buffer<64, 64, bf16, span 128>, tensor<64x64xf32, #q> -> tensor<64x64xf32, #q>
    %d = arith.mulf %p, %t : tensor<64x64xf32, #q>
    %e = arith.addf %d, %o : tensor<64x64xf32, #q>
    scf.yield %e : tensor<64x64xf32, #q>
  }
  return %r : tensor<64x64xf32, #q>
}
