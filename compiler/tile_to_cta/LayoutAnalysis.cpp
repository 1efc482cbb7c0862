//===- LayoutAnalysis.cpp - Which tiles have a layout of their own --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A forward data-flow to a fixed point: each visit may only give a layout to a tile that has none, so
// it ends. Where two operands of an element-wise operation are anchored differently, the weightier
// one wins and the other is converted.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile_to_cta/LayoutAnalysis.h"
#include "compiler/cta/Divisibility.h"
#include "dialects/layout/Access.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace imbrex;
using layout::AtomBit;
using layout::TileLayout;

LayoutAnalysis::LayoutAnalysis(func::FuncOp kernel, unsigned warps, const DotPlans &plans)
    : warps(warps), plans(plans) {
  while (propagate(kernel) || anchorLeftovers(kernel)) {
  }
}

const TileLayout *LayoutAnalysis::anchor(Value tile) const {
  const Anchor *found = find(tile);
  return found ? &found->layout : nullptr;
}

const LayoutAnalysis::Anchor *LayoutAnalysis::find(Value value) const {
  auto it = anchors.find(value);
  return it == anchors.end() ? nullptr : &it->second;
}

bool LayoutAnalysis::set(Value value, const Anchor &anchor) { return anchors.try_emplace(value, anchor).second; }

TileLayout LayoutAnalysis::memoryLayout(RankedTensorType type, unsigned bytes) const {
  unsigned vector = std::max(1u, bytes / tile::elementBytes(type.getElementType()));
  while (vector > 1 && type.getNumElements() < int64_t(vector) * warps * layout::kWarpThreads)
    vector /= 2;
  return TileLayout::blocked(type.getShape(), warps, vector);
}

TileLayout LayoutAnalysis::reductionLayout(RankedTensorType type, unsigned dim, unsigned bytes) const {
  bool alongRow = dim + 1 == type.getRank(); // consecutive elements in registers, to be combined there
  unsigned vector = alongRow ? std::max(1u, 8 * bytes / type.getElementTypeBitWidth()) : 1;
  return TileLayout::reduction(type.getShape(), dim, warps, vector);
}

TileLayout LayoutAnalysis::reduceOperandLayout(tile::ReduceOp reduce) const {
  /// Parts of warps that a thread may read, before a tile is better moved to where it needs none.
  constexpr unsigned kMostParts = 64;
  unsigned dim = reduce.getDim();
  if (const TileLayout *source = anchor(reduce.getSource());
      source &&
      (source->warps()[dim] == 1 || source->slice(dim).registersPerThread() * source->warps()[dim] <= kMostParts))
    return *source;
  return reductionLayout(cast<RankedTensorType>(reduce.getSource().getType()), reduce.getDim(), layout::kAccessBytes);
}

TileLayout LayoutAnalysis::combinerLayout(Operation *combiner) const {
  constexpr int64_t kCostOfMoving = 8; ///< about that of a barrier, besides half an access an element
  unsigned dim = tile::combinedDim(combiner);
  Value first = combiner->getOperand(0);
  TileLayout best = TileLayout::inOrder(cast<RankedTensorType>(first.getType()).getShape(), dim, warps);
  const TileLayout *source = anchor(first);
  bool stays = source && source->orderCost(dim) <= best.orderCost(dim) + best.registersPerThread() / 2 + kCostOfMoving;
  return stays ? *source : best;
}

bool LayoutAnalysis::anchorCombiner(Operation *combiner, unsigned weight) {
  TileLayout layout = combinerLayout(combiner);
  bool changed = false;
  for (Value result : combiner->getResults())
    changed |= set(result, {isa<tile::ScanOp>(combiner) ? layout : layout.slice(tile::combinedDim(combiner)), weight});
  return changed;
}

/// True for operations whose result element depends on the operands' elements at the same place.
static bool isElementwise(Operation *op) {
  return op->getNumResults() == 1 && op->getNumOperands() > 0 && isa<RankedTensorType>(op->getResult(0).getType()) &&
         OpTrait::hasElementwiseMappableTraits(op);
}

/// The reduction that `tile` flows into through element-wise operations and conversions, if any.
static tile::ReduceOp reductionOf(Value tile) {
  constexpr unsigned kMostVisited = 64; ///< values looked at: a softmax has a dozen between its product and its sum
  SmallVector<Value> work{tile};
  for (unsigned visited = 0; !work.empty() && visited < kMostVisited; ++visited)
    for (Operation *user : work.pop_back_val().getUsers()) {
      if (auto reduce = dyn_cast<tile::ReduceOp>(user))
        return reduce;
      if (isElementwise(user))
        work.push_back(user->getResult(0));
    }
  return {};
}

TileLayout LayoutAnalysis::loadLayout(Value loaded, unsigned bytes) const {
  auto type = cast<RankedTensorType>(loaded.getType());
  TileLayout layout = memoryLayout(type, bytes);
  if (tile::ReduceOp reduce = reductionOf(loaded); reduce && layout.warps()[reduce.getDim()] > 1)
    return reductionLayout(type, reduce.getDim(), bytes);
  return layout;
}

