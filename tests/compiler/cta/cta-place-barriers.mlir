// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(cta-place-barriers))' | FileCheck %s

// Write, read by others, written again by the next iteration: a barrier on either side.
// CHECK-LABEL: @loop
func.func @loop(%t: tensor<16x64xbf16>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %a = cta.alloc at 0 : !cta.buffer<16, 64, bf16, span 128>
  // CHECK: scf.for
  scf.for %j = %c0 to %n step %c1 : i32 {
    // CHECK: cta.barrier
    // CHECK-NEXT: cta.write
    // CHECK-NEXT: cta.barrier
    // CHECK-NEXT: cta.read
    cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
    %x = cta.read %a : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  }
  return
}

// Other bytes: nothing to wait for.
// CHECK-LABEL: @apart
func.func @apart(%t: tensor<16x64xbf16>) {
  %a = cta.alloc at 0 : !cta.buffer<16, 64, bf16, span 128>
  %b = cta.alloc at 2048 : !cta.buffer<16, 64, bf16, span 128>
  // CHECK-NOT: cta.barrier
  cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
  // CHECK: return
  cta.write %t, %b : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
  return
}

// The same bytes under another name.
// CHECK-LABEL: @shared
func.func @shared(%t: tensor<16x64xbf16>) {
  %a = cta.alloc at 0 : !cta.buffer<16, 64, bf16, span 128>
  %b = cta.alloc at 1024 : !cta.buffer<16, 64, bf16, span 128>
  cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
  // CHECK: cta.barrier
  cta.write %t, %b : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
  return
}

// Two stores to one view by different threads happen in order; the same threads need no barrier.
// CHECK-LABEL: @stores
func.func @stores(%Y: !tile.view<? x f32, out>, %t: tensor<64xf32>, %u: tensor<40xf32>, %i: i32) {
  // CHECK: tile.store
  tile.store %t, %Y[%i] dims [0] : tensor<64xf32>, !tile.view<? x f32, out>
  // CHECK-NEXT: tile.store
  tile.store %t, %Y[%i] dims [0] : tensor<64xf32>, !tile.view<? x f32, out>
  // CHECK-NEXT: cta.barrier
  // CHECK-NEXT: tile.store
  tile.store %u, %Y[%i] dims [0] : tensor<40xf32>, !tile.view<? x f32, out>
  return
}

// Iterations that move on by a tile do not meet; those that move by less do.
// CHECK-LABEL: @store_loops
func.func @store_loops(%Y: !tile.view<? x f32, out>, %Z: !tile.view<? x f32, out>, %t: tensor<64xf32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  scf.for %j = %c0 to %n step %c1 : i32 {
    %at = arith.muli %j, %c64 overflow<nsw> : i32
    // CHECK-NOT: cta.barrier
    // CHECK: tile.store %{{.*}}, %arg0
    tile.store %t, %Y[%at] dims [0] : tensor<64xf32>, !tile.view<? x f32, out>
    // CHECK: cta.barrier
    // CHECK-NEXT: tile.store %{{.*}}, %arg1
    tile.store %t, %Z[%j] dims [0] : tensor<64xf32>, !tile.view<? x f32, out>
  }
  return
}

