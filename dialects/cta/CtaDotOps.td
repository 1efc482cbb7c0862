//===- CtaDotOps.td - Matrix products -----------------------------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of tiles, issued and waited for.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_CTA_CTADOTOPS
#define IMBREX_DIALECTS_CTA_CTADOTOPS

include "dialects/cta/CtaTypes.td"

def Cta_DotKind : I32EnumAttr<"DotKind", "The instruction family of a product", [
    I32EnumAttrCase<"Fma", 0, "fma">, I32EnumAttrCase<"Mma", 1, "mma">,
    I32EnumAttrCase<"Wgmma", 2, "wgmma">]> {
  let cppNamespace = "::imbrex::cta";
}

/// tile's DotMode, as Cta_ReduceKind is tile's ReduceKind.
def Cta_DotMode : Attr<CPred<"::mlir::isa<::imbrex::tile::DotModeAttr>($_self)">, "how a product multiplies f32"> {
  let storageType = "::imbrex::tile::DotModeAttr";
  let returnType = "::imbrex::tile::DotMode";
  let convertFromStorage = "$_self.getValue()";
  let constBuilderCall = "::imbrex::tile::DotModeAttr::get($_builder.getContext(), $0)";
}

def Cta_DotOp : Cta_Op<"dot", [AttrSizedOperandSegments, MemoryEffects<[MemRead]>]> {
  let summary = "matrix product with operands in registers or shared memory";
  let description = [{
        result = accumulator + a * b        with a, b read transposed where the flag says so

    `a` comes from registers (a fragment, kinds mma and wgmma) or from a buffer; `b` from a buffer. Kind `mma` is
    mma.sync of 16 rows, 8 columns and 32 bytes of K (PTX ISA, "mma"): m16n8k32 of i8 and of floats of 8 bits (from
    sm_89 on), m16n8k16 of 16-bit operands, m16n8k8 of f32 operands rounded to tf32, as `mode` says. Kind `wgmma` is
    wgmma.mma_async of 64 rows, which four warps share, up to 256 columns and 32 bytes of K (PTX ISA, "Asynchronous
    Warpgroup Level Matrix Instructions"); its operands in shared memory are read as layout::WgmmaOperand says, through
    the async proxy (`cta.fence_async`), the right one of 8 bits or f32, beside a left one in the order Pairs, as
    `cta.restage pairs` writes it. It cuts f32: who makes the operands rounds them (`cta.restage`, `cta.round`). Kind `fma` is one multiply-add an element. Where kinds `mma` and `wgmma` need
    more of an operand than the tile has, its buffer is stored with padding, and the margin of a fragment along K is
    zero (`cta.clear_margin`).

    With `async` the product is issued only: its result may be read behind a `cta.dot_wait`, and its operands must
    stay as they are until then.

    With `columns [begin, end]` the product adds to these columns, from `begin` up to `end`, and passes on the others:
    those may be in flight. A product over another one's columns makes the rest of the tile; a wait for the last one is
    a wait for all of them.

    Constraints: (1) exactly one of a's tile and a's buffer; (2) extents agree;
    (3) kinds mma and wgmma: floats of 8 or 16 bits and mode `ieee` with an f32 accumulator, i8 operands with an i32
    accumulator, or f32 operands and mode `tf32`; kind mma also `tf32x3`; kind fma: mode `ieee`;
    (4) the result has the type of the accumulator; (5) tiles of rank 2; (6) columns only of kind wgmma with `async`:
    some of the result's, `begin` and `end` multiples of 16.

    Example:
    ```mlir
    #a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
    #c = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
    %s = cta.dot mma tile %q : tensor<16x16xbf16, #a>, %k transposed_b, %zero : !cta.buffer<8, 16, bf16, span 32>, tensor<16x8xf32, #c> -> tensor<16x8xf32, #c>
    ```
  }];
  let arguments = (ins Cta_DotKind:$kind, Optional<Tile_Tile>:$a, Optional<Cta_BufferType>:$aBuffer, Cta_BufferType:$bBuffer,
                       Tile_Tile:$accumulator, UnitAttr:$transposedA, UnitAttr:$transposedB, UnitAttr:$async,
                       DefaultValuedAttr<Cta_DotMode, "::imbrex::tile::DotMode::Ieee">:$mode,
                       OptionalAttr<DenseI64ArrayAttr>:$columns);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = [{
    $kind (`async` $async^)? (`tile` $a^ `:` type($a))? (`buffer` $aBuffer^ `:` qualified(type($aBuffer)))?
    (`transposed_a` $transposedA^)? `,` $bBuffer (`transposed_b` $transposedB^)? `,` $accumulator (`columns` $columns^)?
    custom<DotMode>($mode) attr-dict
    `:` qualified(type($bBuffer)) `,` type($accumulator) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Cta_DotWaitOp : Cta_Op<"dot_wait", [AttrSizedOperandSegments, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "wait until asynchronous products are done";
  let description = [{
    The results are the same values, readable now: accumulators of `async` products, and tiles that they took as
    left operands. `pending` is the number of younger products that may still run. The wait stays behind the
    operations that give the values `after`.

    Products are done in the order in which they were issued. One of kind `fma` or `mma` is done when it is issued:
    there the wait is the identity, and `cta-place-waits` drops it.

    Constraints: (1) the results have the types of the values; (2) `pending` is not negative; (3) at least one value.

    Example:
    ```mlir
    #c = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
    %acc1 = cta.dot_wait %acc pending 1 after(%l : tensor<16x8xf32, #c>) : tensor<16x8xf32, #c> -> tensor<16x8xf32, #c>
    ```
  }];
  let arguments = (ins Variadic<Tile_Tile>:$values, Variadic<Tile_Tile>:$after, DefaultValuedAttr<I32Attr, "0">:$pending);
  let results = (outs Variadic<Tile_Tile>:$results);
  let assemblyFormat = [{
    $values `pending` $pending (`after` `(` $after^ `:` type($after) `)`)? attr-dict `:` type($values) `->`
    type($results)
  }];
  let hasVerifier = 1;
}

#endif // IMBREX_DIALECTS_CTA_CTADOTOPS
