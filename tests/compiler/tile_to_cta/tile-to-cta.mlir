// RUN: imbrex-opt %s -split-input-file -tile-to-cta | FileCheck %s

// Element-wise work on global memory: 16 bytes a lane, no shared memory.
// CHECK-LABEL: @add
// CHECK-NOT: cta.alloc
// CHECK: tile.load {{.*}} -> tensor<1024xf32, #cta.layout<"reg (1) (2) lane (4) (8) (16) (32) (64) warps 4
func.func @add(%x: !tile.view<? x f32>, %z: !tile.view<? x f32, out>, %i: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %c = arith.constant 1024 : i32
  %o = arith.muli %i, %c : i32
  %a = tile.load %x[%o] dims [0] : !tile.view<? x f32> -> tensor<1024xf32>
  %s = arith.addf %a, %a : tensor<1024xf32>
  tile.store %s, %z[%o] dims [0] : tensor<1024xf32>, !tile.view<? x f32, out>
  return
}

// -----

// Two chained products: what the first makes feeds the second from registers, no conversion between.
// CHECK-LABEL: @chain
// CHECK: cta.put
// CHECK: cta.dot mma tile %{{.*}} transposed_b
// CHECK: arith.truncf
// CHECK-NOT: cta.write
// CHECK: cta.dot mma tile
func.func @chain(%Q: !tile.view<? x 64 x bf16>, %K: !tile.view<? x 64 x bf16>, %O: !tile.view<? x 64 x f32, out>, %n: i32)
    attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zs = arith.constant dense<0.0> : tensor<64x32xf32>
  %zo = arith.constant dense<0.0> : tensor<64x64xf32>
  %q = tile.load %Q[%c0, %c0] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<64x64xbf16>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zo) -> (tensor<64x64xf32>) : i32 {
    %k = tile.load %K[%j, %c0] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<32x64xbf16>
    %kt = tile.transpose %k : tensor<32x64xbf16> -> tensor<64x32xbf16>
    %s = tile.dot %q, %kt, %zs : tensor<64x64xbf16>, tensor<64x32xbf16>, tensor<64x32xf32>
    %p = arith.truncf %s : tensor<64x32xf32> to tensor<64x32xbf16>
    %o = tile.dot %p, %k, %acc : tensor<64x32xbf16>, tensor<32x64xbf16>, tensor<64x64xf32>
    scf.yield %o : tensor<64x64xf32>
  }
  tile.store %r, %O[%c0, %c0] dims [0, 1] : tensor<64x64xf32>, !tile.view<? x 64 x f32, out>
  return
}

// -----

// A line beside a product of the warpgroup is copied as the tile is: a row of its own, read where it is needed. One of
// 2-byte elements, or outside the loop, is loaded.
// CHECK-LABEL: @lines
// CHECK: tile.load %arg2
// CHECK: scf.for
// CHECK: cta.put %arg1[
// CHECK: cta.put %arg2[%[[AT:.*]], %{{.*}}] dims [0, 1] within [1] from %{{.*}} to %{{.*}} into %[[R:.*]][
// CHECK-NEXT: %[[LINE:.*]] = cta.get %[[R]]
// CHECK: tile.load %arg3
// CHECK: cta.dot wgmma
// CHECK: cta.read %[[LINE]] : !cta.buffer<1, 64, f32, span 128> -> tensor<64xf32,
func.func @lines(%Q: !tile.view<? x 64 x bf16>, %K: !tile.view<? x 64 x bf16>, %L: !tile.view<? x ? x f32>, %H: !tile.view<? x ? x bf16>, %O: !tile.view<? x 64 x f32, out>, %n: i32, %at: i32)
    attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %zs = arith.constant dense<0.0> : tensor<64x64xf32>
  %q = tile.load %Q[%c0, %c0] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<64x64xbf16>
  %first = tile.load %L[%at, %c0] dims [1] : !tile.view<? x ? x f32> -> tensor<64xf32>
  %firsts = tile.expand_dims %first at 0 : tensor<64xf32> -> tensor<1x64xf32>
  %all = tile.broadcast %firsts : tensor<1x64xf32> -> tensor<64x64xf32>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %all) -> (tensor<64x64xf32>) : i32 {
    %row = arith.muli %j, %c64 overflow<nsw> : i32
    %k = tile.load %K[%row, %c0] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<64x64xbf16>
    %l = tile.load %L[%at, %row] dims [1] within [1] from %c0 to %n : !tile.view<? x ? x f32> -> tensor<64xf32>
    %h = tile.load %H[%at, %row] dims [1] : !tile.view<? x ? x bf16> -> tensor<64xbf16>
    %kt = tile.transpose %k : tensor<64x64xbf16> -> tensor<64x64xbf16>
    %s = tile.dot %q, %kt, %acc : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32>
    %ls = tile.expand_dims %l at 0 : tensor<64xf32> -> tensor<1x64xf32>
    %lines = tile.broadcast %ls : tensor<1x64xf32> -> tensor<64x64xf32>
    %e = arith.extf %h : tensor<64xbf16> to tensor<64xf32>
    %es = tile.expand_dims %e at 0 : tensor<64xf32> -> tensor<1x64xf32>
    %halves = tile.broadcast %es : tensor<1x64xf32> -> tensor<64x64xf32>
    %x = arith.addf %s, %lines : tensor<64x64xf32>
    %y = arith.addf %x, %halves : tensor<64x64xf32>
    scf.yield %y : tensor<64x64xf32>
  }
  tile.store %r, %O[%c0, %c0] dims [0, 1] : tensor<64x64xf32>, !tile.view<? x 64 x f32, out>
  return
}

