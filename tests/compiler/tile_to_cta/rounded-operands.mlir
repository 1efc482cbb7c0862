// RUN: imbrex-opt %s -split-input-file -tile-to-cta -verify-diagnostics
// Which products of f32 are done by wgmma, and why others are not: whose operands it would cut, and cannot be rounded before.

func.func @tf32(%A: !tile.view<? x 32 x f32>, %B: !tile.view<? x 32 x f32>, %Y: !tile.view<? x 32 x f32, out>) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : tensor<64x32xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x f32> -> tensor<64x32xf32>
  %b = tile.load %B[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x f32> -> tensor<32x32xf32>
  // expected-remark @+1 {{product by wgmma: f32 is rounded to tf32 before}}
  %s = tile.dot %a, %b, %zero mode tf32 : tensor<64x32xf32>, tensor<32x32xf32>, tensor<64x32xf32>
  tile.store %s, %Y[%c0, %c0] dims [0, 1] : tensor<64x32xf32>, !tile.view<? x 32 x f32, out>
  return
}

// -----

func.func @parts(%A: !tile.view<? x 32 x f32>, %B: !tile.view<? x 32 x f32>, %Y: !tile.view<? x 32 x f32, out>) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : tensor<64x32xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x f32> -> tensor<64x32xf32>
  %b = tile.load %B[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x f32> -> tensor<32x32xf32>
  // expected-remark @+1 {{product by mma.sync, not by wgmma: wgmma has no parts of f32 operands, of which tf32x3 makes products}}
  %s = tile.dot %a, %b, %zero mode tf32x3 : tensor<64x32xf32>, tensor<32x32xf32>, tensor<64x32xf32>
  tile.store %s, %Y[%c0, %c0] dims [0, 1] : tensor<64x32xf32>, !tile.view<? x 32 x f32, out>
  return
}

// -----

func.func @two_products(%A: !tile.view<? x 32 x f32>, %B: !tile.view<? x 64 x f32>, %Y: !tile.view<? x 64 x f32, out>) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x f32> -> tensor<64x32xf32>
  %t = tile.transpose %a : tensor<64x32xf32> -> tensor<32x64xf32>
  // expected-remark @+1 {{not by wgmma: the left operand, which wgmma needs rounded to tf32, serves other products too}}
  %s = tile.dot %a, %t, %zero mode tf32 : tensor<64x32xf32>, tensor<32x64xf32>, tensor<64x64xf32>
  tile.store %s, %Y[%c0, %c0] dims [0, 1] : tensor<64x64xf32>, !tile.view<? x 64 x f32, out>
  return
}

// -----

func.func @computed(%A: !tile.view<? x 32 x f32>, %B: !tile.view<? x 32 x f32>, %Y: !tile.view<? x 32 x f32, out>) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : tensor<64x32xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x f32> -> tensor<64x32xf32>
  %b = tile.load %B[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x f32> -> tensor<32x32xf32>
  %e = math.exp2 %b : tensor<32x32xf32>
  // expected-remark @+1 {{not by wgmma: the right operand is computed with its rows along K}}
  %s = tile.dot %a, %e, %zero mode tf32 : tensor<64x32xf32>, tensor<32x32xf32>, tensor<64x32xf32>
  tile.store %s, %Y[%c0, %c0] dims [0, 1] : tensor<64x32xf32>, !tile.view<? x 32 x f32, out>
  return
}

// -----

func.func @room(%A: !tile.view<? x 128 x f32>, %B: !tile.view<? x 128 x f32>, %Y: !tile.view<? x 128 x f32, out>) attributes {tile.kernel = #tile.request<"sm_90a", warps 8, stages 1>} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 128 x f32> -> tensor<128x128xf32>
  %b = tile.load %B[%c0, %c0] dims [0, 1] : !tile.view<? x 128 x f32> -> tensor<128x128xf32>
  // expected-remark @+1 {{not by wgmma: with tiles of its operands that are written anew, rounded, 262144 bytes of shared memory}}
  %s = tile.dot %a, %b, %zero mode tf32 : tensor<128x128xf32>, tensor<128x128xf32>, tensor<128x128xf32>
  tile.store %s, %Y[%c0, %c0] dims [0, 1] : tensor<128x128xf32>, !tile.view<? x 128 x f32, out>
  return
}
