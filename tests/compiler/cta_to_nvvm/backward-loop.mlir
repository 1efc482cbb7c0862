// RUN: imbrex-opt %s -cta-to-nvvm -split-input-file | FileCheck %s

// Products issued together, tiles that come and go together, and lines that threads write and fragments read: one fence
// for the first two products, no wait for what an earlier one has waited for, one barrier for two tiles, and one for
// two lines, whose elements lie as four of a thread side by side.

#c = #cta.layout<"reg (0,1) (8,0) (0,8) (0,16) (0,32) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 4x1 stride 1x1 repeat 1x1">
#row = #cta.layout<"reg (0,1) (0,8) (0,16) (0,32) lane (0,2) (0,4) (0,0) (0,0) (0,0) warps 1x1 stride 1x1 repeat 1x1">
#line = #cta.layout<"reg (1) (8) (16) (32) lane (2) (4) (0) (0) (0) warps 1 stride 1 repeat 1">
#each = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 2 stride 1 repeat 1">

!tile = !cta.ring<64, 64, bf16, span 128, slots 2, by mbarrier>
!slot = !cta.buffer<64, 64, bf16, span 128>
!line = !cta.ring<1, 64, f32, span 128, slots 2, by mbarrier>
!lineslot = !cta.buffer<1, 64, f32, span 128>
!sums = tensor<64x64xf32, #c>

