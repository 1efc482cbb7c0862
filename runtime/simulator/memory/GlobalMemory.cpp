//===- GlobalMemory.cpp - The device's allocations ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Anonymous MAP_NORESERVE mappings behind the allocation table.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/memory/GlobalMemory.h"

#include <cstdio>
#include <cstring>
#include <sys/mman.h>

namespace imbrex::simulator {
namespace {

constexpr uint64_t kGap = uint64_t(1) << 20;

uint8_t *reserve(uint64_t bytes) {
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<uint8_t *>(memory);
}

uint64_t bitBytes(uint64_t size) { return size / 8 + 2; }

void unmap(const Allocation &allocation) {
  if (!allocation.hostOwned)
    munmap(allocation.bytes, allocation.size);
  munmap(allocation.written, bitBytes(allocation.size));
  delete allocation.shadow;
}

std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

} // namespace

GlobalMemory::~GlobalMemory() {
  for (const auto &entry : live)
    unmap(entry.second);
  for (const Allocation &allocation : graveyard)
    unmap(allocation);
}

Allocation *GlobalMemory::allocate(uint64_t size) {
  if (size == 0 || size > capacity - used)
    return nullptr;
  Allocation allocation{next, size, reserve(size), reserve(bitBytes(size))};
  if (!allocation.bytes || !allocation.written) {
    if (allocation.bytes)
      munmap(allocation.bytes, size);
    if (allocation.written)
      munmap(allocation.written, bitBytes(size));
    return nullptr;
  }
  if (shadowed)
    allocation.shadow = new RaceShadow(size, shadowBudget);
  used += size;
  next += (size + kGap + kGap - 1) / kGap * kGap;
  return &live.emplace(allocation.base, allocation).first->second;
}

bool GlobalMemory::adopt(uint8_t *host, uint64_t size) {
  uint64_t base = reinterpret_cast<uint64_t>(host);
  auto after = live.upper_bound(base);
  bool overlaps = (after != live.end() && after->first - base < size) ||
                  (after != live.begin() && std::prev(after)->second.contains(base, 1));
  Allocation allocation{base, size, host, size == 0 || overlaps ? nullptr : reserve(bitBytes(size)), true};
  if (!allocation.written)
    return false;
  std::memset(allocation.written, 0xFF, bitBytes(size));
  if (shadowed)
    allocation.shadow = new RaceShadow(size, shadowBudget);
  freed.erase(base);
  live.emplace(base, allocation);
  return true;
}

bool GlobalMemory::release(uint64_t base) {
  auto found = live.find(base);
  if (found == live.end())
    return false;
  unmap(found->second);
  if (!found->second.hostOwned)
    used -= found->second.size;
  freed[base] = found->second.size;
  live.erase(found);
  return true;
}

uint64_t GlobalMemory::allocateOnDevice(uint64_t size) {
  std::unique_lock lock(mutex);
  if (size == 0 || size > kHeapBytes - heapUsed)
    return 0;
  Allocation *allocation = allocate(size);
  if (!allocation)
    return 0;
  heapUsed += size;
  heap[allocation->base] = size;
  return allocation->base;
}

bool GlobalMemory::releaseOnDevice(uint64_t base) {
  std::unique_lock lock(mutex);
  auto found = heap.find(base);
  if (found == heap.end())
    return false;
  heapUsed -= found->second;
  used -= found->second;
  const Allocation &allocation = live.at(base);
  std::memset(allocation.written, 0, bitBytes(allocation.size));
  graveyard.push_back(allocation);
  freed[base] = found->second;
  live.erase(base);
  heap.erase(found);
  return true;
}

void GlobalMemory::forgetAccesses() {
  for (auto &[base, allocation] : live)
    if (allocation.shadow) {
      delete allocation.shadow;
      allocation.shadow = new RaceShadow(allocation.size, shadowBudget);
    }
}

const Allocation *GlobalMemory::find(uint64_t address) const {
  std::shared_lock lock(mutex, std::defer_lock);
  if (shared)
    lock.lock();
  auto after = live.upper_bound(address);
  if (after == live.begin())
    return nullptr;
  const Allocation &candidate = std::prev(after)->second;
  return candidate.contains(address, 1) ? &candidate : nullptr;
}

std::string GlobalMemory::describe(uint64_t address) const {
  auto gone = freed.upper_bound(address);
  if (gone != freed.begin() && address - std::prev(gone)->first < std::prev(gone)->second)
    return "inside the freed allocation of " + std::to_string(std::prev(gone)->second) + " bytes at " +
           hex(std::prev(gone)->first);
  auto after = live.upper_bound(address);
  const Allocation *below = after == live.begin() ? nullptr : &std::prev(after)->second;
  const Allocation *above = after == live.end() ? nullptr : &after->second;
  if (!below && !above)
    return "nothing is allocated";
  if (below && (!above || address - below->base < above->base - address))
    return std::to_string(address - below->base) + " bytes past the start of the nearest allocation, " +
           std::to_string(below->size) + " bytes at " + hex(below->base);
  return std::to_string(above->base - address) + " bytes before the nearest allocation, " +
         std::to_string(above->size) + " bytes at " + hex(above->base);
}

void GlobalMemory::markRange(const Allocation &allocation, uint64_t offset, uint64_t count) {
  uint64_t end = offset + count;
  for (; offset < end && offset % 8 != 0; ++offset)
    markWritten(allocation, offset, 1);
  uint64_t whole = (end - offset) / 8;
  if (offset < end)
    std::memset(allocation.written + offset / 8, 0xFF, whole);
  for (offset += whole * 8; offset < end; ++offset)
    markWritten(allocation, offset, 1);
}

void GlobalMemory::copyOut(const Allocation &allocation, uint64_t offset, uint64_t count, uint8_t *out) {
  std::memcpy(out, allocation.bytes + offset, count);
  for (uint64_t i = 0; i < count;) {
    if ((offset + i) % 8 == 0 && i + 8 <= count && allocation.written[(offset + i) / 8] == 0xFF) {
      i += 8;
      continue;
    }
    if (!isWritten(allocation, offset + i, 1))
      out[i] = 0xFF;
    ++i;
  }
}

} // namespace imbrex::simulator
