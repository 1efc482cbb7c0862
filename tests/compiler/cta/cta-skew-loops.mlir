// RUN: imbrex-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(cta-skew-loops))' | FileCheck %s

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
#l = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x2">

// Two products, the second needs the first: the first is made one iteration ahead, with its get and its put.
// CHECK-LABEL: @two
// CHECK: scf.if
// CHECK:   cta.get %[[K:.*]][%{{.*}}]
// CHECK:   cta.put %arg0{{.*}} into %[[K]]
// CHECK:   %[[S0:.*]] = cta.dot mma tile
// CHECK-NOT: cta.dot
// CHECK:   scf.for %[[J:[a-z0-9]+]] = {{.*}}, %[[S:[a-z0-9]+]] = %[[S0]])
// CHECK:     %[[NEXT:.*]] = arith.addi %[[J]], %{{.*}} overflow<nsw>
// CHECK:     cta.get %[[K]][%[[NEXT]]]
// CHECK:     cta.get %[[V:.*]][%[[J]]]
// CHECK:     %[[T:.*]] = cta.dot mma tile
// CHECK:     arith.truncf %[[S]]
// CHECK:     %[[O:.*]] = cta.dot mma tile
// CHECK:     scf.yield %[[O]], %[[T]]
// CHECK:   cta.get %[[V]]
// CHECK:   arith.truncf
// CHECK:   %[[LAST:.*]] = cta.dot mma tile
// CHECK:   scf.yield %[[LAST]]
// CHECK: else
// CHECK-NEXT: scf.yield %arg4
func.func @two(%KV: !tile.view<? x 16 x bf16>, %q: tensor<16x16xbf16, #a>, %n: i32, %zero: i32, %o: tensor<16x16xf32, #l>) -> tensor<16x16xf32, #l> attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32, #l>
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by groups>
  %b = cta.alloc : !cta.buffer<16, 16, bf16, span 32>
  %rv = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by groups>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<16x16xf32, #l>) : i32 {
    %k = cta.get %rk[%j] : !cta.ring<16, 16, bf16, span 32, slots 2, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    %v = cta.get %rv[%j] : !cta.ring<16, 16, bf16, span 32, slots 2, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    %next = arith.addi %j, %c1 : i32
    cta.put %KV[%next, %c0] dims [0, 1] into %rk[%next] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 2, by groups>
    // expected-remark @+1 {{early product: made an iteration ahead}}
    %s = cta.dot mma tile %q : tensor<16x16xbf16, #a>, %k transposed_b, %none : !cta.buffer<16, 16, bf16, span 32>, tensor<16x16xf32, #l> -> tensor<16x16xf32, #l>
    %p0 = arith.truncf %s : tensor<16x16xf32, #l> to tensor<16x16xbf16, #l>
    cta.write %p0, %b : tensor<16x16xbf16, #l>, !cta.buffer<16, 16, bf16, span 32>
    %p = cta.read %b : !cta.buffer<16, 16, bf16, span 32> -> tensor<16x16xbf16, #a>
    %a = cta.dot mma tile %p : tensor<16x16xbf16, #a>, %v, %acc : !cta.buffer<16, 16, bf16, span 32>, tensor<16x16xf32, #l> -> tensor<16x16xf32, #l>
    scf.yield %a : tensor<16x16xf32, #l>
  }
  return %r : tensor<16x16xf32, #l>
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
#l = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x2">

