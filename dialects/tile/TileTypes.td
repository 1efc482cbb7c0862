//===- TileTypes.td - The tile dialect and its types ----------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dialect, its view type, and what operations of it and of cta may take.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_TILE_TILETYPES
#define IMBREX_DIALECTS_TILE_TILETYPES

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::imbrex::tile";
  let summary = "Tile programs: what one program instance computes on whole tiles";
  let description = [{
    A kernel is a `func.func` with the attribute `tile.kernel`, a `#tile.request`. Its arguments are views
    (`!tile.view`) and scalars; each carries its name as the argument attribute `tile.name`, a view its
    alignment as `tile.alignment`. `tile.extents` says what its extents are, as written: dynamic ones written alike
    are equal, which the launch has checked, and passed once. A tile is a ranked tensor of static shape.
    A `math.absi` may carry `tile.exact`: no element of its operand is the least integer. A program instance is one point of
    the launch grid; instances share nothing but views.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasConstantMaterializer = 1;
}

/// Of an operation whose region is a function by which it combines elements; a tile.yield ends it.
def Tile_CombinesByFunction : NativeOpTrait<"CombinesByFunction"> {
  let cppNamespace = "::imbrex::tile";
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Tile_ViewType : TypeDef<Tile_Dialect, "View"> {
  let mnemonic = "view";
  let summary = "A strided array in global memory";
  let description = [{
    Element type and extents; a dynamic extent is `?` and is given at launch, as are the strides (in
    elements; the last is 1). `out` views may be stored to. `var` views may be stored to, added to and loaded: a load
    gives what the array held before the launch, or what the same program instance has stored since.

    Example: `!tile.view<? x ? x 8 x 128 x bf16>`, `!tile.view<? x f32, out>`, `!tile.view<? x f32, var>`.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$extents, "::mlir::Type":$elementType,
                        "::imbrex::tile::ViewAccess":$access);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    int64_t getRank() const { return getExtents().size(); }
    bool getWritable() const { return getAccess() != ViewAccess::In; }
    bool isDynamic(unsigned dim) const { return ::mlir::ShapedType::isDynamic(getExtents()[dim]); }
  }];
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

def Tile_RequestAttr : AttrDef<Tile_Dialect, "Request"> {
  let mnemonic = "request";
  let summary = "How a kernel is asked to run";
  let description = [{
    The attribute `tile.kernel` of a kernel: for which GPU, on how many warps that compute, with how many slots of
    a ring, whether its grid is folded (KernelInterface::foldedGrid), and whether its CTAs are resident: each then goes
    through as many instances as there are CTAs too few, and its grid is folded; and whether instances are launched from the
    last along the first axis to the first (`descending`), and whether warpgroups take turns at issuing products (`turns`). It does not change what the program means. What the compiler makes of it is a `#cta.launch`.

    Constraints: (1) a target such as "sm_80"; (2) at least one warp; (3) 1 to 8 stages.

    Example: `#tile.request<"sm_90a", warps 8, stages 2>`, `#tile.request<"sm_80", warps 4, stages 1, folded_grid>`,
    `#tile.request<"sm_90a", warps 8, stages 2, resident, descending, turns>`
  }];
  let parameters = (ins StringRefParameter<"GPU architecture">:$target, "unsigned":$warps, "unsigned":$stages,
                        "bool":$foldedGrid, "bool":$resident, "bool":$descending, "bool":$turns);
  let assemblyFormat = [{
    `<` $target `,` `warps` $warps `,` `stages` $stages ``
    custom<Wishes>($foldedGrid, $resident, $descending, $turns) `` `>`
  }];
  let genVerifyDecl = 1;
}

def Tile_Scalar : AnyTypeOf<[AnySignlessInteger, AnyFloat], "integer or float">;
def Tile_Tile : RankedTensorOf<[AnySignlessInteger, AnyFloat]>;
def Tile_TileOrScalar : AnyTypeOf<[Tile_Tile, Tile_Scalar], "tile or scalar">;

#endif // IMBREX_DIALECTS_TILE_TILETYPES
