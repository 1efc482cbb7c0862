// RUN: imbrex-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(cta-loop-instances))' | FileCheck %s

// All of the kernel is what one turn does; what is put once an instance counts turns, a loop of its own counts itself.
// CHECK-LABEL: func.func @goes_on
// CHECK: %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK: %[[ONE:.*]] = arith.constant 1 : i32
// CHECK: %[[N:.*]] = cta.instances
// CHECK-DAG: %[[Q:.*]] = cta.ring : !cta.ring<64, 16
// CHECK-DAG: %[[K:.*]] = cta.ring : !cta.ring<16, 16
// CHECK: scf.for %[[TURN:[a-z0-9]+]] = %[[ZERO]] to %[[N]] step %[[ONE]]
// CHECK:   %[[I:.*]] = tile.program_id 0 of %[[TURN]]
// CHECK:   cta.put %arg0[%[[I]], %{{.*}}] dims [0, 1] into %[[Q]][%[[TURN]]]
// CHECK:   cta.get %[[Q]][%[[TURN]]]
// CHECK:   scf.for %[[J:[a-z0-9]+]] =
// CHECK:     cta.put %arg0[%[[J]], %{{.*}}] dims [0, 1] into %[[K]][%[[J]]]
// CHECK:     cta.get %[[K]][%[[J]]]
// CHECK: }
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func @goes_on(%X: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "X"}, %n: i32) attributes {tile.kernel = #tile.request<"sm_90a", warps 4, stages 2, resident>} {
  %i = tile.program_id 0
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %q = cta.ring : !cta.ring<64, 16, bf16, span 32, slots 1, by groups>
  %k = cta.ring : !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
  cta.put %X[%i, %c0] dims [0, 1] into %q[%c0] : !tile.view<? x 16 x bf16>, !cta.ring<64, 16, bf16, span 32, slots 1, by groups>
  %a = cta.get %q[%c0] : !cta.ring<64, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<64, 16, bf16, span 32>
  scf.for %j = %c0 to %n step %c1 : i32 {
    cta.put %X[%j, %c0] dims [0, 1] into %k[%j] : !tile.view<? x 16 x bf16>, !cta.ring<16, 16, bf16, span 32, slots 1, by groups>
    %b = cta.get %k[%j] : !cta.ring<16, 16, bf16, span 32, slots 1, by groups> -> !cta.buffer<16, 16, bf16, span 32>
  }
  return
}

// -----

// CHECK-LABEL: func.func @stays_not
// CHECK-NOT: scf.for
// CHECK: tile.program_id 0
// CHECK-NOT: of
func.func @stays_not(%X: !tile.view<? x 16 x bf16> {tile.alignment = 16 : i32, tile.name = "X"}) attributes {tile.kernel = #tile.request<"sm_80", warps 4, stages 2, folded_grid, descending>} {
  %i = tile.program_id 0
  return
}
