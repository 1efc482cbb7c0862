// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-bound-loops))' | FileCheck %s

// A causal mask q + off >= k with q = i * 16 + row, k = j * 8 + col: the loop ends at the last visible tile,
// and the load of row j * 8 is narrowed to the visible keys.
// CHECK-LABEL: @causal
// CHECK-SAME: %[[K:[a-z0-9]+]]: !tile.view
func.func @causal(%K: !tile.view<? x 32 x f32>, %i0: i32, %off: i32, %ub: i32, %use: i1) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c8 = arith.constant 8 : i32
  %rows = tile.iota : tensor<16xi32>
  %cols = tile.iota : tensor<8xi32>
  %r = tile.expand_dims %rows at 1 : tensor<16xi32> -> tensor<16x1xi32>
  %c = tile.expand_dims %cols at 0 : tensor<8xi32> -> tensor<1x8xi32>
  %rb = tile.broadcast %r : tensor<16x1xi32> -> tensor<16x8xi32>
  %cb = tile.broadcast %c : tensor<1x8xi32> -> tensor<16x8xi32>
  %qs = tile.splat %i0 : i32 -> tensor<16x8xi32>
  %os = tile.splat %off : i32 -> tensor<16x8xi32>
  %q0 = arith.addi %rb, %qs overflow<nsw> : tensor<16x8xi32>
  %q = arith.addi %q0, %os overflow<nsw> : tensor<16x8xi32>
  // CHECK: %[[UB:.*]] = arith.minsi %arg3, %{{.*}} : i32
  // CHECK: scf.for %{{.*}} = %{{.*}} to %[[UB]]
  scf.for %j = %c0 to %ub step %c1 : i32 {
    %j0 = arith.muli %j, %c8 overflow<nsw> : i32
    // CHECK: tile.load %[[K]][{{.*}}] dims [0, 1] within [0]
    %k = tile.load %K[%j0, %c0] dims [0, 1] : !tile.view<? x 32 x f32> -> tensor<8x32xf32>
    // Also inside a branch.
    // CHECK: scf.if
    // CHECK-NEXT: tile.load %[[K]][{{.*}}] dims [0, 1] within [0]
    %b = scf.if %use -> tensor<8x32xf32> {
      %l = tile.load %K[%j0, %c0] dims [0, 1] : !tile.view<? x 32 x f32> -> tensor<8x32xf32>
      scf.yield %l : tensor<8x32xf32>
    } else {
      scf.yield %k : tensor<8x32xf32>
    }
    %js = tile.splat %j0 : i32 -> tensor<16x8xi32>
    %kk = arith.addi %cb, %js overflow<nsw> : tensor<16x8xi32>
    %mask = arith.cmpi sle, %kk, %q : tensor<16x8xi32>
    // CHECK-NOT: tile.visible
    tile.visible %mask : tensor<16x8xi1>
  }
  return
}

// A mask that is not made of linear comparisons bounds nothing; the promise goes, the loop stays.
// CHECK-LABEL: @opaque
func.func @opaque(%ub: i32, %x: tensor<16x8xf32>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  // CHECK: scf.for %{{.*}} = %c0_i32 to %arg0
  scf.for %j = %c0 to %ub step %c1 : i32 {
    %mask = arith.cmpf olt, %x, %x : tensor<16x8xf32>
    // CHECK-NOT: tile.visible
    tile.visible %mask : tensor<16x8xi1>
  }
  return
}

// The column number may wrap, so that it says nothing of the columns before and behind.
// CHECK-LABEL: @wraps
func.func @wraps(%n: i32, %off: i32, %ub: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c8 = arith.constant 8 : i32
  %cols = tile.iota : tensor<8xi32>
  %c = tile.expand_dims %cols at 0 : tensor<8xi32> -> tensor<1x8xi32>
  %cb = tile.broadcast %c : tensor<1x8xi32> -> tensor<16x8xi32>
  %ns = tile.splat %n : i32 -> tensor<16x8xi32>
  // CHECK: scf.for %{{.*}} = %c0_i32 to %arg2
  scf.for %j = %c0 to %ub step %c1 : i32 {
    %j0 = arith.muli %j, %c8 : i32
    %js = tile.splat %j0 : i32 -> tensor<16x8xi32>
    %kk = arith.addi %cb, %js overflow<nsw> : tensor<16x8xi32>
    %mask = arith.cmpi sle, %kk, %ns : tensor<16x8xi32>
    tile.visible %mask : tensor<16x8xi1>
  }
  return
}

