// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-intersect-masks),canonicalize)' | FileCheck %s
// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-intersect-masks))' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Two comparisons of columns, one that each row moves by one: the ends are a number a row and a number for all.
// CHECK-LABEL: @window
func.func @window(%x: tensor<32x64xf32>, %n: i32, %j: i32) -> tensor<32x64xf32> {
  %inf = arith.constant dense<0xFF800000> : tensor<32x64xf32>
  %rows = tile.iota : tensor<32xi32>
  %cols = tile.iota : tensor<64xi32>
  %r = tile.expand_dims %rows at 1 : tensor<32xi32> -> tensor<32x1xi32>
  %c = tile.expand_dims %cols at 0 : tensor<64xi32> -> tensor<1x64xi32>
  %q = tile.broadcast %r : tensor<32x1xi32> -> tensor<32x64xi32>
  %k = tile.broadcast %c : tensor<1x64xi32> -> tensor<32x64xi32>
  %js = tile.splat %j : i32 -> tensor<32x64xi32>
  %ns = tile.splat %n : i32 -> tensor<32x64xi32>
  %kj = arith.addi %k, %js overflow<nsw> : tensor<32x64xi32>
  %below = arith.cmpi slt, %kj, %ns : tensor<32x64xi32>
  %seen = arith.cmpi sle, %kj, %q : tensor<32x64xi32>
  %near = arith.cmpi sge, %kj, %q : tensor<32x64xi32>
  %a = arith.andi %below, %seen : tensor<32x64xi1>
  %mask = arith.andi %a, %near : tensor<32x64xi1>
  // CHECK-NOT: arith.cmpi
  // CHECK: %[[LOW:.*]] = arith.addi %{{.*}} : tensor<32xi32>
  // CHECK: %[[HIGH:.*]] = arith.minsi %{{.*}} : tensor<32xi32>
  // CHECK: %[[M:.*]] = tile.interval %{{.*}}, %[[HIGH]] : tensor<32xi32> -> tensor<32x64xi1>
  // CHECK: arith.select %[[M]]
  %s = arith.select %mask, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  return %s : tensor<32x64xf32>
}

// Every other column is no interval, and neither is a choice of two.
// CHECK-LABEL: @others
func.func @others(%x: tensor<32x64xf32>, %n: i32) -> (tensor<32x64xf32>, tensor<32x64xf32>) {
  %inf = arith.constant dense<0xFF800000> : tensor<32x64xf32>
  %two = arith.constant dense<2> : tensor<32x64xi32>
  %cols = tile.iota : tensor<64xi32>
  %c = tile.expand_dims %cols at 0 : tensor<64xi32> -> tensor<1x64xi32>
  %k = tile.broadcast %c : tensor<1x64xi32> -> tensor<32x64xi32>
  %ns = tile.splat %n : i32 -> tensor<32x64xi32>
  %k2 = arith.muli %k, %two overflow<nsw> : tensor<32x64xi32>
  // CHECK-NOT: tile.interval
  %far = arith.cmpi slt, %k2, %ns : tensor<32x64xi32>
  %a = arith.select %far, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  %low = arith.cmpi slt, %k, %ns : tensor<32x64xi32>
  %high = arith.cmpi sgt, %k, %two : tensor<32x64xi32>
  %either = arith.ori %low, %high : tensor<32x64xi1>
  %b = arith.select %either, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  return %a, %b : tensor<32x64xf32>, tensor<32x64xf32>
}

// What was decided, and what was not.
// REMARK-DAG: remark: 3 comparison(s) an element became one interval of columns a row
