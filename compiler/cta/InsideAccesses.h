//===- InsideAccesses.h - Accesses that a loop's range puts inside -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a loop's range is one in which a comparison holds, such as 64 j + 64 <= Sk, a tile of a view with that extent
// lies inside: of a bias of [.., Sq, Sk] the columns 64 j to 64 j + 64 are all there. The load, or a store, then says
//
//     tile.load %b[.., %i, %k] dims [2, 3] within [3] from %k to %k + 64 certain
//
// and nothing is checked along that dimension. Extents of two arguments are one where the same is written for them.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_INSIDEACCESSES_H
#define IMBREX_COMPILER_CTA_INSIDEACCESSES_H

#include "compiler/tile/LinearForms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace imbrex {

/// A load or store of a loop's body, by its number among them, and the dimensions along which its tile lies inside the
/// view.
struct InsideAccess {
  unsigned number;
  llvm::SmallVector<int64_t> dims;
};

/// The accesses of `loop` of which that is so wherever all `comparisons` (form <= 0) hold.
llvm::SmallVector<InsideAccess> findInsideAccesses(mlir::scf::ForOp loop, llvm::ArrayRef<LinearForm> comparisons);

/// Says so in `range`, a copy of that loop.
void markInside(mlir::scf::ForOp range, llvm::ArrayRef<InsideAccess> accesses);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_INSIDEACCESSES_H
