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

// -----

// Warps that a small product has no tiles for do as others do: nothing is padded for them.
func.func @small(%A: !tile.view<? x 16 x f16>, %B: !tile.view<? x 16 x f16>, %O: !tile.view<? x 16 x f32, out>, %i: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 8, stages 1>} {
  %z = arith.constant dense<0.0> : tensor<16x16xf32>
  %a = tile.load %A[%i, %i] dims [0, 1] : !tile.view<? x 16 x f16> -> tensor<16x16xf16>
  %b = tile.load %B[%i, %i] dims [0, 1] : !tile.view<? x 16 x f16> -> tensor<16x16xf16>
  %c = tile.dot %a, %b, %z : tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>
  %m = tile.reduce max %c along 1 : tensor<16x16xf32> -> tensor<16xf32>
  %column = tile.expand_dims %m at 1 : tensor<16xf32> -> tensor<16x1xf32>
  %whole = tile.broadcast %column : tensor<16x1xf32> -> tensor<16x16xf32>
  tile.store %whole, %O[%i, %i] dims [0, 1] : tensor<16x16xf32>, !tile.view<? x 16 x f32, out>
  return
}

// -----

// A left operand of a loop is counted as its warps hold it: of tf32x3 16 x 128 in two parts are 128 registers, which fit,
// and 16 x 192 are 192.
func.func @fragments(%A: !tile.view<? x 192 x f32>, %C: !tile.view<? x 128 x f32>, %B: !tile.view<? x 192 x f32>, %D: !tile.view<? x 128 x f32>, %O: !tile.view<? x 16 x f32, out>, %i: i32, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 8, stages 1>} {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %z = arith.constant dense<0.0> : tensor<16x16xf32>
  %a = tile.load %A[%i, %zero] dims [0, 1] : !tile.view<? x 192 x f32> -> tensor<16x192xf32>
  %c = tile.load %C[%i, %zero] dims [0, 1] : !tile.view<? x 128 x f32> -> tensor<16x128xf32>
  scf.for %j = %zero to %n step %one : i32 {
    %b = tile.load %B[%j, %zero] dims [0, 1] : !tile.view<? x 192 x f32> -> tensor<16x192xf32>
    %bt = tile.transpose %b : tensor<16x192xf32> -> tensor<192x16xf32>
    // expected-remark @+1 {{left operand read from shared memory at every step: it does not fit beside the accumulators}}
    %s = tile.dot %a, %bt, %z mode tf32x3 : tensor<16x192xf32>, tensor<192x16xf32>, tensor<16x16xf32>
    tile.store %s, %O[%j, %zero] dims [0, 1] : tensor<16x16xf32>, !tile.view<? x 16 x f32, out>
  }
  scf.for %j = %zero to %n step %one : i32 {
    %b = tile.load %D[%j, %zero] dims [0, 1] : !tile.view<? x 128 x f32> -> tensor<16x128xf32>
    %bt = tile.transpose %b : tensor<16x128xf32> -> tensor<128x16xf32>
    %s = tile.dot %c, %bt, %z mode tf32x3 : tensor<16x128xf32>, tensor<128x16xf32>, tensor<16x16xf32>
    tile.store %s, %O[%j, %zero] dims [0, 1] : tensor<16x16xf32>, !tile.view<? x 16 x f32, out>
  }
  return
}

// -----

// What a kernel stores to it loads in its turn.
// expected-remark @+1 {{1 tile conversion(s) through shared memory inside a loop}}
func.func @stored(%A: !tile.view<? x 64 x bf16>, %O: !tile.view<? x 64 x bf16, var>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 2>} {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %z = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = tile.load %A[%zero, %zero] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<64x64xbf16>
  scf.for %j = %zero to %n step %one : i32 {
    // expected-remark @+1 {{operand not copied ahead: the kernel stores to its view}}
    %b = tile.load %O[%j, %zero] dims [0, 1] : !tile.view<? x 64 x bf16, var> -> tensor<64x64xbf16>
    %s = tile.dot %a, %b, %z : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32>
    %t = arith.truncf %s : tensor<64x64xf32> to tensor<64x64xbf16>
    tile.store %t, %O[%j, %zero] dims [0, 1] : tensor<64x64xbf16>, !tile.view<? x 64 x bf16, var>
  }
  return
}

