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
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_RINGCOMPANIONS_H
#define IMBREX_COMPILER_CTA_TO_NVVM_RINGCOMPANIONS_H

#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace imbrex {

/// Rings by mbarrier, filled by the copy engine, that need no barriers of their own: each with the one whose barriers
/// serve it too. Every put, get and release of either stands beside one of the other, of the same step, with nothing
/// between them but what is free of effects; the one whose barriers they are is the first.
llvm::DenseMap<mlir::Operation *, mlir::Operation *> findCompanions(mlir::func::FuncOp kernel);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_RINGCOMPANIONS_H
