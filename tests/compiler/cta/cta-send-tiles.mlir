// RUN: imbrex-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(cta-send-tiles))' | FileCheck %s

#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#w = #cta.layout<"reg (0,1) (0,2) (0,4) lane (0,8) (1,0) (2,0) (4,0) (8,0) warps 4x1 stride 1x1 repeat 1x1">

// What is put together in shared memory goes from there to the view, and is waited for.
// CHECK-LABEL: func.func @one
// CHECK: %[[MAP:.*]] = cta.tensor_map %arg0 box [64, 16] span 32
// CHECK: cta.write %{{.*}}, %[[B:.*]] :
// CHECK-NOT: cta.read
// CHECK: cta.send %[[B]] to %arg0[%arg2, %{{.*}}] dims [0, 1] via %[[MAP]]
// CHECK-NEXT: cta.sent %[[B]]
// CHECK-NOT: tile.store
func.func @one(%O: !tile.view<? x 16 x bf16, out> {tile.alignment = 16 : i32, tile.name = "O"}, %x: tensor<64x16xbf16, #c>, %i: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %b = cta.alloc : !cta.buffer<64, 16, bf16, span 32>
  cta.write %x, %b : tensor<64x16xbf16, #c>, !cta.buffer<64, 16, bf16, span 32>
  %y = cta.read %b : !cta.buffer<64, 16, bf16, span 32> -> tensor<64x16xbf16, #w>
  // expected-remark @+1 {{stored by the copy engine}}
  tile.store %y, %O[%i, %c0] dims [0, 1] : tensor<64x16xbf16, #w>, !tile.view<? x 16 x bf16, out>
  return
}

// -----

#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#w = #cta.layout<"reg (0,1) (0,2) (0,4) lane (0,8) (1,0) (2,0) (4,0) (8,0) warps 4x1 stride 1x1 repeat 1x1">

// It knows no bounds but the view's.
// CHECK-LABEL: func.func @bounded
// CHECK-NOT: cta.send
func.func @bounded(%O: !tile.view<? x 16 x bf16, out> {tile.alignment = 16 : i32, tile.name = "O"}, %x: tensor<64x16xbf16, #c>, %i: i32, %end: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %b = cta.alloc : !cta.buffer<64, 16, bf16, span 32>
  cta.write %x, %b : tensor<64x16xbf16, #c>, !cta.buffer<64, 16, bf16, span 32>
  %y = cta.read %b : !cta.buffer<64, 16, bf16, span 32> -> tensor<64x16xbf16, #w>
  // expected-remark @+1 {{stored by threads, not by the copy engine: it is bounded by more than its view}}
  tile.store %y, %O[%i, %c0] dims [0, 1] within [0] from %c0 to %end : tensor<64x16xbf16, #w>, !tile.view<? x 16 x bf16, out>
  return
}

// -----

#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#w = #cta.layout<"reg (0,1) (0,2) (0,4) lane (0,8) (1,0) (2,0) (4,0) (8,0) warps 4x1 stride 1x1 repeat 1x1">

// Threads order what they do to a view; the copy engine does not.
// CHECK-LABEL: func.func @twice
// CHECK-NOT: cta.send
func.func @twice(%O: !tile.view<? x 16 x bf16, out> {tile.alignment = 16 : i32, tile.name = "O"}, %x: tensor<64x16xbf16, #c>, %i: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %b = cta.alloc : !cta.buffer<64, 16, bf16, span 32>
  tile.store %x, %O[%i, %c0] dims [0, 1] : tensor<64x16xbf16, #c>, !tile.view<? x 16 x bf16, out>
  cta.write %x, %b : tensor<64x16xbf16, #c>, !cta.buffer<64, 16, bf16, span 32>
  %y = cta.read %b : !cta.buffer<64, 16, bf16, span 32> -> tensor<64x16xbf16, #w>
  // expected-remark @+1 {{stored by threads, not by the copy engine: its view is accessed elsewhere too}}
  tile.store %y, %O[%i, %c0] dims [0, 1] : tensor<64x16xbf16, #w>, !tile.view<? x 16 x bf16, out>
  return
}

// -----

#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#w = #cta.layout<"reg (0,1) (0,2) (0,4) lane (0,8) (1,0) (2,0) (4,0) (8,0) warps 4x1 stride 1x1 repeat 1x1">

// No copy engine is asked on other targets, nor for views whose rows may begin anywhere.
// CHECK-LABEL: func.func @unaligned
// CHECK-NOT: cta.send
func.func @unaligned(%O: !tile.view<? x 16 x bf16, out> {tile.alignment = 8 : i32, tile.name = "O"}, %x: tensor<64x16xbf16, #c>, %i: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %b = cta.alloc : !cta.buffer<64, 16, bf16, span 32>
  cta.write %x, %b : tensor<64x16xbf16, #c>, !cta.buffer<64, 16, bf16, span 32>
  %y = cta.read %b : !cta.buffer<64, 16, bf16, span 32> -> tensor<64x16xbf16, #w>
  // expected-remark @+1 {{stored by threads, not by the copy engine: its view is not known to be aligned to 16 bytes}}
  tile.store %y, %O[%i, %c0] dims [0, 1] : tensor<64x16xbf16, #w>, !tile.view<? x 16 x bf16, out>
  return
}

// CHECK-LABEL: func.func @ampere
// CHECK-NOT: cta.send
func.func @ampere(%O: !tile.view<? x 16 x bf16, out> {tile.alignment = 16 : i32, tile.name = "O"}, %x: tensor<64x16xbf16, #c>, %i: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %b = cta.alloc : !cta.buffer<64, 16, bf16, span 32>
  cta.write %x, %b : tensor<64x16xbf16, #c>, !cta.buffer<64, 16, bf16, span 32>
  %y = cta.read %b : !cta.buffer<64, 16, bf16, span 32> -> tensor<64x16xbf16, #w>
  tile.store %y, %O[%i, %c0] dims [0, 1] : tensor<64x16xbf16, #w>, !tile.view<? x 16 x bf16, out>
  return
}
