//===- CtaTileOps.td - Tiles in registers -------------------------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What tiles need besides arith, math and tile once they are spread over threads.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_CTA_CTATILEOPS
#define IMBREX_DIALECTS_CTA_CTATILEOPS

include "dialects/cta/CtaTypes.td"

def Cta_ClearMarginOp : Cta_Op<"clear_margin", [Pure, SameOperandsAndResultType]> {
  let summary = "zeros in the registers that the layout has beyond the tile";
  let description = [{
    The same tile; registers that hold no element of it (TileLayout.h, "margin") are zero, so that a product
    may run over them.

    Example:
    ```mlir
    #a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
    %q = cta.clear_margin %p : tensor<16x12xbf16, #a>
    ```
  }];
  let arguments = (ins Tile_Tile:$value);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Cta_RoundOp : Cta_Op<"round", [Pure, SameOperandsAndResultType, Elementwise, Scalarizable, Vectorizable, Tensorizable]> {
  let summary = "f32 rounded to tf32";
  let description = [{
    Each element to the nearest of tf32, ties away from zero (PTX ISA, "cvt.rna.tf32"): a left operand of `cta.dot wgmma`
    as it is in registers.

    Constraint: (1) elements of f32.

    Example:
    ```mlir
    #a = #cta.layout<"reg (8,0) (0,4) lane (0,1) (0,2) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
    %r = cta.round %p : tensor<16x8xf32, #a>
    ```
  }];
  let arguments = (ins Tile_Tile:$value);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "$value attr-dict `:` type($value)";
  let hasVerifier = 1;
}

/// tile's ReduceKind: an enumeration is defined once, in the dialect that made it.
def Cta_ReduceKind : Attr<CPred<"::mlir::isa<::imbrex::tile::ReduceKindAttr>($_self)">, "a kind of reduction"> {
  let storageType = "::imbrex::tile::ReduceKindAttr";
  let returnType = "::imbrex::tile::ReduceKind";
  let convertFromStorage = "$_self.getValue()";
  let constBuilderCall = "::imbrex::tile::ReduceKindAttr::get($_builder.getContext(), $0)";
}

def Cta_PartScope : I32EnumAttr<"PartScope", "Who makes a part of a reduction", [
    I32EnumAttrCase<"Lane", 0, "lane">, I32EnumAttrCase<"Warp", 1, "warp">]> {
  let cppNamespace = "::imbrex::cta";
}

def Cta_ReduceOp : Cta_Op<"reduce", [Pure]> {
  let summary = "each lane's or each warp's part of a reduction";
  let description = [{
    As `tile.reduce`, but each lane, or each warp, combines only what it holds itself. `per warp`, element w of
    the result along `dim` is the part of the w-th warp along it, the neutral element where that warp holds none.
    `per lane`, there is an element for each lane of each warp along `dim` (TileLayout::laneParts).

    Constraints: (1) `dim` below the operand's rank; (2) the result's layout is the operand's with such parts
    along `dim` (TileLayout::warpParts or laneParts), its shape the operand's with as many elements along `dim`
    as there are parts, of the same element type.

    Example:
    ```mlir
    #x = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
    #parts = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">
    %p = cta.reduce sum %x along 0 per warp : tensor<128xf32, #x> -> tensor<4xf32, #parts>
    ```
  }];
  let arguments = (ins Cta_ReduceKind:$kind, Tile_Tile:$source, ConfinedAttr<I32Attr, [IntMinValue<0>]>:$dim,
                       Cta_PartScope:$scope);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = [{
    custom<ReduceKind>($kind) $source `along` $dim `per` $scope attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

class Cta_CombinerOp<string mnemonic, list<Trait> traits = []>
    : Cta_Op<mnemonic, [Pure, IsolatedFromAbove, SingleBlock, Tile_CombinesByFunction] # traits> {
  let results = (outs Variadic<Tile_Tile>:$results);
  let regions = (region SizedRegion<1>:$combiner);
  let hasVerifier = 1;
}

def Cta_CombineOp : Cta_CombinerOp<"combine"> {
  let summary = "each warp's parts of a reduction by a function";
  let description = [{
    As `tile.combine`, but a warp combines only elements in a row that it holds: runs of as many as the atom of the
    layout has along `dim`. Element r of a result along `dim` is what `tile.combine` makes of run r alone.

    Constraints: (1) tiles of one shape and layout, `dim` below its rank; (2) a result each, of its element type, whose
    layout is the tile's with one element a run (TileLayout::runParts) and whose shape has along `dim` as many as there
    are runs with an element in them; (3) and (4) as those of `tile.combine`.

    Example:
    ```mlir
    #x = #cta.layout<"reg (1) lane (2) (4) (8) (16) (32) warps 4 stride 1 repeat 1">
    #parts = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">
    %p = cta.combine %x along 0 : tensor<256xf32, #x> -> tensor<4xf32, #parts> {
    ^bb0(%a: f32, %b: f32):
      %sum = arith.addf %a, %b : f32
      tile.yield %sum : f32
    }
    ```
  }];
  let arguments = (ins Variadic<Tile_Tile>:$sources, ConfinedAttr<I32Attr, [IntMinValue<0>]>:$dim);
  let assemblyFormat = "$sources `along` $dim attr-dict `:` type($sources) `->` type($results) $combiner";
}

def Cta_ScanOp : Cta_CombinerOp<"scan", [SameVariadicOperandSize]> {
  let summary = "a scan by a function whose runs lie in several warps";
  let description = [{
    As `tile.scan`. `parts`, one a source, are what `cta.combine` makes of the sources by the same function, all of them
    in every warp: the elements of run r come after those of all runs before, which elements 0 to r - 1 of `parts`
    stand for.

    Constraints: (1) tiles of one shape and layout, `dim` below its rank; (2) a result each, of the tile's type; (3) and
    (4) as those of `tile.combine`; (5) parts of the shape and element type that `cta.combine` gives them, all in each
    warp (TileLayout::gathered).

    Example:
    ```mlir
    #x = #cta.layout<"reg (1) lane (2) (4) (8) (16) (32) warps 4 stride 1 repeat 1">
    #all = #cta.layout<"reg (1) (2) lane (0) (0) (0) (0) (0) warps 1 stride 1 repeat 1">
    %s = cta.scan %x after %p along 0 : tensor<256xf32, #x> after tensor<4xf32, #all> -> tensor<256xf32, #x> {
    ^bb0(%a: f32, %b: f32):
      %sum = arith.addf %a, %b : f32
      tile.yield %sum : f32
    }
    ```
  }];
  let arguments = (ins Variadic<Tile_Tile>:$sources, Variadic<Tile_Tile>:$parts,
                       ConfinedAttr<I32Attr, [IntMinValue<0>]>:$dim);
  let assemblyFormat = [{
    $sources `after` $parts `along` $dim attr-dict `:` type($sources) `after` type($parts) `->` type($results) $combiner
  }];
}

def Cta_AnyOp : Cta_Op<"any", [Pure]> {
  let summary = "whether a condition holds for anything that the warp holds";
  let description = [{
    True in every thread of a warp if an element of the tile that one of its threads holds is true; what lies in
    the layout's margin may count. Two warps may get different answers, so only what concerns no other warp may
    depend on it: an `scf.if` of operations on registers.

    Constraints: (1) a tile of i1 with a layout; (2) each use is the condition of an `scf.if`; (3) in which every
    operation is pure.

    Example:
    ```mlir
    #rows = #cta.layout<"reg (8) lane (0) (0) (1) (2) (4) warps 8 stride 1 repeat 1">
    %grew = cta.any %c : tensor<128xi1, #rows>
    ```
  }];
  let arguments = (ins Tile_Tile:$condition);
  let results = (outs I1:$result);
  let assemblyFormat = "$condition attr-dict `:` type($condition)";
  let hasVerifier = 1;
}

#endif // IMBREX_DIALECTS_CTA_CTATILEOPS
