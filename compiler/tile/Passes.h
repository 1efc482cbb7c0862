//===- Passes.h - Passes on tile programs --------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Declarations made from Passes.td, and the pipeline they form.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_PASSES_H
#define IMBREX_COMPILER_TILE_PASSES_H

#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

namespace imbrex {

#define GEN_PASS_DECL_CHECKSIZE
#define GEN_PASS_DECL_RESOLVEVIEWS
#define GEN_PASS_DECL_WIDENPRODUCTS
#define GEN_PASS_DECL_SPLITCOMPARISONS
#define GEN_PASS_DECL_BOUNDLOOPS
#define GEN_PASS_DECL_FINDSLICES
#define GEN_PASS_DECL_SPLITMASKS
#define GEN_PASS_DECL_SIMPLIFY
#define GEN_PASS_DECL_DEFERSCALES
#define GEN_PASS_DECL_FOLDSCALES
#define GEN_PASS_DECL_LAGMAXIMA
#define GEN_PASS_DECL_INTERSECTMASKS
#define GEN_PASS_DECL_NARROWCOMPARISONS
#define GEN_PASS_DECL_SKIPINSTANCES
#define GEN_PASS_DECL_EXPANDMATH
#define GEN_PASS_DECL_HOISTINVARIANTS
#define GEN_PASS_REGISTRATION
#include "compiler/tile/Passes.h.inc"

/// What is done to a tile program before it is spread over threads.
void buildTilePipeline(mlir::OpPassManager &passes);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_PASSES_H
