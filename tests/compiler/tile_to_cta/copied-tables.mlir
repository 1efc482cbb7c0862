// RUN: imbrex-opt %s -split-input-file -tile-to-cta -verify-diagnostics | FileCheck %s

// A table of rows that is computed in the loop, of which each thread that copies holds six (16 rows a round, of 96): it
// is made of what was loaded for it, in no layout but its own, so that copies may start ahead and other warps may make it.
// CHECK-LABEL: @held
// CHECK-NOT: cta.write
// CHECK: scf.for
// CHECK: %[[R:.*]] = tile.load %{{.*}} -> tensor<96xi32, #cta.layout<"reg lane (0) (0) (0) (0) (1) warps 8 stride 1 repeat 6">>
// CHECK: %[[T:.*]] = arith.addi %[[R]]
// CHECK: %[[E:.*]] = tile.expand_dims %[[T]]
// CHECK: cta.put {{.*}} rows %[[E]]
// CHECK-NOT: cta.write
// CHECK: cta.dot
func.func @held(%A: !tile.view<? x 128 x bf16>, %B: !tile.view<? x 128 x bf16>, %I: !tile.view<? x i32>, %O: !tile.view<? x 128 x f32, out>, %n: i32)
    attributes {tile.kernel = #tile.request<"sm_80", warps 8, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c96 = arith.constant 96 : i32
  %ones = arith.constant dense<1> : tensor<96xi32>
  %zs = arith.constant dense<0.0> : tensor<128x96xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 128 x bf16> -> tensor<128x128xbf16>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zs) -> (tensor<128x96xf32>) : i32 {
    %first = arith.muli %j, %c96 : i32
    %i = tile.load %I[%first] dims [0] : !tile.view<? x i32> -> tensor<96xi32>
    %rows = arith.addi %i, %ones : tensor<96xi32>
    %t = tile.expand_dims %rows at 1 : tensor<96xi32> -> tensor<96x1xi32>
    %b = tile.gather %B[%t, %c0] dims [-1, 1] : !tile.view<? x 128 x bf16>, tensor<96x1xi32>, i32 -> tensor<96x128xbf16>
    %bt = tile.transpose %b : tensor<96x128xbf16> -> tensor<128x96xbf16>
    %s = tile.dot %a, %bt, %acc : tensor<128x128xbf16>, tensor<128x96xbf16>, tensor<128x96xf32>
    scf.yield %s : tensor<128x96xf32>
  }
  tile.store %r, %O[%c0, %c0] dims [0, 1] : tensor<128x96xf32>, !tile.view<? x 128 x f32, out>
  return
}

// -----

// What the kernel stores to it cannot read again for them.
// CHECK-LABEL: @moved
// CHECK: scf.for
// CHECK: cta.write
// CHECK: cta.read
// CHECK: cta.put
// expected-remark @+1 {{1 tile conversion(s) through shared memory inside a loop}}
func.func @moved(%A: !tile.view<? x 128 x bf16>, %B: !tile.view<? x 128 x bf16>, %I: !tile.view<? x i32, var>, %O: !tile.view<? x 128 x f32, out>, %n: i32)
    attributes {tile.kernel = #tile.request<"sm_80", warps 8, stages 2>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c96 = arith.constant 96 : i32
  %ones = arith.constant dense<1> : tensor<96xi32>
  %zs = arith.constant dense<0.0> : tensor<128x96xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 128 x bf16> -> tensor<128x128xbf16>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zs) -> (tensor<128x96xf32>) : i32 {
    %first = arith.muli %j, %c96 : i32
    %i = tile.load %I[%first] dims [0] : !tile.view<? x i32, var> -> tensor<96xi32>
    // expected-remark @+1 {{goes through shared memory to the threads that copy what these rows are of}}
    %rows = arith.addi %i, %ones : tensor<96xi32>
    %t = tile.expand_dims %rows at 1 : tensor<96xi32> -> tensor<96x1xi32>
    %b = tile.gather %B[%t, %c0] dims [-1, 1] : !tile.view<? x 128 x bf16>, tensor<96x1xi32>, i32 -> tensor<96x128xbf16>
    %bt = tile.transpose %b : tensor<96x128xbf16> -> tensor<128x96xbf16>
    %s = tile.dot %a, %bt, %acc : tensor<128x128xbf16>, tensor<128x96xbf16>, tensor<128x96xf32>
    scf.yield %s : tensor<128x96xf32>
  }
  tile.store %r, %O[%c0, %c0] dims [0, 1] : tensor<128x96xf32>, !tile.view<? x 128 x f32, out>
  return
}
