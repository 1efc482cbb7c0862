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
  // expected-error @+1 {{(4) 'within' names dimensions of the view, increasing, each with both bounds}}
  %0 = tile.load %v[%i, %i] dims [1] within [1, 0] from %i, %i to %i, %i : !tile.view<? x ? x f32> -> tensor<8xf32>
  return
}

// -----

func.func @store_input(%v: !tile.view<? x f32>, %i: i32, %t: tensor<8xf32>) {
  // expected-error @+1 {{(5) the view is not declared 'out' or 'var'}}
  tile.store %t, %v[%i] dims [0] : tensor<8xf32>, !tile.view<? x f32>
  return
}

// -----

func.func @add_to_output(%v: !tile.view<? x f32, out>, %i: i32, %t: tensor<8xf32>) {
  // expected-error @+1 {{(6) 'adds' needs a 'var' view of f16, bf16, f32, f64, i32 or i64, found '!tile.view<?xf32, out>'}}
  tile.store %t, %v[%i] dims [0] adds : tensor<8xf32>, !tile.view<? x f32, out>
  return
}

// -----

func.func @add_bytes(%v: !tile.view<? x i8, var>, %i: i32, %t: tensor<8xi8>) {
  // expected-error @+1 {{(6) 'adds' needs a 'var' view of f16, bf16, f32, f64, i32 or i64}}
  tile.store %t, %v[%i] dims [0] adds : tensor<8xi8>, !tile.view<? x i8, var>
  return
}

// -----

func.func @scatter_add_bytes(%v: !tile.view<? x i8, var>, %i: tensor<8xi32>, %t: tensor<8xi8>) {
  // expected-error @+1 {{(7) 'adds' needs a 'var' view of f16, bf16, f32, f64, i32 or i64}}
  tile.scatter %t, %v[%i] dims [-1] adds : tensor<8xi8>, !tile.view<? x i8, var>, tensor<8xi32>
  return
}

// -----

// expected-error @+1 {{expected 'out' or 'var'}}
func.func @access(%v: !tile.view<? x f32, in>) { return }

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
  // expected-error @+1 {{(1) 'tensor<8x1xf32>' is not 'tensor<8xf32>' with a 1 inserted at 0}}
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
  // expected-error @+1 {{(1) 'tensor<2x8xf32>' is not the transpose of 'tensor<2x8xf32>'}}
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
  // expected-error @+1 {{(2) 'tensor<16xf32>' is not 'tensor<16x8xf32>' without dimension 0}}
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

// -----

func.func @gather_indices(%v: !tile.view<? x ? x f32>, %t: tensor<8x1xi64>, %i: i32) {
  // expected-error @+1 {{(1) expected 2 indices of i32}}
  %0 = tile.gather %v[%t, %i] dims [-1, 1] : !tile.view<? x ? x f32>, tensor<8x1xi64>, i32 -> tensor<8x4xf32>
  return
}

// -----

func.func @gather_dims(%v: !tile.view<? x ? x f32>, %t: tensor<8x1xi32>, %i: i32) {
  // expected-error @+1 {{(2) dims must be -1 or dimensions of the view with a scalar index}}
  %0 = tile.gather %v[%t, %i] dims [0, 1] : !tile.view<? x ? x f32>, tensor<8x1xi32>, i32 -> tensor<8x4xf32>
  return
}

// -----

func.func @gather_type(%v: !tile.view<? x ? x f32>, %t: tensor<8x1xi32>, %i: i32) {
  // expected-error @+1 {{(3) view of 'f32', but tile of 'f16'}}
  %0 = tile.gather %v[%t, %i] dims [-1, 1] : !tile.view<? x ? x f32>, tensor<8x1xi32>, i32 -> tensor<8x4xf16>
  return
}

// -----

func.func @gather_within(%v: !tile.view<? x ? x f32>, %t: tensor<8x1xi32>, %i: i32) {
  // expected-error @+1 {{(4) 'within' names dimensions of the view}}
  %0 = tile.gather %v[%t, %i] dims [-1, 1] within [2] from %i to %i : !tile.view<? x ? x f32>, tensor<8x1xi32>, i32 -> tensor<8x4xf32>
  return
}

// -----

func.func @gather_shape(%v: !tile.view<? x ? x f32>, %t: tensor<8xi32>, %i: i32) {
  // expected-error @+1 {{(5) indices 'tensor<8xi32>' do not repeat to 'tensor<8x4xf32>'}}
  %0 = tile.gather %v[%t, %i] dims [-1, 1] : !tile.view<? x ? x f32>, tensor<8xi32>, i32 -> tensor<8x4xf32>
  return
}

// -----

