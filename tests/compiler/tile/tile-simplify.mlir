// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-simplify),cse)' -split-input-file | FileCheck %s
// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-simplify))' -split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// A division by a row is one reciprocal a row and a product.
// CHECK-LABEL: @by_row
// CHECK-SAME: %[[X:.*]]: tensor<16x8xf32>, %[[R:.*]]: tensor<16xf32>
func.func @by_row(%x: tensor<16x8xf32>, %r: tensor<16xf32>) -> tensor<16x8xf32> {
  // CHECK: %[[ONE:.*]] = arith.constant dense<1.000000e+00> : tensor<16xf32>
  // CHECK: %[[I:.*]] = arith.divf %[[ONE]], %[[R]] : tensor<16xf32>
  // CHECK: %[[C:.*]] = tile.expand_dims %[[I]] at 1
  // CHECK: %[[B:.*]] = tile.broadcast %[[C]]
  // CHECK: arith.mulf %[[X]], %[[B]] : tensor<16x8xf32>
  %c = tile.expand_dims %r at 1 : tensor<16xf32> -> tensor<16x1xf32>
  %b = tile.broadcast %c : tensor<16x1xf32> -> tensor<16x8xf32>
  %q = arith.divf %x, %b : tensor<16x8xf32>
  return %q : tensor<16x8xf32>
}

// A power of two is exact; a constant whose reciprocal is no normal number stays.
// CHECK-LABEL: @by_constant
func.func @by_constant(%x: tensor<16x8xf32>) -> (tensor<16x8xf32>, tensor<16x8xf32>) {
  %four = arith.constant dense<4.0> : tensor<16x8xf32>
  %tiny = arith.constant dense<1.0e-39> : tensor<16x8xf32>
  // CHECK-DAG: %[[Q:.*]] = arith.constant dense<2.500000e-01>
  // CHECK-DAG: %[[T:.*]] = arith.constant dense<1.000000e-39>
  // CHECK: arith.mulf %{{.*}}, %[[Q]]
  // CHECK: arith.divf %{{.*}}, %[[T]]
  %a = arith.divf %x, %four : tensor<16x8xf32>
  %b = arith.divf %x, %tiny : tensor<16x8xf32>
  return %a, %b : tensor<16x8xf32>, tensor<16x8xf32>
}

// 16-bit quotients stay rounded once: the reciprocal and the product are of f32.
// CHECK-LABEL: @half
func.func @half(%x: tensor<16x8xf16>, %s: f16) -> tensor<16x8xf16> {
  // CHECK: arith.extf %{{.*}} : f16 to f32
  // CHECK: arith.divf %{{.*}} : f32
  // CHECK: arith.extf %{{.*}} : tensor<16x8xf16> to tensor<16x8xf32>
  // CHECK: arith.mulf %{{.*}} : tensor<16x8xf32>
  // CHECK: arith.truncf
  %b = tile.splat %s : f16 -> tensor<16x8xf16>
  %q = arith.divf %x, %b : tensor<16x8xf16>
  return %q : tensor<16x8xf16>
}

// Factors meet first where one of them is a constant of usual size; two that are not known keep their order.
// CHECK-LABEL: @factors
// CHECK-SAME: %[[X:.*]]: tensor<16x8xf32>, %[[S:.*]]: f32, %[[T:.*]]: f32
func.func @factors(%x: tensor<16x8xf32>, %s: f32, %t: f32) -> (tensor<16x8xf32>, tensor<16x8xf32>) {
  %ss = tile.splat %s : f32 -> tensor<16x8xf32>
  %ts = tile.splat %t : f32 -> tensor<16x8xf32>
  %c = arith.constant dense<3.0> : tensor<16x8xf32>
  // CHECK: %[[K:.*]] = arith.mulf %{{.*}} : f32
  // CHECK: %[[KS:.*]] = tile.splat %[[K]]
  // CHECK: arith.mulf %[[X]], %[[KS]] : tensor<16x8xf32>
  %a = arith.mulf %x, %ss : tensor<16x8xf32>
  %b = arith.mulf %a, %c : tensor<16x8xf32>
  // CHECK: %[[P:.*]] = arith.mulf %[[X]], %{{.*}} : tensor<16x8xf32>
  // CHECK: arith.mulf %[[P]], %{{.*}} : tensor<16x8xf32>
  %d = arith.mulf %x, %ss : tensor<16x8xf32>
  %e = arith.mulf %d, %ts : tensor<16x8xf32>
  return %b, %e : tensor<16x8xf32>, tensor<16x8xf32>
}

// -----

