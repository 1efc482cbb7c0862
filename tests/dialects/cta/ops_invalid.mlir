// RUN: imbrex-opt %s -split-input-file -verify-diagnostics
// One case a numbered constraint.

func.func @put_indices(%K: !tile.view<? x 16 x bf16>, %i: i32, %b: !cta.ring<8, 16, bf16, span 32, slots 1, by groups>) {
  // expected-error @+1 {{(1) expected 2 indices, found 1}}
  cta.put %K[%i] dims [0, 1] into %b[%i] : !tile.view<? x 16 x bf16>, !cta.ring<8, 16, bf16, span 32, slots 1, by groups>
  return
}

// -----

func.func @put_dims(%K: !tile.view<? x 16 x bf16>, %i: i32, %b: !cta.ring<8, 16, bf16, span 32, slots 1, by groups>) {
  // expected-error @+1 {{(2) dims must be increasing}}
  cta.put %K[%i, %i] dims [1] into %b[%i] : !tile.view<? x 16 x bf16>, !cta.ring<8, 16, bf16, span 32, slots 1, by groups>
  return
}

// -----

func.func @put_types(%K: !tile.view<? x 16 x f16>, %i: i32, %b: !cta.ring<8, 16, bf16, span 32, slots 1, by groups>) {
  // expected-error @+1 {{(3) view of 'f16', but tile of 'bf16'}}
  cta.put %K[%i, %i] dims [0, 1] into %b[%i] : !tile.view<? x 16 x f16>, !cta.ring<8, 16, bf16, span 32, slots 1, by groups>
  return
}

// -----

func.func @put_rows(%K: !tile.view<? x 16 x bf16>, %i: i32, %rows: tensor<4x1xi32>, %b: !cta.ring<8, 16, bf16, span 32, slots 1, by groups>) {
  // expected-error @+1 {{(5) expected an i32 for each of the slot's 8 rows, found 'tensor<4x1xi32>'}}
  cta.put %K[%i, %i] dims [0, 1] rows %rows into %b[%i] : !tile.view<? x 16 x bf16>, !cta.ring<8, 16, bf16, span 32, slots 1, by groups>, tensor<4x1xi32>
  return
}

// -----

func.func @put_within(%K: !tile.view<? x ? x 16 x bf16>, %i: i32, %b: !cta.ring<8, 16, bf16, span 32, slots 1, by groups>) {
  // expected-error @+1 {{(4) 'within' names dimensions of the view, increasing, each with both bounds}}
  cta.put %K[%i, %i, %i] dims [1, 2] within [3] from %i to %i into %b[%i] : !tile.view<? x ? x 16 x bf16>, !cta.ring<8, 16, bf16, span 32, slots 1, by groups>
  return
}

// -----

func.func @alloc_place() {
  // expected-error @+1 {{(1) expected 'at' to be a multiple of 256, found 64}}
  %0 = cta.alloc at 64 : !cta.buffer<8, 16, bf16, span 32>
  return
}

// -----

func.func @ring_place() {
  // expected-error @+1 {{(1) expected 'at' to be a multiple of 256, found -256}}
  %0 = cta.ring at -256 : !cta.ring<8, 16, bf16, span 32, slots 2, by groups>
  return
}

// -----

func.func @get(%b: !cta.ring<8, 16, bf16, span 32, slots 2, by groups>, %i: i32) {
  // expected-error @+1 {{(1) expected the result to be the ring's slot}}
  %0 = cta.get %b[%i] pending 0 : !cta.ring<8, 16, bf16, span 32, slots 2, by groups> -> !cta.buffer<16, 16, bf16, span 32>
  return
}

// -----

func.func @read(%b: !cta.buffer<8, 16, bf16, span 32>) {
  // expected-error @+1 {{(1) tile}}
  %0 = cta.read %b : !cta.buffer<8, 16, bf16, span 32> -> tensor<16x16xbf16>
  return
}

// -----