// -----

// Warpgroups that are too many for the rows share them: each has columns of its own.
// CHECK-LABEL: @beside
// CHECK: cta.dot wgmma {{.*}} -> tensor<64x32xf32, #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x2 stride 1x4 repeat 1x1">>
// CHECK: cta.dot wgmma {{.*}} -> tensor<64x128xf32, #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) lane {{.*}} warps 4x2 stride 1x4 repeat 1x1">>
func.func @beside(%A: !tile.view<? x 128 x bf16>, %B: !tile.view<? x 128 x bf16>, %O: !tile.view<? x 128 x f32, out>)
    attributes {tile.kernel = #tile.request<"sm_90a", warps 8, stages 1>} {
  %c0 = arith.constant 0 : i32
  %z32 = arith.constant dense<0.0> : tensor<64x32xf32>
  %z128 = arith.constant dense<0.0> : tensor<64x128xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 128 x bf16> -> tensor<64x128xbf16>
  %b = tile.load %B[%c0, %c0] dims [0, 1] : !tile.view<? x 128 x bf16> -> tensor<32x128xbf16>
  %bt = tile.transpose %b : tensor<32x128xbf16> -> tensor<128x32xbf16>
  %s = tile.dot %a, %bt, %z32 : tensor<64x128xbf16>, tensor<128x32xbf16>, tensor<64x32xf32>
  %w = tile.load %B[%c0, %c0] dims [0, 1] : !tile.view<? x 128 x bf16> -> tensor<128x128xbf16>
  %t = tile.dot %a, %w, %z128 : tensor<64x128xbf16>, tensor<128x128xbf16>, tensor<64x128xf32>
  tile.store %s, %O[%c0, %c0] dims [0, 1] : tensor<64x32xf32>, !tile.view<? x 128 x f32, out>
  tile.store %t, %O[%c0, %c0] dims [0, 1] : tensor<64x128xf32>, !tile.view<? x 128 x f32, out>
  return
}

// -----

