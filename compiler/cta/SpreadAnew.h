//===- SpreadAnew.h - Tiles made again, spread over threads otherwise - -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is made of scalars, constants and inputs, element by element, any thread can make: whoever copies makes the
// table itself that says in which rows of a view the rows of its tile lie.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_SPREADANEW_H
#define IMBREX_COMPILER_CTA_SPREADANEW_H

#include "dialects/cta/CtaDialect.h"

namespace imbrex {

/// Whether `op`, which gives a tile, can give it spread in any way if its operands are: not so a product or what has
/// been through shared memory.
bool canBeSpreadAnew(mlir::Operation *op);

/// What an operand is in a copy of its operation: a tile as `layout` spreads it; of other operands that is null.
using OperandMaker = llvm::function_ref<mlir::Value(mlir::Value operand, const layout::TileLayout *layout)>;

/// A copy of `op`, which gives one tile element by element or out of memory, that gives it as `layout` spreads it.
mlir::Value makeSpread(mlir::OpBuilder &b, mlir::Operation *op, const layout::TileLayout &layout, OperandMaker make);

/// `table`, made of operations that can be spread anew alone, made again as `layout` spreads it: each next to its first
/// making.
mlir::Value spreadAnew(mlir::Value table, const layout::TileLayout &layout);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_SPREADANEW_H
