//===- LoopDots.h - The products of a loop by depth ----------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A product of a loop's body that needs no other product of the same iteration, nor a value of the iteration
// before, is *early*: it can be made one iteration ahead. One that needs an early product is *late*; other columns of
// an early product are early.
//
//     s = q k        early                       acc = acc + a b     neither: it needs itself
//     p = exp(s)     element-wise work between
//     o = o + p v    late
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_LOOPDOTS_H
#define IMBREX_COMPILER_CTA_LOOPDOTS_H

#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace imbrex {

struct LoopDots {
  llvm::SmallVector<cta::DotOp> early, late; ///< directly in the loop's body, in program order
};
LoopDots findLoopDots(mlir::scf::ForOp loop);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_LOOPDOTS_H
