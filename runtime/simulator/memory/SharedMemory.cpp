//===- SharedMemory.cpp - A block's shared memory, with its shadow --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The slow paths of the race check; see the header for the rules.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/memory/SharedMemory.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>

namespace imbrex::simulator {
namespace {

template <class T> T *reserve(size_t count) {
  void *memory =
      mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<T *>(memory);
}

Trace reserveTrace(size_t count) {
  return {reserve<uint32_t>(count), reserve<uint32_t>(count), reserve<uint32_t>(count)};
}

template <class T> void release(T *memory, size_t count) { munmap(memory, count * sizeof(T)); }

void release(const Trace &trace, size_t count) {
  release(trace.time, count);
  release(trace.who, count);
  release(trace.lanes, count);
}

} // namespace

SharedMemory::SharedMemory(uint32_t size) : stride(std::max((size + 15) / 16 * 16, 16u)), capacity(stride) {
  bytes = reserve<uint8_t>(capacity);
  for (uint32_t **shadow : {&writeTime, &writeWho, &plainTime, &plainWho})
    *shadow = reserve<uint32_t>(capacity);
  for (uint32_t **shadow : {&latest.time, &latest.agent, &latest.timeOfOthers})
    *shadow = reserve<uint32_t>(capacity);
  plainReads = reserveTrace(size_t(capacity) * kAgents);
  for (Trace *trace : {&strongReads, &strongWrites})
    *trace = reserveTrace(size_t(capacity) * kActors);
}

SharedMemory::~SharedMemory() {
  munmap(bytes, capacity);
  for (uint32_t *shadow : {writeTime, writeWho, plainTime, plainWho, latest.time, latest.agent, latest.timeOfOthers})
    release(shadow, capacity);
  release(plainReads, size_t(capacity) * kAgents);
  for (const Trace &trace : {strongReads, strongWrites})
    release(trace, size_t(capacity) * kActors);
}

void SharedMemory::begin(uint32_t size, unsigned log2, unsigned warpCount, std::span<const Gap> gaps) {
  // What the last block left in flight, and its mbarriers, must not look alive to this one.
  for (uint32_t i = 0, end = (limit + (1u << granule) - 1) >> granule; i < end; ++i)
    if (writeTime[i] >= kObject)
      writeTime[i] = 0;
  granule = log2;
  stride = capacity >> log2;
  limit = size;
  anyStrong = anyStrongStore = anyUndefined = false;
  noticed = Notice();
  observations.clear();
  clocks.begin(warpCount);
  lastRead = clocks.start;
  for (const Gap &gap : gaps)
    for (uint32_t i = (gap.begin + (1u << log2) - 1) >> log2; i < gap.end >> log2; ++i) {
      writeTime[i] = kInFlight;
      writeWho[i] = kInGap;
    }
}

bool SharedMemory::fail(FaultKind kind, Accessor other, bool otherWrote) {
  if (kind == FaultKind::SharedRace && other.isChannel())
    kind = otherWrote ? FaultKind::AsyncUnwaited : FaultKind::AsyncOverwrite;
  found = {kind, true, otherWrote, other};
  return false;
}

/// Whether `who` is ordered after an access of all of `lanes` of `warp` at `time`; if not, `culprit` is
/// one of the lanes.
bool SharedMemory::isOrdered(Accessor who, unsigned warp, uint32_t lanes, uint32_t time, unsigned &culprit,
                             bool isRead) const {
  culprit = static_cast<unsigned>(__builtin_ctz(lanes));
  if (time <= (warp != who.warp() ? clocks.seen[who.warp()][warp] : clocks.lanesJoined[warp]))
    return true;
  if (warp != who.warp() && !clocks.anyViews)
    return false;
  for (uint32_t seers = who.lanes(); seers != 0; seers &= seers - 1)
    for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
      culprit = static_cast<unsigned>(__builtin_ctz(rest));
      if (!clocks.ordered(who.warp(), static_cast<unsigned>(__builtin_ctz(seers)), warp, culprit, time, isRead))
        return false;
    }
  return true;
}

bool SharedMemory::isOrderedAfterOne(Accessor who, unsigned warp, uint32_t lanes, uint32_t time) const {
  for (unsigned culprit; lanes != 0; lanes &= lanes - 1)
    if (isOrdered(who, warp, lanes & -lanes, time, culprit, true))
      return true;
  return false;
}

