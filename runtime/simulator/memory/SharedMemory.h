//===- SharedMemory.h - A block's shared memory, with its shadow ---*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bytes of one block's shared memory and, for each granule of them, who wrote it last, which
// warps read it since, and whether an asynchronous copy into it is still in flight. A granule is the
// narrowest access the kernel can make (1 to 16 bytes), so the check is byte-exact and a kernel of
// 16-byte accesses pays one check for each.
//
//===----------------------------------------------------------------------===//

//|
//| An access is checked against the block's Clocks, not against the order in which the simulator
//| happens to run warps: a missing barrier is found under any schedule. Unordered plain writes of one
//| value are noticed and let pass, of different values they race. Atomics and volatile, relaxed,
//| acquire or release accesses ("strong") do not race with each other (what they order:
//| exec/MemoryOrder.h), so plain and strong accesses are kept apart, and none hides one of the other
//| kind. Of ordered plain writes the last is enough: who is ordered after it is ordered after the ones
//| before. What comes after a strong read is ordered after the strong writes that it has seen (SharedObservations.h).
//|
//| Asynchronous operations (bulk copies, wgmma) access as channels (Clocks.h). They take place when they
//| are issued, but what they wrote counts as seen only by who has learnt that the channel completed it,
//| and what they read may be overwritten only by who has learnt the same. An operation must be ordered,
//| by its issuer, after what is there, with a proxy fence on the way if an ordinary store wrote it. (Behind a
//| cp.async the fence is missing in much that runs right on devices: a notice.)
//| Ordinary reads need no fence before an asynchronous write.
//|
//| Eight bytes may hold an mbarrier object; it is no data until it is invalidated.
//| One object a simulating thread, reused from block to block; not thread-safe.

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_SHAREDMEMORY_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_SHAREDMEMORY_H

#include "runtime/simulator/Fault.h"
#include "runtime/simulator/memory/Clocks.h"
#include "runtime/simulator/memory/Gap.h"
#include "runtime/simulator/memory/SharedObservations.h"

#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace imbrex::simulator {

/// Who makes an access: warp (or another agent of Clocks.h), lane, and the instruction's index, packed as the
/// shadow stores it.
struct Accessor {
  uint32_t bits;
  static constexpr uint32_t kStrong = 1u << 12, kAsync = 1u << 13;
  static constexpr unsigned kInstructionShift = 14;
  static constexpr uint32_t kMostInstructions = 1u << (32 - kInstructionShift);
  /// kAsync, of a warp's write: a cp.async, in flight or done.
  /// Of a read: every lane of the warp gets to see the bytes.
  static constexpr uint32_t kManyLanes = kAsync;
  /// Of a channel's write: red.async, which may meet its like and strong accesses.
  static constexpr uint32_t kReduction = kAsync;
  /// Of a warp's strong write: an atomic operation whose result is looked at.
  static constexpr uint32_t kReturns = kAsync;

  static Accessor make(unsigned warp, unsigned lane, uint32_t instruction, bool strong) {
    return {lane | warp << 5 | (strong ? kStrong : 0) | instruction << kInstructionShift};
  }
  unsigned lane() const { return bits & 31; }
  unsigned warp() const { return bits >> 5 & 127; }
  bool isChannel() const { return warp() >= kFirstChannel; }
  bool strong() const { return bits & kStrong; }
  bool async() const { return bits & kAsync; }
  Accessor ordinary() const { return {bits & ~kAsync}; }
  bool isReduction() const { return isChannel() && bits & kReduction; }
  bool isCopy() const { return !isChannel() && async() && !strong(); }
  bool returns() const { return !isChannel() && strong() && bits & kReturns; }
  bool manyLanes() const { return bits & kManyLanes; }
  uint32_t instruction() const { return bits >> kInstructionShift; }
  /// The lanes that get to see the bytes: with kManyLanes the whole warp.
  uint32_t lanes() const { return manyLanes() ? ~0u : 1u << lane(); }
};

/// What a failed check found.
struct Conflict {
  FaultKind kind = FaultKind::SharedRace;
  bool hasOther = false;
  bool otherWrote = false;
  Accessor other{0};
};

