//===- Passes.h - Passes on the way from tiles to a CTA ------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Declarations made from Passes.td, and the pipeline they form.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_PASSES_H
#define IMBREX_COMPILER_CTA_PASSES_H

#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

namespace imbrex {

#define GEN_PASS_DECL_DEFERREDUCTIONS
#define GEN_PASS_DECL_SKIPSCALINGS
#define GEN_PASS_DECL_LOOPINSTANCES
#define GEN_PASS_DECL_ASSIGNROLES
#define GEN_PASS_DECL_EXPANDPAGEROWS
#define GEN_PASS_DECL_SENDTILES
#define GEN_PASS_DECL_PIPELINECOPIES
#define GEN_PASS_DECL_ISSUEDOTS
#define GEN_PASS_DECL_SKEWLOOPS
#define GEN_PASS_DECL_PLACEWAITS
#define GEN_PASS_DECL_SPLITLOOPS
#define GEN_PASS_DECL_ALLOCATESHARED
#define GEN_PASS_DECL_PLACEBARRIERS
#define GEN_PASS_DECL_TAKETURNS
#define GEN_PASS_REGISTRATION
#include "compiler/cta/Passes.h.inc"

/// tile -> cta: the passes on tiles, distribution and every cta pass, in order.
void buildCtaPipeline(mlir::OpPassManager &passes);

/// The passes between tile and cta that only make a kernel faster, by name: CompileOptions::without may name them.
llvm::ArrayRef<llvm::StringRef> optionalPasses();

/// cta -> nvvm.
void buildNvvmPipeline(mlir::OpPassManager &passes);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_PASSES_H