// -----

// expected-remark @+1 {{1 tile conversion(s) through shared memory inside a loop}}
func.func @of_columns(%A: !tile.view<? x 64 x bf16>, %B: !tile.view<? x ? x bf16>, %t: !tile.view<? x i32>, %O: !tile.view<? x 64 x f32, out>, %n: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 2>} {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %z = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = tile.load %A[%zero, %zero] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<64x64xbf16>
  %line = tile.load %t[%zero] dims [0] : !tile.view<? x i32> -> tensor<64xi32>
  %columns = tile.expand_dims %line at 0 : tensor<64xi32> -> tensor<1x64xi32>
  scf.for %j = %zero to %n step %one : i32 {
    // expected-remark @+1 {{operand not copied ahead: it is no gather of rows}}
    %b = tile.gather %B[%j, %columns] dims [0, -1] : !tile.view<? x ? x bf16>, i32, tensor<1x64xi32> -> tensor<64x64xbf16>
    %s = tile.dot %a, %b, %z : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32>
    tile.store %s, %O[%j, %zero] dims [0, 1] : tensor<64x64xf32>, !tile.view<? x 64 x f32, out>
  }
  return
}

// -----

func.func @as_it_is(%A: !tile.view<? x 16 x f32>, %B: !tile.view<? x 16 x f64>, %O: !tile.view<? x 16 x f32, out>, %P: !tile.view<? x 16 x f64, out>) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %zero = arith.constant 0 : i32
  %z = arith.constant dense<0.0> : tensor<16x16xf32>
  %y = arith.constant dense<0.0> : tensor<16x16xf64>
  %a = tile.load %A[%zero, %zero] dims [0, 1] : !tile.view<? x 16 x f32> -> tensor<16x16xf32>
  %b = tile.load %B[%zero, %zero] dims [0, 1] : !tile.view<? x 16 x f64> -> tensor<16x16xf64>
  // expected-remark @+1 {{product by multiply-adds: of f32 as it is; a mode of tf32 rounds it for the tensor cores}}
  %s = tile.dot %a, %a, %z : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
  // expected-remark @+1 {{product by multiply-adds: of f64}}
  %t = tile.dot %b, %b, %y : tensor<16x16xf64>, tensor<16x16xf64>, tensor<16x16xf64>
  tile.store %s, %O[%zero, %zero] dims [0, 1] : tensor<16x16xf32>, !tile.view<? x 16 x f32, out>
  tile.store %t, %P[%zero, %zero] dims [0, 1] : tensor<16x16xf64>, !tile.view<? x 16 x f64, out>
  return
}

// -----

// Two warpgroups that share rows have 128 columns each of 136, which a buffer must keep: 512 x 256 do not fit.
func.func @no_room_for_shares(%A: !tile.view<? x 512 x bf16>, %B: !tile.view<? x 136 x bf16>, %O: !tile.view<? x 136 x f32, out>) attributes {tile.kernel = #tile.request<"sm_90a", warps 8, stages 1>} {
  %zero = arith.constant 0 : i32
  %z = arith.constant dense<0.0> : tensor<64x136xf32>
  %a = tile.load %A[%zero, %zero] dims [0, 1] : !tile.view<? x 512 x bf16> -> tensor<64x512xbf16>
  %b = tile.load %B[%zero, %zero] dims [0, 1] : !tile.view<? x 136 x bf16> -> tensor<512x136xbf16>
  // expected-remark @+2 {{product of 64x512 times 512x136 padded with zeros for the tensor cores: 64x512 times 512x144}}
  // expected-remark @+1 {{product by mma.sync, not by wgmma: with as many columns for each warpgroup, 327680 bytes of shared memory}}
  %s = tile.dot %a, %b, %z : tensor<64x512xbf16>, tensor<512x136xbf16>, tensor<64x136xf32>
  tile.store %s, %O[%zero, %zero] dims [0, 1] : tensor<64x136xf32>, !tile.view<? x 136 x f32, out>
  return
}
