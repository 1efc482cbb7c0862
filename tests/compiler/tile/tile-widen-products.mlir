// RUN: imbrex-opt %s -tile-widen-products -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @widened
// CHECK: %[[A:.*]] = arith.extf %arg0 : tensor<64x32xf8E4M3FN> to tensor<64x32xf16>
// CHECK: %[[B:.*]] = arith.extf %arg1 : tensor<32x16xf8E4M3FN> to tensor<32x16xf16>
// CHECK: tile.dot %[[A]], %[[B]], %arg2 : tensor<64x32xf16>, tensor<32x16xf16>, tensor<64x16xf32>
func.func @widened(%a: tensor<64x32xf8E4M3FN>, %b: tensor<32x16xf8E4M3FN>, %c: tensor<64x16xf32>) -> tensor<64x16xf32> attributes {tile.kernel = #tile.request<"sm_86", warps 4, stages 1>} {
  %d = tile.dot %a, %b, %c : tensor<64x32xf8E4M3FN>, tensor<32x16xf8E4M3FN>, tensor<64x16xf32>
  return %d : tensor<64x16xf32>
}

// -----

// The instruction is there, the unit is not.
// CHECK-LABEL: func.func @no_unit
// CHECK: %[[A:.*]] = arith.extf %arg0 : tensor<64x32xf8E4M3FN> to tensor<64x32xf16>
// CHECK: %[[B:.*]] = arith.extf %arg1 : tensor<32x16xf8E4M3FN> to tensor<32x16xf16>
// CHECK: tile.dot %[[A]], %[[B]], %arg2 : tensor<64x32xf16>, tensor<32x16xf16>, tensor<64x16xf32>
func.func @no_unit(%a: tensor<64x32xf8E4M3FN>, %b: tensor<32x16xf8E4M3FN>, %c: tensor<64x16xf32>) -> tensor<64x16xf32> attributes {tile.kernel = #tile.request<"sm_100", warps 4, stages 1>} {
  %d = tile.dot %a, %b, %c : tensor<64x32xf8E4M3FN>, tensor<32x16xf8E4M3FN>, tensor<64x16xf32>
  return %d : tensor<64x16xf32>
}

// -----

// A target that has such products.
// CHECK-LABEL: func.func @kept
// CHECK-NOT: arith.extf
func.func @kept(%a: tensor<64x32xf8E4M3FN>, %b: tensor<32x16xf8E4M3FN>, %c: tensor<64x16xf32>) -> tensor<64x16xf32> attributes {tile.kernel = #tile.request<"sm_89", warps 4, stages 1>} {
  %d = tile.dot %a, %b, %c : tensor<64x32xf8E4M3FN>, tensor<32x16xf8E4M3FN>, tensor<64x16xf32>
  return %d : tensor<64x16xf32>
}

// -----

// By wgmma.
// CHECK-LABEL: func.func @by_warpgroups
// CHECK-NOT: arith.extf
func.func @by_warpgroups(%a: tensor<64x32xf8E4M3FN>, %b: tensor<32x16xf8E4M3FN>, %c: tensor<64x16xf32>) -> tensor<64x16xf32> attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %d = tile.dot %a, %b, %c : tensor<64x32xf8E4M3FN>, tensor<32x16xf8E4M3FN>, tensor<64x16xf32>
  return %d : tensor<64x16xf32>
}

// -----

// Integers of 8 bits stay.
// CHECK-LABEL: func.func @integers
// CHECK-NOT: arith
func.func @integers(%a: tensor<64x32xi8>, %b: tensor<32x16xi8>, %c: tensor<64x16xi32>) -> tensor<64x16xi32> attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1>} {
  %d = tile.dot %a, %b, %c : tensor<64x32xi8>, tensor<32x16xi8>, tensor<64x16xi32>
  return %d : tensor<64x16xi32>
}