// Two barriers a slot for the tiles, two for the lines.
// CHECK-LABEL: llvm.func @loop
// CHECK-COUNT-8: llvm.nvvm.mbarrier.init.shared
// CHECK-NOT: llvm.nvvm.mbarrier.init.shared
// The tiles' slots are full: both products of the operand that the loop does not change, behind one fence.
// CHECK: llvm.nvvm.mbarrier.try.wait
// CHECK-NOT: llvm.nvvm.mbarrier.try.wait
// CHECK: wgmma.fence
// CHECK-NOT: wgmma.fence
// CHECK: wgmma.commit_group
// CHECK-NOT: wgmma.fence
// CHECK: wgmma.commit_group
// CHECK: wgmma.wait_group.sync.aligned 1;
// CHECK: llvm.nvvm.mbarrier.try.wait
// CHECK-NOT: llvm.nvvm.mbarrier
// CHECK-COUNT-4: llvm.load {{.*}} : !llvm.ptr<3> -> vector<4xf32>
// CHECK-NOT: llvm.nvvm.mbarrier
// CHECK: wgmma.fence
// CHECK: wgmma.wait_group.sync.aligned 1;
// CHECK-NOT: llvm.nvvm.mbarrier.try.wait
// CHECK-COUNT-4: llvm.load {{.*}} : !llvm.ptr<3> -> vector<4xf32>
// CHECK: llvm.nvvm.mbarrier.arrive.shared
// CHECK: wgmma.fence
// CHECK: wgmma.wait_group.sync.aligned 0;
// CHECK-NOT: wgmma.wait_group
// CHECK: llvm.nvvm.mbarrier.arrive.shared
// CHECK-NOT: llvm.nvvm.mbarrier.arrive.shared
// The copying warps: both tiles, then one wait for the lines' slots, both lines, one arrival. They carry the pointers of
// both lines.
// CHECK: ^bb{{[0-9]+}}({{.*}}: !llvm.ptr<1>, %{{[0-9]+}}: !llvm.ptr<1>,
// CHECK: llvm.nvvm.mbarrier.arrive.expect.tx
// CHECK-NOT: llvm.nvvm.mbarrier.arrive.expect.tx
// CHECK: llvm.nvvm.mbarrier.try.wait
// CHECK-NOT: llvm.nvvm.mbarrier
// CHECK-COUNT-2: llvm.store {{.*}} : f32, !llvm.ptr<3>
// No descriptor reads them.
// CHECK-NOT: fence.proxy.async
// CHECK: llvm.nvvm.mbarrier.arrive.shared
// CHECK-NOT: llvm.nvvm.mbarrier
func.func @loop(%Q: !tile.view<? x 64 x bf16> {tile.alignment = 16 : i32, tile.name = "Q"}, %G: !tile.view<? x 64 x bf16> {tile.alignment = 16 : i32, tile.name = "G"}, %L: !tile.view<? x f32> {tile.name = "L"}, %D: !tile.view<? x f32> {tile.name = "D"}, %Y: !tile.view<? x 64 x f32, out> {tile.name = "Y"}, %n: i32 {tile.name = "n"})
    attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>, cta.launch = #cta.launch<"sm_90a", threads 256, shared 49408, registers 255>} {
  %mq = cta.tensor_map %Q box [64, 64] span 128 : !tile.view<? x 64 x bf16>
  %mg = cta.tensor_map %G box [64, 64] span 128 : !tile.view<? x 64 x bf16>
  %k = cta.alloc at 0 : !slot
  %q = cta.ring at 8192 barriers 49152 : !tile
  %g = cta.ring at 24576 barriers 49184 : !tile
  %l = cta.ring at 40960 barriers 49216 : !line
  %d = cta.ring at 45056 barriers 49248 : !line
  cta.roles compute warps 4 registers 240 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %z = arith.constant dense<0.0> : !sums
    %r:2 = scf.for %j = %c0 to %n step %c1 iter_args(%dk = %z, %dv = %z) -> (!sums, !sums) : i32 {
      %qs = cta.get %q[%j] : !tile -> !slot
      %gs = cta.get %g[%j] : !tile -> !slot
      %s0 = cta.dot wgmma async buffer %k : !slot, %qs transposed_b, %z : !slot, !sums -> !sums
      %p0 = cta.dot wgmma async buffer %k : !slot, %gs transposed_b, %z : !slot, !sums -> !sums
      %s = cta.dot_wait %s0 pending 1 : !sums -> !sums
      %ls = cta.get %l[%j] : !line -> !lineslot
      %lr = cta.read %ls : !lineslot -> tensor<64xf32, #line>
      cta.release %l[%j] : !line
      %lx = tile.expand_dims %lr at 0 : tensor<64xf32, #line> -> tensor<1x64xf32, #row>
      %lb = tile.broadcast %lx : tensor<1x64xf32, #row> -> !sums
      %x = arith.subf %s, %lb : !sums
      %xc = arith.truncf %x : !sums to tensor<64x64xbf16, #c>
      %dv0 = cta.dot wgmma async tile %xc : tensor<64x64xbf16, #c>, %gs, %dv : !slot, !sums -> !sums
      %p = cta.dot_wait %p0 pending 1 : !sums -> !sums
      %ds = cta.get %d[%j] : !line -> !lineslot
      %dr = cta.read %ds : !lineslot -> tensor<64xf32, #line>
      cta.release %d[%j] : !line
      %dx = tile.expand_dims %dr at 0 : tensor<64xf32, #line> -> tensor<1x64xf32, #row>
      %db = tile.broadcast %dx : tensor<1x64xf32, #row> -> !sums
      %y = arith.subf %p, %db : !sums
      %yc = arith.truncf %y : !sums to tensor<64x64xbf16, #c>
      %dk0 = cta.dot wgmma async tile %yc : tensor<64x64xbf16, #c>, %qs, %dk : !slot, !sums -> !sums
      %dk1 = cta.dot_wait %dk0 pending 0 : !sums -> !sums
      %dv1 = cta.dot_wait %dv0 pending 1 : !sums -> !sums
      cta.release %g[%j] : !tile
      cta.release %q[%j] : !tile
      scf.yield %dk1, %dv1 : !sums, !sums
    }
    %sum = arith.addf %r#0, %r#1 : !sums
    tile.store %sum, %Y[%c0, %c0] dims [0, 1] : !sums, !tile.view<? x 64 x f32, out>
  } copy warps 4 registers 40 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c64 = arith.constant 64 : i32
    scf.for %j = %c0 to %n step %c1 : i32 {
      %at = arith.muli %j, %c64 overflow<nsw> : i32
      cta.put %Q[%at, %c0] dims [0, 1] into %q[%j] via %mq : !tile.view<? x 64 x bf16>, !tile
      cta.put %G[%at, %c0] dims [0, 1] into %g[%j] via %mg : !tile.view<? x 64 x bf16>, !tile
      %lv = tile.load %L[%at] dims [0] : !tile.view<? x f32> -> tensor<64xf32, #each>
      %ls = cta.acquire %l[%j] : !line -> !lineslot
      cta.write %lv, %ls : tensor<64xf32, #each>, !lineslot
      cta.publish %l[%j] : !line
      %dv = tile.load %D[%at] dims [0] : !tile.view<? x f32> -> tensor<64xf32, #each>
      %ds = cta.acquire %d[%j] : !line -> !lineslot
      cta.write %dv, %ds : tensor<64xf32, #each>, !lineslot
      cta.publish %d[%j] : !line
    }
  }
  return
}

