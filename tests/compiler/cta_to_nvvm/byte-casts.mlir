// RUN: imbrex-opt %s -cta-to-nvvm -canonicalize -split-input-file | FileCheck %s

// Eight bytes a thread: two words, each two f16x2. Of f8e4m3 on sm_80 by bits: the shift by one, the NaN, times 256.
// CHECK-LABEL: llvm.func @e4m3_by_bits(
// CHECK-DAG: %[[ALL:.*]] = llvm.mlir.constant(dense<2.560000e+02> : vector<2xf16>)
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.nvvm.prmt"
// CHECK-NOT: prmt
func.func @e4m3_by_bits(%X: !tile.view<? x f8E4M3FN>, %Y: !tile.view<? x f16, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>, cta.launch = #cta.launch<"sm_80", threads 32, shared 0, registers 255>} {
  %c0 = arith.constant 0 : i32
  %x = tile.load %X[%c0] dims [0] : !tile.view<? x f8E4M3FN> -> tensor<256xf8E4M3FN, #cta.layout<"reg (1) (2) (4) lane (8) (16) (32) (64) (128) warps 1 stride 1 repeat 1">>
  %y = arith.extf %x : tensor<256xf8E4M3FN, #cta.layout<"reg (1) (2) (4) lane (8) (16) (32) (64) (128) warps 1 stride 1 repeat 1">> to tensor<256xf16, #cta.layout<"reg (1) (2) (4) lane (8) (16) (32) (64) (128) warps 1 stride 1 repeat 1">>
  tile.store %y, %Y[%c0] dims [0] : tensor<256xf16, #cta.layout<"reg (1) (2) (4) lane (8) (16) (32) (64) (128) warps 1 stride 1 repeat 1">>, !tile.view<? x f16, out>
  return
}

// -----

// On sm_89 by its instruction, and f32 into f8e5m2 two at a time, the first of the two in the lower byte.
// CHECK-LABEL: llvm.func @by_instructions(
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.nvvm.e4m3x2.to.f16x2.rn"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.nvvm.ff.to.e5m2x2.rn"
// CHECK-NOT: call_intrinsic
func.func @by_instructions(%X: !tile.view<? x f8E4M3FN>, %Y: !tile.view<? x f8E5M2, out>) attributes {tile.kernel = #tile.request<"sm_89", warps 1, stages 1>, cta.launch = #cta.launch<"sm_89", threads 32, shared 0, registers 255>} {
  %c0 = arith.constant 0 : i32
  %x = tile.load %X[%c0] dims [0] : !tile.view<? x f8E4M3FN> -> tensor<256xf8E4M3FN, #cta.layout<"reg (1) (2) (4) lane (8) (16) (32) (64) (128) warps 1 stride 1 repeat 1">>
  %y = arith.extf %x : tensor<256xf8E4M3FN, #cta.layout<"reg (1) (2) (4) lane (8) (16) (32) (64) (128) warps 1 stride 1 repeat 1">> to tensor<256xf32, #cta.layout<"reg (1) (2) (4) lane (8) (16) (32) (64) (128) warps 1 stride 1 repeat 1">>
  %z = tile.narrow %y : tensor<256xf32, #cta.layout<"reg (1) (2) (4) lane (8) (16) (32) (64) (128) warps 1 stride 1 repeat 1">> -> tensor<256xf8E5M2, #cta.layout<"reg (1) (2) (4) lane (8) (16) (32) (64) (128) warps 1 stride 1 repeat 1">>
  tile.store %z, %Y[%c0] dims [0] : tensor<256xf8E5M2, #cta.layout<"reg (1) (2) (4) lane (8) (16) (32) (64) (128) warps 1 stride 1 repeat 1">>, !tile.view<? x f8E5M2, out>
  return
}
