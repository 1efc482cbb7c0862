// RUN: imbrex-opt %s -split-input-file -pass-pipeline='builtin.module(tile-to-cta, func.func(cta-assign-roles, cta-send-tiles, cta-issue-dots, cta-place-waits, cta-allocate-shared, cta-place-barriers), cta-to-nvvm)' | FileCheck %s

// The tiles of one product come and go together: one wait for an empty slot, one expectation of the bytes of both
// (64 x 64 and 64 x 128 of 2 bytes), one wait for both, and one arrival when they have been read.
// CHECK-LABEL: llvm.func @together
// CHECK-COUNT-4: llvm.nvvm.mbarrier.init.shared
// CHECK-NOT: llvm.nvvm.mbarrier.init.shared
// CHECK: llvm.nvvm.mbarrier.try.wait
// CHECK-NOT: llvm.nvvm.mbarrier.try.wait
// CHECK: llvm.nvvm.mbarrier.arrive.shared
// CHECK-NOT: llvm.nvvm.mbarrier.arrive.shared
// CHECK: llvm.nvvm.mbarrier.try.wait
// CHECK: %[[BYTES:.*]] = llvm.mlir.constant(24576 : i32)
// CHECK: llvm.nvvm.mbarrier.arrive.expect.tx{{.*}}%[[BYTES]]
// CHECK-NOT: llvm.nvvm.mbarrier
// CHECK-COUNT-3: complete_tx
// CHECK-NOT: llvm.nvvm.mbarrier
func.func @together(%A: !tile.view<? x 64 x bf16> {tile.alignment = 16 : i32, tile.name = "A"}, %B: !tile.view<? x 128 x bf16> {tile.alignment = 16 : i32, tile.name = "B"}, %C: !tile.view<? x 128 x f32, out> {tile.alignment = 16 : i32, tile.name = "C"}, %n: i32 {tile.name = "n"})
    attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %z = arith.constant dense<0.0> : tensor<64x128xf32>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %z) -> (tensor<64x128xf32>) : i32 {
    %at = arith.muli %j, %c64 overflow<nsw> : i32
    %a = tile.load %A[%at, %c0] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<64x64xbf16>
    %b = tile.load %B[%at, %c0] dims [0, 1] : !tile.view<? x 128 x bf16> -> tensor<64x128xbf16>
    %s = tile.dot %a, %b, %acc : tensor<64x64xbf16>, tensor<64x128xbf16>, tensor<64x128xf32>
    scf.yield %s : tensor<64x128xf32>
  }
  tile.store %r, %C[%c0, %c0] dims [0, 1] : tensor<64x128xf32>, !tile.view<? x 128 x f32, out>
  return
}

// -----

// Keys and values come together, but values are waited for later: barriers of their own.
// CHECK-LABEL: llvm.func @apart
// CHECK-COUNT-10: llvm.nvvm.mbarrier.init.shared
// CHECK-COUNT-3: llvm.nvvm.mbarrier.arrive.expect.tx
func.func @apart(%Q: !tile.view<? x 64 x bf16> {tile.alignment = 16 : i32, tile.name = "Q"}, %K: !tile.view<? x 64 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %V: !tile.view<? x 64 x bf16> {tile.alignment = 16 : i32, tile.name = "V"}, %C: !tile.view<? x 64 x f32, out> {tile.alignment = 16 : i32, tile.name = "C"}, %n: i32 {tile.name = "n"})
    attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %z = arith.constant dense<0.0> : tensor<64x64xf32>
  %q = tile.load %Q[%c0, %c0] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<64x64xbf16>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %z) -> (tensor<64x64xf32>) : i32 {
    %at = arith.muli %j, %c64 overflow<nsw> : i32
    %k = tile.load %K[%at, %c0] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<64x64xbf16>
    %v = tile.load %V[%at, %c0] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<64x64xbf16>
    %kt = tile.transpose %k : tensor<64x64xbf16> -> tensor<64x64xbf16>
    %s = tile.dot %q, %kt, %z : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32>
    %p = arith.truncf %s : tensor<64x64xf32> to tensor<64x64xbf16>
    %o = tile.dot %p, %v, %acc : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32>
    scf.yield %o : tensor<64x64xf32>
  }
  tile.store %r, %C[%c0, %c0] dims [0, 1] : tensor<64x64xf32>, !tile.view<? x 64 x f32, out>
  return
}