func.func @read_type(%b: !cta.buffer<8, 16, bf16, span 32>) {
  // expected-error @+1 {{(2) expected the buffer's element type}}
  %0 = cta.read %b : !cta.buffer<8, 16, bf16, span 32> -> tensor<8x16xf16>
  return
}

// -----

func.func @write(%b: !cta.buffer<8, 16, bf16, span 32>, %t: tensor<8x8xbf16>) {
  // expected-error @+1 {{(1) tile}}
  cta.write %t, %b : tensor<8x8xbf16>, !cta.buffer<8, 16, bf16, span 32>
  return
}

// -----

func.func @dot_left(%b: !cta.buffer<16, 8, f32, span 32>, %c: tensor<16x8xf32>) {
  // expected-error @+1 {{(1) expected exactly one of a tile and a buffer}}
  %0 = cta.dot fma, %b, %c : !cta.buffer<16, 8, f32, span 32>, tensor<16x8xf32> -> tensor<16x8xf32>
  return
}

// -----

func.func @dot_shapes(%a: !cta.buffer<16, 32, f32, span 128>, %b: !cta.buffer<16, 8, f32, span 32>, %c: tensor<16x8xf32>) {
  // expected-error @+1 {{(2) extents do not agree: 16x32 times 16x8}}
  %0 = cta.dot fma buffer %a : !cta.buffer<16, 32, f32, span 128>, %b, %c : !cta.buffer<16, 8, f32, span 32>, tensor<16x8xf32> -> tensor<16x8xf32>
  return
}

// -----

func.func @dot_mma(%a: !cta.buffer<16, 16, f32, span 64>, %b: !cta.buffer<16, 8, f32, span 32>, %c: tensor<16x8xf32>) {
  // expected-error @+1 {{(3) kind mma has no product of 'f32' into 'f32' in mode ieee}}
  %0 = cta.dot mma buffer %a : !cta.buffer<16, 16, f32, span 64>, %b, %c : !cta.buffer<16, 8, f32, span 32>, tensor<16x8xf32> -> tensor<16x8xf32>
  return
}

// -----

func.func @dot_mma_mode(%a: !cta.buffer<16, 16, f16, span 32>, %b: !cta.buffer<16, 8, f16, span 32>, %c: tensor<16x8xf32>) {
  // expected-error @+1 {{(3) kind mma has no product of 'f16' into 'f32' in mode tf32}}
  %0 = cta.dot mma buffer %a : !cta.buffer<16, 16, f16, span 32>, %b, %c mode tf32 : !cta.buffer<16, 8, f16, span 32>, tensor<16x8xf32> -> tensor<16x8xf32>
  return
}

// -----

func.func @dot_fma_mode(%a: !cta.buffer<16, 16, f32, span 64>, %b: !cta.buffer<16, 8, f32, span 32>, %c: tensor<16x8xf32>) {
  // expected-error @+1 {{(3) kind fma has mode ieee only}}
  %0 = cta.dot fma buffer %a : !cta.buffer<16, 16, f32, span 64>, %b, %c mode tf32 : !cta.buffer<16, 8, f32, span 32>, tensor<16x8xf32> -> tensor<16x8xf32>
  return
}

// -----

func.func @dot_no_mode(%a: !cta.buffer<16, 16, f32, span 64>, %b: !cta.buffer<16, 8, f32, span 32>, %c: tensor<16x8xf32>) {
  // expected-error @+1 {{expected ieee, tf32 or tf32x3}}
  %0 = cta.dot fma buffer %a : !cta.buffer<16, 16, f32, span 64>, %b, %c mode tf64 : !cta.buffer<16, 8, f32, span 32>, tensor<16x8xf32> -> tensor<16x8xf32>
  return
}

// -----

func.func @dot_result(%a: !cta.buffer<16, 16, f32, span 64>, %b: !cta.buffer<16, 8, f32, span 32>, %c: tensor<16x8xf32>) {
  // expected-error @+1 {{(4) expected a result of the accumulator's type}}
  %0 = cta.dot fma buffer %a : !cta.buffer<16, 16, f32, span 64>, %b, %c : !cta.buffer<16, 8, f32, span 32>, tensor<16x8xf32> -> tensor<16x8xf64>
  return
}

