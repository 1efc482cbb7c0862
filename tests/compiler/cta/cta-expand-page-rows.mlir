// RUN: imbrex-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(cta-expand-page-rows))' | FileCheck %s

#t = #cta.layout<"reg lane (0,0) (0,0) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 2x1">

// Where slices begin with a page, pages from there on and places do not depend on where that is.
// CHECK-LABEL: @whole_pages
// CHECK: %[[STEPS:.*]] = tile.expand_dims
// CHECK-DAG: %[[FIRST:.*]] = arith.divui %arg2, %{{.*}} : i32
// CHECK-DAG: %[[PAGE:.*]] = arith.divui %[[STEPS]], %cst
// CHECK-DAG: %[[PLACE:.*]] = arith.remui %[[STEPS]], %cst
// CHECK: %[[ALL:.*]] = tile.splat %[[FIRST]]
// CHECK: %[[NUMBER:.*]] = arith.addi %[[ALL]], %[[PAGE]] overflow<nsw>
// CHECK: %[[LEFT:.*]] = arith.subi %arg4, %arg2 overflow<nsw>
// CHECK: %[[BEFORE:.*]] = arith.subi %arg3, %arg2 overflow<nsw>
// CHECK-DAG: arith.cmpi slt, %[[STEPS]]
// CHECK-DAG: arith.cmpi sgt
// CHECK: %[[ASKED:.*]] = arith.select %{{.*}}, %[[NUMBER]], %{{.*}}
// CHECK: %[[ENTRY:.*]] = tile.gather %arg0[%arg1, %[[ASKED]]] dims [-1, -1] certain
// CHECK: %[[BASE:.*]] = arith.muli %[[ENTRY]]
// CHECK: %[[ROW:.*]] = arith.addi %[[BASE]], %[[PLACE]]
// CHECK: %[[THERE:.*]] = arith.cmpi ult, %[[ENTRY]]
// CHECK: %[[NONE:.*]] = arith.constant dense<-1>
// CHECK: arith.select %[[THERE]], %[[ROW]], %[[NONE]]
func.func @whole_pages(%table: !tile.view<? x ? x i32>, %b: i32, %at: i32, %low: i32, %high: i32, %rows: i32, %pages: i32) -> tensor<32x1xi32, #t> {
  %r = tile.page_rows %table[%b] at %at aligned 32 from %low to %high page 16 rows %rows pages %pages run 1 : !tile.view<? x ? x i32> -> tensor<32x1xi32, #t>
  return %r : tensor<32x1xi32, #t>
}

// -----

#t = #cta.layout<"reg lane (1,0) (2,0) (0,0) (0,0) (0,0) warps 1x1 stride 1x1 repeat 1x1">

// Of runs, each entry is their first row's, and none where all of the run is outside.
// CHECK-LABEL: @runs
// CHECK: %[[X:.*]] = tile.expand_dims
// CHECK: %[[STEPS:.*]] = arith.muli %[[X]], %{{.*}} overflow<nsw>
// CHECK: %[[AT:.*]] = arith.addi %{{.*}}, %[[STEPS]] overflow<nsw>
// CHECK-DAG: arith.divui %[[AT]]
// CHECK-DAG: arith.remui %[[AT]]
// CHECK: arith.constant dense<-16>
func.func @runs(%table: !tile.view<? x ? x i32>, %b: i32, %at: i32, %low: i32, %high: i32, %rows: i32, %pages: i32) -> tensor<3x1xi32, #t> {
  %r = tile.page_rows %table[%b] at %at aligned 48 from %low to %high page 32 rows %rows pages %pages run 16 : !tile.view<? x ? x i32> -> tensor<3x1xi32, #t>
  return %r : tensor<3x1xi32, #t>
}
