// RUN: imbrex-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(tile-resolve-views,canonicalize))' | FileCheck %s

// A part of a part: starts are added, ranges become bounds of the view in memory; a whole dimension gives none.
// CHECK-LABEL: @part
// CHECK-SAME: %[[X:.*]]: !tile.view<?x?x64xf32>, %[[I:.*]]: i32, %[[LO:.*]]: i32, %[[HI:.*]]: i32
func.func @part(%X: !tile.view<? x ? x 64 x f32>, %i: i32, %lo: i32, %hi: i32) -> tensor<16x32xf32> {
  // CHECK-NOT: tile.subview
  // CHECK: %[[ROW:.*]] = arith.addi %[[I]], %[[LO]]
  // CHECK: tile.load %[[X]][%[[I]], %[[ROW]], %{{.*}}] dims [1, 2] within [1] from %[[LO]] to %[[HI]]
  %c0 = arith.constant 0 : i32
  %d = tile.extent %X, 2 : !tile.view<? x ? x 64 x f32>
  %p = tile.subview %X[%i, %lo, %c0] dims [1, 2] to [%hi, %d] : !tile.view<? x ? x 64 x f32> -> !tile.view<? x 64 x f32>
  %r = tile.load %p[%i, %c0] dims [0, 1] : !tile.view<? x 64 x f32> -> tensor<16x32xf32>
  return %r : tensor<16x32xf32>
}

// -----

// A single index is bounded too; a part's extent is that of its range.
// CHECK-LABEL: @element
// CHECK-SAME: %[[X:.*]]: !tile.view<?x64xf32>, %[[I:.*]]: i32, %[[HI:.*]]: i32
func.func @element(%X: !tile.view<? x 64 x f32>, %i: i32, %hi: i32) -> (tensor<32xf32>, i32) {
  // CHECK: tile.load %[[X]][%[[I]], %{{.*}}] dims [1] within [0] from %{{.*}} to %[[HI]]
  // CHECK: %[[E:.*]] = arith.maxsi %[[HI]], %{{.*}}
  // CHECK: return %{{.*}}, %[[E]]
  %c0 = arith.constant 0 : i32
  %d = tile.extent %X, 1 : !tile.view<? x 64 x f32>
  %p = tile.subview %X[%c0, %c0] dims [0, 1] to [%hi, %d] : !tile.view<? x 64 x f32> -> !tile.view<? x 64 x f32>
  %r = tile.load %p[%i, %c0] dims [1] : !tile.view<? x 64 x f32> -> tensor<32xf32>
  %e = tile.extent %p, 0 : !tile.view<? x 64 x f32>
  return %r, %e : tensor<32xf32>, i32
}

// -----

// A sequence of a ragged view: offsets are read where its index becomes known, before the loop; its length is theirs, up to the longest.
// CHECK-LABEL: @ragged
// CHECK-SAME: %[[X:.*]]: !tile.view<?x64xf32>, %[[AT:.*]]: !tile.view<?xi32>, %[[LONGEST:.*]]: i32, %[[I:.*]]: i32
func.func @ragged(%X: !tile.view<? x 64 x f32>, %offsets: !tile.view<? x i32>, %longest: i32, %i: i32) -> (tensor<16x64xf32>, i32) {
  // CHECK: %[[FIRST:.*]] = tile.load %[[AT]][%[[I]]]
  // CHECK: %[[BEGIN:.*]] = arith.maxsi
  // CHECK: %[[NEXT:.*]] = tile.load %[[AT]]
  // CHECK: %[[LAST:.*]] = arith.select %{{.*}}, %{{.*}}, %[[BEGIN]]
  // CHECK: %[[AFTER:.*]] = arith.maxsi %[[LAST]], %[[BEGIN]]
  // CHECK: %[[ROWS:.*]] = arith.subi %[[AFTER]], %[[BEGIN]]
  // CHECK: %[[MOST:.*]] = arith.minsi %[[ROWS]], %[[LONGEST]]
  // CHECK: %[[LENGTH:.*]] = arith.maxsi %[[MOST]]
  // CHECK: %[[END:.*]] = arith.addi %[[BEGIN]], %[[LENGTH]]
  // CHECK: scf.for %[[J:[^ ]+]] =
  // CHECK-NOT: tile.load %[[AT]]
  // CHECK: %[[ROW:.*]] = arith.addi %[[J]], %[[BEGIN]]
  // CHECK: tile.load %[[X]][%[[ROW]], %{{.*}}] dims [0, 1] within [0] from %[[BEGIN]] to %[[END]]
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<16x64xf32>
  %v = tile.ragged %X by %offsets longest %longest dim 1 along 0 : !tile.view<? x 64 x f32>, !tile.view<? x i32> -> !tile.view<? x ? x 64 x f32>
  %n = tile.length %v[%i] : !tile.view<? x ? x 64 x f32>
  %sum = scf.for %j = %c0 to %n step %c1 iter_args(%s = %zero) -> (tensor<16x64xf32>) : i32 {
    %t = tile.load %v[%i, %j, %c0] dims [1, 2] : !tile.view<? x ? x 64 x f32> -> tensor<16x64xf32>
    %u = arith.addf %s, %t : tensor<16x64xf32>
    scf.yield %u : tensor<16x64xf32>
  }
  return %sum, %n : tensor<16x64xf32>, i32
}

