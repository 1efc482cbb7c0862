//===- GlobalMemory.h - The device's allocations ----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Global memory as a table of allocations with unmapped gaps between them. Device addresses are the
// simulator's own numbers, never host pointers and never used twice, so a stale, foreign or
// overrunning address is always found. Bytes and their "written" bits are backed lazily by the host:
// a sparse allocation of many GiB costs only the pages that are touched.
//
//===----------------------------------------------------------------------===//

//|
//| Thread-safety: allocate and release need exclusive access; everything else may run concurrently, after
//| shareWithDevice(true) the allocations of the device's own malloc too.
//| Races between threads on the same bytes are found by the allocation's shadow, if it has one.

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_GLOBALMEMORY_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_GLOBALMEMORY_H

#include "runtime/simulator/memory/RaceShadow.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

namespace imbrex::simulator {

struct Allocation {
  uint64_t base = 0; ///< Device address, 512-byte aligned.
  uint64_t size = 0;
  uint8_t *bytes = nullptr;     ///< Host backing.
  uint8_t *written = nullptr;   ///< One bit a byte, bit i%8 of byte i/8.
  bool hostOwned = false;       ///< The bytes belong to the host and are all written.
  bool readOnly = false;        ///< A `.const` variable.
  RaceShadow *shadow = nullptr; ///< Null where races are not looked for.

  bool contains(uint64_t address, uint64_t count) const {
    return address - base < size && count <= size - (address - base);
  }
};

/// Eight bytes' written bits. Blocks read and mark neighbouring bytes, or, where a kernel races, the same ones, at the
/// same time: every access to the bits is atomic, and orders nothing.
inline uint8_t writtenBits(const Allocation &a, uint64_t eight) {
  return __atomic_load_n(a.written + eight, __ATOMIC_RELAXED);
}

/// Whether `eights` times eight bytes, from the `first` eight on, were all written.
inline bool allWritten(const Allocation &a, uint64_t first, uint64_t eights) {
  uint8_t *bits = a.written + first, *end = bits + eights;
  uint64_t missing = 0;
  for (; bits != end && reinterpret_cast<uintptr_t>(bits) % 8 != 0; ++bits)
    missing |= uint8_t(~__atomic_load_n(bits, __ATOMIC_RELAXED));
  for (; end - bits >= 8; bits += 8)
    missing |= ~__atomic_load_n(reinterpret_cast<uint64_t *>(bits), __ATOMIC_RELAXED);
  for (; bits != end; ++bits)
    missing |= uint8_t(~__atomic_load_n(bits, __ATOMIC_RELAXED));
  return missing == 0;
}

/// Whether all of `count` bytes from `offset` were written; `count` is 1, 2, 4, 8, 16 or 32, `offset` a multiple of it.
inline bool isWritten(const Allocation &a, uint64_t offset, unsigned count) {
  uint64_t eight = offset / 8;
  uint8_t bits = writtenBits(a, eight);
  if (count < 8)
    return ((bits >> (offset % 8)) & ((1u << count) - 1)) == (1u << count) - 1;
  return bits == 0xFF && (count < 16 || writtenBits(a, eight + 1) == 0xFF) &&
         (count < 32 || (writtenBits(a, eight + 2) & writtenBits(a, eight + 3)) == 0xFF);
}

/// Marks them; same preconditions.
inline void markWritten(const Allocation &a, uint64_t offset, unsigned count) {
  uint8_t *bits = a.written + offset / 8;
  if (count < 8) {
    uint8_t mask = static_cast<uint8_t>(((1u << count) - 1) << (offset % 8));
    if ((__atomic_load_n(bits, __ATOMIC_RELAXED) & mask) != mask)
      __atomic_fetch_or(bits, mask, __ATOMIC_RELAXED);
    return;
  }
  for (unsigned i = 0; i < count / 8; ++i)
    __atomic_store_n(bits + i, uint8_t(0xFF), __ATOMIC_RELAXED);
}

/// Which of at most 32 bytes nothing wrote.
inline uint32_t unwrittenMask(const Allocation &a, uint64_t offset, unsigned count) {
  uint32_t mask = 0;
  for (unsigned i = 0; i < count; ++i)
    mask |= uint32_t(!(writtenBits(a, (offset + i) / 8) >> ((offset + i) % 8) & 1)) << i;
  return mask;
}

/// The bytes of `mask` are again as if nothing had written them.
inline void forgetWritten(const Allocation &a, uint64_t offset, uint32_t mask) {
  for (; mask != 0; mask &= mask - 1) {
    uint64_t at = offset + static_cast<uint64_t>(__builtin_ctz(mask));
    __atomic_fetch_and(a.written + at / 8, static_cast<uint8_t>(~(1u << (at % 8))), __ATOMIC_RELAXED);
  }
}

class GlobalMemory {
public:
  /// `shadowed`: races are looked for.
  explicit GlobalMemory(uint64_t capacity, bool shadowed = false) : capacity(capacity), shadowed(shadowed) {}
  ~GlobalMemory();
  GlobalMemory(const GlobalMemory &) = delete;
  GlobalMemory &operator=(const GlobalMemory &) = delete;

  /// A new allocation, or null when the device's memory or the host's address space is exhausted.
  Allocation *allocate(uint64_t size);
  /// Host memory as an allocation whose device address is its own; false if it overlaps one. It stays the host's.
  bool adopt(uint8_t *host, uint64_t size);
  uint64_t freeBytes() const { return capacity - used; }
  /// False if `base` is not the start of a live allocation.
  bool release(uint64_t base);
  /// The allocation that holds `address`, or null.
  const Allocation *find(uint64_t address) const;
  /// The shadows begin anew: what was done so far is before everything to come.
  void forgetAccesses();
  /// Where `address` lies with respect to the nearest live or freed allocation, in words.
  std::string describe(uint64_t address) const;

  /// Whether kernels that allocate run: find() then takes a lock.
  void shareWithDevice(bool isShared) { shared = isShared; }
  /// The device's malloc and free: 0 when its heap is exhausted; false for an address that is not allocated. What is
  /// freed stays mapped, without a written byte, until the memory object goes: warps may hold its address.
  uint64_t allocateOnDevice(uint64_t size);
  bool releaseOnDevice(uint64_t base);

  /// Marks any range inside one allocation.
  static void markRange(const Allocation &allocation, uint64_t offset, uint64_t count);
  /// Copies out; bytes never written read as 0xFF (a NaN in every floating-point type).
  static void copyOut(const Allocation &allocation, uint64_t offset, uint64_t count, uint8_t *out);

  ShadowBudget shadowBudget;

private:
  uint64_t capacity;
  bool shadowed;
  uint64_t used = 0;
  uint64_t next = uint64_t(0x7F) << 36; ///< Device address of the next allocation.
  std::map<uint64_t, Allocation> live;
  std::map<uint64_t, uint64_t> freed;                       ///< Base to size.
  static constexpr uint64_t kHeapBytes = uint64_t(8) << 20; ///< cudaLimitMallocHeapSize at first.
  bool shared = false;
  mutable std::shared_mutex mutex;
  std::map<uint64_t, uint64_t> heap; ///< Base to size of what the device allocated.
  uint64_t heapUsed = 0;
  std::vector<Allocation> graveyard;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_GLOBALMEMORY_H
