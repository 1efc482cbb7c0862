// RUN: imbrex-opt %s -split-input-file -tile-to-cta -verify-diagnostics
// What one thread cannot hold, or not in code of a sensible length, is refused at its place.

func.func @registers(%x: !tile.view<? x f32>, %z: !tile.view<? x f32, out>, %i: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  // expected-error @+1 {{this tile of 65536 elements takes 2048 registers of each thread, more than 1152}}
  %a = tile.load %x[%i] dims [0] : !tile.view<? x f32> -> tensor<65536xf32>
  tile.store %a, %z[%i] dims [0] : tensor<65536xf32>, !tile.view<? x f32, out>
  return
}

// -----

// A 16-bit product that is not made of the tensor cores' tiles is padded, and says so.
func.func @padded(%A: !tile.view<? x 16 x f16>, %B: !tile.view<? x 8 x f16>, %O: !tile.view<? x 8 x f32, out>, %i: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %z = arith.constant dense<0.0> : tensor<8x8xf32>
  %a = tile.load %A[%i, %i] dims [0, 1] : !tile.view<? x 16 x f16> -> tensor<8x16xf16>
  %b = tile.load %B[%i, %i] dims [0, 1] : !tile.view<? x 8 x f16> -> tensor<16x8xf16>
  // expected-remark @+1 {{product of 8x16 times 16x8 padded with zeros for the tensor cores: 16x16 times 16x8}}
  %c = tile.dot %a, %b, %z : tensor<8x16xf16>, tensor<16x8xf16>, tensor<8x8xf32>
  tile.store %c, %O[%i, %i] dims [0, 1] : tensor<8x8xf32>, !tile.view<? x 8 x f32, out>
  return
}