// -----

// A slice that one page holds is a part of that page; another is gathered.
// CHECK-LABEL: @paged
func.func @paged(%X: !tile.view<? x 64 x f32>, %table: !tile.view<? x ? x i32>, %lengths: !tile.view<? x i32>, %rows: i32, %i: i32, %j: i32) -> (tensor<16x64xf32>, tensor<16x64xf32>) {
  // CHECK: %[[BASE:.*]] = arith.muli %{{.*}}, %{{.*}} : i32
  // CHECK: tile.load %{{.*}}[%{{.*}}, %{{.*}}] dims [0, 1] within [0] from
  // CHECK: %[[PAGES:.*]] = tile.gather %{{.*}}[%{{.*}}, %{{.*}}] dims [-1, -1] {{.*}} -> tensor<16x1xi32>
  // CHECK: tile.gather %{{.*}}[%{{.*}}, %{{.*}}] dims [-1, 1] {{.*}} -> tensor<16x64xf32>
  %c0 = arith.constant 0 : i32
  %c16 = arith.constant 16 : i32
  %v = tile.paged %X by %table, %lengths rows %rows page 32 dim 1 along 0 : !tile.view<? x 64 x f32>, !tile.view<? x ? x i32>, !tile.view<? x i32> -> !tile.view<? x ? x 64 x f32>
  %k = arith.muli %j, %c16 overflow<nsw> : i32
  %a = tile.load %v[%i, %k, %c0] dims [1, 2] : !tile.view<? x ? x 64 x f32> -> tensor<16x64xf32>
  %b = tile.load %v[%i, %j, %c0] dims [1, 2] : !tile.view<? x ? x 64 x f32> -> tensor<16x64xf32>
  return %a, %b : tensor<16x64xf32>, tensor<16x64xf32>
}

// -----

// For a target that can ask for runs of rows, where they lie stays one operation for slices at multiples of their length.
// CHECK-LABEL: @runs
func.func @runs(%X: !tile.view<? x 64 x f32>, %table: !tile.view<? x ? x i32>, %lengths: !tile.view<? x i32>, %rows: i32, %i: i32) -> (tensor<48x64xf32>, tensor<48x64xf32>) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>} {
  // CHECK: %[[HIGH:.*]] = arith.maxsi
  // CHECK: %[[AT:.*]] = arith.muli %{{.*}}, %c48_i32 overflow<nsw>
  // CHECK: %[[ROWS:.*]] = tile.page_rows %arg1[%arg4] at %[[AT]] aligned 48 from %c0_i32 to %[[HIGH]] page 16 rows %arg3 pages %{{.*}} run 1 : {{.*}} -> tensor<48x1xi32>
  // CHECK: tile.gather %arg0[%[[ROWS]], %c0_i32] dims [-1, 1] certain
  // CHECK-NOT: tile.page_rows
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c48 = arith.constant 48 : i32
  %x = tile.program_id 0
  %v = tile.paged %X by %table, %lengths rows %rows page 16 dim 1 along 0 : !tile.view<? x 64 x f32>, !tile.view<? x ? x i32>, !tile.view<? x i32> -> !tile.view<? x ? x 64 x f32>
  %k = arith.muli %x, %c48 overflow<nsw> : i32
  %a = tile.load %v[%i, %k, %c0] dims [1, 2] : !tile.view<? x ? x 64 x f32> -> tensor<48x64xf32>
  %next = arith.addi %k, %c1 : i32
  %b = tile.load %v[%i, %next, %c0] dims [1, 2] : !tile.view<? x ? x 64 x f32> -> tensor<48x64xf32>
  return %a, %b : tensor<48x64xf32>, tensor<48x64xf32>
}

