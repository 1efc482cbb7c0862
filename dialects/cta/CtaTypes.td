//===- CtaTypes.td - Layouts, buffers, rings ----------------------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dialect, and what its values are: tiles spread over threads (a layout on the tensor type), a tile in
// shared memory (a buffer), a queue of such tiles (a ring).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_CTA_CTATYPES
#define IMBREX_DIALECTS_CTA_CTATYPES

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

    A *buffer* holds one tile in shared memory. A *ring* is a queue of tiles: `cta.put` starts an asynchronous copy
    into the slot of a step, `cta.get` waits until the executing thread's part of that copy has arrived, and
    a `cta.barrier` makes what each thread knows known to all. The body of an attention loop, two slots:

    ```
    %k = cta.get %K[%j] pending 0         this thread's copies of step j have arrived, and
    %v = cta.get %V[%j] arrived           after the barrier everyone's; everyone has
    cta.barrier cta                       read step j - 1, whose slots are step j + 1's
    cta.put %k_view[...] into %K[%next] if %more
    cta.put %v_view[...] into %V[%next] if %more
    cta.commit
    %s = cta.dot mma tile %q, %k transposed_b, %zero
    ...
    %acc1 = cta.dot mma tile %p, %v, %scaled
    ```

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
    unsigned getWarps() const { return getThreads() / imbrex::layout::kWarpThreads; }
  }];
}

def Cta_BufferType : TypeDef<Cta_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "A tile in shared memory: rows x columns, swizzled";
  let description = [{
    Rows, columns, element type and the swizzle span in bytes (dialects/layout/SharedLayout.h). `stored` are the
    fewest rows and columns kept, where they are more than the tile has. What a buffer holds beyond the tile is
    its padding: `cta.put` and `cta.write` fill it with zeros.

    Constraints: (1) at least one row and column; (2) a span of 32, 64 or 128 bytes, those of TMA's swizzles;
    (3) elements of 1, 2, 4 or 8 bytes, or i1, which takes one; (4) `stored` is not smaller than the tile, and
    more along one dimension.

    Example: `!cta.buffer<64, 128, bf16, span 128>`, `!cta.buffer<1, 100, f16, span 32, stored 16 x 112>`
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "::mlir::Type":$elementType, "unsigned":$span,
                        OptionalParameter<"int64_t">:$leastRows, OptionalParameter<"int64_t">:$leastColumns);
  let genVerifyDecl = 1;
  let assemblyFormat = [{
    `<` $rows `,` $columns `,` $elementType `,` `span` $span (`,` `stored` $leastRows^ `x` $leastColumns)? `>`
  }];
  let extraClassDeclaration = [{
    /// A buffer for tiles of this shape with the best swizzle, that keeps at least `leastRows` and `leastColumns`.
    static BufferType getFor(int64_t rows, int64_t columns, ::mlir::Type elementType, int64_t leastRows = 0,
                             int64_t leastColumns = 0);
    ::imbrex::layout::SharedLayout getLayout() const;
    unsigned getElementBytes() const;
    int64_t getSizeBytes() const { return getLayout().sizeBytes(); }
  }];
}

def Cta_Completion : I32EnumAttr<"Completion", "How a thread learns that a copy into a ring has arrived", [
    I32EnumAttrCase<"Groups", 0, "groups">, I32EnumAttrCase<"Mbarrier", 1, "mbarrier">]> {
  let cppNamespace = "::imbrex::cta";
  let description = [{
    `groups`: a thread waits for its own groups of copies (PTX ISA, "cp.async.wait_group"), and meets the
    others at a `cta.barrier`. `mbarrier`: each slot has two barriers in shared memory (PTX ISA, "mbarrier"), one that
    a copy completes when all of it is there, one that the readers complete when they have released the slot: a step is
    put once, got once and released once, in the order of steps, by roles that run at once (`cta.roles`).
  }];
}

def Cta_RingType : TypeDef<Cta_Dialect, "Ring"> {
  let mnemonic = "ring";
  let summary = "A queue of tiles in shared memory that copies fill ahead of their use";
  let description = [{
    `slots` places for a tile, each laid out as the buffer of the same rows, columns, element type and span. A tile
    is named by its *step*, an i32 that counts up and is never reduced; step s lies in slot s mod `slots`. A slot
    starts at a multiple of 8 rows' spans, where TMA and matrix descriptors find it. `by` says how a copy
    completes.

    Constraints: (1) to (4) those of the buffer; (5) at least one slot.

    Example: `!cta.ring<64, 128, bf16, span 128, slots 2, by groups>`, `!cta.ring<64, 128, bf16, span 128, slots 2, by mbarrier>`, `!cta.ring<1, 100, f16, span 32, slots 3, by groups, stored 16 x 112>`
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "::mlir::Type":$elementType, "unsigned":$span,
                        "unsigned":$slots, EnumParameter<Cta_Completion>:$completion,
                        OptionalParameter<"int64_t">:$leastRows, OptionalParameter<"int64_t">:$leastColumns);
  let genVerifyDecl = 1;
  let assemblyFormat = [{
    `<` $rows `,` $columns `,` $elementType `,` `span` $span `,` `slots` $slots `,` `by` $completion
    (`,` `stored` $leastRows^ `x` $leastColumns)? `>`
  }];
  let extraClassDeclaration = [{
    /// A ring of `slots` tiles, each as in `slot`.
    static RingType getFor(BufferType slot, unsigned slots, Completion completion = Completion::Groups);
    /// One slot, as a buffer.
    BufferType getSlot() const;
    /// Bytes from a slot to the next.
    int64_t getStrideBytes() const;
    int64_t getSizeBytes() const { return getSlots() * getStrideBytes(); }
    /// Bytes of the barriers of all slots: first those that say that a slot is full, then those that it is empty.
    int64_t getBarrierBytes() const {
      return getCompletion() == Completion::Mbarrier ? 2 * kBarrierBytes * getSlots() : 0;
    }
    /// Of one mbarrier object (PTX ISA, "Size and alignment of mbarrier object").
    static constexpr int64_t kBarrierBytes = 8;
    RingType withSlots(unsigned slots) const { return getFor(getSlot(), slots, getCompletion()); }
  }];
}

def Cta_TensorMapType : TypeDef<Cta_Dialect, "TensorMap"> {
  let mnemonic = "tensor_map";
  let summary = "What the copy engine knows of a view";
  let description = [{
    A CUtensorMap: 128 bytes that the driver encodes at launch, from the view's address, extents and strides and a box.

    Example: `!cta.tensor_map`
  }];
}

class Cta_Op<string mnemonic, list<Trait> traits = []> : Op<Cta_Dialect, mnemonic, traits>;

#endif // IMBREX_DIALECTS_CTA_CTATYPES
