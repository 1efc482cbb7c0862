// RUN: imbrex-opt %s -cta-to-nvvm -canonicalize | FileCheck %s

// A slot of a ring lies 8 rows * 32 bytes = 256 bytes after the one before: step mod 3 says which. 16 threads copy 16
// bytes each: thread t row t / 2, bytes (t % 2) * 16, turned over by ((row / 4) % 2) * 16. A row beyond the view copies 0
// of the 16 bytes, which clears them; so does every row where the condition does not hold.
// CHECK-LABEL: llvm.func @copy(
// CHECK-SAME: %[[K:[a-z0-9]+]]: !llvm.ptr<1>, %[[ROWS:[a-z0-9]+]]: i32, %[[STRIDE:[a-z0-9]+]]: i64, %[[START:[a-z0-9]+]]: i32, %[[STEP:[a-z0-9]+]]: i32, %[[IF:[a-z0-9]+]]: i8
// CHECK-DAG: %[[C256:.*]] = llvm.mlir.constant(256 : i32) : i32
// CHECK-DAG: %[[C32:.*]] = llvm.mlir.constant(32 : i32) : i32
// CHECK-DAG: %[[C16:.*]] = llvm.mlir.constant(16 : i32) : i32
// CHECK-DAG: %[[C8:.*]] = llvm.mlir.constant(8 : i32) : i32
// CHECK-DAG: %[[C3:.*]] = llvm.mlir.constant(3 : i32) : i32
// CHECK-DAG: %[[C2:.*]] = llvm.mlir.constant(2 : i32) : i32
// CHECK-DAG: %[[C1:.*]] = llvm.mlir.constant(1 : i32) : i32
// CHECK-DAG: %[[C0:.*]] = llvm.mlir.constant(0 : i32) : i32
// CHECK-DAG: %[[SHARED:.*]] = llvm.mlir.addressof @copy_shared
// CHECK: %[[COND:.*]] = llvm.{{.*}}%[[IF]]
// CHECK: %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x : i32
// CHECK: %[[SLOT:.*]] = llvm.urem %[[STEP]], %[[C3]] : i32
// CHECK: %[[OFFSET:.*]] = llvm.mul %[[SLOT]], %[[C256]] : i32
// CHECK: %[[BASE:.*]] = llvm.getelementptr %[[SHARED]][%[[OFFSET]]]
// CHECK: %[[ROW:.*]] = llvm.udiv %[[TID]], %[[C2]] : i32
// CHECK: %[[WIDE:.*]] = llvm.sext %[[ROW]] : i32 to i64
// CHECK: %[[VIEWROW:.*]] = llvm.add %{{.*}}, %[[WIDE]] : i64
// CHECK: llvm.mul %[[VIEWROW]], %[[STRIDE]] : i64
// CHECK: %[[SOURCE:.*]] = llvm.getelementptr %[[K]]
// CHECK: %[[FROM:.*]] = llvm.add %{{.*}}, %[[ROW]] : i32
// CHECK: %[[END:.*]] = llvm.select %[[COND]], %[[ROWS]], %[[C0]] : i1, i32
// CHECK: %[[SOME:.*]] = llvm.icmp "slt" %[[ROW]], %[[C8]] : i32
// CHECK: llvm.cond_br %[[SOME]], ^[[COPIES:.*]], ^[[CLOSE:.*]]
// CHECK: ^[[COPIES]]:
// CHECK: %[[IN:.*]] = llvm.icmp "ult" %[[FROM]], %[[END]] : i32
// CHECK: %[[QUARTER:.*]] = llvm.lshr %[[ROW]], %[[C2]] : i32
// CHECK: %[[PHASE:.*]] = llvm.and %[[QUARTER]], %[[C1]] : i32
// CHECK: %[[TURN:.*]] = llvm.mul %[[PHASE]], %[[C16]] : i32
// CHECK: %[[TURNED:.*]] = llvm.xor %{{.*}}, %[[TURN]] : i32
// CHECK: %[[LINE:.*]] = llvm.mul %[[ROW]], %[[C32]] : i32
// CHECK: %[[AT:.*]] = llvm.add %[[LINE]], %[[TURNED]] : i32
// CHECK: %[[TO:.*]] = llvm.getelementptr %[[BASE]][%[[AT]]]
// CHECK: %[[BYTES:.*]] = llvm.select %[[IN]], %[[C16]], %[[C0]] : i1, i32
// CHECK: nvvm.cp.async.shared.global %[[TO]], %[[SOURCE]], 16, cache =  cg, %[[BYTES]]
// CHECK: ^[[CLOSE]]:
// CHECK-NEXT: nvvm.cp.async.commit.group
// CHECK: nvvm.cp.async.wait.group 1
// CHECK: llvm.call_intrinsic "llvm.nvvm.barrier.cta.sync.aligned.all"
func.func @copy(%K: !tile.view<? x 16 x f16>, %start: i32, %step: i32, %if: i1, %Y: !tile.view<? x 16 x f16, out>)
    attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>, cta.launch = #cta.launch<"sm_80", threads 32, shared 768, registers 255>} {
  %c0 = arith.constant 0 : i32
  %ring = cta.ring at 0 : !cta.ring<8, 16, f16, span 32, slots 3, by groups>
  cta.put %K[%start, %c0] dims [0, 1] into %ring[%step] if %if : !tile.view<? x 16 x f16>, !cta.ring<8, 16, f16, span 32, slots 3, by groups>
  cta.commit
  %k = cta.get %ring[%step] pending 1 : !cta.ring<8, 16, f16, span 32, slots 3, by groups> -> !cta.buffer<8, 16, f16, span 32>
  cta.barrier cta
  %x = cta.read %k : !cta.buffer<8, 16, f16, span 32> -> tensor<8x16xf16, #cta.layout<"reg (0,1) (0,2) lane (0,4) (0,8) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  tile.store %x, %Y[%c0, %c0] dims [0, 1] : tensor<8x16xf16, #cta.layout<"reg (0,1) (0,2) lane (0,4) (0,8) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>, !tile.view<? x 16 x f16, out>
  return
}
