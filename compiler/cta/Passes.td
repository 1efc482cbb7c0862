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
