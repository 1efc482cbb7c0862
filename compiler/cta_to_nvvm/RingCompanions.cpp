//===- RingCompanions.cpp - Rings that are filled and emptied together -----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first put, get and release of one ring is compared with the first of the other, and so on in program order.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/RingCompanions.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace imbrex;

namespace {

/// The puts, gets and releases of a ring, each kind in program order.
struct Accesses {
  SmallVector<cta::PutOp> puts;
  SmallVector<cta::GetOp> gets;
  SmallVector<cta::ReleaseOp> releases;
};

} // namespace

/// True if `op` is one of those that may stand between companions: without effects, or of a companion's kind.
template <typename Access> static bool isBetween(Operation *op) {
  return isa<Access>(op) || (isMemoryEffectFree(op) && op->getNumRegions() == 0);
}

/// True if each of `firsts` stands before its companion in `seconds`; releases in either order.
template <typename Access> static bool standTogether(ArrayRef<Access> firsts, ArrayRef<Access> seconds) {
  return llvm::equal(firsts, seconds, [](Access first, Access second) {
    if (first->getBlock() != second->getBlock() || first.getStep() != second.getStep())
      return false;
    bool isFirst = first->isBeforeInBlock(second);
    if (!isFirst && !std::is_same_v<Access, cta::ReleaseOp>)
      return false;
    Operation *end = isFirst ? second : first;
    for (Operation *op = isFirst ? first : second; op != end; op = op->getNextNode())
      if (!isBetween<Access>(op))
        return false;
    return true;
  });
}

static bool comesWhole(cta::PutOp put) { return put.getMap() && !put.getRows(); }

static bool serves(const Accesses &first, const Accesses &second) {
  bool isAlike = llvm::equal(first.puts, second.puts, [](cta::PutOp x, cta::PutOp y) {
    return comesWhole(x) && comesWhole(y) && x.getCondition() == y.getCondition();
  });
  return isAlike && !first.puts.empty() && standTogether<cta::PutOp>(first.puts, second.puts) &&
         standTogether<cta::GetOp>(first.gets, second.gets) &&
         standTogether<cta::ReleaseOp>(first.releases, second.releases);
}

llvm::DenseMap<Operation *, Operation *> imbrex::findCompanions(func::FuncOp kernel) {
  llvm::MapVector<Operation *, Accesses> rings; // by mbarrier
  kernel.walk([&](cta::RingOp ring) {
    if (ring.getType().getCompletion() == cta::Completion::Mbarrier)
      rings[ring];
  });
  kernel.walk([&](Operation *op) {
    auto accessesOf = [&](Value ring) -> Accesses & { return rings[ring.getDefiningOp()]; };
    auto isOurs = [&](Value ring) { return rings.contains(ring.getDefiningOp()); };
    if (auto put = dyn_cast<cta::PutOp>(op); put && isOurs(put.getRing()))
      accessesOf(put.getRing()).puts.push_back(put);
    if (auto get = dyn_cast<cta::GetOp>(op); get && isOurs(get.getRing()))
      accessesOf(get.getRing()).gets.push_back(get);
    if (auto release = dyn_cast<cta::ReleaseOp>(op); release && isOurs(release.getRing()))
      accessesOf(release.getRing()).releases.push_back(release);
  });
  llvm::DenseMap<Operation *, Operation *> companions;
  for (auto &[second, its] : rings)
    for (auto &[first, accesses] : rings)
      if (first != second &&
          cast<cta::RingOp>(first).getType().getSlots() == cast<cta::RingOp>(second).getType().getSlots() &&
          serves(accesses, its)) {
        companions[second] = first;
        break;
      }
  for (auto &[second, first] : companions) // of three the first: it stands before the one that was found
    while (Operation *earlier = companions.lookup(first))
      first = earlier;
  return companions;
}
