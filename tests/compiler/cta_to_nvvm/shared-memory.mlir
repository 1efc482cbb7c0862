// RUN: imbrex-opt %s -cta-pipeline -cta-to-nvvm -canonicalize | FileCheck %s

// A tile of 16 x 16 f32 through shared memory. Rows of 64 bytes; the bytes in a row are turned over by ((row / 2) % 4) * 16.
// A lane writes row r = lane / 4 and row r + 8, which lies 8 * 64 = 512 bytes on, four columns each; a barrier; what is
// read back lies at row (lane % 4) * 4 + i, column lane / 4, one element at a time.
// CHECK-LABEL: llvm.func @turn(
// CHECK-DAG: %[[C64:.*]] = llvm.mlir.constant(64 : i32) : i32
// CHECK-DAG: %[[C63:.*]] = llvm.mlir.constant(63 : i32) : i32
// CHECK-DAG: %[[C31:.*]] = llvm.mlir.constant(31 : i32) : i32
// CHECK-DAG: %[[C16:.*]] = llvm.mlir.constant(16 : i32) : i32
// CHECK-DAG: %[[C7:.*]] = llvm.mlir.constant(7 : i32) : i32
// CHECK-DAG: %[[C4:.*]] = llvm.mlir.constant(4 : i32) : i32
// CHECK-DAG: %[[C3:.*]] = llvm.mlir.constant(3 : i32) : i32
// CHECK-DAG: %[[C2:.*]] = llvm.mlir.constant(2 : i32) : i32
// CHECK-DAG: %[[C1:.*]] = llvm.mlir.constant(1 : i32) : i32
// CHECK-DAG: %[[SHARED:.*]] = llvm.mlir.addressof @turn_shared
// CHECK: %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x : i32
// CHECK: %[[LANE:.*]] = llvm.and %[[TID]], %[[C31]] : i32
// CHECK: %[[READ_COL_0:.*]] = llvm.lshr %[[LANE]], %[[C2]] : i32
// CHECK: %[[READ_COL:.*]] = llvm.and %[[READ_COL_0]], %[[C7]] : i32
// CHECK: %[[READ_ROW_0:.*]] = llvm.and %[[LANE]], %[[C3]] : i32
// CHECK: %[[READ_ROW:.*]] = llvm.mul %[[READ_ROW_0]], %[[C4]] : i32
// CHECK: %[[COL_0:.*]] = llvm.and %[[LANE]], %[[C3]] : i32
// CHECK: %[[COL:.*]] = llvm.mul %[[COL_0]], %[[C4]] : i32
// CHECK: %[[ROW_0:.*]] = llvm.lshr %[[LANE]], %[[C2]] : i32
// CHECK: %[[ROW:.*]] = llvm.and %[[ROW_0]], %[[C7]] : i32
// The bytes of a row, turned over:
// CHECK: %[[BYTES:.*]] = llvm.mul %[[COL]], %[[C4]] : i32
// CHECK: %[[INSIDE:.*]] = llvm.and %[[BYTES]], %[[C63]] : i32
// CHECK: %[[HALF:.*]] = llvm.lshr %[[ROW]], %[[C1]] : i32
// CHECK: %[[PHASE:.*]] = llvm.and %[[HALF]], %[[C3]] : i32
// CHECK: %[[TURN:.*]] = llvm.mul %[[PHASE]], %[[C16]] : i32
// CHECK: %[[TURNED:.*]] = llvm.xor %[[INSIDE]], %[[TURN]] : i32
// CHECK: %[[LINE:.*]] = llvm.mul %[[ROW]], %[[C64]] : i32
// CHECK: %[[AT:.*]] = llvm.add %[[LINE]], %[[TURNED]] : i32
// CHECK: %[[UPPER:.*]] = llvm.getelementptr %[[SHARED]][%[[AT]]]
// CHECK: llvm.store %{{.*}}, %[[UPPER]] {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<3>
// CHECK: %[[BASE:.*]] = llvm.getelementptr %[[SHARED]]
// CHECK: %[[LOWER:.*]] = llvm.getelementptr %[[BASE]][512]
// CHECK: llvm.store %{{.*}}, %[[LOWER]] {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<3>
// CHECK: llvm.call_intrinsic "llvm.nvvm.barrier.cta.sync.aligned.all"
// CHECK: %[[READ_BYTES:.*]] = llvm.mul %[[READ_COL]], %[[C4]] : i32
// CHECK: llvm.mul %[[READ_ROW]], %[[C64]] : i32
// CHECK: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> f32
// CHECK: %[[SECOND:.*]] = llvm.add %[[READ_ROW]], %[[C1]] : i32
// CHECK: llvm.lshr %[[SECOND]], %[[C1]] : i32
// CHECK: llvm.mul %[[SECOND]], %[[C64]] : i32
// CHECK: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> f32
func.func @turn(%X: !tile.view<? x 16 x f32>, %Y: !tile.view<? x 16 x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %c0 = arith.constant 0 : i32
  %x = tile.load %X[%c0, %c0] dims [0, 1] : !tile.view<? x 16 x f32> -> tensor<16x16xf32>
  %t = tile.transpose %x : tensor<16x16xf32> -> tensor<16x16xf32>
  %s = arith.addf %t, %x : tensor<16x16xf32>
  tile.store %s, %Y[%c0, %c0] dims [0, 1] : tensor<16x16xf32>, !tile.view<? x 16 x f32, out>
  return
}

