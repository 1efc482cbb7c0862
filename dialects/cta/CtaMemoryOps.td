//===- CtaMemoryOps.td - Buffers and barriers ---------------------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile in shared memory: where it lies, how it comes from and goes to registers, and how threads meet.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_CTA_CTAMEMORYOPS
#define IMBREX_DIALECTS_CTA_CTAMEMORYOPS

include "dialects/cta/CtaTypes.td"

def Cta_AllocOp : Cta_Op<"alloc", [MemoryEffects<[MemAlloc]>]> {
  let summary = "a buffer in shared memory";
  let description = [{
    Shared memory for one tile; what it holds first is undefined. `at` is the byte at which it starts in the CTA's
    dynamic shared memory, given by `cta-allocate-shared`.

    Constraint: (1) `at` is not negative, and a multiple of 8 times the span.

    Example:
    ```mlir
    %b = cta.alloc : !cta.buffer<64, 128, bf16, span 128>
    ```
  }];
  let arguments = (ins OptionalAttr<I64Attr>:$offset);
  let results = (outs Cta_BufferType:$result);
  let assemblyFormat = "(`at` $offset^)? attr-dict `:` qualified(type($result))";
  let hasVerifier = 1;
}

def Cta_ReadOp : Cta_Op<"read", [MemoryEffects<[MemRead]>]> {
  let summary = "shared memory to registers";
  let description = [{
    The tile in the buffer, or with `transposed` its transpose, spread as the result's layout
    says; by ldmatrix where the layout allows it. Where the layout covers more than the tile, the result is zero.

    Constraints: (1) rank 2 (or rank 1 with a buffer of one row), the buffer's extents; (2) same element type.

    Example:
    ```mlir
    #a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
    %q = cta.read %b : !cta.buffer<16, 16, bf16, span 32> -> tensor<16x16xbf16, #a>
    ```
  }];
  let arguments = (ins Cta_BufferType:$buffer, UnitAttr:$transposed);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "$buffer (`transposed` $transposed^)? attr-dict `:` qualified(type($buffer)) `->` type($result)";
  let hasVerifier = 1;
}

def Cta_WriteOp : Cta_Op<"write", [MemoryEffects<[MemWrite]>]> {
  let summary = "registers to shared memory";
  let description = [{
    Writes the tile to the buffer. Other threads see it after a barrier.

    Constraints: (1) rank 2 (or rank 1 with a buffer of one row), the buffer's extents; (2) same element type.

    Example:
    ```mlir
    #c = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
    cta.write %p, %b : tensor<16x8xf32, #c>, !cta.buffer<16, 8, f32, span 32>
    ```
  }];
  let arguments = (ins Tile_Tile:$value, Cta_BufferType:$buffer);
  let assemblyFormat = "$value `,` $buffer attr-dict `:` type($value) `,` qualified(type($buffer))";
  let hasVerifier = 1;
}

def Cta_RestageOp : Cta_Op<"restage", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "an operand as wgmma reads it: turned, rounded";
  let description = [{
    Writes the transpose of the tile in the buffer to another buffer: K, which counted rows, counts columns then, as wgmma wants
    operands of 8 bits and of f32 (WgmmaOperand.h). With `pairs` the columns of each instruction's K are in the order Pairs
    (MmaOrder.h), in which a left operand lies that is made of an accumulator. `straight` the tile stays as it lies. f32 is
    rounded to tf32 on the way, of which wgmma would cut the lower bits. All threads of the CTA, or of the role, take part; other threads see it after a barrier, or
    a `cta.publish`.

    Constraints: (1) the target has the transposed extents, or, `straight`, the source's type, and may be the source then;
    (2) elements of 8 bits, or f32, which alone may be `straight`, the same in both; (3) but for `straight`, stored are whole blocks of 32 bytes along K in
    both, and along the other dimension whole blocks of 16 elements of 8 bits or 8 of f32 in the target, all of which are written,
    and as many in the source.

    Example:
    ```mlir
    cta.restage %v pairs into %t : !cta.buffer<64, 128, f8E4M3FN, span 128>, !cta.buffer<128, 64, f8E4M3FN, span 64>
    cta.restage %k straight into %k : !cta.buffer<64, 32, f32, span 128>, !cta.buffer<64, 32, f32, span 128>
    ```
  }];
  let arguments = (ins Cta_BufferType:$source, UnitAttr:$pairs, UnitAttr:$straight, Cta_BufferType:$target);
  let assemblyFormat = [{
    $source (`pairs` $pairs^)? (`straight` $straight^)? `into` $target attr-dict `:` qualified(type($source)) `,` qualified(type($target))
  }];
  let extraClassDeclaration = [{
    ::imbrex::layout::KOrder getOrder() {
      return getPairs() ? ::imbrex::layout::KOrder::Pairs : ::imbrex::layout::KOrder::Chunks;
    }
    /// Rows of the target that are written at a time, of elements of so many bytes: of 8 bits the elements of 16 bytes of
    /// the source's rows, of f32 those that the swizzle keeps apart.
    static constexpr int64_t blockRows(unsigned elementBytes) { return elementBytes == 1 ? 16 : 8; }
  }];
  let hasVerifier = 1;
}

