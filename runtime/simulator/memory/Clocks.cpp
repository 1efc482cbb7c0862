//===- Clocks.cpp - Who has seen whose work -------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header for the model.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/memory/Clocks.h"

#include <algorithm>

namespace imbrex::simulator {

void View::add(const Claim &claim) {
  if (claim.time <= row[claim.warp])
    return;
  for (Claim &old : claims)
    if (old.warp == claim.warp && old.lanes == claim.lanes && old.onlyReads == claim.onlyReads) {
      old.time = std::max(old.time, claim.time);
      return;
    }
  claims.push_back(claim);
  if (claims.size() <= kMostClaims)
    return;
  row = whole();
  claims.clear();
}

void View::add(const View &other) {
  for (size_t column = 0; column < row.size(); ++column)
    row[column] = std::max(row[column], other.row[column]);
  std::erase_if(claims, [&](const Claim &claim) { return claim.time <= row[claim.warp]; });
  for (const Claim &claim : other.claims)
    add(claim);
}

bool View::covers(unsigned warp, unsigned lane, uint32_t time, bool isRead) const {
  return time <= row[warp] ||
         std::ranges::any_of(claims, [&](const Claim &claim) { return claim.covers(warp, lane, time, isRead); });
}

void View::keepCommon(const View &other) {
  std::vector<Claim> common;
  auto keep = [&](const std::vector<Claim> &from, const View &in) {
    for (Claim claim : from) {
      for (unsigned lane = 0; lane < 32; ++lane)
        claim.lanes &= ~(uint32_t(!in.covers(claim.warp, lane, claim.time, claim.onlyReads)) << lane);
      if (claim.lanes != 0)
        common.push_back(claim);
    }
  };
  keep(claims, other);
  keep(other.claims, *this);
  claims = std::move(common);
  for (size_t column = 0; column < row.size(); ++column)
    row[column] = std::min(row[column], other.row[column]);
}

ClockRow View::whole() const {
  ClockRow all = row;
  for (const Claim &claim : claims)
    if (!claim.onlyReads)
      all[claim.warp] = std::max(all[claim.warp], claim.time);
  return all;
}

void Clocks::begin(unsigned count) {
  start = now++;
  warps = columns = count;
  foreign = channels = 0;
  laneSeen.clear();
  for (unsigned warp = 0; anyViews && warp < kMaxWarps; ++warp) {
    claims[warp].clear();
    laneViews[warp].clear();
  }
  anyViews = false;
  for (unsigned warp = 0; warp < count; ++warp) {
    seen[warp].fill(start);
    lanesJoined[warp] = readsDone[warp] = oldest[warp] = start;
  }
}

/// All columns count from here on; they were filled at the block's begin.
void Clocks::widen() {
  columns = kColumns;
  for (unsigned warp = 0; warp < warps; ++warp)
    refresh(warp);
}

void Clocks::addForeign(unsigned count) {
  if (foreign != 0)
    return;
  foreign = count;
  for (unsigned rank = 0; rank < count; ++rank) {
    seen[kFirstForeign + rank].fill(start);
    lanesJoined[kFirstForeign + rank] = ~1u;
    oldest[kFirstForeign + rank] = start;
  }
  widen();
}

unsigned Clocks::addChannel() {
  if (kFirstChannel + channels == kAgents)
    return 0;
  lastUse[channels++] = Use();
  widen();
  for (unsigned rank = 0; rank < foreign; ++rank)
    refresh(kFirstForeign + rank);
  return kFirstChannel + channels - 1;
}

void Clocks::refresh(unsigned actor) {
  uint32_t least = lanesJoined[actor];
  const Row &row = seen[actor];
  for (unsigned other = 0; other < warps; ++other)
    if (other != actor)
      least = std::min(least, row[other]);
  for (unsigned other = kFirstForeign; other < kFirstForeign + foreign; ++other)
    if (other != actor)
      least = std::min(least, row[other]);
  for (unsigned channel = kFirstChannel; channel < kFirstChannel + channels; ++channel)
    least = std::min(least, row[channel]);
  oldest[actor] = least;
}

View Clocks::knownView(unsigned actor) const {
  if (!anyViews || actor >= kMaxWarps) [[likely]]
    return {seen[actor], {}};
  View all{seen[actor], claims[actor]};
  for (const LaneView &learnt : laneViews[actor])
    all.add(*learnt.view);
  return all;
}

Clocks::Row Clocks::known(unsigned actor) const { return knownView(actor).whole(); }

void Clocks::publish(unsigned actor, Row &row) {
  if (anyViews) [[unlikely]] {
    Row all = known(actor);
    for (unsigned other = 0; other < columns; ++other)
      row[other] = std::max(row[other], all[other]);
  } else {
    for (unsigned other = 0; other < columns; ++other)
      row[other] = std::max(row[other], seen[actor][other]);
  }
  row[actor] = release();
}

void Clocks::learn(unsigned actor, const Row &row) {
  for (unsigned other = 0; other < columns; ++other)
    seen[actor][other] = std::max(seen[actor][other], row[other]);
  refresh(actor);
}

void Clocks::learnChannel(unsigned actor, unsigned channel, uint32_t time) {
  seen[actor][channel] = std::max(seen[actor][channel], time);
  refresh(actor);
}

void Clocks::learnClaims(unsigned warp, std::span<const Claim> learnt) {
  if (learnt.empty())
    return;
  View view;
  view.claims.assign(learnt.begin(), learnt.end());
  absorb(warp, view);
}

void Clocks::fenceProxy(unsigned actor) {
  if (columns != kColumns)
    widen();
  Row &row = seen[actor];
  const Row all = known(actor);
  for (unsigned other = 0; other < kActors; ++other)
    row[kFirstFenced + other] = std::max(row[kFirstFenced + other], all[other]);
  row[kFirstFenced + actor] = release();
}

View Clocks::issueView(unsigned actor) const {
  View view = knownView(actor);
  view.row[actor] = now;
  return view;
}

View Clocks::publishLanes(unsigned warp, uint32_t lanes, uint32_t started) {
  View view{seen[warp], claims[warp]};
  for (const LaneView &learnt : laneViews[warp])
    for (uint32_t rest = lanes; rest != 0; rest &= rest - 1)
      if (sharesWith(warp, static_cast<unsigned>(__builtin_ctz(rest)), learnt.lanes, learnt.stamp)) {
        view.add(*learnt.view);
        break;
      }
  uint32_t time = release();
  if ((started & ~lanes) == 0) {
    view.row[warp] = time;
    return view;
  }
  view.row[warp] = lanesJoined[warp];
  view.add(Claim{warp, lanes, time});
  view.add(Claim{warp, ~lanes, readsDone[warp], true});
  // What the lanes have seen of others since all of them joined; those of one time, mostly of one barrier, together.
  for (uint32_t left = laneSeen.empty() ? 0 : started & ~lanes; left != 0;) {
    auto seenOf = [&](unsigned other) {
      uint32_t latest = 0;
      for (uint32_t rest = lanes; rest != 0; rest &= rest - 1)
        latest = std::max(latest, laneSeen[warp * 32 + static_cast<unsigned>(__builtin_ctz(rest))][other]);
      return latest;
    };
    uint32_t stamp = seenOf(static_cast<unsigned>(__builtin_ctz(left))), group = 0;
    for (uint32_t rest = left; rest != 0; rest &= rest - 1)
      if (unsigned other = static_cast<unsigned>(__builtin_ctz(rest)); seenOf(other) == stamp)
        group |= 1u << other;
    left &= ~group;
    view.add(Claim{warp, group, stamp});
  }
  return view;
}

bool Clocks::sharesWith(unsigned warp, unsigned lane, uint32_t lanes, uint32_t stamp) const {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1)
    if (ordered(warp, lane, warp, static_cast<unsigned>(__builtin_ctz(rest)), stamp))
      return true;
  return false;
}

