// RUN: imbrex-opt %s -cta-to-nvvm -canonicalize -split-input-file | FileCheck %s

// One mma.sync of 16 x 8 x 16. The four registers of ldmatrix for A (rows 0-7 and 8-15 of columns 0-7, then of 8-15) are
// A's in this order, and B's two are its two; the accumulator's four are rows r and r + 8, two columns each.
// CHECK-LABEL: llvm.func @mma(
// CHECK-DAG: %[[C0:.*]] = llvm.mlir.constant(0 : i32) : i32
// CHECK-DAG: %[[C1:.*]] = llvm.mlir.constant(1 : i32) : i32
// CHECK-DAG: %[[Z:.*]] = llvm.mlir.constant(0.000000e+00 : f32) : f32
// CHECK: %[[A:.*]] = nvvm.ldmatrix %{{.*}} num = 4
// CHECK: %[[A0:.*]] = llvm.extractvalue %[[A]][0]
// CHECK: %[[A1:.*]] = llvm.extractvalue %[[A]][1]
// CHECK: %[[A2:.*]] = llvm.extractvalue %[[A]][2]
// CHECK: %[[A3:.*]] = llvm.extractvalue %[[A]][3]
// CHECK: %[[V0:.*]] = llvm.bitcast %[[A0]] : i32 to vector<2xf16>
// CHECK: %[[LOW0:.*]] = llvm.extractelement %[[V0]][%[[C0]]
// CHECK: %[[HIGH0:.*]] = llvm.extractelement %[[V0]][%[[C1]]
// CHECK: %[[V1:.*]] = llvm.bitcast %[[A1]] : i32 to vector<2xf16>
// CHECK: %[[LOW1:.*]] = llvm.extractelement %[[V1]][%[[C0]]
// CHECK: %[[V2:.*]] = llvm.bitcast %[[A2]] : i32 to vector<2xf16>
// CHECK: %[[LOW2:.*]] = llvm.extractelement %[[V2]][%[[C0]]
// CHECK: %[[V3:.*]] = llvm.bitcast %[[A3]] : i32 to vector<2xf16>
// CHECK: %[[LOW3:.*]] = llvm.extractelement %[[V3]][%[[C0]]
// B's buffer lies at byte 512.
// CHECK: %[[KEYS:.*]] = llvm.getelementptr %{{.*}}[512]
// CHECK: %[[HALF0:.*]] = llvm.insertelement %[[LOW0]], %{{.*}}[%[[C0]]
// CHECK: %[[R0:.*]] = llvm.insertelement %[[HIGH0]], %[[HALF0]][%[[C1]]
// CHECK: %[[HALF1:.*]] = llvm.insertelement %[[LOW1]], %{{.*}}[%[[C0]]
// CHECK: %[[R1:.*]] = llvm.insertelement %{{.*}}, %[[HALF1]][%[[C1]]
// CHECK: %[[HALF2:.*]] = llvm.insertelement %[[LOW2]], %{{.*}}[%[[C0]]
// CHECK: %[[R2:.*]] = llvm.insertelement %{{.*}}, %[[HALF2]][%[[C1]]
// CHECK: %[[HALF3:.*]] = llvm.insertelement %[[LOW3]], %{{.*}}[%[[C0]]
// CHECK: %[[R3:.*]] = llvm.insertelement %{{.*}}, %[[HALF3]][%[[C1]]
// CHECK: %[[LINE:.*]] = llvm.getelementptr %[[KEYS]][
// CHECK: %[[B:.*]] = nvvm.ldmatrix %[[LINE]] {{.*}}num = 2
// CHECK-DAG: %[[B0:.*]] = llvm.extractvalue %[[B]][0]
// CHECK-DAG: %[[B1:.*]] = llvm.extractvalue %[[B]][1]
// CHECK-DAG: %[[W0:.*]] = llvm.bitcast %[[B0]] : i32 to vector<2xf16>
// CHECK-DAG: %[[W1:.*]] = llvm.bitcast %[[B1]] : i32 to vector<2xf16>
// CHECK: %[[D:.*]] = nvvm.mma.sync A[%[[R0]], %[[R1]], %[[R2]], %[[R3]]] B[%[[W0]], %[[W1]]] C[%[[Z]], %[[Z]], %[[Z]], %[[Z]]] {{.*}}shape = #nvvm.shape<m = 16, n = 8, k = 16>
// CHECK-DAG: %[[D0:.*]] = llvm.extractvalue %[[D]][0]
// CHECK-DAG: %[[D1:.*]] = llvm.extractvalue %[[D]][1]
// CHECK-DAG: %[[D2:.*]] = llvm.extractvalue %[[D]][2]
// CHECK-DAG: %[[D3:.*]] = llvm.extractvalue %[[D]][3]
// CHECK: %[[UP:.*]] = llvm.insertelement %[[D0]], %{{.*}}[%[[C0]]
// CHECK: llvm.insertelement %[[D1]], %[[UP]][%[[C1]]
// CHECK: %[[DOWN:.*]] = llvm.insertelement %[[D2]], %{{.*}}[%[[C0]]
// CHECK: llvm.insertelement %[[D3]], %[[DOWN]][%[[C1]]
func.func @mma(%Y: !tile.view<? x 8 x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>, cta.launch = #cta.launch<"sm_80", threads 32, shared 768, registers 255>} {
  %c0 = arith.constant 0 : i32
  %qs = cta.alloc at 0 : !cta.buffer<16, 16, f16, span 32>
  %ks = cta.alloc at 512 : !cta.buffer<8, 16, f16, span 32>
  %q = cta.read %qs : !cta.buffer<16, 16, f16, span 32> -> tensor<16x16xf16, #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  %z = arith.constant dense<0.0> : tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  %r = cta.dot mma tile %q : tensor<16x16xf16, #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>, %ks transposed_b, %z : !cta.buffer<8, 16, f16, span 32>, tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">> -> tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  tile.store %r, %Y[%c0, %c0] dims [0, 1] : tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>, !tile.view<? x 8 x f32, out>
  return
}