def Cta_ClearOp : Cta_Op<"clear", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "zeros in the rows of a buffer that lie outside a range";
  let description = [{
    The result is the same buffer, rows below `low` and from `high` on zero; of a buffer of one row, its columns. For copies that can only leave out what lies
    outside of a whole tensor, before products that must not meet what they brought instead. All threads of the CTA, or
    of the role, take part; where a row lies outside they meet behind the zeros, which the async proxy sees too. (Not left
    to `cta-place-barriers`, which has no barrier that stands in a branch alone.)

    Constraint: (1) the result is the buffer.

    Example:
    ```mlir
    %c = cta.clear %v outside %low, %high : !cta.buffer<64, 128, bf16, span 128> -> !cta.buffer<64, 128, bf16, span 128>
    ```
  }];
  let arguments = (ins Cta_BufferType:$buffer, I32:$low, I32:$high);
  let results = (outs Cta_BufferType:$result);
  let assemblyFormat = [{
    $buffer `outside` $low `,` $high attr-dict `:` qualified(type($buffer)) `->` qualified(type($result))
  }];
  let extraClassDeclaration = [{
    /// Of what the range is: rows, or the columns of a single row.
    int64_t getExtent() {
      BufferType buffer = getBuffer().getType();
      return buffer.getRows() == 1 ? buffer.getColumns() : buffer.getRows();
    }
  }];
  let hasVerifier = 1;
}

def Cta_TensorMapOp : Cta_Op<"tensor_map", [Pure]> {
  let summary = "the tensor map of a view, for boxes of one shape";
  let description = [{
    A value of the launch (CUDA Driver API, "cuTensorMapEncodeTiled"): the view as the copy engine sees it, which copies
    boxes of `box` elements along its dimensions into shared memory, rows of `span` bytes swizzled (SharedLayout.h).

    A span of 16 bytes swizzles nothing.

    Constraints: (1) one extent a dimension of the view, 1 to 5 of them, each from 1 to 256; (2) a span of 32, 64 or 128 bytes, which
    a row of the box has, or one of 16, of which it has a multiple. It stands in the kernel's own block.

    Example:
    ```mlir
    %m = cta.tensor_map %K box [1, 64, 1, 64] span 128 : !tile.view<? x ? x ? x 128 x bf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$view, DenseI64ArrayAttr:$box, I32Attr:$span);
  let results = (outs Cta_TensorMapType:$result);
  let assemblyFormat = "$view `box` $box `span` $span attr-dict `:` qualified(type($view))";
  let hasVerifier = 1;
}

def Cta_SendOp : Cta_Op<"send", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "start copying a buffer to a tile of a view";
  let description = [{
    The mirror of a `cta.put` via a tensor map: the copy engine copies the buffer to the tile that is chosen as by
    `tile.store`, and nothing outside the view (PTX ISA, "cp.async.bulk.tensor"). One thread asks it to. What threads wrote
    to the buffer it sees behind a fence of each (`cta.fence_async`) and a barrier. The buffer must stay as it is until a
    `cta.sent`; who reads the view after the kernel finds the tile there.

    Constraints: (1) one index a dimension of the view, two increasing `dims`, the buffer's element type; (2) the view is
    `out`; (3) the map is of this view, and its box a panel of the buffer.

    Example:
    ```mlir
    %m = cta.tensor_map %O box [1, 64, 1, 64] span 128 : !tile.view<? x ? x ? x 128 x bf16, out>
    cta.send %b to %O[%i, %j, %h, %zero] dims [1, 3] via %m : !cta.buffer<64, 128, bf16, span 128>, !tile.view<? x ? x ? x 128 x bf16, out>
    ```
  }];
  let arguments = (ins Cta_BufferType:$buffer, Tile_ViewType:$view, Variadic<I32>:$indices, DenseI64ArrayAttr:$dims,
                       Cta_TensorMapType:$map);
  let assemblyFormat = [{
    $buffer `to` $view `[` $indices `]` `dims` $dims `via` $map attr-dict `:` qualified(type($buffer)) `,`
    qualified(type($view))
  }];
  let hasVerifier = 1;
}

def Cta_SentOp : Cta_Op<"sent", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "wait until the copy engine has read a buffer";
  let description = [{
    The thread that asked for the `cta.send`s of the buffer so far waits until they have read it (PTX ISA,
    "cp.async.bulk.wait_group"). Not a barrier.

    Example:
    ```mlir
    cta.sent %b : !cta.buffer<64, 128, bf16, span 128>
    ```
  }];
  let arguments = (ins Cta_BufferType:$buffer);
  let assemblyFormat = "$buffer attr-dict `:` qualified(type($buffer))";
}

def Cta_Scope : I32EnumAttr<"Scope", "Which threads meet", [
    I32EnumAttrCase<"Cta", 0, "cta">, I32EnumAttrCase<"Role", 1, "role">]> {
  let cppNamespace = "::imbrex::cta";
}

def Cta_BarrierOp : Cta_Op<"barrier", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "threads meet; what they wrote to shared memory, and the copies they waited for, is seen by all";
  let description = [{
    The threads of the CTA, or of the role whose part of `cta.roles` the barrier is in.

    Example:
    ```mlir
    cta.barrier cta
    ```
  }];
  let arguments = (ins DefaultValuedAttr<Cta_Scope, "::imbrex::cta::Scope::Cta">:$scope);
  let assemblyFormat = "$scope attr-dict";
}

def Cta_FenceAsyncOp : Cta_Op<"fence_async", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "what this thread wrote to shared memory is seen by the async proxy";
  let description = [{
    Matrix descriptors and bulk copies reach shared memory through another proxy than a thread's loads, stores and
    `cp.async`, which does not see those without a fence (PTX ISA, "Async Proxy"). It orders the executing thread's accesses only: each writer fences, then all meet at a
    `cta.barrier`.

    Example:
    ```mlir
    cta.fence_async
    cta.barrier cta
    ```
  }];
  let assemblyFormat = "attr-dict";
}

#endif // IMBREX_DIALECTS_CTA_CTAMEMORYOPS
