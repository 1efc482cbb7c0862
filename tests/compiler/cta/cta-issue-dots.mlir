// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(cta-issue-dots))' | FileCheck %s

// CHECK-LABEL: @one
// CHECK: %[[ISSUED:.*]] = cta.dot fma async
// CHECK-NEXT: %[[DONE:.*]] = cta.dot_wait %[[ISSUED]] pending 0
// CHECK-NEXT: return %[[DONE]]
func.func @one(%a: !cta.buffer<16, 16, f32, span 64>, %b: !cta.buffer<16, 8, f32, span 32>, %c: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %0 = cta.dot fma buffer %a : !cta.buffer<16, 16, f32, span 64>, %b, %c : !cta.buffer<16, 8, f32, span 32>, tensor<16x8xf32> -> tensor<16x8xf32>
  return %0 : tensor<16x8xf32>
}
