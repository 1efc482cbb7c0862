//===- Passes.td - Passes on the cta stage ---------------------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One pass, one definition here, one source of the same name, one lit test of the same name.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_PASSES
#define IMBREX_COMPILER_CTA_PASSES

include "mlir/Pass/PassBase.td"

def PipelineLoops : Pass<"cta-pipeline-loops", "::mlir::func::FuncOp"> {
  let summary = "Start copies of later iterations while this one computes";
  let description = [{
    For every loop whose body puts tiles into one-slot buffers at places that only depend on the
    induction variable: the buffers become rings of as many slots as the request has stages, the first `stages - 1` copies
    start before the loop, and each iteration waits for its own tiles, then starts the copies of the
    iteration `stages - 1` ahead. Before: put, get in each iteration. After: get of this iteration's
    slots, puts into the slots freed by the last one. With one stage the loop stays as it is.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def DeferReductions : Pass<"cta-defer-reductions", "::mlir::func::FuncOp"> {
  let summary = "Combine lanes after a loop instead of in every iteration";
  let description = [{
    A tile that a loop carries and only adds reductions to, scaled before by a factor a row or not at all, is
    kept as the parts of the lanes; they are combined once, after the loop. So too the largest and smallest
    elements, unscaled. The order of a sum changes with it; sums of floats are as exact as before.

    Before: `scf.for iter_args(%l = 0) { %s = tile.reduce sum %p along 1; yield %l * %a + %s : tensor<128xf32> }`.
    After: `scf.for iter_args(%l = 0) { %s = cta.reduce sum %p along 1 per lane; yield %l * %a + %s :
    tensor<128x4xf32> }`, then `tile.reduce sum along 1`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def SkipScalings : Pass<"cta-skip-scalings", "::mlir::func::FuncOp"> {
  let summary = "Do not multiply by one";
  let description = [{
    A tile in many registers that is multiplied by one factor a row, where a row's factor is 1 unless a condition
    holds: warps in which it holds for no row go round the multiplication.

    Before: `%y = arith.mulf %x, broadcast(select(%c, %f, 1))`.
    After: `%y = scf.if (cta.any %c) { arith.mulf } else { %x }`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def AllocateShared : Pass<"cta-allocate-shared", "::mlir::func::FuncOp"> {
  let summary = "Place buffers in shared memory";
  let description = [{
    Gives every `cta.alloc` of a kernel its byte offset. Buffers whose lives do not meet share bytes. More than the
    target has is an error with the numbers. Before: the kernel's `#tile.request`. After: its `#cta.launch` too, with
    the bytes of all buffers.
  }];
}

def PlaceBarriers : Pass<"cta-place-barriers", "::mlir::func::FuncOp"> {
  let summary = "Barriers where threads hand bytes of shared memory to one another";
  let description = [{
    Walks the program with the bytes read and written since the last barrier; where an access touches
    bytes that others may still be writing or reading, a `cta.barrier` goes before it; so too between
    two stores to one view in which different threads may write one element. Loops are walked twice, so
    that an iteration meets the one before it. `cta.get` is a barrier of its own.
    Needs the offsets of `cta-allocate-shared`.
  }];
}

#endif // IMBREX_COMPILER_CTA_PASSES