func.func @scatter_input(%v: !tile.view<? x ? x f32>, %t: tensor<8x1xi32>, %x: tensor<8x4xf32>, %i: i32) {
  // expected-error @+1 {{(6) the view is not declared 'out' or 'var'}}
  tile.scatter %x, %v[%t, %i] dims [-1, 1] : tensor<8x4xf32>, !tile.view<? x ? x f32>, tensor<8x1xi32>, i32
  return
}

// -----

func.func @subview_starts(%v: !tile.view<? x ? x f32>, %i: i32) {
  // expected-error @+1 {{(1) expected 2 starts, found 1}}
  %0 = tile.subview %v[%i] dims [0] to [%i] : !tile.view<? x ? x f32> -> !tile.view<? x f32>
  return
}

// -----

func.func @subview_dims(%v: !tile.view<? x ? x f32>, %i: i32) {
  // expected-error @+1 {{(2) dims must be increasing, below the source's rank, at least one, each with an end}}
  %0 = tile.subview %v[%i, %i] dims [1, 0] to [%i, %i] : !tile.view<? x ? x f32> -> !tile.view<? x ? x f32>
  return
}

// -----

func.func @subview_type(%v: !tile.view<? x ? x f32>, %i: i32) {
  // expected-error @+1 {{(3) '!tile.view<4xf32>' is no part of '!tile.view<?x?xf32>' along these dims}}
  %0 = tile.subview %v[%i, %i] dims [0] to [%i] : !tile.view<? x ? x f32> -> !tile.view<4 x f32>
  return
}

// -----

func.func @combine_dim(%x: tensor<8x16xf32>) {
  // expected-error @+1 {{(1) expected tiles of one shape with a dimension 2}}
  %m = tile.combine %x along 2 : tensor<8x16xf32> -> tensor<8xf32> {
  ^bb0(%a: f32, %b: f32):
    tile.yield %a : f32
  }
  return
}

// -----

func.func @scan_result(%x: tensor<8x16xf32>) {
  // expected-error @+1 {{(2) 'tensor<8xf32>' cannot come of 'tensor<8x16xf32>'}}
  %m = tile.scan %x along 1 : tensor<8x16xf32> -> tensor<8xf32> {
  ^bb0(%a: f32, %b: f32):
    tile.yield %a : f32
  }
  return
}

// -----

func.func @combine_results(%x: tensor<8x16xf32>) {
  // expected-error @+1 {{(2) expected one result a tile, and at least one}}
  "tile.combine"(%x) <{dim = 1 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    "tile.yield"(%a) : (f32) -> ()
  }) : (tensor<8x16xf32>) -> ()
  return
}

// -----

func.func @combine_function(%x: tensor<8x16xf32>) {
  // expected-error @+1 {{(3) the function must take the tiles' element types twice}}
  %m = tile.combine %x along 1 : tensor<8x16xf32> -> tensor<8xf32> {
  ^bb0(%a: f32):
    tile.yield %a : f32
  }
  return
}

// -----

func.func @combine_body(%x: tensor<8x16xi32>) {
  // expected-error @+1 {{(4) 'tile.program_id' is not arithmetic on scalars}}
  %m = tile.combine %x along 1 : tensor<8x16xi32> -> tensor<8xi32> {
  ^bb0(%a: i32, %b: i32):
    %i = tile.program_id 0
    tile.yield %i : i32
  }
  return
}

// -----

func.func @yield_place(%x: f32) {
  scf.execute_region {
    // expected-error @+1 {{(1) expected to end the function of a tile.combine or tile.scan}}
    tile.yield %x : f32
  }
  return
}

// -----

func.func @scalar_tile(%x: tensor<2xf32>) {
  // expected-error @+1 {{(1) expected a tile of one element}}
  %s = tile.scalar %x : tensor<2xf32> -> f32
  return
}

// -----

func.func @scalar_type(%x: tensor<1xf32>) {
  // expected-error @+1 {{(2) 'f16' of a tile of 'f32'}}
  %s = tile.scalar %x : tensor<1xf32> -> f16
  return
}

// -----

func.func @varying_dims(%v: !tile.view<? x ? x f32>, %n: !tile.view<? x i32>) {
  // expected-error@+1 {{(1) dim 1 and along 1 must be two dimensions of}}
  %0 = tile.padded %v by %n dim 1 along 1 : !tile.view<? x ? x f32>, !tile.view<? x i32> -> !tile.view<? x ? x f32>
  return
}

// -----

func.func @narrow_types(%x: tensor<8xf16>) {
  // expected-error @+1 {{(1) 'f16' to 'f8E4M3FN'}}
  %s = tile.narrow %x : tensor<8xf16> -> tensor<8xf8E4M3FN>
  return
}

// -----

