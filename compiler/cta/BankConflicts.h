//===- BankConflicts.h - How accesses of shared memory meet the banks -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the layouts alone: what the first warp's first access of an operation takes. The other accesses are shifted by
// constants that leave the banks' pattern as it is (dialects/layout/SharedLayout.h).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_BANKCONFLICTS_H
#define IMBREX_COMPILER_CTA_BANKCONFLICTS_H

#include "mlir/IR/Operation.h"

namespace imbrex {

/// Wavefronts beyond the fewest that one warp-wide access of shared memory by `op` takes, of its accesses the worst: a
/// cta.read, cta.write or cta.dot. nullopt for operations that access none.
std::optional<unsigned> bankConflictsOf(mlir::Operation *op);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_BANKCONFLICTS_H