/// What is worth a note and no fault.
struct Notice {
  enum Kind : uint8_t {
    None,
    EqualWrites,  ///< A plain write of what `other` wrote, unordered.
    LaneToLane,   ///< A strong read of what another lane of the warp wrote by a strong write, without bar.warp.sync.
    UnfencedCopy, ///< An asynchronous operation on what a cp.async wrote, ordered but without a proxy fence.
  } kind = None;
  Accessor other{0};
};

/// The last access of one kind by each agent to each granule; [agent * stride + granule]. Lanes of a warp
/// that are not ordered with each other share an entry, which then holds the time of the latest.
struct Trace {
  uint32_t *time = nullptr;
  uint32_t *who = nullptr; ///< Accessor of the latest.
  uint32_t *lanes = nullptr;
};

/// The latest plain reads of a granule: by the agent that read last, and by any other. What a write is ordered after
/// is mostly decided by the two.
struct LatestReads {
  uint32_t *time = nullptr, *agent = nullptr, *timeOfOthers = nullptr; ///< [granule]

  void add(uint32_t i, uint32_t by, uint32_t now) const {
    timeOfOthers[i] = by == agent[i] ? timeOfOthers[i] : time[i];
    agent[i] = by;
    time[i] = now;
  }
  /// By all but this one.
  uint32_t without(uint32_t i, uint32_t one) const { return agent[i] == one ? timeOfOthers[i] : time[i]; }
};

class SharedMemory {
public:
  /// Room for `bytes`; lazily backed.
  explicit SharedMemory(uint32_t bytes);
  ~SharedMemory();
  SharedMemory(const SharedMemory &) = delete;
  SharedMemory &operator=(const SharedMemory &) = delete;

  /// A new block: `bytes` accessible but for the gaps, nothing written, `warps` warps, granules of 2^log2 bytes.
  void begin(uint32_t bytes, unsigned log2, unsigned warps, std::span<const Gap> gaps = {});

  /// Checks and records; the range is inside and aligned to a granule. False: see conflict(). Bytes that nothing wrote
  /// are an Uninitialised conflict, which is recorded as a read all the same.
  __attribute__((always_inline)) bool read(uint32_t address, uint32_t count, Accessor who) {
    uint32_t first = address >> granule, last = (address + count - 1) >> granule;
    const uint32_t *written = writeTime + first;
    size_t row = size_t(who.warp()) * stride + first;
    uint32_t *readers = plainReads.time + row, *names = plainReads.who + row, *lanes = plainReads.lanes + row;
    uint32_t oldest = clocks.oldest[who.warp()], joined = clocks.lanesJoined[who.warp()];
    uint32_t unsure = clocks.laneSeen.empty() ? ~0u : joined; // Later, some lanes may be ordered after each other.
    uint32_t bad = uint32_t(who.strong()) | uint32_t(anyUndefined);
    for (uint32_t i = 0; i <= last - first; ++i)
      bad |= uint32_t(written[i] > oldest) | uint32_t(written[i] <= clocks.start) | uint32_t(readers[i] > unsure);
    if (bad) [[unlikely]]
      return readSlowly(first, last, who);
    for (uint32_t i = 0; i <= last - first; ++i) {
      lanes[i] = (readers[i] > joined ? lanes[i] : 0) | who.lanes();
      readers[i] = clocks.now;
      names[i] = who.bits;
      latest.add(first + i, who.warp(), clocks.now);
    }
    lastRead = clocks.now;
    return true;
  }