/// All lanes of `warp` learn it; of the warp itself nothing.
void Clocks::absorb(unsigned warp, const View &view) {
  uint32_t own = seen[warp][warp];
  View all{seen[warp], claims[warp]};
  all.add(view);
  all.row[warp] = own;
  std::erase_if(all.claims, [&](const Claim &claim) { return claim.warp == warp; });
  seen[warp] = all.row;
  claims[warp] = std::move(all.claims);
  anyViews |= !claims[warp].empty();
  refresh(warp);
}

void Clocks::learnLanes(unsigned warp, uint32_t lanes, uint32_t live, const std::shared_ptr<const View> &view) {
  // What other lanes of the warp released.
  auto learnOwn = [&](uint32_t others, uint32_t time) {
    if (time <= lanesJoined[warp])
      return;
    if (laneSeen.empty())
      laneSeen.resize(kMaxWarps * 32, WarpRow{});
    for (uint32_t mine = lanes; mine != 0; mine &= mine - 1)
      for (uint32_t rest = others; rest != 0; rest &= rest - 1) {
        uint32_t &stamp = laneSeen[warp * 32 + static_cast<unsigned>(__builtin_ctz(mine))]
                                  [static_cast<unsigned>(__builtin_ctz(rest))];
        stamp = std::max(stamp, time);
      }
  };
  learnOwn(~0u, view->row[warp]);
  for (const Claim &claim : view->claims)
    if (claim.warp == warp && !claim.onlyReads)
      learnOwn(claim.lanes, claim.time);
  if ((live & ~lanes) == 0)
    return absorb(warp, *view);
  std::vector<LaneView> &views = laneViews[warp];
  anyViews = true;
  if (!views.empty() && views.back().view == view && views.back().stamp == now)
    views.back().lanes |= lanes;
  else
    views.push_back({lanes, now, view});
  if (views.size() > kMostLaneViews || (live & ~views.back().lanes) == 0) {
    size_t which = views.size() > kMostLaneViews ? 0 : views.size() - 1;
    absorb(warp, *views[which].view);
    views.erase(views.begin() + static_cast<ptrdiff_t>(which));
  }
}

