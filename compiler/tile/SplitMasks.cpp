//===- SplitMasks.cpp - Do not mask tiles that are wholly visible ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass tile-split-masks. The condition's expression is copied into the branch that needs it; what
// is left outside without a use is removed.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/MaskAnalysis.h"
#include "compiler/tile/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_SPLITMASKS
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

/// Below this a branch costs more than the selections it saves.
static constexpr int64_t kSmallestTile = 512;

namespace {

struct SplitMasks : imbrex::impl::SplitMasksBase<SplitMasks> {
  void runOnOperation() override {
    SmallVector<arith::SelectOp> selects;
    getOperation().walk([&](arith::SelectOp select) {
      if (isa<scf::ForOp>(select->getParentOp()) && isMask(select))
        selects.push_back(select);
    });
    for (arith::SelectOp select : selects)
      split(select);
  }

private:
  static bool isMask(arith::SelectOp select) {
    auto type = dyn_cast<RankedTensorType>(select.getType());
    return type && type.getRank() == 2 && type.getNumElements() >= kSmallestTile &&
           isa<RankedTensorType>(select.getCondition().getType()) && matchPattern(select.getFalseValue(), m_Constant());
  }

  void split(arith::SelectOp select);
};

} // namespace

/// Clones the pure operations of `block` that `value` needs to where `builder` stands; others are used as they are.
static Value cloneExpression(OpBuilder &builder, Value value, Block *block) {
  llvm::SetVector<Operation *> needed;
  auto need = [&](Value operand) {
    Operation *op = operand.getDefiningOp();
    if (op && op->getBlock() == block && isPure(op) && op->getNumRegions() == 0)
      needed.insert(op);
  };
  need(value);
  for (unsigned i = 0; i < needed.size(); ++i) // grows while it is walked
    llvm::for_each(needed[i]->getOperands(), need);
  SmallVector<Operation *> ordered(needed.begin(), needed.end());
  llvm::sort(ordered, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  IRMapping map;
  for (Operation *op : ordered)
    builder.clone(*op, map);
  return map.lookupOrDefault(value);
}

/// Erases `op` and what it alone used. An operand may be asked for twice, by one operation or by two.
static void eraseDead(Operation *op) {
  llvm::SetVector<Operation *> candidates;
  if (op)
    candidates.insert(op);
  while (!candidates.empty()) {
    Operation *candidate = candidates.pop_back_val();
    if (!isOpTriviallyDead(candidate))
      continue;
    for (Value operand : candidate->getOperands())
      if (Operation *definition = operand.getDefiningOp())
        candidates.insert(definition);
    candidate->erase();
  }
}

void SplitMasks::split(arith::SelectOp select) {
  auto type = cast<RankedTensorType>(select.getType());
  Mask mask = analyzeMask(select.getCondition());
  OpBuilder builder(select);
  Location loc = select.getLoc();
  Value all = emitAllTrue(builder, loc, mask, type.getDimSize(0), type.getDimSize(1));
  if (!all) {
    select.emitRemark("this mask is applied to every tile: it is not made of linear comparisons alone");
    return;
  }
  auto branch = scf::IfOp::create(builder, loc, TypeRange(type), all, /*withElseRegion=*/true);
  OpBuilder then = branch.getThenBodyBuilder(), otherwise = branch.getElseBodyBuilder();
  scf::YieldOp::create(then, loc, select.getTrueValue());
  Value condition = cloneExpression(otherwise, select.getCondition(), select->getBlock());
  Value masked = arith::SelectOp::create(otherwise, loc, condition, select.getTrueValue(), select.getFalseValue());
  scf::YieldOp::create(otherwise, loc, masked);
  Operation *old = select.getCondition().getDefiningOp();
  select.replaceAllUsesWith(branch.getResult(0));
  select.erase();
  eraseDead(old);
  branch.emitRemark("mask applied only to tiles that are not wholly visible");
}