// The load's index may wrap: it is narrowed only if it does not in any iteration.
// CHECK-LABEL: @index_wraps
func.func @index_wraps(%V: !tile.view<? x f32>, %n: i32, %off: i32, %ub: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c8 = arith.constant 8 : i32
  %cols = tile.iota : tensor<8xi32>
  %c = tile.expand_dims %cols at 0 : tensor<8xi32> -> tensor<1x8xi32>
  %cb = tile.broadcast %c : tensor<1x8xi32> -> tensor<16x8xi32>
  %ns = tile.splat %n : i32 -> tensor<16x8xi32>
  // CHECK: %[[FITS:.*]] = arith.andi
  // CHECK: arith.select %[[FITS]]
  // CHECK: arith.select %[[FITS]]
  scf.for %j = %c0 to %ub step %c1 : i32 {
    %j0 = arith.muli %j, %c8 overflow<nsw> : i32
    %start = arith.addi %j0, %off : i32
    // CHECK: tile.load {{.*}} within [0]
    %v = tile.load %V[%start] dims [0] : !tile.view<? x f32> -> tensor<8xf32>
    %js = tile.splat %j0 : i32 -> tensor<16x8xi32>
    %kk = arith.addi %cb, %js overflow<nsw> : tensor<16x8xi32>
    %mask = arith.cmpi sle, %kk, %ns : tensor<16x8xi32>
    tile.visible %mask : tensor<16x8xi1>
  }
  return
}

// k <= q || k < n: up to the higher of the two bounds. A part that cannot be read, or that bounds the other side, leaves
// no bound.
// CHECK-LABEL: @either
func.func @either(%n: i32, %m: i32, %ub: i32, %x: tensor<16x8xf32>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c8 = arith.constant 8 : i32
  %rows = tile.iota : tensor<16xi32>
  %cols = tile.iota : tensor<8xi32>
  %r = tile.expand_dims %rows at 1 : tensor<16xi32> -> tensor<16x1xi32>
  %c = tile.expand_dims %cols at 0 : tensor<8xi32> -> tensor<1x8xi32>
  %rb = tile.broadcast %r : tensor<16x1xi32> -> tensor<16x8xi32>
  %cb = tile.broadcast %c : tensor<1x8xi32> -> tensor<16x8xi32>
  %ns = tile.splat %n : i32 -> tensor<16x8xi32>
  %ms = tile.splat %m : i32 -> tensor<16x8xi32>
  // CHECK: arith.extsi %arg0 : i32 to i64
  // CHECK: %[[BELOW_N:.*]] = arith.addi %{{[0-9]+}}, %c1_i64{{[_0-9]*}} : i64
  // CHECK: arith.extsi %arg1 : i32 to i64
  // CHECK: %[[BELOW_M:.*]] = arith.addi %{{[0-9]+}}, %c1_i64{{[_0-9]*}} : i64
  // CHECK: arith.maxsi %[[BELOW_N]], %[[BELOW_M]] : i64
  // CHECK: %[[UB:.*]] = arith.minsi %arg2, %{{.*}} : i32
  // CHECK: scf.for %{{.*}} = %{{.*}} to %[[UB]]
  scf.for %j = %c0 to %ub step %c1 : i32 {
    %j0 = arith.muli %j, %c8 overflow<nsw> : i32
    %js = tile.splat %j0 : i32 -> tensor<16x8xi32>
    %kk = arith.addi %cb, %js overflow<nsw> : tensor<16x8xi32>
    %low = arith.cmpi slt, %kk, %ns : tensor<16x8xi32>
    %seen = arith.cmpi sle, %kk, %ms : tensor<16x8xi32>
    %mask = arith.ori %low, %seen : tensor<16x8xi1>
    tile.visible %mask : tensor<16x8xi1>
  }
  // CHECK: scf.for %{{.*}} = %c0_i32 to %arg2
  scf.for %j = %c0 to %ub step %c1 : i32 {
    %j0 = arith.muli %j, %c8 overflow<nsw> : i32
    %js = tile.splat %j0 : i32 -> tensor<16x8xi32>
    %kk = arith.addi %cb, %js overflow<nsw> : tensor<16x8xi32>
    %low = arith.cmpi slt, %kk, %ns : tensor<16x8xi32>
    %other = arith.cmpf olt, %x, %x : tensor<16x8xf32>
    %mask = arith.ori %low, %other : tensor<16x8xi1>
    tile.visible %mask : tensor<16x8xi1>
  }
  // CHECK: scf.for %{{.*}} = %c0_i32 to %arg2
  scf.for %j = %c0 to %ub step %c1 : i32 {
    %j0 = arith.muli %j, %c8 overflow<nsw> : i32
    %js = tile.splat %j0 : i32 -> tensor<16x8xi32>
    %kk = arith.addi %cb, %js overflow<nsw> : tensor<16x8xi32>
    %low = arith.cmpi slt, %kk, %ns : tensor<16x8xi32>
    %high = arith.cmpi sgt, %kk, %ms : tensor<16x8xi32>
    %mask = arith.ori %low, %high : tensor<16x8xi1>
    tile.visible %mask : tensor<16x8xi1>
  }
  return
}

