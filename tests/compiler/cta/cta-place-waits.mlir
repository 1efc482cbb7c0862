// RUN: imbrex-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(cta-place-waits))' | FileCheck %s

// Three slots, two groups ahead: at the get of step j one younger group may be on its way. The two tiles of a step
// are one group, so the second has arrived with the first, as have all behind a wait for all. Both gets stand before the puts, whose barrier they share.
// CHECK-LABEL: @ahead
// CHECK: cta.put
// CHECK-NEXT: cta.put
// CHECK-NEXT: cta.commit
// CHECK-NEXT: cta.put
// CHECK-NEXT: cta.put
// CHECK-NEXT: cta.commit
// CHECK-NEXT: scf.for
// CHECK: cta.get %[[K:.*]][%[[J:.*]]] pending 1
// CHECK-NEXT: cta.get %[[V:.*]][%[[J]]] arrived
// CHECK-NEXT: cta.put
// CHECK-NEXT: cta.put
// CHECK-NEXT: cta.commit
// CHECK-NEXT: cta.read
// CHECK-NEXT: cta.release %[[K]][%[[J]]]
// CHECK-NEXT: cta.read
// CHECK-NEXT: cta.release %[[V]][%[[J]]]
// CHECK: }
// CHECK-NEXT: cta.get {{.*}} pending 0
// CHECK-NEXT: cta.get {{.*}} arrived
func.func @ahead(%K: !tile.view<? x 64 x bf16>, %n: i32, %p: i1) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c2 = arith.constant 2 : i32
  %rk = cta.ring : !cta.ring<16, 64, bf16, span 128, slots 3, by groups>
  %rv = cta.ring : !cta.ring<16, 64, bf16, span 128, slots 3, by groups>
  cta.put %K[%c0, %c0] dims [0, 1] into %rk[%c0] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 3, by groups>
  cta.put %K[%c0, %c0] dims [0, 1] into %rv[%c0] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 3, by groups>
  cta.put %K[%c0, %c0] dims [0, 1] into %rk[%c1] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 3, by groups>
  cta.put %K[%c0, %c0] dims [0, 1] into %rv[%c1] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 3, by groups>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %k = cta.get %rk[%j] : !cta.ring<16, 64, bf16, span 128, slots 3, by groups> -> !cta.buffer<16, 64, bf16, span 128>
    %v = cta.get %rv[%j] : !cta.ring<16, 64, bf16, span 128, slots 3, by groups> -> !cta.buffer<16, 64, bf16, span 128>
    %next = arith.addi %j, %c2 : i32
    cta.put %K[%next, %c0] dims [0, 1] into %rk[%next] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 3, by groups>
    cta.put %K[%next, %c0] dims [0, 1] into %rv[%next] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 3, by groups>
    %t = cta.read %k : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
    %u = cta.read %v : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  }
  %a = cta.get %rk[%n] : !cta.ring<16, 64, bf16, span 128, slots 3, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  %b = cta.get %rv[%n] : !cta.ring<16, 64, bf16, span 128, slots 3, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  return
}

// -----

// No put on the way: the get goes down to its first use, past work that does not need it.
// CHECK-LABEL: @down
// CHECK: cta.read
// CHECK-NEXT: cta.release
// CHECK-NEXT: arith.addf
// CHECK-NEXT: cta.get {{.*}} pending 0
// CHECK-NEXT: cta.read
func.func @down(%K: !tile.view<? x 64 x bf16>, %i: i32, %x: tensor<16x64xbf16>) {
  %c0 = arith.constant 0 : i32
  %rk = cta.ring : !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  %rv = cta.ring : !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  cta.put %K[%c0, %c0] dims [0, 1] into %rk[%c0] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  %k = cta.get %rk[%c0] : !cta.ring<16, 64, bf16, span 128, slots 1, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  cta.put %K[%i, %c0] dims [0, 1] into %rv[%c0] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  %v = cta.get %rv[%c0] : !cta.ring<16, 64, bf16, span 128, slots 1, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  %t = cta.read %k : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  %s = arith.addf %t, %x : tensor<16x64xbf16>
  %u = cta.read %v : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  return
}

// -----

// A group on one way only: the get waits for all.
// CHECK-LABEL: @branch
// CHECK: cta.get {{.*}} pending 0
// CHECK: cta.get {{.*}} pending 1
func.func @branch(%K: !tile.view<? x 64 x bf16>, %c: i1) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %r = cta.ring : !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  %q = cta.ring : !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  cta.put %K[%c0, %c0] dims [0, 1] into %r[%c0] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  scf.if %c {
    cta.put %K[%c0, %c0] dims [0, 1] into %q[%c0] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  }
  %k = cta.get %r[%c0] : !cta.ring<16, 64, bf16, span 128, slots 2, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  %t = cta.read %k : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  cta.put %K[%c0, %c0] dims [0, 1] into %r[%c1] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  cta.put %K[%c0, %c0] dims [0, 1] into %q[%c1] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  scf.if %c {
  } else {
    cta.put %K[%c0, %c0] dims [0, 1] into %q[%c0] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  }
  cta.put %K[%c0, %c0] dims [0, 1] into %r[%c0] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  %l = cta.get %r[%c1] : !cta.ring<16, 64, bf16, span 128, slots 2, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  %u = cta.read %l : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  return
}

