//===- Pipeline.cpp - The order of the passes from tile to nvvm -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pipelines on one page: what runs between the stages tile and nvvm, and in which order. The stage
// tile is the text as emitted, so the passes on whole tiles stand at the head of the stage cta. Each
// pass states in Passes.td what it needs of those before it.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/Passes.h"
#include "compiler/cta_to_nvvm/Passes.h"
#include "compiler/tile/Passes.h"
#include "compiler/tile_to_cta/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace imbrex;

void imbrex::buildCtaPipeline(OpPassManager &passes) {
  buildTilePipeline(passes);
  passes.addPass(createTileToCta());
  passes.addPass(createCSEPass());
  passes.addNestedPass<func::FuncOp>(createCheckSize());
  passes.addPass(createLoopInvariantCodeMotionPass());
  passes.addNestedPass<func::FuncOp>(createDeferReductions());
  passes.addNestedPass<func::FuncOp>(createSkipScalings());
  passes.addNestedPass<func::FuncOp>(createLoopInstances());
  passes.addNestedPass<func::FuncOp>(createAssignRoles());
  passes.addNestedPass<func::FuncOp>(createExpandPageRows());
  passes.addNestedPass<func::FuncOp>(createSendTiles());
  passes.addNestedPass<func::FuncOp>(createPipelineCopies());
  passes.addPass(createCSEPass());
  passes.addPass(createLoopInvariantCodeMotionPass());
  passes.addNestedPass<func::FuncOp>(createIssueDots());
  passes.addNestedPass<func::FuncOp>(createSkewLoops());
  passes.addNestedPass<func::FuncOp>(createPlaceWaits());
  passes.addNestedPass<func::FuncOp>(createSplitLoops());
  passes.addPass(createCSEPass());
  passes.addPass(createLoopInvariantCodeMotionPass());
  passes.addNestedPass<func::FuncOp>(createAllocateShared());
  passes.addNestedPass<func::FuncOp>(createPlaceBarriers());
  passes.addNestedPass<func::FuncOp>(createTakeTurns());
}

llvm::ArrayRef<llvm::StringRef> imbrex::optionalPasses() {
  static constexpr llvm::StringRef kNames[] = {
      "tile-bound-loops",    "tile-simplify",          "tile-fold-scales",     "tile-lag-maxima",
      "tile-defer-scales",   "tile-split-masks",       "tile-intersect-masks", "tile-narrow-comparisons",
      "tile-skip-instances", "tile-split-comparisons", "cta-defer-reductions", "cta-skip-scalings",
      "cta-assign-roles",    "cta-send-tiles",         "cta-pipeline-copies",  "cta-skew-loops",
      "cta-split-loops",     "cta-take-turns",
  };
  return kNames;
}

void imbrex::buildNvvmPipeline(OpPassManager &passes) { passes.addPass(createCtaToNvvm()); }