// k < n || q < m: all columns where a row of the tile is below m, else those below n.
// CHECK-LABEL: @either_rows
// CHECK: %[[LAST_ROW:.*]] = arith.minsi %c15_i64{{[_0-9]*}}, %{{[0-9]+}} : i64
// CHECK: %[[SOME:.*]] = arith.cmpi sle, %{{.*}}, %[[LAST_ROW]] : i64
// CHECK: %[[BELOW:.*]] = arith.select %[[SOME]], %c2147483647_i64{{[_0-9]*}}, %c0_i64{{[_0-9]*}} : i64
// CHECK: arith.maxsi %{{[0-9]+}}, %[[BELOW]] : i64
// CHECK: %[[UB:.*]] = arith.minsi %arg2, %{{.*}} : i32
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[UB]]
func.func @either_rows(%n: i32, %m: i32, %ub: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c8 = arith.constant 8 : i32
  %rows = tile.iota : tensor<16xi32>
  %cols = tile.iota : tensor<8xi32>
  %r = tile.expand_dims %rows at 1 : tensor<16xi32> -> tensor<16x1xi32>
  %c = tile.expand_dims %cols at 0 : tensor<8xi32> -> tensor<1x8xi32>
  %rb = tile.broadcast %r : tensor<16x1xi32> -> tensor<16x8xi32>
  %cb = tile.broadcast %c : tensor<1x8xi32> -> tensor<16x8xi32>
  %ns = tile.splat %n : i32 -> tensor<16x8xi32>
  %ms = tile.splat %m : i32 -> tensor<16x8xi32>
  scf.for %j = %c0 to %ub step %c1 : i32 {
    %j0 = arith.muli %j, %c8 overflow<nsw> : i32
    %js = tile.splat %j0 : i32 -> tensor<16x8xi32>
    %kk = arith.addi %cb, %js overflow<nsw> : tensor<16x8xi32>
    %low = arith.cmpi slt, %kk, %ns : tensor<16x8xi32>
    %row = arith.cmpi slt, %rb, %ms : tensor<16x8xi32>
    %mask = arith.ori %low, %row : tensor<16x8xi1>
    tile.visible %mask : tensor<16x8xi1>
  }
  return
}

// Keys that are multiplied: 3 k <= row + 16 i ends the loop behind a third of the rows, as the tile moves 24 of 3 k.
// CHECK-LABEL: @multiplied
// CHECK: %[[LAST:.*]] = arith.ceildivsi %{{.*}}, %c3{{.*}} : i64
// CHECK: %[[UB:.*]] = arith.minsi %arg1, %{{.*}} : i32
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[UB]]
func.func @multiplied(%K: !tile.view<? x 32 x f32>, %ub: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c8 = arith.constant 8 : i32
  %c16 = arith.constant 16 : i32
  %three = arith.constant dense<3> : tensor<16x8xi32>
  %i = tile.program_id 0
  %i0 = arith.muli %i, %c16 overflow<nsw> : i32
  %is = tile.splat %i0 : i32 -> tensor<16xi32>
  %rows = tile.iota : tensor<16xi32>
  %p = arith.addi %rows, %is overflow<nsw> : tensor<16xi32>
  %q1 = tile.expand_dims %p at 1 : tensor<16xi32> -> tensor<16x1xi32>
  %q = tile.broadcast %q1 : tensor<16x1xi32> -> tensor<16x8xi32>
  %cols = tile.iota : tensor<8xi32>
  %c = tile.expand_dims %cols at 0 : tensor<8xi32> -> tensor<1x8xi32>
  %cb = tile.broadcast %c : tensor<1x8xi32> -> tensor<16x8xi32>
  scf.for %j = %c0 to %ub step %c1 : i32 {
    %j0 = arith.muli %j, %c8 overflow<nsw> : i32
    %js = tile.splat %j0 : i32 -> tensor<16x8xi32>
    %kk = arith.addi %cb, %js overflow<nsw> : tensor<16x8xi32>
    %k3 = arith.muli %kk, %three overflow<nsw> : tensor<16x8xi32>
    %mask = arith.cmpi sle, %k3, %q : tensor<16x8xi32>
    tile.visible %mask : tensor<16x8xi1>
  }
  return
}