// Sums that memory adds pair by pair, eight in a row of lanes, need no wider pieces; where it adds one by one they do.
// CHECK-LABEL: @added_as_they_lie
// CHECK-NOT: cta.write
// CHECK: tile.store %{{.*}} adds
func.func @added_as_they_lie(%A: !tile.view<? x 16 x bf16>, %B: !tile.view<? x 32 x bf16>, %O: !tile.view<? x 32 x f32, var>)
    attributes {tile.kernel = #tile.request<"sm_90", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : tensor<64x32xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 16 x bf16> -> tensor<64x16xbf16>
  %b = tile.load %B[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x bf16> -> tensor<16x32xbf16>
  %s = tile.dot %a, %b, %zero : tensor<64x16xbf16>, tensor<16x32xbf16>, tensor<64x32xf32>
  tile.store %s, %O[%c0, %c0] dims [0, 1] adds : tensor<64x32xf32>, !tile.view<? x 32 x f32, var>
  return
}

// CHECK-LABEL: @added_in_rows
// CHECK: cta.write
// CHECK: tile.store %{{.*}} adds
func.func @added_in_rows(%A: !tile.view<? x 16 x bf16>, %B: !tile.view<? x 32 x bf16>, %O: !tile.view<? x 32 x f32, var>)
    attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : tensor<64x32xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 16 x bf16> -> tensor<64x16xbf16>
  %b = tile.load %B[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x bf16> -> tensor<16x32xbf16>
  %s = tile.dot %a, %b, %zero : tensor<64x16xbf16>, tensor<16x32xbf16>, tensor<64x32xf32>
  tile.store %s, %O[%c0, %c0] dims [0, 1] adds : tensor<64x32xf32>, !tile.view<? x 32 x f32, var>
  return
}

// -----

// The transpose of a square tile is another tile than itself, in whatever layout.
// CHECK-LABEL: @both_ways
// CHECK: %[[Z:.*]] = arith.addf
// CHECK: cta.dot mma tile
// CHECK: cta.read %{{.*}} transposed
// CHECK: cta.dot mma tile
func.func @both_ways(%X: !tile.view<? x 16 x bf16>, %O: !tile.view<? x 16 x f32, out>)
    attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : tensor<16x16xf32>
  %x = tile.load %X[%c0, %c0] dims [0, 1] : !tile.view<? x 16 x bf16> -> tensor<16x16xbf16>
  %z = arith.addf %x, %x : tensor<16x16xbf16>
  %zt = tile.transpose %z : tensor<16x16xbf16> -> tensor<16x16xbf16>
  %s = tile.dot %z, %x, %zero : tensor<16x16xbf16>, tensor<16x16xbf16>, tensor<16x16xf32>
  %t = tile.dot %zt, %x, %s : tensor<16x16xbf16>, tensor<16x16xbf16>, tensor<16x16xf32>
  tile.store %t, %O[%c0, %c0] dims [0, 1] : tensor<16x16xf32>, !tile.view<? x 16 x f32, out>
  return
}

// -----

// f32 has no tensor instruction of its own precision: multiply-adds from two buffers.
// CHECK-LABEL: @ieee
// CHECK: cta.dot fma buffer
func.func @ieee(%A: !tile.view<? x 16 x f32>, %O: !tile.view<? x 16 x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c0 = arith.constant 0 : i32
  %z = arith.constant dense<0.0> : tensor<16x16xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 16 x f32> -> tensor<16x16xf32>
  %s = tile.dot %a, %a, %z : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
  tile.store %s, %O[%c0, %c0] dims [0, 1] : tensor<16x16xf32>, !tile.view<? x 16 x f32, out>
  return
}

// -----

// Each has a power of two of them, the last one some beyond the product, which the operand's buffer keeps.
// CHECK-LABEL: @beside_and_beyond
// CHECK-DAG: cta.ring : !cta.ring<48, 128, bf16, span 128, slots 1, by groups, stored 64 x 128>
// CHECK-DAG: cta.ring : !cta.ring<128, 192, bf16, span 128, slots 1, by groups, stored 128 x 256>
// CHECK: cta.dot wgmma {{.*}} -> tensor<64x48xf32, #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) lane {{.*}} warps 4x2 stride 1x4 repeat 1x1">>
// CHECK: cta.dot wgmma {{.*}} -> tensor<64x192xf32, #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) (0,64) lane {{.*}} warps 4x2 stride 1x4 repeat 1x1">>
func.func @beside_and_beyond(%A: !tile.view<? x 128 x bf16>, %B: !tile.view<? x 128 x bf16>, %W: !tile.view<? x 192 x bf16>, %O: !tile.view<? x 192 x f32, out>)
    attributes {tile.kernel = #tile.request<"sm_90a", warps 8, stages 1>} {
  %c0 = arith.constant 0 : i32
  %z48 = arith.constant dense<0.0> : tensor<64x48xf32>
  %z192 = arith.constant dense<0.0> : tensor<64x192xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 128 x bf16> -> tensor<64x128xbf16>
  %b = tile.load %B[%c0, %c0] dims [0, 1] : !tile.view<? x 128 x bf16> -> tensor<48x128xbf16>
  %bt = tile.transpose %b : tensor<48x128xbf16> -> tensor<128x48xbf16>
  %s = tile.dot %a, %bt, %z48 : tensor<64x128xbf16>, tensor<128x48xbf16>, tensor<64x48xf32>
  %w = tile.load %W[%c0, %c0] dims [0, 1] : !tile.view<? x 192 x bf16> -> tensor<128x192xbf16>
  %t = tile.dot %a, %w, %z192 : tensor<64x128xbf16>, tensor<128x192xbf16>, tensor<64x192xf32>
  tile.store %s, %O[%c0, %c0] dims [0, 1] : tensor<64x48xf32>, !tile.view<? x 192 x f32, out>
  tile.store %t, %O[%c0, %c0] dims [0, 1] : tensor<64x192xf32>, !tile.view<? x 192 x f32, out>
  return
}

