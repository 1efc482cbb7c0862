//===- SharedLanes.cpp - A warp's accesses to shared memory at once -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The checks of SharedMemory for all lanes of one instruction in one loop, where nothing stands in their way. The
// first lane that needs a closer look, and those behind it, are left to the checks of a single access.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/memory/SharedMemory.h"

namespace imbrex::simulator {

/// Whether all 32 lanes touch bytes of the block, each right behind those of the lane before.
bool SharedMemory::isRow(const uint32_t *addresses, uint32_t lanes, uint32_t bytes) const {
  if (lanes != ~0u)
    return false;
  uint32_t apart = 0, begin = addresses[0];
  for (uint32_t lane = 0; lane < 32; ++lane)
    apart |= addresses[lane] - begin - lane * bytes;
  return apart == 0 && begin < limit && 32 * bytes <= limit - begin;
}

/// A plain read of a row, `Granules` a lane, from granule `first` on; false, with nothing changed, if it needs a closer
/// look. No branches, so that the loops are vectors.
template <unsigned Granules> bool SharedMemory::readRow(uint32_t first, Accessor who) {
  const size_t row = size_t(who.warp()) * stride + first;
  const uint32_t *__restrict written = writeTime + first;
  uint32_t *__restrict times = plainReads.time + row, *__restrict names = plainReads.who + row,
                       *__restrict sets = plainReads.lanes + row, *__restrict last = latest.time + first,
                       *__restrict agents = latest.agent + first, *__restrict others = latest.timeOfOthers + first;
  const uint32_t oldest = clocks.oldest[who.warp()], joined = clocks.lanesJoined[who.warp()], start = clocks.start;
  const uint32_t unsure = clocks.laneSeen.empty() ? ~0u : joined, now = clocks.now, warp = who.warp();
  uint32_t bad = 0;
  for (uint32_t i = 0; i < 32 * Granules; ++i)
    bad |= uint32_t(written[i] > oldest) | uint32_t(written[i] <= start) | uint32_t(times[i] > unsure);
  if (bad)
    return false;
  for (uint32_t i = 0; i < 32 * Granules; ++i) {
    const uint32_t lane = i / Granules;
    sets[i] = (times[i] > joined ? sets[i] : 0) | 1u << lane;
    times[i] = now;
    names[i] = who.bits | lane;
    others[i] = agents[i] == warp ? others[i] : last[i];
    agents[i] = warp;
    last[i] = now;
  }
  lastRead = now;
  return true;
}

/// The same for a plain write.
template <unsigned Granules> bool SharedMemory::writeRow(uint32_t first, Accessor who) {
  const size_t row = size_t(who.warp()) * stride + first;
  uint32_t *__restrict written = writeTime + first, *__restrict writers = writeWho + first;
  const uint32_t *__restrict times = plainReads.time + row, *__restrict sets = plainReads.lanes + row,
                             *__restrict last = latest.time + first, *__restrict agents = latest.agent + first,
                             *__restrict others = latest.timeOfOthers + first;
  const uint32_t oldest = clocks.oldest[who.warp()], joined = clocks.lanesJoined[who.warp()], now = clocks.now;
  const uint32_t warp = who.warp();
  uint32_t bad = 0;
  for (uint32_t i = 0; i < 32 * Granules; ++i)
    bad |= uint32_t(written[i] > oldest) | uint32_t((agents[i] == warp ? others[i] : last[i]) > oldest) |
           (times[i] > joined ? sets[i] & ~(1u << i / Granules) : 0);
  if (bad)
    return false;
  for (uint32_t i = 0; i < 32 * Granules; ++i) {
    written[i] = now;
    writers[i] = who.bits | i / Granules;
  }
  return true;
}

/// Granules a lane; 0 for any number. Lanes that follow each other with one address count as one access.
template <unsigned Granules>
uint32_t SharedMemory::readSameWidth(const uint32_t *addresses, uint32_t lanes, uint32_t bytes, Accessor who) {
  const uint32_t *__restrict written = writeTime;
  const size_t row = size_t(who.warp()) * stride;
  uint32_t *__restrict times = plainReads.time + row, *__restrict names = plainReads.who + row,
                       *__restrict sets = plainReads.lanes + row, *__restrict last = latest.time,
                       *__restrict agents = latest.agent, *__restrict others = latest.timeOfOthers;
  const uint32_t oldest = clocks.oldest[who.warp()], joined = clocks.lanesJoined[who.warp()], start = clocks.start;
  const uint32_t unsure = clocks.laneSeen.empty() ? ~0u : joined, now = clocks.now, end = limit;
  const unsigned shift = granule, warp = who.warp();
  const uint32_t whole = who.manyLanes() ? ~0u : 0;
  uint32_t done = 0, rest = lanes;
  lastRead = now;
  while (rest != 0) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint32_t address = addresses[lane], together = 0;
    do {
      together |= rest & -rest;
      rest &= rest - 1;
    } while (rest != 0 && addresses[__builtin_ctz(rest)] == address);
    if (address >= end || bytes > end - address)
      return done;
    uint32_t first = address >> shift, count = Granules ? Granules : ((address + bytes - 1) >> shift) - first + 1;
    uint32_t bad = 0;
    for (uint32_t i = first; i < first + count; ++i)
      bad |= uint32_t(written[i] > oldest) | uint32_t(written[i] <= start) | uint32_t(times[i] > unsure);
    if (bad) [[unlikely]]
      return done;
    for (uint32_t i = first; i < first + count; ++i) {
      sets[i] = (times[i] > joined ? sets[i] : 0) | together | whole;
      times[i] = now;
      names[i] = who.bits | lane;
      others[i] = agents[i] == warp ? others[i] : last[i];
      agents[i] = warp;
      last[i] = now;
    }
    done |= together;
  }
  return done;
}

