// RUN: imbrex-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(tile-defer-scales),canonicalize)' | FileCheck %s

// A product of its own is multiplied by the scale, with the factor that stands behind it anyway.
// CHECK-LABEL: @own
// CHECK-SAME: %[[Q:.*]]: tensor<16x64xbf16>, %[[BYTES:.*]]: tensor<32x64xf8E4M3FN>, %[[S:.*]]: f32, %[[C:.*]]: f32
// CHECK: %[[K:.*]] = arith.extf %[[BYTES]] : tensor<32x64xf8E4M3FN> to tensor<32x64xbf16>
// CHECK: %[[T:.*]] = tile.transpose %[[K]]
// CHECK: %[[DOT:.*]] = tile.dot %[[Q]], %[[T]]
// CHECK: %[[BOTH:.*]] = arith.mulf %[[C]], %[[S]] : f32
// CHECK: %[[FACTOR:.*]] = tile.splat %[[BOTH]]
// CHECK: arith.mulf %[[DOT]], %[[FACTOR]]
func.func @own(%q: tensor<16x64xbf16>, %bytes: tensor<32x64xf8E4M3FN>, %s: f32, %c: f32) -> tensor<16x32xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x32xf32>
  %wide = arith.extf %bytes : tensor<32x64xf8E4M3FN> to tensor<32x64xf32>
  %scales = tile.splat %s : f32 -> tensor<32x64xf32>
  %product = arith.mulf %wide, %scales : tensor<32x64xf32>
  %k = arith.truncf %product : tensor<32x64xf32> to tensor<32x64xbf16>
  %t = tile.transpose %k : tensor<32x64xbf16> -> tensor<64x32xbf16>
  %dot = tile.dot %q, %t, %zero : tensor<16x64xbf16>, tensor<64x32xbf16>, tensor<16x32xf32>
  %f = tile.splat %c : f32 -> tensor<16x32xf32>
  %r = arith.mulf %dot, %f : tensor<16x32xf32>
  return %r : tensor<16x32xf32>
}

// -----

// A constant that the scale could carry beyond the numbers of f32 is multiplied apart.
// CHECK-LABEL: @large
// CHECK-SAME: %[[S:[a-z0-9]+]]: f32
// CHECK: %[[LARGE:.*]] = arith.constant dense<9.99999961E+35>
// CHECK: %[[DOT:.*]] = tile.dot
// CHECK: %[[FACTOR:.*]] = tile.splat %[[S]]
// CHECK: %[[SCALED:.*]] = arith.mulf %[[DOT]], %[[FACTOR]]
// CHECK: arith.mulf %[[SCALED]], %[[LARGE]]
func.func @large(%q: tensor<16x64xbf16>, %bytes: tensor<64x32xf8E4M3FN>, %s: f32) -> tensor<16x32xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x32xf32>
  %large = arith.constant dense<1.0e36> : tensor<16x32xf32>
  %wide = arith.extf %bytes : tensor<64x32xf8E4M3FN> to tensor<64x32xf32>
  %scales = tile.splat %s : f32 -> tensor<64x32xf32>
  %product = arith.mulf %wide, %scales : tensor<64x32xf32>
  %k = arith.truncf %product : tensor<64x32xf32> to tensor<64x32xbf16>
  %dot = tile.dot %q, %k, %zero : tensor<16x64xbf16>, tensor<64x32xbf16>, tensor<16x32xf32>
  %r = arith.mulf %dot, %large : tensor<16x32xf32>
  return %r : tensor<16x32xf32>
}

// -----

// Of a sum that a loop carries from zero the scale, an entry of a table, stands behind the loop.
// CHECK-LABEL: @sum
// CHECK: %[[S:.*]] = tile.load
// CHECK: %[[SUM:.*]] = scf.for
// CHECK-NOT: tile.load
// CHECK: arith.sitofp %{{.*}} : tensor<32x64xi8> to tensor<32x64xbf16>
// CHECK: }
// CHECK: %[[FACTOR:.*]] = tile.splat %[[S]]
// CHECK: arith.mulf %[[SUM]], %[[FACTOR]]
func.func @sum(%p: tensor<16x32xbf16>, %bytes: tensor<32x64xi8>, %table: !tile.view<? x f32>, %a: tensor<16x64xf32>, %n: i32) -> tensor<16x64xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x64xf32>
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<16x64xf32>) : i32 {
    %wide = arith.sitofp %bytes : tensor<32x64xi8> to tensor<32x64xf32>
    %s = tile.load %table[%c0] dims [] : !tile.view<? x f32> -> f32
    %scales = tile.splat %s : f32 -> tensor<32x64xf32>
    %product = arith.mulf %wide, %scales : tensor<32x64xf32>
    %v = arith.truncf %product : tensor<32x64xf32> to tensor<32x64xbf16>
    %less = arith.mulf %acc, %a : tensor<16x64xf32>
    %dot = tile.dot %p, %v, %less : tensor<16x32xbf16>, tensor<32x64xbf16>, tensor<16x64xf32>
    scf.yield %dot : tensor<16x64xf32>
  }
  return %r : tensor<16x64xf32>
}

// -----

// A scale that is another in each iteration stays, and so does one of a sum that does not begin with zero.
// CHECK-LABEL: @stays
// CHECK: scf.for
// CHECK: arith.truncf
// CHECK: scf.for
// CHECK: arith.truncf
func.func @stays(%p: tensor<16x32xbf16>, %bytes: tensor<32x64xi8>, %table: !tile.view<? x f32>, %s: f32, %a: tensor<16x64xf32>, %n: i32) -> tensor<16x64xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x64xf32>
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %wide = arith.sitofp %bytes : tensor<32x64xi8> to tensor<32x64xf32>
  %x = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<16x64xf32>) : i32 {
    %e = tile.load %table[%j] dims [] : !tile.view<? x f32> -> f32
    %scales = tile.splat %e : f32 -> tensor<32x64xf32>
    %product = arith.mulf %wide, %scales : tensor<32x64xf32>
    %v = arith.truncf %product : tensor<32x64xf32> to tensor<32x64xbf16>
    %dot = tile.dot %p, %v, %acc : tensor<16x32xbf16>, tensor<32x64xbf16>, tensor<16x64xf32>
    scf.yield %dot : tensor<16x64xf32>
  }
  %y = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %a) -> (tensor<16x64xf32>) : i32 {
    %scales = tile.splat %s : f32 -> tensor<32x64xf32>
    %product = arith.mulf %wide, %scales : tensor<32x64xf32>
    %v = arith.truncf %product : tensor<32x64xf32> to tensor<32x64xbf16>
    %dot = tile.dot %p, %v, %acc : tensor<16x32xbf16>, tensor<32x64xbf16>, tensor<16x64xf32>
    scf.yield %dot : tensor<16x64xf32>
  }
  %z = arith.addf %x, %y : tensor<16x64xf32>
  return %z : tensor<16x64xf32>
}