// -----

// Not lines between which another step is waited for, nor tiles between which something is released.

#each = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 2 stride 1 repeat 1">

!tile = !cta.ring<64, 64, bf16, span 128, slots 2, by mbarrier>
!slot = !cta.buffer<64, 64, bf16, span 128>
!line = !cta.ring<1, 64, f32, span 128, slots 2, by mbarrier>
!lineslot = !cta.buffer<1, 64, f32, span 128>

// CHECK-LABEL: llvm.func @apart
// CHECK-COUNT-16: llvm.nvvm.mbarrier.init.shared
func.func @apart(%Q: !tile.view<? x 64 x bf16> {tile.alignment = 16 : i32, tile.name = "Q"}, %L: !tile.view<? x f32> {tile.name = "L"}, %n: i32 {tile.name = "n"})
    attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2>, cta.launch = #cta.launch<"sm_90a", threads 256, shared 49408, registers 255>} {
  %mq = cta.tensor_map %Q box [64, 64] span 128 : !tile.view<? x 64 x bf16>
  %q = cta.ring at 8192 barriers 49152 : !tile
  %g = cta.ring at 24576 barriers 49184 : !tile
  %l = cta.ring at 40960 barriers 49216 : !line
  %d = cta.ring at 45056 barriers 49248 : !line
  cta.roles compute warps 4 registers 240 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    scf.for %j = %c0 to %n step %c1 : i32 {
      %next = arith.addi %j, %c1 : i32
      %qs = cta.get %q[%j] : !tile -> !slot
      cta.release %q[%j] : !tile
      %ls = cta.get %l[%j] : !line -> !lineslot
      %gs = cta.get %g[%next] : !tile -> !slot
      %ds = cta.get %d[%j] : !line -> !lineslot
      cta.release %l[%j] : !line
      cta.release %d[%j] : !line
      cta.release %g[%next] : !tile
    }
  } copy warps 4 registers 40 {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %z = arith.constant dense<0.0> : tensor<64xf32, #each>
    scf.for %j = %c0 to %n step %c1 : i32 {
      cta.put %Q[%j, %c0] dims [0, 1] into %q[%j] via %mq : !tile.view<? x 64 x bf16>, !tile
      cta.put %Q[%j, %c0] dims [0, 1] into %g[%j] via %mq : !tile.view<? x 64 x bf16>, !tile
      %ls = cta.acquire %l[%j] : !line -> !lineslot
      cta.write %z, %ls : tensor<64xf32, #each>, !lineslot
      cta.publish %l[%j] : !line
      %ds = cta.acquire %d[%j] : !line -> !lineslot
      cta.write %z, %ds : tensor<64xf32, #each>, !lineslot
      cta.publish %d[%j] : !line
    }
  }
  return
}
