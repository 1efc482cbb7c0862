//===- ProductWaits.h - Wait for products where they are used --* C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The part of cta-place-waits that is about products.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_PRODUCTWAITS_H
#define IMBREX_COMPILER_CTA_PRODUCTWAITS_H

#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace imbrex {

/// True of a product that runs on behind its issue; not of a null one.
bool runsOn(cta::DotOp dot);

/// True if no more products are in flight before `wait` than may be behind it: one before it in its block has waited
/// for these too.
bool isDoneBefore(cta::DotWaitOp wait);

/// Drops the waits for products that are done when they are issued. Each other one goes behind all of its block that
/// does not need the product, and is told how many products may still be in flight there.
void placeProductWaits(mlir::func::FuncOp kernel);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_PRODUCTWAITS_H
