//===- LayoutAnalysis.h - Which tiles have a layout of their own - -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gives layouts to the tiles of a kernel. A tile that a product, a load or a reduction makes is
// *anchored*: it has a layout of its own. Layouts spread forward through element-wise operations,
// loops and branches. What comes only from constants, iota, splats and lines in shared memory is *free*: it is
// computed in whatever layout its user has, because that costs less than moving it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_TO_CTA_LAYOUTANALYSIS_H
#define IMBREX_COMPILER_TILE_TO_CTA_LAYOUTANALYSIS_H

#include "compiler/tile_to_cta/DotPlan.h"

namespace imbrex {

class LayoutAnalysis {
public:
  LayoutAnalysis(mlir::func::FuncOp kernel, unsigned warps, const DotPlans &plans);

  /// The layout of an anchored tile; null for a free one.
  const layout::TileLayout *anchor(mlir::Value tile) const;

  /// A layout for global memory: as wide accesses as `bytes` of alignment allow, all threads busy.
  layout::TileLayout memoryLayout(mlir::RankedTensorType type, unsigned bytes) const;
  /// A layout for reducing a tile of `type` along `dim`, with accesses as wide as `bytes` allow: that dimension
  /// inside one warp, unless a thread would hold too much.
  layout::TileLayout reductionLayout(mlir::RankedTensorType type, unsigned dim, unsigned bytes) const;
  /// The layout in which tile.reduce takes its operand: its anchor where that serves, else reductionLayout.
  layout::TileLayout reduceOperandLayout(tile::ReduceOp reduce) const;
  /// The layout in which tile.combine and tile.scan take their operands: the first one's anchor, or one in which that
  /// costs so much less that it is worth moving the tile.
  layout::TileLayout combinerLayout(mlir::Operation *combiner) const;

private:
  struct Anchor {
    layout::TileLayout layout;
    unsigned weight; ///< what it would cost to give it up: products 3, reductions 2, loads 1, defaults 0
  };

  /// Of what a load or a gather makes, with `bytes` of alignment.
  layout::TileLayout loadLayout(mlir::Value loaded, unsigned bytes) const;
  bool propagate(mlir::func::FuncOp kernel);
  bool visit(mlir::Operation *op);
  bool visitLoop(mlir::scf::ForOp loop);
  /// Gives a layout to the results of a tile.combine or tile.scan.
  bool anchorCombiner(mlir::Operation *combiner, unsigned weight);
  bool visitBranch(mlir::scf::IfOp branch);
  bool set(mlir::Value value, const Anchor &anchor);
  const Anchor *find(mlir::Value value) const;
  bool anchorLeftovers(mlir::func::FuncOp kernel);

  unsigned warps;
  const DotPlans &plans;
  llvm::DenseMap<mlir::Value, Anchor> anchors;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_TO_CTA_LAYOUTANALYSIS_H
