//===- CopySlice.cpp - What says when and where a kernel copies ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operands are followed back, through loops and branches too; each operation is looked at once.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/CopySlice.h"
#include "compiler/cta/Movable.h"
#include "compiler/cta/SpreadAnew.h"

using namespace mlir;
using namespace imbrex;

bool CopySlice::needValue(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (parent == kernel)
      return true;
    auto loop = dyn_cast<scf::ForOp>(parent);
    return loop && needOperation(loop) &&
           (argument.getArgNumber() == 0 || needCarried(loop, argument.getArgNumber() - 1));
  }
  Operation *op = value.getDefiningOp();
  if (isa<scf::ForOp, scf::IfOp>(op))
    return needOperation(op) && needCarried(op, cast<OpResult>(value).getResultNumber());
  return needOperation(op);
}

bool CopySlice::needCarried(Operation *op, unsigned index) {
  SmallVector<unsigned, 2> &known = carried[op];
  if (llvm::is_contained(known, index))
    return true;
  if (isa<RankedTensorType>(op->getResult(index).getType()))
    return false;
  known.push_back(index);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return needValue(loop.getInitArgs()[index]) && needValue(loop.getYieldedValues()[index]);
  auto branch = cast<scf::IfOp>(op);
  return needValue(branch.thenYield()->getOperand(index)) && needValue(branch.elseYield()->getOperand(index));
}

bool CopySlice::needOperation(Operation *op) {
  if (!operations.insert(op).second)
    return true;
  if (Operation *parent = op->getParentOp(); parent != kernel && !needOperation(parent))
    return false;
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return needValue(loop.getLowerBound()) && needValue(loop.getUpperBound()) && needValue(loop.getStep());
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return needValue(branch.getCondition());
  if (isa<cta::RingOp, cta::TensorMapOp>(op))
    return true;
  bool isScalar = llvm::none_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>) &&
                  llvm::none_of(op->getOperandTypes(), llvm::IsaPred<RankedTensorType>);
  if (!isa<cta::PutOp, cta::GetOp, cta::ClearOp, cta::AcquireOp, cta::RestageOp, cta::WriteOp, cta::PublishOp>(op) &&
      !(isScalar && isRepeatable(op)) && !canBeSpreadAnew(op)) // a clone stands where it did
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) { return needValue(operand); });
}

llvm::ArrayRef<unsigned> CopySlice::carriedOf(Operation *op) const {
  auto found = carried.find(op);
  return found == carried.end() ? ArrayRef<unsigned>() : ArrayRef<unsigned>(found->second);
}

/// Yields the values that are kept of those in `yields`.
static void yieldKept(OpBuilder &b, Operation *yield, ArrayRef<unsigned> kept, IRMapping &map) {
  SmallVector<Value> values;
  for (unsigned index : kept)
    values.push_back(map.lookupOrDefault(yield->getOperand(index)));
  scf::YieldOp::create(b, yield->getLoc(), values);
}

void CopySlice::cloneLoop(scf::ForOp loop, OpBuilder &b, IRMapping &map) const {
  ArrayRef<unsigned> kept = carriedOf(loop);
  SmallVector<Value> inits;
  for (unsigned index : kept)
    inits.push_back(map.lookupOrDefault(loop.getInitArgs()[index]));
  auto copy = scf::ForOp::create(b, loop.getLoc(), map.lookupOrDefault(loop.getLowerBound()),
                                 map.lookupOrDefault(loop.getUpperBound()), map.lookupOrDefault(loop.getStep()), inits);
  if (!copy.getBody()->empty())
    copy.getBody()->back().erase();
  map.map(loop.getInductionVar(), copy.getInductionVar());
  for (auto [i, index] : llvm::enumerate(kept)) {
    map.map(loop.getRegionIterArgs()[index], copy.getRegionIterArgs()[i]);
    map.map(loop.getResult(index), copy.getResult(i));
  }
  OpBuilder inner = OpBuilder::atBlockEnd(copy.getBody());
  cloneBlock(*loop.getBody(), inner, map);
  yieldKept(inner, loop.getBody()->getTerminator(), kept, map);
}

void CopySlice::cloneBranch(scf::IfOp branch, OpBuilder &b, IRMapping &map) const {
  ArrayRef<unsigned> kept = carriedOf(branch);
  SmallVector<Type> types;
  for (unsigned index : kept)
    types.push_back(branch.getResult(index).getType());
  auto copy = scf::IfOp::create(b, branch.getLoc(), types, map.lookupOrDefault(branch.getCondition()),
                                branch.elseBlock() != nullptr);
  for (auto [from, to] : llvm::zip(branch->getRegions(), copy->getRegions())) {
    if (from.empty())
      continue;
    if (!to.front().empty())
      to.front().back().erase();
    OpBuilder inner = OpBuilder::atBlockEnd(&to.front());
    cloneBlock(from.front(), inner, map);
    yieldKept(inner, from.front().getTerminator(), kept, map);
  }
  for (auto [i, index] : llvm::enumerate(kept))
    map.map(branch.getResult(index), copy.getResult(i));
}

void CopySlice::cloneBlock(Block &block, OpBuilder &b, IRMapping &map) const {
  for (Operation &op : block) {
    if (!operations.contains(&op) || isa<cta::RingOp, cta::TensorMapOp>(op))
      continue; // these stand around the parts
    if (auto loop = dyn_cast<scf::ForOp>(op))
      cloneLoop(loop, b, map);
    else if (auto branch = dyn_cast<scf::IfOp>(op))
      cloneBranch(branch, b, map);
    else
      b.clone(op, map);
  }
}

void CopySlice::clone(OpBuilder &b) {
  IRMapping map;
  cloneBlock(kernel.getBody().front(), b, map);
}