// A product's sums go to shared memory by four matrices an instruction where the target can, and from there to the view.
// CHECK-LABEL: llvm.func @fragments(
// CHECK: nvvm.stmatrix %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}
// CHECK: "fence.proxy.async.shared::cta;"
// CHECK: barrier.cta.sync
// CHECK: cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [$1, {$2, $3}], [$0];
// CHECK: cp.async.bulk.commit_group;
// CHECK: cp.async.bulk.wait_group.read 0;
func.func @fragments(%A: !tile.view<? x 16 x f16> {tile.alignment = 16 : i32, tile.name = "A"}, %Y: !tile.view<? x 16 x f16, out> {tile.alignment = 16 : i32, tile.name = "Y"}) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : tensor<64x16xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 16 x f16> -> tensor<64x16xf16>
  %b = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 16 x f16> -> tensor<16x16xf16>
  %s = tile.dot %a, %b, %zero : tensor<64x16xf16>, tensor<16x16xf16>, tensor<64x16xf32>
  %y = arith.truncf %s : tensor<64x16xf32> to tensor<64x16xf16>
  tile.store %y, %Y[%c0, %c0] dims [0, 1] : tensor<64x16xf16>, !tile.view<? x 16 x f16, out>
  return
}

// Of 24 rows a layout covers 32. The 8 behind them are stored as zeros, over which matrices would go.
// CHECK-LABEL: llvm.func @margin(
// CHECK-NOT: stmatrix
// CHECK: llvm.return
func.func @margin(%A: !tile.view<? x 16 x f16> {tile.alignment = 16 : i32, tile.name = "A"}, %Y: !tile.view<? x 16 x f32, out> {tile.alignment = 16 : i32, tile.name = "Y"}) attributes {tile.kernel = #tile.request<"sm_90a", warps 1, stages 1>} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : tensor<24x16xf32>
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 16 x f16> -> tensor<24x16xf16>
  %b = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 16 x f16> -> tensor<16x16xf16>
  %s = tile.dot %a, %b, %zero : tensor<24x16xf16>, tensor<16x16xf16>, tensor<24x16xf32>
  %p = arith.truncf %s : tensor<24x16xf32> to tensor<24x16xf16>
  %t = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 16 x f16> -> tensor<16x24xf16>
  %y = tile.dot %t, %p, %none : tensor<16x24xf16>, tensor<24x16xf16>, tensor<16x16xf32>
  tile.store %y, %Y[%c0, %c0] dims [0, 1] : tensor<16x16xf32>, !tile.view<? x 16 x f32, out>
  return
}

