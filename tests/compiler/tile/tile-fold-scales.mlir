// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-fold-scales))' | FileCheck %s
// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-fold-scales))' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// The maximum is taken of what is not scaled yet, the scale goes to the factor behind it; after the loop the maximum is
// multiplied. The guard and the start are the same with the scale and without it.
// CHECK-LABEL: @maximum
// CHECK-SAME: %[[X:.*]]: tensor<16x8xf32>, %[[SCALE:.*]]: f32,
func.func @maximum(%x: tensor<16x8xf32>, %scale: f32, %mask: tensor<16x8xi1>, %n: i32) -> (tensor<16x8xf32>, tensor<16xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %positive = arith.cmpf ogt, %scale, %zero : f32
  tile.require %positive
  %lowest = arith.constant dense<0xFF800000> : tensor<16xf32>
  %hidden = arith.constant dense<0xFF800000> : tensor<16x8xf32>
  %zeros = arith.constant dense<0.0> : tensor<16xf32>
  %log2e = arith.constant dense<1.442695> : tensor<16x8xf32>
  %scales = tile.splat %scale : f32 -> tensor<16x8xf32>
  // CHECK: %[[LOOP:.*]]:2 = scf.for
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %x, %m = %lowest) -> (tensor<16x8xf32>, tensor<16xf32>) : i32 {
    %s = arith.mulf %x, %scales : tensor<16x8xf32>
    // CHECK-NEXT: %[[SEEN:.*]] = arith.select %{{.*}}, %[[X]], %{{.*}}
    %seen = arith.select %mask, %s, %hidden : tensor<16x8xi1>, tensor<16x8xf32>
    // CHECK-NEXT: tile.reduce max %[[SEEN]] along 1
    %top = tile.reduce max %seen along 1 : tensor<16x8xf32> -> tensor<16xf32>
    %mn = arith.maxnumf %m, %top : tensor<16xf32>
    %none = arith.cmpf oeq, %mn, %lowest : tensor<16xf32>
    %mf = arith.select %none, %zeros, %mn : tensor<16xi1>, tensor<16xf32>
    %mc = tile.expand_dims %mf at 1 : tensor<16xf32> -> tensor<16x1xf32>
    %mb = tile.broadcast %mc : tensor<16x1xf32> -> tensor<16x8xf32>
    // CHECK: %[[D:.*]] = arith.subf %[[SEEN]]
    %d = arith.subf %seen, %mb : tensor<16x8xf32>
    // CHECK: %[[K:.*]] = arith.mulf %[[SCALE]], %{{.*}} : f32
    // CHECK: %[[LEAST:.*]] = arith.maxnumf %[[K]]
    // CHECK: %[[CLAMPED:.*]] = arith.minnumf %[[LEAST]]
    // CHECK: %[[KS:.*]] = tile.splat %[[CLAMPED]]
    // CHECK: arith.mulf %[[D]], %[[KS]]
    %e = arith.mulf %d, %log2e : tensor<16x8xf32>
    %p = math.exp2 %e : tensor<16x8xf32>
    %sum1 = arith.addf %sum, %p : tensor<16x8xf32>
    scf.yield %sum1, %mn : tensor<16x8xf32>, tensor<16xf32>
  }
  // CHECK: %[[UNIT:.*]] = tile.splat %[[SCALE]] : f32 -> tensor<16xf32>
  // CHECK: %[[M:.*]] = arith.mulf %[[LOOP]]#1, %[[UNIT]]
  // CHECK: return %[[LOOP]]#0, %[[M]]
  return %r#0, %r#1 : tensor<16x8xf32>, tensor<16xf32>
}

// Nothing is known of this scale: its sign may turn a maximum into a minimum.
// CHECK-LABEL: @unknown_sign
func.func @unknown_sign(%x: tensor<16x8xf32>, %scale: f32) -> (tensor<16xf32>, tensor<16x8xf32>) {
  %c = arith.constant dense<2.0> : tensor<16x8xf32>
  %scales = tile.splat %scale : f32 -> tensor<16x8xf32>
  // CHECK: %[[S:.*]] = arith.mulf %{{.*}}, %{{.*}} : tensor<16x8xf32>
  // CHECK: tile.reduce max %[[S]]
  %s = arith.mulf %x, %scales : tensor<16x8xf32>
  %top = tile.reduce max %s along 1 : tensor<16x8xf32> -> tensor<16xf32>
  %e = arith.mulf %s, %c : tensor<16x8xf32>
  return %top, %e : tensor<16xf32>, tensor<16x8xf32>
}