  /// The same for a write. `value` is compared with what is there when two lanes of one instruction meet.
  __attribute__((always_inline)) bool write(uint32_t address, uint32_t count, Accessor who, const uint8_t *value) {
    uint32_t first = address >> granule, last = (address + count - 1) >> granule;
    if (!isFreeToWrite(first, last, who) || who.strong() || anyStrong || anyUndefined) [[unlikely]]
      return writeSlowly(address, count, who, value);
    stampWrite(first, last, clocks.now, who);
    return true;
  }
  /// Plain accesses or atomic operations of one instruction by `lanes` of `who`'s warp: `bytes` bytes at
  /// addresses[lane] each. They are made in ascending order up to the first that needs a closer look; returns the lanes
  /// whose access is made. The ranges are aligned, not yet known to be inside.
  uint32_t readLanes(const uint32_t *addresses, uint32_t lanes, uint32_t bytes, Accessor who);
  uint32_t writeLanes(const uint32_t *addresses, uint32_t lanes, uint32_t bytes, Accessor who);
  uint32_t updateLanes(const uint32_t *addresses, uint32_t lanes, uint32_t bytes, Accessor who);
  /// The same for asynchronous copies that begin to write.
  uint32_t beginAsyncLanes(const uint32_t *addresses, uint32_t lanes, uint32_t bytes, Accessor who);
  /// An atomic operation: a strong read and write at once, with the same result as read. `who` may have kReturns.
  bool update(uint32_t address, uint32_t count, Accessor who);
  /// An asynchronous copy of `who` begins to write the range.
  bool beginAsync(uint32_t address, uint32_t count, Accessor who);
  /// It has completed and its issuer has waited for it: from here on an ordinary write of `who`.
  void endAsync(uint32_t address, uint32_t count, Accessor who);

  /// Which of at most 32 bytes nothing wrote, or hold undefined bits that were stored; `isComputed` as in forget.
  uint32_t unwrittenMask(uint32_t address, uint32_t count, bool &isComputed) const;
  /// The bytes of `mask`, just written, hold undefined bits: as if nothing had written them. `isComputed`: of a value
  /// that depends on such bits.
  void forget(uint32_t address, uint32_t mask, bool isComputed);
  /// An asynchronous operation of channel `who` reads or writes the range (a reduction does both); `known` is what it
  /// is ordered after (Clocks::issueView).
  bool readAsync(uint32_t address, uint32_t count, Accessor who, const View &known);
  bool writeAsync(uint32_t address, uint32_t count, Accessor who, const View &known);

  /// The eight bytes at `address` become an mbarrier object of `who`: a write like any other.
  bool placeObject(uint32_t address, Accessor who);
  /// They are ordinary, undefined bytes again.
  void dropObject(uint32_t address, Accessor who);

  uint8_t *data() { return bytes; }
  uint32_t size() const { return limit; }
  const Conflict &conflict() const { return found; }
  /// What the accesses since the last call left to note.
  Notice takeNotice() { return std::exchange(noticed, Notice()); }
  bool hasNotice() const { return noticed.kind != Notice::None; }

  Clocks clocks;

private:
  static constexpr uint32_t kInFlight = ~0u;                 ///< writeTime of a granule that a cp.async will write.
  static constexpr uint32_t kObject = ~1u;                   ///< writeTime of a granule of an mbarrier object.
  static constexpr uint32_t kUnderStore = Accessor::kStrong; ///< plainWho: the strong write over it is no atomic.
  static constexpr uint32_t kInGap = ~0u; ///< writeWho where writeTime is kInFlight: no variable is here.

