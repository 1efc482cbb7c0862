//===- SharedLives.cpp - Which allocations are alive at once -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two walks over the kernel, each repeated over a loop until nothing changes, and the first fit that
// follows from them.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/SharedLives.h"
#include "compiler/cta/BufferAccess.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace mlir;
using namespace imbrex;

/// True of a ring that one part fills while another reads it.
static bool isQueue(Operation *allocation) {
  auto ring = dyn_cast<cta::RingOp>(allocation);
  return ring && ring.getType().getCompletion() == cta::Completion::Mbarrier;
}

/// True of a ring that the part which fills it reads as well: nothing in the other part says when.
static bool isReadByCopies(Operation *allocation) {
  return isQueue(allocation) && llvm::any_of(accessesOf(allocation), [&](Operation *op) {
           auto restage = dyn_cast<cta::RestageOp>(op);
           return restage && restage.getTarget().getDefiningOp<cta::AcquireOp>() &&
                  allocationOf(restage.getSource()) == allocation;
         });
}

SharedLives::SharedLives(func::FuncOp kernel) {
  kernel.walk([&](Operation *op) {
    if (isa<cta::AllocOp, cta::RingOp>(op) && !op->use_empty()) {
      numberOf[op] = all.size();
      all.push_back(op);
    }
  });
  conflicts.assign(all.size(), Set(all.size()));
  Set written(all.size()), needed(all.size());
  for (auto [number, allocation] : llvm::enumerate(all)) // queues are filled while all else runs
    if (isQueue(allocation))
      written.set(number);
  for (Block &block : kernel.getBody()) {
    forward(block, written);
    backward(block, needed);
  }
  for (auto [number, allocation] : llvm::enumerate(all))
    if (isReadByCopies(allocation)) {
      conflicts[number].set();
      for (Set &other : conflicts)
        other.set(number);
    }
}

SharedLives::Set SharedLives::numbers(ArrayRef<Operation *> allocations) const {
  Set set(all.size());
  for (Operation *allocation : allocations)
    set.set(numberOf.lookup(allocation));
  return set;
}

void SharedLives::forward(Block &block, Set &written) {
  for (Operation &op : block) {
    if (isa<scf::ForOp>(op)) {
      Set before = written;
      forward(op.getRegion(0).front(), written);
      if (written != before) // what one iteration wrote the next finds; nothing is ever taken away
        forward(op.getRegion(0).front(), written);
      written |= before;
    } else if (op.getNumRegions() != 0) {
      Set before = written;
      for (Region &region : op.getRegions()) {
        Set taken = before;
        if (!region.empty())
          forward(region.front(), taken);
        written |= taken;
      }
    } else {
      Touched touched = touchedBy(&op);
      written |= numbers(touched.writes);
      written |= numbers(touched.starts);
    }
    writtenAfter[&op] = written;
  }
}

/// True if a copy or a write into `allocation` leaves nothing of what it held.
static bool isOverwritten(Operation *allocation) {
  auto ring = dyn_cast<cta::RingOp>(allocation);
  return !ring || (ring.getType().getSlots() == 1 && !isQueue(ring));
}

void SharedLives::record(Operation *op, const Set &needed) {
  Set alive = writtenAfter[op];
  alive &= needed;
  for (unsigned i : alive.set_bits())
    conflicts[i] |= alive;
  Touched touched = touchedBy(op);
  SmallVector<Operation *> filled(touched.writes.begin(), touched.writes.end());
  filled.append(touched.starts.begin(), touched.starts.end());
  if (!touched.writes.empty()) // it reads while it writes
    alive |= numbers(touched.reads);
  for (Operation *allocation : filled) { // also one that no one reads
    unsigned number = numberOf.lookup(allocation);
    conflicts[number] |= alive;
    for (unsigned i : alive.set_bits())
      conflicts[i].set(number);
  }
}

void SharedLives::backward(Block &block, Set &needed) {
  for (Operation &op : llvm::reverse(block)) {
    record(&op, needed);
    if (isa<scf::ForOp>(op)) {
      Set before = needed;
      if (auto found = neededAtEnd.find(&op); found != neededAtEnd.end())
        needed |= found->second; // of an earlier walk, which found no more behind the loop than this one
      for (;;) {
        Set end = needed;
        backward(op.getRegion(0).front(), needed);
        needed |= before; // no iteration, and what comes behind the last
        if (needed == end)
          break;
        needed |= end;
      }
      neededAtEnd[&op] = needed;
      continue;
    }
    if (op.getNumRegions() != 0) {
      Set after = needed;
      for (Region &region : op.getRegions()) {
        Set taken = after;
        if (!region.empty())
          backward(region.front(), taken);
        needed |= taken;
      }
      continue;
    }
    Touched touched = touchedBy(&op);
    for (const auto &filled : {ArrayRef<Operation *>(touched.writes), ArrayRef<Operation *>(touched.starts)})
      for (Operation *allocation : filled)
        if (isOverwritten(allocation))
          needed.reset(numberOf.lookup(allocation));
    needed |= numbers(touched.reads);
    needed |= numbers(touched.arrives);
  }
}

SharedPlan imbrex::planShared(func::FuncOp kernel) {
  SharedLives lives(kernel);
  ArrayRef<Operation *> all = lives.allocations();
  auto numbers = llvm::seq<unsigned>(0, all.size());
  SmallVector<unsigned> order(numbers.begin(), numbers.end());
  std::stable_sort(order.begin(), order.end(), [&](unsigned i, unsigned j) { return sizeOf(all[i]) > sizeOf(all[j]); });
  SharedPlan plan;
  for (auto [place, number] : llvm::enumerate(order)) {
    int64_t size = sizeOf(all[number]), offset = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (unsigned other : ArrayRef(order).take_front(place)) {
        int64_t begin = plan.offsets.lookup(all[other]), end = begin + sizeOf(all[other]);
        if (!lives.meet(number, other) || offset >= end || begin >= offset + size)
          continue;
        offset = llvm::alignTo(end, alignmentOf(all[number]));
        moved = true;
      }
    }
    plan.offsets[all[number]] = offset;
    plan.bytes = std::max(plan.bytes, offset + size);
  }
  for (Operation *allocation : all)
    if (auto ring = dyn_cast<cta::RingOp>(allocation); ring && ring.getType().getBarrierBytes() != 0) {
      plan.barriers[allocation] = llvm::alignTo(plan.bytes, cta::RingType::kBarrierBytes);
      plan.bytes = plan.barriers[allocation] + ring.getType().getBarrierBytes();
    }
  return plan;
}
