//===- Pipeline.cpp - What is done to a tile program ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pipeline on one page. Promises are used before anything folds loops: a loop of one iteration that is
// put into its parent would leave its promise there, where it says something else.
//
// Masks are used before math is written out, while they are still easy to read.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace imbrex;

/// Patterns that add or multiply two constants and keep `nsw`: the new constant may have wrapped, and then the
/// operation wraps where neither of the two did. LinearForms and the interpreter take `nsw` at its word.
static const std::vector<std::string> kPatternsThatLoseNsw = {
    "(anonymous namespace)::AddIAddConstant",       "(anonymous namespace)::AddISubConstantLHS",
    "(anonymous namespace)::AddISubConstantRHS",    "(anonymous namespace)::MulIMulIConstant",
    "(anonymous namespace)::SubILHSAddConstant",    "(anonymous namespace)::SubIRHSAddConstant",
    "(anonymous namespace)::SubILHSSubConstantLHS", "(anonymous namespace)::SubILHSSubConstantRHS",
    "(anonymous namespace)::SubIRHSSubConstantLHS", "(anonymous namespace)::SubIRHSSubConstantRHS"};

static std::unique_ptr<Pass> createExactCanonicalizer() {
  return createCanonicalizerPass(GreedyRewriteConfig(), kPatternsThatLoseNsw);
}

void imbrex::buildTilePipeline(OpPassManager &passes) {
  passes.addNestedPass<func::FuncOp>(createWidenProducts());
  passes.addPass(createCSEPass());
  passes.addNestedPass<func::FuncOp>(createCheckSize()); // of what the text means, not of how often it says it
  passes.addNestedPass<func::FuncOp>(createSplitComparisons());
  passes.addNestedPass<func::FuncOp>(createHoistInvariants());
  passes.addNestedPass<func::FuncOp>(createBoundLoops());
  passes.addPass(createExactCanonicalizer());               // bounds that are numbers
  passes.addNestedPass<func::FuncOp>(createResolveViews()); // the rows of a page are no mask's columns any more
  passes.addNestedPass<func::FuncOp>(createFindSlices());
  passes.addPass(createExactCanonicalizer());
  passes.addPass(createCSEPass());
  passes.addNestedPass<func::FuncOp>(createHoistInvariants());
  passes.addNestedPass<func::FuncOp>(createSimplify());
  passes.addNestedPass<func::FuncOp>(createHoistInvariants()); // what it made of scalars, too, stays the same
  passes.addNestedPass<func::FuncOp>(createDeferScales());
  passes.addNestedPass<func::FuncOp>(createFoldScales());
  passes.addPass(createExactCanonicalizer());
  passes.addPass(createCSEPass());
  passes.addNestedPass<func::FuncOp>(createHoistInvariants());
  passes.addNestedPass<func::FuncOp>(createLagMaxima());
  passes.addPass(createExactCanonicalizer());
  passes.addNestedPass<func::FuncOp>(createSimplify()); // factors of the sums meet those that the text has behind them
  passes.addNestedPass<func::FuncOp>(createSplitMasks());
  passes.addNestedPass<func::FuncOp>(createIntersectMasks());
  passes.addPass(createExactCanonicalizer()); // comparisons that no one needs any more
  passes.addNestedPass<func::FuncOp>(createNarrowComparisons());
  passes.addNestedPass<func::FuncOp>(createSkipInstances());
  passes.addNestedPass<func::FuncOp>(createExpandMath());
  passes.addNestedPass<func::FuncOp>(createCheckSize());
  passes.addPass(createExactCanonicalizer());
  passes.addPass(createCSEPass());
  passes.addNestedPass<func::FuncOp>(createHoistInvariants());
}
