//===- Program.h - Loops and shared memory over a kernel's course -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a report says of stage cta in program order: which operations use which buffer, and the ranges of the loops.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REPORT_PROGRAM_H
#define IMBREX_COMPILER_REPORT_PROGRAM_H

#include "compiler/KernelInterface.h"
#include "compiler/KernelReport.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace imbrex {

/// Fills `operations`, `ranges` and the uses of `report`'s buffers, which reportCta has put there. `kernel` has its
/// launch.
void reportProgram(mlir::func::FuncOp kernel, const KernelInterface &interface, KernelReport &report);

} // namespace imbrex

#endif // IMBREX_COMPILER_REPORT_PROGRAM_H
