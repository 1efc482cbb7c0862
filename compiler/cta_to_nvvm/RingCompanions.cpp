//===- RingCompanions.cpp - Rings that are filled and emptied together -----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first put, get and release of one ring is compared with the first of the other, and so on in program order. A
// group waits at the first of its accesses and arrives at the last.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/RingCompanions.h"
#include "compiler/cta/ProductWaits.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace imbrex;

namespace {

/// The accesses of a ring, each kind in program order.
struct Accesses {
  SmallVector<cta::PutOp> puts;
  SmallVector<cta::AcquireOp> acquires;
  SmallVector<cta::PublishOp> publishes;
  SmallVector<cta::GetOp> gets;
  SmallVector<cta::ReleaseOp> releases;
};

} // namespace

/// True if `op` is one of those that may stand between companions: of a companion's kind, without effects, a wait that
/// is none, or between gets, a clearing of what has come.
template <typename Access> static bool isBetween(Operation *op) {
  auto wait = dyn_cast<cta::DotWaitOp>(op);
  return isa<Access>(op) || (isMemoryEffectFree(op) && op->getNumRegions() == 0) || (wait && isDoneBefore(wait)) ||
         (std::is_same_v<Access, cta::GetOp> && isa<cta::ClearOp>(op));
}

/// True if `first` stands before `second` in one block, both for one step.
template <typename First, typename Second> static bool isOneStep(First first, Second second) {
  return first->getBlock() == second->getBlock() && first.getStep() == second.getStep() &&
         first->isBeforeInBlock(second);
}

/// True if each of `firsts` stands before its companion in `seconds`; releases in either order.
template <typename Access> static bool standTogether(ArrayRef<Access> firsts, ArrayRef<Access> seconds) {
  return llvm::equal(firsts, seconds, [](Access first, Access second) {
    bool isFirst = isOneStep(first, second);
    if (!isFirst && !(std::is_same_v<Access, cta::ReleaseOp> && isOneStep(second, first)))
      return false;
    Operation *end = isFirst ? second : first;
    for (Operation *op = isFirst ? first : second; op != end; op = op->getNextNode())
      if (!isBetween<Access>(op))
        return false;
    return true;
  });
}

static bool comesWhole(cta::PutOp put) { return put.getMap() && !put.getRows(); }

/// Tiles that the copy engine fetches.
static bool serveTiles(const Accesses &first, const Accesses &second) {
  bool isAlike = llvm::equal(first.puts, second.puts, [](cta::PutOp x, cta::PutOp y) {
    return comesWhole(x) && comesWhole(y) && x.getCondition() == y.getCondition();
  });
  return isAlike && !first.puts.empty() && standTogether<cta::PutOp>(first.puts, second.puts) &&
         standTogether<cta::GetOp>(first.gets, second.gets) &&
         standTogether<cta::ReleaseOp>(first.releases, second.releases);
}

/// True if what stands from `first` to `last` waits for no step but theirs, and hands on none.
static bool waitsForNothingElse(cta::GetOp first, cta::ReleaseOp last) {
  for (Operation *op = first->getNextNode(); op != last; op = op->getNextNode()) {
    WalkResult found = op->walk([&](Operation *inner) {
      auto get = dyn_cast<cta::GetOp>(inner);
      auto barrier = dyn_cast<cta::BarrierOp>(inner);
      bool isOther = (get && get.getStep() != first.getStep()) || (barrier && barrier.getScope() == cta::Scope::Cta);
      return isOther || isa<cta::PutOp, cta::AcquireOp, cta::PublishOp>(inner) ? WalkResult::interrupt()
                                                                               : WalkResult::advance();
    });
    if (found.wasInterrupted())
      return false;
  }
  return true;
}

/// True if from `first` to `last` lines of their step are loaded, computed and written, and nothing else is done.
static bool writesLines(cta::AcquireOp first, cta::PublishOp last) {
  for (Operation *op = first; op != last; op = op->getNextNode()) {
    auto acquire = dyn_cast<cta::AcquireOp>(op);
    auto publish = dyn_cast<cta::PublishOp>(op);
    bool isOfStep =
        (acquire && acquire.getStep() == first.getStep()) || (publish && publish.getStep() == first.getStep());
    bool isWork = isa<tile::LoadOp, cta::WriteOp>(op) || (isMemoryEffectFree(op) && op->getNumRegions() == 0);
    if (!isOfStep && !isWork)
      return false;
  }
  return true;
}

