//===- CtaOps.td - The cta dialect ----------------------------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How one CTA runs a tile program: tiles spread over threads (a layout on the tensor type), tiles in
// shared memory (buffers), asynchronous copies into rings, barriers, matrix instructions.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_CTA_CTAOPS
#define IMBREX_DIALECTS_CTA_CTAOPS

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/tile/TileTypes.td"

def Cta_Dialect : Dialect {
  let name = "cta";
  let cppNamespace = "::imbrex::cta";
  let summary = "Tile programs as one CTA runs them";
  let description = [{
    After distribution every tile is a ranked tensor whose encoding is a `#cta.layout`: which register
    of which lane of which warp holds which element. Element-wise `arith` and `math` operations,
    `tile.splat`, `tile.iota`, `tile.expand_dims`, `tile.broadcast`, `tile.reduce`, `tile.load` and
    `tile.store` keep their meaning on such tensors. The operations of this dialect add what a CTA has
    besides registers: shared memory, asynchronous copies, barriers and matrix instructions.

    A *buffer* holds one tile a slot in shared memory. A ring is a buffer of several slots. `cta.put`
    starts an asynchronous copy into a slot, `cta.get` waits until the copy has arrived for every
    thread. How copies arrive (groups of `cp.async`, say) is the lowering's choice.

    A kernel whose launch is settled has the attribute `cta.launch`, a `#cta.launch`; it keeps it as an `llvm.func`.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
}

def Cta_TileLayout : AttrParameter<"::imbrex::layout::TileLayout", "the layout"> {
  let cppAccessorType = "const ::imbrex::layout::TileLayout &";
}

def Cta_LayoutAttr : AttrDef<Cta_Dialect, "Layout"> {
  let mnemonic = "layout";
  let summary = "Which register, lane and warp holds which element of a tile";
  let description = [{
    A `layout::TileLayout` (dialects/layout/TileLayout.h), as text in its own notation.

    Example: `#cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 8x1 stride 1x8 repeat 1x8">`
  }];
  let parameters = (ins Cta_TileLayout:$layout);
  let hasCustomAssemblyFormat = 1;
}

def Cta_LaunchAttr : AttrDef<Cta_Dialect, "Launch"> {
  let mnemonic = "launch";
  let summary = "How a kernel is launched";
  let description = [{
    The attribute `cta.launch` of a kernel, set by `cta-allocate-shared`: its GPU, the threads of a CTA, the CTA's bytes
    of dynamic shared memory, and the registers that a thread can have at most.

    Constraints: (1) a target such as "sm_80"; (2) whole warps of 32 threads, at least one; (3) the bytes are not
    negative; (4) 1 to 255 registers.

    Example: `#cta.launch<"sm_90a", threads 256, shared 65536, registers 255>`
  }];
  let parameters = (ins StringRefParameter<"GPU architecture">:$target, "unsigned":$threads, "int64_t":$shared,
                        "unsigned":$registers);
  let assemblyFormat = "`<` $target `,` `threads` $threads `,` `shared` $shared `,` `registers` $registers `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    unsigned getWarps() const { return getThreads() / 32; }
  }];
}

def Cta_BufferType : TypeDef<Cta_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "Tiles in shared memory: `slots` tiles of rows x columns, swizzled";
  let description = [{
    Rows, columns, element type, the swizzle span in bytes (dialects/layout/SharedLayout.h) and the
    number of slots. Slot s starts at s times the layout's size. `stored` are the fewest rows and columns
    kept, where they are more than the tile has. What a slot holds beyond the tile is its padding:
    `cta.put` and `cta.write` fill it with zeros.

    Constraints: (1) at least one row, column and slot; (2) a span of 32, 64 or 128 bytes, those of
    TMA's swizzles; (3) elements of 1, 2, 4 or 8 bytes, or i1, which takes one; (4) `stored` is not smaller
    than the tile, and more along one dimension.

    Example: `!cta.buffer<64, 128, bf16, span 128, slots 2>`, `!cta.buffer<1, 100, f16, span 32, slots 1, stored 16 x 112>`
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "::mlir::Type":$elementType, "unsigned":$span,
                        "unsigned":$slots, OptionalParameter<"int64_t">:$leastRows,
                        OptionalParameter<"int64_t">:$leastColumns);
  let genVerifyDecl = 1;
  let assemblyFormat = [{
    `<` $rows `,` $columns `,` $elementType `,` `span` $span `,` `slots` $slots
    (`,` `stored` $leastRows^ `x` $leastColumns)? `>`
  }];
  let extraClassDeclaration = [{
    /// A buffer for tiles of this shape with the best swizzle, that keeps at least `leastRows` and `leastColumns`.
    static BufferType getFor(int64_t rows, int64_t columns, ::mlir::Type elementType, int64_t leastRows = 0,
                             int64_t leastColumns = 0);
    ::imbrex::layout::SharedLayout getLayout() const;
    unsigned getElementBytes() const;
    int64_t getSizeBytes() const { return getSlots() * getLayout().sizeBytes(); }
    BufferType withSlots(unsigned slots) const {
      return get(getContext(), getRows(), getColumns(), getElementType(), getSpan(), slots, getLeastRows(),
                 getLeastColumns());
    }
  }];
}

