// RUN: imbrex-opt %s | imbrex-opt | FileCheck %s
// Every operation, and what may stand on a kernel, prints and parses back.

// CHECK-LABEL: func.func @all
func.func @all(%Q: !tile.view<? x ? x 64 x bf16> {tile.name = "Q"}, %O: !tile.view<? x f32, out>, %s: f32) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  // CHECK: tile.program_id 0
  %i = tile.program_id 0
  // CHECK: tile.extent %{{.*}}, 1 : !tile.view<?x?x64xbf16>
  %n = tile.extent %Q, 1 : !tile.view<? x ? x 64 x bf16>
  %c0 = arith.constant 0 : i32
  // CHECK: tile.load %{{.*}} dims [1, 2] : !tile.view<?x?x64xbf16> -> tensor<32x64xbf16>
  %q = tile.load %Q[%i, %n, %c0] dims [1, 2] : !tile.view<? x ? x 64 x bf16> -> tensor<32x64xbf16>
  // CHECK: tile.load %{{.*}} dims [1, 2] within [1] from %{{.*}} to %{{.*}} : !tile.view<?x?x64xbf16> -> tensor<32x64xbf16>
  %w = tile.load %Q[%i, %n, %c0] dims [1, 2] within [1] from %c0 to %n : !tile.view<? x ? x 64 x bf16> -> tensor<32x64xbf16>
  // CHECK: tile.load %{{.*}} dims [] : !tile.view<?x?x64xbf16> -> bf16
  %e = tile.load %Q[%i, %n, %c0] dims [] : !tile.view<? x ? x 64 x bf16> -> bf16
  // CHECK: tile.splat %{{.*}} : f32 -> tensor<32x32xf32>
  %t = tile.splat %s : f32 -> tensor<32x32xf32>
  // CHECK: tile.iota : tensor<32xi32>
  %k = tile.iota : tensor<32xi32>
  // CHECK: tile.transpose %{{.*}} : tensor<32x64xbf16> -> tensor<64x32xbf16>
  %wt = tile.transpose %w : tensor<32x64xbf16> -> tensor<64x32xbf16>
  // CHECK: tile.dot %{{.*}}, %{{.*}}, %{{.*}} : tensor<32x64xbf16>, tensor<64x32xbf16>, tensor<32x32xf32>
  %d = tile.dot %q, %wt, %t : tensor<32x64xbf16>, tensor<64x32xbf16>, tensor<32x32xf32>
  // CHECK: tile.dot %{{.*}}, %{{.*}}, %{{.*}} : tensor<32x32xf32>, tensor<32x32xf32>, tensor<32x32xf32>
  %ieee = tile.dot %d, %t, %d mode ieee : tensor<32x32xf32>, tensor<32x32xf32>, tensor<32x32xf32>
  // CHECK: tile.dot %{{.*}}, %{{.*}}, %{{.*}} mode tf32x3 : tensor<32x32xf32>, tensor<32x32xf32>, tensor<32x32xf32>
  %tf32 = tile.dot %d, %t, %d mode tf32x3 : tensor<32x32xf32>, tensor<32x32xf32>, tensor<32x32xf32>
  // CHECK: tile.dot %{{.*}}, %{{.*}}, %{{.*}} : tensor<32x32xi8>, tensor<32x32xi8>, tensor<32x32xi32>
  %bytes = arith.constant dense<1> : tensor<32x32xi8>
  %sums = arith.constant dense<0> : tensor<32x32xi32>
  %integers = tile.dot %bytes, %bytes, %sums : tensor<32x32xi8>, tensor<32x32xi8>, tensor<32x32xi32>
  // CHECK: tile.reduce max %{{.*}} along 1 : tensor<32x32xf32> -> tensor<32xf32>
  %m = tile.reduce max %d along 1 : tensor<32x32xf32> -> tensor<32xf32>
  // CHECK: tile.expand_dims %{{.*}} at 1 : tensor<32xf32> -> tensor<32x1xf32>
  %x = tile.expand_dims %m at 1 : tensor<32xf32> -> tensor<32x1xf32>
  // CHECK: tile.broadcast %{{.*}} : tensor<32x1xf32> -> tensor<32x8xf32>
  %b = tile.broadcast %x : tensor<32x1xf32> -> tensor<32x8xf32>
  // CHECK: tile.store %{{.*}}, %{{.*}} dims [0] : tensor<32xf32>, !tile.view<?xf32, out>
  tile.store %m, %O[%i] dims [0] : tensor<32xf32>, !tile.view<? x f32, out>
  %one = arith.constant 1 : i32
  scf.for %j = %c0 to %n step %one : i32 {
    %mask = arith.cmpf olt, %d, %t : tensor<32x32xf32>
    // CHECK: tile.visible %{{.*}} : tensor<32x32xi1>
    tile.visible %mask : tensor<32x32xi1>
  }
  return
}