// -----

// A multiply-add product, depth 8: four of a row of A are loaded at once, and four of a row of B, one for each column. The first
// factors of all columns are multiplied, then the others join by fma in the order of the depth, 0 to 3 and then 4 to 7, before the
// next are read; the sums join the accumulator last. The rows of B lie 32 bytes apart, and rows 4 to 7, as columns 4 to 7 of A,
// where bit 4 of the thread's address is turned.
// CHECK-LABEL: llvm.func @fma(
// CHECK-DAG: %[[TURN:.*]] = llvm.mlir.constant(16 : i32) : i32
// CHECK: %[[FOUR:.*]] = llvm.load %[[A:.*]] {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK: %[[X0:.*]] = llvm.extractelement %[[FOUR]]
// CHECK: %[[X1:.*]] = llvm.extractelement %[[FOUR]]
// CHECK: %[[X2:.*]] = llvm.extractelement %[[FOUR]]
// CHECK: %[[X3:.*]] = llvm.extractelement %[[FOUR]]
// CHECK: %[[ROW0:.*]] = llvm.load %[[B:.*]] {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK: %[[Y0:.*]] = llvm.extractelement %[[ROW0]]
// CHECK: %[[Z0:.*]] = llvm.extractelement %[[ROW0]]
// CHECK: %[[P0:.*]] = llvm.fmul %[[X0]], %[[Y0]] : f32
// CHECK: %[[Q0:.*]] = llvm.fmul %[[X0]], %[[Z0]] : f32
// CHECK: %[[B1:.*]] = llvm.getelementptr %[[B]][32]
// CHECK: %[[ROW1:.*]] = llvm.load %[[B1]] {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK: %[[Y1:.*]] = llvm.extractelement %[[ROW1]]
// CHECK: %[[Z1:.*]] = llvm.extractelement %[[ROW1]]
// CHECK: %[[P1:.*]] = llvm.intr.fma(%[[X1]], %[[Y1]], %[[P0]])
// CHECK: llvm.intr.fma(%[[X1]], %[[Z1]], %[[Q0]])
// CHECK: %[[ROW2:.*]] = llvm.load
// CHECK: %[[Y2:.*]] = llvm.extractelement %[[ROW2]]
// CHECK: %[[P2:.*]] = llvm.intr.fma(%[[X2]], %[[Y2]], %[[P1]])
// CHECK: %[[ROW3:.*]] = llvm.load
// CHECK: %[[Y3:.*]] = llvm.extractelement %[[ROW3]]
// CHECK: %[[P3:.*]] = llvm.intr.fma(%[[X3]], %[[Y3]], %[[P2]])
// CHECK: %[[OWN:.*]] = llvm.ptrtoint %[[A]] : !llvm.ptr<3> to i32
// CHECK: %[[TURNED:.*]] = llvm.xor %[[OWN]], %[[TURN]] : i32
// CHECK: %[[A4:.*]] = llvm.inttoptr %[[TURNED]] : i32 to !llvm.ptr<3>
// CHECK: %[[MORE:.*]] = llvm.load %[[A4]] {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK: %[[X4:.*]] = llvm.extractelement %[[MORE]]
// CHECK: %[[ROW4:.*]] = llvm.load
// CHECK: %[[Y4:.*]] = llvm.extractelement %[[ROW4]]
// CHECK: llvm.intr.fma(%[[X4]], %[[Y4]], %[[P3]])
// CHECK-COUNT-4: llvm.fadd
// CHECK-NOT: llvm.fadd
func.func @fma(%Y: !tile.view<? x 8 x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>, cta.launch = #cta.launch<"sm_80", threads 32, shared 768, registers 255>} {
  %c0 = arith.constant 0 : i32
  %a = cta.alloc at 0 : !cta.buffer<16, 8, f32, span 32>
  %b = cta.alloc at 512 : !cta.buffer<8, 8, f32, span 32>
  %z = arith.constant dense<1.0> : tensor<16x8xf32, #cta.layout<"reg (0,1) (0,2) lane (0,4) (1,0) (2,0) (4,0) (8,0) warps 1x1 stride 1x1 repeat 1x1">>
  %r = cta.dot fma buffer %a : !cta.buffer<16, 8, f32, span 32>, %b, %z : !cta.buffer<8, 8, f32, span 32>, tensor<16x8xf32, #cta.layout<"reg (0,1) (0,2) lane (0,4) (1,0) (2,0) (4,0) (8,0) warps 1x1 stride 1x1 repeat 1x1">> -> tensor<16x8xf32, #cta.layout<"reg (0,1) (0,2) lane (0,4) (1,0) (2,0) (4,0) (8,0) warps 1x1 stride 1x1 repeat 1x1">>
  tile.store %r, %Y[%c0, %c0] dims [0, 1] : tensor<16x8xf32, #cta.layout<"reg (0,1) (0,2) lane (0,4) (1,0) (2,0) (4,0) (8,0) warps 1x1 stride 1x1 repeat 1x1">>, !tile.view<? x 8 x f32, out>
  return
}

