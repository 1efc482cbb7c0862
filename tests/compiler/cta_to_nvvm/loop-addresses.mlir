// RUN: imbrex-opt %s -pass-pipeline='builtin.module(cta-to-nvvm)' | FileCheck %s

// A loop carries its copies' pointer, the rows left, and the first byte of the slot of two.
// CHECK-LABEL: llvm.func @copies
// CHECK: ^bb1(%[[J:.*]]: i32, %[[SLOT:.*]]: i32, %[[POINTER:.*]]: !llvm.ptr<1>, %[[LEFT:.*]]: i32):
// CHECK: llvm.icmp "sgt" %{{.*}}, %{{.*}} : i32
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %[[POINTER]], 16
// CHECK: nvvm.cp.async.commit.group
// CHECK: nvvm.cp.async.wait.group 1
// CHECK: llvm.sub %{{.*}}, %[[SLOT]] : i32
// CHECK: llvm.getelementptr %[[POINTER]]
// CHECK: llvm.add %[[LEFT]], %{{.*}} : i32
func.func @copies(%K: !tile.view<? x 64 x bf16> {tile.alignment = 16 : i32, tile.name = "K"}, %n: i32 {tile.name = "n"})
    attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 2>, cta.launch = #cta.launch<"sm_80", threads 128, shared 4096, registers 255>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c16 = arith.constant 16 : i32
  %r = cta.ring at 0 : !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %row = arith.muli %j, %c16 overflow<nsw> : i32
    cta.put %K[%row, %c0] dims [0, 1] into %r[%j] : !tile.view<? x 64 x bf16>, !cta.ring<16, 64, bf16, span 128, slots 2, by groups>
    cta.commit
    %k = cta.get %r[%j] pending 1 : !cta.ring<16, 64, bf16, span 128, slots 2, by groups> -> !cta.buffer<16, 64, bf16, span 128>
  }
  return
}

// Of lines side by side the loop carries one position, from which both are found.
// CHECK-LABEL: llvm.func @lines
// CHECK: ^bb1(%[[J:.*]]: i32, %[[SLOT:.*]]: i32, %[[AT:.*]]: i32, %[[AGAIN:.*]]: i32):
// CHECK: %[[WIDE:.*]] = llvm.sext %[[AT]] : i32 to i64
// CHECK: llvm.icmp "ult" %[[AT]], %{{.*}} : i32
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache =  cg, %
// CHECK: llvm.icmp "ult" %[[AGAIN]], %{{.*}} : i32
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16
// CHECK: llvm.add %[[AT]], %{{.*}} : i32
func.func @lines(%L: !tile.view<? x ? x f32> {tile.name = "L"}, %D: !tile.view<? x ? x f32> {tile.name = "D"}, %n: i32 {tile.name = "n"})
    attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 2>, cta.launch = #cta.launch<"sm_80", threads 128, shared 4096, registers 255>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %r = cta.ring at 0 : !cta.ring<1, 64, f32, span 128, slots 2, by groups>
  %s = cta.ring at 2048 : !cta.ring<1, 64, f32, span 128, slots 2, by groups>
  scf.for %j = %c0 to %n step %c1 : i32 {
    %at = arith.muli %j, %c64 overflow<nsw> : i32
    cta.put %L[%c1, %at] dims [0, 1] into %r[%j] : !tile.view<? x ? x f32>, !cta.ring<1, 64, f32, span 128, slots 2, by groups>
    cta.put %D[%c1, %at] dims [0, 1] into %s[%j] : !tile.view<? x ? x f32>, !cta.ring<1, 64, f32, span 128, slots 2, by groups>
    cta.commit
    %k = cta.get %r[%j] pending 1 : !cta.ring<1, 64, f32, span 128, slots 2, by groups> -> !cta.buffer<1, 64, f32, span 128>
  }
  return
}

// The pointer of a store too; a loop that goes on where another has ended takes it from there.
// CHECK-LABEL: llvm.func @stores
// CHECK: ^bb1(%[[I:.*]]: i32, %[[POINTER:.*]]: !llvm.ptr<1>):
// CHECK: llvm.store %{{.*}}, %[[POINTER]]
// CHECK: llvm.getelementptr %[[POINTER]]
// CHECK: llvm.br ^bb4(%{{.*}}, %[[POINTER]] : i32, !llvm.ptr<1>)
// CHECK: ^bb4(%{{.*}}: i32, %[[FURTHER:.*]]: !llvm.ptr<1>):
// CHECK: llvm.store %{{.*}}, %[[FURTHER]]
func.func @stores(%Y: !tile.view<? x 64 x f32, out> {tile.name = "Y"}, %m: i32 {tile.name = "m"}, %n: i32 {tile.name = "n"})
    attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 2>, cta.launch = #cta.launch<"sm_80", threads 128, shared 0, registers 255>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c2 = arith.constant 2 : i32
  %z = arith.constant dense<0.0> : tensor<2x64xf32, #cta.layout<"reg lane (0,1) (0,2) (0,4) (0,8) (0,16) warps 2x2 stride 2x1 repeat 1x1">>
  scf.for %i = %c0 to %m step %c1 : i32 {
    %row = arith.muli %i, %c2 overflow<nsw> : i32
    %end = arith.addi %row, %c2 overflow<nsw> : i32
    tile.store %z, %Y[%row, %c0] dims [0, 1] within [0] from %row to %end certain : tensor<2x64xf32, #cta.layout<"reg lane (0,1) (0,2) (0,4) (0,8) (0,16) warps 2x2 stride 2x1 repeat 1x1">>, !tile.view<? x 64 x f32, out>
  }
  scf.for %i = %m to %n step %c1 : i32 {
    %row = arith.muli %i, %c2 overflow<nsw> : i32
    %end = arith.addi %row, %c2 overflow<nsw> : i32
    tile.store %z, %Y[%row, %c0] dims [0, 1] within [0] from %row to %end certain : tensor<2x64xf32, #cta.layout<"reg lane (0,1) (0,2) (0,4) (0,8) (0,16) warps 2x2 stride 2x1 repeat 1x1">>, !tile.view<? x 64 x f32, out>
  } {cta.continues}
  return
}
