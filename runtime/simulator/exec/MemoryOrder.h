//===- MemoryOrder.h - What orders a block's accesses to memory -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Release and acquire patterns (PTX ISA 8.8) of one block: fences, strong accesses and barriers carry
// what a warp knows through memory to warps of this and other blocks; and the check of its accesses to
// global memory against the RaceShadow.
//
//===----------------------------------------------------------------------===//

//|
//| A release (st.release, atom.release, or a fence and then any strong write) adds what the warp knows to its
//| address; an acquire (ld.acquire, atom.acquire, or any strong read and then a fence) learns what is there. A
//| barrier after a strong read counts as the fence: the last-block pattern of the CUDA programming guide relies on
//| it. Strong accesses count as ordered after what a strong read has seen even without a fence. What an address
//| carries only grows: a race may then be missed, none is invented. Scope .cta is told apart; .cluster counts as
//| .gpu. A release hands on the work of the lanes that make it (of a fence: that executed it) and what those have seen,
//| an acquire is its lane's until bar.warp.sync or a barrier joins the warp (Clocks.h); what a barrier acquires is
//| the whole warp's.
//|
//|   block 0: st.global [data], 1; fence.acq_rel.gpu; st.relaxed.gpu [flag], 1    [flag] carries block 0's work
//|   block 1: ld.relaxed.gpu [flag]; fence.acq_rel.gpu; ld.global [data]          the load is ordered after the store
//|
//| Owned and used by the thread that runs the block; SyncTable is shared by all.

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_MEMORYORDER_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_MEMORYORDER_H

#include "runtime/simulator/memory/RaceShadow.h"

#include <unordered_map>

namespace imbrex::simulator {

class Warp;
struct Cta;
struct Instruction;

/// Instruction::flags: what a strong access orders, and whether its scope is only the block.
constexpr uint32_t kAcquire = 1u << 8, kRelease = 1u << 9, kBlockScope = 1u << 10;

/// What releases have left at addresses.
class SyncTable {
public:
  /// Adds `what` to the word at `address`; only for block `run` unless that is 0.
  void add(uint64_t address, uint32_t run, const KnowledgePtr &what);
  /// What block `run` may learn there.
  KnowledgePtr at(uint64_t address, uint32_t run);
  /// Held by a strong access while it is recorded and made: the RaceShadow's last write is the one whose value is
  /// there.
  std::mutex &turnAt(uint64_t address) { return turns[address >> 4 & (turns.size() - 1)]; }
  /// Called between launches: forgets if there are more than a few thousand addresses.
  void trim();
  void clear();

private:
  struct Place {
    KnowledgePtr all, block; ///< For everybody; for block `run` only.
    uint32_t run = 0;
    KnowledgePtr last; ///< Was added last.
  };
  std::array<std::mutex, 64> turns; ///< Of 16 bytes each, in turn.
  std::mutex mutex;
  std::unordered_map<uint64_t, Place> places;
  std::atomic<size_t> count{0};
};

class MemoryOrder {
public:
  void begin(Cta &cta, uint32_t run);

  /// fence and membar of `lanes`; `blockScope` for .cta.
  void fence(unsigned warp, uint32_t lanes, bool blockScope);
  /// A strong write is about to be made. `home`: of the block in whose shared memory `address` lies; null for global
  /// memory.
  void beforeStrongWrite(unsigned warp, unsigned lane, uint32_t flags, MemoryOrder *home, uint64_t address) {
    if (warps[warp].fencedInBlock || flags & kRelease)
      leave(warp, lane, flags, home, address);
  }
  /// A strong read has been made by `lane`.
  void afterStrongRead(unsigned warp, unsigned lane, uint32_t flags, const MemoryOrder *home, uint64_t address) {
    if (!home || !home->sharedPlaces.empty())
      take(warp, lane, flags, home, address);
  }
  /// The warp comes to a barrier: what strong reads of it have seen counts as acquired.
  void arrive(unsigned warp, uint32_t lanes);
  /// All that the warp knows, as others may learn it: of its cluster's blocks, and what it has acquired of others.
  KnowledgePtr publish(unsigned warp);
  /// The whole warp learns it, from what `lanes` met; null for nothing.
  void learn(unsigned warp, uint32_t lanes, const KnowledgePtr &what);