// -----

// Depth 16: after 8 the sums of each of the four columns and what was begun of them are pinned, before more is read.
// CHECK-LABEL: llvm.func @fma_in_parts(
// CHECK-NOT: inline_asm
// CHECK: llvm.intr.fma
// CHECK-COUNT-8: llvm.inline_asm has_side_effects "", "=f,0" %{{.*}} : (f32) -> f32
// CHECK: llvm.load
// CHECK-NOT: inline_asm
// CHECK-COUNT-4: llvm.fadd
func.func @fma_in_parts(%Y: !tile.view<? x 8 x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>, cta.launch = #cta.launch<"sm_80", threads 32, shared 1536, registers 255>} {
  %c0 = arith.constant 0 : i32
  %a = cta.alloc at 0 : !cta.buffer<16, 16, f32, span 64>
  %b = cta.alloc at 1024 : !cta.buffer<16, 8, f32, span 32>
  %z = arith.constant dense<1.0> : tensor<16x8xf32, #cta.layout<"reg (0,1) (0,2) lane (0,4) (1,0) (2,0) (4,0) (8,0) warps 1x1 stride 1x1 repeat 1x1">>
  %r = cta.dot fma buffer %a : !cta.buffer<16, 16, f32, span 64>, %b, %z : !cta.buffer<16, 8, f32, span 32>, tensor<16x8xf32, #cta.layout<"reg (0,1) (0,2) lane (0,4) (1,0) (2,0) (4,0) (8,0) warps 1x1 stride 1x1 repeat 1x1">> -> tensor<16x8xf32, #cta.layout<"reg (0,1) (0,2) lane (0,4) (1,0) (2,0) (4,0) (8,0) warps 1x1 stride 1x1 repeat 1x1">>
  tile.store %r, %Y[%c0, %c0] dims [0, 1] : tensor<16x8xf32, #cta.layout<"reg (0,1) (0,2) lane (0,4) (1,0) (2,0) (4,0) (8,0) warps 1x1 stride 1x1 repeat 1x1">>, !tile.view<? x 8 x f32, out>
  return
}

// -----

// tf32, depth 8, K along the rows of A and along the columns of B's buffer: no ldmatrix. Four words of A and two of B are
// loaded one by one, and each is rounded.
// CHECK-LABEL: llvm.func @tf32(
// CHECK-NOT: ldmatrix
// CHECK-COUNT-4: llvm.load %{{.*}} : !llvm.ptr<3> -> f32
// CHECK-COUNT-4: nvvm.convert.float.to.tf32
// CHECK-COUNT-2: llvm.load %{{.*}} : !llvm.ptr<3> -> f32
// CHECK-COUNT-2: nvvm.convert.float.to.tf32
// CHECK: nvvm.mma.sync {{.*}}<tf32>{{.*}}shape = #nvvm.shape<m = 16, n = 8, k = 8>
// CHECK-NOT: nvvm.mma.sync
func.func @tf32(%Y: !tile.view<? x 8 x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>, cta.launch = #cta.launch<"sm_80", threads 32, shared 768, registers 255>} {
  %c0 = arith.constant 0 : i32
  %a = cta.alloc at 0 : !cta.buffer<16, 8, f32, span 32>
  %b = cta.alloc at 512 : !cta.buffer<8, 8, f32, span 32>
  %z = arith.constant dense<1.0> : tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  %r = cta.dot mma buffer %a : !cta.buffer<16, 8, f32, span 32>, %b, %z mode tf32 : !cta.buffer<8, 8, f32, span 32>, tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">> -> tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  tile.store %r, %Y[%c0, %c0] dims [0, 1] : tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>, !tile.view<? x 8 x f32, out>
  return
}