/// Calls `check` with the number of granules that `bytes` take, as a constant where it is a usual one, else 0.
template <typename Check> static uint32_t forWidth(uint32_t bytes, unsigned granule, Check check) {
  switch (bytes >> granule) {
  case 1:
    return check(std::integral_constant<unsigned, 1>());
  case 2:
    return check(std::integral_constant<unsigned, 2>());
  case 4:
    return check(std::integral_constant<unsigned, 4>());
  default:
    return check(std::integral_constant<unsigned, 0>());
  }
}

uint32_t SharedMemory::readLanes(const uint32_t *addresses, uint32_t lanes, uint32_t bytes, Accessor who) {
  if (anyUndefined)
    return 0;
  return forWidth(bytes, granule, [&](auto granules) {
    if constexpr (granules != 0)
      if (isRow(addresses, lanes, bytes) && !who.manyLanes() && readRow<granules>(addresses[0] >> granule, who))
        return ~0u;
    return readSameWidth<granules>(addresses, lanes, bytes, who);
  });
}

template <unsigned Granules>
uint32_t SharedMemory::writeSameWidth(const uint32_t *addresses, uint32_t lanes, uint32_t bytes, Accessor who) {
  uint32_t *const written = writeTime, *const writers = writeWho;
  const LatestReads recent = latest;
  size_t row = size_t(who.warp()) * stride;
  const uint32_t *times = plainReads.time + row, *sets = plainReads.lanes + row;
  const uint32_t oldest = clocks.oldest[who.warp()], joined = clocks.lanesJoined[who.warp()];
  const uint32_t now = clocks.now, end = limit;
  const unsigned shift = granule, warp = who.warp();
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint32_t address = addresses[lane];
    if (address >= end || bytes > end - address)
      return lanes & ~rest;
    uint32_t first = address >> shift, count = Granules ? Granules : ((address + bytes - 1) >> shift) - first + 1;
    uint32_t bad = 0, others = ~(1u << lane);
    for (uint32_t i = first; i < first + count; ++i)
      bad |= uint32_t(written[i] > oldest) | uint32_t(recent.without(i, warp) > oldest) |
             (times[i] > joined ? sets[i] & others : 0);
    if (bad) [[unlikely]]
      return lanes & ~rest;
    for (uint32_t i = first; i < first + count; ++i) {
      written[i] = now;
      writers[i] = who.bits | lane;
    }
  }
  return lanes;
}