// -----

func.func @dot_rank(%b: !cta.buffer<16, 8, f32, span 32>, %c: tensor<16xf32>) {
  // expected-error @+1 {{(5) expected tiles of rank 2}}
  %0 = cta.dot fma tile %c : tensor<16xf32>, %b, %c : !cta.buffer<16, 8, f32, span 32>, tensor<16xf32> -> tensor<16xf32>
  return
}

// -----

func.func @get_pending(%b: !cta.ring<8, 16, bf16, span 32, slots 2, by groups>, %i: i32) {
  // expected-error @+1 {{(2) 'pending' is negative}}
  %0 = cta.get %b[%i] pending -3 : !cta.ring<8, 16, bf16, span 32, slots 2, by groups> -> !cta.buffer<8, 16, bf16, span 32>
  return
}

// -----

func.func @get_arrived(%b: !cta.ring<8, 16, bf16, span 32, slots 2, by groups>, %i: i32) {
  // expected-error @+1 {{(2) what has arrived is not pending}}
  %0 = cta.get %b[%i] pending 0 arrived : !cta.ring<8, 16, bf16, span 32, slots 2, by groups> -> !cta.buffer<8, 16, bf16, span 32>
  return
}

// -----

func.func @wait_types(%x: tensor<16x8xf32>) {
  // expected-error @+1 {{(1) expected results of the values' types}}
  %0 = "cta.dot_wait"(%x) {operandSegmentSizes = array<i32: 1, 0>, pending = 0 : i32} : (tensor<16x8xf32>) -> tensor<16x8xf16>
  return
}

// -----

func.func @wait_pending(%x: tensor<16x8xf32>) {
  // expected-error @+1 {{(2) 'pending' is negative}}
  %0 = cta.dot_wait %x pending -1 : tensor<16x8xf32> -> tensor<16x8xf32>
  return
}

// -----

func.func @wait_nothing() {
  // expected-error @+1 {{(3) expected at least one value}}
  "cta.dot_wait"() {operandSegmentSizes = array<i32: 0, 0>, pending = 0 : i32} : () -> ()
  return
}

// -----

// expected-error @+1 {{(1) expected at least one row and column, found 0, -1}}
func.func private @buffer_extents(!cta.buffer<0, -1, bf16, span 32>)

// -----

// expected-error @+1 {{(5) expected at least one slot}}
func.func private @ring_slots(!cta.ring<8, 8, bf16, span 32, slots 0, by groups>)

// -----

// expected-error @+1 {{(2) expected a span of 32, 64 or 128 bytes, found 7}}
func.func private @ring_span(!cta.ring<8, 8, bf16, span 7, slots 1, by groups>)

// -----

// expected-error @+1 {{(2) expected a span of 32, 64 or 128 bytes, found 7}}
func.func private @buffer_span(!cta.buffer<8, 8, bf16, span 7>)

// -----

// expected-error @+1 {{(3) expected elements of 1, 2, 4 or 8 bytes, or i1, found 'i48'}}
func.func private @buffer_element(!cta.buffer<8, 8, i48, span 32>)

// -----

// expected-error @+1 {{(4) expected more stored than 8 x 16, found 4 x 16}}
func.func @stored(%b: !cta.buffer<8, 16, bf16, span 32, stored 4 x 16>) {
  return
}

// -----

#v = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
#p = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">
func.func @reduce_dim(%v: tensor<128xf32, #v>) {
  // expected-error @+1 {{(1) dimension 1 of a tile of rank 1}}
  %r = cta.reduce max %v along 1 per warp : tensor<128xf32, #v> -> tensor<4xf32, #p>
  return
}

// -----

#v = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
#p = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">
func.func @reduce_parts(%v: tensor<128xf32, #v>) {
  // expected-error @+1 {{does not hold one part a warp of}}
  %r = cta.reduce max %v along 0 per warp : tensor<128xf32, #v> -> tensor<3xf32, #p>
  return
}