// -----

// Where these are no whole panel of an operand whose rows are along K, mma.sync multiplies, and all else in the block
// whose warpgroups would share rows.
// CHECK-LABEL: @not_beside
// CHECK: cta.dot mma {{.*}} -> tensor<64x32xf32,
// CHECK: cta.dot mma {{.*}} -> tensor<64x64xf32,
// CHECK: cta.dot mma {{.*}} -> tensor<64x48xf32,
func.func @not_beside(%A: !tile.view<? x 128 x bf16>, %B: !tile.view<? x 128 x bf16>, %C: !tile.view<? x 64 x bf16>, %O: !tile.view<? x 128 x f32, out>)
    attributes {tile.kernel = #tile.request<"sm_90a", warps 8, stages 1>} {
  %c0 = arith.constant 0 : i32
  %z32 = arith.constant dense<0.0> : tensor<64x32xf32>
  %z48 = arith.constant dense<0.0> : tensor<64x48xf32>
  %z64 = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 128 x bf16> -> tensor<64x128xbf16>
  %b = tile.load %B[%c0, %c0] dims [0, 1] : !tile.view<? x 128 x bf16> -> tensor<32x128xbf16>
  %bt = tile.transpose %b : tensor<32x128xbf16> -> tensor<128x32xbf16>
  %s = tile.dot %a, %bt, %z32 : tensor<64x128xbf16>, tensor<128x32xbf16>, tensor<64x32xf32>
  %c = tile.load %C[%c0, %c0] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<128x64xbf16>
  %u = tile.dot %a, %c, %z64 : tensor<64x128xbf16>, tensor<128x64xbf16>, tensor<64x64xf32>
  %d = tile.load %B[%c0, %c0] dims [0, 1] : !tile.view<? x 128 x bf16> -> tensor<48x128xbf16>
  %dt = tile.transpose %d : tensor<48x128xbf16> -> tensor<128x48xbf16>
  %v = tile.dot %a, %dt, %z48 : tensor<64x128xbf16>, tensor<128x48xbf16>, tensor<64x48xf32>
  tile.store %s, %O[%c0, %c0] dims [0, 1] : tensor<64x32xf32>, !tile.view<? x 128 x f32, out>
  tile.store %u, %O[%c0, %c0] dims [0, 1] : tensor<64x64xf32>, !tile.view<? x 128 x f32, out>
  tile.store %v, %O[%c0, %c0] dims [0, 1] : tensor<64x48xf32>, !tile.view<? x 128 x f32, out>
  return
}

// -----

// A row that one warp cannot hold lies over all of them: the warps' parts of its sum meet in shared memory.
// CHECK-LABEL: @wide_row
// CHECK: %[[PARTS:.*]] = cta.alloc : !cta.buffer<1, 8, f32
// CHECK: %[[X:.*]] = tile.load {{.*}} -> tensor<1x8192xf32, #cta.layout<"reg (0,1) (0,2) lane (0,4) (0,8) (0,16) (0,32) (0,64) warps 1x8 stride 1x1 repeat 1x8">>
// CHECK: %[[P:.*]] = cta.reduce sum %[[X]] along 1 per warp : {{.*}} -> tensor<1x8xf32, #cta.layout<"reg lane (0,0) (0,0) (0,0) (0,0) (0,0) warps 1x8 stride 1x1 repeat 1x1">>
// CHECK: cta.write %[[P]], %[[PARTS]]
// CHECK: %[[ALL:.*]] = cta.read %[[PARTS]] {{.*}} -> tensor<1x8xf32, #cta.layout<"reg (0,1) (0,2) (0,4) lane {{.*}} warps 1x1
// CHECK: tile.reduce sum %[[ALL]] along 1
func.func @wide_row(%X: !tile.view<? x 8192 x f32>, %Y: !tile.view<? x f32, out>, %i: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 8, stages 1>} {
  %c0 = arith.constant 0 : i32
  %x = tile.load %X[%i, %c0] dims [0, 1] : !tile.view<? x 8192 x f32> -> tensor<1x8192xf32>
  %s = tile.reduce sum %x along 1 : tensor<1x8192xf32> -> tensor<1xf32>
  tile.store %s, %Y[%i] dims [0] : tensor<1xf32>, !tile.view<? x f32, out>
  return
}