// Packed heads: k <= (row + 16 i) / 4 + off is 4 k <= row + 16 i + 4 off, and the loop ends there.
// CHECK-LABEL: @packed
// CHECK: %[[REST:.*]] = arith.ceildivsi %{{.*}}, %{{.*}} : i64
// CHECK: %[[UB:.*]] = arith.minsi %arg2, %{{.*}} : i32
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[UB]]
func.func @packed(%K: !tile.view<? x 32 x f32>, %off: i32, %ub: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c8 = arith.constant 8 : i32
  %c16 = arith.constant 16 : i32
  %four = arith.constant dense<4> : tensor<16xi32>
  %i = tile.program_id 0
  %i0 = arith.muli %i, %c16 overflow<nsw> : i32
  %is = tile.splat %i0 : i32 -> tensor<16xi32>
  %rows = tile.iota : tensor<16xi32>
  %p = arith.addi %rows, %is overflow<nsw> : tensor<16xi32>
  %h = arith.divsi %p, %four : tensor<16xi32>
  %os = tile.splat %off : i32 -> tensor<16xi32>
  %q1 = arith.addi %h, %os overflow<nsw> : tensor<16xi32>
  %q2 = tile.expand_dims %q1 at 1 : tensor<16xi32> -> tensor<16x1xi32>
  %q = tile.broadcast %q2 : tensor<16x1xi32> -> tensor<16x8xi32>
  %cols = tile.iota : tensor<8xi32>
  %c = tile.expand_dims %cols at 0 : tensor<8xi32> -> tensor<1x8xi32>
  %cb = tile.broadcast %c : tensor<1x8xi32> -> tensor<16x8xi32>
  scf.for %j = %c0 to %ub step %c1 : i32 {
    %j0 = arith.muli %j, %c8 overflow<nsw> : i32
    %js = tile.splat %j0 : i32 -> tensor<16x8xi32>
    %kk = arith.addi %cb, %js overflow<nsw> : tensor<16x8xi32>
    %mask = arith.cmpi sle, %kk, %q : tensor<16x8xi32>
    tile.visible %mask : tensor<16x8xi1>
  }
  return
}

// A truth that all elements share leaves all rows or none: with none the loop ends before it begins.
// CHECK-LABEL: @shared(
// CHECK: %[[TRUTH:.*]] = arith.extsi %arg1 : i1 to i64
// CHECK: %[[NUMBER:.*]] = arith.addi %{{.*}}, %[[TRUTH]] : i64
// CHECK: %[[HOLDS:.*]] = arith.cmpi sle, %[[NUMBER]], %{{.*}} : i64
// CHECK: %[[LAST:.*]] = arith.select %[[HOLDS]], %{{.*}}, %{{.*}} : i64
// CHECK: %[[SOME:.*]] = arith.cmpi sle, %{{.*}}, %[[LAST]] : i64
// CHECK: %[[END:.*]] = arith.select %[[SOME]], %{{.*}}, %{{.*}} : i32
// CHECK: %[[UB:.*]] = arith.minsi %arg2, %[[END]] : i32
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[UB]]
func.func @shared(%n: i32, %truth: i1, %ub: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c8 = arith.constant 8 : i32
  %cols = tile.iota : tensor<8xi32>
  %all = tile.splat %truth : i1 -> tensor<16x8xi1>
  %ns = tile.splat %n : i32 -> tensor<8xi32>
  scf.for %j = %c0 to %ub step %c1 : i32 {
    %j0 = arith.muli %j, %c8 overflow<nsw> : i32
    %js = tile.splat %j0 : i32 -> tensor<8xi32>
    %kk = arith.addi %cols, %js overflow<nsw> : tensor<8xi32>
    %in = arith.cmpi slt, %kk, %ns : tensor<8xi32>
    %in1 = tile.expand_dims %in at 0 : tensor<8xi1> -> tensor<1x8xi1>
    %in2 = tile.broadcast %in1 : tensor<1x8xi1> -> tensor<16x8xi1>
    %mask = arith.andi %all, %in2 : tensor<16x8xi1>
    tile.visible %mask : tensor<16x8xi1>
  }
  return
}
