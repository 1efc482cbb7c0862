//===- SkipInstances.cpp - The pass tile-skip-instances -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where all stores of an instance begin behind their bounds, the instance stores nothing, and does nothing. A grid has
// as many instances as the longest sequence needs; those of shorter ones would load and compute in vain.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/Passes.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_SKIPINSTANCES
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

namespace {

/// Copies of scalars at the kernel's beginning.
class Beginning {
public:
  explicit Beginning(func::FuncOp kernel) : kernel(kernel), builder(kernel.getBody()) {}

  /// The value as the kernel's beginning knows it; null if that takes more than arithmetic on scalars that are given
  /// or read from inputs.
  Value copyOf(Value value);

  OpBuilder &at() { return builder; }

private:
  static constexpr unsigned kMostCopied = 64; ///< operations; a bound takes a dozen

  func::FuncOp kernel;
  OpBuilder builder;
  IRMapping copies;
  unsigned copied = 0;
};

} // namespace

static bool isScalarOfInput(Operation *op) {
  auto load = dyn_cast<tile::LoadOp>(op);
  return load && !load.getView().getType().getWritable() && !isa<RankedTensorType>(load.getResult().getType());
}

static bool isScalarArithmetic(Operation *op) {
  return isMemoryEffectFree(op) && op->getNumRegions() == 0 &&
         llvm::none_of(op->getResultTypes(), [](Type type) { return isa<RankedTensorType>(type); });
}

Value Beginning::copyOf(Value value) {
  if (Value copy = copies.lookupOrNull(value))
    return copy;
  if (llvm::is_contained(kernel.getArguments(), value))
    return value;
  Operation *op = value.getDefiningOp();
  if (!op || ++copied > kMostCopied || (!isScalarOfInput(op) && !isScalarArithmetic(op)))
    return {};
  for (Value operand : op->getOperands()) {
    Value copy = copyOf(operand);
    if (!copy)
      return {};
    copies.map(operand, copy);
  }
  builder.clone(*op, copies);
  return copies.lookup(value);
}

/// Whether memory says how far `bound` is: the grid follows all other bounds already.
static bool isRead(Value bound) {
  SmallVector<Value> left{bound};
  llvm::SmallPtrSet<Operation *, 16> seen; // a sum of a value with itself, again and again, is seen once
  while (!left.empty()) {
    Operation *op = left.pop_back_val().getDefiningOp();
    if (!op || !seen.insert(op).second)
      continue;
    if (isScalarOfInput(op))
      return true;
    if (isa<arith::ArithDialect>(op->getDialect()))
      llvm::append_range(left, op->getOperands());
  }
  return false;
}

/// Whether what `store` stores begins behind a bound of it that is read from memory; null if the beginning cannot know.
template <typename Store> static Value beginsBehind(Store store, Beginning &beginning) {
  OpBuilder &b = beginning.at();
  Value any;
  for (auto [dim, high] : llvm::zip(store.getWithin(), store.getHigh())) {
    Value index = store.getIndices()[dim];
    if (isa<RankedTensorType>(index.getType()) || !isRead(high))
      continue;
    Value start = beginning.copyOf(index), bound = start ? beginning.copyOf(high) : Value();
    if (!bound)
      continue;
    Value behind = arith::CmpIOp::create(b, store.getLoc(), arith::CmpIPredicate::sge, start, bound);
    any = any ? arith::OrIOp::create(b, store.getLoc(), any, behind).getResult() : behind;
  }
  return any;
}

/// Whether all that the kernel stores begins behind a bound; null if the beginning cannot know.
static Value storesNothing(func::FuncOp kernel, Beginning &beginning) {
  OpBuilder &b = beginning.at();
  Value all;
  WalkResult result = kernel.walk([&](Operation *op) {
    Value behind;
    if (auto store = dyn_cast<tile::StoreOp>(op))
      behind = beginsBehind(store, beginning);
    else if (auto scatter = dyn_cast<tile::ScatterOp>(op))
      behind = beginsBehind(scatter, beginning);
    else
      return WalkResult::advance();
    if (!behind)
      return WalkResult::interrupt();
    all = all ? arith::AndIOp::create(b, op->getLoc(), all, behind).getResult() : behind;
    return WalkResult::advance();
  });
  return result.wasInterrupted() ? Value() : all;
}

namespace {

struct SkipInstances : imbrex::impl::SkipInstancesBase<SkipInstances> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    Block &body = kernel.getBody().front();
    Operation *first = &body.front();
    for (auto fact : body.getOps<tile::RequireOp>()) // stands in the kernel's body
      first = fact->getNextNode();
    Beginning beginning(kernel);
    Value nothing = storesNothing(kernel, beginning);
    if (!nothing)
      return;
    OpBuilder &b = beginning.at();
    Value one = arith::ConstantOp::create(b, kernel.getLoc(), b.getBoolAttr(true));
    Value some = arith::XOrIOp::create(b, kernel.getLoc(), nothing, one);
    b.setInsertionPoint(first);
    auto branch = scf::IfOp::create(b, kernel.getLoc(), some, /*withElseRegion=*/false);
    Block *inside = branch.thenBlock();
    inside->getOperations().splice(inside->begin(), body.getOperations(), first->getIterator(),
                                   body.getTerminator()->getIterator());
    kernel.emitRemark("an instance does nothing where all that it would store lies behind its sequence");
  }
};

} // namespace