// -----

// A product of kind fma is done when it is issued.
// CHECK-LABEL: @products
// CHECK-NOT: async
// CHECK-NOT: cta.dot_wait
// CHECK: return
func.func @products(%a: !cta.buffer<16, 16, f32, span 64>, %b: !cta.buffer<16, 8, f32, span 32>, %c: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %0 = cta.dot fma async buffer %a : !cta.buffer<16, 16, f32, span 64>, %b, %c : !cta.buffer<16, 8, f32, span 32>, tensor<16x8xf32> -> tensor<16x8xf32>
  %1 = cta.dot_wait %0 pending 0 : tensor<16x8xf32> -> tensor<16x8xf32>
  return %1 : tensor<16x8xf32>
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// Products that run on: a wait goes behind what does not need it, and counts the products issued behind its own. A slot
// is released when the product that reads it is done; the left operand of the next iteration is made behind that.
// CHECK-LABEL: @products
// CHECK: scf.for
// CHECK: %[[S:.*]] = cta.dot wgmma async buffer
// CHECK: %[[O:.*]] = cta.dot wgmma async tile
// CHECK-NEXT: cta.dot_wait %[[S]] pending 1
// CHECK-NEXT: cta.release %[[RK:[a-z0-9]+]]
// CHECK-NEXT: %[[E:.*]] = math.exp2
// CHECK-NEXT: %[[DONE:.*]] = cta.dot_wait %[[O]] pending 0
// CHECK-NEXT: cta.release
// CHECK-NEXT: arith.truncf %[[E]]
// CHECK-NEXT: arith.addf %[[DONE]]
func.func @products(%q: !cta.buffer<64, 16, bf16, span 32>, %n: i32, %p0: tensor<64x16xbf16, #a>, %o0: tensor<64x16xf32, #a>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<64x16xf32, #a>
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier>
  %rv = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier>
  %r:2 = scf.for %j = %c0 to %n step %c1 iter_args(%p = %p0, %o = %o0) -> (tensor<64x16xbf16, #a>, tensor<64x16xf32, #a>) : i32 {
    %next = arith.addi %j, %c1 : i32
    %k = cta.get %rk[%next] : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
    %v = cta.get %rv[%j] : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
    %s = cta.dot wgmma async buffer %q : !cta.buffer<64, 16, bf16, span 32>, %k transposed_b, %zero : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %a = cta.dot wgmma async tile %p : tensor<64x16xbf16, #a>, %v, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %aw = cta.dot_wait %a pending 0 : tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %twice = arith.addf %aw, %aw : tensor<64x16xf32, #a>
    %sw = cta.dot_wait %s pending 0 : tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %e = math.exp2 %sw : tensor<64x16xf32, #a>
    %p1 = arith.truncf %e : tensor<64x16xf32, #a> to tensor<64x16xbf16, #a>
    scf.yield %p1, %twice : tensor<64x16xbf16, #a>, tensor<64x16xf32, #a>
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#l = #cta.layout<"reg (1) (8) lane (2) (4) (0) (0) (0) warps 1 stride 1 repeat 1">
#e = #cta.layout<"reg (0,1) (0,8) lane (0,2) (0,4) (0,0) (0,0) (0,0) warps 1x1 stride 1x1 repeat 1x1">

// A line that only what is moved behind the wait needs is read there, where no product wants its registers.
// CHECK-LABEL: @line_behind
// CHECK: cta.dot wgmma async
// CHECK-NEXT: math.exp2 %arg3
// CHECK-NEXT: cta.dot_wait
// CHECK-NEXT: cta.read
// CHECK-NEXT: tile.expand_dims
// CHECK-NEXT: tile.broadcast
// CHECK-NEXT: arith.addf
func.func @line_behind(%q: !cta.buffer<64, 16, bf16, span 32>, %k: !cta.buffer<16, 16, bf16, span 32>, %l: !cta.buffer<1, 16, f32, span 32>, %x: tensor<64x16xf32, #a>) -> (tensor<64x16xf32, #a>, tensor<64x16xf32, #a>) {
  %zero = arith.constant dense<0.0> : tensor<64x16xf32, #a>
  %s = cta.dot wgmma async buffer %q : !cta.buffer<64, 16, bf16, span 32>, %k transposed_b, %zero : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
  %w = cta.dot_wait %s pending 0 : tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
  %line = cta.read %l : !cta.buffer<1, 16, f32, span 32> -> tensor<16xf32, #l>
  %row = tile.expand_dims %line at 0 : tensor<16xf32, #l> -> tensor<1x16xf32, #e>
  %rows = tile.broadcast %row : tensor<1x16xf32, #e> -> tensor<64x16xf32, #a>
  %sum = arith.addf %w, %rows : tensor<64x16xf32, #a>
  %e = math.exp2 %x : tensor<64x16xf32, #a>
  return %sum, %e : tensor<64x16xf32, #a>, tensor<64x16xf32, #a>
}