uint32_t SharedMemory::writeLanes(const uint32_t *addresses, uint32_t lanes, uint32_t bytes, Accessor who) {
  if (anyUndefined || anyStrong)
    return 0;
  return forWidth(bytes, granule, [&](auto granules) {
    if constexpr (granules != 0)
      if (isRow(addresses, lanes, bytes) && writeRow<granules>(addresses[0] >> granule, who))
        return ~0u;
    return writeSameWidth<granules>(addresses, lanes, bytes, who);
  });
}

/// Atomic operations while no lane of a warp knows more than others. Where no plain read is young, none is looked at.
template <unsigned Granules>
uint32_t SharedMemory::updateSameWidth(const uint32_t *addresses, uint32_t lanes, uint32_t bytes, Accessor who) {
  uint32_t *__restrict written = writeTime, *__restrict writers = writeWho, *__restrict plainTimes = plainTime,
                       *__restrict plainWriters = plainWho;
  const size_t row = size_t(who.warp()) * stride;
  uint32_t *__restrict times = strongWrites.time + row, *__restrict names = strongWrites.who + row,
                       *__restrict sets = strongWrites.lanes + row;
  const uint32_t oldest = clocks.oldest[who.warp()], joined = clocks.lanesJoined[who.warp()], start = clocks.start;
  const uint32_t now = clocks.now, end = limit;
  const unsigned shift = granule;
  const bool mayMeetReads = lastRead > oldest;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint32_t address = addresses[lane], first = address >> shift;
    if (address >= end || bytes > end - address)
      return lanes & ~rest;
    uint32_t count = Granules ? Granules : ((address + bytes - 1) >> shift) - first + 1, bad = 0;
    Accessor mine{who.ordinary().bits | lane};
    for (uint32_t i = first; i < first + count; ++i) {
      uint32_t time = written[i];
      bool strong = Accessor{writers[i]}.strong() && time < kObject;
      bad |= uint32_t((strong ? plainTimes[i] : time) > oldest) | uint32_t(time <= start);
    }
    if (bad || (mayMeetReads && !isAfterReads(first, first + count - 1, mine)))
      return lanes & ~rest;
    for (uint32_t i = first; i < first + count; ++i) { // stampStrongWrite, for lanes that have joined or not.
      if (!Accessor{writers[i]}.strong()) {
        plainTimes[i] = written[i];
        plainWriters[i] = writers[i];
      }
      plainWriters[i] &= ~kUnderStore;
      written[i] = now;
      writers[i] = who.bits | lane;
      sets[i] = (times[i] > joined ? sets[i] : 0) | 1u << lane;
      times[i] = now;
      names[i] = mine.bits;
    }
  }
  return lanes;
}

uint32_t SharedMemory::updateLanes(const uint32_t *addresses, uint32_t lanes, uint32_t bytes, Accessor who) {
  if (anyUndefined || !clocks.laneSeen.empty())
    return 0;
  anyStrong = true;
  return forWidth(bytes, granule,
                  [&](auto granules) { return updateSameWidth<granules>(addresses, lanes, bytes, who); });
}

uint32_t SharedMemory::beginAsyncLanes(const uint32_t *addresses, uint32_t lanes, uint32_t bytes, Accessor who) {
  const uint32_t done = writeLanes(addresses, lanes, bytes, who);
  for (uint32_t rest = done; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    for (uint32_t i = addresses[lane] >> granule; i <= (addresses[lane] + bytes - 1) >> granule; ++i) {
      writeTime[i] = kInFlight;
      writeWho[i] = who.bits | lane | Accessor::kAsync;
    }
  }
  return done;
}

} // namespace imbrex::simulator