/// The earlier writes of granule `index` against an access of `who`. Strong writes before a plain write
/// are looked for by checkBeforeWrite.
bool SharedMemory::checkWriter(uint32_t index, Accessor who, bool isWrite) {
  uint32_t time = writeTime[index];
  Accessor writer{writeWho[index]};
  if (time == kInFlight && writer.bits == kInGap) {
    found = {FaultKind::OutOfBounds, false, false, Accessor{0}};
    return false;
  }
  if (time == kInFlight)
    return fail(isWrite ? FaultKind::SharedRace : FaultKind::AsyncReadBeforeWait, writer, true);
  if (time == kObject)
    return fail(FaultKind::MbarrierMisuse, writer, true);
  if (time <= clocks.start) {
    if (isWrite)
      return true;
    found = {FaultKind::Uninitialised, false, false, Accessor{0}};
    return false;
  }
  if (writer.strong()) {
    time = plainTime[index];
    writer = plainWriter(index);
  }
  if (writer.isReduction() && who.strong())
    return true;
  // A warp-wide read (ldmatrix) hands the bytes to other lanes than the one that names the address.
  unsigned culprit;
  return time <= clocks.start || isOrdered(who, writer.warp(), 1u << writer.lane(), time, culprit) ||
         fail(FaultKind::SharedRace, writer.ordinary(), true);
}

/// Adds the access to the warp's entry, which keeps the lanes that `who` is not ordered after.
void SharedMemory::record(Trace &trace, uint32_t index, Accessor who) {
  size_t at = size_t(who.warp()) * stride + index;
  uint32_t others = 0;
  if (trace.time[at] > clocks.lanesJoined[who.warp()] && !who.manyLanes())
    others = trace.lanes[at] & ~who.lanes();
  for (uint32_t rest = clocks.laneSeen.empty() ? 0 : others; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (clocks.ordered(who.warp(), who.lane(), who.warp(), lane, trace.time[at]))
      others &= ~(1u << lane);
  }
  trace.time[at] = clocks.now;
  trace.who[at] = who.bits;
  trace.lanes[at] = others | who.lanes();
}

/// What a read is checked for; an atomic operation is recorded as a write alone.
bool SharedMemory::checkRead(uint32_t first, uint32_t last, Accessor who) {
  uint32_t oldest = clocks.oldest[who.warp()];
  bool undefined = anyUndefined && isUndefined(first << granule, (last + 1) << granule);
  for (uint32_t i = first; i <= last; ++i)
    if ((writeTime[i] > oldest || writeTime[i] <= clocks.start) && !checkWriter(i, who, false)) {
      if (found.kind != FaultKind::Uninitialised)
        return false;
      undefined = true;
    } else if (who.strong()) {
      noticeLanes(i, who);
    }
  if (anyStrong && !who.strong() && !checkTrace(strongWrites, first, last, who, true))
    return false;
  if (undefined)
    found = {FaultKind::Uninitialised, false, false, Accessor{0}};
  return !undefined;
}

bool SharedMemory::readSlowly(uint32_t first, uint32_t last, Accessor who) {
  anyStrong |= who.strong();
  bool good = checkRead(first, last, who);
  if (!good && found.kind != FaultKind::Uninitialised)
    return false;
  for (uint32_t i = first; i <= last; ++i)
    record(who.strong() ? strongReads : plainReads, i, who);
  if (who.strong())
    see(first, last, who);
  else
    noteLatest(first, last, who);
  return good;
}

bool SharedMemory::isUndefined(uint32_t begin, uint32_t end) const {
  return std::any_of(undefinedBytes.begin() + begin, undefinedBytes.begin() + std::min(end, limit),
                     [](uint8_t state) { return state != 0; });
}

uint32_t SharedMemory::unwrittenMask(uint32_t address, uint32_t count, bool &isComputed) const {
  uint32_t mask = 0;
  for (uint32_t i = 0; i < count; ++i) {
    uint8_t state = anyUndefined ? undefinedBytes[address + i] : 0;
    bool never = writeTime[(address + i) >> granule] <= clocks.start;
    mask |= uint32_t(state != 0 || never) << i;
    isComputed |= state == 2;
  }
  return mask;
}

void SharedMemory::forget(uint32_t address, uint32_t mask, bool isComputed) {
  if (!anyUndefined)
    undefinedBytes.assign(limit, 0);
  anyUndefined = true;
  for (; mask != 0; mask &= mask - 1)
    undefinedBytes[address + static_cast<uint32_t>(__builtin_ctz(mask))] = isComputed ? 2 : 1;
}