// Two constants whose product would be infinite do not meet.
// CHECK-LABEL: @beyond
func.func @beyond(%x: tensor<16x8xf32>) -> tensor<16x8xf32> {
  // CHECK-DAG: %[[LARGE:.*]] = arith.constant dense<9.99999961E+35>
  // CHECK-DAG: %[[TAME:.*]] = arith.constant dense<1.000000e+09>
  %large = arith.constant dense<1.0e36> : tensor<16x8xf32>
  %tame = arith.constant dense<1.0e9> : tensor<16x8xf32>
  // CHECK: %[[S:.*]] = arith.mulf %{{.*}}, %[[LARGE]]
  // CHECK: tile.reduce max %[[S]]
  // CHECK: arith.mulf %{{.*}}, %[[TAME]]
  %s = arith.mulf %x, %large : tensor<16x8xf32>
  %top = tile.reduce max %s along 1 : tensor<16x8xf32> -> tensor<16xf32>
  %tc = tile.expand_dims %top at 1 : tensor<16xf32> -> tensor<16x1xf32>
  %tb = tile.broadcast %tc : tensor<16x1xf32> -> tensor<16x8xf32>
  %d = arith.subf %s, %tb : tensor<16x8xf32>
  %e = arith.mulf %d, %tame : tensor<16x8xf32>
  return %e : tensor<16x8xf32>
}

// A tile that is stored as it is keeps its factor; so does one that is added to another.
// CHECK-LABEL: @needed
func.func @needed(%x: tensor<16x8xf32>, %y: tensor<16x8xf32>) -> (tensor<16xf32>, tensor<16x8xf32>) {
  %c = arith.constant dense<2.0> : tensor<16x8xf32>
  // CHECK: %[[S:.*]] = arith.mulf %{{.*}}, %{{.*}} : tensor<16x8xf32>
  // CHECK: tile.reduce max %[[S]]
  %s = arith.mulf %x, %c : tensor<16x8xf32>
  %top = tile.reduce max %s along 1 : tensor<16x8xf32> -> tensor<16xf32>
  %e = arith.mulf %s, %c : tensor<16x8xf32>
  %f = arith.addf %s, %y : tensor<16x8xf32>
  %g = arith.addf %e, %f : tensor<16x8xf32>
  return %top, %g : tensor<16xf32>, tensor<16x8xf32>
}

// A factor that is made in the loop is not taken out of it: what the loop carries has it.
// CHECK-LABEL: @changes
func.func @changes(%x: tensor<16x8xf32>, %n: i32) -> (tensor<16x8xf32>, tensor<16xf32>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %lowest = arith.constant dense<0xFF800000> : tensor<16xf32>
  %least = arith.constant 0.5 : f32
  %two = arith.constant dense<2.0> : tensor<16x8xf32>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %x, %m = %lowest) -> (tensor<16x8xf32>, tensor<16xf32>) : i32 {
    %positive = arith.maxnumf %least, %least : f32
    %scale = arith.mulf %positive, %positive : f32
    %scales = tile.splat %scale : f32 -> tensor<16x8xf32>
    // CHECK: %[[TOP:.*]] = tile.reduce max %arg0
    // CHECK: %[[SCALED:.*]] = arith.mulf %[[TOP]], %{{.*}} : tensor<16xf32>
    // CHECK: arith.maxnumf %{{.*}}, %[[SCALED]]
    %s = arith.mulf %x, %scales : tensor<16x8xf32>
    %top = tile.reduce max %s along 1 : tensor<16x8xf32> -> tensor<16xf32>
    %mn = arith.maxnumf %m, %top : tensor<16xf32>
    %e = arith.mulf %s, %two : tensor<16x8xf32>
    scf.yield %e, %mn : tensor<16x8xf32>, tensor<16xf32>
  }
  return %r#0, %r#1 : tensor<16x8xf32>, tensor<16xf32>
}

// What was decided, and what was not.
// REMARK-DAG: remark: this positive factor is taken to the factors behind the maxima
// REMARK-DAG: remark: this factor stays: 'func.return' needs the product itself
