//===- Program.cpp - Loops and shared memory over a kernel's course ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers the operations in program order, then reads uses and bounds off them.
//
//===----------------------------------------------------------------------===//

#include "compiler/report/Program.h"
#include "compiler/cta/BufferAccess.h"
#include "compiler/report/Formula.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace imbrex;

using Positions = llvm::DenseMap<Operation *, unsigned>;

static unsigned lineOf(Operation *op) {
  auto place = op->getLoc()->findInstanceOf<FileLineColLoc>();
  return place ? place.getLine() : 0;
}

/// The buffers stand in the report in the order of their allocations.
static void addUses(func::FuncOp kernel, const Positions &positions, KernelReport &report) {
  llvm::DenseMap<Operation *, unsigned> buffers;
  kernel.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<cta::AllocOp, cta::RingOp>(op))
      buffers.try_emplace(op, buffers.size());
  });
  if (buffers.size() != report.buffers.size())
    return;
  kernel.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op->getNumRegions() != 0)
      return;
    Touched touched = touchedBy(op);
    auto add = [&](ArrayRef<Operation *> allocations, KernelReport::BufferUse::Kind kind) {
      for (Operation *allocation : allocations)
        report.buffers[buffers.lookup(allocation)].uses.push_back({kind, positions.lookup(op), lineOf(op)});
    };
    add(touched.writes, KernelReport::BufferUse::Write);
    add(touched.starts, KernelReport::BufferUse::Copy);
    add(touched.arrives, KernelReport::BufferUse::Arrival);
    add(touched.reads, KernelReport::BufferUse::Read);
  });
}

static unsigned depthOf(scf::ForOp loop) {
  unsigned depth = 1;
  for (Operation *outer = loop->getParentOp(); outer; outer = outer->getParentOp())
    depth += isa<scf::ForOp>(outer);
  return depth;
}

/// Whether what a comparison finds is asked of elements, not only of the places that are loaded or copied from.
static bool decidesElements(Operation *comparison) {
  SmallVector<Operation *> work = {comparison};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!work.empty())
    for (Operation *user : work.pop_back_val()->getUsers()) {
      const bool onlyReads = hasEffect<MemoryEffects::Read>(user) && !hasEffect<MemoryEffects::Write>(user);
      if (onlyReads || isa<cta::PutOp>(user) || !seen.insert(user).second)
        continue;
      const bool isInteger =
          user->getNumResults() == 1 && isPure(user) && getElementTypeOrSelf(user->getResult(0)).isInteger();
      if (!isInteger)
        return true;
      work.push_back(user);
    }
  return false;
}

/// Whether elements of a tile are tested by their positions in `loop` itself: compared, or with an interval of columns.
static bool testsPositions(scf::ForOp loop) {
  return loop
      ->walk([](Operation *op) {
        bool isTest = isa<tile::IntervalOp, arith::CmpIOp>(op) && isa<RankedTensorType>(op->getResult(0).getType());
        return isTest && decidesElements(op) ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

void imbrex::reportProgram(func::FuncOp kernel, const KernelInterface &interface, KernelReport &report) {
  Positions positions;
  kernel.walk<WalkOrder::PreOrder>([&](Operation *op) { positions.try_emplace(op, positions.size()); });
  report.operations = positions.size();
  addUses(kernel, positions, report);
  kernel.walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
    FormulaWriter writer(interface);
    KernelReport::LoopRange range{lineOf(loop),
                                  depthOf(loop),
                                  positions.lookup(loop),
                                  positions.lookup(loop.getBody()->getTerminator()),
                                  "",
                                  "",
                                  "",
                                  {},
                                  testsPositions(loop)};
    writer.share({loop.getLowerBound(), loop.getUpperBound(), loop.getStep()});
    range.from = writer.write(loop.getLowerBound());
    range.to = writer.write(loop.getUpperBound());
    range.step = writer.write(loop.getStep());
    range.where = writer.takeShared();
    report.ranges.push_back(std::move(range));
  });
}
