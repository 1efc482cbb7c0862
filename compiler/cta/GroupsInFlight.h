//===- GroupsInFlight.h - Which groups of copies may be on their way - C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How many groups of copies (cta.commit) are younger than the one a cta.get waits for: along every way to the
// get, the fewest. A copy is known by its ring and its step, a linear form. An iteration's copies are
// those of the next one with the induction variable less one step:
//
//     put K 0; commit                   before the loop: step 0, in terms of the first iteration j
//     loop j: get K j    pending 0      the group of step j has none behind it
//             put K j + 1; commit       for the next iteration: step j
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_GROUPSINFLIGHT_H
#define IMBREX_COMPILER_CTA_GROUPSINFLIGHT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace imbrex {

/// Sets `pending` or `arrived` of every cta.get of the kernel, whose puts are committed. A get whose copy is not
/// known on every way waits for all copies.
void countPending(mlir::func::FuncOp kernel);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_GROUPSINFLIGHT_H
