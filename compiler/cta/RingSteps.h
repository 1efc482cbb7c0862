//===- RingSteps.h - The steps of rings, counted ---------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A ring that one part of a kernel fills while another reads it counts its steps: each is put once, in order, on every
// way through the kernel. Loops and branches around a put carry the number of steps so far:
//
//     loop i: if c: loop j: put j     ->     loop i, n = 0: m = if c: loop j: put n + j; give n + iterations of j
//                                                           else give n
//                                            yield m
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_RINGSTEPS_H
#define IMBREX_COMPILER_CTA_RINGSTEPS_H

#include "dialects/cta/CtaDialect.h"

namespace imbrex {

/// Why the steps of `put` cannot be counted; empty if they can.
llvm::StringRef whyNotCounted(cta::PutOp put);

/// Gives each of `puts`, and the get behind it, the step that follows those of earlier times through its place.
void countSteps(llvm::ArrayRef<cta::PutOp> puts);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_RINGSTEPS_H