  /// A lane's access to global memory; a run of neighbours is checked at once, at the latest when the block ends.
  /// `equal`: a write of what is there already. False: Cta::fault is filled.
  bool noteGlobal(Warp &warp, const Instruction &instruction, unsigned lane, RaceShadow *shadow, uint64_t base,
                  uint64_t offset, unsigned bytes, bool write, bool equal) {
    if (&instruction == batch.instruction && &warp == batch.warp && shadow == batch.shadow && offset == batch.end &&
        batch.range.count < 32) [[likely]] {
      batch.range.equal |= uint32_t(equal) << batch.range.count;
      batch.range.isAscending &= lane == batch.range.lanes[batch.range.count - 1] + 1u;
      batch.range.lanes[batch.range.count++] = static_cast<uint8_t>(lane);
      batch.end += bytes;
      return true;
    }
    return beginBatch(warp, instruction, lane, shadow, base, offset, bytes, write, equal);
  }
  /// A plain read by a whole warp, each lane `bytes` behind the one before. False: Cta::fault is filled.
  bool noteGlobalRow(Warp &warp, const Instruction &instruction, RaceShadow *shadow, uint64_t base, uint64_t offset,
                     unsigned bytes);
  /// Whether relaxed strong accesses to shared memory neither leave nor find anything.
  bool isIdle(unsigned warp) const { return !warps[warp].fencedInBlock && sharedPlaces.empty(); }
  /// Checks what noteGlobal has gathered. False: Cta::fault is filled.
  bool finish();

private:
  /// All that a warp had learnt of other blocks at a stamp: whoever has seen the warp up to there knows it too.
  struct Acquired {
    uint32_t stamp;
    KnowledgePtr what;
  };
  /// The same of what `lanes` acquired while the rest of the warp did not: theirs until the warp joins.
  struct LaneAcquired {
    uint32_t lanes, stamp;
    KnowledgePtr what;
  };
  static constexpr size_t kMostAcquired = 64, kMostLaneAcquired = 16;

  struct WarpState {
    std::vector<Acquired> acquired; ///< Ascending by stamp; each holds all before it.
    std::vector<LaneAcquired> ofLanes;
    KnowledgePtr pending;               ///< Seen by strong reads, not yet acquired.
    KnowledgePtr fenced, fencedInBlock; ///< What the last fences make the next strong writes release.
    KnowledgePtr recent;                ///< Learnt last, by `recentLanes`.
    uint32_t recentLanes = 0;
  };
  /// Neighbouring accesses of one instruction.
  struct Batch {
    const Instruction *instruction = nullptr; ///< Null: none.
    Warp *warp = nullptr;
    RaceShadow *shadow = nullptr;
    uint64_t base = 0, end = 0;
    uint32_t now = 0;
    LaneRange range;
  };

  void leave(unsigned warp, unsigned lane, uint32_t flags, MemoryOrder *home, uint64_t address);
  void take(unsigned warp, unsigned lane, uint32_t flags, const MemoryOrder *home, uint64_t address);
  bool beginBatch(Warp &warp, const Instruction &instruction, unsigned lane, RaceShadow *shadow, uint64_t base,
                  uint64_t offset, unsigned bytes, bool write, bool equal);
  const KnowledgePtr *knownThrough(unsigned warp, unsigned other) const;
  KnowledgePtr publishLanes(unsigned warp, uint32_t lanes);
  void acquire(unsigned warp, uint32_t lanes, const KnowledgePtr &what);
  void addAcquired(unsigned warp, uint32_t stamp, const KnowledgePtr &what);
  void settle(unsigned warp, uint32_t upTo);
  void settleAll(unsigned warp);
  void learnViews(unsigned warp, uint32_t lanes, uint32_t live, const Knowledge &what);
  Observer observer(unsigned warp, uint32_t now);
  void report(const GlobalConflict &conflict);

  Cta *cta = nullptr;
  uint32_t run = 0;
  std::array<WarpState, kMaxWarps> warps;
  bool anyAcquired = false;
  std::unordered_map<uint64_t, KnowledgePtr> sharedPlaces; ///< Word of shared memory to what it carries.
  Batch batch;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_MEMORYORDER_H
