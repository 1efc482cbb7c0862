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

#include "compiler/Target.h"
#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace imbrex {

/// One operand of a product.
struct OperandPlan {
  /// The load, or gather of rows, that it comes from, if that feeds products only; else null.
  mlir::Operation *load = nullptr;
  bool transposed = false; ///< the operand is the transpose of that load (or of the computed tile)
  mlir::Value tile;        ///< the tile itself, transposes looked through
  bool restaged = false;   ///< it is read from another buffer, transposed: cta.restage
  bool rounded = false;    ///< f32, which is rounded to tf32 before the instruction reads it (RoundedOperands.h)
  bool inPlace = false;    ///< and that where it lies
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
  /// Kinds mma and wgmma, `a` computed outside of the loop that the product is in: it is written to shared memory
  /// before that, and each k-step reads it from there.
  bool aIsPutAside = false;
  /// True if the instructions read `a` from shared memory: of multiply-adds, of what was copied there, and of what
  /// warpgroups have to exchange because they share its rows.
  bool aInShared() const {
    return kind == cta::DotKind::Fma || (a.load && !aInRegisters) || (kind == cta::DotKind::Wgmma && warpsN > 1);
  }
  /// Kinds mma and wgmma, `a` in registers: how it is spread (MmaOrder.h).
  layout::KOrder order = layout::KOrder::Chunks;
};

/// The buffer that a restaged operand is written to.
cta::BufferType restagedBuffer(const OperandPlan &operand);

/// Plans all products of `kernel`; keyed by operation, in program order.
using DotPlans = llvm::MapVector<mlir::Operation *, DotPlan>;
DotPlans planDots(mlir::func::FuncOp kernel, const Target &target, unsigned warps);

/// The buffer for a load or gather that feeds products: it serves all of them.
cta::BufferType bufferFor(mlir::Operation *load, const DotPlans &plans);
/// The buffer for an operand that is computed.
cta::BufferType bufferFor(const OperandPlan &operand);

/// The dimension of the view whose index is a column of rows' numbers, if the other dimension of the gathered tile is a
/// slice behind it: what threads can copy row by row. nullopt if it is not that.
std::optional<int64_t> gatheredRows(tile::GatherOp gather);

/// True of a load, or a gather of rows, of a view that is not stored to, if every use, through transposes, is an
/// operand of a product that takes it from shared memory.
bool feedsOnlyDots(mlir::Operation *load);

/// Of a load or gather whose every use is an operand of a product, why it is loaded to registers all the same; else
/// empty.
llvm::StringRef whyNotCopied(mlir::Operation *load);

/// How a line that is loaded in a loop with products comes to the threads.
enum class LineCopy {
  None,      ///< each loads what it needs
  WhereUsed, ///< copied to shared memory as the tiles beside it are, and read by each thread as it needs it
  Once,      ///< copied so too, but read by one thread an element, since there is arithmetic to do on it
};
/// Copied is a line along the last dimension of a view of two or more that is not stored to: no thread waits for a load
/// of its own. Beside mma.sync, one that is repeated down the rows of products, of which a thread needs many elements.
LineCopy copyOfLine(tile::LoadOp load, const DotPlans &plans);
/// True of a line that would be copied if its view had another dimension.
bool isWholeView(tile::LoadOp load, const DotPlans &plans);

/// True of a load of 8-bit elements, or a gather of rows of them, that products take in a loop, widened and scaled:
/// the tile is copied to shared memory as it lies, ahead of its iteration, and converted from there. 16 bytes of a view
/// at a time, of one that is not stored to, beside no wgmma.
bool isCopiedBytes(mlir::Operation *access, const DotPlans &plans);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_TO_CTA_DOTPLAN_H