// -----

#v = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
#p = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">
func.func @reduce_type(%v: tensor<128xf32, #v>) {
  // expected-error @+1 {{does not hold one part a warp of}}
  %r = cta.reduce max %v along 0 per warp : tensor<128xf32, #v> -> tensor<4xf16, #p>
  return
}

// -----

#v = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
#p = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">
func.func @reduce_scope(%v: tensor<128xf32, #v>) {
  // expected-error @+1 {{does not hold one part a lane of}}
  %r = cta.reduce max %v along 0 per lane : tensor<128xf32, #v> -> tensor<4xf32, #p>
  return
}

// -----

#v = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
#w = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 2 stride 1 repeat 2">
#p = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">
func.func @combine_layouts(%v: tensor<128xf32, #v>, %w: tensor<128xf32, #w>) {
  // expected-error @+1 {{(1) expected tiles of one shape and layout}}
  %r, %s = cta.combine %v, %w along 0 : tensor<128xf32, #v>, tensor<128xf32, #w> -> tensor<4xf32, #p>, tensor<4xf32, #p> {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
    tile.yield %c, %d : f32, f32
  }
  return
}

// -----

#v = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
#p = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">
func.func @combine_runs(%v: tensor<100xf32, #v>) {
  // expected-error @+1 {{(2) 'tensor<3xf32}}
  %r = cta.combine %v along 0 : tensor<100xf32, #v> -> tensor<3xf32, #p> {
  ^bb0(%a: f32, %b: f32):
    tile.yield %b : f32
  }
  return
}

// -----

#v = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
#p = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">
func.func @combine_function(%v: tensor<128xf32, #v>) {
  // expected-error @+1 {{(3) the function must take the tiles' element types twice}}
  %r = cta.combine %v along 0 : tensor<128xf32, #v> -> tensor<4xf32, #p> {
  ^bb0(%a: f32):
    tile.yield %a : f32
  }
  return
}

// -----

#v = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
#p = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">
func.func @scan_parts(%v: tensor<128xf32, #v>, %p: tensor<4xf32, #p>) {
  // expected-error @+1 {{(5) 'tensor<4xf32}}
  %s = cta.scan %v after %p along 0 : tensor<128xf32, #v> after tensor<4xf32, #p> -> tensor<128xf32, #v> {
  ^bb0(%a: f32, %b: f32):
    tile.yield %b : f32
  }
  return
}

// -----

#v = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
func.func @any_type(%v: tensor<128xi32, #v>) {
  // expected-error @+1 {{(1) expected a tile of i1 with a layout}}
  %r = cta.any %v : tensor<128xi32, #v>
  return
}

// -----

#v = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
func.func @any_use(%v: tensor<128xi1, #v>) {
  // expected-error @+1 {{(2) used by 'arith.extui', which is no scf.if}}
  %r = cta.any %v : tensor<128xi1, #v>
  %i = arith.extui %r : i1 to i32
  return
}

// -----

#v = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
func.func @any_barrier(%v: tensor<128xi1, #v>) {
  // expected-error @+1 {{(3) decides about an operation that concerns other warps}}
  %r = cta.any %v : tensor<128xi1, #v>
  scf.if %r {
    cta.barrier cta
  }
  return
}

// -----

