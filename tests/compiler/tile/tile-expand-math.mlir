// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-expand-math))' | FileCheck %s

// CHECK-LABEL: @f64
// CHECK-NOT: math.exp
// CHECK-NOT: math.log
// CHECK-NOT: math.tanh
// CHECK: return
func.func @f64(%x: tensor<8xf64>) -> tensor<8xf64> {
  %a = math.exp2 %x : tensor<8xf64>
  %b = math.log2 %a : tensor<8xf64>
  %c = math.rsqrt %b : tensor<8xf64>
  %d = math.tanh %c : tensor<8xf64>
  %e = math.exp %d : tensor<8xf64>
  %f = math.log %e : tensor<8xf64>
  return %f : tensor<8xf64>
}

// f32 has instructions for exp2 and log2; tanh goes through exp2.
// CHECK-LABEL: @f32
// CHECK: math.exp2
// CHECK-NOT: math.tanh
func.func @f32(%x: f32) -> f32 {
  %a = math.tanh %x : f32
  return %a : f32
}

// CHECK-LABEL: @instructions
// CHECK-NEXT: math.exp2 %{{.*}} : f32
// CHECK-NEXT: math.log2 %{{.*}} : f32
// CHECK-NEXT: math.rsqrt %{{.*}} : f32
// CHECK-NEXT: return
func.func @instructions(%x: f32) -> f32 {
  %a = math.exp2 %x : f32
  %b = math.log2 %a : f32
  %c = math.rsqrt %b : f32
  return %c : f32
}

// exp in two products with log2(e), of which the small one restores what the large one rounds off.
// CHECK-LABEL: @exp_f32
// CHECK-SAME: %[[X:.*]]: f32
// CHECK-DAG: %[[HIGH:.*]] = arith.constant 1.442695{{.*}} : f32
// CHECK-DAG: %[[LOW:.*]] = arith.constant 1.925963{{.*}}E-8 : f32
// CHECK: %[[F0:.*]] = math.fma %[[X]], %[[HIGH]]
// CHECK: %[[F:.*]] = math.fma %[[X]], %[[LOW]], %[[F0]]
// CHECK: math.exp2 %[[F]]
func.func @exp_f32(%x: f32) -> f32 {
  %a = math.exp %x : f32
  return %a : f32
}

// x less the maximum of its row is never above 0: exp needs no upper bound. The maximum of another dimension or
// of another tile, and a minimum, say nothing.
// CHECK-LABEL: @exp_below_maximum
// CHECK: arith.maxnumf
// CHECK-NOT: arith.minnumf
// CHECK: math.exp2
// CHECK-LABEL: @exp_below_another_maximum
// CHECK: arith.minnumf
// CHECK: math.exp2
// CHECK-LABEL: @exp_below_a_maximum_of_another_tile
// CHECK: arith.minnumf
// CHECK: math.exp2
// CHECK-LABEL: @exp_above_minimum
// CHECK: arith.minnumf
// CHECK: math.exp2
func.func @exp_below_maximum(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %m = tile.reduce max %x along 1 : tensor<8x8xf32> -> tensor<8xf32>
  %c = tile.expand_dims %m at 1 : tensor<8xf32> -> tensor<8x1xf32>
  %b = tile.broadcast %c : tensor<8x1xf32> -> tensor<8x8xf32>
  %d = arith.subf %x, %b : tensor<8x8xf32>
  %e = math.exp %d : tensor<8x8xf32>
  return %e : tensor<8x8xf32>
}
func.func @exp_below_another_maximum(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %m = tile.reduce max %x along 1 : tensor<8x8xf32> -> tensor<8xf32>
  %c = tile.expand_dims %m at 0 : tensor<8xf32> -> tensor<1x8xf32>
  %b = tile.broadcast %c : tensor<1x8xf32> -> tensor<8x8xf32>
  %d = arith.subf %x, %b : tensor<8x8xf32>
  %e = math.exp %d : tensor<8x8xf32>
  return %e : tensor<8x8xf32>
}
func.func @exp_below_a_maximum_of_another_tile(%x: tensor<8x8xf32>, %y: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %m = tile.reduce max %y along 1 : tensor<8x8xf32> -> tensor<8xf32>
  %c = tile.expand_dims %m at 1 : tensor<8xf32> -> tensor<8x1xf32>
  %b = tile.broadcast %c : tensor<8x1xf32> -> tensor<8x8xf32>
  %d = arith.subf %x, %b : tensor<8x8xf32>
  %e = math.exp %d : tensor<8x8xf32>
  return %e : tensor<8x8xf32>
}
func.func @exp_above_minimum(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %m = tile.reduce min %x along 1 : tensor<8x8xf32> -> tensor<8xf32>
  %c = tile.expand_dims %m at 1 : tensor<8xf32> -> tensor<8x1xf32>
  %b = tile.broadcast %c : tensor<8x1xf32> -> tensor<8x8xf32>
  %d = arith.subf %x, %b : tensor<8x8xf32>
  %e = math.exp %d : tensor<8x8xf32>
  return %e : tensor<8x8xf32>
}

// 16-bit types: widened, everything in f32, rounded once.
// CHECK-LABEL: @half
// CHECK: arith.extf %{{.*}} : tensor<8xbf16> to tensor<8xf32>
// CHECK-NOT: bf16
// CHECK: arith.truncf %{{.*}} : tensor<8xf32> to tensor<8xbf16>
func.func @half(%x: tensor<8xbf16>) -> tensor<8xbf16> {
  %a = math.exp %x : tensor<8xbf16>
  return %a : tensor<8xbf16>
}

// So do sums of 16-bit floats; a maximum needs no more digits than its elements have.
// CHECK-LABEL: @sums
// CHECK: %[[W:.*]] = arith.extf %{{.*}} : tensor<4x8xf16> to tensor<4x8xf32>
// CHECK: %[[S:.*]] = tile.reduce sum %[[W]] along 1 : tensor<4x8xf32> -> tensor<4xf32>
// CHECK: arith.truncf %[[S]] : tensor<4xf32> to tensor<4xf16>
// CHECK: tile.reduce max %{{.*}} along 1 : tensor<4x8xf16> -> tensor<4xf16>
func.func @sums(%x: tensor<4x8xf16>) -> (tensor<4xf16>, tensor<4xf16>) {
  %s = tile.reduce sum %x along 1 : tensor<4x8xf16> -> tensor<4xf16>
  %m = tile.reduce max %x along 1 : tensor<4x8xf16> -> tensor<4xf16>
  return %s, %m : tensor<4xf16>, tensor<4xf16>
}

// CHECK-LABEL: @ceil
// CHECK-NOT: arith.ceildivsi
func.func @ceil(%x: i32, %y: i32) -> i32 {
  %a = arith.ceildivsi %x, %y : i32
  return %a : i32
}
