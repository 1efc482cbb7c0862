//===- ReportCta.h - What a report says of the cta stage ------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers, layouts and the registers that the launch allows, read off a kernel of stage cta.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_REPORTCTA_H
#define IMBREX_COMPILER_CTA_REPORTCTA_H

#include "compiler/KernelReport.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace imbrex {

/// `kernel` has its launch: every buffer has its place.
void reportCta(mlir::func::FuncOp kernel, KernelReport &report);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_REPORTCTA_H
