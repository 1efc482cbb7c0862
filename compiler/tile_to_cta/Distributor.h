//===- Distributor.h - The making of a kernel with layouts ------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What Distribute.cpp does, in parts: accesses to global memory are in DistributeMemory.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_TO_CTA_DISTRIBUTOR_H
#define IMBREX_COMPILER_TILE_TO_CTA_DISTRIBUTOR_H

#include "compiler/tile_to_cta/LayoutAnalysis.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace imbrex {

/// Rebuilds one kernel. `oldKernel` is only read.
class Distributor {
public:
  Distributor(mlir::func::FuncOp oldKernel, mlir::func::FuncOp newKernel, const Target &target, const DotPlans &plans,
              const LayoutAnalysis &layouts)
      : oldKernel(oldKernel), newKernel(newKernel), target(target), plans(plans), layouts(layouts),
        builder(newKernel.getContext()), warps(tile::requestOf(oldKernel).getWarps()) {}

  void run();
  unsigned conversionsInLoops() const { return loopConversions; }

private:
  using Values = llvm::SmallVector<mlir::Value>;
  using Key = std::pair<mlir::Value, mlir::Attribute>;

  void distribute(mlir::Operation *op);
  void distributeLoad(tile::LoadOp load);
  void distributeStore(tile::StoreOp store);
  bool addsWholeSectors(mlir::Type element, const layout::TileLayout &layout, unsigned dim);
  void distributeGather(tile::GatherOp gather);
  void copyGather(tile::GatherOp gather, cta::BufferType slot);
  void readCopied(mlir::Value tile, const layout::TileLayout &layout);
  /// Copies what is read to a ring of slots, for iteration `step`; `table` (null: none) says where its rows lie.
  template <typename Access>
  void copyToRing(Access op, cta::BufferType slot, mlir::ValueRange indices, llvm::ArrayRef<int64_t> dims,
                  mlir::Value step, mlir::Value table);
  mlir::Value tableOf(tile::GatherOp gather, llvm::ArrayRef<int64_t> dims, mlir::ValueRange indices,
                      cta::BufferType slot);
  void distributeScatter(tile::ScatterOp scatter);
  void distributeDot(tile::DotOp dot, const DotPlan &plan);
  void distributeReduce(tile::ReduceOp reduce);
  void distributeCombiner(mlir::Operation *combiner);
  void distributeScalar(tile::ScalarOp scalar);
  void distributeLoop(mlir::scf::ForOp loop);
  void distributeBranch(mlir::scf::IfOp branch);
  void distributeAnchored(mlir::Operation *op);

  /// What `old` is in the new kernel: a scalar, or a tile in the layout of its type, until the region is left.
  void keep(mlir::Value old, mlir::Value now);
  /// `tile` in `layout`: as it is, rebuilt, or moved through shared memory.
  mlir::Value inLayout(mlir::Value tile, const layout::TileLayout &layout);
  /// `tile` (or scalar) as it lives in the new kernel.
  mlir::Value native(mlir::Value value);
  Values scalarsOf(mlir::ValueRange olds) {
    return llvm::map_to_vector(olds, [&](mlir::Value old) { return scalars.lookupOrDefault(old); });
  }
  /// Indices of an access spread as `layout`: scalars, and tiles with the layout's dimensions of extent 1 collapsed.
  Values indicesOf(mlir::ValueRange olds, const layout::TileLayout &layout);
  /// What `op` gives, in `layout`, of its operands as that asks for them.
  mlir::Value rebuild(mlir::Operation *op, const layout::TileLayout &layout);
  mlir::Value inOtherLayout(mlir::Value tile, const layout::TileLayout &layout);
  bool isLoadedHere(mlir::Value tile);
  bool canLoadAgain(mlir::Value tile, const layout::TileLayout &layout);
  bool canMakeAgain(mlir::Value tile, unsigned &operations, llvm::SmallPtrSetImpl<mlir::Operation *> &seen);
  mlir::Value convert(mlir::Value tile, const layout::TileLayout &layout);

  mlir::Value allocate(cta::BufferType type);
  mlir::Value allocateRing(cta::BufferType slot);
  /// The step of a copy that starts here: iterations of the innermost loop so far, 0 outside.
  mlir::Value currentStep(mlir::Location loc);
  /// The innermost loop round the place where the builder stands; null outside of loops.
  mlir::scf::ForOp loopAround();
  /// The operand as a buffer, which holds its transpose where the plan says so.
  mlir::Value operandBuffer(const OperandPlan &plan);
  /// What an operand's buffer is restaged to, for a left operand in `order`.
  mlir::Value restaged(const OperandPlan &plan, mlir::Value buffer, layout::KOrder order);
  mlir::Value bufferBeforeLoop(const OperandPlan &plan);
  mlir::Value fragmentA(const OperandPlan &plan, mlir::RankedTensorType type);
  /// The parts of each warp along `dim`, combined in every warp.
  mlir::Value gatherParts(tile::ReduceOp reduce, mlir::Value source);
  /// An operation `name` that does as `combiner` with `operands`.
  mlir::Operation *combineBy(mlir::Operation *combiner, llvm::StringRef name, mlir::ValueRange operands,
                             mlir::TypeRange results);
  void yieldNative(mlir::Operation *yield, llvm::ArrayRef<mlir::Value> natives);

  mlir::func::FuncOp oldKernel, newKernel;
  const Target &target;
  const DotPlans &plans;
  const LayoutAnalysis &layouts;
  mlir::OpBuilder builder;
  const unsigned warps;
  mlir::IRMapping scalars;                        ///< scalars and views: old -> new
  llvm::DenseMap<Key, mlir::Value> made;          ///< (old tile, layout) -> new tile, valid where made
  llvm::DenseMap<Key, mlir::Value> fragments[2];  ///< (load, layout) -> left operand; as it is, and transposed
  llvm::SmallVector<Key> undo;                    ///< keys of `made` in the order they came, for leaving a region
  llvm::DenseMap<mlir::Value, mlir::Value> slots; ///< buffered load -> its slot
  llvm::DenseMap<std::pair<mlir::Value, int>, mlir::Value> restages; ///< (slot, order) -> what it was restaged to
  unsigned loopConversions = 0;
  bool makesTable = false; ///< for those who copy: as it is made again, the copy starts ahead, by warps of its own
};

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_TO_CTA_DISTRIBUTOR_H
