// RUN: imbrex-opt %s -cta-to-nvvm -split-input-file -verify-diagnostics | FileCheck %s

#c = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

!tile = !cta.buffer<64, 64, bf16, span 128>
!sums = tensor<64x64xf32, #c>

// A product by columns: the last 16, from row 48 of the right operand on (48 * 128 bytes, in units of 16: 384), then the
// others. Both start from zero, neither reads what the other gives, one wait serves both.
// CHECK-LABEL: llvm.func @columns
// CHECK: wgmma.fence
// CHECK: llvm.mlir.constant(384 : i64)
// CHECK: setp.ne.b32 p, 0, 0; {{.*}}m64n16k16
// CHECK-COUNT-3: setp.ne.b32 p, 1, 0; {{.*}}m64n16k16
// CHECK-NOT: wgmma.fence
// CHECK: wgmma.commit_group
// CHECK-NOT: wgmma.wait_group
// CHECK-NOT: llvm.mlir.constant(384 : i64)
// CHECK: setp.ne.b32 p, 0, 0; {{.*}}m64n48k16
// CHECK-COUNT-3: setp.ne.b32 p, 1, 0; {{.*}}m64n48k16
// CHECK: wgmma.commit_group
// CHECK: wgmma.wait_group.sync.aligned 0;
// Columns of one that are added to once more are read: behind a fence that has their 8 registers of 32.
// CHECK: llvm.inline_asm has_side_effects {{.*}}"wgmma.fence.sync.aligned;", "=f,=f,=f,=f,=f,=f,=f,=f,0,1,2,3,4,5,6,7,~{memory}"
// CHECK: setp.ne.b32 p, 1, 0; {{.*}}m64n16k16
func.func @columns(%Y: !tile.view<? x 64 x f32, out> {tile.alignment = 16 : i32, tile.name = "Y"}) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>, cta.launch = #cta.launch<"sm_90a", threads 128, shared 16384, registers 255>} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : !sums
  %a = cta.alloc at 0 : !tile
  %b = cta.alloc at 8192 : !tile
  %last = cta.dot wgmma async buffer %a : !tile, %b transposed_b, %zero columns [48, 64] : !tile, !sums -> !sums
  %all = cta.dot wgmma async buffer %a : !tile, %b transposed_b, %last columns [0, 48] : !tile, !sums -> !sums
  %x = cta.dot_wait %all pending 0 : !sums -> !sums
  %more = cta.dot wgmma async buffer %a : !tile, %b transposed_b, %x columns [16, 32] : !tile, !sums -> !sums
  %y = cta.dot_wait %more pending 0 : !sums -> !sums
  tile.store %y, %Y[%c0, %c0] dims [0, 1] : !sums, !tile.view<? x 64 x f32, out>
  return
}

// -----

#c = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

!tile = !cta.buffer<64, 64, bf16, span 128>
!sums = tensor<64x64xf32, #c>

func.func @within_a_panel() attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>, cta.launch = #cta.launch<"sm_90a", threads 128, shared 16384, registers 255>} {
  %zero = arith.constant dense<0.0> : !sums
  %a = cta.alloc at 0 : !tile
  %b = cta.alloc at 8192 : !tile
  // expected-error @+1 {{some columns of a product by wgmma that start within a panel of the right operand}}
  %part = cta.dot wgmma async buffer %a : !tile, %b, %zero columns [48, 64] : !tile, !sums -> !sums
  %y = cta.dot_wait %part pending 0 : !sums -> !sums
  return
}

// -----

#c = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x2 stride 1x4 repeat 1x1">

!tile = !cta.buffer<64, 64, bf16, span 128>
!sums = tensor<64x64xf32, #c>

func.func @columns_of_warpgroups() attributes {tile.kernel = #tile.request<"sm_90a", warps 8, stages 1>, cta.launch = #cta.launch<"sm_90a", threads 256, shared 16384, registers 255>} {
  %zero = arith.constant dense<0.0> : !sums
  %a = cta.alloc at 0 : !tile
  %b = cta.alloc at 8192 : !tile
  // expected-error @+1 {{some columns of a product by wgmma, where warpgroups have columns of their own}}
  %part = cta.dot wgmma async buffer %a : !tile, %b transposed_b, %zero columns [0, 16] : !tile, !sums -> !sums
  %y = cta.dot_wait %part pending 0 : !sums -> !sums
  return
}
