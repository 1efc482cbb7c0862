//===- CertainIndex.h - Addresses of what a table names -------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An index of an access that is `certain` is negative (nothing), or inside. It is then a sum of numbers that are not
// negative and of products of such, none of which wraps; a page's rows times a row's step are less than 2^32 bytes:
//
//     table[b, page] * rows + place      base + place * step + table[b, page] * (rows * step)
//
// of which all but one multiplication, 32 bits by 32 bits, stays the same in a loop over pages.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_CERTAININDEX_H
#define IMBREX_COMPILER_CTA_TO_NVVM_CERTAININDEX_H

#include "compiler/cta_to_nvvm/Lowering.h"

namespace imbrex {

/// `pointer` + index * step along `dim` of the view, anything where the index is nothing.
Value certainPointer(Lowering &l, Value pointer, Value view, unsigned dim, Value index);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_CERTAININDEX_H