// CHECK-LABEL: @combiners
func.func @combiners(%x: tensor<8x16xf32>, %i: tensor<8x16xi32>) -> f32 {
  // CHECK: tile.combine %{{.*}}, %{{.*}} along 1 : tensor<8x16xf32>, tensor<8x16xi32> -> tensor<8xf32>, tensor<8xi32>
  // CHECK-NEXT: ^bb0(%{{.*}}: f32, %{{.*}}: i32, %{{.*}}: f32, %{{.*}}: i32):
  %m:2 = tile.combine %x, %i along 1 : tensor<8x16xf32>, tensor<8x16xi32> -> tensor<8xf32>, tensor<8xi32> {
  ^bb0(%a: f32, %p: i32, %b: f32, %q: i32):
    %first = arith.cmpf oge, %a, %b : f32
    %most = arith.select %first, %a, %b : f32
    %at = arith.select %first, %p, %q : i32
    // CHECK: tile.yield %{{.*}}, %{{.*}} : f32, i32
    tile.yield %most, %at : f32, i32
  }
  // CHECK: tile.scan %{{.*}} along 0 : tensor<8x16xf32> -> tensor<8x16xf32>
  %s = tile.scan %x along 0 : tensor<8x16xf32> -> tensor<8x16xf32> {
  ^bb0(%a: f32, %b: f32):
    %sum = arith.addf %a, %b : f32
    tile.yield %sum : f32
  }
  %one = arith.constant dense<1.0> : tensor<1xf32>
  // CHECK: tile.scalar %{{.*}} : tensor<1xf32> -> f32
  %scalar = tile.scalar %one : tensor<1xf32> -> f32
  return %scalar : f32
}

// CHECK-LABEL: @facts
func.func @facts(%positive: i1, %low: tensor<32xi32>, %high: tensor<32xi32>) -> tensor<32x16xi1> {
  // CHECK: tile.require %{{.*}}
  tile.require %positive
  // CHECK: tile.interval %{{.*}}, %{{.*}} : tensor<32xi32> -> tensor<32x16xi1>
  %mask = tile.interval %low, %high : tensor<32xi32> -> tensor<32x16xi1>
  return %mask : tensor<32x16xi1>
}

// CHECK-LABEL: @parts_and_gathers
func.func @parts_and_gathers(%X: !tile.view<? x ? x 64 x f32>, %Y: !tile.view<? x 64 x f32, out>, %rows: tensor<8x1xi32>, %i: i32) {
  %c0 = arith.constant 0 : i32
  // CHECK: %[[P:.*]] = tile.subview %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] dims [1, 2] to[%{{.*}}, %{{.*}}] : !tile.view<?x?x64xf32> -> !tile.view<?x64xf32>
  %p = tile.subview %X[%i, %i, %c0] dims [1, 2] to [%i, %i] : !tile.view<? x ? x 64 x f32> -> !tile.view<? x 64 x f32>
  // CHECK: tile.gather %[[P]][%{{.*}}, %{{.*}}] dims [-1, 1] within [0] from %{{.*}} to %{{.*}} : !tile.view<?x64xf32>, tensor<8x1xi32>, i32 -> tensor<8x16xf32>
  %a = tile.gather %p[%rows, %c0] dims [-1, 1] within [0] from %c0 to %i : !tile.view<? x 64 x f32>, tensor<8x1xi32>, i32 -> tensor<8x16xf32>
  // CHECK: tile.scatter %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}] dims [-1, 1] : tensor<8x16xf32>, !tile.view<?x64xf32, out>, tensor<8x1xi32>, i32
  tile.scatter %a, %Y[%rows, %c0] dims [-1, 1] : tensor<8x16xf32>, !tile.view<? x 64 x f32, out>, tensor<8x1xi32>, i32
  // CHECK: tile.store %{{.*}} dims [0, 1] within [0, 1] from %{{.*}}, %{{.*}} to %{{.*}}, %{{.*}} :
  tile.store %a, %Y[%i, %c0] dims [0, 1] within [0, 1] from %c0, %c0 to %i, %i : tensor<8x16xf32>, !tile.view<? x 64 x f32, out>
  return
}

