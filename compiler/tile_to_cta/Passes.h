//===- Passes.h - The pass from tiles to a CTA ------------------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Made from Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_TO_CTA_PASSES_H
#define IMBREX_COMPILER_TILE_TO_CTA_PASSES_H

#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

namespace imbrex {

#define GEN_PASS_DECL_TILETOCTA
#define GEN_PASS_REGISTRATION
#include "compiler/tile_to_cta/Passes.h.inc"

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_TO_CTA_PASSES_H