/// A strong read of what another lane of the warp wrote by a strong write, with nothing that orders the two.
void SharedMemory::noticeLanes(uint32_t index, Accessor who) {
  Accessor writer{writeWho[index]};
  if (writer.strong() && writer.warp() == who.warp() &&
      !clocks.ordered(who.warp(), who.lane(), who.warp(), writer.lane(), writeTime[index]))
    noticed = {Notice::LaneToLane, writer};
}

/// The earlier writes of granule `index` against a write of `value` to `count` bytes from `address` (null: unknown).
bool SharedMemory::checkPlainWrite(uint32_t index, Accessor who, uint32_t address, uint32_t count,
                                   const uint8_t *value) {
  Accessor writer{writeWho[index]};
  uint32_t begin = std::max(index << granule, address), end = std::min((index + 1) << granule, address + count);
  bool equal = value && writeTime[index] < kObject && writeTime[index] > clocks.start &&
               std::memcmp(bytes + begin, value + (begin - address), end - begin) == 0;
  if (equal && writeTime[index] == clocks.now && writer.warp() == who.warp() &&
      writer.instruction() == who.instruction())
    return true;
  if (checkWriter(index, who, true))
    return true;
  if (!equal || who.strong() || found.other.strong())
    return false;
  noticed = {Notice::EqualWrites, found.other};
  return true;
}

/// Whether the entry is of an ldmatrix. No lane goes on before all of them have executed that (PTX ISA 9.7.14.5.15):
/// who is ordered after one of them is so after all.
bool SharedMemory::isByAllLanes(const Trace &trace, size_t at) const {
  return &trace == &plainReads && Accessor{trace.who[at]}.manyLanes();
}

/// Whether `who` is ordered after what `agent` did according to the trace.
bool SharedMemory::checkAgent(const Trace &trace, unsigned agent, uint32_t first, uint32_t last, Accessor who,
                              bool wrote) {
  size_t row = size_t(agent) * stride;
  uint32_t ordered = agent == who.warp() ? clocks.lanesJoined[agent] : clocks.seen[who.warp()][agent];
  uint32_t bad = 0;
  for (uint32_t i = first; i <= last; ++i)
    bad |= uint32_t(trace.time[row + i] > ordered);
  if (!bad) [[likely]]
    return true;
  for (uint32_t i = first; i <= last; ++i) {
    unsigned culprit;
    if (isByAllLanes(trace, row + i) &&
        (agent == who.warp() || isOrderedAfterOne(who, agent, trace.lanes[row + i], trace.time[row + i])))
      continue;
    if (trace.time[row + i] <= ordered ||
        isOrdered(who, agent, trace.lanes[row + i], trace.time[row + i], culprit, &trace == &plainReads) ||
        (&trace == &strongWrites && hasSeen(i, who, agent, trace.lanes[row + i], trace.time[row + i])))
      continue;
    uint32_t other = trace.who[row + i] & ~(31u | Accessor::kStrong | Accessor::kAsync);
    return fail(FaultKind::SharedRace, {other | culprit}, wrote);
  }
  return true;
}

/// Whether f holds for every agent that the trace may know of. Only plain reads are traced for channels.
template <class F> bool SharedMemory::allAgents(const Trace &trace, F f) const {
  for (unsigned warp = 0; warp < clocks.warps; ++warp)
    if (!f(warp))
      return false;
  if (clocks.columns != kColumns) [[likely]]
    return true;
  for (unsigned other = 0; other < clocks.foreign; ++other)
    if (!f(kFirstForeign + other))
      return false;
  unsigned channels = &trace == &plainReads ? clocks.channels : 0;
  for (unsigned channel = 0; channel < channels; ++channel)
    if (!f(kFirstChannel + channel))
      return false;
  return true;
}

/// Whether `who` is ordered after all accesses that the trace knows of.
bool SharedMemory::checkTrace(const Trace &trace, uint32_t first, uint32_t last, Accessor who, bool wrote) {
  return allAgents(trace, [&](unsigned agent) { return checkAgent(trace, agent, first, last, who, wrote); });
}

