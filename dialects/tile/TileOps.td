//===- TileOps.td - The tile dialect --------------------------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the user said: whole tiles and views, no threads. Element-wise arithmetic, comparisons,
// conversions and constants are upstream `arith` and `math` operations on ranked tensors; loops and
// branches are `scf`. The reference interpreter (compiler/reference) says what each means.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_TILE_TILEOPS
#define IMBREX_DIALECTS_TILE_TILEOPS

include "dialects/tile/TileViewOps.td"

def Tile_ViewAccess : I32EnumAttr<"ViewAccess", "What a kernel may do with a view", [
    I32EnumAttrCase<"In", 0, "in">, I32EnumAttrCase<"Out", 1, "out">, I32EnumAttrCase<"Var", 2, "var">]> {
  let cppNamespace = "::imbrex::tile";
}

def Tile_ReduceKind : I32EnumAttr<"ReduceKind", "How a reduction combines elements", [
    I32EnumAttrCase<"Max", 0, "max">, I32EnumAttrCase<"Min", 1, "min">, I32EnumAttrCase<"Sum", 2, "sum">]> {
  let cppNamespace = "::imbrex::tile";
}

def Tile_DotMode : I32EnumAttr<"DotMode", "How a product multiplies f32", [
    I32EnumAttrCase<"Ieee", 0, "ieee">, I32EnumAttrCase<"Tf32", 1, "tf32">, I32EnumAttrCase<"Tf32x3", 2, "tf32x3">]> {
  let cppNamespace = "::imbrex::tile";
  let description = [{
    With r(x) = x rounded to tf32, which has f32's exponents and 11 binary digits (to the nearest, ties away from zero;
    PTX ISA, "cvt.rna.tf32"):

    * `ieee`: operands as they are;
    * `tf32`: r(a) * r(b), exact;
    * `tf32x3`: r(a) * r(b) + r(a) * s(b) + s(a) * r(b), exact, with s(x) = r(x - r(x)): the product but for three
      parts in 2^22. An operand that is infinite, or that r makes infinite, gives NaN.
  }];
}

//===----------------------------------------------------------------------===//
// Making and reshaping tiles
//===----------------------------------------------------------------------===//

