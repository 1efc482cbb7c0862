// RUN: imbrex-opt %s -split-input-file -tile-to-cta | FileCheck %s

// A product of 64 x 64 by four warps: each takes 16 rows and all columns, eight instructions of 16 x 8 side by side. Both
// factors come by asynchronous copies into buffers of their own, rows of 64 and of 128 bytes; the result is stored
// from shared memory, 16 bytes a lane, two rows of a warp's sixteen at a time.
// CHECK-LABEL: @product
// CHECK: %[[OUT:.*]] = cta.alloc : !cta.buffer<64, 64, f32, span 128>
// CHECK: %[[BS:.*]] = cta.ring : !cta.ring<32, 64, f16, span 128, slots 1, by groups>
// CHECK: %[[AS:.*]] = cta.ring : !cta.ring<64, 32, f16, span 64, slots 1, by groups>
// CHECK: cta.put %arg0{{.*}} into %[[AS]][
// CHECK: %[[A:.*]] = cta.get %[[AS]]{{.*}}
// CHECK: cta.put %arg1{{.*}} into %[[BS]][
// CHECK: %[[B:.*]] = cta.get %[[BS]]{{.*}}
// CHECK: %[[R:.*]] = cta.dot mma buffer %[[A]] : {{.*}}, %[[B]], {{.*}} -> tensor<64x64xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 2x2 stride 1x2 repeat 2x4">>
// CHECK: cta.write %[[R]], %[[OUT]]
// CHECK: %[[ROWS:.*]] = cta.read %[[OUT]] {{.*}} -> tensor<64x64xf32, #cta.layout<"reg (0,1) (0,2) lane (0,4) (0,8) (0,16) (0,32) (1,0) warps 4x1 stride 1x1 repeat 8x1">>
// CHECK: tile.store %[[ROWS]], %arg2
func.func @product(%A: !tile.view<? x 32 x f16>, %B: !tile.view<? x 64 x f16>, %O: !tile.view<? x 64 x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %z = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x f16> -> tensor<64x32xf16>
  %b = tile.load %B[%c0, %c0] dims [0, 1] : !tile.view<? x 64 x f16> -> tensor<32x64xf16>
  %s = tile.dot %a, %b, %z : tensor<64x32xf16>, tensor<32x64xf16>, tensor<64x64xf32>
  tile.store %s, %O[%c0, %c0] dims [0, 1] : tensor<64x64xf32>, !tile.view<? x 64 x f32, out>
  return
}

// -----

// 100 elements over two warps of 32 lanes: two rounds, the second guarded where it ends (36 of its 64 lanes hold an element).
// CHECK-LABEL: @odd
// CHECK: tile.load {{.*}} -> tensor<100xf32, #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 2 stride 1 repeat 2">>
func.func @odd(%X: !tile.view<? x f32>, %Y: !tile.view<? x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 2, stages 1>} {
  %c0 = arith.constant 0 : i32
  %x = tile.load %X[%c0] dims [0] : !tile.view<? x f32> -> tensor<100xf32>
  tile.store %x, %Y[%c0] dims [0] : tensor<100xf32>, !tile.view<? x f32, out>
  return
}

// -----

// A view that is aligned to one element only: neighbours in neighbouring lanes, not in one lane's registers.
// CHECK-LABEL: @aligned_to_an_element
// CHECK: tile.load {{.*}} -> tensor<128xf32, #cta.layout<"reg (32) (64) lane (1) (2) (4) (8) (16) warps 1 stride 1 repeat 1">>
func.func @aligned_to_an_element(%X: !tile.view<? x f32> {tile.alignment = 4 : i32}, %Y: !tile.view<? x f32, out> {tile.alignment = 4 : i32}) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c0 = arith.constant 0 : i32
  %x = tile.load %X[%c0] dims [0] : !tile.view<? x f32> -> tensor<128xf32>
  tile.store %x, %Y[%c0] dims [0] : tensor<128xf32>, !tile.view<? x f32, out>
  return
}

// -----

// The maximum of columns: a column lies in one lane's registers, so that no lane asks another; the warps share columns.
// CHECK-LABEL: @columns
// CHECK: %[[X:.*]] = tile.load {{.*}} -> tensor<32x64xf32, #cta.layout<"reg (1,0) (2,0) (4,0) (8,0) (16,0) lane (0,1) (0,2) (0,4) (0,8) (0,16) warps 1x2 stride 1x1 repeat 1x1">>
// CHECK-NEXT: tile.reduce max %[[X]] along 0 : {{.*}} -> tensor<64xf32, #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 2 stride 1 repeat 1">>
func.func @columns(%X: !tile.view<? x 64 x f32>, %Y: !tile.view<? x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 2, stages 1>} {
  %c0 = arith.constant 0 : i32
  %x = tile.load %X[%c0, %c0] dims [0, 1] : !tile.view<? x 64 x f32> -> tensor<32x64xf32>
  %s = tile.reduce max %x along 0 : tensor<32x64xf32> -> tensor<64xf32>
  tile.store %s, %Y[%c0] dims [0] : tensor<64xf32>, !tile.view<? x f32, out>
  return
}