bool Clocks::isInView(unsigned warp, unsigned lane, unsigned otherWarp, unsigned otherLane, uint32_t time,
                      bool isRead) const {
  return std::ranges::any_of(claims[warp],
                             [&](const Claim &claim) { return claim.covers(otherWarp, otherLane, time, isRead); }) ||
         std::ranges::any_of(laneViews[warp], [&](const LaneView &learnt) {
           return learnt.view->covers(otherWarp, otherLane, time, isRead) &&
                  sharesWith(warp, lane, learnt.lanes, learnt.stamp);
         });
}

void Clocks::joinLanes(unsigned warp, uint32_t lanes, uint32_t started) {
  uint32_t time = release();
  if ((started & ~lanes) == 0) {
    lanesJoined[warp] = time;
    for (const LaneView &learnt : laneViews[warp])
      absorb(warp, *learnt.view);
    laneViews[warp].clear();
    refresh(warp);
    return;
  }
  if (laneSeen.empty())
    laneSeen.resize(kMaxWarps * 32, WarpRow{});
  WarpRow joined{};
  for (unsigned lane = 0; lane < 32; ++lane)
    if (lanes >> lane & 1)
      for (unsigned other = 0; other < 32; ++other)
        joined[other] = std::max(joined[other], laneSeen[warp * 32 + lane][other]);
  for (unsigned lane = 0; lane < 32; ++lane)
    if (lanes >> lane & 1)
      joined[lane] = time;
  for (unsigned lane = 0; lane < 32; ++lane)
    if (lanes >> lane & 1)
      laneSeen[warp * 32 + lane] = joined;
}

bool Clocks::ordered(unsigned warp, unsigned lane, unsigned otherWarp, unsigned otherLane, uint32_t time,
                     bool isRead) const {
  if (otherWarp != warp)
    return time <= seen[warp][otherWarp] ||
           (anyViews && warp < kMaxWarps && isInView(warp, lane, otherWarp, otherLane, time, isRead));
  if (otherLane == lane || time <= lanesJoined[warp])
    return true;
  return !laneSeen.empty() && time <= laneSeen[warp * 32 + lane][otherLane];
}

} // namespace imbrex::simulator