// Of 16 warps each thread has 128 registers at most.
// CHECK-LABEL: @many_warps
// CHECK-NOT: scf.if
func.func @many_warps(%KV: !tile.view<? x 16 x bf16>, %q: tensor<16x16xbf16, #a>, %n: i32, %zero: i32, %o: tensor<16x16xf32, #l>) -> tensor<16x16xf32, #l> attributes {tile.kernel = #tile.request<"sm_80", warps 16, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32, #l>
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by groups>
  %b = cta.alloc : !cta.buffer<16, 16, bf16, span 32>
  %rv = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by groups>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<16x16xf32, #l>) : i32 {
    %k = cta.get %rk[%j] : !cta.ring<16, 16, bf16, span 32, slots 2, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    %v = cta.get %rv[%j] : !cta.ring<16, 16, bf16, span 32, slots 2, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    %next = arith.addi %j, %c1 : i32
    cta.put %KV[%next, %c0] dims [0, 1] into %rk[%next] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 2, by groups>
    // expected-remark @+1 {{not made an iteration ahead: 36 registers would be alive, and 120 more for the rest, of 128}}
    %s = cta.dot mma tile %q : tensor<16x16xbf16, #a>, %k transposed_b, %none : !cta.buffer<16, 16, bf16, span 32>, tensor<16x16xf32, #l> -> tensor<16x16xf32, #l>
    %p0 = arith.truncf %s : tensor<16x16xf32, #l> to tensor<16x16xbf16, #l>
    cta.write %p0, %b : tensor<16x16xbf16, #l>, !cta.buffer<16, 16, bf16, span 32>
    %p = cta.read %b : !cta.buffer<16, 16, bf16, span 32> -> tensor<16x16xbf16, #a>
    %a = cta.dot mma tile %p : tensor<16x16xbf16, #a>, %v, %acc : !cta.buffer<16, 16, bf16, span 32>, tensor<16x16xf32, #l> -> tensor<16x16xf32, #l>
    scf.yield %a : tensor<16x16xf32, #l>
  }
  return %r : tensor<16x16xf32, #l>
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
#l = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x2">

// A product that only needs itself: nothing to make ahead.
// CHECK-LABEL: @one
// CHECK-NOT: scf.if
func.func @one(%q: tensor<16x16xbf16, #a>, %n: i32, %o: tensor<16x16xf32, #l>, %k: !cta.buffer<16, 16, bf16, span 32>) -> tensor<16x16xf32, #l> attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<16x16xf32, #l>) : i32 {
    %a = cta.dot mma tile %q : tensor<16x16xbf16, #a>, %k, %acc : !cta.buffer<16, 16, bf16, span 32>, tensor<16x16xf32, #l> -> tensor<16x16xf32, #l>
    scf.yield %a : tensor<16x16xf32, #l>
  }
  return %r : tensor<16x16xf32, #l>
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
#l = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x2">

// Both read what the iteration wrote to shared memory: neither can be made before it.
// CHECK-LABEL: @through_memory
// CHECK-NOT: scf.if
func.func @through_memory(%X: !tile.view<? x 16 x bf16>, %q: tensor<16x16xbf16, #a>, %n: i32, %o: tensor<16x16xf32, #l>) -> tensor<16x16xf32, #l> attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32, #l>
  %b = cta.alloc : !cta.buffer<16, 16, bf16, span 32>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<16x16xf32, #l>) : i32 {
    %x = tile.load %X[%j, %c0] dims [0, 1] : !tile.view<? x 16 x bf16> -> tensor<16x16xbf16, #l>
    cta.write %x, %b : tensor<16x16xbf16, #l>, !cta.buffer<16, 16, bf16, span 32>
    %s = cta.dot mma tile %q : tensor<16x16xbf16, #a>, %b transposed_b, %none : !cta.buffer<16, 16, bf16, span 32>, tensor<16x16xf32, #l> -> tensor<16x16xf32, #l>
    %sum = arith.addf %acc, %s : tensor<16x16xf32, #l>
    %a = cta.dot mma tile %q : tensor<16x16xbf16, #a>, %b, %sum : !cta.buffer<16, 16, bf16, span 32>, tensor<16x16xf32, #l> -> tensor<16x16xf32, #l>
    scf.yield %a : tensor<16x16xf32, #l>
  }
  return %r : tensor<16x16xf32, #l>
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
#l = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x2">

