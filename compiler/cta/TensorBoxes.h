//===- TensorBoxes.h - Tiles that the copy engine can copy ----- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The copy engine (PTX ISA, "cp.async.bulk.tensor") moves boxes of a view whose rows it may name to panels of shared
// memory, and back, without regard to bounds other than the view's.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TENSORBOXES_H
#define IMBREX_COMPILER_CTA_TENSORBOXES_H

#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace imbrex {

/// A tile of a view at `indices`, along two of its dimensions, and how it lies in shared memory.
struct BoxedTile {
  mlir::Value view;
  mlir::ValueRange indices;
  llvm::ArrayRef<int64_t> dims;
  layout::SharedLayout layout;
  int64_t rows; ///< of a box: all of the tile's, or some that divide them
};

/// Why the copy engine cannot copy the tile; empty if it can.
llvm::StringRef whyNoBoxes(const BoxedTile &tile);
/// The map of the view for such boxes, made once a kernel.
mlir::Value mapOf(mlir::func::FuncOp kernel, const BoxedTile &tile, mlir::Location loc);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TENSORBOXES_H
