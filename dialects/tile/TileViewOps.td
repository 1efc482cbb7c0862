//===- TileViewOps.td - The program and its views -----------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where an instance stands, what it loads and stores, and what views are made of. Included by TileOps.td.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_TILE_TILEVIEWOPS
#define IMBREX_DIALECTS_TILE_TILEVIEWOPS

include "dialects/tile/TileTypes.td"

class Tile_Op<string mnemonic, list<Trait> traits = []> : Op<Tile_Dialect, mnemonic, traits>;

//===----------------------------------------------------------------------===//
// The program and its views
//===----------------------------------------------------------------------===//

def Tile_ProgramIdOp : Tile_Op<"program_id", [Pure]> {
  let summary = "position of this program instance along one axis of the grid";
  let description = [{
    `axis` is 0, 1 or 2; the result counts from 0 below the grid's extent of that axis. `of`: of instance number `turn` of
    those that this CTA goes through (`cta.instances`), in stage cta.

    Constraints: (1) `axis` is 0, 1 or 2.

    Example:
    ```mlir
    %i = tile.program_id 0
    ```
  }];
  let arguments = (ins ConfinedAttr<I32Attr, [IntMinValue<0>, IntMaxValue<2>]>:$axis, Optional<I32>:$turn);
  let results = (outs I32:$result);
  let assemblyFormat = "$axis (`of` $turn^)? attr-dict";
}