// -----

// tf32x3: each word in two, and three products, the small ones first. Of B transposed both operands come by ldmatrix.
// CHECK-LABEL: llvm.func @tf32x3(
// CHECK: nvvm.ldmatrix %{{.*}} num = 4
// CHECK-COUNT-8: nvvm.convert.float.to.tf32
// CHECK: nvvm.ldmatrix %{{.*}} num = 2
// CHECK-COUNT-4: nvvm.convert.float.to.tf32
// CHECK-COUNT-3: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
func.func @tf32x3(%Y: !tile.view<? x 8 x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>, cta.launch = #cta.launch<"sm_80", threads 32, shared 768, registers 255>} {
  %c0 = arith.constant 0 : i32
  %a = cta.alloc at 0 : !cta.buffer<16, 8, f32, span 32>
  %b = cta.alloc at 512 : !cta.buffer<8, 8, f32, span 32>
  %z = arith.constant dense<1.0> : tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  %r = cta.dot mma buffer %a : !cta.buffer<16, 8, f32, span 32>, %b transposed_b, %z mode tf32x3 : !cta.buffer<8, 8, f32, span 32>, tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">> -> tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  tile.store %r, %Y[%c0, %c0] dims [0, 1] : tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>, !tile.view<? x 8 x f32, out>
  return
}

// -----

// i8, depth 32: both by ldmatrix where K lies along rows, sums of i32 that wrap.
// CHECK-LABEL: llvm.func @i8(
// CHECK: nvvm.ldmatrix %{{.*}} num = 4
// CHECK: nvvm.ldmatrix %{{.*}} num = 2
// CHECK: nvvm.mma.sync {{.*}}wrapped{{.*}}<s8>{{.*}}shape = #nvvm.shape<m = 16, n = 8, k = 32>
func.func @i8(%Y: !tile.view<? x 8 x i32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>, cta.launch = #cta.launch<"sm_80", threads 32, shared 768, registers 255>} {
  %c0 = arith.constant 0 : i32
  %a = cta.alloc at 0 : !cta.buffer<16, 32, i8, span 32>
  %b = cta.alloc at 512 : !cta.buffer<8, 32, i8, span 32>
  %z = arith.constant dense<1> : tensor<16x8xi32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  %r = cta.dot mma buffer %a : !cta.buffer<16, 32, i8, span 32>, %b transposed_b, %z : !cta.buffer<8, 32, i8, span 32>, tensor<16x8xi32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">> -> tensor<16x8xi32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  tile.store %r, %Y[%c0, %c0] dims [0, 1] : tensor<16x8xi32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>, !tile.view<? x 8 x i32, out>
  return
}

// -----

// f8e4m3 on a target that multiplies it: depth 32, words as they are for i8, sums of f32.
// CHECK-LABEL: llvm.func @f8(
// CHECK: nvvm.ldmatrix %{{.*}} num = 4
// CHECK: nvvm.ldmatrix %{{.*}} num = 2
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k32.row.col.f32.e4m3.e4m3.f32"({{.*}}) : (i32, i32, i32, i32, i32, i32, f32, f32, f32, f32)
func.func @f8(%Y: !tile.view<? x 8 x f32, out>) attributes {tile.kernel = #tile.request<"sm_89", warps 1, stages 1>, cta.launch = #cta.launch<"sm_89", threads 32, shared 768, registers 255>} {
  %c0 = arith.constant 0 : i32
  %a = cta.alloc at 0 : !cta.buffer<16, 32, f8E4M3FN, span 32>
  %b = cta.alloc at 512 : !cta.buffer<8, 32, f8E4M3FN, span 32>
  %z = arith.constant dense<1.0> : tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  %r = cta.dot mma buffer %a : !cta.buffer<16, 32, f8E4M3FN, span 32>, %b transposed_b, %z : !cta.buffer<8, 32, f8E4M3FN, span 32>, tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">> -> tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  tile.store %r, %Y[%c0, %c0] dims [0, 1] : tensor<16x8xf32, #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>, !tile.view<? x 8 x f32, out>
  return
}
