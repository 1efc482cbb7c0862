//===- CopySlice.h - What says when and where a kernel copies --- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Puts with the scalars, tables of rows, loops and branches that they need, and nothing else.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_COPYSLICE_H
#define IMBREX_COMPILER_CTA_COPYSLICE_H

#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace imbrex {

class CopySlice {
public:
  explicit CopySlice(mlir::func::FuncOp kernel) : kernel(kernel) {}

  /// Adds `copy`, a put, what a restaged tile takes (RestagedCopies.h) or a prepared line (PreparedLines.h), with all
  /// it needs. False, and the slice is of no use, if that depends on tiles or on what the kernel stores.
  bool add(mlir::Operation *copy) { return needOperation(copy); }
  /// Clones the slice where `b` stands.
  void clone(mlir::OpBuilder &b);

private:
  bool needValue(mlir::Value value);
  bool needOperation(mlir::Operation *op);
  /// The loop or branch carries, or gives, value number `index`.
  bool needCarried(mlir::Operation *op, unsigned index);
  void cloneBlock(mlir::Block &block, mlir::OpBuilder &b, mlir::IRMapping &map) const;
  void cloneLoop(mlir::scf::ForOp loop, mlir::OpBuilder &b, mlir::IRMapping &map) const;
  void cloneBranch(mlir::scf::IfOp branch, mlir::OpBuilder &b, mlir::IRMapping &map) const;
  llvm::ArrayRef<unsigned> carriedOf(mlir::Operation *op) const;

  mlir::func::FuncOp kernel;
  llvm::SmallPtrSet<mlir::Operation *, 32> operations;                       ///< loops and branches among them
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<unsigned, 2>> carried; ///< of loops and branches
};

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_COPYSLICE_H