// expected-error @+1 {{(1) expected a target such as "sm_80", found ""}}
func.func @launch_target() attributes {cta.launch = #cta.launch<"", threads 32, shared 0, registers 255>} { return }

// -----

// expected-error @+1 {{(2) expected whole warps of 32 threads, found 48 threads}}
func.func @launch_threads() attributes {cta.launch = #cta.launch<"sm_80", threads 48, shared 0, registers 255>} { return }

// -----

// expected-error @+1 {{(3) expected bytes of shared memory, found -1}}
func.func @launch_shared() attributes {cta.launch = #cta.launch<"sm_80", threads 32, shared -1, registers 255>} { return }

// -----

// expected-error @+1 {{(4) expected 1 to 255 registers, found 256}}
func.func @launch_registers() attributes {cta.launch = #cta.launch<"sm_80", threads 32, shared 0, registers 256>} { return }

// -----

// expected-error @+1 {{'cta.launch' is the #cta.launch of a function}}
func.func @no_launch() attributes {cta.launch = 32 : i32} { return }

// -----

func.func @continues_nothing(%n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  scf.for %i = %c0 to %n step %c1 : i32 {
  }
  // expected-error @+1 {{'cta.continues' says of a loop that it begins where the one before it ends}}
  scf.for %i = %c1 to %n step %c1 : i32 {
  } {cta.continues}
  return
}

// -----

// expected-error @+1 {{the cta dialect has no attribute 'cta.shared_bytes'}}
func.func @loose() attributes {cta.shared_bytes = 64 : i64} { return }

// -----

// expected-error @+1 {{(3) kind wgmma has no product of 'f32' into 'f32' in mode ieee}}
func.func @wgmma_of_words(%a: !cta.buffer<64, 8, f32, span 32>, %b: !cta.buffer<8, 8, f32, span 32>, %c: tensor<64x8xf32>) { %d = cta.dot wgmma buffer %a : !cta.buffer<64, 8, f32, span 32>, %b transposed_b, %c : !cta.buffer<8, 8, f32, span 32>, tensor<64x8xf32> -> tensor<64x8xf32> return }

// -----

// expected-error @+1 {{(6) only an 'async' product of kind wgmma has columns}}
func.func @columns_of_mma(%a: !cta.buffer<64, 16, bf16, span 32>, %b: !cta.buffer<32, 16, bf16, span 32>, %c: tensor<64x32xf32>) { %d = cta.dot mma async buffer %a : !cta.buffer<64, 16, bf16, span 32>, %b transposed_b, %c columns [0, 16] : !cta.buffer<32, 16, bf16, span 32>, tensor<64x32xf32> -> tensor<64x32xf32> return }

// -----

// expected-error @+1 {{(6) only an 'async' product of kind wgmma has columns}}
func.func @columns_at_once(%a: !cta.buffer<64, 16, bf16, span 32>, %b: !cta.buffer<32, 16, bf16, span 32>, %c: tensor<64x32xf32>) { %d = cta.dot wgmma buffer %a : !cta.buffer<64, 16, bf16, span 32>, %b transposed_b, %c columns [0, 16] : !cta.buffer<32, 16, bf16, span 32>, tensor<64x32xf32> -> tensor<64x32xf32> return }

// -----

// expected-error @+1 {{(6) expected columns [begin, end], multiples of 16, of 32}}
func.func @columns_one(%a: !cta.buffer<64, 16, bf16, span 32>, %b: !cta.buffer<32, 16, bf16, span 32>, %c: tensor<64x32xf32>) { %d = cta.dot wgmma async buffer %a : !cta.buffer<64, 16, bf16, span 32>, %b transposed_b, %c columns [16] : !cta.buffer<32, 16, bf16, span 32>, tensor<64x32xf32> -> tensor<64x32xf32> return }

// -----

// expected-error @+1 {{(6) expected columns [begin, end], multiples of 16, of 32}}
func.func @columns_none(%a: !cta.buffer<64, 16, bf16, span 32>, %b: !cta.buffer<32, 16, bf16, span 32>, %c: tensor<64x32xf32>) { %d = cta.dot wgmma async buffer %a : !cta.buffer<64, 16, bf16, span 32>, %b transposed_b, %c columns [16, 16] : !cta.buffer<32, 16, bf16, span 32>, tensor<64x32xf32> -> tensor<64x32xf32> return }

// -----

// expected-error @+1 {{(6) expected columns [begin, end], multiples of 16, of 32}}
func.func @columns_negative(%a: !cta.buffer<64, 16, bf16, span 32>, %b: !cta.buffer<32, 16, bf16, span 32>, %c: tensor<64x32xf32>) { %d = cta.dot wgmma async buffer %a : !cta.buffer<64, 16, bf16, span 32>, %b transposed_b, %c columns [-16, 16] : !cta.buffer<32, 16, bf16, span 32>, tensor<64x32xf32> -> tensor<64x32xf32> return }

// -----

// expected-error @+1 {{(6) expected columns [begin, end], multiples of 16, of 32}}
func.func @columns_beyond(%a: !cta.buffer<64, 16, bf16, span 32>, %b: !cta.buffer<32, 16, bf16, span 32>, %c: tensor<64x32xf32>) { %d = cta.dot wgmma async buffer %a : !cta.buffer<64, 16, bf16, span 32>, %b transposed_b, %c columns [16, 48] : !cta.buffer<32, 16, bf16, span 32>, tensor<64x32xf32> -> tensor<64x32xf32> return }

// -----

// expected-error @+1 {{(6) expected columns [begin, end], multiples of 16, of 32}}
func.func @columns_odd_begin(%a: !cta.buffer<64, 16, bf16, span 32>, %b: !cta.buffer<32, 16, bf16, span 32>, %c: tensor<64x32xf32>) { %d = cta.dot wgmma async buffer %a : !cta.buffer<64, 16, bf16, span 32>, %b transposed_b, %c columns [8, 16] : !cta.buffer<32, 16, bf16, span 32>, tensor<64x32xf32> -> tensor<64x32xf32> return }

// -----

// expected-error @+1 {{(6) expected columns [begin, end], multiples of 16, of 32}}
func.func @columns_odd_end(%a: !cta.buffer<64, 16, bf16, span 32>, %b: !cta.buffer<32, 16, bf16, span 32>, %c: tensor<64x32xf32>) { %d = cta.dot wgmma async buffer %a : !cta.buffer<64, 16, bf16, span 32>, %b transposed_b, %c columns [0, 24] : !cta.buffer<32, 16, bf16, span 32>, tensor<64x32xf32> -> tensor<64x32xf32> return }

// -----

// expected-error @+1 {{(3) kind wgmma has no product of 'f32' into 'f32' in mode tf32x3}}
func.func @wgmma_of_parts(%a: !cta.buffer<64, 8, f32, span 32>, %b: !cta.buffer<8, 8, f32, span 32>, %c: tensor<64x8xf32>) { %d = cta.dot wgmma buffer %a : !cta.buffer<64, 8, f32, span 32>, %b transposed_b, %c mode tf32x3 : !cta.buffer<8, 8, f32, span 32>, tensor<64x8xf32> -> tensor<64x8xf32> return }

// -----

func.func @clear(%b: !cta.buffer<16, 16, f16, span 32>, %i: i32) {
  // expected-error @+1 {{(1) expected the buffer's type}}
  %c = cta.clear %b outside %i, %i : !cta.buffer<16, 16, f16, span 32> -> !cta.buffer<8, 16, f16, span 32>
  return
}

// -----

func.func @ring_barriers() {
  // expected-error @+1 {{(2) expected barriers at a multiple of 8, for a ring by mbarrier only, found 4}}
  %r = cta.ring at 0 barriers 4 : !cta.ring<16, 16, f16, span 32, slots 2, by mbarrier>
  return
}

// -----

func.func @ring_without_barriers() {
  // expected-error @+1 {{(2) expected barriers at a multiple of 8, for a ring by mbarrier only, found 8}}
  %r = cta.ring at 0 barriers 8 : !cta.ring<16, 16, f16, span 32, slots 2, by groups>
  return
}

// -----

func.func @map_of_a_long_box(%v: !tile.view<? x 16 x f16>) {
  // expected-error @+1 {{(1) expected an extent from 1 to 256 for each of 1 to 5 dimensions}}
  %m = cta.tensor_map %v box [257, 16] span 32 : !tile.view<? x 16 x f16>
  return
}

// -----

func.func @map_of_another_span(%v: !tile.view<? x 16 x f16>) {
  // expected-error @+1 {{(2) expected rows of a span of 32, 64 or 128 bytes, or of pieces of 16, found a span of 64}}
  %m = cta.tensor_map %v box [16, 16] span 64 : !tile.view<? x 16 x f16>
  return
}

// -----

func.func @put_via_another_box(%v: !tile.view<? x 16 x f16>, %r: !cta.ring<16, 16, f16, span 32, slots 2, by mbarrier>, %i: i32) {
  %m = cta.tensor_map %v box [8, 16] span 32 : !tile.view<? x 16 x f16>
  // expected-error @+1 {{(6) expected a map of the view with a panel of the slot, or of a run, as its box}}
  cta.put %v[%i, %i] dims [0, 1] into %r[%i] via %m : !tile.view<? x 16 x f16>, !cta.ring<16, 16, f16, span 32, slots 2, by mbarrier>
  return
}

// -----

func.func @roles_of_three_warps() {
  // expected-error @+1 {{(1) expected warpgroups of 4 warps, found 3}}
  cta.roles compute warps 3 registers 240 { cta.barrier role } copy warps 4 registers 24 { cta.barrier role }
  return
}

// -----

func.func @roles_of_odd_registers() {
  // expected-error @+1 {{(2) expected 24 to 256 registers in steps of 8, found 25}}
  cta.roles compute warps 4 registers 240 { cta.barrier role } copy warps 4 registers 25 { cta.barrier role }
  return
}

// -----

func.func @roles_with_a_tile(%t: tensor<16x16xf32>) {
  // expected-error @+1 {{(3) a part uses a tile that is made around it}}
  cta.roles compute warps 4 registers 240 { %x = arith.addf %t, %t : tensor<16x16xf32> } copy warps 4 registers 24 { cta.barrier role }
  return
}

// -----

func.func @put_of_short_runs(%v: !tile.view<? x 16 x f16>, %r: !cta.ring<16, 16, f16, span 32, slots 2, by mbarrier>, %rows: tensor<4x1xi32>, %i: i32) {
  %m = cta.tensor_map %v box [4, 16] span 32 : !tile.view<? x 16 x f16>
  // expected-error @+1 {{(5) expected an i32 for each of the slot's 16 rows}}
  cta.put %v[%i, %i] dims [0, 1] rows %rows into %r[%i] via %m : !tile.view<? x 16 x f16>, !cta.ring<16, 16, f16, span 32, slots 2, by mbarrier>, tensor<4x1xi32>
  return
}

// -----

func.func @send_to_an_input(%v: !tile.view<? x 16 x f16>, %b: !cta.buffer<16, 16, f16, span 32>, %i: i32) {
  %m = cta.tensor_map %v box [16, 16] span 32 : !tile.view<? x 16 x f16>
  // expected-error @+1 {{(2) the view is not declared 'out'}}
  cta.send %b to %v[%i, %i] dims [0, 1] via %m : !cta.buffer<16, 16, f16, span 32>, !tile.view<? x 16 x f16>
  return
}

// -----

func.func @send_via_another_box(%v: !tile.view<? x 16 x f16, out>, %b: !cta.buffer<16, 16, f16, span 32>, %i: i32) {
  %m = cta.tensor_map %v box [8, 16] span 32 : !tile.view<? x 16 x f16, out>
  // expected-error @+1 {{(3) expected a map of the view with a panel of the buffer as its box}}
  cta.send %b to %v[%i, %i] dims [0, 1] via %m : !cta.buffer<16, 16, f16, span 32>, !tile.view<? x 16 x f16, out>
  return
}

// -----

func.func @restage_extents(%a: !cta.buffer<64, 128, i8, span 128>, %b: !cta.buffer<64, 128, i8, span 128>) {
  // expected-error @+1 {{(1) expected a target of 128 rows and 64 columns}}
  cta.restage %a into %b : !cta.buffer<64, 128, i8, span 128>, !cta.buffer<64, 128, i8, span 128>
  return
}

// -----

func.func @restage_types(%a: !cta.buffer<64, 64, bf16, span 128>, %b: !cta.buffer<64, 64, bf16, span 128>) {
  // expected-error @+1 {{(2) expected elements of 8 bits or f32, the same in both}}
  cta.restage %a into %b : !cta.buffer<64, 64, bf16, span 128>, !cta.buffer<64, 64, bf16, span 128>
  return
}

// -----

func.func @restage_blocks(%a: !cta.buffer<48, 64, i8, span 64>, %b: !cta.buffer<64, 48, i8, span 64>) {
  // expected-error @+1 {{(3) expected 64 elements along K stored in both}}
  cta.restage %a into %b : !cta.buffer<48, 64, i8, span 64>, !cta.buffer<64, 48, i8, span 64>
  return
}

// -----

func.func @restage_beyond_the_source(%a: !cta.buffer<64, 32, i8, span 32>, %b: !cta.buffer<32, 64, i8, span 64, stored 64 x 64>) {
  // expected-error @+1 {{(3) expected 64 elements along K stored in both, and blocks of 16 rows in the target, of which the source has columns}}
  cta.restage %a into %b : !cta.buffer<64, 32, i8, span 32>, !cta.buffer<32, 64, i8, span 64, stored 64 x 64>
  return
}

// -----

func.func @restage_straight_extents(%a: !cta.buffer<64, 32, f32, span 128>, %b: !cta.buffer<32, 64, f32, span 128>) {
  // expected-error @+1 {{(1) expected a target of the source's type}}
  cta.restage %a straight into %b : !cta.buffer<64, 32, f32, span 128>, !cta.buffer<32, 64, f32, span 128>
  return
}

// -----

func.func @restage_straight_types(%a: !cta.buffer<64, 64, i8, span 64>) {
  // expected-error @+1 {{(2) straight, expected elements of f32 in their own order}}
  cta.restage %a straight into %a : !cta.buffer<64, 64, i8, span 64>, !cta.buffer<64, 64, i8, span 64>
  return
}

// -----

func.func @restage_into_itself(%a: !cta.buffer<64, 64, f32, span 128>) {
  // expected-error @+1 {{(1) expected another buffer}}
  cta.restage %a into %a : !cta.buffer<64, 64, f32, span 128>, !cta.buffer<64, 64, f32, span 128>
  return
}

// -----

func.func @restage_blocks_of_words(%a: !cta.buffer<12, 64, f32, span 128>, %b: !cta.buffer<64, 12, f32, span 64>) {
  // expected-error @+1 {{(3) expected 16 elements along K stored in both}}
  cta.restage %a into %b : !cta.buffer<12, 64, f32, span 128>, !cta.buffer<64, 12, f32, span 64>
  return
}

// -----

func.func @round(%a: tensor<16x8xf16>) {
  // expected-error @+1 {{(1) expected elements of f32}}
  %r = cta.round %a : tensor<16x8xf16>
  return
}

// -----

func.func @acquire_slot(%r: !cta.ring<128, 64, i8, span 64, slots 2, by mbarrier>, %i: i32) {
  // expected-error @+1 {{(1) expected the result to be the ring's slot}}
  %b = cta.acquire %r[%i] : !cta.ring<128, 64, i8, span 64, slots 2, by mbarrier> -> !cta.buffer<64, 64, i8, span 64>
  return
}

// -----

func.func @acquire_completion(%r: !cta.ring<128, 64, i8, span 64, slots 2, by groups>, %i: i32) {
  // expected-error @+1 {{(2) expected a ring by mbarrier}}
  %b = cta.acquire %r[%i] : !cta.ring<128, 64, i8, span 64, slots 2, by groups> -> !cta.buffer<128, 64, i8, span 64>
  return
}

// -----

func.func @publish_completion(%r: !cta.ring<128, 64, i8, span 64, slots 2, by groups>, %i: i32) {
  // expected-error @+1 {{(1) expected a ring by mbarrier}}
  cta.publish %r[%i] : !cta.ring<128, 64, i8, span 64, slots 2, by groups>
  return
}