// A view that is read and written: a load behind a store of other threads, and a store behind such a load, happen in
// order; where each element has one thread, they do so anyhow. A scalar is loaded by all and stored by one.
#own = #cta.layout<"reg (1) lane (2) (4) (8) (16) (32) warps 1 stride 1 repeat 1">
#all = #cta.layout<"reg (1) (2) lane (0) (0) (0) (0) (0) warps 1 stride 1 repeat 1">
#in_place = #cta.launch<"sm_80", threads 32, shared 0, registers 255>
// CHECK-LABEL: @in_place
func.func @in_place(%Y: !tile.view<? x f32, var>, %i: i32, %j: i32) attributes {cta.launch = #in_place} {
  // CHECK: tile.load
  // CHECK-NEXT: tile.store
  // CHECK-NEXT: tile.load
  %a = tile.load %Y[%i] dims [0] : !tile.view<? x f32, var> -> tensor<64xf32, #own>
  tile.store %a, %Y[%i] dims [0] : tensor<64xf32, #own>, !tile.view<? x f32, var>
  %b = tile.load %Y[%i] dims [0] : !tile.view<? x f32, var> -> tensor<64xf32, #own>
  // CHECK-NEXT: cta.barrier
  // CHECK-NEXT: tile.load
  %c = tile.load %Y[%j] dims [0] : !tile.view<? x f32, var> -> tensor<64xf32, #own>
  // CHECK-NEXT: cta.barrier
  // CHECK-NEXT: tile.store
  tile.store %c, %Y[%i] dims [0] : tensor<64xf32, #own>, !tile.view<? x f32, var>
  // CHECK-NEXT: cta.barrier
  // CHECK-NEXT: tile.load
  %d = tile.load %Y[%i] dims [] : !tile.view<? x f32, var> -> f32
  // CHECK-NEXT: cta.barrier
  // CHECK-NEXT: tile.store
  tile.store %d, %Y[%j] dims [] : f32, !tile.view<? x f32, var>
  // CHECK-NEXT: cta.barrier
  // CHECK-NEXT: tile.load
  %e = tile.load %Y[%i] dims [0] : !tile.view<? x f32, var> -> tensor<4xf32, #all>
  // CHECK-NEXT: cta.barrier
  // CHECK-NEXT: tile.store
  tile.store %e, %Y[%i] dims [0] : tensor<4xf32, #all>, !tile.view<? x f32, var>
  return
}

// What is added is added in any order; views that are not stored to need no order.
// CHECK-LABEL: @additions
func.func @additions(%X: !tile.view<? x f32>, %Y: !tile.view<? x f32, var>, %t: tensor<64xf32>, %at: tensor<64xi32>, %i: i32) {
  // CHECK-NOT: cta.barrier
  // CHECK: return
  tile.store %t, %Y[%i] dims [0] adds : tensor<64xf32>, !tile.view<? x f32, var>
  %x = tile.load %X[%i] dims [0] : !tile.view<? x f32> -> tensor<64xf32>
  tile.scatter %x, %Y[%at] dims [-1] adds : tensor<64xf32>, !tile.view<? x f32, var>, tensor<64xi32>
  return
}

// A get waits for one thread's copies: a barrier between it and the read.
// CHECK-LABEL: @get
func.func @get(%K: !tile.view<? x 64 x bf16>, %i: i32) {
  %a = cta.ring at 0 : !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  // CHECK: cta.put
  // CHECK-NEXT: cta.get
  // CHECK-NEXT: cta.barrier cta
  // CHECK-NEXT: cta.read
  cta.put %K[%i, %i] dims [0, 1] into %a[%i] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  %k = cta.get %a[%i] pending 0 : !cta.ring<16, 64, bf16, span 128, slots 1, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  %x = cta.read %k : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  return
}

// The slots that others still read are filled behind a barrier; the one between gets and puts serves both.
// CHECK-LABEL: @ring
func.func @ring(%K: !tile.view<? x 64 x bf16>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %a = cta.ring at 0 : !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  // CHECK: cta.put
  cta.put %K[%c0, %c0] dims [0, 1] into %a[%c0] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  scf.for %j = %c0 to %n step %c1 : i32 {
    // CHECK: cta.get
    // CHECK: cta.barrier cta
    // CHECK-NEXT: cta.put
    // CHECK-NOT: cta.barrier
    // CHECK: cta.read
    // CHECK-NOT: cta.barrier
  %k = cta.get %a[%j] pending 0 : !cta.ring<16, 64, bf16, span 128, slots 2, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  %next = arith.addi %j, %c1 : i32
  cta.put %K[%next, %c0] dims [0, 1] into %a[%next] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  %x = cta.read %k : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  }
  // CHECK: return
  return
}

