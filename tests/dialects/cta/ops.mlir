// RUN: imbrex-opt %s | imbrex-opt | FileCheck %s
// Every operation, and what may stand on a kernel, prints and parses back.

#a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
#c = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
#v = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
#p = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">

// CHECK-LABEL: @all
func.func @all(%K: !tile.view<? x 16 x bf16>, %i: i32, %p: i1, %acc: tensor<16x8xf32, #c>, %n: !cta.buffer<16, 12, bf16, span 32, stored 16 x 16>,
               %v: tensor<128xf32, #v>, %true: tensor<128xi1, #v>) {
  // CHECK: cta.ring : !cta.ring<8, 16, bf16, span 32, slots 2, by groups>
  %ring = cta.ring : !cta.ring<8, 16, bf16, span 32, slots 2, by groups>
  // CHECK: cta.ring at 2048 : !cta.ring<8, 12, bf16, span 32, slots 3, by groups, stored 8 x 16>
  %wide = cta.ring at 2048 : !cta.ring<8, 12, bf16, span 32, slots 3, by groups, stored 8 x 16>
  // CHECK: cta.alloc at 1024 : !cta.buffer<16, 16, bf16, span 32>
  %q = cta.alloc at 1024 : !cta.buffer<16, 16, bf16, span 32>
  // CHECK: cta.put %{{.*}}[%{{.*}}, %{{.*}}] dims [0, 1] within [0] from %{{.*}} to %{{.*}} into %{{.*}}[%{{.*}}] if %{{.*}} :
  cta.put %K[%i, %i] dims [0, 1] within [0] from %i to %i into %ring[%i] if %p : !tile.view<? x 16 x bf16>, !cta.ring<8, 16, bf16, span 32, slots 2, by groups>
  %rows = arith.constant dense<0> : tensor<8x1xi32>
  // CHECK: cta.put %{{.*}}[%{{.*}}, %{{.*}}] dims [0, 1] rows %{{.*}} into %{{.*}}[%{{.*}}] : {{.*}}, tensor<8x1xi32>
  cta.put %K[%i, %i] dims [0, 1] rows %rows into %ring[%i] : !tile.view<? x 16 x bf16>, !cta.ring<8, 16, bf16, span 32, slots 2, by groups>, tensor<8x1xi32>
  // CHECK: cta.commit
  cta.commit
  // CHECK: cta.get %{{.*}}[%{{.*}}] :
  %k0 = cta.get %ring[%i] : !cta.ring<8, 16, bf16, span 32, slots 2, by groups> -> !cta.buffer<8, 16, bf16, span 32>
  // CHECK: cta.get %{{.*}}[%{{.*}}] pending 2 :
  %k = cta.get %ring[%i] pending 2 : !cta.ring<8, 16, bf16, span 32, slots 2, by groups> -> !cta.buffer<8, 16, bf16, span 32>
  // CHECK: cta.get %{{.*}}[%{{.*}}] arrived :
  %k2 = cta.get %ring[%i] arrived : !cta.ring<8, 16, bf16, span 32, slots 2, by groups> -> !cta.buffer<8, 16, bf16, span 32>
  // CHECK: cta.clear %{{.*}} outside %{{.*}}, %{{.*}} : !cta.buffer<8, 16, bf16, span 32>
  %cleared = cta.clear %k outside %i, %i : !cta.buffer<8, 16, bf16, span 32> -> !cta.buffer<8, 16, bf16, span 32>
  %bytes = cta.alloc : !cta.buffer<64, 128, f8E4M3FN, span 128>
  %turning = cta.ring : !cta.ring<128, 64, f8E4M3FN, span 64, slots 2, by mbarrier>
  // CHECK: cta.acquire %{{.*}}[%{{.*}}] : !cta.ring<128, 64, f8E4M3FN, span 64, slots 2, by mbarrier> -> !cta.buffer<128, 64, f8E4M3FN, span 64>
  %turned = cta.acquire %turning[%i] : !cta.ring<128, 64, f8E4M3FN, span 64, slots 2, by mbarrier> -> !cta.buffer<128, 64, f8E4M3FN, span 64>
  // CHECK: cta.restage %{{.*}} pairs into %{{.*}} : !cta.buffer<64, 128, f8E4M3FN, span 128>, !cta.buffer<128, 64, f8E4M3FN, span 64>
  cta.restage %bytes pairs into %turned : !cta.buffer<64, 128, f8E4M3FN, span 128>, !cta.buffer<128, 64, f8E4M3FN, span 64>
  // CHECK: cta.restage %{{.*}} into %{{.*}} :
  cta.restage %bytes into %turned : !cta.buffer<64, 128, f8E4M3FN, span 128>, !cta.buffer<128, 64, f8E4M3FN, span 64>
  %words = cta.alloc : !cta.buffer<16, 32, f32, span 128>
  // CHECK: cta.restage %[[WORDS:.*]] straight into %[[WORDS]] : !cta.buffer<16, 32, f32, span 128>, !cta.buffer<16, 32, f32, span 128>
  cta.restage %words straight into %words : !cta.buffer<16, 32, f32, span 128>, !cta.buffer<16, 32, f32, span 128>
  // CHECK: cta.round %{{.*}} : tensor<16x8xf32, {{.*}}>
  %rounded = cta.round %acc : tensor<16x8xf32, #c>
  // CHECK: cta.publish %{{.*}}[%{{.*}}] : !cta.ring<128, 64, f8E4M3FN, span 64, slots 2, by mbarrier>
  cta.publish %turning[%i] : !cta.ring<128, 64, f8E4M3FN, span 64, slots 2, by mbarrier>
  // CHECK: cta.read %{{.*}} : !cta.buffer<16, 16, bf16, span 32> -> tensor<16x16xbf16, #cta.layout<"reg
  %a = cta.read %q : !cta.buffer<16, 16, bf16, span 32> -> tensor<16x16xbf16, #a>
  // CHECK: cta.dot mma tile %{{.*}} : tensor<16x16xbf16, {{.*}}>, %{{.*}} transposed_b, %{{.*}} :
  %s = cta.dot mma tile %a : tensor<16x16xbf16, #a>, %k transposed_b, %acc : !cta.buffer<8, 16, bf16, span 32>, tensor<16x8xf32, #c> -> tensor<16x8xf32, #c>
  // CHECK: cta.dot mma buffer %{{.*}} : !cta.buffer<16, 16, bf16, span 32>, %{{.*}} transposed_b
  %t = cta.dot mma buffer %q : !cta.buffer<16, 16, bf16, span 32>, %k transposed_b, %s : !cta.buffer<8, 16, bf16, span 32>, tensor<16x8xf32, #c> -> tensor<16x8xf32, #c>
  // CHECK: cta.dot mma buffer %{{.*}} : !cta.buffer<16, 8, f32, span 32>, %{{.*}}, %{{.*}} mode tf32 : !cta.buffer<8, 8, f32, span 32>
  %f = cta.alloc : !cta.buffer<16, 8, f32, span 32>
  %g = cta.alloc : !cta.buffer<8, 8, f32, span 32>
  %u = cta.dot mma buffer %f : !cta.buffer<16, 8, f32, span 32>, %g, %s mode tf32 : !cta.buffer<8, 8, f32, span 32>, tensor<16x8xf32, #c> -> tensor<16x8xf32, #c>
  // CHECK: cta.dot mma async tile
  %w = cta.dot mma async tile %a : tensor<16x16xbf16, #a>, %k transposed_b, %acc : !cta.buffer<8, 16, bf16, span 32>, tensor<16x8xf32, #c> -> tensor<16x8xf32, #c>
  %tall = cta.alloc : !cta.buffer<64, 16, bf16, span 32>
  %beside = cta.alloc : !cta.buffer<32, 16, bf16, span 32>
  %blank = arith.constant dense<0.0> : tensor<64x32xf32>
  // CHECK: %[[LAST:.*]] = cta.dot wgmma async buffer %{{.*}}, %{{.*}} transposed_b, %{{.*}} columns [16, 32] :
  %lasts = cta.dot wgmma async buffer %tall : !cta.buffer<64, 16, bf16, span 32>, %beside transposed_b, %blank columns [16, 32] : !cta.buffer<32, 16, bf16, span 32>, tensor<64x32xf32> -> tensor<64x32xf32>
  // CHECK: cta.dot wgmma async buffer %{{.*}}, %{{.*}} transposed_b, %[[LAST]] columns [0, 16] :
  %every = cta.dot wgmma async buffer %tall : !cta.buffer<64, 16, bf16, span 32>, %beside transposed_b, %lasts columns [0, 16] : !cta.buffer<32, 16, bf16, span 32>, tensor<64x32xf32> -> tensor<64x32xf32>
  // CHECK: cta.dot_wait %{{.*}}, %{{.*}} pending 1 after(%{{.*}} : tensor<16x8xf32, {{.*}}>) : tensor<16x8xf32, {{.*}}>, tensor<16x16xbf16
  %w1:2 = cta.dot_wait %w, %a pending 1 after(%t : tensor<16x8xf32, #c>) : tensor<16x8xf32, #c>, tensor<16x16xbf16, #a> -> tensor<16x8xf32, #c>, tensor<16x16xbf16, #a>
  // CHECK: cta.release %{{.*}}[%{{.*}}] : !cta.ring<8, 16, bf16, span 32, slots 2, by groups>
  cta.release %ring[%i] : !cta.ring<8, 16, bf16, span 32, slots 2, by groups>
  // CHECK: cta.barrier cta
  cta.barrier cta
  // CHECK: cta.write %{{.*}}, %{{.*}} : tensor<16x16xbf16, {{.*}}>, !cta.buffer<16, 16, bf16, span 32>
  cta.write %a, %q : tensor<16x16xbf16, #a>, !cta.buffer<16, 16, bf16, span 32>
  // CHECK: cta.clear_margin %{{.*}} : tensor<16x12xbf16, #cta.layout<"reg
  %m = cta.read %n : !cta.buffer<16, 12, bf16, span 32, stored 16 x 16> -> tensor<16x12xbf16, #a>
  %z = cta.clear_margin %m : tensor<16x12xbf16, #a>
  // CHECK: cta.reduce max %{{.*}} along 0 per warp : tensor<128xf32, {{.*}}> -> tensor<4xf32, #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">>
  %r = cta.reduce max %v along 0 per warp : tensor<128xf32, #v> -> tensor<4xf32, #p>
  // CHECK: cta.reduce sum %{{.*}} along 1 per lane : tensor<16x8xf32, {{.*}}> -> tensor<16x4xf32, #cta.layout<"reg (8,0) lane (0,1) (0,2) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  %lanes = cta.reduce sum %acc along 1 per lane : tensor<16x8xf32, #c> -> tensor<16x4xf32, #cta.layout<"reg (8,0) lane (0,1) (0,2) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">>
  // CHECK: %[[RUNS:.*]] = cta.combine %{{.*}} along 0 : tensor<128xf32, {{.*}}> -> tensor<4xf32, #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">> {
  %runs = cta.combine %v along 0 : tensor<128xf32, #v> -> tensor<4xf32, #p> {
  ^bb0(%x: f32, %y: f32):
    tile.yield %y : f32
  }
  // CHECK: cta.scan %{{.*}} after %{{.*}} along 0 : tensor<128xf32, {{.*}}> after tensor<4xf32, {{.*}}> -> tensor<128xf32, {{.*}}> {
  %all = arith.constant dense<1.0> : tensor<4xf32, #cta.layout<"reg (1) (2) lane (0) (0) (0) (0) (0) warps 1 stride 1 repeat 1">>
  %scanned = cta.scan %v after %all along 0 : tensor<128xf32, #v> after tensor<4xf32, #cta.layout<"reg (1) (2) lane (0) (0) (0) (0) (0) warps 1 stride 1 repeat 1">> -> tensor<128xf32, #v> {
  ^bb0(%x: f32, %y: f32):
    tile.yield %y : f32
  }
  // CHECK: cta.ring at 0 barriers 1024 : !cta.ring<8, 16, bf16, span 32, slots 2, by mbarrier>
  %queue = cta.ring at 0 barriers 1024 : !cta.ring<8, 16, bf16, span 32, slots 2, by mbarrier>
  // CHECK: cta.tensor_map %{{.*}} box [8, 16] span 32 : !tile.view<?x16xbf16>
  %map = cta.tensor_map %K box [8, 16] span 32 : !tile.view<? x 16 x bf16>
  // CHECK: cta.fence_async
  cta.fence_async
  // CHECK: cta.roles compute warps 8 registers 240 {
  // CHECK: cta.barrier role
  // CHECK: } copy warps 4 registers 24 {
  // CHECK: cta.put %{{.*}}[%{{.*}}, %{{.*}}] dims [0, 1] into %{{.*}}[%{{.*}}] via %{{.*}} : !tile.view<?x16xbf16>, !cta.ring
  cta.roles compute warps 8 registers 240 {
    cta.barrier role
  } copy warps 4 registers 24 {
    cta.put %K[%i, %i] dims [0, 1] into %queue[%i] via %map : !tile.view<? x 16 x bf16>, !cta.ring<8, 16, bf16, span 32, slots 2, by mbarrier>
  }
  // CHECK: cta.any %{{.*}} : tensor<128xi1, #cta.layout<"reg
  %any = cta.any %true : tensor<128xi1, #v>
  return
}

// CHECK-LABEL: func.func @settled
// CHECK-SAME: cta.launch = #cta.launch<"sm_90a", threads 256, shared 65536, registers 255>
func.func @settled() attributes {cta.launch = #cta.launch<"sm_90a", threads 256, shared 65536, registers 255>} { return }