// -----

// Of a row that goes through a function each warp takes 128 elements in a row, four a lane, and makes its part. All warps
// read all parts: those make the whole, and for a scan what comes before each.
// CHECK-LABEL: @row_in_order
// CHECK: %[[X:.*]] = tile.load {{.*}} -> tensor<1x1000xf32, #cta.layout<"reg (0,1) (0,2) lane (0,4) (0,8) (0,16) (0,32) (0,64) warps 1x8 stride 1x1 repeat 1x1">>
// CHECK-NEXT: %[[P:.*]] = cta.combine %[[X]] along 1 : {{.*}} -> tensor<1x8xf32, #cta.layout<"reg lane (0,0) (0,0) (0,0) (0,0) (0,0) warps 1x8 stride 1x1 repeat 1x1">>
// CHECK: cta.write %[[P]], %[[PARTS:.*]] :
// CHECK: %[[ALL:.*]] = cta.read %[[PARTS]] {{.*}} -> tensor<1x8xf32, #cta.layout<"reg (0,1) (0,2) (0,4) lane {{.*}} warps 1x1
// CHECK: tile.combine %[[ALL]] along 1
// CHECK: %[[Q:.*]] = cta.combine %[[X]] along 1
// CHECK: cta.write %[[Q]], %[[MORE:.*]] :
// CHECK: %[[BEFORE:.*]] = cta.read %[[MORE]]
// CHECK: cta.scan %[[X]] after %[[BEFORE]] along 1
func.func @row_in_order(%X: !tile.view<? x 1000 x f32>, %Y: !tile.view<? x f32, out>, %Z: !tile.view<? x 1000 x f32, out>, %i: i32) attributes {tile.kernel = #tile.request<"sm_80", warps 8, stages 1>} {
  %c0 = arith.constant 0 : i32
  %x = tile.load %X[%i, %c0] dims [0, 1] : !tile.view<? x 1000 x f32> -> tensor<1x1000xf32>
  %s = tile.combine %x along 1 : tensor<1x1000xf32> -> tensor<1xf32> {
  ^bb0(%a: f32, %b: f32):
    tile.yield %b : f32
  }
  %p = tile.scan %x along 1 : tensor<1x1000xf32> -> tensor<1x1000xf32> {
  ^bb0(%a: f32, %b: f32):
    %d = arith.addf %a, %b : f32
    tile.yield %d : f32
  }
  tile.store %s, %Y[%i] dims [0] : tensor<1xf32>, !tile.view<? x f32, out>
  tile.store %p, %Z[%i, %c0] dims [0, 1] : tensor<1x1000xf32>, !tile.view<? x 1000 x f32, out>
  return
}

// -----

// A probability tile of 24 keys feeds a product whose K is 32: the fragment's margin is cleared, the values' slot
// keeps 32 rows.
// CHECK-LABEL: @padded_k
// CHECK: cta.ring : !cta.ring<24, 8, f16, span 32, slots 1, by groups, stored 32 x 8>
// CHECK: %[[P:.*]] = cta.clear_margin {{.*}} : tensor<16x24xf16, {{.*}} repeat 1x1">>
// CHECK: cta.dot mma tile %[[P]]
func.func @padded_k(%A: !tile.view<? x 24 x f16>, %B: !tile.view<? x 8 x f16>, %O: !tile.view<? x 8 x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c0 = arith.constant 0 : i32
  %z = arith.constant dense<0.0> : tensor<16x8xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 24 x f16> -> tensor<16x24xf16>
  %p = arith.addf %a, %a : tensor<16x24xf16>
  %b = tile.load %B[%c0, %c0] dims [0, 1] : !tile.view<? x 8 x f16> -> tensor<24x8xf16>
  %s = tile.dot %p, %b, %z : tensor<16x24xf16>, tensor<24x8xf16>, tensor<16x8xf32>
  tile.store %s, %O[%c0, %c0] dims [0, 1] : tensor<16x8xf32>, !tile.view<? x 8 x f32, out>
  return
}

