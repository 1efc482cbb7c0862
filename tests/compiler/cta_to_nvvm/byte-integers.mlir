// RUN: imbrex-opt %s -cta-to-nvvm -canonicalize -split-input-file | FileCheck %s

// Four bytes a thread of a word: the lower and the upper four bits, each four at once; as f32 below the bits of 2^23,
// which is subtracted together with the 8 that the text subtracts.
#bytes = #cta.layout<"reg (1) (2) lane (4) (8) (16) (32) (64) warps 1 stride 1 repeat 1">
// CHECK-LABEL: llvm.func @unpacked(
// CHECK-DAG: %[[MAGIC:.*]] = llvm.mlir.constant(1258291200 : i32) : i32
// CHECK-DAG: %[[BASE:.*]] = llvm.mlir.constant(0x4B000008 : f32) : f32
// CHECK-DAG: %[[LOWER:.*]] = llvm.mlir.constant(252645135 : i32) : i32
// CHECK-DAG: %[[FOUR:.*]] = llvm.mlir.constant(4 : i32) : i32
// CHECK-DAG: %[[FIRST:.*]] = llvm.mlir.constant(29760 : i32) : i32
// CHECK: %[[DOWN:.*]] = llvm.lshr %{{.*}}, %[[FOUR]] : i32
// CHECK: llvm.and %[[DOWN]], %[[LOWER]] : i32
// CHECK: llvm.call_intrinsic "llvm.nvvm.prmt"(%{{.*}}, %[[MAGIC]], %[[FIRST]])
// CHECK: %[[SUM:.*]] = llvm.bitcast %{{.*}} : i32 to f32
// CHECK: llvm.fsub %[[SUM]], %[[BASE]] : f32
// CHECK-NOT: uitofp
func.func @unpacked(%X: !tile.view<? x i8>, %Y: !tile.view<? x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>, cta.launch = #cta.launch<"sm_80", threads 32, shared 0, registers 255>} {
  %c0 = arith.constant 0 : i32
  %four = arith.constant dense<4> : tensor<128xi8, #bytes>
  %eight = arith.constant dense<8.0> : tensor<128xf32, #bytes>
  %x = tile.load %X[%c0] dims [0] : !tile.view<? x i8> -> tensor<128xi8, #bytes>
  %high = arith.shrui %x, %four : tensor<128xi8, #bytes>
  %y = arith.uitofp %high : tensor<128xi8, #bytes> to tensor<128xf32, #bytes>
  %z = arith.subf %y, %eight : tensor<128xf32, #bytes>
  tile.store %z, %Y[%c0] dims [0] : tensor<128xf32, #bytes>, !tile.view<? x f32, out>
  return
}

// -----

// Signed, as f16: two a word, the sign turned, less 1024 + 128.
#bytes = #cta.layout<"reg (1) (2) lane (4) (8) (16) (32) (64) warps 1 stride 1 repeat 1">
// CHECK-LABEL: llvm.func @halves(
// CHECK-DAG: %[[SIGNS:.*]] = llvm.mlir.constant(-2139062144 : i32) : i32
// CHECK-DAG: %[[BASE:.*]] = llvm.mlir.constant(dense<1.152000e+03> : vector<2xf16>)
// CHECK: llvm.xor %{{.*}}, %[[SIGNS]] : i32
// CHECK-COUNT-2: llvm.fsub %{{.*}}, %[[BASE]] : vector<2xf16>
// CHECK-NOT: sitofp
func.func @halves(%X: !tile.view<? x i8>, %Y: !tile.view<? x f16, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>, cta.launch = #cta.launch<"sm_80", threads 32, shared 0, registers 255>} {
  %c0 = arith.constant 0 : i32
  %x = tile.load %X[%c0] dims [0] : !tile.view<? x i8> -> tensor<128xi8, #bytes>
  %y = arith.sitofp %x : tensor<128xi8, #bytes> to tensor<128xf16, #bytes>
  tile.store %y, %Y[%c0] dims [0] : tensor<128xf16, #bytes>, !tile.view<? x f16, out>
  return
}

// -----

// One byte a thread is converted as it is; a sum with what is no integer stays a sum.
#one = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 1 stride 1 repeat 1">
#two = #cta.layout<"reg (1) lane (2) (4) (8) (16) (32) warps 1 stride 1 repeat 1">
// CHECK-LABEL: llvm.func @others(
// CHECK-DAG: %[[HALF:.*]] = llvm.mlir.constant(5.000000e-01 : f32) : f32
// CHECK: llvm.uitofp
// CHECK: llvm.fsub
// CHECK: llvm.fadd %{{.*}}, %[[HALF]]
func.func @others(%X: !tile.view<? x i8>, %Y: !tile.view<? x f32, out>) attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>, cta.launch = #cta.launch<"sm_80", threads 32, shared 0, registers 255>} {
  %c0 = arith.constant 0 : i32
  %half = arith.constant dense<0.5> : tensor<64xf32, #two>
  %x = tile.load %X[%c0] dims [0] : !tile.view<? x i8> -> tensor<32xi8, #one>
  %y = arith.uitofp %x : tensor<32xi8, #one> to tensor<32xf32, #one>
  tile.store %y, %Y[%c0] dims [0] : tensor<32xf32, #one>, !tile.view<? x f32, out>
  %v = tile.load %X[%c0] dims [0] : !tile.view<? x i8> -> tensor<64xi8, #two>
  %w = arith.uitofp %v : tensor<64xi8, #two> to tensor<64xf32, #two>
  %z = arith.addf %w, %half : tensor<64xf32, #two>
  tile.store %z, %Y[%c0] dims [0] : tensor<64xf32, #two>, !tile.view<? x f32, out>
  return
}