/// The same for an asynchronous operation that is ordered after what `known` has.
bool SharedMemory::checkTraceAsync(const Trace &trace, uint32_t first, uint32_t last, const View &known, bool wrote) {
  return allAgents(trace, [&](unsigned agent) {
    for (uint32_t i = first; i <= last; ++i) {
      size_t at = size_t(agent) * stride + i;
      if (trace.time[at] <= known.row[agent])
        continue;
      uint32_t missing = trace.lanes[at];
      for (uint32_t rest = missing; rest != 0; rest &= rest - 1)
        if (known.covers(agent, static_cast<unsigned>(__builtin_ctz(rest)), trace.time[at], &trace == &plainReads))
          missing ^= rest & -rest;
      if (isByAllLanes(trace, at) ? missing == trace.lanes[at] : missing != 0)
        return fail(FaultKind::SharedRace, {trace.who[at] & ~(Accessor::kStrong | Accessor::kAsync)}, wrote);
    }
    return true;
  });
}

bool SharedMemory::checkWriterAsync(uint32_t index, Accessor who, const View &known, bool isWrite) {
  uint32_t time = writeTime[index];
  Accessor writer{writeWho[index]};
  if (time == kInFlight && writer.bits == kInGap) {
    found = {FaultKind::OutOfBounds, false, false, Accessor{0}};
    return false;
  }
  if (time == kInFlight)
    return fail(isWrite ? FaultKind::SharedRace : FaultKind::AsyncReadBeforeWait, writer, true);
  if (time == kObject)
    return fail(FaultKind::MbarrierMisuse, writer, true);
  if (time <= clocks.start) {
    if (isWrite)
      return true;
    found = {FaultKind::Uninitialised, false, false, Accessor{0}};
    return false;
  }
  if (who.isReduction() && writer.strong()) {
    time = plainTime[index];
    writer = plainWriter(index);
  }
  if (time <= clocks.start || (who.isReduction() && writer.isReduction()))
    return true;
  if (!known.covers(writer.warp(), writer.lane(), time))
    return fail(FaultKind::SharedRace, writer.isChannel() ? writer : writer.ordinary(), true);
  if (writer.isChannel() || time <= known.row[kFirstFenced + writer.warp()])
    return true;
  if (!writer.isCopy())
    return fail(FaultKind::MissingProxyFence, writer.ordinary(), true);
  noticed = {Notice::UnfencedCopy, writer};
  return true;
}

bool SharedMemory::readAsync(uint32_t address, uint32_t count, Accessor who, const View &known) {
  uint32_t first = address >> granule, last = (address + count - 1) >> granule;
  if (anyUndefined && isUndefined(address, address + count)) {
    found = {FaultKind::Uninitialised, false, false, Accessor{0}};
    return false;
  }
  uint32_t goodTime = 0, goodWho = 0; // Neighbours are mostly of one write.
  for (uint32_t i = first; i <= last; ++i) {
    if (writeTime[i] == goodTime && writeWho[i] == goodWho)
      continue;
    if (!checkWriterAsync(i, who, known, false))
      return false;
    goodTime = writeTime[i];
    goodWho = writeWho[i];
  }
  size_t at = size_t(who.warp()) * stride;
  for (uint32_t i = first; i <= last; ++i) {
    plainReads.time[at + i] = clocks.now;
    plainReads.who[at + i] = who.bits;
    plainReads.lanes[at + i] = 1;
  }
  noteLatest(first, last, who);
  clocks.lastUse[who.warp() - kFirstChannel] = {clocks.now, who.instruction()};
  return true;
}

bool SharedMemory::writeAsync(uint32_t address, uint32_t count, Accessor who, const View &known) {
  uint32_t first = address >> granule, last = (address + count - 1) >> granule;
  for (uint32_t i = first; i <= last; ++i)
    if (!checkWriterAsync(i, who, known, !who.isReduction()))
      return false;
  if (!checkTraceAsync(plainReads, first, last, known, false))
    return false;
  if (anyStrong && !who.isReduction() &&
      (!checkTraceAsync(strongReads, first, last, known, false) ||
       !checkTraceAsync(strongWrites, first, last, known, true)))
    return false;
  if (anyUndefined) [[unlikely]]
    std::fill_n(undefinedBytes.begin() + address, count, uint8_t(0));
  stampWrite(first, last, clocks.now, who);
  clocks.lastUse[who.warp() - kFirstChannel] = {clocks.now, who.instruction()};
  return true;
}

bool SharedMemory::placeObject(uint32_t address, Accessor who) {
  if (!write(address, 8, who, nullptr))
    return false;
  stampWrite(address >> granule, (address + 7) >> granule, kObject, who);
  return true;
}

void SharedMemory::dropObject(uint32_t address, Accessor who) {
  stampWrite(address >> granule, (address + 7) >> granule, clocks.now, who);
}

