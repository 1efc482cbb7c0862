// RUN: imbrex-opt %s -cta-to-nvvm -canonicalize | FileCheck %s

// A slot of a ring lies 8 rows * 32 bytes = 256 bytes after the one before. 16 threads copy 16 bytes each: thread t row
// t / 2, bytes (t % 2) * 16, turned over by ((row / 4) % 2) * 16. A row beyond the view copies 0 of the 16 bytes, which
// clears them. The group is closed whether something was copied or not; the get waits for all but one group.
// CHECK-LABEL: llvm.func @copy(
// CHECK-SAME: %[[K:[a-z0-9]+]]: !llvm.ptr<1>, %[[ROWS:[a-z0-9]+]]: i32, %[[STRIDE:[a-z0-9]+]]: i64, %[[START:[a-z0-9]+]]: i32, %[[SLOT:[a-z0-9]+]]: i32, %[[IF:[a-z0-9]+]]: i8
// CHECK-DAG: %[[C256:.*]] = llvm.mlir.constant(256 : i32) : i32
// CHECK-DAG: %[[C32:.*]] = llvm.mlir.constant(32 : i32) : i32
// CHECK-DAG: %[[C16:.*]] = llvm.mlir.constant(16 : i32) : i32
// CHECK-DAG: %[[C2:.*]] = llvm.mlir.constant(2 : i32) : i32
// CHECK-DAG: %[[C1:.*]] = llvm.mlir.constant(1 : i32) : i32
// CHECK-DAG: %[[C0:.*]] = llvm.mlir.constant(0 : i32) : i32
// CHECK-DAG: %[[SHARED:.*]] = llvm.mlir.addressof @copy_shared
// CHECK: %[[COND:.*]] = llvm.{{.*}}%[[IF]]
// CHECK: %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x : i32
// CHECK: llvm.cond_br %[[COND]], ^[[COPIES:.*]], ^[[CLOSE:.*]]
// CHECK: ^[[COPIES]]:
// CHECK: %[[OFFSET:.*]] = llvm.mul %[[SLOT]], %[[C256]] : i32
// CHECK: %[[BASE:.*]] = llvm.getelementptr %[[SHARED]][%[[OFFSET]]]
// CHECK: %[[ROW:.*]] = llvm.udiv %[[TID]], %[[C2]] : i32
// CHECK: %[[SOME:.*]] = llvm.icmp "slt" %[[TID]], %[[C16]] : i32
// CHECK: llvm.cond_br %[[SOME]]
// CHECK: ^[[CLOSE]]:
// CHECK-NEXT: nvvm.cp.async.commit.group
// CHECK: nvvm.cp.async.wait.group 1
// CHECK-NEXT: llvm.call_intrinsic "llvm.nvvm.barrier.cta.sync.aligned.all"
// CHECK: %[[FROM:.*]] = llvm.add %[[START]], %[[ROW]] : i32
// CHECK: %[[IN:.*]] = llvm.icmp "ult" %[[FROM]], %[[ROWS]] : i32
// CHECK: %[[BYTES:.*]] = llvm.select %[[IN]], %[[C16]], %[[C0]] : i1, i32
// CHECK: %[[QUARTER:.*]] = llvm.lshr %[[ROW]], %[[C2]] : i32
// CHECK: %[[PHASE:.*]] = llvm.and %[[QUARTER]], %[[C1]] : i32
// CHECK: %[[TURN:.*]] = llvm.mul %[[PHASE]], %[[C16]] : i32
// CHECK: %[[TURNED:.*]] = llvm.xor %{{.*}}, %[[TURN]] : i32
// CHECK: %[[LINE:.*]] = llvm.mul %[[ROW]], %[[C32]] : i32
// CHECK: %[[AT:.*]] = llvm.add %[[LINE]], %[[TURNED]] : i32
// CHECK: %[[TO:.*]] = llvm.getelementptr %[[BASE]][%[[AT]]]
// CHECK: %[[WIDE:.*]] = llvm.sext %[[ROW]] : i32 to i64
// CHECK: llvm.mul %[[WIDE]], %[[STRIDE]] : i64
// CHECK: nvvm.cp.async.shared.global %[[TO]], %{{.*}}, 16, cache =  cg, %[[BYTES]]
func.func @copy(%K: !tile.view<? x 16 x f16>, %start: i32, %slot: i32, %if: i1, %Y: !tile.view<? x 16 x f16, out>)
    attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>, cta.launch = #cta.launch<"sm_80", threads 32, shared 768, registers 255>} {
  %c0 = arith.constant 0 : i32
  %ring = cta.alloc at 0 : !cta.buffer<8, 16, f16, span 32, slots 3>
  cta.put %K[%start, %c0] dims [0, 1] into %ring[%slot] if %if : !tile.view<? x 16 x f16>, !cta.buffer<8, 16, f16, span 32, slots 3>
  %k = cta.get %ring[%slot] pending 1 : !cta.buffer<8, 16, f16, span 32, slots 3> -> !cta.buffer<8, 16, f16, span 32, slots 1>
  %x = cta.read %k : !cta.buffer<8, 16, f16, span 32, slots 1> -> tensor<8x16xf16, #cta.layout<"reg (0,1) (0,2) lane (0,4) (0,8) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  tile.store %x, %Y[%c0, %c0] dims [0, 1] : tensor<8x16xf16, #cta.layout<"reg (0,1) (0,2) lane (0,4) (0,8) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>, !tile.view<? x 16 x f16, out>
  return
}
