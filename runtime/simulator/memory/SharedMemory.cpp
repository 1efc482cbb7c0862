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

} // namespace

SharedMemory::SharedMemory(uint32_t size, unsigned warpCount)
    : stride(std::max((size + 15) / 16 * 16, 16u)), capacity(stride), maxWarps(warpCount) {
  bytes = reserve<uint8_t>(capacity);
  writeTime = reserve<uint32_t>(capacity);
  writeWho = reserve<uint32_t>(capacity);
  readTime = reserve<uint32_t>(size_t(capacity) * maxWarps);
  readWho = reserve<uint32_t>(size_t(capacity) * maxWarps);
}

SharedMemory::~SharedMemory() {
  munmap(bytes, capacity);
  munmap(writeTime, capacity * sizeof(uint32_t));
  munmap(writeWho, capacity * sizeof(uint32_t));
  munmap(readTime, size_t(capacity) * maxWarps * sizeof(uint32_t));
  munmap(readWho, size_t(capacity) * maxWarps * sizeof(uint32_t));
}

void SharedMemory::begin(uint32_t size, unsigned log2, unsigned warpCount) {
  // Copies that the last block left in flight must not look unfinished to this one.
  for (uint32_t i = 0, end = (limit + (1u << granule) - 1) >> granule; i < end; ++i)
    if (writeTime[i] == kInFlight)
      writeTime[i] = 0;
  granule = log2;
  stride = capacity >> log2;
  limit = size;
  warps = warpCount;
  clocks.begin(warpCount);
}

bool SharedMemory::fail(FaultKind kind, Accessor other, bool otherWrote) {
  found = {kind, true, otherWrote, other};
  return false;
}

/// The last write of granule `index` against an access of `who`.
bool SharedMemory::checkWriter(uint32_t index, Accessor who, bool isWrite) {
  uint32_t time = writeTime[index];
  Accessor writer{writeWho[index]};
  if (time == kInFlight)
    return fail(isWrite ? FaultKind::SharedRace : FaultKind::AsyncReadBeforeWait, writer, true);
  if (time <= clocks.start) {
    if (isWrite)
      return true;
    found = {FaultKind::Uninitialised, false, false, Accessor{0}};
    return false;
  }
  if (writer.strong() && who.strong())
    return true;
  // A warp-wide read (ldmatrix) hands the bytes to other lanes than the one that names the address.
  if (!isWrite && who.manyLanes() && writer.warp() == who.warp() && time > clocks.lanesJoined[who.warp()])
    return fail(FaultKind::SharedRace, writer, true);
  return clocks.ordered(who.warp(), who.lane(), writer.warp(), writer.lane(), time) ||
         fail(FaultKind::SharedRace, writer, true);
}

bool SharedMemory::readSlowly(uint32_t first, uint32_t last, Accessor who) {
  size_t row = size_t(who.warp()) * stride;
  for (uint32_t i = first; i <= last; ++i) {
    if (!checkWriter(i, who, false))
      return false;
    uint32_t &time = readTime[row + i];
    uint32_t &name = readWho[row + i];
    Accessor previous{name};
    bool others = time > clocks.lanesJoined[who.warp()] && (previous.manyLanes() || previous.lane() != who.lane());
    bool plainBefore = others && !previous.strong();
    name = (who.bits & ~(plainBefore ? Accessor::kStrong : 0)) | (others ? Accessor::kManyLanes : 0);
    time = clocks.now;
  }
  return true;
}

bool SharedMemory::checkReaders(uint32_t first, uint32_t last, Accessor who) {
  for (unsigned warp = 0; warp < warps; ++warp) {
    size_t row = size_t(warp) * stride;
    bool own = warp == who.warp();
    uint32_t ordered = own ? clocks.lanesJoined[warp] : clocks.seen[who.warp()][warp];
    uint32_t bad = 0;
    for (uint32_t i = first; i <= last; ++i)
      bad |= uint32_t(readTime[row + i] > ordered);
    if (!bad)
      continue;
    for (uint32_t i = first; i <= last; ++i) {
      Accessor reader{readWho[row + i]};
      uint32_t time = readTime[row + i];
      if (time <= ordered || (reader.strong() && who.strong()))
        continue;
      bool fine = own && !reader.manyLanes() && clocks.ordered(who.warp(), who.lane(), warp, reader.lane(), time);
      if (!fine)
        return fail(FaultKind::SharedRace, reader, false);
    }
  }
  return true;
}

void SharedMemory::stampWrite(uint32_t first, uint32_t last, uint32_t time, Accessor who) {
  for (uint32_t i = first; i <= last; ++i) {
    writeTime[i] = time;
    writeWho[i] = who.bits;
  }
}

bool SharedMemory::write(uint32_t address, uint32_t count, Accessor who, const uint8_t *value) {
  uint32_t first = address >> granule, last = (address + count - 1) >> granule;
  uint32_t oldest = clocks.oldest[who.warp()];
  uint32_t bad = 0;
  for (uint32_t i = first; i <= last; ++i)
    bad |= uint32_t(writeTime[i] > oldest);
  if (bad) {
    for (uint32_t i = first; i <= last; ++i) {
      Accessor writer{writeWho[i]};
      bool sameInstruction = writeTime[i] == clocks.now && writer.warp() == who.warp() &&
                             writer.instruction() == who.instruction() && value;
      uint32_t begin = std::max(i << granule, address), end = std::min((i + 1) << granule, address + count);
      if (sameInstruction && std::memcmp(bytes + begin, value + (begin - address), end - begin) == 0)
        continue;
      if (!checkWriter(i, who, true))
        return false;
    }
  }
  if (!checkReaders(first, last, who))
    return false;
  stampWrite(first, last, clocks.now, who);
  return true;
}

bool SharedMemory::beginAsync(uint32_t address, uint32_t count, Accessor who) {
  if (!write(address, count, who, nullptr))
    return false;
  stampWrite(address >> granule, (address + count - 1) >> granule, kInFlight, {who.bits | Accessor::kAsync});
  return true;
}

void SharedMemory::endAsync(uint32_t address, uint32_t count, Accessor who) {
  stampWrite(address >> granule, (address + count - 1) >> granule, clocks.now, who);
}

} // namespace imbrex::simulator
