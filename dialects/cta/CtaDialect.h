//===- CtaDialect.h - The cta dialect ----------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes, types and operations of the cta dialect (CtaOps.td).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_CTA_CTADIALECT_H
#define IMBREX_DIALECTS_CTA_CTADIALECT_H

#include "dialects/layout/MmaOrder.h"
#include "dialects/layout/SharedLayout.h"
#include "dialects/layout/TileLayout.h"
#include "dialects/layout/Warp.h"
#include "dialects/tile/TileDialect.h"

#include "dialects/cta/CtaDialect.h.inc"
#include "dialects/cta/CtaEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/cta/CtaAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/cta/CtaTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/cta/CtaOps.h.inc"

namespace imbrex::cta {

/// A LaunchAttr on the kernel after cta-allocate-shared.
inline constexpr llvm::StringLiteral kLaunchAttr = "cta.launch";

/// On an scf.for that goes on where the loop before it in its block, whose upper bound is its lower one, has ended:
/// that one begins not behind its upper bound, and its steps meet it.
inline constexpr llvm::StringLiteral kContinuesAttr = "cta.continues";

/// The loop that `loop` goes on from; null if there is none.
mlir::scf::ForOp continuedBy(mlir::scf::ForOp loop);

/// How a kernel is launched; null if that is not settled.
inline LaunchAttr launchOf(mlir::Operation *op) { return op->getAttrOfType<LaunchAttr>(kLaunchAttr); }

/// The layout of a distributed tile. The type must carry one.
inline const layout::TileLayout &layoutOf(mlir::Type type) {
  return mlir::cast<LayoutAttr>(mlir::cast<mlir::RankedTensorType>(type).getEncoding()).getLayout();
}
/// The tile type spread as `layout`, which covers its shape.
mlir::RankedTensorType withLayout(mlir::RankedTensorType type, const layout::TileLayout &layout);
/// The layout of a tile of `shape` that repeats, along its extents of 1, to one spread as `layout`.
layout::TileLayout narrowed(layout::TileLayout layout, llvm::ArrayRef<int64_t> shape);
/// What cta.reduce makes of `source`, a tile with a layout.
mlir::RankedTensorType partsType(mlir::RankedTensorType source, unsigned dim, PartScope scope);
/// The type of a cta.combine of a tile of type `source`.
mlir::RankedTensorType runPartsType(mlir::RankedTensorType source, unsigned dim);

/// In which order the instructions of `dot`, of kind mma, take K: as its left tile is spread, or as shared memory is
/// read best.
layout::KOrder kOrderOf(DotOp dot);
/// True if ldmatrix reads what `read` reads, and if stmatrix can write what `write` writes (PTX ISA, "stmatrix").
bool isReadByLdmatrix(ReadOp read);
bool isWrittenByStmatrix(WriteOp write);

/// The kernel's parts; null if all its warps run the same.
RolesOp rolesOf(mlir::Operation *kernel);
/// True of what stands in the part that copies.
bool copies(mlir::Operation *op);
/// Warps of a kernel whose launch is settled over which its tiles are spread.
unsigned computingWarpsOf(mlir::Operation *kernel);

/// True if `map` is one of `view`, whose boxes are panels of `rows` rows of a tile that lies so, along `dims` of the
/// view.
bool isMapOfPanels(mlir::Value map, mlir::Value view, llvm::ArrayRef<int64_t> dims, const layout::SharedLayout &layout,
                   int64_t rows);

/// Checks constraint (1) of cta.alloc and cta.ring: where `slot`, or the first of several, starts in shared memory.
llvm::LogicalResult verifyPlace(mlir::Operation *op, std::optional<int64_t> offset, BufferType slot);

} // namespace imbrex::cta

#endif // IMBREX_DIALECTS_CTA_CTADIALECT_H