/// Lines that threads write.
static bool serveLines(const Accesses &first, const Accesses &second) {
  auto areOne = [](auto opens, auto closes, auto isClean) {
    for (auto [open, close] : llvm::zip(opens, closes))
      if (!isOneStep(open, close) || !isClean(open, close))
        return false;
    return opens.size() == closes.size();
  };
  auto inOrder = [](auto x, auto y) {
    return llvm::equal(x, y, [](auto one, auto other) { return isOneStep(one, other); });
  };
  return !first.acquires.empty() && first.puts.empty() && second.puts.empty() &&
         inOrder(first.acquires, second.acquires) && inOrder(first.publishes, second.publishes) &&
         inOrder(first.gets, second.gets) && inOrder(first.releases, second.releases) &&
         areOne(first.acquires, second.publishes, writesLines) &&
         areOne(first.gets, second.releases, waitsForNothingElse);
}

/// Adds to `silent` all of each step's accesses of one kind but the first in program order, or the last.
template <typename Access>
static void silence(ArrayRef<SmallVector<Access>> group, bool keepsLast, llvm::DenseSet<Operation *> &silent) {
  for (unsigned number = 0; number < group.front().size(); ++number) {
    Operation *kept = group.front()[number];
    for (const SmallVector<Access> &accesses : group) {
      Operation *other = accesses[number];
      silent.insert(other);
      if (kept->isBeforeInBlock(other) == keepsLast && kept != other)
        kept = other;
    }
    silent.erase(kept);
  }
}

RingCompanions imbrex::findCompanions(func::FuncOp kernel) {
  llvm::MapVector<Operation *, Accesses> rings; // by mbarrier
  kernel.walk([&](cta::RingOp ring) {
    if (ring.getType().getCompletion() == cta::Completion::Mbarrier)
      rings[ring];
  });
  kernel.walk([&](Operation *op) {
    auto add = [&](auto access, auto list) {
      if (!access)
        return;
      auto own = rings.find(access.getRing().getDefiningOp());
      if (own != rings.end())
        (own->second.*list).push_back(access);
    };
    add(dyn_cast<cta::PutOp>(op), &Accesses::puts);
    add(dyn_cast<cta::AcquireOp>(op), &Accesses::acquires);
    add(dyn_cast<cta::PublishOp>(op), &Accesses::publishes);
    add(dyn_cast<cta::GetOp>(op), &Accesses::gets);
    add(dyn_cast<cta::ReleaseOp>(op), &Accesses::releases);
  });
  RingCompanions companions;
  for (auto &[second, its] : rings)
    for (auto &[first, accesses] : rings)
      if (first != second &&
          cast<cta::RingOp>(first).getType().getSlots() == cast<cta::RingOp>(second).getType().getSlots() &&
          (serveTiles(accesses, its) || serveLines(accesses, its))) {
        companions.first[second] = first;
        break;
      }
  for (auto &[second, first] : companions.first) // of three the first: it stands before the one that was found
    while (Operation *earlier = companions.first.lookup(first))
      first = earlier;
  llvm::MapVector<Operation *, std::vector<Accesses>> groups;
  for (auto &[ring, accesses] : rings)
    if (Operation *first = companions.first.lookup(ring))
      groups[first].push_back(accesses);
  for (auto &[first, group] : groups) {
    group.push_back(rings[first]);
    auto silenceAll = [&](auto list, bool keepsLast) {
      auto each = llvm::map_to_vector(group, [&](const Accesses &accesses) { return accesses.*list; });
      silence(ArrayRef(each), keepsLast, companions.silent);
    };
    silenceAll(&Accesses::puts, false);
    silenceAll(&Accesses::acquires, false);
    silenceAll(&Accesses::gets, false);
    silenceAll(&Accesses::publishes, true);
    silenceAll(&Accesses::releases, true);
  }
  return companions;
}