def Tile_ExtentOp : Tile_Op<"extent", [Pure]> {
  let summary = "number of elements of a view along one dimension";
  let description = [{
    Of a part of a view that of its range, wherever it lies, but no more than 2^31 - 1.

    Constraints: (1) `dim` is less than the view's rank.

    Example:
    ```mlir
    %n = tile.extent %Q, 1 : !tile.view<? x ? x bf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$view, ConfinedAttr<I32Attr, [IntMinValue<0>]>:$dim);
  let results = (outs I32:$result);
  let assemblyFormat = "$view `,` $dim attr-dict `:` qualified(type($view))";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Tile_LoadOp : Tile_Op<"load", [AttrSizedOperandSegments, MemoryEffects<[MemRead]>]> {
  let summary = "read a tile of a view; what lies outside is zero";
  let description = [{
    `indices` holds one start index a dimension of the view. `dims` lists, in increasing order, the
    dimensions the tile extends along; along the others one index is read and the dimension
    disappears. With no `dims` the result is a scalar.

        result[x0, x1, ...] = view[indices + sum_k x_k * unit(dims[k])]   inside the view's extents
                            = 0                                          outside (also below 0)

    `within [d, ...] from lo, ... to hi, ...` narrows dimensions further: elements whose index along `d` is below
    `lo` or at least `hi` are zero, and memory there is not read. With `certain`, which a pass may know, what lies
    within these bounds lies in the view along their dimensions, of which a step is less than 2^32 bytes.

    Constraints: (1) one index a dimension of the view; (2) `dims` increasing, below the view's rank,
    as many as the result's rank; (3) the result's element type is the view's; (4) `within` names dimensions of the
    view, increasing, each with both bounds.

    Example:
    ```mlir
    %q = tile.load %Q[%b, %i, %h, %zero] dims [1, 3] : !tile.view<? x ? x ? x 64 x bf16> -> tensor<128x64xbf16>
    %k = tile.load %K[%b, %j, %h, %zero] dims [1, 3] within [1] from %lo to %hi : !tile.view<? x ? x ? x 64 x bf16> -> tensor<64x64xbf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$view, Variadic<I32>:$indices, DenseI64ArrayAttr:$dims,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$within, Variadic<I32>:$low, Variadic<I32>:$high,
                       UnitAttr:$certain);
  let results = (outs Tile_TileOrScalar:$result);
  let assemblyFormat = [{
    $view `[` $indices `]` `dims` $dims (`within` $within^ `from` $low `to` $high)? (`certain` $certain^)? attr-dict
    `:` qualified(type($view)) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_StoreOp : Tile_Op<"store", [AttrSizedOperandSegments, MemoryEffects<[MemWrite]>]> {
  let summary = "write a tile to a view; what lies outside is dropped";
  let description = [{
    The mirror of `tile.load`: element x of the tile goes to view[indices + sum_k x_k * unit(dims[k])]
    where that lies inside the view's extents, and inside what `within` says. `certain` is that of `tile.load`.

    With `adds` the element is added to what is there, atomically: with one rounding to the element type, in an order
    that is not defined, and twice where two elements of the tile, or of other instances' tiles, go to one place.

    Constraints: (1) one index a dimension of the view; (2) `dims` increasing, below the view's rank,
    as many as the value's rank; (3) the value's element type is the view's; (4) `within` as of `tile.load`;
    (5) the view is `out` or `var`; (6) with `adds` it is `var`, of f16, bf16, f32, f64, i32 or i64.

    Example:
    ```mlir
    tile.store %o, %O[%b, %i, %h, %zero] dims [1, 3] : tensor<128x64xbf16>, !tile.view<? x ? x ? x 64 x bf16, out>
    tile.store %c, %C[%i, %j] dims [0, 1] adds : tensor<64x64xf32>, !tile.view<? x ? x f32, var>
    ```
  }];
  let arguments = (ins Tile_TileOrScalar:$value, Tile_ViewType:$view, Variadic<I32>:$indices, DenseI64ArrayAttr:$dims,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$within, Variadic<I32>:$low, Variadic<I32>:$high,
                       UnitAttr:$adds, UnitAttr:$certain);
  let assemblyFormat = [{
    $value `,` $view `[` $indices `]` `dims` $dims (`within` $within^ `from` $low `to` $high)? (`certain` $certain^)? (`adds` $adds^)?
    attr-dict
    `:` type($value) `,` qualified(type($view))
  }];
  let hasVerifier = 1;
}

def Tile_GatherOp : Tile_Op<"gather", [AttrSizedOperandSegments, MemoryEffects<[MemRead]>]> {
  let summary = "read elements of a view whose indices are tiles";
  let description = [{
    As `tile.load`, but an index may be an i32 tile with an index for each element of the result (repeated along its
    extents of 1). `dims` has an entry for each dimension of the result: the dimension of the view that it steps along,
    or -1 where only tiles say where its elements lie.

        result[x0, x1, ...] = view[index_0[x] + x_k where dims[k] = 0, index_1[x] + x_k where dims[k] = 1, ...]

    With `certain`, which a pass may know, each index of a tile is negative or lies in the view and the bounds,
    and a step along its dimension, and from one page to the next, is less than 2^32 bytes. Of a table of i32 a negative
    index gives -1 then, which names no page.

    Constraints: (1) one index a dimension of the view, each of i32; (2) one entry of `dims` a dimension of the result,
    -1 or a dimension of the view whose index is a scalar, increasing where they are not -1; (3) the result's element
    type is the view's; (4) `within` as of `tile.load`; (5) tiles of indices have the result's rank, and its extents or
    1.

    Example:
    ```mlir
    %a = tile.gather %X[%rows, %k] dims [-1, 1] : !tile.view<? x ? x f16>, tensor<128x1xi32>, i32 -> tensor<128x64xf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$view, Variadic<Tile_TileOrScalar>:$indices, DenseI64ArrayAttr:$dims,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$within, Variadic<I32>:$low, Variadic<I32>:$high,
                       UnitAttr:$certain);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = [{
    $view `[` $indices `]` `dims` $dims (`within` $within^ `from` $low `to` $high)? (`certain` $certain^)? attr-dict
    `:` qualified(type($view)) `,` type($indices) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_PageRowsOp : Tile_Op<"page_rows", [MemoryEffects<[MemRead]>]> {
  let summary = "where the positions of a paged sequence lie in its storage";
  let description = [{
    A column of rows of the storage of `tile.paged`. Entry x is where the `run` positions from start + run * x on lie, one
    after another: position s in row

        table[index, s / page] * rows + s % page          low <= s < high and 0 <= table[index, s / page] < pages

    Where none of them is one of these, it is -run, so that all of them lie outside. With a run of 1 that is true of each
    position; of a longer one the rows that lie outside are for the reader to tell.

    Constraints: (1) `table` is a view of i32 of rank 2 that is not written; (2) the result is a column of i32; (3) `aligned`
    divides `start`, which is not negative, and `run` divides both `aligned` and `page`.

    Example:
    ```mlir
    %r = tile.page_rows %table[%b] at %start aligned 128 from %low to %high page 16 rows %rows pages %pages run 1 : !tile.view<? x ? x i32> -> tensor<128x1xi32>
    ```
  }];
  let arguments = (ins Tile_ViewType:$table, I32:$index, I32:$start, I64Attr:$aligned, I32:$low, I32:$high, I64Attr:$page,
                       I32:$rows, I32:$pages, I64Attr:$run);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = [{
    $table `[` $index `]` `at` $start `aligned` $aligned `from` $low `to` $high `page` $page `rows` $rows `pages` $pages
    `run` $run attr-dict `:` qualified(type($table)) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_ScatterOp : Tile_Op<"scatter", [AttrSizedOperandSegments, MemoryEffects<[MemWrite]>]> {
  let summary = "write elements of a view whose indices are tiles";
  let description = [{
    The mirror of `tile.gather`. Where two elements of the tile go to one of the view, one of them is stored; with
    `adds`, as of `tile.store`, both are added.

    Constraints: (1) to (5) those of `tile.gather`; (6) the view is `out` or `var`; (7) with `adds` as (6) of
    `tile.store`.

    Example:
    ```mlir
    tile.scatter %v, %Y[%rows, %k] dims [-1, 1] : tensor<128x64xf16>, !tile.view<? x ? x f16, out>, tensor<128x1xi32>, i32
    tile.scatter %g, %D[%rows, %k] dims [-1, 1] adds : tensor<128x64xf32>, !tile.view<? x ? x f32, var>, tensor<128x1xi32>, i32
    ```
  }];
  let arguments = (ins Tile_Tile:$value, Tile_ViewType:$view, Variadic<Tile_TileOrScalar>:$indices,
                       DenseI64ArrayAttr:$dims, DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$within,
                       Variadic<I32>:$low, Variadic<I32>:$high, UnitAttr:$adds);
  let assemblyFormat = [{
    $value `,` $view `[` $indices `]` `dims` $dims (`within` $within^ `from` $low `to` $high)? (`adds` $adds^)?
    attr-dict
    `:` type($value) `,` qualified(type($view)) `,` type($indices)
  }];
  let hasVerifier = 1;
}

def Tile_SubviewOp : Tile_Op<"subview", [AttrSizedOperandSegments, Pure]> {
  let summary = "a part of a view, as a view";
  let description = [{
    `start` holds an index for each dimension of the view. Dimensions in `dims` stay: along dims[k] the part reaches
    from `start` to before `end[k]`; the others have one index, and disappear.

        result[x0, x1, ...] = source[start + sum_k x_k * unit(dims[k])]   0 <= x_k < end[k] - start[dims[k]]

    Loads outside the part, or outside the source, are zero, stores there are dropped. Indices are added in i32.

    Constraints: (1) one start a dimension of the source; (2) `dims` increasing, below the source's rank, at least
    one, and an end for each; (3) the result has the element type, the right to be stored to and the rank that follow
    from that, and an extent of the source or `?` along each dimension.

    Example:
    ```mlir
    %Kb = tile.subview %K[%b, %k0, %h, %zero] dims [1, 3] to [%k1, %d] : !tile.view<? x ? x ? x 64 x bf16> -> !tile.view<? x 64 x bf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$source, Variadic<I32>:$start, DenseI64ArrayAttr:$dims, Variadic<I32>:$end);
  let results = (outs Tile_ViewType:$result);
  let assemblyFormat = [{
    $source `[` $start `]` `dims` $dims `to` `[` $end `]` attr-dict `:` qualified(type($source)) `->`
    qualified(type($result))
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Views whose extents vary: how a host may store what the text calls V[B, S[B], ...]
//===----------------------------------------------------------------------===//

def Tile_PaddedOp : Tile_Op<"padded", [Pure]> {
  let summary = "a view that along one dimension ends earlier than it could";
  let description = [{
    The result is `storage`, but that its index b along `along` has only lengths[b] elements along `dim`: others are
    outside, as is all of a b that lies outside `lengths`. An access has one index along `along`.

    Constraints: (1) `along` and `dim` are two dimensions of the result; (2) `lengths` is a view of i32 of rank 1;
    (3) the result's type is that of the storage.

    Example:
    ```mlir
    %Kp = tile.padded %K by %lengths dim 1 along 0 : !tile.view<? x ? x 64 x bf16>, !tile.view<? x i32> -> !tile.view<? x ? x 64 x bf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$storage, Tile_ViewType:$lengths, I32Attr:$dim, I32Attr:$along);
  let results = (outs Tile_ViewType:$result);
  let hasVerifier = 1;
  let assemblyFormat = [{
    $storage `by` $lengths `dim` $dim `along` $along attr-dict `:` qualified(type($storage)) `,`
    qualified(type($lengths)) `->` qualified(type($result))
  }];
}

def Tile_RaggedOp : Tile_Op<"ragged", [Pure]> {
  let summary = "a view whose sequences lie one after another";
  let description = [{
    `storage` lacks the dimension `along` of the result. Index b along it has offsets[b + 1] - offsets[b] elements along
    `dim`, but at most `longest`, from offsets[b] on in the storage:

        result[.., b, .., s, ..] = storage[.., offsets[b] + s, ..]   0 <= s < min(offsets[b + 1] - offsets[b], longest)

    What lies outside that is outside the result. Offsets count as 0 at least, as the storage's extent at most, and as
    no less than the one before them. The result's extent along `along` is one less than that of `offsets`, and along
    `dim` it is `longest`. An access has one index along `along`.

    Constraints: (1) `along` and `dim` are two dimensions of the result; (2) `offsets` is a view of i32 of rank 1;
    (3) the storage has the result's type without `along`.

    Example:
    ```mlir
    %Kr = tile.ragged %K by %offsets longest %n dim 1 along 0 : !tile.view<? x 64 x bf16>, !tile.view<? x i32> -> !tile.view<? x ? x 64 x bf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$storage, Tile_ViewType:$offsets, I32:$longest, I32Attr:$dim, I32Attr:$along);
  let results = (outs Tile_ViewType:$result);
  let hasVerifier = 1;
  let assemblyFormat = [{
    $storage `by` $offsets `longest` $longest `dim` $dim `along` $along attr-dict `:` qualified(type($storage)) `,`
    qualified(type($offsets)) `->` qualified(type($result))
  }];
}

def Tile_PagedOp : Tile_Op<"paged", [Pure]> {
  let summary = "a view whose sequences are scattered over pages";
  let description = [{
    `storage` lacks the dimension `along` of the result; along `dim` it holds the rows of all pages, of which page p has
    `page`, from row p * rows on, or none: a page of which the storage lacks rows is outside. Index b along `along` has lengths[b] elements along `dim`:

        result[.., b, .., s, ..] = storage[.., table[b, s / page] * rows + s % page, ..]   0 <= s < lengths[b]

    What lies outside that is outside the result. Its extent along `along` is that of `lengths`, and along `dim` it is
    `page` times the second one of `table`. An access has one index along `along`.

    Constraints: (1) `along` and `dim` are two dimensions of the result; (2) `lengths` is a view of i32 of rank 1;
    (3) the storage has the result's type without `along`; (4) `table` is a view of i32 of rank 2, `page` at least 1.

    Example:
    ```mlir
    %Kp = tile.paged %K by %table, %lengths rows %rows page 16 dim 1 along 0 : !tile.view<? x 64 x bf16>, !tile.view<? x ? x i32>, !tile.view<? x i32> -> !tile.view<? x ? x 64 x bf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$storage, Tile_ViewType:$table, Tile_ViewType:$lengths, I32:$rows, I64Attr:$page,
                       I32Attr:$dim, I32Attr:$along);
  let results = (outs Tile_ViewType:$result);
  let hasVerifier = 1;
  let assemblyFormat = [{
    $storage `by` $table `,` $lengths `rows` $rows `page` $page `dim` $dim `along` $along attr-dict `:`
    qualified(type($storage)) `,` qualified(type($table)) `,` qualified(type($lengths)) `->` qualified(type($result))
  }];
}

def Tile_ScaledOp : Tile_Op<"scaled", [Pure]> {
  let summary = "a view of the products of elements of few bits and their scales";
  let description = [{
    Each element is that of `storage`, widened, times a scale, rounded once to the result's type:

        result[x] = storage[x] * scales[x[over[0]] / blocks[0], x[over[1]] / blocks[1], ...]

    and with an empty `over` times scales[0]. The product is one of f32 (of f64 for a result of f64). What lies outside
    the storage, or outside of what an access has within, is zero whatever the scales are; scales outside `scales` count
    as zero. The result is as long along each dimension, and for each index, as the storage.

    Constraints: (1) the storage is of i8, f8e4m3, f8e5m2, f16 or bf16 and is not written, the result of f16, bf16, f32
    or f64, and else they are the same; (2) `scales` is a view of f32 with a dimension for each entry of `over`, or with
    one if there are none; (3) `over` holds dimensions of the result, increasing, `blocks` as many numbers of at least 1.

    Example:
    ```mlir
    %Ks = tile.scaled %K by %scales over [0, 1, 2] blocks [1, 128, 1] : !tile.view<? x ? x ? x 64 x f8E4M3FN>, !tile.view<? x ? x ? x f32> -> !tile.view<? x ? x ? x 64 x bf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$storage, Tile_ViewType:$scales, DenseI64ArrayAttr:$over,
                       DenseI64ArrayAttr:$blocks);
  let results = (outs Tile_ViewType:$result);
  let hasVerifier = 1;
  let assemblyFormat = [{
    $storage `by` $scales `over` $over `blocks` $blocks attr-dict `:` qualified(type($storage)) `,`
    qualified(type($scales)) `->` qualified(type($result))
  }];
}

def Tile_LengthOp : Tile_Op<"length", [Pure]> {
  let summary = "how many elements an index has along the dimension that varies";
  let description = [{
    Of a view made by `tile.padded`, `tile.ragged` or `tile.paged`, or by `tile.scaled` of such a one: at least 0, at most the view's extent (of
    `tile.ragged` that of the storage), and 0 for an index outside the view.

    Constraints: (1) the view is made by one of these.

    Example:
    ```mlir
    %Kp = tile.padded %K by %lengths dim 1 along 0 : !tile.view<? x ? x 64 x bf16>, !tile.view<? x i32> -> !tile.view<? x ? x 64 x bf16>
    %n = tile.length %Kp[%b] : !tile.view<? x ? x 64 x bf16>
    ```
  }];
  let arguments = (ins Tile_ViewType:$view, I32:$index);
  let results = (outs I32:$result);
  let assemblyFormat = "$view `[` $index `]` attr-dict `:` qualified(type($view))";
  let hasVerifier = 1;
}

#endif // IMBREX_DIALECTS_TILE_TILEVIEWOPS
