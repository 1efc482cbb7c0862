// RUN: imbrex-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(cta-assign-roles))' | FileCheck %s

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// The puts and what they need go to warps of their own, the rest stays; the copy engine copies, and what else bounds the
// rows is cleared by those who read them. The ring gets the slots that are asked for.
// CHECK-LABEL: func.func @one
// CHECK: %[[MAP:.*]] = cta.tensor_map %arg0 box [16, 16] span 32
// CHECK: %[[R:.*]] = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 3, by mbarrier>
// CHECK: cta.roles compute warps 4 registers 240 {
// CHECK:   scf.for %[[J:[a-z0-9]+]] =
// CHECK-NOT: cta.put
// CHECK:     %[[K:.*]] = cta.get %[[R]][%[[J]]]
// CHECK:     %[[LEFT:.*]] = arith.subi %{{.*}}, %{{.*}} overflow<nsw>
// CHECK:     %[[CLEAR:.*]] = cta.clear %[[K]] outside %{{.*}}, %[[LEFT]]
// CHECK:     cta.dot wgmma tile %{{.*}}, %[[CLEAR]]
// CHECK: } copy warps 4 registers 24 {
// CHECK:   scf.for %[[I:[a-z0-9]+]] =
// CHECK-NOT: cta.get
// CHECK:     %[[ROW:.*]] = arith.muli %[[I]]
// CHECK:     cta.put %arg0[%[[ROW]], %{{.*}}] dims [0, 1] into %[[R]][%[[I]]] via %[[MAP]]
// CHECK-NEXT: }
// CHECK-NEXT: }
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @one(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %n: i32, %high: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c16 = arith.constant 16 : i32
  %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
  %o = arith.constant dense<0.0> : tensor<64x16xf32, #c>
  %r = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  %s = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<64x16xf32, #c>) : i32 {
    %row = arith.muli %j, %c16 overflow<nsw> : i32
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %K[%row, %c0] dims [0, 1] within [0] from %c0 to %high into %r[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
    %k = cta.get %r[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    %next = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %acc : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
    scf.yield %next : tensor<64x16xf32, #c>
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// The loops around the one that copies carry the steps so far, in both parts.
// CHECK-LABEL: func.func @nested(
// CHECK: cta.roles compute
// CHECK: scf.for {{.*}} iter_args(%[[C:[a-z0-9]+]] = %{{.*}}) -> (i32)
// CHECK:   scf.for %[[J:[a-z0-9]+]] =
// CHECK:     %[[STEP:.*]] = arith.addi %[[C]], %[[J]] overflow<nsw>
// CHECK:     cta.get %{{.*}}[%[[STEP]]]
// CHECK:   %[[TRIPS:.*]] = arith.maxsi
// CHECK:   %[[NEXT:.*]] = arith.addi %[[C]], %[[TRIPS]] overflow<nsw>
// CHECK:   scf.yield %[[NEXT]]
// CHECK: copy warps 4
// CHECK: scf.for {{.*}} iter_args(%[[D:[a-z0-9]+]] = %{{.*}}) -> (i32)
// CHECK:   scf.for %[[I:[a-z0-9]+]] =
// CHECK:     %[[AT:.*]] = arith.addi %[[D]], %[[I]] overflow<nsw>
// CHECK:     cta.put %arg0[%[[I]], %{{.*}}] dims [0, 1] into %{{.*}}[%[[AT]]]
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @nested(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
  %o = arith.constant dense<0.0> : tensor<64x16xf32, #c>
  %r = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  scf.for %i = %c0 to %n step %c1 : i32 {
    scf.for %j = %c0 to %n step %c1 : i32 {
      // expected-remark @+1 {{copied by the copy engine}}
      cta.put %K[%j, %c0] dims [0, 1] into %r[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
      %k = cta.get %r[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
      %next = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
    }
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// What a branch skips has no steps: those so far go on beside it.
// CHECK-LABEL: func.func @nested_in_a_branch
// CHECK: cta.roles compute
// CHECK: } copy
// CHECK: scf.for %{{.*}} = {{.*}} iter_args(%[[SO_FAR:.*]] = %c0{{.*}})
// CHECK:   %[[AFTER:.*]] = scf.if %arg2 -> (i32) {
// CHECK:     scf.for %[[J:[a-z0-9]+]] =
// CHECK:       %[[STEP:.*]] = arith.addi %[[SO_FAR]], %[[J]] overflow<nsw>
// CHECK:       cta.put %arg0[%[[J]], %{{.*}}] dims [0, 1] into %{{.*}}[%[[STEP]]]
// CHECK:     %[[MORE:.*]] = arith.addi %[[SO_FAR]], %{{.*}} overflow<nsw>
// CHECK:     scf.yield %[[MORE]]
// CHECK:   } else {
// CHECK:     scf.yield %[[SO_FAR]]
// CHECK:   scf.yield %[[AFTER]]
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @nested_in_a_branch(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %n: i32, %p: i1) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
  %o = arith.constant dense<0.0> : tensor<64x16xf32, #c>
  %r = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  scf.for %i = %c0 to %n step %c1 : i32 {
    scf.if %p {
      scf.for %j = %c0 to %n step %c1 : i32 {
        // expected-remark @+1 {{copied by the copy engine}}
        cta.put %K[%j, %c0] dims [0, 1] into %r[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
        %k = cta.get %r[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
        %next = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
      }
    }
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// Puts of one block have one counter, though a loop with a counter of its own stands between them.
// CHECK-LABEL: func.func @around_a_loop
// CHECK: } copy
// CHECK: scf.for %{{.*}} iter_args(%[[OUTER:[a-z0-9]+]] = %{{.*}}, %[[INNER:[a-z0-9]+]] = %{{.*}})
// CHECK:   scf.for %[[I:[a-z0-9]+]] = {{.*}} iter_args(%[[SO_FAR:[a-z0-9]+]] = %[[INNER]])
// CHECK:     %[[FIRST:.*]] = arith.addi %[[OUTER]], %[[I]] overflow<nsw>
// CHECK:     cta.put %arg0[%[[I]], %{{.*}}] dims [0, 1] into %{{.*}}[%[[FIRST]]]
// CHECK:     scf.for %[[J:[a-z0-9]+]] =
// CHECK:       %[[SECOND:.*]] = arith.addi %[[SO_FAR]], %[[J]] overflow<nsw>
// CHECK:       cta.put %arg0[%[[J]], %{{.*}}] dims [0, 1] into %{{.*}}[%[[SECOND]]]
// CHECK:     %[[THIRD:.*]] = arith.addi %[[OUTER]], %[[I]] overflow<nsw>
// CHECK:     cta.put %arg0[%[[I]], %{{.*}}] dims [0, 1] into %{{.*}}[%[[THIRD]]]
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @around_a_loop(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
  %o = arith.constant dense<0.0> : tensor<64x16xf32, #c>
  %r1 = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  %r2 = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  %r3 = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  scf.for %z = %c0 to %n step %c1 : i32 {
    scf.for %i = %c0 to %n step %c1 : i32 {
      // expected-remark @+1 {{copied by the copy engine}}
      cta.put %K[%i, %c0] dims [0, 1] into %r1[%i] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
      %k1 = cta.get %r1[%i] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
      %s1 = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k1 transposed_b, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
      scf.for %j = %c0 to %n step %c1 : i32 {
        // expected-remark @+1 {{copied by the copy engine}}
        cta.put %K[%j, %c0] dims [0, 1] into %r2[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
        %k2 = cta.get %r2[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
        %s2 = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k2 transposed_b, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
      }
      // expected-remark @+1 {{copied by the copy engine}}
      cta.put %K[%i, %c0] dims [0, 1] into %r3[%i] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
      %k3 = cta.get %r3[%i] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
      %s3 = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k3 transposed_b, %o : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
    }
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#l = #cta.layout<"reg (1) (8) lane (2) (4) (0) (0) (0) warps 1 stride 1 repeat 1">

// A line is a tile of one row to the copy engine: one box without a swizzle. What bounds its columns is cleared.
// CHECK-LABEL: func.func @line(
// CHECK-DAG: %[[MAP:.*]] = cta.tensor_map %arg1 box [1, 16] span 16
// CHECK-DAG: %[[R:.*]] = cta.ring : !cta.ring<1, 16, f32, span 32, slots 3, by mbarrier>
// CHECK: cta.roles compute
// CHECK:     %[[L:.*]] = cta.get %[[R]]
// CHECK:     %[[CLEAR:.*]] = cta.clear %[[L]] outside
// CHECK:     cta.read %[[CLEAR]]
// CHECK: copy warps 4
// CHECK:     cta.put %arg1[%{{.*}}, %{{.*}}] dims [0, 1] into %[[R]][%{{.*}}] via %[[MAP]]
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @line(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %L: !tile.view<? x ? x f32> {tile.alignment = 16 : i32, tile.name = "L"}, %n: i32, %high: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c16 = arith.constant 16 : i32
  %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
  %o = arith.constant dense<0.0> : tensor<16xf32, #cta.layout<"reg (1) (8) lane (2) (4) (0) (0) (0) warps 1 stride 1 repeat 1">>
  %z = arith.constant dense<0.0> : tensor<64x16xf32, #c>
  %rk = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  %rl = cta.ring : !cta.ring<1, 16, f32, span 32, slots 1, by groups>
  %s = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<16xf32, #l>) : i32 {
    %row = arith.muli %j, %c16 overflow<nsw> : i32
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %K[%row, %c0] dims [0, 1] into %rk[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
    %k = cta.get %rk[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %L[%c1, %row] dims [0, 1] within [1] from %c0 to %high into %rl[%j] : !tile.view<? x ? x f32>, !cta.ring<1, 16, f32, span 32, slots 1, by groups>
    %l = cta.get %rl[%j] : !cta.ring<1, 16, f32, span 32, slots 1, by groups> -> !cta.buffer<1, 16, f32, span 32>
    %p = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %z : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
    %line = cta.read %l : !cta.buffer<1, 16, f32, span 32> -> tensor<16xf32, #l>
    // expected-remark @+1 {{not computed by the warps that copy: it takes more than the line}}
    %next = arith.addf %acc, %line : tensor<16xf32, #l>
    scf.yield %next : tensor<16xf32, #l>
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x4">
#t = #cta.layout<"reg lane (0,0) (0,0) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 2x1">

// A tile of pages is asked for by runs of rows, as many as divide the page, the tile and where it begins; what the
// sequence has not of the last is cleared. The addresses take registers.
// CHECK-LABEL: func.func @pages
// CHECK: %[[MAP:.*]] = cta.tensor_map %arg0 box [16, 16] span 32
// CHECK: cta.roles compute warps 4 registers 240 {
// CHECK:   cta.get
// CHECK:   cta.clear %{{.*}} outside %{{.*}}, %{{.*}}
// CHECK: } copy warps 4 registers 40 {
// CHECK:     %[[RUNS:.*]] = tile.page_rows %arg1[%{{.*}}] at %{{.*}} aligned 48 from %{{.*}} to %arg4 page 32 rows %{{.*}} pages %{{.*}} run 16 : {{.*}} -> tensor<3x1xi32, #{{.*}}>
// CHECK:     cta.put %arg0[%{{.*}}, %{{.*}}] dims [0, 1] rows %[[RUNS]] into %{{.*}} via %[[MAP]]
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @pages(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %table: !tile.view<? x ? x i32>, %rows: i32, %n: i32, %high: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c48 = arith.constant 48 : i32
  %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
  %o = arith.constant dense<0.0> : tensor<64x48xf32, #c>
  %r = cta.ring : !cta.ring<48, 16, bf16, span 32, slots 1, by groups>
  %s = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<64x48xf32, #c>) : i32 {
    %at = arith.muli %j, %c48 overflow<nsw> : i32
    %t = tile.page_rows %table[%c0] at %at aligned 48 from %c0 to %high page 32 rows %rows pages %n run 1 : !tile.view<? x ? x i32> -> tensor<48x1xi32, #t>
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %K[%c0, %c0] dims [0, 1] rows %t certain into %r[%j] : !tile.view<? x 16 x bf16>, !cta.ring<48, 16, bf16, span 32, slots 1, by groups>, tensor<48x1xi32, #t>
    %k = cta.get %r[%j] : !cta.ring<48, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<48, 16, bf16, span 32>
    %next = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %acc : !cta.buffer<48, 16, bf16, span 32>, tensor<64x48xf32, #c> -> tensor<64x48xf32, #c>
    scf.yield %next : tensor<64x48xf32, #c>
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x4">
#t = #cta.layout<"reg lane (0,0) (0,0) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 2x1">

// Runs of twelve rows end within a repeat of the swizzle: threads copy, and the table is spread over those that do.
// CHECK-LABEL: func.func @small_pages
// CHECK: cta.roles compute warps 4 registers {{[0-9]+}} {
// CHECK: } copy warps 4 registers 72 {
// CHECK: %[[ROWS:.*]] = tile.page_rows {{.*}} run 1 : {{.*}} -> tensor<48x1xi32, #cta.layout<"reg lane (0,0) (1,0) (2,0) (4,0) (8,0) warps 4x1 stride 1x1 repeat 1x1">>
// CHECK-NEXT: cta.put {{.*}} rows %[[ROWS]] certain into
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @small_pages(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %table: !tile.view<? x ? x i32>, %rows: i32, %n: i32, %high: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c48 = arith.constant 48 : i32
  %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
  %o = arith.constant dense<0.0> : tensor<64x48xf32, #c>
  %r = cta.ring : !cta.ring<48, 16, bf16, span 32, slots 1, by groups>
  %s = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<64x48xf32, #c>) : i32 {
    %at = arith.muli %j, %c48 overflow<nsw> : i32
    %t = tile.page_rows %table[%c0] at %at aligned 48 from %c0 to %high page 12 rows %rows pages %n run 1 : !tile.view<? x ? x i32> -> tensor<48x1xi32, #t>
    // expected-remark @+1 {{copied by threads, not by the copy engine: 12 of its rows lie together in a page, and what the copy engine swizzles are multiples of 8}}
    cta.put %K[%c0, %c0] dims [0, 1] rows %t certain into %r[%j] : !tile.view<? x 16 x bf16>, !cta.ring<48, 16, bf16, span 32, slots 1, by groups>, tensor<48x1xi32, #t>
    %k = cta.get %r[%j] : !cta.ring<48, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<48, 16, bf16, span 32>
    %next = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %acc : !cta.buffer<48, 16, bf16, span 32>, tensor<64x48xf32, #c> -> tensor<64x48xf32, #c>
    scf.yield %next : tensor<64x48xf32, #c>
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x4">
#l = #cta.layout<"reg lane (0) (0) (1) (2) (4) warps 4 stride 1 repeat 2">
#t = #cta.layout<"reg lane (0,0) (0,0) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 2x1">

// A table that is read, or made of constants, is made again by those who copy.
// CHECK-LABEL: func.func @gathered
// CHECK: } copy warps 4 registers 72 {
// CHECK: %[[READ:.*]] = tile.load {{.*}} -> tensor<48xi32, #cta.layout<"reg lane (0) (1) (2) (4) (8) warps 4 stride 1 repeat 1">>
// CHECK: %[[ROWS:.*]] = tile.expand_dims %[[READ]] at 1 : {{.*}} -> tensor<48x1xi32, #cta.layout<"reg lane (0,0) (1,0) (2,0) (4,0) (8,0) warps 4x1 stride 1x1 repeat 1x1">>
// CHECK: cta.put {{.*}} rows %[[ROWS]] into
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @gathered(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %table: !tile.view<? x i32>, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
  %o = arith.constant dense<0.0> : tensor<64x48xf32, #c>
  %r = cta.ring : !cta.ring<48, 16, bf16, span 32, slots 1, by groups>
  %s = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<64x48xf32, #c>) : i32 {
    %l = tile.load %table[%j] dims [0] : !tile.view<? x i32> -> tensor<48xi32, #l>
    %t = tile.expand_dims %l at 1 : tensor<48xi32, #l> -> tensor<48x1xi32, #t>
    // expected-remark @+1 {{copied by threads, not by the copy engine: its rows come from a table}}
    cta.put %K[%c0, %c0] dims [0, 1] rows %t into %r[%j] : !tile.view<? x 16 x bf16>, !cta.ring<48, 16, bf16, span 32, slots 1, by groups>, tensor<48x1xi32, #t>
    %k = cta.get %r[%j] : !cta.ring<48, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<48, 16, bf16, span 32>
    %next = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %acc : !cta.buffer<48, 16, bf16, span 32>, tensor<64x48xf32, #c> -> tensor<64x48xf32, #c>
    scf.yield %next : tensor<64x48xf32, #c>
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x4">
#l = #cta.layout<"reg lane (0) (0) (1) (2) (4) warps 4 stride 1 repeat 2">
#t = #cta.layout<"reg lane (0,0) (0,0) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 2x1">

// One that the kernel writes is known to those who compute.
// CHECK-LABEL: func.func @rewritten
// CHECK-NOT: cta.roles
func.func @rewritten(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %table: !tile.view<? x i32, var>, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
  %o = arith.constant dense<0.0> : tensor<64x48xf32, #c>
  %r = cta.ring : !cta.ring<48, 16, bf16, span 32, slots 1, by groups>
  %s = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<64x48xf32, #c>) : i32 {
    %l = tile.load %table[%j] dims [0] : !tile.view<? x i32, var> -> tensor<48xi32, #l>
    %t = tile.expand_dims %l at 1 : tensor<48xi32, #l> -> tensor<48x1xi32, #t>
    // expected-remark @+1 {{no warps of their own for copies: of this one where it reads depends on what the kernel computes}}
    cta.put %K[%c0, %c0] dims [0, 1] rows %t into %r[%j] : !tile.view<? x 16 x bf16>, !cta.ring<48, 16, bf16, span 32, slots 1, by groups>, tensor<48x1xi32, #t>
    %k = cta.get %r[%j] : !cta.ring<48, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<48, 16, bf16, span 32>
    %next = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %acc : !cta.buffer<48, 16, bf16, span 32>, tensor<64x48xf32, #c> -> tensor<64x48xf32, #c>
    scf.yield %next : tensor<64x48xf32, #c>
  }
  return
}

// -----

// Nothing multiplies by wgmma in a loop: all warps copy.
// CHECK-LABEL: func.func @no_products
// CHECK-NOT: cta.roles
// expected-remark @+1 {{no warps of their own for copies: no loop multiplies by wgmma}}
func.func @no_products(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 3>} {
  %c0 = arith.constant 0 : i32
  %r = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  cta.put %K[%n, %c0] dims [0, 1] into %r[%c0] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,2) (0,16) lane (0,4) (0,8) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// A tile that is copied only to be restaged goes from a queue to another in the warps that copy, an iteration later: the
// next one is asked for first. The bounds of its rows are theirs too, and the registers that those who compute do not need.
// CHECK-LABEL: func.func @restaged
// CHECK: %[[V:.*]] = cta.ring : !cta.ring<32, 16, f8E4M3FN, span 32, slots 2, by mbarrier, stored 32 x 32>
// CHECK: %[[T:.*]] = cta.ring : !cta.ring<16, 32, f8E4M3FN, span 32, slots 2, by mbarrier>
// CHECK: cta.roles compute warps 4 registers 240 {
// CHECK:   scf.for %[[J:[a-z0-9]+]] =
// CHECK-NOT: cta.clear
// CHECK-NOT: cta.restage
// CHECK:     %[[B:.*]] = cta.get %[[T]][%[[J]]]
// CHECK:     cta.dot wgmma tile %{{.*}}, %[[B]] transposed_b
// CHECK: } copy warps 4 registers 72 {
// CHECK:   scf.for %[[I:[a-z0-9]+]] = %[[FIRST:.*]] to %[[END:.*]] step
// CHECK:     cta.put %arg0{{.*}} into %[[V]][%[[I]]]
// CHECK:     %[[LATER:.*]] = arith.cmpi slt, %[[FIRST]], %[[I]]
// CHECK:     scf.if %[[LATER]] {
// CHECK:       %[[BEFORE:.*]] = arith.subi %[[I]], %{{.*}} overflow<nsw>
// CHECK:       %[[READ:.*]] = cta.get %[[V]][%[[BEFORE]]]
// CHECK:       %[[TURNED:.*]] = cta.acquire %[[T]][%[[BEFORE]]]
// CHECK:       cta.restage %[[READ]] pairs into %[[TURNED]]
// CHECK:       cta.publish %[[T]][%[[BEFORE]]]
// CHECK:   %[[SOME:.*]] = arith.cmpi slt, %[[FIRST]], %[[END]]
// CHECK:   scf.if %[[SOME]] {
// CHECK:     cta.restage %{{.*}} pairs into
// CHECK:     cta.publish
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @restaged(%V: !tile.view<? x 16 x f8E4M3FN> {tile.alignment = 16 : i32, tile.name = "V"}, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c32 = arith.constant 32 : i32
  %z = arith.constant dense<0.0> : tensor<64x32xf32, #a>
  %p = tile.narrow %z : tensor<64x32xf32, #a> -> tensor<64x32xf8E4M3FN, #a>
  %o = arith.constant dense<0.0> : tensor<64x16xf32, #c>
  %r = cta.ring : !cta.ring<32, 16, f8E4M3FN, span 32, slots 1, by groups, stored 32 x 32>
  %t = cta.alloc : !cta.buffer<16, 32, f8E4M3FN, span 32>
  %s = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<64x16xf32, #c>) : i32 {
    %row = arith.muli %j, %c32 overflow<nsw> : i32
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %V[%row, %c0] dims [0, 1] into %r[%j] : !tile.view<? x 16 x f8E4M3FN>, !cta.ring<32, 16, f8E4M3FN, span 32, slots 1, by groups, stored 32 x 32>
    %v = cta.get %r[%j] : !cta.ring<32, 16, f8E4M3FN, span 32, slots 1, by groups, stored 32 x 32> -> !cta.buffer<32, 16, f8E4M3FN, span 32, stored 32 x 32>
    // expected-remark @+1 {{written anew by the warps that copy}}
    cta.restage %v pairs into %t : !cta.buffer<32, 16, f8E4M3FN, span 32, stored 32 x 32>, !cta.buffer<16, 32, f8E4M3FN, span 32>
    %next = cta.dot wgmma tile %p : tensor<64x32xf8E4M3FN, #a>, %t transposed_b, %acc : !cta.buffer<16, 32, f8E4M3FN, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
    scf.yield %next : tensor<64x16xf32, #c>
  }
  return
}

// -----

#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// Into its only slot a tile is restaged in its own iteration: in the next one it would keep the slot from those who wait
// for a tile that is copied behind it.
// CHECK-LABEL: func.func @restaged_of_one_slot
// CHECK: } copy warps 4 registers 72 {
// CHECK:   scf.for %[[I:[a-z0-9]+]] =
// CHECK-NOT: scf.if
// CHECK:     cta.put %arg0{{.*}}[%[[I]]]
// CHECK:     cta.put %arg1{{.*}}[%[[I]]]
// CHECK:     cta.restage
// CHECK:     cta.publish {{.*}}[%[[I]]]
// CHECK-NOT: scf.if
// CHECK: return
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @restaged_of_one_slot(%K: !tile.view<? x 32 x f8E4M3FN> {tile.alignment = 16 : i32, tile.name = "K"}, %V: !tile.view<? x 16 x f8E4M3FN> {tile.alignment = 16 : i32, tile.name = "V"}, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c32 = arith.constant 32 : i32
  %o = arith.constant dense<0.0> : tensor<64x16xf32, #c>
  %q = cta.ring : !cta.ring<64, 32, f8E4M3FN, span 32, slots 1, by groups>
  %r = cta.ring : !cta.ring<32, 16, f8E4M3FN, span 32, slots 1, by groups, stored 32 x 32>
  %t = cta.alloc : !cta.buffer<16, 32, f8E4M3FN, span 32>
  %s = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<64x16xf32, #c>) : i32 {
    %row = arith.muli %j, %c32 overflow<nsw> : i32
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %K[%row, %c0] dims [0, 1] into %q[%j] : !tile.view<? x 32 x f8E4M3FN>, !cta.ring<64, 32, f8E4M3FN, span 32, slots 1, by groups>
    %k = cta.get %q[%j] : !cta.ring<64, 32, f8E4M3FN, span 32, slots 1, by groups> -> !cta.buffer<64, 32, f8E4M3FN, span 32>
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %V[%row, %c0] dims [0, 1] into %r[%j] : !tile.view<? x 16 x f8E4M3FN>, !cta.ring<32, 16, f8E4M3FN, span 32, slots 1, by groups, stored 32 x 32>
    %v = cta.get %r[%j] : !cta.ring<32, 16, f8E4M3FN, span 32, slots 1, by groups, stored 32 x 32> -> !cta.buffer<32, 16, f8E4M3FN, span 32, stored 32 x 32>
    // expected-remark @+1 {{written anew by the warps that copy}}
    cta.restage %v into %t : !cta.buffer<32, 16, f8E4M3FN, span 32, stored 32 x 32>, !cta.buffer<16, 32, f8E4M3FN, span 32>
    %next = cta.dot wgmma buffer %k : !cta.buffer<64, 32, f8E4M3FN, span 32>, %t transposed_b, %acc : !cta.buffer<16, 32, f8E4M3FN, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
    scf.yield %next : tensor<64x16xf32, #c>
  }
  return
}

// -----

#c = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// Where room is short, tiles that are written anew have one slot before that, and as many as were asked for behind it: a
// tile is restaged right before the next one is put in its place.
// CHECK-LABEL: func.func @restaged_where_room_is_short
// CHECK: cta.ring : !cta.ring<256, 64, f32, span 128, slots 1, by mbarrier>
// CHECK: cta.ring : !cta.ring<64, 256, f32, span 128, slots 2, by mbarrier>
// CHECK: } copy warps 4
// CHECK:   scf.for %[[I:[a-z0-9]+]] =
// CHECK:     scf.if
// CHECK:       cta.restage
// CHECK:       cta.publish
// CHECK:     cta.put %arg0{{.*}}[%[[I]]]
// CHECK-NOT: cta.restage
// CHECK:   scf.if
// CHECK:     cta.restage
// CHECK:     cta.publish
// expected-remark @+2 {{rings of 1 slots before tiles are written anew, of 2 behind that: shared memory is short}}
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @restaged_where_room_is_short(%V: !tile.view<? x 64 x f32> {tile.alignment = 16 : i32, tile.name = "V"}, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %o = arith.constant dense<0.0> : tensor<64x64xf32, #c>
  %r = cta.ring : !cta.ring<256, 64, f32, span 128, slots 1, by groups>
  %t = cta.alloc : !cta.buffer<64, 256, f32, span 128>
  scf.for %j = %c0 to %n step %c1 : i32 {
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %V[%c0, %c0] dims [0, 1] into %r[%j] : !tile.view<? x 64 x f32>, !cta.ring<256, 64, f32, span 128, slots 1, by groups>
    %v = cta.get %r[%j] : !cta.ring<256, 64, f32, span 128, slots 1, by groups> -> !cta.buffer<256, 64, f32, span 128>
    // expected-remark @+1 {{written anew by the warps that copy}}
    cta.restage %v into %t : !cta.buffer<256, 64, f32, span 128>, !cta.buffer<64, 256, f32, span 128>
    %s = cta.dot wgmma buffer %t : !cta.buffer<64, 256, f32, span 128>, %t transposed_b, %o mode tf32 : !cta.buffer<64, 256, f32, span 128>, tensor<64x64xf32, #c> -> tensor<64x64xf32, #c>
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,2) (0,16) lane (0,4) (0,8) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">

// A loop inside that has copies of its own would wait for a tile of this one behind it: restaged in its own iteration.
// CHECK-LABEL: func.func @restaged_around_a_loop
// CHECK: } copy warps 4
// CHECK:   scf.for %[[I:[a-z0-9]+]] =
// CHECK-NOT: scf.if
// CHECK:     cta.put %arg0{{.*}} into %[[V:[^ ]*]][
// CHECK-NOT: scf.if
// CHECK:     %[[READ:.*]] = cta.get %[[V]][
// CHECK-NOT: scf.if
// CHECK:     cta.restage %[[READ]] pairs into
// CHECK:     cta.publish
// CHECK:     scf.for
// CHECK:       cta.put
// CHECK-NOT: cta.restage
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @restaged_around_a_loop(%V: !tile.view<? x 16 x f8E4M3FN> {tile.alignment = 16 : i32, tile.name = "V"}, %n: i32, %m: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c32 = arith.constant 32 : i32
  %z = arith.constant dense<0.0> : tensor<64x32xf32, #a>
  %p = tile.narrow %z : tensor<64x32xf32, #a> -> tensor<64x32xf8E4M3FN, #a>
  %o = arith.constant dense<0.0> : tensor<64x16xf32, #c>
  %r = cta.ring : !cta.ring<32, 16, f8E4M3FN, span 32, slots 1, by groups, stored 32 x 32>
  %t = cta.alloc : !cta.buffer<16, 32, f8E4M3FN, span 32>
  %x = cta.ring : !cta.ring<32, 16, f8E4M3FN, span 32, slots 1, by groups>
  %s = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<64x16xf32, #c>) : i32 {
    %row = arith.muli %j, %c32 overflow<nsw> : i32
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %V[%row, %c0] dims [0, 1] into %r[%j] : !tile.view<? x 16 x f8E4M3FN>, !cta.ring<32, 16, f8E4M3FN, span 32, slots 1, by groups, stored 32 x 32>
    %v = cta.get %r[%j] : !cta.ring<32, 16, f8E4M3FN, span 32, slots 1, by groups, stored 32 x 32> -> !cta.buffer<32, 16, f8E4M3FN, span 32, stored 32 x 32>
    // expected-remark @+1 {{written anew by the warps that copy}}
    cta.restage %v pairs into %t : !cta.buffer<32, 16, f8E4M3FN, span 32, stored 32 x 32>, !cta.buffer<16, 32, f8E4M3FN, span 32>
    %next = cta.dot wgmma tile %p : tensor<64x32xf8E4M3FN, #a>, %t transposed_b, %acc : !cta.buffer<16, 32, f8E4M3FN, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
    scf.for %i = %c0 to %m step %c1 : i32 {
      // expected-remark @+1 {{copied by the copy engine}}
      cta.put %V[%i, %c0] dims [0, 1] into %x[%i] : !tile.view<? x 16 x f8E4M3FN>, !cta.ring<32, 16, f8E4M3FN, span 32, slots 1, by groups>
      %w = cta.get %x[%i] : !cta.ring<32, 16, f8E4M3FN, span 32, slots 1, by groups> -> !cta.buffer<32, 16, f8E4M3FN, span 32>
      %other = cta.dot wgmma tile %p : tensor<64x32xf8E4M3FN, #a>, %t transposed_b, %o : !cta.buffer<16, 32, f8E4M3FN, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
    }
    scf.yield %next : tensor<64x16xf32, #c>
  }
  return
}

// -----

#c = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 12x1 stride 1x1 repeat 1x1">

// Each tile that is restaged takes registers of those who restage: of three, 12 warps that compute have 152, of one 160. Four
// sums of 32 registers and what is beside them take 156.
// CHECK-LABEL: func.func @restaged_three
// CHECK-NOT: cta.roles
// expected-remark @+1 {{no warps of their own for copies: beside threads that copy, those that compute would have 152 registers in place of 168}}
func.func @restaged_three(%V: !tile.view<? x 32 x f32> {tile.alignment = 16 : i32, tile.name = "V"}, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 12, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %o = arith.constant dense<0.0> : tensor<192x64xf32, #c>
  %q = cta.alloc : !cta.buffer<192, 32, f32, span 128>
  %r0 = cta.ring : !cta.ring<64, 32, f32, span 128, slots 1, by groups>
  %t0 = cta.alloc : !cta.buffer<64, 32, f32, span 128>
  %r1 = cta.ring : !cta.ring<64, 32, f32, span 128, slots 1, by groups>
  %t1 = cta.alloc : !cta.buffer<64, 32, f32, span 128>
  %r2 = cta.ring : !cta.ring<64, 32, f32, span 128, slots 1, by groups>
  %t2 = cta.alloc : !cta.buffer<64, 32, f32, span 128>
  scf.for %j = %c0 to %n step %c1 : i32 {
    cta.put %V[%c0, %c0] dims [0, 1] into %r0[%j] : !tile.view<? x 32 x f32>, !cta.ring<64, 32, f32, span 128, slots 1, by groups>
    %v0 = cta.get %r0[%j] : !cta.ring<64, 32, f32, span 128, slots 1, by groups> -> !cta.buffer<64, 32, f32, span 128>
    cta.restage %v0 straight into %t0 : !cta.buffer<64, 32, f32, span 128>, !cta.buffer<64, 32, f32, span 128>
    cta.put %V[%c0, %c0] dims [0, 1] into %r1[%j] : !tile.view<? x 32 x f32>, !cta.ring<64, 32, f32, span 128, slots 1, by groups>
    %v1 = cta.get %r1[%j] : !cta.ring<64, 32, f32, span 128, slots 1, by groups> -> !cta.buffer<64, 32, f32, span 128>
    cta.restage %v1 straight into %t1 : !cta.buffer<64, 32, f32, span 128>, !cta.buffer<64, 32, f32, span 128>
    cta.put %V[%c0, %c0] dims [0, 1] into %r2[%j] : !tile.view<? x 32 x f32>, !cta.ring<64, 32, f32, span 128, slots 1, by groups>
    %v2 = cta.get %r2[%j] : !cta.ring<64, 32, f32, span 128, slots 1, by groups> -> !cta.buffer<64, 32, f32, span 128>
    cta.restage %v2 straight into %t2 : !cta.buffer<64, 32, f32, span 128>, !cta.buffer<64, 32, f32, span 128>
    %s0 = cta.dot wgmma buffer %q : !cta.buffer<192, 32, f32, span 128>, %t0 transposed_b, %o mode tf32 : !cta.buffer<64, 32, f32, span 128>, tensor<192x64xf32, #c> -> tensor<192x64xf32, #c>
    %s1 = cta.dot wgmma buffer %q : !cta.buffer<192, 32, f32, span 128>, %t1 transposed_b, %o mode tf32 : !cta.buffer<64, 32, f32, span 128>, tensor<192x64xf32, #c> -> tensor<192x64xf32, #c>
    %s2 = cta.dot wgmma buffer %q : !cta.buffer<192, 32, f32, span 128>, %t2 transposed_b, %o mode tf32 : !cta.buffer<64, 32, f32, span 128>, tensor<192x64xf32, #c> -> tensor<192x64xf32, #c>
    %s3 = cta.dot wgmma buffer %q : !cta.buffer<192, 32, f32, span 128>, %t0 transposed_b, %o mode tf32 : !cta.buffer<64, 32, f32, span 128>, tensor<192x64xf32, #c> -> tensor<192x64xf32, #c>
  }
  return
}

// -----

#c = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 12x1 stride 1x1 repeat 1x1">

// CHECK-LABEL: func.func @restaged_one
// CHECK: cta.roles compute warps 12 registers 160 {
// CHECK: } copy warps 4 registers 32 {
// expected-remark @+1 {{4 warps copy, 12 compute}}
func.func @restaged_one(%V: !tile.view<? x 32 x f32> {tile.alignment = 16 : i32, tile.name = "V"}, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 12, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %o = arith.constant dense<0.0> : tensor<192x64xf32, #c>
  %q = cta.alloc : !cta.buffer<192, 32, f32, span 128>
  %r0 = cta.ring : !cta.ring<64, 32, f32, span 128, slots 1, by groups>
  %t0 = cta.alloc : !cta.buffer<64, 32, f32, span 128>
  scf.for %j = %c0 to %n step %c1 : i32 {
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %V[%c0, %c0] dims [0, 1] into %r0[%j] : !tile.view<? x 32 x f32>, !cta.ring<64, 32, f32, span 128, slots 1, by groups>
    %v0 = cta.get %r0[%j] : !cta.ring<64, 32, f32, span 128, slots 1, by groups> -> !cta.buffer<64, 32, f32, span 128>
    // expected-remark @+1 {{written anew by the warps that copy}}
    cta.restage %v0 straight into %t0 : !cta.buffer<64, 32, f32, span 128>, !cta.buffer<64, 32, f32, span 128>
    %s0 = cta.dot wgmma buffer %q : !cta.buffer<192, 32, f32, span 128>, %t0 transposed_b, %o mode tf32 : !cta.buffer<64, 32, f32, span 128>, tensor<192x64xf32, #c> -> tensor<192x64xf32, #c>
    %s1 = cta.dot wgmma buffer %q : !cta.buffer<192, 32, f32, span 128>, %t0 transposed_b, %o mode tf32 : !cta.buffer<64, 32, f32, span 128>, tensor<192x64xf32, #c> -> tensor<192x64xf32, #c>
    %s2 = cta.dot wgmma buffer %q : !cta.buffer<192, 32, f32, span 128>, %t0 transposed_b, %o mode tf32 : !cta.buffer<64, 32, f32, span 128>, tensor<192x64xf32, #c> -> tensor<192x64xf32, #c>
    %s3 = cta.dot wgmma buffer %q : !cta.buffer<192, 32, f32, span 128>, %t0 transposed_b, %o mode tf32 : !cta.buffer<64, 32, f32, span 128>, tensor<192x64xf32, #c> -> tensor<192x64xf32, #c>
  }
  return
}

// -----

#c = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 12x1 stride 1x1 repeat 1x1">

// What an outer loop carries by the products takes registers too: beside three of them a sum, and 12 warps have 160 in place of
// 144.
// CHECK-LABEL: func.func @restaged_by_a_sum
// CHECK: cta.roles compute warps 12 registers 160 {
// CHECK: } copy warps 4 registers 32 {
// expected-remark @+1 {{4 warps copy, 12 compute}}
func.func @restaged_by_a_sum(%V: !tile.view<? x 32 x f32> {tile.alignment = 16 : i32, tile.name = "V"}, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 12, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %o = arith.constant dense<0.0> : tensor<192x64xf32, #c>
  %q = cta.alloc : !cta.buffer<192, 32, f32, span 128>
  %r0 = cta.ring : !cta.ring<64, 32, f32, span 128, slots 1, by groups>
  %t0 = cta.alloc : !cta.buffer<64, 32, f32, span 128>
  %all = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %o) -> (tensor<192x64xf32, #c>) : i32 {
    scf.for %j = %c0 to %n step %c1 : i32 {
      // expected-remark @+1 {{copied by the copy engine}}
      cta.put %V[%c0, %c0] dims [0, 1] into %r0[%j] : !tile.view<? x 32 x f32>, !cta.ring<64, 32, f32, span 128, slots 1, by groups>
      %v0 = cta.get %r0[%j] : !cta.ring<64, 32, f32, span 128, slots 1, by groups> -> !cta.buffer<64, 32, f32, span 128>
      // expected-remark @+1 {{written anew by the warps that copy}}
      cta.restage %v0 straight into %t0 : !cta.buffer<64, 32, f32, span 128>, !cta.buffer<64, 32, f32, span 128>
      %s0 = cta.dot wgmma buffer %q : !cta.buffer<192, 32, f32, span 128>, %t0 transposed_b, %o mode tf32 : !cta.buffer<64, 32, f32, span 128>, tensor<192x64xf32, #c> -> tensor<192x64xf32, #c>
      %s1 = cta.dot wgmma buffer %q : !cta.buffer<192, 32, f32, span 128>, %t0 transposed_b, %o mode tf32 : !cta.buffer<64, 32, f32, span 128>, tensor<192x64xf32, #c> -> tensor<192x64xf32, #c>
      %s2 = cta.dot wgmma buffer %q : !cta.buffer<192, 32, f32, span 128>, %t0 transposed_b, %o mode tf32 : !cta.buffer<64, 32, f32, span 128>, tensor<192x64xf32, #c> -> tensor<192x64xf32, #c>
    }
    %next = arith.addf %sum, %sum : tensor<192x64xf32, #c>
    scf.yield %next : tensor<192x64xf32, #c>
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#line = #cta.layout<"reg (1) (8) lane (2) (4) (0) (0) (0) warps 1 stride 1 repeat 1">
#flat = #cta.layout<"reg (0,1) (0,8) lane (0,2) (0,4) (0,0) (0,0) (0,0) warps 1x1 stride 1x1 repeat 1x1">

// What is computed of a line alone, the warps that copy compute, an element a thread, and write into its ring; of the
// line which nothing is computed of, the copy engine copies.
// CHECK-LABEL: func.func @lines
// CHECK: %[[L:.*]] = cta.ring : !cta.ring<1, 16, f32, span 64, slots 2, by mbarrier>
// CHECK: %[[D:.*]] = cta.ring : !cta.ring<1, 16, f32, span 64, slots 2, by mbarrier>
// CHECK: cta.roles compute
// CHECK: scf.for %[[J:[a-z0-9]+]] =
// CHECK-NOT: arith.maxnumf
// CHECK:   %[[GOT:.*]] = cta.get %[[L]][%[[J]]]
// CHECK-NOT: arith.maxnumf
// CHECK:   %[[LINE:.*]] = cta.read %[[GOT]]
// CHECK-NEXT: tile.expand_dims %[[LINE]]
// CHECK: } copy warps 4
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK:   %[[LOADED:.*]] = tile.load %arg1[%{{.*}}, %{{.*}}] dims [1] within [1]
// CHECK:   %[[MOST:.*]] = arith.maxnumf %[[LOADED]]
// CHECK:   %[[SCALED:.*]] = arith.mulf %[[MOST]]
// CHECK:   %[[SLOT:.*]] = cta.acquire %[[L]][%[[I]]]
// CHECK:   cta.write %[[SCALED]], %[[SLOT]]
// CHECK:   cta.publish %[[L]][%[[I]]]
// CHECK:   cta.put %arg2{{.*}} into %[[D]][%[[I]]] via
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @lines(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %L: !tile.view<? x ? x f32> {tile.alignment = 16 : i32, tile.name = "L"}, %D: !tile.view<? x ? x f32> {tile.alignment = 16 : i32, tile.name = "D"}, %n: i32, %high: i32, %scale: f32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c16 = arith.constant 16 : i32
  %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
  %o = arith.constant dense<0.0> : tensor<64x16xf32, #c>
  %least = arith.constant dense<-1.0> : tensor<16xf32, #line>
  %factor = tile.splat %scale : f32 -> tensor<16xf32, #line>
  %r = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  %rl = cta.ring : !cta.ring<1, 16, f32, span 64, slots 1, by groups>
  %rd = cta.ring : !cta.ring<1, 16, f32, span 64, slots 1, by groups>
  %s = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<64x16xf32, #c>) : i32 {
    %row = arith.muli %j, %c16 overflow<nsw> : i32
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %K[%row, %c0] dims [0, 1] into %r[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
    %k = cta.get %r[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    cta.put %L[%c0, %row] dims [0, 1] within [1] from %c0 to %high into %rl[%j] : !tile.view<? x ? x f32>, !cta.ring<1, 16, f32, span 64, slots 1, by groups>
    %l = cta.get %rl[%j] : !cta.ring<1, 16, f32, span 64, slots 1, by groups> -> !cta.buffer<1, 16, f32, span 64>
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %D[%c0, %row] dims [0, 1] into %rd[%j] : !tile.view<? x ? x f32>, !cta.ring<1, 16, f32, span 64, slots 1, by groups>
    %d = cta.get %rd[%j] : !cta.ring<1, 16, f32, span 64, slots 1, by groups> -> !cta.buffer<1, 16, f32, span 64>
    %lr = cta.read %l : !cta.buffer<1, 16, f32, span 64> -> tensor<16xf32, #line>
    %most = arith.maxnumf %lr, %least : tensor<16xf32, #line>
    // expected-remark @+1 {{computed by the warps that copy}}
    %scaled = arith.mulf %most, %factor : tensor<16xf32, #line>
    %le = tile.expand_dims %scaled at 0 : tensor<16xf32, #line> -> tensor<1x16xf32, #flat>
    %lb = tile.broadcast %le : tensor<1x16xf32, #flat> -> tensor<64x16xf32, #c>
    %dr = cta.read %d : !cta.buffer<1, 16, f32, span 64> -> tensor<16xf32, #line>
    %de = tile.expand_dims %dr at 0 : tensor<16xf32, #line> -> tensor<1x16xf32, #flat>
    %db = tile.broadcast %de : tensor<1x16xf32, #flat> -> tensor<64x16xf32, #c>
    %x = arith.addf %lb, %db : tensor<64x16xf32, #c>
    %y = arith.addf %acc, %x : tensor<64x16xf32, #c>
    %next = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %y : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
    scf.yield %next : tensor<64x16xf32, #c>
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#line = #cta.layout<"reg (1) (8) lane (2) (4) (0) (0) (0) warps 1 stride 1 repeat 1">
#flat = #cta.layout<"reg (0,1) (0,8) lane (0,2) (0,4) (0,0) (0,0) (0,0) warps 1x1 stride 1x1 repeat 1x1">

// Of a line that is read as it is too, and of one whose work takes the sums of the iteration, those who copy compute nothing.
// CHECK-LABEL: func.func @lines_as_they_are
// CHECK: cta.roles
// CHECK: arith.maxnumf
// CHECK: arith.mulf
// CHECK-NOT: cta.publish
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @lines_as_they_are(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %L: !tile.view<? x ? x f32> {tile.alignment = 16 : i32, tile.name = "L"}, %D: !tile.view<? x ? x f32> {tile.alignment = 16 : i32, tile.name = "D"}, %n: i32, %high: i32, %scale: f32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c16 = arith.constant 16 : i32
  %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
  %o = arith.constant dense<0.0> : tensor<64x16xf32, #c>
  %least = arith.constant dense<-1.0> : tensor<16xf32, #line>
  %factor = tile.splat %scale : f32 -> tensor<16xf32, #line>
  %r = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  %rl = cta.ring : !cta.ring<1, 16, f32, span 64, slots 1, by groups>
  %rd = cta.ring : !cta.ring<1, 16, f32, span 64, slots 1, by groups>
  %s = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<64x16xf32, #c>) : i32 {
    %row = arith.muli %j, %c16 overflow<nsw> : i32
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %K[%row, %c0] dims [0, 1] into %r[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
    %k = cta.get %r[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %L[%c0, %row] dims [0, 1] within [1] from %c0 to %high into %rl[%j] : !tile.view<? x ? x f32>, !cta.ring<1, 16, f32, span 64, slots 1, by groups>
    %l = cta.get %rl[%j] : !cta.ring<1, 16, f32, span 64, slots 1, by groups> -> !cta.buffer<1, 16, f32, span 64>
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %D[%c0, %row] dims [0, 1] into %rd[%j] : !tile.view<? x ? x f32>, !cta.ring<1, 16, f32, span 64, slots 1, by groups>
    %d = cta.get %rd[%j] : !cta.ring<1, 16, f32, span 64, slots 1, by groups> -> !cta.buffer<1, 16, f32, span 64>
    %lr = cta.read %l : !cta.buffer<1, 16, f32, span 64> -> tensor<16xf32, #line>
    // expected-remark @+1 {{not computed by the warps that copy: the line is read as it is too}}
    %most = arith.maxnumf %lr, %least : tensor<16xf32, #line>
    %scaled = arith.addf %most, %lr : tensor<16xf32, #line>
    %le = tile.expand_dims %scaled at 0 : tensor<16xf32, #line> -> tensor<1x16xf32, #flat>
    %lb = tile.broadcast %le : tensor<1x16xf32, #flat> -> tensor<64x16xf32, #c>
    %dr = cta.read %d : !cta.buffer<1, 16, f32, span 64> -> tensor<16xf32, #line>
    %now = arith.sitofp %row : i32 to f32
    %own = tile.splat %now : f32 -> tensor<16xf32, #line>
    // expected-remark @+1 {{not computed by the warps that copy: it takes more than the line and what is the same for all of it before the copy}}
    %ds = arith.mulf %dr, %own : tensor<16xf32, #line>
    %de = tile.expand_dims %ds at 0 : tensor<16xf32, #line> -> tensor<1x16xf32, #flat>
    %db = tile.broadcast %de : tensor<1x16xf32, #flat> -> tensor<64x16xf32, #c>
    %x = arith.addf %lb, %db : tensor<64x16xf32, #c>
    %y = arith.addf %acc, %x : tensor<64x16xf32, #c>
    %next = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %y : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
    scf.yield %next : tensor<64x16xf32, #c>
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#line = #cta.layout<"reg (1) (8) lane (2) (4) (0) (0) (0) warps 1 stride 1 repeat 1">
#flat = #cta.layout<"reg (0,1) (0,8) lane (0,2) (0,4) (0,0) (0,0) (0,0) warps 1x1 stride 1x1 repeat 1x1">

// Work with a number that is made behind the line's put stays with those who compute; what is before it does not. One
// index may stand twice.
// CHECK-LABEL: func.func @lines_of_an_iteration
// CHECK: cta.roles compute
// CHECK-NOT: arith.maxnumf
// CHECK:   arith.mulf
// CHECK: } copy warps 4
// CHECK:   tile.load %arg1[%[[ROW:.*]], %[[ROW]]] dims [1]
// CHECK:   arith.maxnumf
// CHECK-NOT: arith.mulf
// CHECK:   cta.write
// expected-remark @+1 {{4 warps copy, 4 compute}}
func.func @lines_of_an_iteration(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %L: !tile.view<? x ? x f32> {tile.alignment = 16 : i32, tile.name = "L"}, %D: !tile.view<? x ? x f32> {tile.alignment = 16 : i32, tile.name = "D"}, %n: i32, %high: i32, %scale: f32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c16 = arith.constant 16 : i32
  %q = arith.constant dense<1.0> : tensor<64x16xbf16, #a>
  %o = arith.constant dense<0.0> : tensor<64x16xf32, #c>
  %least = arith.constant dense<-1.0> : tensor<16xf32, #line>
  %r = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  %rl = cta.ring : !cta.ring<1, 16, f32, span 64, slots 1, by groups>
  %rd = cta.ring : !cta.ring<1, 16, f32, span 64, slots 1, by groups>
  %s = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o) -> (tensor<64x16xf32, #c>) : i32 {
    %row = arith.muli %j, %c16 overflow<nsw> : i32
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %K[%row, %c0] dims [0, 1] into %r[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
    %k = cta.get %r[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
    cta.put %L[%row, %row] dims [0, 1] within [1] from %c0 to %high into %rl[%j] : !tile.view<? x ? x f32>, !cta.ring<1, 16, f32, span 64, slots 1, by groups>
    %l = cta.get %rl[%j] : !cta.ring<1, 16, f32, span 64, slots 1, by groups> -> !cta.buffer<1, 16, f32, span 64>
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %D[%c0, %row] dims [0, 1] into %rd[%j] : !tile.view<? x ? x f32>, !cta.ring<1, 16, f32, span 64, slots 1, by groups>
    %d = cta.get %rd[%j] : !cta.ring<1, 16, f32, span 64, slots 1, by groups> -> !cta.buffer<1, 16, f32, span 64>
    %lr = cta.read %l : !cta.buffer<1, 16, f32, span 64> -> tensor<16xf32, #line>
    // expected-remark @+1 {{computed by the warps that copy}}
    %most = arith.maxnumf %lr, %least : tensor<16xf32, #line>
    %step = arith.sitofp %j : i32 to f32
    %factor = tile.splat %step : f32 -> tensor<16xf32, #line>
    %scaled = arith.mulf %most, %factor : tensor<16xf32, #line>
    %le = tile.expand_dims %scaled at 0 : tensor<16xf32, #line> -> tensor<1x16xf32, #flat>
    %lb = tile.broadcast %le : tensor<1x16xf32, #flat> -> tensor<64x16xf32, #c>
    %dr = cta.read %d : !cta.buffer<1, 16, f32, span 64> -> tensor<16xf32, #line>
    %de = tile.expand_dims %dr at 0 : tensor<16xf32, #line> -> tensor<1x16xf32, #flat>
    %db = tile.broadcast %de : tensor<1x16xf32, #flat> -> tensor<64x16xf32, #c>
    %x = arith.addf %lb, %db : tensor<64x16xf32, #c>
    %y = arith.addf %acc, %x : tensor<64x16xf32, #c>
    %next = cta.dot wgmma tile %q : tensor<64x16xbf16, #a>, %k transposed_b, %y : !cta.buffer<16, 16, bf16, span 32>, tensor<64x16xf32, #c> -> tensor<64x16xf32, #c>
    scf.yield %next : tensor<64x16xf32, #c>
  }
  return
}

// -----

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 8x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) (0,64) (0,128) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 8x1 stride 1x1 repeat 1x1">
#line = #cta.layout<"reg (1) (8) (16) (32) (64) (128) lane (2) (4) (0) (0) (0) warps 1 stride 1 repeat 1">
#flat = #cta.layout<"reg (0,1) (0,8) (0,16) (0,32) (0,64) (0,128) lane (0,2) (0,4) (0,0) (0,0) (0,0) warps 1x1 stride 1x1 repeat 1x1">

// Where products lack every register, those who copy and compute a line have as few as those who only ask.
// CHECK-LABEL: func.func @line_beside_many_sums
// CHECK: cta.roles compute warps 8 registers 240 {
// CHECK: } copy warps 4 registers 24 {
// CHECK: cta.acquire
// expected-remark @+1 {{4 warps copy, 8 compute}}
func.func @line_beside_many_sums(%K: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %L: !tile.view<? x ? x f32> {tile.alignment = 16 : i32, tile.name = "L"}, %n: i32 {tile.name = "n"}, %high: i32 {tile.name = "high"}, %scale: f32 {tile.name = "scale"})
    attributes {tile.kernel = #tile.request<"sm_90a", warps 8, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c256 = arith.constant 256 : i32
  %q = arith.constant dense<1.0> : tensor<128x16xbf16, #a>
  %o = arith.constant dense<0.0> : tensor<128x256xf32, #c>
  %factor = tile.splat %scale : f32 -> tensor<256xf32, #line>
  %r = cta.ring : !cta.ring<256, 16, bf16, span 32, slots 1, by groups>
  %rl = cta.ring : !cta.ring<1, 256, f32, span 128, slots 1, by groups>
  // expected-remark @+1 {{tiles that are held at once take 256 registers of each thread, which has 240: make them smaller, or use more warps}}
  %s:2 = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %o, %sum = %o) -> (tensor<128x256xf32, #c>, tensor<128x256xf32, #c>) : i32 {
    %row = arith.muli %j, %c256 overflow<nsw> : i32
    // expected-remark @+1 {{copied by the copy engine}}
    cta.put %K[%row, %c0] dims [0, 1] into %r[%j] : !tile.view<? x 16 x bf16>, !cta.ring<256, 16, bf16, span 32, slots 1, by groups>
    %k = cta.get %r[%j] : !cta.ring<256, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<256, 16, bf16, span 32>
    cta.put %L[%c0, %row] dims [0, 1] within [1] from %c0 to %high into %rl[%j] : !tile.view<? x ? x f32>, !cta.ring<1, 256, f32, span 128, slots 1, by groups>
    %l = cta.get %rl[%j] : !cta.ring<1, 256, f32, span 128, slots 1, by groups> -> !cta.buffer<1, 256, f32, span 128>
    %lr = cta.read %l : !cta.buffer<1, 256, f32, span 128> -> tensor<256xf32, #line>
    // expected-remark @+1 {{computed by the warps that copy}}
    %scaled = arith.mulf %lr, %factor : tensor<256xf32, #line>
    %le = tile.expand_dims %scaled at 0 : tensor<256xf32, #line> -> tensor<1x256xf32, #flat>
    %lb = tile.broadcast %le : tensor<1x256xf32, #flat> -> tensor<128x256xf32, #c>
    %y = arith.addf %acc, %lb : tensor<128x256xf32, #c>
    %next = cta.dot wgmma tile %q : tensor<128x16xbf16, #a>, %k transposed_b, %y : !cta.buffer<256, 16, bf16, span 32>, tensor<128x256xf32, #c> -> tensor<128x256xf32, #c>
    %more = cta.dot wgmma tile %q : tensor<128x16xbf16, #a>, %k transposed_b, %sum : !cta.buffer<256, 16, bf16, span 32>, tensor<128x256xf32, #c> -> tensor<128x256xf32, #c>
    scf.yield %next, %more : tensor<128x256xf32, #c>, tensor<128x256xf32, #c>
  }
  return
}
