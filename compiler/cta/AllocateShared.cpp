//===- AllocateShared.cpp - Place buffers in shared memory ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-allocate-shared: intervals of life in program order, then first fit by offset. A buffer
// lives from its first access to its last, both lifted to the innermost block that holds them all: a
// ring that is filled before a loop and read inside lives as long as the whole loop.
//
//===----------------------------------------------------------------------===//

#include "compiler/SizeRefusal.h"
#include "compiler/Target.h"
#include "compiler/cta/BufferAccess.h"
#include "compiler/cta/Passes.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_ALLOCATESHARED
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

namespace {

struct Life {
  cta::AllocOp alloc;
  unsigned first, last; ///< positions in program order
  int64_t offset = 0;

  cta::BufferType type() const { return cta::AllocOp(alloc).getType(); }

  bool meets(const Life &other) const { return first <= other.last && other.first <= last; }
};

/// Program order: where each operation begins, and where its regions end.
struct Order {
  llvm::DenseMap<Operation *, unsigned> begin, end;
  unsigned count = 0;

  void number(Operation *op) {
    begin[op] = count++;
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &inner : block)
          number(&inner);
    end[op] = count++;
  }
};

struct AllocateShared : imbrex::impl::AllocateSharedBase<AllocateShared> {
  void runOnOperation() override;

private:
  SmallVector<Life> findLives();
  LogicalResult checkLimit(const Target &target, ArrayRef<Life> lives, int64_t total);
};

} // namespace

/// The innermost block that holds all of `ops`, directly or inside their regions.
static Block *commonBlock(ArrayRef<Operation *> ops) {
  for (Block *block = ops.front()->getBlock(); block; block = block->getParentOp()->getBlock())
    if (llvm::all_of(ops, [&](Operation *op) { return block->findAncestorOpInBlock(*op); }))
      return block;
  return nullptr;
}

SmallVector<Life> AllocateShared::findLives() {
  Order order;
  order.number(getOperation());
  SmallVector<Life> lives;
  getOperation().walk([&](cta::AllocOp alloc) {
    SmallVector<Operation *> accesses = accessesOf(alloc);
    if (accesses.empty())
      return;
    Block *block = commonBlock(accesses);
    Life life{alloc, ~0u, 0};
    for (Operation *op : accesses) {
      Operation *lifted = block->findAncestorOpInBlock(*op);
      life.first = std::min(life.first, order.begin[lifted]);
      life.last = std::max(life.last, order.end[lifted]);
    }
    lives.push_back(life);
  });
  return lives;
}

/// First fit: the lowest aligned offset at which `life` meets no buffer that is placed there already.
static int64_t firstFit(const Life &life, ArrayRef<Life> placed) {
  int64_t alignment = life.type().getLayout().alignment();
  int64_t size = life.type().getSizeBytes(), offset = 0;
  bool moved = true;
  while (moved) {
    moved = false;
    for (const Life &other : placed) {
      int64_t end = other.offset + other.type().getSizeBytes();
      if (life.meets(other) && offset < end && other.offset < offset + size) {
        offset = llvm::alignTo(end, alignment);
        moved = true;
      }
    }
  }
  return offset;
}

LogicalResult AllocateShared::checkLimit(const Target &target, ArrayRef<Life> lives, int64_t total) {
  if (total <= target.sharedBytes)
    return success();
  InFlightDiagnostic error = refuseSize(getOperation(), SizeLimit::SharedMemory)
                             << "needs " << total << " bytes of shared memory, but a CTA on " << target.name << " has "
                             << target.sharedBytes << ": choose smaller tiles or fewer stages";
  for (const Life &life : lives)
    error.attachNote(accessesOf(life.alloc).front()->getLoc())
        << life.type().getSizeBytes() << " bytes: " << life.type().getSlots() << " x " << life.type().getRows() << "x"
        << life.type().getColumns() << " " << life.type().getElementType();
  return error;
}

void AllocateShared::runOnOperation() {
  tile::RequestAttr request = tile::requestOf(getOperation());
  if (!request)
    return; // no kernel
  std::optional<Target> target = Target::parse(request.getTarget().str());
  if (!target) {
    getOperation().emitError() << "unknown target '" << request.getTarget() << "'";
    return signalPassFailure();
  }
  SmallVector<Life> lives = findLives();
  std::sort(lives.begin(), lives.end(), [](const Life &a, const Life &b) {
    return std::make_tuple(-a.type().getSizeBytes(), a.first) < std::make_tuple(-b.type().getSizeBytes(), b.first);
  });
  int64_t total = 0;
  for (unsigned i = 0; i < lives.size(); ++i) {
    Life &life = lives[i];
    life.offset = firstFit(life, ArrayRef(lives).take_front(i));
    life.alloc.setOffset(life.offset);
    total = std::max(total, life.offset + life.type().getSizeBytes());
  }
  if (failed(checkLimit(*target, lives, total)))
    return signalPassFailure();
  unsigned threads = 32 * request.getWarps();
  getOperation()->setAttr(cta::kLaunchAttr, cta::LaunchAttr::get(&getContext(), target->name, threads, total,
                                                                 target->registersFor(threads)));
}