// What fills another slot than the one that was read needs no barrier behind the read, and what an earlier get has waited
// for none behind its own; what fills the same slot does.
// CHECK-LABEL: @other_slot
func.func @other_slot(%K: !tile.view<? x 64 x bf16>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %a = cta.ring at 0 : !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  %b = cta.ring at 4096 : !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  // CHECK: scf.for
  scf.for %j = %c0 to %n step %c1 : i32 {
    // CHECK: cta.get
    // CHECK-NEXT: cta.barrier cta
    // CHECK-NEXT: cta.read
    // CHECK-NOT: cta.barrier
    // CHECK: return
  %k = cta.get %a[%j] pending 0 : !cta.ring<16, 64, bf16, span 128, slots 2, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  %x = cta.read %k : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  %next = arith.addi %j, %c1 overflow<nsw> : i32
  %v = cta.get %b[%j] arrived : !cta.ring<16, 64, bf16, span 128, slots 2, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  cta.put %K[%next, %c0] dims [0, 1] into %a[%next] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  cta.put %K[%next, %c0] dims [0, 1] into %b[%next] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  %y = cta.read %v : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  }
  return
}

// CHECK-LABEL: @same_slot
func.func @same_slot(%K: !tile.view<? x 64 x bf16>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c2 = arith.constant 2 : i32
  %a = cta.ring at 0 : !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  scf.for %j = %c0 to %n step %c1 : i32 {
    // CHECK: cta.read
    // CHECK: cta.barrier cta
    // CHECK-NEXT: cta.put
  %k = cta.get %a[%j] pending 0 : !cta.ring<16, 64, bf16, span 128, slots 2, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  %x = cta.read %k : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  %next = arith.addi %j, %c2 overflow<nsw> : i32
  cta.put %K[%next, %c0] dims [0, 1] into %a[%next] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  }
  return
}

// A copy into bytes of another name that others may still read.
// CHECK-LABEL: @put_shared
func.func @put_shared(%K: !tile.view<? x 64 x bf16>, %i: i32, %t: tensor<16x64xbf16>) {
  %a = cta.alloc at 0 : !cta.buffer<16, 64, bf16, span 128>
  %r = cta.ring at 1024 : !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  // CHECK: cta.write
  // CHECK-NEXT: cta.barrier cta
  // CHECK-NEXT: cta.put
  cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128>
  cta.put %K[%i, %i] dims [0, 1] into %r[%i] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  return
}

// Rows are cleared by other threads than those that copied them, which meet behind it on their own.
// CHECK-LABEL: @clear
func.func @clear(%K: !tile.view<? x 64 x bf16>, %i: i32) {
  %r = cta.ring at 0 : !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  // CHECK: cta.get
  // CHECK-NEXT: cta.barrier cta
  // CHECK-NEXT: cta.clear
  // CHECK-NEXT: cta.read
  cta.put %K[%i, %i] dims [0, 1] into %r[%i] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 1, by groups>
  %k = cta.get %r[%i] pending 0 : !cta.ring<16, 64, bf16, span 128, slots 1, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  %c = cta.clear %k outside %i, %i : !cta.buffer<16, 64, bf16, span 128> -> !cta.buffer<16, 64, bf16, span 128>
  %x = cta.read %c : !cta.buffer<16, 64, bf16, span 128> -> tensor<16x64xbf16>
  return
}

// Memory that is an argument: of a function that is no kernel, and nobody knows what it shares bytes with.
// CHECK-LABEL: @arguments
// CHECK-NOT: cta.barrier
func.func @arguments(%ring: !cta.ring<16, 16, bf16, span 32, slots 3, by groups>, %b: !cta.buffer<16, 16, bf16, span 32>, %n: i32, %t: tensor<16x16xbf16>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  scf.for %i = %c0 to %n step %c1 : i32 {
  %k = cta.get %ring[%i] : !cta.ring<16, 16, bf16, span 32, slots 3, by groups> -> !cta.buffer<16, 16, bf16, span 32>
  %x = cta.read %k : !cta.buffer<16, 16, bf16, span 32> -> tensor<16x16xbf16>
  cta.write %t, %b : tensor<16x16xbf16>, !cta.buffer<16, 16, bf16, span 32>
  cta.release %ring[%i] : !cta.ring<16, 16, bf16, span 32, slots 3, by groups>
  }
  return
}