// Bytes are turned in pairs by ldmatrix, and each pair's by prmt, which takes its selector from the lane; 16 rows of 32 are
// written at once. The threads that wrote them tell the async proxy, and meet.
// CHECK-LABEL: llvm.func @bytes(
// CHECK: %[[READ:.*]] = nvvm.ldmatrix %{{.*}} {eltType = #nvvm.ld_st_matrix_elt_type<b16>, layout = #nvvm.mma_layout<col>, num = 4 : i32
// CHECK: llvm.call_intrinsic "llvm.nvvm.prmt"(%[[A:.*]], %[[B:.*]], %[[EVEN:.*]]) :
// CHECK: llvm.call_intrinsic "llvm.nvvm.prmt"(%[[A]], %[[B]], %[[ODD:.*]]) :
// CHECK: llvm.call_intrinsic "llvm.nvvm.prmt"(%{{.*}}, %{{.*}}, %[[EVEN]]) :
// CHECK: llvm.call_intrinsic "llvm.nvvm.prmt"(%{{.*}}, %{{.*}}, %[[ODD]]) :
// CHECK: nvvm.stmatrix %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}
// CHECK: "fence.proxy.async.shared::cta;"
// CHECK: barrier.cta.sync
// CHECK: wgmma.mma_async.sync.aligned.m64n16k32.f32.e4m3.e4m3
func.func @bytes(%A: !tile.view<? x 32 x f8E4M3FN> {tile.alignment = 16 : i32, tile.name = "A"}, %Y: !tile.view<? x 16 x f32, out> {tile.alignment = 16 : i32, tile.name = "Y"}) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : tensor<64x16xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x f8E4M3FN> -> tensor<64x32xf8E4M3FN>
  %b = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x f8E4M3FN> -> tensor<32x16xf8E4M3FN>
  %s = tile.dot %a, %b, %zero : tensor<64x32xf8E4M3FN>, tensor<32x16xf8E4M3FN>, tensor<64x16xf32>
  tile.store %s, %Y[%c0, %c0] dims [0, 1] : tensor<64x16xf32>, !tile.view<? x 16 x f32, out>
  return
}

// f32 is rounded on its way: where K counts rows, four words of as many rows to 16 bytes of one; as it lies, 16 bytes.
// CHECK-LABEL: llvm.func @words(
// CHECK-COUNT-4: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK: nvvm.convert.float.to.tf32 %{{.*}} {rnd = #nvvm.fp_rnd_mode<rna>}
// CHECK: llvm.store %{{.*}}, %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<3>
// CHECK-COUNT-4: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> f32
// CHECK: nvvm.convert.float.to.tf32 %{{.*}} {rnd = #nvvm.fp_rnd_mode<rna>}
// CHECK: llvm.store %{{.*}}, %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<3>
// CHECK: "fence.proxy.async.shared::cta;"
// CHECK: barrier.cta.sync
// CHECK: wgmma.mma_async.sync.aligned.m64n32k8.f32.tf32.tf32
// CHECK-SAME: p, 1, 1; }"
func.func @words(%A: !tile.view<? x 32 x f32> {tile.alignment = 16 : i32, tile.name = "A"}, %Y: !tile.view<? x 32 x f32, out> {tile.alignment = 16 : i32, tile.name = "Y"}) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 1>} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : tensor<64x32xf32>
  %a = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x f32> -> tensor<64x32xf32>
  %b = tile.load %A[%c0, %c0] dims [0, 1] : !tile.view<? x 32 x f32> -> tensor<32x32xf32>
  %s = tile.dot %a, %b, %zero mode tf32 : tensor<64x32xf32>, tensor<32x32xf32>, tensor<64x32xf32>
  tile.store %s, %Y[%c0, %c0] dims [0, 1] : tensor<64x32xf32>, !tile.view<? x 32 x f32, out>
  return
}
