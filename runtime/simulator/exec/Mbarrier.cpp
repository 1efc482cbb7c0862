//===- Mbarrier.cpp - Barriers that are objects in shared memory ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts, phases and their checks; see the header. The instructions are in MbarrierOps.cpp.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Mbarrier.h"

#include <cstdio>
#include <utility>

namespace imbrex::simulator {
namespace {

std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

std::string nameOf(const Mbarrier &object) { return "mbarrier at shared address " + hex(object.address); }

} // namespace

bool findMbarrier(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, MbarrierPlace &place) {
  SharedPlace at;
  if (!resolveShared(warp, i, lane, address, 8, 8, at))
    return false;
  auto found = at.home->mbarriers.find(at.offset);
  if (found == at.home->mbarriers.end()) {
    warp.fail(FaultKind::MbarrierMisuse, i, lane,
              "there is no mbarrier object at shared address " + hex(address) +
                  "; missing: mbarrier.init, or a barrier between it and this use");
    return false;
  }
  place = {at.home, &found->second};
  Mbarrier &object = found->second;
  const Clocks &clocks = at.home->shared.clocks;
  unsigned actor = actorIn(warp, *at.home);
  if (!clocks.ordered(actor, lane, object.creator.warp(), object.creator.lane(), object.created) &&
      !(object.knownFrom != 0 && warp.clusterBarriers >= object.knownFrom)) {
    warp.fail(FaultKind::SharedRace, i, lane,
              "use of the " + nameOf(object) + " is not ordered after its mbarrier.init; missing: " +
                  (at.home == warp.cta ? "bar.sync" : "barrier.cluster") + " between the two");
    warp.cta->fault.other = object.creator.instruction();
    return false;
  }
  object.lastUse[actor] = clocks.now;
  return true;
}

namespace {

/// Whether the phase that ends is ordered after every wait for the one before.
bool checkOvertaking(Warp &warp, const Instruction &i, unsigned lane, const Cta &home, const Mbarrier &object) {
  if (object.anyRelaxed || object.gathered.rows.empty())
    return true;
  const Clocks::Row known = View{object.gathered.rows[home.rank], object.gathered.claims}.whole();
  for (unsigned w = 0; w < home.warpCount; ++w) {
    const Mbarrier::Observed &wait = object.observed[w];
    if (wait.phase != object.phase - 1 || wait.time <= std::max(known[w], object.copiesBehind[w]))
      continue;
    warp.fail(FaultKind::WaiterOvertaken, i, lane,
              "phase " + std::to_string(object.phase) + " of the " + nameOf(object) +
                  " completes without being ordered after warp " + std::to_string(w) +
                  "'s wait for the phase before: late, that wait would miss its phase");
    warp.cta->fault.other = wait.instruction;
    return false;
  }
  return true;
}

/// Ends the running phase if nothing is outstanding. False with the fault.
bool tryComplete(Warp &warp, const Instruction &i, unsigned lane, MbarrierPlace place) {
  Mbarrier &object = *place.object;
  if (object.pending != 0 || object.transactions > 0)
    return true;
  if (object.transactions < 0) {
    warp.fail(FaultKind::TransactionCount, i, lane,
              "all arrivals of phase " + std::to_string(object.phase) + " of the " + nameOf(object) +
                  " have come, and the copies brought " + std::to_string(-object.transactions) +
                  " bytes more than expect_tx announced");
    return false;
  }
  if (!checkOvertaking(warp, i, lane, *place.home, object))
    return false;
  if (object.channel != 0) {
    object.gathered.rows.resize(warp.cta->cluster->blocks.size());
    object.gathered.rows[place.home->rank][object.channel] = place.home->shared.clocks.release();
  }
  object.visible = object.gathered;
  object.visibleLanes = std::exchange(object.arrivedLanes, {});
  object.visibleCopies = std::exchange(object.copies, {});
  object.copiesBehind = {};
  ++object.phase;
  object.pending = object.expected;
  object.anyRelaxed = false;
  place.home->noteEvent();
  place.home->wakeEvent(kMbarrierEvent + object.address);
  return true;
}

} // namespace

bool arriveAt(Warp &warp, const Instruction &i, unsigned lane, MbarrierPlace place, uint32_t count) {
  Mbarrier &object = *place.object;
  if (count > object.pending) {
    warp.fail(FaultKind::MbarrierMisuse, i, lane,
              "phase " + std::to_string(object.phase) + " of the " + nameOf(object) + " expects " +
                  std::to_string(object.pending) + " more arrivals, " + std::to_string(count) + " come");
    return false;
  }
  object.pending -= count;
  place.home->watch.changes += count != 0;
  return tryComplete(warp, i, lane, place);
}

bool addTransactions(Warp &warp, const Instruction &i, unsigned lane, MbarrierPlace place, int64_t bytes) {
  Mbarrier &object = *place.object;
  object.transactions += bytes;
  ++place.home->watch.changes;
  if (object.transactions > int64_t(kMostArrivals) || object.transactions < -int64_t(kMostArrivals)) {
    warp.fail(FaultKind::TransactionCount, i, lane,
              "the transaction count of the " + nameOf(object) + " would be " + std::to_string(object.transactions) +
                  "; at most " + std::to_string(kMostArrivals) + " bytes are possible");
    return false;
  }
  return bytes > 0 || tryComplete(warp, i, lane, place);
}

/// The warp begins a copy that the running phase waits for.
static void noteWaits(Warp &warp, Mbarrier &object) {
  Clocks &clocks = warp.cta->shared.clocks;
  const Clocks::Row known = clocks.known(warp.index);
  for (unsigned other = 0; other < warp.cta->warpCount; ++other)
    object.copiesBehind[other] = std::max({object.copiesBehind[other], warp.copiesWaitedFor[other], known[other]});
  object.copies[warp.index] = clocks.release();
}

unsigned channelOf(Warp &warp, const Instruction &i, unsigned lane, MbarrierPlace place) {
  unsigned &channel = place.object->channel;
  if (channel == 0)
    channel = place.home->shared.clocks.addChannel();
  if (channel == 0)
    warp.fail(FaultKind::NotModelled, i, lane, "more asynchronous channels in one block than the clocks have room for");
  if (place.home == warp.cta)
    noteWaits(warp, *place.object);
  return channel;
}

std::string describeMbarrier(const Cta &cta, uint64_t key) {
  if (key < kMbarrierEvent || key - kMbarrierEvent > ~uint32_t(0))
    return key == kClusterBarrierEvent ? "barrier.cluster"
           : key == kMatrixEvent       ? "wgmma of the other warps"
           : key == kRegisterEvent     ? "free registers (setmaxnreg)"
                                       : "";
  auto found = cta.mbarriers.find(static_cast<uint32_t>(key - kMbarrierEvent));
  if (found == cta.mbarriers.end())
    return "";
  const Mbarrier &object = found->second;
  return nameOf(object) + ", phase " + std::to_string(object.phase) + ": " + std::to_string(object.pending) + " of " +
         std::to_string(object.expected) + " arrivals and " + std::to_string(object.transactions) + " bytes to come";
}

} // namespace imbrex::simulator