def Tile_SplatOp : Tile_Op<"splat", [Pure]> {
  let summary = "a tile whose every element is one scalar";
  let description = [{
    Constraints: (1) the scalar's type is the tile's element type.

    Example:
    ```mlir
    %t = tile.splat %scale : f32 -> tensor<128x64xf32>
    ```
  }];
  let arguments = (ins Tile_Scalar:$scalar);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "$scalar attr-dict `:` type($scalar) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Tile_IotaOp : Tile_Op<"iota", [Pure]> {
  let summary = "the i32 tile 0, 1, 2, ... of one dimension";
  let description = [{
    Constraints: (1) the result has one dimension and element type i32.

    Example:
    ```mlir
    %cols = tile.iota : tensor<64xi32>
    ```
  }];
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Tile_ExpandDimsOp : Tile_Op<"expand_dims", [Pure]> {
  let summary = "insert a dimension of extent 1";
  let description = [{
    Constraints: (1) the result's shape is the operand's with a 1 inserted at `dim`; same element type.

    Example:
    ```mlir
    %c = tile.expand_dims %m at 1 : tensor<128xf32> -> tensor<128x1xf32>
    ```
  }];
  let arguments = (ins Tile_Tile:$source, ConfinedAttr<I32Attr, [IntMinValue<0>]>:$dim);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "$source `at` $dim attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_BroadcastOp : Tile_Op<"broadcast", [Pure]> {
  let summary = "repeat a tile along its dimensions of extent 1";
  let description = [{
    Constraints: (1) same rank and element type; (2) each extent of the operand is 1 or the result's.

    Example:
    ```mlir
    %w = tile.broadcast %c : tensor<128x1xf32> -> tensor<128x64xf32>
    ```
  }];
  let arguments = (ins Tile_Tile:$source);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Tile_TransposeOp : Tile_Op<"transpose", [Pure]> {
  let summary = "swap the two dimensions of a tile";
  let description = [{
    Constraints: (1) both have rank 2, the same element type, and swapped extents.

    Example:
    ```mlir
    %kt = tile.transpose %k : tensor<64x128xbf16> -> tensor<128x64xbf16>
    ```
  }];
  let arguments = (ins Tile_Tile:$source);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Tile_IntervalOp : Tile_Op<"interval", [Pure, AllTypesMatch<["low", "high"]>]> {
  let summary = "a mask that is true in one interval of columns a row";
  let description = [{
    `result[i, j] = low[i] <= j && j < high[i]`, in signed numbers: none where `high[i] <= low[i]`.

    Constraints: (1) the result is of i1 and of rank 2; (2) `low` and `high` are i32 tiles of one extent, the
    result's rows.

    Example:
    ```mlir
    %mask = tile.interval %low, %high : tensor<128xi32> -> tensor<128x64xi1>
    ```
  }];
  let arguments = (ins Tile_Tile:$low, Tile_Tile:$high);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "$low `,` $high attr-dict `:` type($low) `->` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Combining elements
//===----------------------------------------------------------------------===//

def Tile_NarrowOp : Tile_Op<"narrow", [Pure, Elementwise, Scalarizable, Vectorizable, Tensorizable]> {
  let summary = "f32 as a float of 8 bits";
  let description = [{
    The nearest number of f8E4M3FN or f8E5M2, ties to even; what is larger than the largest (448, 57344), infinity too,
    becomes the largest of its sign; NaN becomes NaN. The way back is `arith.extf`. (`arith.truncf` to these types has
    no place here: its folds know no largest number.)

    Constraints: (1) from f32 to f8E4M3FN or f8E5M2; (2) tiles of one shape, or scalars.

    Example:
    ```mlir
    %w = tile.narrow %x : tensor<64x32xf32> -> tensor<64x32xf8E4M3FN>
    ```
  }];
  let arguments = (ins Tile_TileOrScalar:$source);
  let results = (outs Tile_TileOrScalar:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_DotOp : Tile_Op<"dot", [Pure, AllTypesMatch<["accumulator", "result"]>]> {
  let summary = "matrix product added to an accumulator";
  let description = [{
        result[i, j] = accumulator[i, j] + sum_k a[i, k] * b[k, j]

    Products are exact or rounded to the accumulator's type, sums are made in the accumulator's type;
    the order of the sum over k is not defined. `mode` says what the product of two f32 is (DotMode).

    Constraints: (1) ranks 2, `a` M x K, `b` K x N, accumulator M x N; (2) `a` and `b` have one element
    type: a float of 8 or 16 bits or f32 with an f32 accumulator, f64 with an f64 accumulator, or i8 (signed) with an i32 accumulator,
    which wraps; (3) a mode other than `ieee` needs
    operands of f32.

    Example:
    ```mlir
    %s = tile.dot %q, %kt, %zero : tensor<128x64xbf16>, tensor<64x32xbf16>, tensor<128x32xf32>
    %r = tile.dot %x, %y, %s mode tf32 : tensor<128x64xf32>, tensor<64x32xf32>, tensor<128x32xf32>
    ```
  }];
  let arguments = (ins Tile_Tile:$a, Tile_Tile:$b, Tile_Tile:$accumulator,
                       DefaultValuedAttr<Tile_DotMode, "::imbrex::tile::DotMode::Ieee">:$mode);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = [{
    $a `,` $b `,` $accumulator (`mode` $mode^)? attr-dict `:` type($a) `,` type($b) `,` type($accumulator)
  }];
  let hasVerifier = 1;
}

def Tile_ReduceOp : Tile_Op<"reduce", [Pure]> {
  let summary = "combine a tile's elements along one dimension, which disappears";
  let description = [{
    `max` and `min` of floats pass over NaN (a NaN meets a number: the number); `sum` adds in the
    element type, f16 and bf16 in f32 with one rounding at the end, in an order that is not defined.

    Constraints: (1) `dim` below the operand's rank; (2) the result's shape is the operand's without
    `dim`, same element type.

    Example:
    ```mlir
    %m = tile.reduce max %s along 1 : tensor<128x64xf32> -> tensor<128xf32>
    ```
  }];
  let arguments = (ins Tile_ReduceKind:$kind, Tile_Tile:$source, ConfinedAttr<I32Attr, [IntMinValue<0>]>:$dim);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "$kind $source `along` $dim attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_ScalarOp : Tile_Op<"scalar", [Pure]> {
  let summary = "the element of a tile that has one";
  let description = [{
    Constraints: (1) the tile has one dimension of extent 1; (2) the result is of its element type.

    Example:
    ```mlir
    %s = tile.scalar %t : tensor<1xf32> -> f32
    ```
  }];
  let arguments = (ins Tile_Tile:$source);
  let results = (outs Tile_Scalar:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

class Tile_CombinerOp<string mnemonic> : Tile_Op<mnemonic, [Pure, IsolatedFromAbove, SingleBlock, Tile_CombinesByFunction]> {
  let arguments = (ins Variadic<Tile_Tile>:$sources, ConfinedAttr<I32Attr, [IntMinValue<0>]>:$dim);
  let results = (outs Variadic<Tile_Tile>:$results);
  let regions = (region SizedRegion<1>:$combiner);
  let assemblyFormat = "$sources `along` $dim attr-dict `:` type($sources) `->` type($results) $combiner";
  let hasVerifier = 1;
}

def Tile_CombineOp : Tile_CombinerOp<"combine"> {
  let summary = "combine the elements of tiles along one dimension, which disappears, by a function";
  let description = [{
    The function takes n elements of one place, one a tile, and then n of a later one, and gives n. It is taken to be
    associative, and need not be commutative: what stands first in the tile stands first. Where it rounds, the result
    depends on how the elements are bracketed, which is not defined.

    Constraints: (1) tiles of one shape, `dim` below its rank; (2) a result each, of the tile's shape without `dim` and
    its element type; (3) the function's arguments are of the tiles' element types, twice in their order, and
    `tile.yield` gives them once; (4) it consists of operations of `arith` and `math` on scalars, which hold no others.

    Example:
    ```mlir
    %s = tile.combine %x along 1 : tensor<8x32xf32> -> tensor<8xf32> {
    ^bb0(%a: f32, %b: f32):
      %sum = arith.addf %a, %b : f32
      tile.yield %sum : f32
    }
    ```
  }];
}

def Tile_ScanOp : Tile_CombinerOp<"scan"> {
  let summary = "combine each element with all those before it along one dimension, by a function";
  let description = [{
    Element x of a result is what `tile.combine` makes of the elements up to x, and x itself.

    Constraints: (1) tiles of one shape, `dim` below its rank; (2) a result each, of the tile's type; (3) and (4) as
    those of `tile.combine`.

    Example:
    ```mlir
    %p = tile.scan %x along 0 : tensor<32xi32> -> tensor<32xi32> {
    ^bb0(%a: i32, %b: i32):
      %sum = arith.addi %a, %b : i32
      tile.yield %sum : i32
    }
    ```
  }];
}

def Tile_YieldOp : Tile_Op<"yield", [Pure, Terminator]> {
  let summary = "what the function of a tile.combine or tile.scan gives";
  let description = [{
    Constraints: (1) ends the function of a `tile.combine` or a `tile.scan`, or of one of cta that does a part of them.

    Example:
    ```mlir
    %last = tile.combine %x along 1 : tensor<8x32xi32> -> tensor<8xi32> {
    ^bb0(%a: i32, %b: i32):
      tile.yield %b : i32
    }
    ```
  }];
  let arguments = (ins Variadic<Tile_Scalar>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Promises
//===----------------------------------------------------------------------===//

def Tile_VisibleOp : Tile_Op<"visible", [MemoryEffects<[MemWrite]>]> {
  let summary = "a promise: an iteration in which the mask is all false changes nothing";
  let description = [{
    Stands in the body of an `scf.for`. The kernel's author promises that leaving out every iteration of
    that loop in which all elements of `mask` are false does not change what the kernel writes: neither
    which elements nor, to the rounding of their type, their values. What the loop carries may differ
    where it is never stored. A column of the mask (dimension 1) that the bounds of the mask hide from
    every row is read as zero, whatever it holds (NaN, infinities), where the loop loads rows of views at the
    mask's columns; the bounds are those of its comparisons (`MaskBounds.h`). The pass
    `tile-bound-loops` uses the promise and removes the operation. The reference interpreter leaves the
    iterations out, and checks the promise by a second run with all of them (Interpreter.h).

    Constraints: (1) `mask` is a rank-2 tile of i1; (2) stands directly in the body of an `scf.for`.

    Example:
    ```mlir
    scf.for %j = %zero to %n step %one : i32 {
      tile.visible %mask : tensor<128x64xi1>
    }
    ```
  }];
  let arguments = (ins Tile_Tile:$mask);
  let assemblyFormat = "$mask attr-dict `:` type($mask)";
  let hasVerifier = 1;
}

def Tile_RequireOp : Tile_Op<"require", [MemoryEffects<[MemWrite]>]> {
  let summary = "a fact that the host has checked before the launch";
  let description = [{
    `condition` is true whenever the kernel runs: what the text requires of its scalars (`require scale > 0`).
    Passes read facts from it, and no code is made of it. The reference interpreter stops where it is false.

    Constraints: (1) stands in the body of the kernel, outside of loops and branches.

    Example:
    ```mlir
    tile.require %positive
    ```
  }];
  let arguments = (ins I1:$condition);
  let assemblyFormat = "$condition attr-dict";
  let hasVerifier = 1;
}

#endif // IMBREX_DIALECTS_TILE_TILEOPS
