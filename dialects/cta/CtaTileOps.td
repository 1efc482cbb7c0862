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

/// tile's ReduceKind: an enumeration is defined once, in the dialect that made it.
def Cta_ReduceKind : Attr<CPred<"::mlir::isa<::imbrex::tile::ReduceKindAttr>($_self)">, "a kind of reduction"> {
  let storageType = "::imbrex::tile::ReduceKindAttr";
  let returnType = "::imbrex::tile::ReduceKind";
  let convertFromStorage = "$_self.getValue()";
  let constBuilderCall = "::imbrex::tile::ReduceKindAttr::get($_builder.getContext(), $0)";
}

def Cta_ReduceOp : Cta_Op<"reduce", [Pure]> {
  let summary = "each warp's part of a reduction";
  let description = [{
    As `tile.reduce`, but each warp combines only what it holds itself: element w of the result along `dim` is
    the part of the w-th warp along it, the neutral element where that warp holds none.

    Constraints: (1) `dim` below the operand's rank; (2) the result's layout is the operand's with warps' parts
    along `dim` (TileLayout::warpParts), its shape the operand's with as many elements along `dim` as warps;
    (3) same element type.

    Example:
    ```mlir
    #x = #cta.layout<"reg lane (1) (2) (4) (8) (16) warps 4 stride 1 repeat 1">
    #parts = #cta.layout<"reg lane (0) (0) (0) (0) (0) warps 4 stride 1 repeat 1">
    %p = cta.reduce sum %x along 0 : tensor<128xf32, #x> -> tensor<4xf32, #parts>
    ```
  }];
  let arguments = (ins Cta_ReduceKind:$kind, Tile_Tile:$source, ConfinedAttr<I32Attr, [IntMinValue<0>]>:$dim);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = "custom<ReduceKind>($kind) $source `along` $dim attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

#endif // IMBREX_DIALECTS_CTA_CTATILEOPS