// -----

// A position may be negative, and is the page where these are of one row: its entry is not certain to be a sum of numbers
// that are not, and what is outside is no entry.
// CHECK-LABEL: @pages_of_one
func.func @pages_of_one(%X: !tile.view<? x 64 x f32>, %table: !tile.view<? x ? x i32>, %lengths: !tile.view<? x i32>, %rows: i32, %i: i32, %j: i32) -> tensor<16x64xf32> {
  // CHECK: %[[INSIDE:.*]] = arith.cmpi ult
  // CHECK: tile.gather %{{.*}}[%{{.*}}] dims [-1, -1] : !tile.view<?x?xi32>
  // CHECK: %[[PAGE:.*]] = arith.cmpi ult
  // CHECK: arith.andi %[[INSIDE]], %[[PAGE]]
  %v = tile.paged %X by %table, %lengths rows %rows page 1 dim 1 along 0 : !tile.view<? x 64 x f32>, !tile.view<? x ? x i32>, !tile.view<? x i32> -> !tile.view<? x ? x 64 x f32>
  %0 = arith.constant 0 : i32
  %t = tile.load %v[%i, %j, %0] dims [1, 2] : !tile.view<? x ? x 64 x f32> -> tensor<16x64xf32>
  return %t : tensor<16x64xf32>
}

// -----

// At one position, columns by a tile of indices: still a gather, and so is a scatter.
// CHECK-LABEL: @paged_columns
func.func @paged_columns(%X: !tile.view<? x 64 x f32, var>, %table: !tile.view<? x ? x i32>, %lengths: !tile.view<? x i32>, %rows: i32, %i: i32, %j: i32, %d: tensor<8xi32>) {
  // CHECK: %[[READ:.*]] = tile.gather %{{.*}}[%{{.*}}, %{{.*}}] dims [-1] : {{.*}} -> tensor<8xf32>
  // CHECK: tile.scatter %[[READ]], %{{.*}}[%{{.*}}, %{{.*}}] dims [-1] :
  %v = tile.paged %X by %table, %lengths rows %rows page 32 dim 1 along 0 : !tile.view<? x 64 x f32, var>, !tile.view<? x ? x i32>, !tile.view<? x i32> -> !tile.view<? x ? x 64 x f32, var>
  %t = tile.gather %v[%i, %j, %d] dims [-1] : !tile.view<? x ? x 64 x f32, var>, i32, i32, tensor<8xi32> -> tensor<8xf32>
  tile.scatter %t, %v[%i, %j, %d] dims [-1] : tensor<8xf32>, !tile.view<? x ? x 64 x f32, var>, i32, i32, tensor<8xi32>
  return
}

// -----

// CHECK-LABEL: @padded
// CHECK-SAME: %[[X:.*]]: !tile.view<?x?x64xf32>, %[[N:.*]]: !tile.view<?xi32>, %[[I:.*]]: i32, %[[J:.*]]: i32
func.func @padded(%X: !tile.view<? x ? x 64 x f32>, %lengths: !tile.view<? x i32>, %i: i32, %j: i32) -> tensor<16x64xf32> {
  // CHECK: %[[READ:.*]] = tile.load %[[N]][%[[I]]]
  // CHECK: %[[LEAST:.*]] = arith.minsi %[[READ]]
  // CHECK: %[[LENGTH:.*]] = arith.maxsi %[[LEAST]]
  // CHECK: tile.load %[[X]][%[[I]], %[[J]], %{{.*}}] dims [1, 2] within [1] from %{{.*}} to %[[LENGTH]]
  %c0 = arith.constant 0 : i32
  %v = tile.padded %X by %lengths dim 1 along 0 : !tile.view<? x ? x 64 x f32>, !tile.view<? x i32> -> !tile.view<? x ? x 64 x f32>
  %t = tile.load %v[%i, %j, %c0] dims [1, 2] : !tile.view<? x ? x 64 x f32> -> tensor<16x64xf32>
  return %t : tensor<16x64xf32>
}

