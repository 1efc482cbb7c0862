// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(cta-place-barriers))' | FileCheck %s

// Write, read by others, written again by the next iteration: a barrier on either side.
// CHECK-LABEL: @loop
func.func @loop(%t: tensor<16x64xbf16>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %a = cta.alloc at 0 : !cta.buffer<16, 64, bf16, span 128, slots 1>
  // CHECK: scf.for
  scf.for %j = %c0 to %n step %c1 : i32 {
    // CHECK: cta.barrier
    // CHECK-NEXT: cta.write
    // CHECK-NEXT: cta.barrier
    // CHECK-NEXT: cta.read
    cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128, slots 1>
    %x = cta.read %a : !cta.buffer<16, 64, bf16, span 128, slots 1> -> tensor<16x64xbf16>
  }
  return
}

// Other bytes: nothing to wait for.
// CHECK-LABEL: @apart
func.func @apart(%t: tensor<16x64xbf16>) {
  %a = cta.alloc at 0 : !cta.buffer<16, 64, bf16, span 128, slots 1>
  %b = cta.alloc at 2048 : !cta.buffer<16, 64, bf16, span 128, slots 1>
  // CHECK-NOT: cta.barrier
  cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128, slots 1>
  // CHECK: return
  cta.write %t, %b : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128, slots 1>
  return
}

// The same bytes under another name.
// CHECK-LABEL: @shared
func.func @shared(%t: tensor<16x64xbf16>) {
  %a = cta.alloc at 0 : !cta.buffer<16, 64, bf16, span 128, slots 1>
  %b = cta.alloc at 1024 : !cta.buffer<16, 64, bf16, span 128, slots 1>
  cta.write %t, %a : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128, slots 1>
  // CHECK: cta.barrier
  cta.write %t, %b : tensor<16x64xbf16>, !cta.buffer<16, 64, bf16, span 128, slots 1>
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

// A get is a barrier of its own; a read behind it needs none.
// CHECK-LABEL: @get
func.func @get(%K: !tile.view<? x 64 x bf16>, %i: i32) {
  %a = cta.alloc at 0 : !cta.buffer<16, 64, bf16, span 128, slots 1>
  // CHECK-NOT: cta.barrier
  cta.put %K[%i, %i] dims [0, 1] into %a[%i] : !tile.view<? x 64 x bf16>, !cta.buffer<16, 64, bf16, span 128, slots 1>
  %k = cta.get %a[%i] pending 0 : !cta.buffer<16, 64, bf16, span 128, slots 1> -> !cta.buffer<16, 64, bf16, span 128, slots 1>
  // CHECK: return
  %x = cta.read %k : !cta.buffer<16, 64, bf16, span 128, slots 1> -> tensor<16x64xbf16>
  return
}
