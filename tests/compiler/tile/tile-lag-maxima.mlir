// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-lag-maxima),canonicalize)' | FileCheck %s
// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-lag-maxima))' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// s - m' is what the powers are made of: the base is carried beside the maximum, in its unit, from the lowest finite
// number on. The guard goes.
// CHECK-LABEL: @difference
// CHECK-SAME: %[[S:[a-z0-9]+]]: tensor<16x8xf32>
func.func @difference(%s: tensor<16x8xf32>, %v: tensor<8x4xf32>, %n: i32) -> (tensor<16x4xf32>, tensor<16xf32>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %lowest = arith.constant dense<0xFF800000> : tensor<16xf32>
  %zeros = arith.constant dense<0.0> : tensor<16xf32>
  %none = arith.constant dense<0.0> : tensor<16x4xf32>
  %k = arith.constant dense<1.442695> : tensor<16xf32>
  %ks = arith.constant dense<1.442695> : tensor<16x8xf32>
  // CHECK-DAG: %[[START:.*]] = arith.constant dense<-3.40282347E+38>
  // CHECK-DAG: %[[EIGHT:.*]] = arith.constant dense<8.000000e+00>
  // CHECK-DAG: %[[ONE:.*]] = arith.constant dense<1.000000e+00>
  // CHECK: %[[R:.*]]:3 = scf.for {{.*}} iter_args(%[[ACC:.*]] = %{{.*}}, %[[M:.*]] = %{{.*}}, %[[U:.*]] = %[[START]])
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %none, %m = %lowest) -> (tensor<16x4xf32>, tensor<16xf32>) : i32 {
    // CHECK: %[[TOP:.*]] = tile.reduce max %[[S]]
    // CHECK: %[[MN:.*]] = arith.maxnumf %[[M]], %[[TOP]]
    // CHECK: %[[FAR:.*]] = arith.subf %[[MN]], %[[U]]
    // CHECK: %[[FARK:.*]] = arith.mulf %[[FAR]]
    // CHECK: %[[GREW:.*]] = arith.cmpf ogt, %[[FARK]], %[[EIGHT]]
    // CHECK: %[[UN:.*]] = arith.select %[[GREW]], %[[MN]], %[[U]]
    // CHECK: %[[A:.*]] = math.exp2
    // CHECK: %[[RESCALE:.*]] = arith.select %[[GREW]], %[[A]], %[[ONE]]
    %top = tile.reduce max %s along 1 : tensor<16x8xf32> -> tensor<16xf32>
    %mn = arith.maxnumf %m, %top : tensor<16xf32>
    %unseen = arith.cmpf oeq, %mn, %lowest : tensor<16xf32>
    %mf = arith.select %unseen, %zeros, %mn : tensor<16xi1>, tensor<16xf32>
    // CHECK-NOT: arith.cmpf
    %mc = tile.expand_dims %mf at 1 : tensor<16xf32> -> tensor<16x1xf32>
    %mb = tile.broadcast %mc : tensor<16x1xf32> -> tensor<16x8xf32>
    %d = arith.subf %s, %mb : tensor<16x8xf32>
    %e = arith.mulf %d, %ks : tensor<16x8xf32>
    // CHECK: %[[P:.*]] = math.exp2
    %p = math.exp2 %e : tensor<16x8xf32>
    %da = arith.subf %m, %mf : tensor<16xf32>
    %ea = arith.mulf %da, %k : tensor<16xf32>
    %a = math.exp2 %ea : tensor<16xf32>
    // CHECK: tile.expand_dims %[[RESCALE]] at 1
    // CHECK: %[[SCALED:.*]] = arith.mulf %[[ACC]]
    // CHECK: tile.dot %[[P]], %{{.*}}, %[[SCALED]]
    %ac = tile.expand_dims %a at 1 : tensor<16xf32> -> tensor<16x1xf32>
    %ab = tile.broadcast %ac : tensor<16x1xf32> -> tensor<16x4xf32>
    %scaled = arith.mulf %acc, %ab : tensor<16x4xf32>
    %next = tile.dot %p, %v, %scaled : tensor<16x8xf32>, tensor<8x4xf32>, tensor<16x4xf32>
    scf.yield %next, %mn : tensor<16x4xf32>, tensor<16xf32>
  }
  // CHECK: %[[LEFT:.*]] = arith.subf %[[R]]#2, %[[R]]#1
  // CHECK: arith.minnumf
  // CHECK: arith.maxnumf
  // CHECK: math.exp2
  // CHECK: %[[O:.*]] = arith.mulf %[[R]]#0
  // CHECK: return %[[O]], %[[R]]#1
  return %r#0, %r#1 : tensor<16x4xf32>, tensor<16xf32>
}

