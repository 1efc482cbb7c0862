//===- LoopInstances.h - The loop over a CTA's instances ------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel whose CTAs are resident is one loop over the instances that a CTA goes through.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_LOOPINSTANCES_H
#define IMBREX_COMPILER_CTA_LOOPINSTANCES_H

#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace imbrex {

/// True of the loop over instances, which is made of one kernel's text, not a loop of that.
inline bool goesThroughInstances(mlir::scf::ForOp loop) {
  return loop && loop.getUpperBound().getDefiningOp<cta::InstancesOp>();
}

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_LOOPINSTANCES_H
