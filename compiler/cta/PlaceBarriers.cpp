//===- PlaceBarriers.cpp - Barriers where threads hand bytes to one another -===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-place-barriers. The state is what has been touched since the last barrier; an access
// that meets it at the same bytes needs a barrier first:
//
//     write after write, write after read, read after write     by any threads of the CTA
//
// What a put writes is waited for by its get, which is a barrier too, so it is no one's to wait for here.
// Branches are on scalars that all threads share, so a barrier may stand in them.
//
// Stores to a view happen in the order of the text: two of them to one view need a barrier between, unless
// each element is written by the same thread in both, or they cannot meet. Views of different arguments do
// not overlap (the kernel's contract with its host).
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/BufferAccess.h"
#include "compiler/cta/Passes.h"
#include "compiler/tile/LinearForms.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_PLACEBARRIERS
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

namespace {

/// Buffers touched, and views stored to, since the last barrier.
struct Pending {
  llvm::SmallSetVector<Operation *, 4> reads, writes, stores;

  void clear() { reads.clear(), writes.clear(), stores.clear(); }
  void add(const Pending &other) {
    reads.insert(other.reads.begin(), other.reads.end());
    writes.insert(other.writes.begin(), other.writes.end());
    stores.insert(other.stores.begin(), other.stores.end());
  }
};

struct PlaceBarriers : imbrex::impl::PlaceBarriersBase<PlaceBarriers> {
  void runOnOperation() override {
    Pending pending;
    for (Block &block : getOperation().getBody())
      visitBlock(block, pending);
  }

private:
  void visitBlock(Block &block, Pending &pending);
  void visit(Operation *op, Pending &pending);
};

} // namespace

static bool overlap(cta::AllocOp a, cta::AllocOp b) {
  int64_t aBegin = a.getOffset().value_or(0), bBegin = b.getOffset().value_or(0);
  return aBegin < bBegin + b.getType().getSizeBytes() && bBegin < aBegin + a.getType().getSizeBytes();
}

static bool meets(cta::AllocOp alloc, const llvm::SmallSetVector<Operation *, 4> &touched) {
  return llvm::any_of(touched, [&](Operation *other) { return overlap(alloc, cast<cta::AllocOp>(other)); });
}

/// True if no two iterations of the loops around `store` write one element: it is in no loop, or in one
/// whose index moves it on by at least its extent along some dimension.
static bool neverReturns(tile::StoreOp store) {
  auto loop = store->getParentOfType<scf::ForOp>();
  if (!loop)
    return true;
  if (loop->getParentOfType<scf::ForOp>())
    return false;
  APInt step;
  if (!matchPattern(loop.getStep(), m_ConstantInt(&step)))
    return false;
  auto type = dyn_cast<RankedTensorType>(store.getValue().getType());
  for (auto [dim, index] : llvm::enumerate(store.getIndices())) {
    auto axis = llvm::find(store.getDims(), int64_t(dim)) - store.getDims().begin();
    int64_t extent = type && axis < type.getRank() ? type.getDimSize(axis) : 1;
    std::optional<LinearForm> form = LinearForms().ofScalar(index);
    bool rest = form && llvm::all_of(form->scalars, [&](const auto &entry) {
                  return entry.first == loop.getInductionVar() || loop.isDefinedOutsideOfLoop(entry.first);
                });
    if (rest && std::abs(form->coefficient(loop.getInductionVar())) * step.getSExtValue() >= extent)
      return true;
  }
  return false;
}

/// True if `second` may write an element that another thread writes in `first`.
static bool meets(tile::StoreOp second, tile::StoreOp first) {
  if (first.getView() != second.getView())
    return false;
  if (!isa<RankedTensorType>(first.getValue().getType()) && !isa<RankedTensorType>(second.getValue().getType()))
    return false; // scalars are stored by one thread
  bool sameThreads = first.getValue().getType() == second.getValue().getType() && first.getDims() == second.getDims();
  bool samePlace = llvm::equal(first.getIndices(), second.getIndices()) &&
                   first->getParentOfType<scf::ForOp>() == second->getParentOfType<scf::ForOp>();
  return !sameThreads || !samePlace || !neverReturns(second);
}

void PlaceBarriers::visitBlock(Block &block, Pending &pending) {
  for (Operation &op : llvm::make_early_inc_range(block))
    visit(&op, pending);
}

void PlaceBarriers::visit(Operation *op, Pending &pending) {
  if (isa<cta::BarrierOp, cta::GetOp>(op))
    return pending.clear();
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    Pending before = pending;
    visitBlock(*loop.getBody(), pending);
    visitBlock(*loop.getBody(), pending); // an iteration after another
    return pending.add(before);           // no iteration at all
  }
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    Pending before = pending, after;
    for (Region &region : branch->getRegions()) {
      Pending taken = before;
      if (!region.empty())
        visitBlock(region.front(), taken);
      after.add(taken);
    }
    pending = after;
    return;
  }
  SmallVector<cta::AllocOp> reads, writes;
  buffersTouched(op, reads, writes);
  bool conflict = llvm::any_of(reads, [&](cta::AllocOp alloc) { return meets(alloc, pending.writes); }) ||
                  llvm::any_of(writes, [&](cta::AllocOp alloc) {
                    return meets(alloc, pending.writes) || meets(alloc, pending.reads);
                  });
  auto store = dyn_cast<tile::StoreOp>(op);
  conflict |=
      store && llvm::any_of(pending.stores, [&](Operation *other) { return meets(store, cast<tile::StoreOp>(other)); });
  if (conflict) {
    OpBuilder builder(op);
    cta::BarrierOp::create(builder, op->getLoc());
    pending.clear();
  }
  if (store)
    pending.stores.insert(op);
  for (cta::AllocOp alloc : reads)
    pending.reads.insert(alloc);
  if (!isa<cta::PutOp>(op))
    for (cta::AllocOp alloc : writes)
      pending.writes.insert(alloc);
}
