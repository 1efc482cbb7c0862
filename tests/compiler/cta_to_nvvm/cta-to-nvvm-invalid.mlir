// RUN: imbrex-opt %s -split-input-file -cta-to-nvvm -verify-diagnostics
// What the lowering takes for granted is told by name where a text breaks it: a settled launch, layouts that fit.

// expected-error @+1 {{expected a kernel whose launch is settled: the attribute cta.launch}}
func.func @unsettled() attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  return
}

// -----

#row = #cta.layout<"reg lane (0,1) (0,2) (0,4) (0,8) (0,16) warps 1x1 stride 1x1 repeat 1x1">
#one = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 1 stride 1 repeat 1">
func.func @sum_of_f16() attributes {cta.launch = #cta.launch<"sm_80", threads 32, shared 0, registers 255>} {
  %a = arith.constant dense<1.0> : tensor<1x32xf16, #row>
  // expected-error @+1 {{a sum of 16-bit floats is made in f32: run tile-expand-math first}}
  %s = tile.reduce sum %a along 1 : tensor<1x32xf16, #row> -> tensor<1xf16, #one>
  return
}

// -----

#wide = #cta.layout<"reg lane (0,1) (0,2) (0,4) (0,8) (0,16) warps 1x2 stride 1x1 repeat 1x1">
#one = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 1 stride 1 repeat 1">
func.func @reduce_over_warps() attributes {cta.launch = #cta.launch<"sm_80", threads 64, shared 0, registers 255>} {
  %a = arith.constant dense<1.0> : tensor<1x64xf32, #wide>
  // expected-error @+1 {{the reduced dimension is spread over several warps}}
  %s = tile.reduce sum %a along 1 : tensor<1x64xf32, #wide> -> tensor<1xf32, #one>
  return
}

// -----

#wide = #cta.layout<"reg lane (0,1) (0,2) (0,4) (0,8) (0,16) warps 1x2 stride 1x1 repeat 1x1">
#one = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 1 stride 1 repeat 1">
func.func @combine_over_warps() attributes {cta.launch = #cta.launch<"sm_80", threads 64, shared 0, registers 255>} {
  %a = arith.constant dense<1> : tensor<1x64xi32, #wide>
  // expected-error @+1 {{the dimension is spread over several warps}}
  %s = tile.combine %a along 1 : tensor<1x64xi32, #wide> -> tensor<1xi32, #one> {
  ^bb0(%x: i32, %y: i32):
    %z = arith.addi %x, %y : i32
    tile.yield %z : i32
  }
  return
}

// -----

#row = #cta.layout<"reg lane (0,1) (0,2) (0,4) (0,8) (0,16) warps 1x1 stride 1x1 repeat 1x1">
#pairs = #cta.layout<"reg (0,1) lane (0,2) (0,4) (0,8) (0,16) (0,0) warps 1x1 stride 1x1 repeat 1x1">
#one = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 1 stride 1 repeat 1">
func.func @combine_layouts() attributes {cta.launch = #cta.launch<"sm_80", threads 32, shared 0, registers 255>} {
  %a = arith.constant dense<1> : tensor<1x32xi32, #row>
  %b = arith.constant dense<1> : tensor<1x32xi32, #pairs>
  // expected-error @+1 {{the tiles have different layouts}}
  %s, %t = tile.combine %a, %b along 1 : tensor<1x32xi32, #row>, tensor<1x32xi32, #pairs> -> tensor<1xi32, #one>, tensor<1xi32, #one> {
  ^bb0(%x: i32, %y: i32, %z: i32, %w: i32):
    tile.yield %x, %y : i32, i32
  }
  return
}

// -----

#row = #cta.layout<"reg lane (0,1) (0,2) (0,4) (0,8) (0,16) warps 1x1 stride 1x1 repeat 1x1">
#pairs = #cta.layout<"reg (0,1) lane (0,2) (0,4) (0,8) (0,16) (0,0) warps 1x1 stride 1x1 repeat 1x1">
func.func @scan_layout() attributes {cta.launch = #cta.launch<"sm_80", threads 32, shared 0, registers 255>} {
  %a = arith.constant dense<1> : tensor<1x32xi32, #row>
  // expected-error @+1 {{the layout of a result is not that of its tile}}
  %s = tile.scan %a along 1 : tensor<1x32xi32, #row> -> tensor<1x32xi32, #pairs> {
  ^bb0(%x: i32, %y: i32):
    tile.yield %x : i32
  }
  return
}

// -----

func.func @unknown_element(%x: f32) attributes {cta.launch = #cta.launch<"sm_80", threads 32, shared 0, registers 255>} {
  // expected-error @+1 {{no instruction for 'math.atan' on 'f32'}}
  %s = math.atan %x : f32
  return
}

// -----

#line = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 1 stride 1 repeat 1">
func.func @interval_ends() attributes {cta.launch = #cta.launch<"sm_80", threads 32, shared 0, registers 255>} {
  %low = tile.iota : tensor<32xi32, #line>
  // expected-error @+1 {{the ends' layout is not that of the mask's rows}}
  %m = tile.interval %low, %low : tensor<32xi32, #line> -> tensor<32x32xi1, #cta.layout<"reg (1,0) (2,0) (4,0) (8,0) (16,0) lane (0,1) (0,2) (0,4) (0,8) (0,16) warps 1x1 stride 1x1 repeat 1x1">>
  return
}

// -----

#row = #cta.layout<"reg lane (0,1) (0,2) (0,4) (0,8) (0,16) warps 1x1 stride 1x1 repeat 1x1">
#pairs = #cta.layout<"reg (0,1) lane (0,2) (0,4) (0,8) (0,16) (0,0) warps 1x1 stride 1x1 repeat 1x1">
func.func @gather_indices(%v: !tile.view<? x f32> {tile.alignment = 4 : i32, tile.name = "V"}) attributes {cta.launch = #cta.launch<"sm_80", threads 32, shared 0, registers 255>, tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  %r = arith.constant dense<1> : tensor<1x32xi32, #pairs>
  // expected-error @+1 {{tiles of indices must be spread as the tile is}}
  %s = tile.gather %v[%r] dims [-1, -1] : !tile.view<? x f32>, tensor<1x32xi32, #pairs> -> tensor<1x32xf32, #row>
  return
}

// -----

#acc = #cta.layout<"reg (8,0) (0,1) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
func.func @mma_layout() attributes {cta.launch = #cta.launch<"sm_80", threads 32, shared 2048, registers 255>} {
  %a = cta.alloc at 0 : !cta.buffer<16, 16, f16, span 32>
  %b = cta.alloc at 1024 : !cta.buffer<16, 8, f16, span 32>
  %c = arith.constant dense<0.0> : tensor<16x8xf32, #acc>
  // expected-error @+1 {{the operands of mma must have the layouts of its fragments}}
  %d = cta.dot mma buffer %a : !cta.buffer<16, 16, f16, span 32>, %b, %c : !cta.buffer<16, 8, f16, span 32>, tensor<16x8xf32, #acc> -> tensor<16x8xf32, #acc>
  return
}