// What descriptors read of threads' writes, each writer fences before all meet.
// CHECK-LABEL: @descriptors
// CHECK: cta.write
// CHECK-NEXT: cta.fence_async
// CHECK-NEXT: cta.barrier cta
// CHECK-NEXT: cta.dot wgmma
func.func @descriptors(%t: tensor<64x16xbf16>, %z: tensor<64x16xf32>) {
  %a = cta.alloc at 0 : !cta.buffer<64, 16, bf16, span 32>
  %b = cta.alloc at 2048 : !cta.buffer<16, 16, bf16, span 32>
  cta.write %t, %a : tensor<64x16xbf16>, !cta.buffer<64, 16, bf16, span 32>
  %s = cta.dot wgmma buffer %a : !cta.buffer<64, 16, bf16, span 32>, %b, %z : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32> -> tensor<64x16xf32>
  return
}

// So too what the copy engine sends; what is sent is written again behind the wait and a barrier.
// CHECK-LABEL: @sent
// CHECK: cta.write
// CHECK-NEXT: cta.fence_async
// CHECK-NEXT: cta.barrier cta
// CHECK-NEXT: cta.send
// CHECK-NEXT: cta.sent
// CHECK-NEXT: cta.barrier cta
// CHECK-NEXT: cta.write
func.func @sent(%O: !tile.view<? x 16 x bf16, out>, %t: tensor<64x16xbf16>, %i: i32) {
  %m = cta.tensor_map %O box [64, 16] span 32 : !tile.view<? x 16 x bf16, out>
  %a = cta.alloc at 0 : !cta.buffer<64, 16, bf16, span 32>
  cta.write %t, %a : tensor<64x16xbf16>, !cta.buffer<64, 16, bf16, span 32>
  cta.send %a to %O[%i, %i] dims [0, 1] via %m : !cta.buffer<64, 16, bf16, span 32>, !tile.view<? x 16 x bf16, out>
  cta.sent %a : !cta.buffer<64, 16, bf16, span 32>
  cta.write %t, %a : tensor<64x16xbf16>, !cta.buffer<64, 16, bf16, span 32>
  return
}

// Behind a wait of its own for all of a copy a thread restages where it lies what no other one touches: those who read the
// tile meet it behind a barrier. What lies on it by chance is written behind one, and so is a tile that others have read.
// CHECK-LABEL: @restaged_in_place
// CHECK: cta.get
// CHECK-NEXT: cta.restage
// CHECK-NEXT: cta.barrier cta
// CHECK-NEXT: cta.read
// CHECK-NEXT: cta.barrier cta
// CHECK-NEXT: cta.restage
// CHECK-NEXT: cta.get
// CHECK-NEXT: cta.barrier cta
// CHECK-NEXT: cta.write
func.func @restaged_in_place(%i: i32, %t: tensor<64x32xf32>) {
  %r = cta.ring at 0 barriers 16384 : !cta.ring<64, 32, f32, span 128, slots 1, by mbarrier>
  %o = cta.ring at 8192 barriers 16400 : !cta.ring<64, 32, f32, span 128, slots 1, by mbarrier>
  %a = cta.alloc at 8192 : !cta.buffer<64, 32, f32, span 128>
  %b = cta.get %r[%i] : !cta.ring<64, 32, f32, span 128, slots 1, by mbarrier> -> !cta.buffer<64, 32, f32, span 128>
  cta.restage %b straight into %b : !cta.buffer<64, 32, f32, span 128>, !cta.buffer<64, 32, f32, span 128>
  %x = cta.read %b : !cta.buffer<64, 32, f32, span 128> -> tensor<64x32xf32>
  cta.restage %b straight into %b : !cta.buffer<64, 32, f32, span 128>, !cta.buffer<64, 32, f32, span 128>
  %c = cta.get %o[%i] : !cta.ring<64, 32, f32, span 128, slots 1, by mbarrier> -> !cta.buffer<64, 32, f32, span 128>
  cta.write %t, %a : tensor<64x32xf32>, !cta.buffer<64, 32, f32, span 128>
  return
}
