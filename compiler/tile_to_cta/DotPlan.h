//===- DotPlan.h - How each matrix product is done ------------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decides, for every product of a kernel, the instruction family, the spread of its accumulator and
// where each operand lives. Purely a question to shapes, types, data flow and the target.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_TO_CTA_DOTPLAN_H
#define IMBREX_COMPILER_TILE_TO_CTA_DOTPLAN_H

#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace imbrex {

/// One operand of a product.
struct OperandPlan {
  tile::LoadOp load;       ///< the load it comes from, if that load feeds products only; else null
  bool transposed = false; ///< the operand is the transpose of that load (or of the computed tile)
  mlir::Value tile;        ///< the tile itself, transposes looked through
  /// Rows and columns of `tile` that its buffer must keep, zeros beyond the tile: what the instructions read.
  int64_t leastRows = 0, leastColumns = 0;
};

struct DotPlan {
  cta::DotKind kind;
  unsigned warpsM = 1, warpsN = 1;
  layout::TileLayout accumulator;
  OperandPlan a, b;
  /// Kind mma, `a` from a load: true if its fragment is read into registers where it is loaded (once,
  /// before the loop), false if each k-step reads it from shared memory.
  bool aInRegisters = false;
  /// Kind mma, `a` in registers: how it is spread (MmaOrder.h).
  layout::KOrder order = layout::KOrder::Chunks;
};

/// Plans all products of `kernel`; keyed by operation, in program order.
using DotPlans = llvm::MapVector<mlir::Operation *, DotPlan>;
DotPlans planDots(mlir::func::FuncOp kernel, unsigned warps);

/// The buffer for a load that feeds products: it serves all of them.
cta::BufferType bufferFor(tile::LoadOp load, const DotPlans &plans);
/// The buffer for an operand that is computed.
cta::BufferType bufferFor(const OperandPlan &operand);

/// True if every use of the load, through transposes, is an operand of a product that takes it from
/// shared memory.
bool feedsOnlyDots(tile::LoadOp load);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_TO_CTA_DOTPLAN_H
