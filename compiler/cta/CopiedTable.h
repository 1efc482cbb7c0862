//===- CopiedTable.h - Tables of rows, spread over other threads - -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A table says in which rows of a view the rows of a copied tile lie. Whoever copies must have it; where it is made of
// scalars, constants and inputs, element by element, others can make it again.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_COPIEDTABLE_H
#define IMBREX_COMPILER_CTA_COPIEDTABLE_H

#include "dialects/cta/CtaDialect.h"

namespace imbrex {

/// Whether `op`, which gives a tile, can give it spread in any way if its operands are: not so a product or what has
/// been through shared memory.
bool canBeSpreadAnew(mlir::Operation *op);

/// `table`, made of such operations alone, made again as `layout` spreads it: each next to its first making.
mlir::Value spreadAnew(mlir::Value table, const layout::TileLayout &layout);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_COPIEDTABLE_H