// -----

// One scale where all elements share a block, of blocks that the sequence reaches into; the factor comes before the
// rounding to the view's type.
// CHECK-LABEL: @scaled
// CHECK-SAME: %[[X:.*]]: !tile.view<?x?x64xf8E4M3FN>, %[[N:.*]]: !tile.view<?xi32>, %[[S:.*]]: !tile.view<?x?xf32>, %[[I:.*]]: i32, %[[J:.*]]: i32
func.func @scaled(%X: !tile.view<? x ? x 64 x f8E4M3FN>, %lengths: !tile.view<? x i32>, %s: !tile.view<? x ? x f32>, %i: i32, %j: i32) -> tensor<16x64xbf16> {
  // CHECK: %[[K:.*]] = arith.muli %[[J]]
  // CHECK: %[[E:.*]] = tile.load %[[X]][%[[I]], %[[K]], %{{.*}}] dims [1, 2] within [1] from %{{.*}} to %{{.*}} -> tensor<16x64xf8E4M3FN>
  // CHECK: %[[W:.*]] = arith.extf %[[E]] : tensor<16x64xf8E4M3FN> to tensor<16x64xf32>
  // CHECK: %[[BLOCK:.*]] = arith.divui %[[K]]
  // CHECK: %[[SCALE:.*]] = tile.load %[[S]][%[[I]], %[[BLOCK]]] dims [] within [0, 1] from
  // CHECK: %[[ALL:.*]] = tile.splat %[[SCALE]] : f32 -> tensor<16x64xf32>
  // CHECK: %[[P:.*]] = arith.mulf %[[W]], %[[ALL]]
  // CHECK: arith.truncf %[[P]] : tensor<16x64xf32> to tensor<16x64xbf16>
  %c0 = arith.constant 0 : i32
  %c16 = arith.constant 16 : i32
  %v = tile.padded %X by %lengths dim 1 along 0 : !tile.view<? x ? x 64 x f8E4M3FN>, !tile.view<? x i32> -> !tile.view<? x ? x 64 x f8E4M3FN>
  %w = tile.scaled %v by %s over [0, 1] blocks [1, 32] : !tile.view<? x ? x 64 x f8E4M3FN>, !tile.view<? x ? x f32> -> !tile.view<? x ? x 64 x bf16>
  %k = arith.muli %j, %c16 overflow<nsw> : i32
  %t = tile.load %w[%i, %k, %c0] dims [1, 2] : !tile.view<? x ? x 64 x bf16> -> tensor<16x64xbf16>
  return %t : tensor<16x64xbf16>
}

// -----

// Else a scale a row.
// CHECK-LABEL: @scaled_rows
// CHECK: tile.gather %{{.*}} dims [-1, -1] within {{.*}} -> tensor<16x1xf32>
// CHECK: tile.broadcast %{{.*}} : tensor<16x1xf32> -> tensor<16x64xf32>
func.func @scaled_rows(%X: !tile.view<? x 64 x i8>, %s: !tile.view<? x f32>, %j: i32) -> tensor<16x64xf32> {
  %c0 = arith.constant 0 : i32
  %w = tile.scaled %X by %s over [0] blocks [32] : !tile.view<? x 64 x i8>, !tile.view<? x f32> -> !tile.view<? x 64 x f32>
  %t = tile.load %w[%j, %c0] dims [0, 1] : !tile.view<? x 64 x f32> -> tensor<16x64xf32>
  return %t : tensor<16x64xf32>
}