  bool fail(FaultKind kind, Accessor other, bool otherWrote);
  bool isOrdered(Accessor who, unsigned warp, uint32_t lanes, uint32_t time, unsigned &culprit,
                 bool isRead = false) const;
  bool isOrderedAfterOne(Accessor who, unsigned warp, uint32_t lanes, uint32_t time) const;
  bool isByAllLanes(const Trace &trace, size_t at) const;
  bool checkWriter(uint32_t index, Accessor who, bool isWrite);
  bool checkPlainWrite(uint32_t index, Accessor who, uint32_t address, uint32_t count, const uint8_t *value);
  void noticeLanes(uint32_t index, Accessor who);
  void see(uint32_t first, uint32_t last, Accessor who);
  void keepSeen(uint32_t index);
  bool hasSeen(uint32_t index, Accessor who, unsigned agent, uint32_t lanes, uint32_t time) const;
  bool checkRead(uint32_t first, uint32_t last, Accessor who);
  /// The last plain write, where the last of all is a strong one.
  Accessor plainWriter(uint32_t index) const { return {plainWho[index] & ~kUnderStore}; }
  bool readSlowly(uint32_t first, uint32_t last, Accessor who);
  bool isUndefined(uint32_t begin, uint32_t end) const;
  template <class F> bool allAgents(const Trace &trace, F f) const;
  bool checkWriterAsync(uint32_t index, Accessor who, const View &known, bool isWrite);
  bool checkAgent(const Trace &trace, unsigned agent, uint32_t first, uint32_t last, Accessor who, bool wrote);
  bool checkTrace(const Trace &trace, uint32_t first, uint32_t last, Accessor who, bool wrote);
  bool checkTraceAsync(const Trace &trace, uint32_t first, uint32_t last, const View &known, bool wrote);
  void noteLatest(uint32_t first, uint32_t last, Accessor who) {
    for (uint32_t i = first; i <= last; ++i)
      latest.add(i, who.warp(), clocks.now);
    lastRead = clocks.now;
  }
  /// Whether it is plain that `who` is ordered after the last write and all plain reads.
  __attribute__((always_inline)) bool isFreeToWrite(uint32_t first, uint32_t last, Accessor who) const {
    uint32_t bad = 0;
    for (uint32_t i = first; i <= last; ++i)
      bad |= uint32_t(writeTime[i] > clocks.oldest[who.warp()]);
    return bad == 0 && isAfterReads(first, last, who);
  }
  /// The same for the reads alone.
  __attribute__((always_inline)) bool isAfterReads(uint32_t first, uint32_t last, Accessor who) const {
    size_t row = size_t(who.warp()) * stride;
    const uint32_t *readers = plainReads.time + row, *lanes = plainReads.lanes + row;
    uint32_t oldest = clocks.oldest[who.warp()], joined = clocks.lanesJoined[who.warp()], others = ~who.lanes();
    uint32_t bad = 0;
    for (uint32_t i = first; i <= last; ++i)
      bad |= uint32_t(latest.without(i, who.warp()) > oldest) | (readers[i] > joined ? lanes[i] & others : 0);
    return bad == 0;
  }
  template <unsigned Granules> bool readRow(uint32_t first, Accessor who);
  template <unsigned Granules> bool writeRow(uint32_t first, Accessor who);
  bool isRow(const uint32_t *addresses, uint32_t lanes, uint32_t bytes) const;
  template <unsigned Granules> uint32_t readSameWidth(const uint32_t *, uint32_t lanes, uint32_t bytes, Accessor who);
  template <unsigned Granules> uint32_t writeSameWidth(const uint32_t *, uint32_t lanes, uint32_t bytes, Accessor who);
  template <unsigned Granules> uint32_t updateSameWidth(const uint32_t *, uint32_t lanes, uint32_t bytes, Accessor who);
  bool writeSlowly(uint32_t address, uint32_t count, Accessor who, const uint8_t *value);
  bool checkReaders(uint32_t first, uint32_t last, Accessor who);
  bool checkBeforeWrite(uint32_t first, uint32_t last, Accessor who);
  void record(Trace &trace, uint32_t index, Accessor who);
  void stampWrite(uint32_t first, uint32_t last, uint32_t time, Accessor who);
  void stampStrongWrite(uint32_t first, uint32_t last, Accessor who, bool isAtomic);

  uint32_t limit = 0;
  unsigned granule = 4;
  uint32_t stride; ///< Granules a warp has room for at the finest granule.
  uint32_t capacity;
  uint8_t *bytes;
  bool anyUndefined = false;           ///< Whether this block stored undefined bits.
  std::vector<uint8_t> undefinedBytes; ///< Then: 1 for a byte of a copy, 2 for a computed one.
  bool anyStrong = false;              ///< Whether this block made a strong access.
  bool anyStrongStore = false;         ///< And one that is no atomic operation.
  uint32_t *writeTime, *writeWho;      ///< Last write of a granule, of either kind.
  uint32_t *plainTime, *plainWho;      ///< Last plain write, where writeWho is a strong one.
  LatestReads latest;
  uint32_t lastRead = 0;           ///< Stamp of the latest plain read of all.
  Trace plainReads;                ///< Of all agents.
  Trace strongReads, strongWrites; ///< Of actors; what an atomic operation reads is in neither.
  SharedObservations observations;
  Conflict found;
  Notice noticed;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_SHAREDMEMORY_H