// Constants of a chain are multiplied exactly and rounded once: by twos 1.0001^8 would be 1.00080025.
// CHECK-LABEL: @chain
// CHECK-SAME: %[[X:.*]]: tensor<16x8xf32>
func.func @chain(%x: tensor<16x8xf32>) -> tensor<16x8xf32> {
  // CHECK: %[[C:.*]] = arith.constant dense<1.00080037>
  // CHECK: arith.mulf %[[X]], %[[C]]
  // CHECK-NOT: arith.mulf
  %c = arith.constant dense<1.0001> : tensor<16x8xf32>
  %1 = arith.mulf %x, %c : tensor<16x8xf32>
  %2 = arith.mulf %c, %1 : tensor<16x8xf32>
  %3 = arith.mulf %2, %c : tensor<16x8xf32>
  %4 = arith.mulf %3, %c : tensor<16x8xf32>
  %5 = arith.mulf %4, %c : tensor<16x8xf32>
  %6 = arith.mulf %5, %c : tensor<16x8xf32>
  %7 = arith.mulf %6, %c : tensor<16x8xf32>
  %8 = arith.mulf %7, %c : tensor<16x8xf32>
  return %8 : tensor<16x8xf32>
}

// -----

// What would be infinite or no normal number does not meet, nor a row with constants beyond 2^40.
// CHECK-LABEL: @ranges
// CHECK-SAME: %[[X:.*]]: tensor<16x8xf32>, %[[ROW:.*]]: tensor<16xf32>
func.func @ranges(%x: tensor<16x8xf32>, %row: tensor<16xf32>)
    -> (tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>) {
  %large = arith.constant dense<1.0e36> : tensor<16x8xf32>
  %tame = arith.constant dense<1.0e9> : tensor<16x8xf32>
  %small = arith.constant dense<1.0e-36> : tensor<16x8xf32>
  %less = arith.constant dense<1.0e-9> : tensor<16x8xf32>
  // CHECK-DAG: %[[LARGE:.*]] = arith.constant dense<9.99999961E+35>
  // CHECK-DAG: %[[TAME:.*]] = arith.constant dense<1.000000e+09> : tensor<16x8xf32>
  // CHECK-DAG: %[[SMALL:.*]] = arith.constant dense<1.000000e-36>
  // CHECK-DAG: %[[LESS:.*]] = arith.constant dense<9.99999971E-10>
  // CHECK: %[[A:.*]] = arith.mulf %[[X]], %[[LARGE]]
  // CHECK: arith.mulf %[[A]], %[[TAME]]
  %a = arith.mulf %x, %large : tensor<16x8xf32>
  %b = arith.mulf %a, %tame : tensor<16x8xf32>
  // CHECK: %[[S:.*]] = arith.mulf %[[X]], %[[SMALL]]
  // CHECK: arith.mulf %[[S]], %[[LESS]]
  %c = arith.mulf %x, %small : tensor<16x8xf32>
  %d = arith.mulf %c, %less : tensor<16x8xf32>
  // CHECK: %[[XT:.*]] = arith.mulf %[[X]], %[[TAME]]
  // CHECK: arith.mulf %[[ROW]], %{{.*}} : tensor<16xf32>
  // CHECK: arith.mulf %[[XT]], %{{.*}} : tensor<16x8xf32>
  // CHECK-NOT: arith.mulf
  %rows = tile.expand_dims %row at 1 : tensor<16xf32> -> tensor<16x1xf32>
  %r = tile.broadcast %rows : tensor<16x1xf32> -> tensor<16x8xf32>
  %e = arith.mulf %x, %tame : tensor<16x8xf32>
  %f = arith.mulf %e, %r : tensor<16x8xf32>
  %g = arith.mulf %f, %tame : tensor<16x8xf32>
  return %b, %d, %g : tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>
}

// -----

