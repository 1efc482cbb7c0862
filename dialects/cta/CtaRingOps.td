//===- CtaRingOps.td - Queues of tiles ----------------------------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A ring is filled by copies that run while the threads compute: put, commit, get, release.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_CTA_CTARINGOPS
#define IMBREX_DIALECTS_CTA_CTARINGOPS

include "dialects/cta/CtaTypes.td"

def Cta_RingOp : Cta_Op<"ring", [MemoryEffects<[MemAlloc]>]> {
  let summary = "a ring in shared memory";
  let description = [{
    Shared memory for the ring's slots; what they hold first is undefined. `at` is the byte at which slot 0 starts in
    the CTA's dynamic shared memory, `barriers` that of its barriers if it has some, given by `cta-allocate-shared`.

    Constraints: (1) `at` is not negative, and a multiple of 8 times the span; (2) `barriers` are there for a ring `by mbarrier`
    only, not negative, and a multiple of 8.

    Example:
    ```mlir
    %k = cta.ring : !cta.ring<64, 128, bf16, span 128, slots 2, by groups>
    ```
  }];
  let arguments = (ins OptionalAttr<I64Attr>:$offset, OptionalAttr<I64Attr>:$barriers);
  let results = (outs Cta_RingType:$result);
  let assemblyFormat = "(`at` $offset^)? (`barriers` $barriers^)? attr-dict `:` qualified(type($result))";
  let hasVerifier = 1;
}

def Cta_PutOp : Cta_Op<"put", [AttrSizedOperandSegments, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "start copying a tile of a view into the slot of a step";
  let description = [{
    All threads of the CTA, or of the role, take part. Into a ring `by mbarrier` it waits first until the slot is empty. The tile is chosen as by `tile.load`; what lies outside is zero, the slot's
    padding too. With `if`, a tile whose condition is false is zero as a whole, and nothing of the view is read:
    a step is put, and got, whether the loop still needs it or not. With `rows` a row of the tile lies where the table
    says: row x at the index along the first of `dims` plus rows[x]; outside the view it is zero. `certain` is that of
    `tile.load`, and with `rows` that of `tile.gather`. The table is spread as the threads copy: TileLayout::copyRows.
    With `via` a tensor map of the view the copy engine copies (PTX ISA, "cp.async.bulk.tensor"), one thread asks it to:
    a box is a panel of the slot. With `rows` too, an entry says where a run of rows begins that follow one another; thread x
    has entry x, and asks for its run. The slot must be empty: what others read in
    it, they have read before a barrier before this put. The copy arrives some time before the `cta.get` of the
    step returns.

    Constraints: (1) one index a dimension of the view; (2) two increasing `dims` below the view's rank;
    (3) the element types agree; (4) `within` names dimensions of the view,
    increasing, each with both bounds; (5) `rows` is a column of i32 with one index for each row of the slot, or with `via` one for each run of some
    multiple of 8 of them; (6) `via` the map of this view whose box is a panel of the slot, or of a run, into a ring
    `by mbarrier`, with no `within` or `if`.

    Example:
    ```mlir
    cta.put %K[%b, %j, %h, %zero] dims [1, 3] into %ring[%step] : !tile.view<? x ? x ? x 128 x bf16>, !cta.ring<64, 128, bf16, span 128, slots 2, by groups>
    cta.put %X[%zero, %k] dims [0, 1] rows %rows into %other[%step] : !tile.view<? x ? x f16>, !cta.ring<64, 32, f16, span 64, slots 2, by groups>, tensor<64x1xi32>
    ```
  }];
  let arguments = (ins Tile_ViewType:$view, Variadic<I32>:$indices, DenseI64ArrayAttr:$dims, Optional<Tile_Tile>:$rows,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$within, Variadic<I32>:$low, Variadic<I32>:$high,
                       Cta_RingType:$ring, I32:$step, Optional<I1>:$condition, Optional<Cta_TensorMapType>:$map,
                       UnitAttr:$certain);
  let assemblyFormat = [{
    $view `[` $indices `]` `dims` $dims (`rows` $rows^)? (`within` $within^ `from` $low `to` $high)? (`certain` $certain^)?
    `into` $ring `[` $step `]` (`if` $condition^)? (`via` $map^)? attr-dict `:` qualified(type($view)) `,` qualified(type($ring))
    (`,` type($rows)^)?
  }];
  let extraClassDeclaration = [{
    /// How many rows lie one after another in the view for each entry of `rows`; all without.
    int64_t getRun() {
      int64_t all = getRing().getType().getRows();
      return getRows() ? all / ::mlir::cast<::mlir::RankedTensorType>(getRows().getType()).getDimSize(0) : all;
    }
  }];
  let hasVerifier = 1;
}