func.func @varying_lengths(%v: !tile.view<? x ? x f32>, %n: !tile.view<? x i64>) {
  // expected-error@+1 {{(2) expected a view of i32 of rank 1}}
  %0 = tile.padded %v by %n dim 1 along 0 : !tile.view<? x ? x f32>, !tile.view<? x i64> -> !tile.view<? x ? x f32>
  return
}

// -----

func.func @varying_storage(%v: !tile.view<? x ? x f32>, %n: !tile.view<? x i32>, %l: i32) {
  // expected-error@+1 {{(3) expected a storage of}}
  %0 = tile.ragged %v by %n longest %l dim 1 along 0 : !tile.view<? x ? x f32>, !tile.view<? x i32> -> !tile.view<? x ? x f32>
  return
}

// -----

func.func @paged_table(%v: !tile.view<? x f32>, %n: !tile.view<? x i32>, %l: i32) {
  // expected-error@+1 {{(4) expected a table of i32 of rank 2 and pages of at least 1}}
  %0 = tile.paged %v by %n, %n rows %l page 4 dim 1 along 0 : !tile.view<? x f32>, !tile.view<? x i32>, !tile.view<? x i32> -> !tile.view<? x ? x f32>
  return
}

// -----

func.func @scaled_result(%v: !tile.view<? x f8E4M3FN>, %s: !tile.view<? x f32>) {
  // expected-error@+1 {{(1) '!tile.view<?xi32>' is no scaled view of '!tile.view<?xf8E4M3FN>'}}
  %0 = tile.scaled %v by %s over [] blocks [] : !tile.view<? x f8E4M3FN>, !tile.view<? x f32> -> !tile.view<? x i32>
  return
}

// -----

func.func @scaled_output(%v: !tile.view<? x f8E4M3FN, out>, %s: !tile.view<? x f32>) {
  // expected-error@+1 {{(1) '!tile.view<?xf16, out>' is no scaled view of '!tile.view<?xf8E4M3FN, out>'}}
  %0 = tile.scaled %v by %s over [] blocks [] : !tile.view<? x f8E4M3FN, out>, !tile.view<? x f32> -> !tile.view<? x f16, out>
  return
}

// -----

func.func @scaled_scales(%v: !tile.view<? x f8E4M3FN>, %s: !tile.view<? x f16>) {
  // expected-error@+1 {{(2) expected a view of f32 of rank 1, found '!tile.view<?xf16>'}}
  %0 = tile.scaled %v by %s over [0] blocks [4] : !tile.view<? x f8E4M3FN>, !tile.view<? x f16> -> !tile.view<? x f16>
  return
}

// -----

func.func @scaled_blocks(%v: !tile.view<? x f8E4M3FN>, %s: !tile.view<? x f32>) {
  // expected-error@+1 {{(3) 'over' names dimensions, increasing, each with a block of at least 1}}
  %0 = tile.scaled %v by %s over [0] blocks [0] : !tile.view<? x f8E4M3FN>, !tile.view<? x f32> -> !tile.view<? x f16>
  return
}

// -----

func.func @length_of_dense(%v: !tile.view<? x ? x f32>, %i: i32) {
  // expected-error@+1 {{(1) the view is not made by tile.padded, tile.ragged or tile.paged}}
  %0 = tile.length %v[%i] : !tile.view<? x ? x f32>
  return
}

// -----

func.func @narrow_shapes(%x: tensor<8xf32>) {
  // expected-error @+1 {{all non-scalar operands/results must have the same shape and base type}}
  %s = tile.narrow %x : tensor<8xf32> -> tensor<4xf8E4M3FN>
  return
}

// -----

func.func @page_rows_of_a_written_table(%t: !tile.view<? x ? x i32, var>, %i: i32) {
  // expected-error @+1 {{(1) expected a table of i32 of rank 2 that is not written}}
  %r = tile.page_rows %t[%i] at %i aligned 16 from %i to %i page 16 rows %i pages %i run 1 : !tile.view<? x ? x i32, var> -> tensor<16x1xi32>
  return
}

// -----

func.func @page_rows_as_a_row(%t: !tile.view<? x ? x i32>, %i: i32) {
  // expected-error @+1 {{(2) expected a column of i32}}
  %r = tile.page_rows %t[%i] at %i aligned 16 from %i to %i page 16 rows %i pages %i run 1 : !tile.view<? x ? x i32> -> tensor<1x16xi32>
  return
}

// -----

func.func @page_rows_across_pages(%t: !tile.view<? x ? x i32>, %i: i32) {
  // expected-error @+1 {{(3) expected a run of positions that divides pages of 24 and 16, found 16}}
  %r = tile.page_rows %t[%i] at %i aligned 16 from %i to %i page 24 rows %i pages %i run 16 : !tile.view<? x ? x i32> -> tensor<1x1xi32>
  return
}
