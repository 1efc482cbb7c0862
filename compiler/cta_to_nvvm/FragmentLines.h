//===- FragmentLines.h - Lines stored as fragments read them ----- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of a line beside the columns of an accumulator, thread t of four holds elements 2 t and 2 t + 1 of each eight: reads
// of two. A line that threads write into a ring, and only such threads read, is stored in another order, in which
// those of two eights lie side by side:
//
//     element  16 a + 8 b + 2 t + e   at   16 a + 4 t + 2 b + e        0 1 8 9 2 3 10 11 4 5 12 13 6 7 14 15
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_FRAGMENTLINES_H
#define IMBREX_COMPILER_CTA_TO_NVVM_FRAGMENTLINES_H

#include "dialects/cta/CtaDialect.h"

namespace imbrex {

/// Where what a tile spread as `layout` holds lies in `buffer`, which it is read from or written to: `layout` itself,
/// or of a line that is stored as fragments read it, the same threads and registers with the places of their elements.
layout::TileLayout storedLayout(mlir::Value buffer, const layout::TileLayout &layout);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_FRAGMENTLINES_H