// -----

// Bytes that products take widened are copied as they lie, also of rows that a table names, and read from there.
// CHECK-LABEL: @bytes
// CHECK: scf.for
// CHECK: cta.put {{.*}} rows %{{.*}} into {{.*}}!tile.view<?x64xi8>, !cta.ring<32, 64, i8,
// CHECK: %[[ROWS:.*]] = cta.get {{.*}} -> !cta.buffer<32, 64, i8,
// CHECK: cta.read %[[ROWS]] {{.*}} -> tensor<32x64xi8,
// CHECK: arith.sitofp
// CHECK: cta.dot mma
func.func @bytes(%Q: !tile.view<? x 64 x f16>, %K: !tile.view<? x 64 x i8>, %T: !tile.view<? x i32>, %O: !tile.view<? x 32 x f32, out>, %n: i32)
    attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %z = arith.constant dense<0.0> : tensor<64x32xf32>
  %q = tile.load %Q[%c0, %c0] dims [0, 1] : !tile.view<? x 64 x f16> -> tensor<64x64xf16>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %line = tile.load %T[%j] dims [0] : !tile.view<? x i32> -> tensor<32xi32>
    %rows = tile.expand_dims %line at 1 : tensor<32xi32> -> tensor<32x1xi32>
    %k = tile.gather %K[%rows, %c0] dims [-1, 1] : !tile.view<? x 64 x i8>, tensor<32x1xi32>, i32 -> tensor<32x64xi8>
    %wide = arith.sitofp %k : tensor<32x64xi8> to tensor<32x64xf16>
    %kt = tile.transpose %wide : tensor<32x64xf16> -> tensor<64x32xf16>
    %s = tile.dot %q, %kt, %z : tensor<64x64xf16>, tensor<64x32xf16>, tensor<64x32xf32>
    tile.store %s, %O[%j, %c0] dims [0, 1] : tensor<64x32xf32>, !tile.view<? x 32 x f32, out>
  }
  return
}

// -----

// A left operand that is computed before the loop and has no room in registers beside the accumulators, 128 of each
// thread, is written to shared memory before the loop; each step reads it from there.
// CHECK-LABEL: @aside
// CHECK: %[[BUFFER:.*]] = cta.alloc : !cta.buffer<64, 128, bf16
// CHECK: cta.write %{{.*}}, %[[BUFFER]]
// CHECK: scf.for
// CHECK-NOT: cta.write
// CHECK: cta.dot mma buffer %[[BUFFER]]
func.func @aside(%A: !tile.view<? x 128 x bf16>, %B: !tile.view<? x 128 x bf16>, %O: !tile.view<? x 128 x f32, out>, %n: i32)
    attributes {tile.kernel = #tile.request<"sm_80", warps 2, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %two = arith.constant dense<2.0> : tensor<64x128xbf16>
  %z = arith.constant dense<0.0> : tensor<64x128xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 128 x bf16> -> tensor<64x128xbf16>
  %twice = arith.mulf %a, %two : tensor<64x128xbf16>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %z) -> (tensor<64x128xf32>) : i32 {
    %b = tile.load %B[%j, %c0] dims [0, 1] : !tile.view<? x 128 x bf16> -> tensor<128x128xbf16>
    %s = tile.dot %twice, %b, %acc : tensor<64x128xbf16>, tensor<128x128xbf16>, tensor<64x128xf32>
    scf.yield %s : tensor<64x128xf32>
  }
  tile.store %r, %O[%c0, %c0] dims [0, 1] : tensor<64x128xf32>, !tile.view<? x 128 x f32, out>
  return
}

// -----