// CHECK-LABEL: @additions
// CHECK-SAME: !tile.view<?xf32, var>
func.func @additions(%C: !tile.view<? x f32, var>, %t: tensor<8xf32>, %rows: tensor<8xi32>, %i: i32) {
  // CHECK: tile.load %{{.*}} : !tile.view<?xf32, var> -> tensor<8xf32>
  %old = tile.load %C[%i] dims [0] : !tile.view<? x f32, var> -> tensor<8xf32>
  // CHECK: tile.store %{{.*}} dims [0] adds : tensor<8xf32>, !tile.view<?xf32, var>
  tile.store %t, %C[%i] dims [0] adds : tensor<8xf32>, !tile.view<? x f32, var>
  // CHECK: tile.scatter %{{.*}} dims [-1] within [0] from %{{.*}} to %{{.*}} adds : tensor<8xf32>, !tile.view<?xf32, var>, tensor<8xi32>
  tile.scatter %t, %C[%rows] dims [-1] within [0] from %i to %i adds : tensor<8xf32>, !tile.view<? x f32, var>, tensor<8xi32>
  return
}

// CHECK-LABEL: func.func @narrow
func.func @narrow(%x: tensor<8x16xf32>, %y: f32, %c: tensor<8x8xf32>, %b: tensor<16x8xf8E4M3FN>) {
  // CHECK: tile.narrow %{{.*}} : tensor<8x16xf32> -> tensor<8x16xf8E4M3FN>
  %a = tile.narrow %x : tensor<8x16xf32> -> tensor<8x16xf8E4M3FN>
  // CHECK: tile.narrow %{{.*}} : f32 -> f8E5M2
  %s = tile.narrow %y : f32 -> f8E5M2
  // CHECK: tile.dot %{{.*}}, %{{.*}}, %{{.*}} : tensor<8x16xf8E4M3FN>, tensor<16x8xf8E4M3FN>, tensor<8x8xf32>
  %d = tile.dot %a, %b, %c : tensor<8x16xf8E4M3FN>, tensor<16x8xf8E4M3FN>, tensor<8x8xf32>
  return
}

// CHECK-LABEL: func.func @scaled
func.func @scaled(%x: !tile.view<? x 64 x i8>, %s: !tile.view<? x f32>) {
  // CHECK: tile.scaled %{{.*}} by %{{.*}} over [0] blocks [16] : !tile.view<?x64xi8>, !tile.view<?xf32> -> !tile.view<?x64xbf16>
  %0 = tile.scaled %x by %s over [0] blocks [16] : !tile.view<? x 64 x i8>, !tile.view<? x f32> -> !tile.view<? x 64 x bf16>
  return
}

// CHECK-LABEL: func.func @asked
// CHECK-SAME: tile.kernel = #tile.request<"sm_90a", warps 8, stages 2>
func.func @asked() attributes {tile.kernel = #tile.request<"sm_90a", warps 8, stages 2>} { return }

// CHECK-LABEL: func.func @folded
// CHECK-SAME: tile.kernel = #tile.request<"sm_80", warps 4, stages 1, folded_grid>
func.func @folded() attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 1, folded_grid>} { return }
