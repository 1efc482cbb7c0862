//===- RaceShadow.h - Who touched global memory last ------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The shadow of one global allocation: for each granule the last write, the last plain write behind a
// strong one, and the last reads of two warps. Accesses are judged by what orders them (barriers, release
// and acquire, streams and events), never by the order in which the simulator happens to run blocks.
//
//===----------------------------------------------------------------------===//

//|
//| Memory is taken a page of 4 KiB of data at a time, when it is first touched. A page's granule is the first
//| access's size (1 to 16 bytes) and is split when a narrower access comes, so the check is exact to the byte.
//| What neighbouring lanes do to neighbouring granules is kept as one (ShadowSlots.h).
//| Bounds: a granule remembers two warps that read it, not all; a device's shadows together stay below
//| ShadowBudget::most, and what is touched after that is not checked. Both may miss a race; neither invents one.
//|
//| Two accesses race if one is a write, they are not ordered, and not both are strong with scopes that hold both
//| threads (PTX ISA 8.7, "Data Races"). A plain write of what is there already does no harm, and a warp may read
//| back what it stored so: that is told apart. A strong store of a thread that read the same bytes before, not
//| ordered with another thread's strong store, is a lost update: no data race by the ISA, yet the other's value may
//| be overwritten unseen. What comes after a strong read is ordered after the strong write that it has seen
//| (Observations.h).
//| Thread-safety: access() may be called by all threads of a launch at once.

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_RACESHADOW_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_RACESHADOW_H

#include "runtime/simulator/memory/Knowledge.h"
#include "runtime/simulator/memory/ShadowSlots.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace imbrex::simulator {

/// Bytes that the shadows of a device may take together.
struct ShadowBudget {
  uint64_t most = uint64_t(1) << 30;
  std::atomic<uint64_t> used{0};
  std::atomic<bool> exhausted{false}; ///< Something was not checked for want of room.
};

/// A thread of a block and the instruction it executes, packed as the shadow stores it.
struct GlobalAccessor {
  uint32_t bits = 0;
  static constexpr uint32_t kStrong = 1u << 10, kBlockScope = 1u << 11, kAtomic = 1u << 12;
  static constexpr uint32_t kMostInstruction = (1u << 19) - 1;

  static GlobalAccessor make(unsigned warp, unsigned lane, uint32_t instruction, uint32_t kind) {
    return {lane | warp << 5 | kind | std::min(instruction, kMostInstruction) << 13};
  }
  unsigned lane() const { return bits & 31; }
  unsigned warp() const { return bits >> 5 & 31; }
  bool strong() const { return bits & kStrong; }
  bool blockScope() const { return bits & kBlockScope; }
  bool atomic() const { return bits & kAtomic; }
  uint32_t instruction() const { return bits >> 13; }
};

/// Which blocks of other launches have ended before this launch begins.
class LaunchOrder {
public:
  virtual ~LaunchOrder() = default;
  virtual bool isBefore(uint32_t run) const = 0;
  /// A block of one of them in words; `place` becomes its instruction's, if that is known.
  virtual std::string describe(uint32_t run, uint32_t instruction, std::string &place) const = 0;
};

/// What orders a warp's accesses after those of others.
struct Observer {
  uint32_t run = 0; ///< Its block.
  unsigned warp = 0;
  uint32_t now = 0;                               ///< The stamp of its access.
  const Clocks *clocks = nullptr;                 ///< Of its block.
  std::array<const Knowledge *, kMaxWarps> known; ///< `knownCount`: what it and the warps that it has seen acquired.
  unsigned knownCount = 0;
  /// What single lanes of the warp acquired, and the lanes that may know it.
  struct LaneKnowledge {
    const Knowledge *what;
    uint32_t lanes;
  };
  std::vector<LaneKnowledge> laneKnown;
  const Knowledge *pending = nullptr;    ///< What strong reads have seen and no fence has completed yet; may be null.
  uint32_t orderedBelow = 1;             ///< Runs below ended before.
  uint32_t launchBegin = 1;              ///< First run of its launch.
  const LaunchOrder *launches = nullptr; ///< Asked for runs from orderedBelow to launchBegin.
  bool otherBlocks = true;               ///< Whether blocks of its own launch are looked at.
};

/// Adjacent bytes that lanes of one instruction touch, in ascending order of address.
struct LaneRange {
  uint64_t offset = 0; ///< In the allocation.
  uint32_t bytes = 0;  ///< Of each lane: 1, 2, 4, 8 or 16, aligned to itself.
  unsigned count = 0;
  uint8_t lanes[32] = {};
  bool isAscending = true; ///< Each lane is the next one of the one before.
  bool write = false;
  uint32_t equal = 0; ///< Bit k: the k-th lane writes what is there already.
  GlobalAccessor who; ///< Its lane is filled in here.
};

struct GlobalConflict {
  enum Kind : uint8_t { Race, LostUpdate, EqualWrites } kind = Race;
  uint64_t offset = 0; ///< The access's first byte.
  unsigned lane = 0;   ///< Who of the range.
  bool otherWrote = false;
  uint32_t otherRun = 0;
  GlobalAccessor other;
};

class RaceShadow {
public:
  RaceShadow(uint64_t bytes, ShadowBudget &budget);
  ~RaceShadow();
  RaceShadow(const RaceShadow &) = delete;
  RaceShadow &operator=(const RaceShadow &) = delete;

  /// Checks the range against what came before, and records it. False: `conflict` says what it meets. Writes of
  /// equal values leave their `conflict` with true.
  bool access(const Observer &observer, const LaneRange &range, GlobalConflict &conflict);
  /// Whether a host's copy or a later launch with this order may touch the bytes: false with the first conflict.
  bool check(const Observer &observer, uint64_t offset, uint64_t bytes, bool write, GlobalConflict &conflict) const;

private:
  struct Page;
  struct Chunk;
  struct RowUpdate;
  Page *pageAt(uint64_t number, uint32_t bytes);
  static bool judge(const Observer &observer, const LaneRange &range, const Chunk &chunk, GlobalConflict &conflict);
  void recordSeen(const Observer &observer, const LaneRange &range, const Chunk &chunk);
  void record(const Observer &observer, const LaneRange &range, const Chunk &chunk);
  void recordRepeats(const Observer &observer, const LaneRange &range, const Chunk &chunk);

  uint64_t pages;
  std::atomic<Page *> *table; ///< Lazily backed.
  ShadowBudget &budget;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_RACESHADOW_H
