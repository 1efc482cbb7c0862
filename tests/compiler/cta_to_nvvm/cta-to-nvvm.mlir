// RUN: imbrex-opt %s -cta-pipeline -cta-to-nvvm -split-input-file | FileCheck %s

// Global memory: 16-byte vectors behind one bound check; a pointer, an extent, no stride for rank 1.
// CHECK-LABEL: llvm.func @copy(
// CHECK-SAME: !llvm.ptr<1>, %{{.*}}: i32, %{{.*}}: !llvm.ptr<1>, %{{.*}}: i32)
// CHECK-SAME: nvvm.kernel
// CHECK-SAME: nvvm.reqntid = array<i32: 32>
// CHECK: llvm.icmp "ult"
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>
func.func @copy(%x: !tile.view<? x f32>, %z: !tile.view<? x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c = arith.constant 0 : i32
  %a = tile.load %x[%c] dims [0] : !tile.view<? x f32> -> tensor<128xf32>
  tile.store %a, %z[%c] dims [0] : tensor<128xf32>, !tile.view<? x f32, out>
  return
}

// -----

// A view aligned to 4 bytes only takes 4-byte accesses.
// CHECK-LABEL: llvm.func @unaligned(
// CHECK: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<1> -> f32
// CHECK-NOT: vector<
func.func @unaligned(%x: !tile.view<? x f32> {tile.alignment = 4 : i32}, %z: !tile.view<? x f32, out> {tile.alignment = 4 : i32}) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c = arith.constant 0 : i32
  %a = tile.load %x[%c] dims [0] : !tile.view<? x f32> -> tensor<128xf32>
  tile.store %a, %z[%c] dims [0] : tensor<128xf32>, !tile.view<? x f32, out>
  return
}

// -----

// A reduction: registers first, then shuffles, and bf16 arithmetic in f32.
// CHECK-LABEL: llvm.func @reduce(
// CHECK: llvm.fpext %{{.*}} : bf16 to f32
// CHECK: llvm.fptrunc %{{.*}} : f32 to bf16
// CHECK: llvm.nvvm.shfl.sync.bfly
func.func @reduce(%x: !tile.view<? x 64 x bf16>, %z: !tile.view<? x bf16, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c = arith.constant 0 : i32
  %a = tile.load %x[%c, %c] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<4x64xbf16>
  %b = arith.addf %a, %a : tensor<4x64xbf16>
  %r = tile.reduce max %b along 1 : tensor<4x64xbf16> -> tensor<4xbf16>
  tile.store %r, %z[%c] dims [0] : tensor<4xbf16>, !tile.view<? x bf16, out>
  return
}

// -----

// A product in 16 bits: cp.async, wait, barrier, ldmatrix, mma.sync.
// CHECK-LABEL: llvm.func @product(
// CHECK: nvvm.cp.async.shared.global
// CHECK: nvvm.cp.async.commit.group
// CHECK: nvvm.cp.async.wait.group 0
// CHECK: llvm.nvvm.barrier.cta.sync.aligned.all
// CHECK: nvvm.ldmatrix
// CHECK: nvvm.mma.sync
// CHECK-NOT: = tile.
// CHECK-NOT: = cta.
func.func @product(%A: !tile.view<? x 32 x f16>, %B: !tile.view<? x 32 x f16>, %O: !tile.view<? x 16 x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c = arith.constant 0 : i32
  %z = arith.constant dense<0.0> : tensor<16x16xf32>
  %a = tile.load %A[%c, %c] dims [0, 1] : !tile.view<? x 32 x f16> -> tensor<16x32xf16>
  %b = tile.load %B[%c, %c] dims [0, 1] : !tile.view<? x 32 x f16> -> tensor<16x32xf16>
  %t = tile.transpose %b : tensor<16x32xf16> -> tensor<32x16xf16>
  %s = tile.dot %a, %t, %z : tensor<16x32xf16>, tensor<32x16xf16>, tensor<16x16xf32>
  tile.store %s, %O[%c, %c] dims [0, 1] : tensor<16x16xf32>, !tile.view<? x 16 x f32, out>
  return
}

// -----

// A product in f32: each run of 16 products is summed by itself, then joins the accumulator.
// CHECK-LABEL: llvm.func @multiply_adds(
// CHECK: llvm.fmul
// CHECK: llvm.intr.fma
// CHECK-COUNT-8: llvm.fadd
// CHECK: llvm.fmul
// CHECK: llvm.intr.fma
// CHECK-COUNT-8: llvm.fadd
// CHECK-NOT: llvm.fadd
func.func @multiply_adds(%A: !tile.view<? x 32 x f32>, %B: !tile.view<? x 32 x f32>, %O: !tile.view<? x 16 x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c = arith.constant 0 : i32
  %z = arith.constant dense<0.0> : tensor<16x16xf32>
  %a = tile.load %A[%c, %c] dims [0, 1] : !tile.view<? x 32 x f32> -> tensor<16x32xf32>
  %b = tile.load %B[%c, %c] dims [0, 1] : !tile.view<? x 32 x f32> -> tensor<16x32xf32>
  %t = tile.transpose %b : tensor<16x32xf32> -> tensor<32x16xf32>
  %s = tile.dot %a, %t, %z : tensor<16x32xf32>, tensor<32x16xf32>, tensor<16x16xf32>
  tile.store %s, %O[%c, %c] dims [0, 1] : tensor<16x16xf32>, !tile.view<? x 16 x f32, out>
  return
}

// -----

// A loop carries one block argument a register, and the index.
// CHECK-LABEL: llvm.func @loop(
// CHECK: ^bb{{[0-9]+}}(%{{.*}}: i32, %{{.*}}: f32, %{{.*}}: f32):
// CHECK: llvm.icmp "slt"
func.func @loop(%z: !tile.view<? x f32, out>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %x = arith.constant dense<1.0> : tensor<64xf32>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%a = %x) -> (tensor<64xf32>) : i32 {
    %b = arith.mulf %a, %a : tensor<64xf32>
    scf.yield %b : tensor<64xf32>
  }
  tile.store %r, %z[%c0] dims [0] : tensor<64xf32>, !tile.view<? x f32, out>
  return
}
