// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-expand-math))' | FileCheck %s

// CHECK-LABEL: @f64
// CHECK-NOT: math.exp2
// CHECK-NOT: math.log2
// CHECK: return
func.func @f64(%x: tensor<8xf64>) -> tensor<8xf64> {
  %a = math.exp2 %x : tensor<8xf64>
  %b = math.log2 %a : tensor<8xf64>
  %c = math.rsqrt %b : tensor<8xf64>
  %d = math.tanh %c : tensor<8xf64>
  return %d : tensor<8xf64>
}

// f32 has instructions for exp2 and log2; tanh goes through exp2.
// CHECK-LABEL: @f32
// CHECK: math.exp2
// CHECK-NOT: math.tanh
func.func @f32(%x: f32) -> f32 {
  %a = math.tanh %x : f32
  return %a : f32
}

// CHECK-LABEL: @half
// CHECK: arith.extf
// CHECK: arith.truncf
func.func @half(%x: tensor<8xbf16>) -> tensor<8xbf16> {
  %a = math.tanh %x : tensor<8xbf16>
  return %a : tensor<8xbf16>
}

// CHECK-LABEL: @ceil
// CHECK-NOT: arith.ceildivsi
func.func @ceil(%x: i32, %y: i32) -> i32 {
  %a = arith.ceildivsi %x, %y : i32
  return %a : i32
}