// The text multiplies first: the base is carried times the factor.
// CHECK-LABEL: @product
func.func @product(%s: tensor<16x8xf32>, %n: i32) -> tensor<16x8xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %lowest = arith.constant dense<0xFF800000> : tensor<16xf32>
  %none = arith.constant dense<0.0> : tensor<16x8xf32>
  %k = arith.constant dense<1.442695> : tensor<16xf32>
  %ks = arith.constant dense<1.442695> : tensor<16x8xf32>
  // CHECK: scf.for {{.*}} iter_args(%[[ACC:.*]] = %{{.*}}, %[[M:.*]] = %{{.*}}, %[[U:.*]] = %{{.*}})
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %none, %m = %lowest) -> (tensor<16x8xf32>, tensor<16xf32>) : i32 {
    %top = tile.reduce max %s along 1 : tensor<16x8xf32> -> tensor<16xf32>
    // CHECK: %[[MN:.*]] = arith.maxnumf
    // CHECK: %[[MK:.*]] = arith.mulf %[[MN]]
    // CHECK: %[[FAR:.*]] = arith.subf %{{.*}}, %[[U]]
    // CHECK: %[[UN:.*]] = arith.select %{{.*}}, %{{.*}}, %[[U]]
    %mn = arith.maxnumf %m, %top : tensor<16xf32>
    %mk = arith.mulf %mn, %k : tensor<16xf32>
    %mc = tile.expand_dims %mk at 1 : tensor<16xf32> -> tensor<16x1xf32>
    %mb = tile.broadcast %mc : tensor<16x1xf32> -> tensor<16x8xf32>
    %sk = arith.mulf %s, %ks : tensor<16x8xf32>
    %d = arith.subf %sk, %mb : tensor<16x8xf32>
    %p = math.exp2 %d : tensor<16x8xf32>
    %da = arith.subf %m, %mn : tensor<16xf32>
    %ea = arith.mulf %da, %k : tensor<16xf32>
    %a = math.exp2 %ea : tensor<16xf32>
    %ac = tile.expand_dims %a at 1 : tensor<16xf32> -> tensor<16x1xf32>
    %ab = tile.broadcast %ac : tensor<16x1xf32> -> tensor<16x8xf32>
    %scaled = arith.mulf %acc, %ab : tensor<16x8xf32>
    %next = arith.addf %scaled, %p : tensor<16x8xf32>
    // CHECK: scf.yield %{{.*}}, %[[MN]], %[[UN]]
    scf.yield %next, %mn : tensor<16x8xf32>, tensor<16xf32>
  }
  return %r#0 : tensor<16x8xf32>
}

// The square of a power is not linear in it: another base would change the sum.
// CHECK-LABEL: @square
func.func @square(%s: tensor<16x8xf32>, %n: i32) -> tensor<16x8xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %lowest = arith.constant dense<0xFF800000> : tensor<16xf32>
  %none = arith.constant dense<0.0> : tensor<16x8xf32>
  // CHECK: scf.for {{.*}} iter_args(%{{[^,]*}} = %{{[^,]*}}, %{{[^,]*}} = %{{[^,]*}}) ->
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %none, %m = %lowest) -> (tensor<16x8xf32>, tensor<16xf32>) : i32 {
    %top = tile.reduce max %s along 1 : tensor<16x8xf32> -> tensor<16xf32>
    %mn = arith.maxnumf %m, %top : tensor<16xf32>
    %mc = tile.expand_dims %mn at 1 : tensor<16xf32> -> tensor<16x1xf32>
    %mb = tile.broadcast %mc : tensor<16x1xf32> -> tensor<16x8xf32>
    %d = arith.subf %s, %mb : tensor<16x8xf32>
    %p = math.exp2 %d : tensor<16x8xf32>
    %square = arith.mulf %p, %p : tensor<16x8xf32>
    %da = arith.subf %m, %mn : tensor<16xf32>
    %a = math.exp2 %da : tensor<16xf32>
    %ac = tile.expand_dims %a at 1 : tensor<16xf32> -> tensor<16x1xf32>
    %ab = tile.broadcast %ac : tensor<16x1xf32> -> tensor<16x8xf32>
    %scaled = arith.mulf %acc, %ab : tensor<16x8xf32>
    %next = arith.addf %scaled, %square : tensor<16x8xf32>
    scf.yield %next, %mn : tensor<16x8xf32>, tensor<16xf32>
  }
  return %r#0 : tensor<16x8xf32>
}

// What was decided, and what was not.
// REMARK-DAG: remark: accumulators are rescaled only where this maximum has grown by more than 8 powers of two
// REMARK-DAG: remark: accumulators are rescaled in every iteration: what its powers flow into is not linear in them
