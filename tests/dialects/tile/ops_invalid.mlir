// RUN: imbrex-opt %s -split-input-file -verify-diagnostics
// One case a numbered constraint.

func.func @program_id() {
  // expected-error @+1 {{attribute 'axis' failed to satisfy constraint}}
  %0 = tile.program_id 3
  return
}

// -----

func.func @extent(%v: !tile.view<? x f32>) {
  // expected-error @+1 {{(1) dimension 1 of a view of rank 1}}
  %0 = tile.extent %v, 1 : !tile.view<? x f32>
  return
}

// -----

func.func @load_indices(%v: !tile.view<? x ? x f32>, %i: i32) {
  // expected-error @+1 {{(1) expected 2 indices, found 1}}
  %0 = tile.load %v[%i] dims [0] : !tile.view<? x ? x f32> -> tensor<8xf32>
  return
}

// -----

func.func @load_dims(%v: !tile.view<? x ? x f32>, %i: i32) {
  // expected-error @+1 {{(2) dims must be increasing}}
  %0 = tile.load %v[%i, %i] dims [1, 0] : !tile.view<? x ? x f32> -> tensor<8x8xf32>
  return
}

// -----

func.func @load_element(%v: !tile.view<? x f32>, %i: i32) {
  // expected-error @+1 {{(3) view of 'f32', but tile of 'f16'}}
  %0 = tile.load %v[%i] dims [0] : !tile.view<? x f32> -> tensor<8xf16>
  return
}

// -----

func.func @load_within(%v: !tile.view<? x ? x f32>, %i: i32) {
  // expected-error @+1 {{(4) 'within' names dimension 0, which is not in dims}}
  %0 = tile.load %v[%i, %i] dims [1] within 0, %i, %i : !tile.view<? x ? x f32> -> tensor<8xf32>
  return
}

// -----

func.func @store_input(%v: !tile.view<? x f32>, %i: i32, %t: tensor<8xf32>) {
  // expected-error @+1 {{(4) the view is not declared 'out'}}
  tile.store %t, %v[%i] dims [0] : tensor<8xf32>, !tile.view<? x f32>
  return
}

// -----

func.func @splat(%s: f32) {
  // expected-error @+1 {{(1) scalar of 'f32' into a tile of 'f16'}}
  %0 = tile.splat %s : f32 -> tensor<8xf16>
  return
}

// -----

func.func @iota() {
  // expected-error @+1 {{(1) expected one dimension of i32}}
  %0 = tile.iota : tensor<8xi64>
  return
}

// -----

func.func @expand(%t: tensor<8xf32>) {
  // expected-error @+1 {{(1) }}
  %0 = tile.expand_dims %t at 0 : tensor<8xf32> -> tensor<8x1xf32>
  return
}

// -----

func.func @broadcast_rank(%t: tensor<8xf32>) {
  // expected-error @+1 {{(1) expected the same rank}}
  %0 = tile.broadcast %t : tensor<8xf32> -> tensor<8x8xf32>
  return
}

// -----

func.func @broadcast_extent(%t: tensor<2x8xf32>) {
  // expected-error @+1 {{(2) extent 2 does not repeat to 8}}
  %0 = tile.broadcast %t : tensor<2x8xf32> -> tensor<8x8xf32>
  return
}

// -----

func.func @transpose(%t: tensor<2x8xf32>) {
  // expected-error @+1 {{(1) }}
  %0 = tile.transpose %t : tensor<2x8xf32> -> tensor<2x8xf32>
  return
}

// -----

func.func @dot_shapes(%a: tensor<16x16xf16>, %b: tensor<32x8xf16>, %c: tensor<16x8xf32>) {
  // expected-error @+1 {{(1) extents do not agree}}
  %0 = tile.dot %a, %b, %c : tensor<16x16xf16>, tensor<32x8xf16>, tensor<16x8xf32>
  return
}

// -----

func.func @dot_integers(%a: tensor<16x16xi8>, %b: tensor<16x8xi8>, %c: tensor<16x8xf32>) {
  // expected-error @+1 {{(2) 'i8' times 'i8' into 'f32'}}
  %0 = tile.dot %a, %b, %c : tensor<16x16xi8>, tensor<16x8xi8>, tensor<16x8xf32>
  return
}

// -----

func.func @dot_mode(%a: tensor<16x16xf16>, %b: tensor<16x8xf16>, %c: tensor<16x8xf32>) {
  // expected-error @+1 {{(3) mode tf32 of 'f16'}}
  %0 = tile.dot %a, %b, %c mode tf32 : tensor<16x16xf16>, tensor<16x8xf16>, tensor<16x8xf32>
  return
}

// -----

func.func @dot_types(%a: tensor<16x16xf16>, %b: tensor<16x8xf16>, %c: tensor<16x8xf64>) {
  // expected-error @+1 {{(2) 'f16' times 'f16' into 'f64'}}
  %0 = tile.dot %a, %b, %c : tensor<16x16xf16>, tensor<16x8xf16>, tensor<16x8xf64>
  return
}

// -----

func.func @reduce_dim(%a: tensor<16x8xf32>) {
  // expected-error @+1 {{(1) dimension 2 of a tile of rank 2}}
  %0 = tile.reduce sum %a along 2 : tensor<16x8xf32> -> tensor<16xf32>
  return
}

// -----

func.func @reduce_shape(%a: tensor<16x8xf32>) {
  // expected-error @+1 {{(2) }}
  %0 = tile.reduce sum %a along 0 : tensor<16x8xf32> -> tensor<16xf32>
  return
}

// -----

func.func @visible_type(%a: tensor<16xi1>) {
  // expected-error @+1 {{(1) expected a rank-2 tile of i1}}
  tile.visible %a : tensor<16xi1>
  return
}

// -----

func.func @visible_place(%a: tensor<16x8xi1>) {
  // expected-error @+1 {{(2) expected to stand directly in the body of an scf.for}}
  tile.visible %a : tensor<16x8xi1>
  return
}

// -----

func.func @require_place(%positive: i1) {
  scf.if %positive {
    // expected-error @+1 {{(1) expected to stand in the body of the kernel}}
    tile.require %positive
  }
  return
}

// -----

func.func @interval_result(%low: tensor<16xi32>) {
  // expected-error @+1 {{(1) expected a rank-2 tile of i1}}
  %0 = tile.interval %low, %low : tensor<16xi32> -> tensor<16xi1>
  return
}

// -----

func.func @interval_rows(%low: tensor<16xi32>) {
  // expected-error @+1 {{(2) expected one i32 a row}}
  %0 = tile.interval %low, %low : tensor<16xi32> -> tensor<8x16xi1>
  return
}

// -----

// expected-error @+1 {{(1) expected a target such as "sm_80", found "h100"}}
func.func @request_target() attributes {tile.kernel = #tile.request<"h100", warps 4, stages 2>} { return }

// -----

// expected-error @+1 {{(2) expected at least one warp, found 0}}
func.func @request_warps() attributes {tile.kernel = #tile.request<"sm_80", warps 0, stages 2>} { return }

// -----

// expected-error @+1 {{(3) expected 1 to 8 stages, found 0}}
func.func @request_stages() attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 0>} { return }

// -----

// expected-error @+1 {{'tile.kernel' is the #tile.request of a function}}
func.func @no_request() attributes {tile.kernel} { return }

// -----

// expected-error @+1 {{the tile dialect has no attribute 'tile.warps'}}
func.func @loose() attributes {tile.warps = 4 : i32} { return }