def Cta_DotKind : I32EnumAttr<"DotKind", "The instruction family of a product", [
    I32EnumAttrCase<"Fma", 0, "fma">, I32EnumAttrCase<"Mma", 1, "mma">]> {
  let cppNamespace = "::imbrex::cta";
}

class Cta_Op<string mnemonic, list<Trait> traits = []> : Op<Cta_Dialect, mnemonic, traits>;

def Cta_AllocOp : Cta_Op<"alloc", [MemoryEffects<[MemAlloc]>]> {
  let summary = "a buffer in shared memory";
  let description = [{
    Shared memory for the buffer's slots; what it holds first is undefined. `at` is the byte at which it
    starts in the CTA's dynamic shared memory, given by `cta-allocate-shared`.

    Example:
    ```mlir
    %k = cta.alloc : !cta.buffer<64, 128, bf16, span 128, slots 2>
    ```
  }];
  let arguments = (ins OptionalAttr<I64Attr>:$offset);
  let results = (outs Cta_BufferType:$result);
  let assemblyFormat = "(`at` $offset^)? attr-dict `:` qualified(type($result))";
}

def Cta_PutOp : Cta_Op<"put", [AttrSizedOperandSegments, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "start copying a tile of a view into a slot of a buffer";
  let description = [{
    All threads of the CTA take part. The tile is chosen as by `tile.load`; what lies outside is zero,
    the buffer's padding columns too. The copy arrives some time before a `cta.get` of the slot
    returns. With `if`, nothing is copied where the condition is false. Each put is one group of copies.

    Constraints: (1) one index a dimension of the view; (2) two increasing `dims` below the view's rank;
    (3) the element types agree; (4) `within` names a dimension in `dims` and has both bounds.

    Example:
    ```mlir
    cta.put %K[%b, %j, %h, %zero] dims [1, 3] into %ring[%slot] : !tile.view<? x ? x ? x 128 x bf16>, !cta.buffer<64, 128, bf16, span 128, slots 2>
    ```
  }];
  let arguments = (ins Tile_ViewType:$view, Variadic<I32>:$indices, DenseI64ArrayAttr:$dims,
                       OptionalAttr<I32Attr>:$withinDim, Optional<I32>:$withinLow, Optional<I32>:$withinHigh,
                       Cta_BufferType:$buffer, I32:$slot, Optional<I1>:$condition);
  let assemblyFormat = [{
    $view `[` $indices `]` `dims` $dims (`within` $withinDim^ `,` $withinLow `,` $withinHigh)?
    `into` $buffer `[` $slot `]` (`if` $condition^)? attr-dict `:` qualified(type($view)) `,` qualified(type($buffer))
  }];
  let hasVerifier = 1;
}

