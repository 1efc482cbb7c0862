//===- LoopDots.cpp - The products of a loop by depth ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One walk down the body: what each operation needs is what its operands need, those of its regions too, and what
// was written to the shared memory that it reads.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/LoopDots.h"
#include "compiler/cta/BufferAccess.h"

using namespace mlir;
using namespace imbrex;

/// What an operation of the body needs.
enum Need : unsigned {
  Nothing = 0,
  EarlyDot = 1,
  OtherDot = 2,
  Carried = 4, ///< a value of the iteration before
  Memory = 8   ///< what the iteration wrote to shared memory
};

namespace {

class DotFinder {
public:
  explicit DotFinder(scf::ForOp loop) : loop(loop) {
    loop.walk([&](Operation *op) {
      Touched touched = touchedBy(op);
      written.insert(touched.writes.begin(), touched.writes.end());
    });
  }

  LoopDots run() {
    for (Operation &op : loop.getBody()->without_terminator()) {
      unsigned need = needOf(op);
      if (auto dot = dyn_cast<cta::DotOp>(op)) {
        bool isEarly = need == Nothing;
        if (isEarly)
          dots.early.push_back(dot);
        else if (need & EarlyDot)
          dots.late.push_back(dot);
        need |= isEarly ? EarlyDot : OtherDot;
      }
      needs[&op] = need;
      op.walk([&, need](Operation *inner) {
        for (Operation *allocation : touchedBy(inner).writes)
          inMemory[allocation] |= need;
      });
    }
    return dots;
  }

private:
  /// The early product of which `op` makes other columns, or null: what they need is nothing of its sums.
  Operation *continuedBy(Operation &op) {
    auto dot = dyn_cast<cta::DotOp>(op);
    cta::DotOp other = dot ? productOfOtherColumns(dot) : cta::DotOp();
    return llvm::is_contained(dots.early, other) ? other.getOperation() : nullptr;
  }

  unsigned needOf(Operation &op) {
    unsigned need = Nothing;
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands()) {
        Operation *source = operand.getDefiningOp();
        if (source && inner == &op && source == continuedBy(op))
          continue;
        if (llvm::is_contained(loop.getRegionIterArgs(), operand))
          need |= Carried;
        else if (source && source->getBlock() == loop.getBody())
          need |= needs.lookup(source);
      }
      for (Operation *allocation : touchedBy(inner).reads)
        if (written.contains(allocation))
          need |= Memory | inMemory.lookup(allocation);
      if (isa<cta::DotOp>(inner) && inner != &op)
        need |= OtherDot; // in a region: it stays where it is
    });
    return need;
  }

  scf::ForOp loop;
  LoopDots dots;
  llvm::SmallPtrSet<Operation *, 8> written;      ///< allocations that the loop writes with its threads
  llvm::DenseMap<Operation *, unsigned> needs;    ///< of the body's operations; their own products included
  llvm::DenseMap<Operation *, unsigned> inMemory; ///< of what was written to an allocation so far
};

} // namespace

LoopDots imbrex::findLoopDots(scf::ForOp loop) { return DotFinder(loop).run(); }