/// Whether `who` is ordered after all plain reads. Those of others are, where the latest of them is no later than what
/// `who` has seen of everybody; only then is there no need to look at each.
bool SharedMemory::checkReaders(uint32_t first, uint32_t last, Accessor who) {
  uint32_t bad = 0, oldest = clocks.oldest[who.warp()];
  for (uint32_t i = first; i <= last; ++i)
    bad |= uint32_t(latest.without(i, who.warp()) > oldest);
  return bad ? checkTrace(plainReads, first, last, who, false)
             : checkAgent(plainReads, who.warp(), first, last, who, false);
}

/// A plain write must be ordered after everything, a strong one after what is plain.
bool SharedMemory::checkBeforeWrite(uint32_t first, uint32_t last, Accessor who) {
  if (!checkReaders(first, last, who))
    return false;
  if (!anyStrong || who.strong()) [[likely]]
    return true;
  return checkTrace(strongReads, first, last, who, false) && checkTrace(strongWrites, first, last, who, true);
}

void SharedMemory::stampWrite(uint32_t first, uint32_t last, uint32_t time, Accessor who) {
  for (uint32_t i = first; i <= last; ++i) {
    writeTime[i] = time;
    writeWho[i] = who.bits;
  }
}

void SharedMemory::stampStrongWrite(uint32_t first, uint32_t last, Accessor who, bool isAtomic) {
  anyStrong = true;
  anyStrongStore |= !isAtomic;
  for (uint32_t i = first; i <= last; ++i) {
    if (!Accessor{writeWho[i]}.strong()) {
      plainTime[i] = writeTime[i];
      plainWho[i] = writeWho[i];
    }
    plainWho[i] = (plainWho[i] & ~kUnderStore) | (isAtomic ? 0 : kUnderStore);
    writeTime[i] = clocks.now;
    writeWho[i] = who.bits;
    record(strongWrites, i, who.ordinary());
  }
}

bool SharedMemory::writeSlowly(uint32_t address, uint32_t count, Accessor who, const uint8_t *value) {
  uint32_t first = address >> granule, last = (address + count - 1) >> granule;
  uint32_t oldest = clocks.oldest[who.warp()];
  uint32_t bad = 0;
  for (uint32_t i = first; i <= last; ++i)
    bad |= uint32_t(writeTime[i] > oldest);
  if (bad)
    for (uint32_t i = first; i <= last; ++i)
      if (!checkPlainWrite(i, who, address, count, value))
        return false;
  if (!checkBeforeWrite(first, last, who))
    return false;
  if (anyUndefined) [[unlikely]]
    std::fill_n(undefinedBytes.begin() + address, count, uint8_t(0));
  for (uint32_t i = first; anyStrong && i <= last; ++i)
    keepSeen(i);
  if (who.strong())
    stampStrongWrite(first, last, who, false);
  else
    stampWrite(first, last, clocks.now, who);
  return true;
}

bool SharedMemory::update(uint32_t address, uint32_t count, Accessor who) {
  uint32_t first = address >> granule, last = (address + count - 1) >> granule;
  anyStrong = true;
  uint32_t bad = uint32_t(anyUndefined), oldest = clocks.oldest[who.warp()];
  for (uint32_t i = first; i <= last; ++i) {
    uint32_t written = writeTime[i],
             plain = Accessor{writeWho[i]}.strong() && written < kObject ? plainTime[i] : written;
    bad |= uint32_t(plain > oldest) | uint32_t(written <= clocks.start);
  }
  bool isComputed = false;
  if (bad && !checkRead(first, last, who.ordinary()) &&
      (found.kind != FaultKind::Uninitialised || unwrittenMask(address, count, isComputed) != 0))
    return false;
  if (!checkReaders(first, last, who.ordinary()))
    return false;
  stampStrongWrite(first, last, who, true);
  return true;
}

bool SharedMemory::beginAsync(uint32_t address, uint32_t count, Accessor who) {
  if (!write(address, count, who, nullptr))
    return false;
  stampWrite(address >> granule, (address + count - 1) >> granule, kInFlight, {who.bits | Accessor::kAsync});
  return true;
}

void SharedMemory::endAsync(uint32_t address, uint32_t count, Accessor who) {
  uint32_t copied = who.isChannel() ? 0 : Accessor::kAsync;
  stampWrite(address >> granule, (address + count - 1) >> granule, clocks.now, {who.bits | copied});
}

} // namespace imbrex::simulator