def Cta_CommitOp : Cta_Op<"commit", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "the puts since the last commit are one group";
  let description = [{
    What `pending` of a `cta.get` counts. Only rings `by groups` have them; `cta-place-waits` puts them in.

    Example:
    ```mlir
    cta.commit
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Cta_GetOp : Cta_Op<"get", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "wait until the copy of a step has arrived, as far as this thread made it";
  let description = [{
    The result is the slot as a buffer. Not a barrier: what other threads copied is there after the next
    `cta.barrier` that they reach behind their own get. `pending` is the number of younger groups (`cta.commit`) that
    may still be on their way; without it none may. `arrived` says that an earlier get has waited for this copy
    already. `cta-place-waits` fills in both. `By mbarrier` the whole tile is there for this thread, for the async proxy too;
    it needs neither.

    Constraints: (1) the result is the ring's slot; (2) `pending` is not negative, and is not there with `arrived`.

    Example:
    ```mlir
    %k = cta.get %ring[%step] pending 1 : !cta.ring<64, 128, bf16, span 128, slots 3, by groups> -> !cta.buffer<64, 128, bf16, span 128>
    ```
  }];
  let arguments = (ins Cta_RingType:$ring, I32:$step, OptionalAttr<I32Attr>:$pending, UnitAttr:$arrived);
  let results = (outs Cta_BufferType:$result);
  let assemblyFormat = [{
    $ring `[` $step `]` (`pending` $pending^)? (`arrived` $arrived^)? attr-dict `:` qualified(type($ring)) `->`
    qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Cta_ReleaseOp : Cta_Op<"release", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "the slot of a step is read no more";
  let description = [{
    Ends what the `cta.get` of the step began. Costs nothing `by groups`: there a barrier before the put into the
    slot has all threads wait for one another. `By mbarrier` each warp says so when its lanes have met.

    Example:
    ```mlir
    cta.release %ring[%step] : !cta.ring<64, 128, bf16, span 128, slots 3, by groups>
    ```
  }];
  let arguments = (ins Cta_RingType:$ring, I32:$step);
  let assemblyFormat = "$ring `[` $step `]` attr-dict `:` qualified(type($ring))";
}

def Cta_AcquireOp : Cta_Op<"acquire", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "the slot of a step, to be written by threads";
  let description = [{
    Waits until the slot is empty. The result is the slot as a buffer, which the part that fills the ring writes in place of a `cta.put`.

    Constraints: (1) the result is the ring's slot; (2) a ring `by mbarrier`.

    Example:
    ```mlir
    %t = cta.acquire %ring[%step] : !cta.ring<128, 64, f8E4M3FN, span 64, slots 2, by mbarrier> -> !cta.buffer<128, 64, f8E4M3FN, span 64>
    ```
  }];
  let arguments = (ins Cta_RingType:$ring, I32:$step);
  let results = (outs Cta_BufferType:$result);
  let assemblyFormat = [{
    $ring `[` $step `]` attr-dict `:` qualified(type($ring)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Cta_PublishOp : Cta_Op<"publish", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "the slot of a step is written";
  let description = [{
    Ends what the `cta.acquire` of the step began: who gets the step sees what these threads have written, through the async
    proxy too. Each warp says so when its lanes have met.

    Constraint: (1) a ring `by mbarrier`.

    Example:
    ```mlir
    cta.publish %ring[%step] : !cta.ring<128, 64, f8E4M3FN, span 64, slots 2, by mbarrier>
    ```
  }];
  let arguments = (ins Cta_RingType:$ring, I32:$step);
  let assemblyFormat = "$ring `[` $step `]` attr-dict `:` qualified(type($ring))";
  let hasVerifier = 1;
}

#endif // IMBREX_DIALECTS_CTA_CTARINGOPS