// Lines that are repeated down the rows of an mma.sync product, of which a thread needs 8 elements, are copied as the
// tile is. Arithmetic on one is done once an element, and what comes of it is moved to where it is needed; a line
// without any is read there. Of a product with 16 columns, 4 elements a thread, each loads its own.
// CHECK-LABEL: @rows
// CHECK: scf.for
// CHECK: cta.put %arg2[{{.*}}] dims [0, 1] into {{.*}}!cta.ring<1, 64, f32,
// CHECK: %[[LINE:.*]] = cta.read %{{.*}} -> tensor<64xf32, #cta.layout<"reg lane
// CHECK: %[[TWICE:.*]] = arith.mulf %[[LINE]]
// CHECK: cta.put %arg3[{{.*}}] dims [0, 1] into %[[RING:.*]][{{.*}}!cta.ring<1, 64, f32,
// CHECK: %[[SLOT:.*]] = cta.get %[[RING]]
// CHECK: cta.write %[[TWICE]]
// CHECK: %[[USED:.*]] = cta.read %[[SLOT]] : {{.*}} -> tensor<64xf32, #cta.layout<"reg (1) lane (2) (4) (0)
// CHECK: tile.expand_dims %[[USED]] at 0
// CHECK: scf.for
// CHECK: tile.load %arg3[{{.*}}] : {{.*}} -> tensor<16xf32,
func.func @rows(%A: !tile.view<? x 64 x bf16>, %B: !tile.view<? x 64 x bf16>, %L: !tile.view<? x ? x f32>, %D: !tile.view<? x ? x f32>, %O: !tile.view<? x 64 x f32, out>, %P: !tile.view<? x 16 x f32, out>, %n: i32)
    attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %two = arith.constant dense<2.0> : tensor<64xf32>
  %z = arith.constant dense<0.0> : tensor<64x64xf32>
  %zn = arith.constant dense<0.0> : tensor<64x16xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<64x64xbf16>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %b = tile.load %B[%j, %c0] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<64x64xbf16>
    %bt = tile.transpose %b : tensor<64x64xbf16> -> tensor<64x64xbf16>
    %s = tile.dot %a, %bt, %z : tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xf32>
    %l = tile.load %L[%c0, %j] dims [1] : !tile.view<? x ? x f32> -> tensor<64xf32>
    %twice = arith.mulf %l, %two : tensor<64xf32>
    %le = tile.expand_dims %twice at 0 : tensor<64xf32> -> tensor<1x64xf32>
    %lb = tile.broadcast %le : tensor<1x64xf32> -> tensor<64x64xf32>
    %d = tile.load %D[%c0, %j] dims [1] : !tile.view<? x ? x f32> -> tensor<64xf32>
    %de = tile.expand_dims %d at 0 : tensor<64xf32> -> tensor<1x64xf32>
    %db = tile.broadcast %de : tensor<1x64xf32> -> tensor<64x64xf32>
    %t = arith.subf %s, %lb : tensor<64x64xf32>
    %u = arith.mulf %t, %db : tensor<64x64xf32>
    tile.store %u, %O[%j, %c0] dims [0, 1] : tensor<64x64xf32>, !tile.view<? x 64 x f32, out>
  }
  scf.for %j = %c0 to %n step %c1 : i32 {
    %b = tile.load %B[%j, %c0] dims [0, 1] : !tile.view<? x 64 x bf16> -> tensor<16x64xbf16>
    %bt = tile.transpose %b : tensor<16x64xbf16> -> tensor<64x16xbf16>
    %s = tile.dot %a, %bt, %zn : tensor<64x64xbf16>, tensor<64x16xbf16>, tensor<64x16xf32>
    %d = tile.load %D[%c0, %j] dims [1] : !tile.view<? x ? x f32> -> tensor<16xf32>
    %de = tile.expand_dims %d at 0 : tensor<16xf32> -> tensor<1x16xf32>
    %db = tile.broadcast %de : tensor<1x16xf32> -> tensor<64x16xf32>
    %u = arith.mulf %s, %db : tensor<64x16xf32>
    tile.store %u, %P[%j, %c0] dims [0, 1] : tensor<64x16xf32>, !tile.view<? x 16 x f32, out>
  }
  return
}

// -----