bool LayoutAnalysis::propagate(func::FuncOp kernel) {
  bool any = false, changed = true;
  while (changed) {
    changed = false;
    kernel.walk<WalkOrder::PreOrder>([&](Operation *op) { changed |= visit(op); });
    any |= changed;
  }
  return any;
}

bool LayoutAnalysis::visit(Operation *op) {
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return visitLoop(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return visitBranch(branch);
  if (isa<tile::CombineOp, tile::ScanOp>(op)) { // as reductions: waits for an anchor
    const Anchor *source = find(op->getOperand(0));
    return source && anchorCombiner(op, std::max(2u, source->weight));
  }
  if (op->getNumResults() != 1 || anchors.contains(op->getResult(0)))
    return false;
  Value result = op->getResult(0);
  auto type = dyn_cast<RankedTensorType>(result.getType());
  if (!type)
    return false;
  if (auto dot = dyn_cast<tile::DotOp>(op))
    return set(result, {plans.find(op)->second.accumulator, 3});
  if (auto load = dyn_cast<tile::LoadOp>(op))
    return !feedsOnlyDots(load) && copyOfLine(load, plans) != LineCopy::WhereUsed &&
           set(result, {loadLayout(result, accessAlignment(load.getView(), load.getIndices())), 1});
  if (auto gather = dyn_cast<tile::GatherOp>(op))
    return !feedsOnlyDots(gather) &&
           set(result, {loadLayout(result, accessAlignment(gather.getView(), gather.getIndices())), 1});
  if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    const Anchor *source = find(reduce.getSource());
    // Wait for an anchor while one may still come; anchorLeftovers settles operands that stay free.
    return source && set(result, {reduceOperandLayout(reduce).slice(reduce.getDim()), std::max(2u, source->weight)});
  }
  if (auto transpose = dyn_cast<tile::TransposeOp>(op)) {
    const Anchor *source = find(transpose.getSource());
    return source && set(result, {source->layout.transposed(), source->weight});
  }
  if (!isElementwise(op))
    return false;
  const Anchor *best = nullptr;
  for (Value operand : op->getOperands())
    if (const Anchor *candidate = find(operand); candidate && (!best || candidate->weight > best->weight))
      best = candidate;
  return best && set(result, Anchor(*best));
}

bool LayoutAnalysis::visitLoop(scf::ForOp loop) {
  bool changed = false;
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  for (unsigned i = 0, e = loop.getNumRegionIterArgs(); i < e; ++i) {
    if (!isa<RankedTensorType>(loop.getResult(i).getType()))
      continue;
    const Anchor *best = find(yield.getOperand(i));
    if (const Anchor *init = find(loop.getInitArgs()[i]); init && (!best || init->weight > best->weight))
      best = init;
    if (!best)
      continue;
    Anchor anchor = *best;
    changed |= set(loop.getRegionIterArg(i), anchor);
    anchor = *find(loop.getRegionIterArg(i));
    changed |= set(loop.getResult(i), anchor);
  }
  return changed;
}

bool LayoutAnalysis::visitBranch(scf::IfOp branch) {
  bool changed = false;
  for (unsigned i = 0, e = branch.getNumResults(); i < e; ++i) {
    const Anchor *best = nullptr;
    for (Region *region : {&branch.getThenRegion(), &branch.getElseRegion()})
      if (!region->empty() && isa<RankedTensorType>(branch.getResult(i).getType()))
        if (const Anchor *c = find(region->front().getTerminator()->getOperand(i));
            c && (!best || c->weight > best->weight))
          best = c;
    if (best)
      changed |= set(branch.getResult(i), Anchor(*best));
  }
  return changed;
}

/// Loop-carried, branch and reduced tiles must have a layout: gives the first one that has none a default.
bool LayoutAnalysis::anchorLeftovers(func::FuncOp kernel) {
  bool changed = false;
  kernel.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (changed)
      return;
    if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
      changed = set(reduce.getResult(), {reduceOperandLayout(reduce).slice(reduce.getDim()), 2});
      return;
    }
    if (isa<tile::CombineOp, tile::ScanOp>(op)) {
      changed = anchorCombiner(op, 2);
      return;
    }
    if (!isa<scf::ForOp, scf::IfOp>(op))
      return;
    for (Value result : op->getResults())
      if (auto type = dyn_cast<RankedTensorType>(result.getType()); type && !find(result)) {
        Anchor anchor{memoryLayout(type, layout::kAccessBytes), 0};
        if (auto loop = dyn_cast<scf::ForOp>(op))
          set(loop.getRegionIterArg(cast<OpResult>(result).getResultNumber()), anchor);
        changed = set(result, anchor);
        return;
      }
  });
  return changed;
}
