//===- Listing.h - A stage's text and where its lines came from -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints a module without its locations, and tells beside each line the places of the kernel's text that its operations
// came from: from the operations' own locations, never from what was printed.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REPORT_LISTING_H
#define IMBREX_COMPILER_REPORT_LISTING_H

#include "compiler/KernelReport.h"
#include "mlir/IR/BuiltinOps.h"

namespace imbrex {

/// Of `module` at `stage`. Names of texts are added to `texts` as they are met.
KernelReport::Listing listingOf(mlir::ModuleOp module, Stage stage, std::vector<std::string> &texts);

/// What the operations of `module`, of stage tile, give, by the places of the text that they came from.
std::vector<KernelReport::TypedPlace> typesOf(mlir::ModuleOp module, std::vector<std::string> &texts);

/// From now on layouts are printed in `context` as aliases: `#layout`, `#layout1`, explained once above the module.
void nameLayouts(mlir::MLIRContext &context);

} // namespace imbrex

#endif // IMBREX_COMPILER_REPORT_LISTING_H