def Cta_GetOp : Cta_Op<"get", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "wait until a slot's copy has arrived, and all threads are here";
  let description = [{
    The result is the slot as a buffer of one slot. `pending` is the number of younger puts that may
    still be on their way. A get is also a barrier of the whole CTA: what threads read or wrote before
    it is done.

    Constraints: (1) the result is the buffer's type with one slot; (2) `pending` is not negative.

    Example:
    ```mlir
    %k = cta.get %ring[%slot] pending 2 : !cta.buffer<64, 128, bf16, span 128, slots 2> -> !cta.buffer<64, 128, bf16, span 128, slots 1>
    ```
  }];
  let arguments = (ins Cta_BufferType:$buffer, I32:$slot, I32Attr:$pending);
  let results = (outs Cta_BufferType:$result);
  let assemblyFormat = "$buffer `[` $slot `]` `pending` $pending attr-dict `:` qualified(type($buffer)) `->` qualified(type($result))";
  let hasVerifier = 1;
}

def Cta_ReadOp : Cta_Op<"read", [MemoryEffects<[MemRead]>]> {
  let summary = "shared memory to registers";
  let description = [{
    The tile in slot 0 of the buffer, or with `transposed` its transpose, spread as the result's layout
    says; by ldmatrix where the layout allows it. Where the layout covers more than the tile, the result is zero.

    Constraints: (1) rank 2 (or rank 1 with a buffer of one row), the buffer's extents; (2) same element type.

    Example:
    ```mlir
    #a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
    %q = cta.read %b : !cta.buffer<16, 16, bf16, span 32, slots 1> -> tensor<16x16xbf16, #a>
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
    Writes the tile to slot 0 of the buffer. Other threads see it after a barrier.

    Constraints: (1) rank 2 (or rank 1 with a buffer of one row), the buffer's extents; (2) same element type.

    Example:
    ```mlir
    #c = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
    cta.write %p, %b : tensor<16x8xf32, #c>, !cta.buffer<16, 8, f32, span 32, slots 1>
    ```
  }];
  let arguments = (ins Tile_Tile:$value, Cta_BufferType:$buffer);
  let assemblyFormat = "$value `,` $buffer attr-dict `:` type($value) `,` qualified(type($buffer))";
  let hasVerifier = 1;
}

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

def Cta_BarrierOp : Cta_Op<"barrier", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "all threads of the CTA meet; what they wrote to shared memory is seen by all";
  let description = [{
    Example:
    ```mlir
    cta.barrier
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Cta_DotOp : Cta_Op<"dot", [AttrSizedOperandSegments, MemoryEffects<[MemRead]>]> {
  let summary = "matrix product with operands in registers or shared memory";
  let description = [{
        result = accumulator + a * b        with a, b read transposed where the flag says so

    `a` comes from registers (a fragment, kind mma) or from a buffer; `b` from a buffer. Kind `mma` is
    m16n8k16 (16-bit operands, f32 accumulator; PTX ISA "mma.sync"), kind `fma` is one multiply-add an
    element. Where kind `mma` needs more of an operand than the tile has, its buffer is stored with padding, and
    the margin of a fragment along K is zero (`cta.clear_margin`).

    Constraints: (1) exactly one of a's tile and a's buffer; (2) extents agree;
    (3) kind mma: 16-bit operands and an f32 accumulator;
    (4) the result has the type of the accumulator; (5) tiles of rank 2.

    Example:
    ```mlir
    #a = #cta.layout<"reg (0,1) (8,0) (0,8) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
    #c = #cta.layout<"reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 1x1 stride 1x1 repeat 1x1">
    %s = cta.dot mma tile %q : tensor<16x16xbf16, #a>, %k transposed_b, %zero : !cta.buffer<8, 16, bf16, span 32, slots 1>, tensor<16x8xf32, #c> -> tensor<16x8xf32, #c>
    ```
  }];
  let arguments = (ins Cta_DotKind:$kind, Optional<Tile_Tile>:$a, Optional<Cta_BufferType>:$aBuffer, Cta_BufferType:$bBuffer,
                       Tile_Tile:$accumulator, UnitAttr:$transposedA, UnitAttr:$transposedB);
  let results = (outs Tile_Tile:$result);
  let assemblyFormat = [{
    $kind (`tile` $a^ `:` type($a))? (`buffer` $aBuffer^ `:` qualified(type($aBuffer)))?
    (`transposed_a` $transposedA^)? `,` $bBuffer (`transposed_b` $transposedB^)? `,` $accumulator attr-dict
    `:` qualified(type($bBuffer)) `,` type($accumulator) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // IMBREX_DIALECTS_CTA_CTAOPS
