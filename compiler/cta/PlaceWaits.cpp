//===- PlaceWaits.cpp - Wait for copies and products where they are used --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-place-waits, on the order that the schedule has left:
//
//     commits    behind each run of puts: one group an iteration
//     gets       down to the first use, but before a run of puts: its barrier then serves the get too
//     releases   behind the last reader
//     pending    the groups behind a copy, counted along every way (GroupsInFlight.h)
//     dot_wait   ProductWaits.h
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/GroupsInFlight.h"
#include "compiler/cta/Movable.h"
#include "compiler/cta/Passes.h"
#include "compiler/cta/ProductWaits.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_PLACEWAITS
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

/// True if puts on either side of `op` belong to one run.
static bool isBetweenPuts(Operation *op) { return isa<cta::PutOp>(op) || isRepeatable(op); }

static bool isByMbarrier(Value ring) {
  return cast<cta::RingType>(ring.getType()).getCompletion() == cta::Completion::Mbarrier;
}

/// A commit behind the last put of each run. A run ends where a ring is filled a second time, or a copy is waited for.
static void commitRuns(Block &block) {
  llvm::SmallPtrSet<Value, 4> filled;
  cta::PutOp last;
  auto commit = [&] {
    if (!last)
      return;
    OpBuilder b(last.getContext());
    b.setInsertionPointAfter(last);
    cta::CommitOp::create(b, last.getLoc());
    filled.clear();
    last = {};
  };
  for (Operation &op : llvm::make_early_inc_range(block)) {
    auto put = dyn_cast<cta::PutOp>(op);
    if (put && isByMbarrier(put.getRing()))
      continue; // arrives by itself
    if (!isBetweenPuts(&op) || (put && filled.contains(put.getRing())))
      commit();
    if (put) {
      filled.insert(put.getRing());
      last = put;
    }
  }
  commit();
}

/// The operation of `block` that uses a result of `op` first, or null.
static Operation *firstUser(Operation *op, Block &block) {
  Operation *first = nullptr;
  for (Operation *user : op->getUsers())
    if (Operation *lifted = block.findAncestorOpInBlock(*user); lifted && (!first || lifted->isBeforeInBlock(first)))
      first = lifted;
  return first;
}

/// Where `get` goes: before its first use, or before the last run of puts on the way there.
static Operation *placeOf(cta::GetOp get) {
  Operation *place = firstUser(get, *get->getBlock());
  if (!place)
    return nullptr;
  for (Operation *op = place->getPrevNode(); op != get; op = op->getPrevNode()) {
    if (!isa<cta::PutOp>(op))
      continue;
    for (; op != get && (isBetweenPuts(op) || isa<cta::CommitOp, cta::GetOp>(op)); op = op->getPrevNode())
      if (isa<cta::PutOp>(op))
        place = op;
    break;
  }
  return place;
}

/// Moves the gets of the block, no further up than they are.
static void sinkGets(Block &block) {
  SmallVector<cta::GetOp> gets(block.getOps<cta::GetOp>());
  for (cta::GetOp get : gets)
    if (Operation *place = placeOf(get))
      get->moveBefore(place);
}

static void releaseSlots(Block &block) {
  SmallVector<cta::GetOp> gets(block.getOps<cta::GetOp>());
  for (cta::GetOp get : gets) {
    Operation *last = isByMbarrier(get.getRing()) ? get : nullptr; // each step of such a ring is released
    auto consider = [&](Operation *user) {
      if (Operation *lifted = block.findAncestorOpInBlock(*user); lifted && (!last || last->isBeforeInBlock(lifted)))
        last = lifted;
    };
    SmallVector<Operation *> users(get->getUsers());
    while (!users.empty()) {
      Operation *user = users.pop_back_val();
      consider(user);
      if (auto dot = dyn_cast<cta::DotOp>(user); runsOn(dot) || isa<cta::ClearOp>(user))
        llvm::append_range(users, user->getUsers()); // reads until it has been waited for; the slot itself
    }
    if (!last)
      continue;
    OpBuilder b(block.getParentOp()->getContext());
    b.setInsertionPointAfter(last);
    cta::ReleaseOp::create(b, get.getLoc(), get.getRing(), get.getStep());
  }
}

namespace {

struct PlaceWaits : imbrex::impl::PlaceWaitsBase<PlaceWaits> {
  void runOnOperation() override {
    placeProductWaits(getOperation());
    getOperation().walk([](Block *block) {
      commitRuns(*block);
      sinkGets(*block);
      releaseSlots(*block);
    });
    countPending(getOperation());
  }
};

} // namespace
