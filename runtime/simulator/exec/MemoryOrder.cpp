//===- MemoryOrder.cpp - What orders a block's accesses to memory ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Publishing and learning, and the words of a race on global memory. See the header for the model.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/MemoryOrder.h"

#include "runtime/simulator/exec/Cluster.h"

#include <algorithm>
#include <cstdio>

namespace imbrex::simulator {

void SyncTable::add(uint64_t address, uint32_t run, const KnowledgePtr &what) {
  std::lock_guard lock(mutex);
  Place &place = places[address >> 2];
  count.store(places.size(), std::memory_order_relaxed);
  if (place.last == what)
    return;
  place.last = what;
  if (run == 0) {
    place.all = Knowledge::merge(place.all, what);
    return;
  }
  place.block = place.run == run ? Knowledge::merge(place.block, what) : what;
  place.run = run;
}

KnowledgePtr SyncTable::at(uint64_t address, uint32_t run) {
  if (count.load(std::memory_order_relaxed) == 0)
    return nullptr;
  std::lock_guard lock(mutex);
  auto found = places.find(address >> 2);
  if (found == places.end())
    return nullptr;
  const Place &place = found->second;
  return place.run == run ? Knowledge::merge(place.all, place.block) : place.all;
}

void SyncTable::trim() {
  constexpr size_t kKeptBetweenLaunches = 4096;
  if (places.size() > kKeptBetweenLaunches)
    clear();
}

void SyncTable::clear() {
  places.clear();
  count = 0;
}

void MemoryOrder::begin(Cta &owner, uint32_t number) {
  cta = &owner;
  run = number;
  warps.fill(WarpState());
  anyAcquired = false;
  sharedPlaces.clear();
  batch = Batch();
}

/// What `warp` knows of other blocks because it has seen `other` (or is it); null for nothing.
const KnowledgePtr *MemoryOrder::knownThrough(unsigned warp, unsigned other) const {
  const std::vector<Acquired> &acquired = warps[other].acquired;
  uint32_t seen = warp == other ? ~0u : cta->shared.clocks.seen[warp][other];
  auto after = std::ranges::upper_bound(acquired, seen, {}, &Acquired::stamp);
  return after == acquired.begin() ? nullptr : &std::prev(after)->what;
}

/// Adds it behind what `warp` had acquired at that stamp; what it acquired later holds it too.
void MemoryOrder::addAcquired(unsigned warp, uint32_t stamp, const KnowledgePtr &what) {
  std::vector<Acquired> &acquired = warps[warp].acquired;
  auto at = std::ranges::upper_bound(acquired, stamp, {}, &Acquired::stamp);
  for (auto later = at; later != acquired.end(); ++later)
    later->what = Knowledge::merge(later->what, what);
  KnowledgePtr all = at == acquired.begin() ? what : Knowledge::merge(std::prev(at)->what, what);
  if (at != acquired.begin() && std::prev(at)->stamp == stamp)
    std::prev(at)->what = all;
  else
    acquired.insert(at, {stamp, all});
  if (acquired.size() > kMostAcquired) { // Who has seen the oldest knows the next too: a race may be missed.
    acquired[1].stamp = acquired[0].stamp;
    acquired.erase(acquired.begin());
  }
}

/// What lanes of `warp` acquired up to that stamp is the whole warp's from here on.
void MemoryOrder::settle(unsigned warp, uint32_t upTo) {
  std::vector<LaneAcquired> &ofLanes = warps[warp].ofLanes;
  size_t count = 0;
  while (count < ofLanes.size() && ofLanes[count].stamp <= upTo) {
    addAcquired(warp, ofLanes[count].stamp, ofLanes[count].what);
    ++count;
  }
  ofLanes.erase(ofLanes.begin(), ofLanes.begin() + static_cast<ptrdiff_t>(count));
}

/// The same for all warps, as far as their lanes have joined or `warp` has seen them.
void MemoryOrder::settleAll(unsigned warp) {
  const Clocks &clocks = cta->shared.clocks;
  for (unsigned other = 0; other < cta->warpCount; ++other)
    if (!warps[other].ofLanes.empty())
      settle(other, std::max(clocks.lanesJoined[other], warp == other ? 0 : clocks.seen[warp][other]));
}

KnowledgePtr MemoryOrder::publish(unsigned warp) { return publishLanes(warp, ~0u); }

/// What a release by `lanes` of the warp carries.
KnowledgePtr MemoryOrder::publishLanes(unsigned warp, uint32_t lanes) {
  KnowledgePtr known;
  if (anyAcquired)
    settleAll(warp);
  for (unsigned other = 0; anyAcquired && other < cta->warpCount; ++other)
    if (const KnowledgePtr *through = knownThrough(warp, other))
      known = Knowledge::merge(known, *through);
  const Clocks &clocks = cta->shared.clocks;
  for (const LaneAcquired &one : warps[warp].ofLanes)
    for (uint32_t rest = lanes; rest != 0; rest &= rest - 1)
      if (clocks.sharesWith(warp, static_cast<unsigned>(__builtin_ctz(rest)), one.lanes, one.stamp)) {
        known = Knowledge::merge(known, one.what);
        break;
      }
  for (Cta *block : cta->cluster->blocks) {
    View view;
    if (block == cta)
      view = block->shared.clocks.publishLanes(warp, lanes, cta->warps[warp]->started);
    else
      block->shared.clocks.publish(actorIn(*cta->warps[warp], *block), view.row);
    known = Knowledge::with(known, block->order.run, std::move(view));
  }
  return known;
}

/// What it says of the clocks of the cluster's blocks; `live` as for Clocks::learnLanes.
void MemoryOrder::learnViews(unsigned warp, uint32_t lanes, uint32_t live, const Knowledge &what) {
  for (Cta *block : cta->cluster->blocks)
    if (std::shared_ptr<const View> view = what.viewOf(block->order.run)) {
      if (block == cta)
        block->shared.clocks.learnLanes(warp, lanes, live, view);
      else
        block->shared.clocks.learn(actorIn(*cta->warps[warp], *block), view->whole());
    }
}

void MemoryOrder::learn(unsigned warp, uint32_t lanes, const KnowledgePtr &what) {
  WarpState &state = warps[warp];
  if (!what || (what == state.recent && (lanes & ~state.recentLanes) == 0))
    return;
  state.recentLanes = what == state.recent ? state.recentLanes | lanes : lanes;
  state.recent = what;
  anyAcquired = true;
  addAcquired(warp, cta->shared.clocks.now, what);
  learnViews(warp, lanes, lanes, *what);
}

/// `lanes` learn it: the whole warp where they are all that live.
void MemoryOrder::acquire(unsigned warp, uint32_t lanes, const KnowledgePtr &what) {
  if (!what || (cta->warps[warp]->live & ~lanes) == 0)
    return learn(warp, lanes, what);
  WarpState &state = warps[warp];
  if (what == state.recent && (lanes & ~state.recentLanes) == 0)
    return;
  std::vector<LaneAcquired> &ofLanes = state.ofLanes;
  state.recentLanes = what == state.recent ? state.recentLanes | lanes : lanes;
  state.recent = what;
  anyAcquired = true;
  uint32_t now = cta->shared.clocks.now;
  if (!ofLanes.empty() && ofLanes.back().what == what && ofLanes.back().stamp == now)
    ofLanes.back().lanes |= lanes;
  else
    ofLanes.push_back({lanes, now, what});
  if (ofLanes.size() > kMostLaneAcquired)
    settle(warp, ofLanes.front().stamp);
  if ((cta->warps[warp]->live & ~ofLanes.back().lanes) == 0)
    settle(warp, now);
  learnViews(warp, lanes, cta->warps[warp]->live, *what);
}

void MemoryOrder::fence(unsigned warp, uint32_t lanes, bool blockScope) {
  WarpState &state = warps[warp];
  if (!blockScope) {
    acquire(warp, lanes, state.pending);
    state.pending = nullptr;
  } else if (std::shared_ptr<const View> own = state.pending ? state.pending->viewOf(run) : nullptr) {
    cta->shared.clocks.learnLanes(warp, lanes, cta->warps[warp]->live, own);
  }
  state.fencedInBlock = publishLanes(warp, lanes);
  if (!blockScope)
    state.fenced = state.fencedInBlock;
}

void MemoryOrder::leave(unsigned warp, unsigned lane, uint32_t flags, MemoryOrder *home, uint64_t address) {
  const WarpState &state = warps[warp];
  bool narrow = flags & kBlockScope;
  KnowledgePtr what = flags & kRelease ? publishLanes(warp, 1u << lane)
                      : home || narrow ? state.fencedInBlock
                                       : state.fenced;
  if (what && home) {
    KnowledgePtr &place = home->sharedPlaces[address >> 2];
    place = Knowledge::merge(place, what);
  } else if (what) {
    cta->launch->sync->add(address, narrow ? run : 0, what);
  }
  // A fence of the block's scope reaches only the block.
  if (!home && !narrow && !(flags & kRelease) && state.fencedInBlock && state.fencedInBlock != state.fenced)
    cta->launch->sync->add(address, run, state.fencedInBlock);
}

void MemoryOrder::take(unsigned warp, unsigned lane, uint32_t flags, const MemoryOrder *home, uint64_t address) {
  KnowledgePtr what;
  if (!home) {
    what = cta->launch->sync->at(address, run);
  } else if (auto found = home->sharedPlaces.find(address >> 2); found != home->sharedPlaces.end()) {
    what = found->second;
  }
  if (!what)
    return;
  if (flags & kAcquire)
    acquire(warp, 1u << lane, what);
  else
    warps[warp].pending = Knowledge::merge(warps[warp].pending, what);
}

void MemoryOrder::arrive(unsigned warp, uint32_t lanes) {
  WarpState &state = warps[warp];
  if (state.pending) {
    learn(warp, lanes, state.pending);
    state.pending = nullptr;
  }
}

Observer MemoryOrder::observer(unsigned warp, uint32_t now) {
  const LaunchState &launch = *cta->launch;
  Observer me;
  me.run = run;
  me.warp = warp;
  me.now = now;
  me.clocks = &cta->shared.clocks;
  if (anyAcquired)
    settleAll(warp);
  for (const LaneAcquired &one : warps[warp].ofLanes) {
    uint32_t lanes = 0;
    for (unsigned k = 0; k < batch.range.count; ++k) // Of the lanes that are asked for.
      if (unsigned lane = batch.range.lanes[k]; me.clocks->sharesWith(warp, lane, one.lanes, one.stamp))
        lanes |= 1u << lane;
    if (lanes != 0)
      me.laneKnown.push_back({one.what.get(), lanes});
  }
  for (unsigned other = 0; anyAcquired && other < cta->warpCount; ++other)
    if (const KnowledgePtr *through = knownThrough(warp, other))
      me.known[me.knownCount++] = through->get();
  me.pending = warps[warp].pending.get();
  me.orderedBelow = launch.orderedBelow;
  me.launchBegin = launch.firstRun;
  me.launches = launch.order;
  me.otherBlocks = launch.races >= RaceLevel::Launch;
  return me;
}

bool MemoryOrder::beginBatch(Warp &warp, const Instruction &i, unsigned lane, RaceShadow *shadow, uint64_t base,
                             uint64_t offset, unsigned bytes, bool write, bool equal) {
  // Many lanes often read one address: the first and the last of them stand for all.
  if (&i == batch.instruction && &warp == batch.warp && !write && batch.range.count == 1 && shadow == batch.shadow &&
      offset == batch.range.offset) {
    batch.range.lanes[0] = static_cast<uint8_t>(lane);
    return true;
  }
  if (!finish())
    return false;
  batch.instruction = &i;
  batch.warp = &warp;
  batch.shadow = shadow;
  batch.base = base;
  batch.end = offset + bytes;
  batch.now = cta->shared.clocks.now;
  LaneRange &range = batch.range;
  range.offset = offset;
  range.bytes = bytes;
  range.count = 1;
  range.lanes[0] = static_cast<uint8_t>(lane);
  range.isAscending = true;
  range.write = write;
  range.equal = equal;
  bool strong = i.flags & kStrongAccess;
  uint32_t kind = strong ? GlobalAccessor::kStrong | (i.flags & kAtomicAccess ? GlobalAccessor::kAtomic : 0) |
                               (i.flags & kBlockScope ? GlobalAccessor::kBlockScope : 0)
                         : 0;
  range.who = GlobalAccessor::make(warp.index, 0, i.index, kind);
  return !strong || finish(); // What a strong access is ordered after changes with the next one.
}

bool MemoryOrder::noteGlobalRow(Warp &warp, const Instruction &i, RaceShadow *shadow, uint64_t base, uint64_t offset,
                                unsigned bytes) {
  if (!beginBatch(warp, i, 0, shadow, base, offset, bytes, false, false))
    return false;
  LaneRange &range = batch.range;
  for (unsigned lane = 0; lane < 32; ++lane)
    range.lanes[lane] = static_cast<uint8_t>(lane);
  range.count = 32;
  batch.end = offset + 32 * bytes;
  return true;
}

bool MemoryOrder::finish() {
  if (!batch.instruction)
    return true;
  GlobalConflict conflict;
  bool good = batch.shadow->access(observer(batch.warp->index, batch.now), batch.range, conflict);
  if (!good || conflict.kind == GlobalConflict::EqualWrites)
    report(conflict);
  batch.instruction = nullptr;
  return good;
}

namespace {

std::string threadOf(const LaunchState &launch, uint32_t run, GlobalAccessor who) {
  uint64_t block = run - launch.firstRun;
  return "block (" + std::to_string(block % launch.grid[0]) + ", " +
         std::to_string(block / launch.grid[0] % launch.grid[1]) + ", " +
         std::to_string(block / launch.grid[0] / launch.grid[1]) + ") warp " + std::to_string(who.warp()) + " lane " +
         std::to_string(who.lane());
}

const char *missing(const GlobalConflict &conflict, bool sameBlock, bool sameWarp, bool sameLaunch) {
  if (conflict.kind == GlobalConflict::LostUpdate)
    return "missing: an atomic operation, or a lock around the read and the write";
  if (sameWarp)
    return "missing: bar.warp.sync or bar.sync between the two";
  if (sameBlock)
    return "missing: bar.sync between the two";
  if (sameLaunch)
    return "missing: an atomic operation, or a fence and a flag that hand the bytes over";
  return "missing: an event, or one stream for both";
}

} // namespace

void MemoryOrder::report(const GlobalConflict &conflict) {
  const LaunchState &launch = *cta->launch;
  const LaneRange &range = batch.range;
  bool sameLaunch = conflict.otherRun >= launch.firstRun, sameBlock = conflict.otherRun == run;
  char place[96];
  std::snprintf(place, sizeof(place), "%u bytes at global address 0x%llx", range.bytes,
                static_cast<unsigned long long>(batch.base + conflict.offset));
  std::string detail = std::string(range.write ? "write of " : "read of ") + place;
  if (conflict.kind == GlobalConflict::EqualWrites)
    detail += std::string(" stores the value that is there, not ordered after ") +
              (conflict.otherWrote ? "the same write by " : "a read by ");
  else if (conflict.kind == GlobalConflict::LostUpdate)
    detail += " after a read of them overwrites, unseen, what was written by ";
  else
    detail += std::string(" is not ordered after a ") + (conflict.otherWrote ? "write" : "read") + " by ";
  Fault fault{FaultKind::GlobalRace, {}, batch.instruction->index, ~0u, batch.warp->index, conflict.lane, {}};
  if (sameLaunch) {
    detail += threadOf(launch, conflict.otherRun, conflict.other);
    fault.other = conflict.other.instruction();
  } else {
    detail += launch.order->describe(conflict.otherRun, conflict.other.instruction(), fault.otherPlace);
  }
  if (conflict.kind == GlobalConflict::EqualWrites) {
    launch.note(*cta->program, NoteKind::EqualWrites, fault.instruction, fault.other, detail);
    return;
  }
  bool sameWarp = sameBlock && conflict.other.warp() == batch.warp->index;
  fault.detail = detail + "; " + missing(conflict, sameBlock, sameWarp, sameLaunch);
  cta->fault = std::move(fault);
}

} // namespace imbrex::simulator