// A power whose exponent is clamped, whichever end first, may change places with other factors: they meet before the tile.
// CHECK-LABEL: @clamped_powers
// CHECK: arith.mulf %{{.*}} : tensor<16xf32>
// CHECK-COUNT-2: arith.mulf %{{.*}} : tensor<16x8xf32>
// CHECK-NOT: arith.mulf %{{.*}} : tensor<16x8xf32>
func.func @clamped_powers(%x: tensor<16x8xf32>, %e: tensor<16xf32>, %row: tensor<16xf32>) -> (tensor<16x8xf32>, tensor<16x8xf32>) {
  %low = arith.constant dense<-3.2e+01> : tensor<16xf32>
  %high = arith.constant dense<3.2e+01> : tensor<16xf32>
  %rows = tile.expand_dims %row at 1 : tensor<16xf32> -> tensor<16x1xf32>
  %r = tile.broadcast %rows : tensor<16x1xf32> -> tensor<16x8xf32>
  %a = arith.minnumf %e, %high : tensor<16xf32>
  %b = arith.maxnumf %a, %low : tensor<16xf32>
  %p = math.exp2 %b : tensor<16xf32>
  %ps = tile.expand_dims %p at 1 : tensor<16xf32> -> tensor<16x1xf32>
  %pb = tile.broadcast %ps : tensor<16x1xf32> -> tensor<16x8xf32>
  %y = arith.mulf %x, %pb : tensor<16x8xf32>
  %z = arith.mulf %y, %r : tensor<16x8xf32>
  %c = arith.maxnumf %e, %low : tensor<16xf32>
  %d = arith.minnumf %c, %high : tensor<16xf32>
  %q = math.exp2 %d : tensor<16xf32>
  %qs = tile.expand_dims %q at 1 : tensor<16xf32> -> tensor<16x1xf32>
  %qb = tile.broadcast %qs : tensor<16x1xf32> -> tensor<16x8xf32>
  %v = arith.mulf %x, %qb : tensor<16x8xf32>
  %w = arith.mulf %v, %r : tensor<16x8xf32>
  return %z, %w : tensor<16x8xf32>, tensor<16x8xf32>
}

// -----

// A kernel of 16-bit type: tanh by instructions, divisions may be approximated.
// CHECK-LABEL: @approximates
func.func @approximates(%X: !tile.view<? x ? x f16>, %i: i32, %y: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %h = tile.load %X[%i, %i] dims [0, 1] : !tile.view<? x ? x f16> -> tensor<16x8xf16>
  %x = arith.extf %h : tensor<16x8xf16> to tensor<16x8xf32>
  // CHECK: math.exp2
  // CHECK: arith.divf %{{.*}} fastmath<arcp,afn>
  // CHECK: math.fma
  %t = math.tanh %x : tensor<16x8xf32>
  // CHECK: arith.divf %{{.*}} fastmath<afn>
  %q = arith.divf %t, %y : tensor<16x8xf32>
  return %q : tensor<16x8xf32>
}

// -----

// Not where f32 is loaded too.
// CHECK-LABEL: @exact
func.func @exact(%X: !tile.view<? x ? x f16>, %Y: !tile.view<? x ? x f32>, %i: i32) -> tensor<16x8xf32> {
  %h = tile.load %X[%i, %i] dims [0, 1] : !tile.view<? x ? x f16> -> tensor<16x8xf16>
  %y = tile.load %Y[%i, %i] dims [0, 1] : !tile.view<? x ? x f32> -> tensor<16x8xf32>
  %x = arith.extf %h : tensor<16x8xf16> to tensor<16x8xf32>
  // CHECK: math.tanh
  %t = math.tanh %x : tensor<16x8xf32>
  // CHECK: arith.divf %{{[^ ]*}}, %{{[^ ]*}} : tensor
  %q = arith.divf %t, %y : tensor<16x8xf32>
  return %q : tensor<16x8xf32>
}

// What was decided, and what was not.
// REMARK-DAG: remark: a division by what elements share: one reciprocal, and multiplications
// REMARK-DAG: remark: tanh by approximate instructions: the kernel's type is of 16 bits

// -----

// Positions 0 .. 15 are below 16 everywhere, below 15 not.
// CHECK-LABEL: @positions
func.func @positions(%x: tensor<16xf32>, %y: tensor<16xf32>) -> (tensor<16xf32>, tensor<16xi1>, tensor<16xi1>) {
  %i = tile.iota : tensor<16xi32>
  %c16 = arith.constant dense<16> : tensor<16xi32>
  %c15 = arith.constant dense<15> : tensor<16xi32>
  %all = arith.cmpi slt, %i, %c16 : tensor<16xi32>
  %none = arith.cmpi sgt, %i, %c15 : tensor<16xi32>
  %some = arith.cmpi slt, %i, %c15 : tensor<16xi32>
  %z = arith.select %all, %x, %y : tensor<16xi1>, tensor<16xf32>
  // CHECK-DAG: %[[NONE:.*]] = arith.constant dense<false>
  // CHECK-DAG: %[[SOME:.*]] = arith.cmpi slt
  // CHECK: return %arg0, %[[NONE]], %[[SOME]]
  return %z, %none, %some : tensor<16xf32>, tensor<16xi1>, tensor<16xi1>
}