// The late product reads the early one's tile too: its slot would have to wait.
// CHECK-LABEL: @shared_tile
// CHECK-NOT: scf.if
func.func @shared_tile(%q: tensor<16x16xbf16, #a>, %n: i32, %o: tensor<16x16xf32, #l>) -> tensor<16x16xf32, #l> attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32, #l>
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by groups>
  %b = cta.alloc : !cta.buffer<16, 16, bf16, span 32>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<16x16xf32, #l>) : i32 {
    // expected-remark @+1 {{not an iteration ahead: a late product reads it too}}
    %k = cta.get %rk[%j] : !cta.ring<16, 16, bf16, span 32, slots 2, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    %s = cta.dot mma tile %q : tensor<16x16xbf16, #a>, %k transposed_b, %none : !cta.buffer<16, 16, bf16, span 32>, tensor<16x16xf32, #l> -> tensor<16x16xf32, #l>
    %p0 = arith.truncf %s : tensor<16x16xf32, #l> to tensor<16x16xbf16, #l>
    cta.write %p0, %b : tensor<16x16xbf16, #l>, !cta.buffer<16, 16, bf16, span 32>
    %p = cta.read %b : !cta.buffer<16, 16, bf16, span 32> -> tensor<16x16xbf16, #a>
    %t = arith.extf %p0 : tensor<16x16xbf16, #l> to tensor<16x16xf32, #l>
    %sum = arith.addf %acc, %t : tensor<16x16xf32, #l>
    %a = cta.dot mma tile %q : tensor<16x16xbf16, #a>, %k, %sum : !cta.buffer<16, 16, bf16, span 32>, tensor<16x16xf32, #l> -> tensor<16x16xf32, #l>
    scf.yield %a : tensor<16x16xf32, #l>
  }
  return %r : tensor<16x16xf32, #l>
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// Products that run on: the late one is delayed by an iteration, behind the early one, and what scales its sums reads the
// result of the iteration before.
// CHECK-LABEL: @late
// CHECK: scf.if
// CHECK:   cta.dot wgmma async
// CHECK:   %[[P0:.*]] = arith.truncf
// CHECK:   %[[X0:.*]] = arith.mulf %arg2
// CHECK:   scf.for %[[J:[a-z0-9]+]] = {{.*}}%[[P:[a-z0-9]+]] = %[[P0]], %[[X:[a-z0-9]+]] = %[[X0]])
// CHECK:     %[[NEXT:.*]] = arith.addi %[[J]], %{{.*}} overflow<nsw>
// CHECK:     cta.get %[[RK:.*]][%[[NEXT]]]
// CHECK:     cta.dot wgmma async buffer
// CHECK:     cta.get %[[RV:.*]][%[[J]]]
// CHECK:     %[[O:.*]] = cta.dot wgmma async tile %[[P]] : {{.*}}, %[[X]]
// CHECK:     %[[DONE:.*]] = cta.dot_wait %[[O]]
// CHECK:     arith.truncf
// CHECK:     arith.mulf %[[DONE]]
// CHECK:   cta.get %[[RV]]
// CHECK:   cta.dot wgmma async tile
func.func @late(%q: !cta.buffer<64, 16, bf16, span 32>, %n: i32, %o0: tensor<64x16xf32, #a>) -> tensor<64x16xf32, #a> attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<64x16xf32, #a>
  %half = arith.constant dense<0.5> : tensor<64x16xf32, #a>
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier>
  %rv = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %o0) -> (tensor<64x16xf32, #a>) : i32 {
    %k = cta.get %rk[%j] : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
    %v = cta.get %rv[%j] : !cta.ring<16, 16, bf16, span 32, slots 2, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
    %s = cta.dot wgmma async buffer %q : !cta.buffer<64, 16, bf16, span 32>, %k transposed_b, %zero : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %sw = cta.dot_wait %s pending 0 : tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %p = arith.truncf %sw : tensor<64x16xf32, #a> to tensor<64x16xbf16, #a>
    %x = arith.mulf %o, %half : tensor<64x16xf32, #a>
    // expected-remark @+1 {{late product: delayed by one iteration}}
    %a = cta.dot wgmma async tile %p : tensor<64x16xbf16, #a>, %v, %x : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %aw = cta.dot_wait %a pending 0 : tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    scf.yield %aw : tensor<64x16xf32, #a>
  }
  return %r : tensor<64x16xf32, #a>
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// Copies that are not started ahead stay before their readers, the early product's and the late one's.
// CHECK-LABEL: @late_in_place
// CHECK: scf.for %[[J:[a-z0-9]+]] =
// CHECK:   %[[NEXT:.*]] = arith.addi %[[J]]
// CHECK:   cta.put %arg0{{.*}} into %[[RK:.*]][%[[NEXT]]]
// CHECK:   cta.get %[[RK]][%[[NEXT]]]
// CHECK:   cta.dot wgmma async buffer
// CHECK:   cta.put %arg0{{.*}} into %[[RV:.*]][%[[J]]]
// CHECK:   cta.get %[[RV]][%[[J]]]
// CHECK:   cta.dot wgmma async tile
// CHECK-NOT: cta.put
// CHECK:   scf.yield
func.func @late_in_place(%KV: !tile.view<? x 16 x bf16>, %q: !cta.buffer<64, 16, bf16, span 32>, %n: i32, %o0: tensor<64x16xf32, #a>) -> tensor<64x16xf32, #a> attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c16 = arith.constant 16 : i32
  %zero = arith.constant dense<0.0> : tensor<64x16xf32, #a>
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  %rv = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %o0) -> (tensor<64x16xf32, #a>) : i32 {
    %row = arith.muli %j, %c16 overflow<nsw> : i32
    cta.put %KV[%row, %c0] dims [0, 1] into %rk[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
    %k = cta.get %rk[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    %s = cta.dot wgmma async buffer %q : !cta.buffer<64, 16, bf16, span 32>, %k transposed_b, %zero : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %sw = cta.dot_wait %s pending 0 : tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %p = arith.truncf %sw : tensor<64x16xf32, #a> to tensor<64x16xbf16, #a>
    cta.put %KV[%row, %c0] dims [0, 1] into %rv[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
    %v = cta.get %rv[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    // expected-remark @+1 {{late product: delayed by one iteration}}
    %a = cta.dot wgmma async tile %p : tensor<64x16xbf16, #a>, %v, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %aw = cta.dot_wait %a pending 0 : tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    scf.yield %aw : tensor<64x16xf32, #a>
  }
  return %r : tensor<64x16xf32, #a>
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#h = #cta.layout<"reg lane (1,0) (2,0) (4,0) (8,0) (0,0) warps 1x1 stride 1x1 repeat 1x1">
#t = #cta.layout<"reg lane (0,0) (1,0) (2,0) (4,0) (8,0) warps 1x1 stride 1x1 repeat 1x1">

// A table of rows that goes through shared memory on its way to the early product's copy is written before it is read.
// CHECK-LABEL: @table_through_memory
// CHECK: scf.for %[[J:[a-z0-9]+]] =
// CHECK:   %[[NEXT:.*]] = arith.addi %[[J]]
// CHECK:   %[[ROWS:.*]] = tile.splat %[[NEXT]]
// CHECK:   cta.write %[[ROWS]], %[[B:.*]] :
// CHECK:   %[[TABLE:.*]] = cta.read %[[B]]
// CHECK:   cta.put %arg0{{.*}} rows %[[TABLE]] into %{{.*}}[%[[NEXT]]]
// CHECK-NOT: cta.write
// CHECK:   scf.yield
func.func @table_through_memory(%KV: !tile.view<? x 16 x bf16>, %q: !cta.buffer<64, 16, bf16, span 32>, %n: i32, %o0: tensor<64x16xf32, #a>) -> tensor<64x16xf32, #a> attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<64x16xf32, #a>
  %b = cta.alloc : !cta.buffer<16, 1, i32, span 32>
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  %rv = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %o0) -> (tensor<64x16xf32, #a>) : i32 {
    %rows = tile.splat %j : i32 -> tensor<16x1xi32, #h>
    cta.write %rows, %b : tensor<16x1xi32, #h>, !cta.buffer<16, 1, i32, span 32>
    %table = cta.read %b : !cta.buffer<16, 1, i32, span 32> -> tensor<16x1xi32, #t>
    cta.put %KV[%c0, %c0] dims [0, 1] rows %table into %rk[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>, tensor<16x1xi32, #t>
    %k = cta.get %rk[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    %s = cta.dot wgmma async buffer %q : !cta.buffer<64, 16, bf16, span 32>, %k transposed_b, %zero : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %sw = cta.dot_wait %s pending 0 : tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %p = arith.truncf %sw : tensor<64x16xf32, #a> to tensor<64x16xbf16, #a>
    %v = cta.get %rv[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    // expected-remark @+1 {{late product: delayed by one iteration}}
    %a = cta.dot wgmma async tile %p : tensor<64x16xbf16, #a>, %v, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %aw = cta.dot_wait %a pending 0 : tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    scf.yield %aw : tensor<64x16xf32, #a>
  }
  return %r : tensor<64x16xf32, #a>
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// A copy of what the loop itself stores stays behind the store.
// CHECK-LABEL: @stored_in_the_loop
// CHECK-NOT: scf.if
func.func @stored_in_the_loop(%X: !tile.view<? x 16 x f32, var>, %Y: !tile.view<? x 16 x bf16, var>, %q: !cta.buffer<64, 16, bf16, span 32>, %n: i32, %o0: tensor<64x16xf32, #a>) -> tensor<64x16xf32, #a> attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<64x16xf32, #a>
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  %rv = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  // expected-remark @+1 {{late products not delayed by an iteration: an operand is made in the loop}}
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %o0) -> (tensor<64x16xf32, #a>) : i32 {
    cta.put %Y[%j, %c0] dims [0, 1] into %rk[%j] : !tile.view<? x 16 x bf16, var>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
    %k = cta.get %rk[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    %s = cta.dot wgmma async buffer %q : !cta.buffer<64, 16, bf16, span 32>, %k transposed_b, %zero : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %sw = cta.dot_wait %s pending 0 : tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %p = arith.truncf %sw : tensor<64x16xf32, #a> to tensor<64x16xbf16, #a>
    %v = cta.get %rv[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    %a = cta.dot wgmma async tile %p : tensor<64x16xbf16, #a>, %v, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    %aw = cta.dot_wait %a pending 0 : tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
    tile.store %p, %Y[%j, %c0] dims [0, 1] : tensor<64x16xbf16, #a>, !tile.view<? x 16 x bf16, var>
    scf.yield %aw : tensor<64x16xf32, #a>
  }
  return %r : tensor<64x16xf32, #a>
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// What is read one iteration later than the rest is copied behind it: of one slot, a copy ahead of it would wait for a
// reader that waits for the rest.
// CHECK-LABEL: @filled_last
// CHECK: %[[RK:.*]] = cta.ring
// CHECK: %[[RV:.*]] = cta.ring
// CHECK: scf.for
// CHECK:   cta.get %[[RK]]
// CHECK:   cta.get %[[RV]]
// CHECK: } copy
// CHECK:   cta.put %arg0{{.*}} into %[[RK]]
// CHECK:   cta.put %arg0{{.*}} into %[[RV]]
// CHECK-NEXT: }
func.func @filled_last(%KV: !tile.view<? x 16 x bf16>, %q: !cta.buffer<64, 16, bf16, span 32>, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
  %rv = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
  cta.roles compute warps 4 registers 240 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %zero = arith.constant dense<0.0> : tensor<64x16xf32, #a>
    %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %zero) -> (tensor<64x16xf32, #a>) : i32 {
      %v = cta.get %rv[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
      %k = cta.get %rk[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
      %s = cta.dot wgmma async buffer %q : !cta.buffer<64, 16, bf16, span 32>, %k transposed_b, %zero : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
      %sw = cta.dot_wait %s pending 0 : tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
      %p = arith.truncf %sw : tensor<64x16xf32, #a> to tensor<64x16xbf16, #a>
      // expected-remark @+1 {{late product: delayed by one iteration}}
      %a = cta.dot wgmma async tile %p : tensor<64x16xbf16, #a>, %v, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
      %aw = cta.dot_wait %a pending 0 : tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
      scf.yield %aw : tensor<64x16xf32, #a>
    }
  } copy warps 4 registers 24 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    scf.for %j = %c0 to %n step %c1 : i32 {
      cta.put %KV[%j, %c0] dims [0, 1] into %rv[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
      cta.put %KV[%j, %c0] dims [0, 1] into %rk[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
    }
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// So too where the rest is read an iteration ahead.
// CHECK-LABEL: @filled_first
// CHECK: %[[RK:.*]] = cta.ring
// CHECK: %[[RV:.*]] = cta.ring
// CHECK: scf.for
// CHECK:   cta.get %[[RK]][%{{.*}}]
// CHECK: } copy
// CHECK:   cta.put %arg0{{.*}} into %[[RK]]
// CHECK:   cta.put %arg0{{.*}} into %[[RV]]
// CHECK-NEXT: }
func.func @filled_first(%KV: !tile.view<? x 16 x bf16>, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
  %rv = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
  cta.roles compute warps 4 registers 240 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %zero = arith.constant dense<0.0> : tensor<64x16xf32, #a>
    %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
    %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %zero) -> (tensor<64x16xf32, #a>) : i32 {
      %v = cta.get %rv[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
      %k = cta.get %rk[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
      // expected-remark @+1 {{early product: made an iteration ahead}}
      %s = cta.dot mma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %zero : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
      %p = arith.truncf %s : tensor<64x16xf32, #a> to tensor<64x16xbf16, #a>
      %a = cta.dot mma tile %p : tensor<64x16xbf16, #a>, %v, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
      scf.yield %a : tensor<64x16xf32, #a>
    }
  } copy warps 4 registers 24 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    scf.for %j = %c0 to %n step %c1 : i32 {
      cta.put %KV[%j, %c0] dims [0, 1] into %rv[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
      cta.put %KV[%j, %c0] dims [0, 1] into %rk[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
    }
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// Not where a loop in the loop has copies of its own: those of the next iteration are behind it.
// CHECK-LABEL: @copies_inside
// CHECK-NOT: scf.if
// CHECK: return
func.func @copies_inside(%KV: !tile.view<? x 16 x bf16>, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
  %rv = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
  %rx = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
  cta.roles compute warps 4 registers 240 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %zero = arith.constant dense<0.0> : tensor<64x16xf32, #a>
    %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
    // expected-remark @+1 {{no product made ahead or behind: a loop or branch in the loop has copies of its own}}
    %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %zero) -> (tensor<64x16xf32, #a>) : i32 {
      scf.for %i = %c0 to %n step %c1 : i32 {
        %x = cta.get %rx[%i] : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
      }
      %k = cta.get %rk[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
      %s = cta.dot mma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %zero : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
      %p = arith.truncf %s : tensor<64x16xf32, #a> to tensor<64x16xbf16, #a>
      %v = cta.get %rv[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
      %a = cta.dot mma tile %p : tensor<64x16xbf16, #a>, %v, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
      scf.yield %a : tensor<64x16xf32, #a>
    }
  } copy warps 4 registers 24 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    scf.for %j = %c0 to %n step %c1 : i32 {
      scf.for %i = %c0 to %n step %c1 : i32 {
        cta.put %KV[%i, %c0] dims [0, 1] into %rx[%i] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
      }
      cta.put %KV[%j, %c0] dims [0, 1] into %rk[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
      cta.put %KV[%j, %c0] dims [0, 1] into %rv[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
    }
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#t = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x4 stride 1x1 repeat 1x1">

// A tile that is written anew on its way into its only slot is written last too: read an iteration later it would keep
// the slot, and the copies behind it would wait.
// CHECK-LABEL: @written_anew
// CHECK: compute
// CHECK: cta.get %[[K:.*]][
// CHECK: scf.for
// CHECK: } copy
// CHECK: scf.for %[[J:.*]] =
// CHECK-NEXT: cta.put {{.*}} into %[[K]][%[[J]]]
// CHECK-NEXT: %[[SLOT:.*]] = cta.acquire %[[V:.*]][%[[J]]]
// CHECK-NEXT: cta.write %{{.*}}, %[[SLOT]]
// CHECK-NEXT: cta.publish %[[V]][%[[J]]]
// CHECK-NEXT: }
func.func @written_anew(%KV: !tile.view<? x 16 x bf16>, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
  %rt = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
  cta.roles compute warps 4 registers 240 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %zero = arith.constant dense<0.0> : tensor<64x16xf32, #a>
    %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
    %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %zero) -> (tensor<64x16xf32, #a>) : i32 {
      %v = cta.get %rt[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
      %k = cta.get %rk[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
      // expected-remark @+1 {{early product: made an iteration ahead}}
      %s = cta.dot mma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %zero : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
      %p = arith.truncf %s : tensor<64x16xf32, #a> to tensor<64x16xbf16, #a>
      %a = cta.dot mma tile %p : tensor<64x16xbf16, #a>, %v, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #a> -> tensor<64x16xf32, #a>
      scf.yield %a : tensor<64x16xf32, #a>
    }
  } copy warps 4 registers 24 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %tile = arith.constant dense<1.0> : tensor<16x16xbf16, #t>
    scf.for %j = %c0 to %n step %c1 : i32 {
      %t = cta.acquire %rt[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier> -> !cta.buffer<16, 16, bf16, span 32>
      cta.write %tile, %t : tensor<16x16xbf16, #t>, !cta.buffer<16, 16, bf16, span 32>
      cta.publish %rt[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
      cta.put %KV[%j, %c0] dims [0, 1] into %rk[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by mbarrier>
    }
  }
  return
}

// -----

#b = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// Columns of an early product are early as well: the late one is delayed, both are made in the next iteration's opening.
// CHECK-LABEL: @by_columns
// CHECK:   scf.for
// CHECK:     %[[S:.*]] = cta.dot wgmma async buffer {{.*}} columns [16, 32]
// CHECK:     cta.dot wgmma async buffer {{.*}}, %[[S]] columns [0, 16]
// CHECK:     cta.dot wgmma async tile
func.func @by_columns(%q: !cta.buffer<64, 16, bf16, span 32>, %n: i32, %o0: tensor<64x32xf32, #b>) -> tensor<64x32xf32, #b> attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<64x32xf32, #b>
  %rk = cta.ring : !cta.ring<32, 16, bf16, span 32, slots 2, by mbarrier>
  %rv = cta.ring : !cta.ring<32, 32, bf16, span 64, slots 2, by mbarrier>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%o = %o0) -> (tensor<64x32xf32, #b>) : i32 {
    %k = cta.get %rk[%j] : !cta.ring<32, 16, bf16, span 32, slots 2, by mbarrier> -> !cta.buffer<32, 16, bf16, span 32>
    %v = cta.get %rv[%j] : !cta.ring<32, 32, bf16, span 64, slots 2, by mbarrier> -> !cta.buffer<32, 32, bf16, span 64>
    %h = cta.dot wgmma async buffer %q : !cta.buffer<64, 16, bf16, span 32>, %k transposed_b, %zero columns [16, 32] : !cta.buffer<32, 16, bf16, span 32>, tensor<64x32xf32, #b> -> tensor<64x32xf32, #b>
    %s = cta.dot wgmma async buffer %q : !cta.buffer<64, 16, bf16, span 32>, %k transposed_b, %h columns [0, 16] : !cta.buffer<32, 16, bf16, span 32>, tensor<64x32xf32, #b> -> tensor<64x32xf32, #b>
    %sw = cta.dot_wait %s pending 0 : tensor<64x32xf32, #b> -> tensor<64x32xf32, #b>
    %p = arith.truncf %sw : tensor<64x32xf32, #b> to tensor<64x32xbf16, #b>
    // expected-remark @+1 {{late product: delayed by one iteration}}
    %a = cta.dot wgmma async tile %p : tensor<64x32xbf16, #b>, %v, %o : !cta.buffer<32, 32, bf16, span 64>, tensor<64x32xf32, #b> -> tensor<64x32xf32, #b>
    %aw = cta.dot_wait %a pending 0 : tensor<64x32xf32, #b> -> tensor<64x32xf32, #b>
    scf.yield %aw : tensor<64x32xf32, #b>
  }
  return %r : tensor<64x32xf32, #b>
}
