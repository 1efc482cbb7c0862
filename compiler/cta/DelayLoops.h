//===- DelayLoops.h - Late products one iteration behind ------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The part of cta-skew-loops for products that run on behind their issue.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_DELAYLOOPS_H
#define IMBREX_COMPILER_CTA_DELAYLOOPS_H

#include "compiler/cta/LoopDots.h"

namespace imbrex {

/// Moves the late products of `loop`, which step by one, into the next iteration, behind its early ones. Leaves a
/// remark where it does, and where a product cannot be moved.
void delayLateDots(mlir::scf::ForOp loop, const LoopDots &dots);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_DELAYLOOPS_H
