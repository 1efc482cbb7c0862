//===- RingCompanions.h - Rings that are filled and emptied together -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tiles of a product come together and go together:
//
//     put A step j; put B step j        one wait for an empty slot, one expectation of the bytes of both
//     get A step j; get B step j        one wait for both
//     release A step j; release B step j    one arrival
//
// So do lines that threads write one behind the other, which may be read apart: the first get waits for both, and the
// last release is the one.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_RINGCOMPANIONS_H
#define IMBREX_COMPILER_CTA_TO_NVVM_RINGCOMPANIONS_H

#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace imbrex {

struct RingCompanions {
  /// Rings by mbarrier that need no barriers of their own: each with the one whose barriers serve it too.
  llvm::DenseMap<mlir::Operation *, mlir::Operation *> first;
  /// Accesses of these and of that one that neither wait nor arrive: another one does so for all.
  llvm::DenseSet<mlir::Operation *> silent;
};

/// Of rings filled by the copy engine, every put, get and release stands beside one of the companion, of the same step,
/// with nothing between them but what neither waits nor reads their slots. Of lines that threads write, the same is so
/// of acquires to publishes; between gets and releases nothing waits for another step.
RingCompanions findCompanions(mlir::func::FuncOp kernel);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_RINGCOMPANIONS_H