// wgmma takes bytes with K along rows only: a right operand that lies the other way is written anew right behind its copy,
// in the order in which its left operand, made of a product, has K.
// CHECK-LABEL: @bytes
// CHECK: %[[T:.*]] = cta.alloc : !cta.buffer<64, 32, f8E4M3FN, span 32>
// CHECK: scf.for
// CHECK: %[[K:.*]] = cta.get
// CHECK-NEXT: cta.restage %[[K]] pairs into %[[T]]
// CHECK: cta.dot wgmma buffer %{{.*}}, %[[K]] transposed_b
// CHECK: cta.dot wgmma tile %{{.*}}, %[[T]] transposed_b
func.func @bytes(%Q: !tile.view<? x 64 x f8E4M3FN>, %K: !tile.view<? x 64 x f8E4M3FN>, %O: !tile.view<? x 64 x f32, out>, %n: i32)
    attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zs = arith.constant dense<0.0> : tensor<64x32xf32>
  %zo = arith.constant dense<0.0> : tensor<64x64xf32>
  %q = tile.load %Q[%c0, %c0] dims [0, 1] : !tile.view<? x 64 x f8E4M3FN> -> tensor<64x64xf8E4M3FN>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zo) -> (tensor<64x64xf32>) : i32 {
    %k = tile.load %K[%j, %c0] dims [0, 1] : !tile.view<? x 64 x f8E4M3FN> -> tensor<32x64xf8E4M3FN>
    %kt = tile.transpose %k : tensor<32x64xf8E4M3FN> -> tensor<64x32xf8E4M3FN>
    %s = tile.dot %q, %kt, %zs : tensor<64x64xf8E4M3FN>, tensor<64x32xf8E4M3FN>, tensor<64x32xf32>
    %p = tile.narrow %s : tensor<64x32xf32> -> tensor<64x32xf8E4M3FN>
    %o = tile.dot %p, %k, %acc : tensor<64x32xf8E4M3FN>, tensor<32x64xf8E4M3FN>, tensor<64x64xf32>
    scf.yield %o : tensor<64x64xf32>
  }
  tile.store %r, %O[%c0, %c0] dims [0, 1] : tensor<64x64xf32>, !tile.view<? x 64 x f32, out>
  return
}

// -----

// wgmma cuts f32 to tf32, which the language rounds: what is copied before the loop is rounded where it lies, the others as
// they are written anew, a left operand of a product as it is in registers.
// CHECK-LABEL: @words
// CHECK-DAG: %[[KR:.*]] = cta.alloc : !cta.buffer<32, 64, f32, span 128>
// CHECK-DAG: %[[VR:.*]] = cta.alloc : !cta.buffer<64, 32, f32, span 128>
// CHECK: %[[Q:.*]] = cta.get
// CHECK-NEXT: cta.restage %[[Q]] straight into %[[Q]]
// CHECK: scf.for
// CHECK: %[[K:.*]] = cta.get
// CHECK-NEXT: cta.restage %[[K]] straight into %[[KR]]
// CHECK: cta.dot wgmma buffer %[[Q]] {{.*}}, %[[KR]] transposed_b, %{{.*}} mode tf32
// CHECK: %[[V:.*]] = cta.get
// CHECK-NEXT: cta.restage %[[V]] pairs into %[[VR]]
// CHECK: %[[P:.*]] = cta.round
// CHECK: cta.dot wgmma tile %[[P]] {{.*}}, %[[VR]] transposed_b, %{{.*}} mode tf32
func.func @words(%Q: !tile.view<? x 64 x f32>, %K: !tile.view<? x 64 x f32>, %V: !tile.view<? x 64 x f32>, %O: !tile.view<? x 64 x f32, out>, %n: i32)
    attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zs = arith.constant dense<0.0> : tensor<64x32xf32>
  %zo = arith.constant dense<0.0> : tensor<64x64xf32>
  %q = tile.load %Q[%c0, %c0] dims [0, 1] : !tile.view<? x 64 x f32> -> tensor<64x64xf32>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zo) -> (tensor<64x64xf32>) : i32 {
    %k = tile.load %K[%j, %c0] dims [0, 1] : !tile.view<? x 64 x f32> -> tensor<32x64xf32>
    %kt = tile.transpose %k : tensor<32x64xf32> -> tensor<64x32xf32>
    %s = tile.dot %q, %kt, %zs mode tf32 : tensor<64x64xf32>, tensor<64x32xf32>, tensor<64x32xf32>
    %p = math.exp2 %s : tensor<64x32xf32>
    %v = tile.load %V[%j, %c0] dims [0, 1] : !tile.view<? x 64 x f32> -> tensor<32x64xf32>
    %o = tile.dot %p, %v, %acc mode tf32 : tensor<64x32xf32>, tensor<32x64xf32>, tensor<64x64xf32>
    scf.yield %o : tensor<64x64xf32>
  }
  tile.store %r, %O[%c0, %c0] dims [0, 1] : tensor<64x64xf32>, !tile.view<? x 64 x f32, out>
  return
}
