//===- RaceShadow.cpp - Who touched global memory last --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pages of slots, a quick look over a range whose every slot is harmless, and the close look at the rest.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/memory/RaceShadow.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <thread>
#include <utility>

namespace imbrex::simulator {
namespace {

constexpr unsigned kPageLog2 = 12;
constexpr uint64_t kPageBytes = uint64_t(1) << kPageLog2;

/// Repeats: the block and, in place of an accessor, the warps of it that wrote the same value as the last write.
enum SlotKind { LastWrite, PlainWrite, LastRead, OtherRead, Repeats, kSlotKinds };

/// The last access of one kind to each granule; run 0 for none.
struct Slots {
  std::unique_ptr<uint32_t[]> words; ///< Runs, stamps, accessors.
  uint32_t *run = nullptr, *time = nullptr, *who = nullptr;

  void make(uint32_t count) {
    words = std::make_unique<uint32_t[]>(size_t(3) * count);
    run = words.get();
    time = run + count;
    who = time + count;
  }
  void set(uint32_t i, uint32_t newRun, uint32_t newTime, uint32_t newWho) {
    run[i] = newRun;
    time[i] = newTime;
    who[i] = newWho;
  }
  void copy(uint32_t i, const Slots &from) { set(i, from.run[i], from.time[i], from.who[i]); }
};

/// The threads of a launch hold a page for the length of a range.
class Hold {
public:
  explicit Hold(std::atomic<bool> &busy) : busy(busy) {
    while (busy.exchange(true, std::memory_order_acquire))
      std::this_thread::yield();
  }
  ~Hold() { busy.store(false, std::memory_order_release); }

private:
  std::atomic<bool> &busy;
};

} // namespace

struct RaceShadow::Page {
  std::atomic<bool> busy{false};
  uint8_t log2 = 4; ///< Of the granule.
  Slots slots[kSlotKinds];
  uint64_t taken = 0;

  uint32_t count() const { return static_cast<uint32_t>(kPageBytes >> log2); }
  void need(SlotKind kind, ShadowBudget &budget) {
    if (slots[kind].run)
      return;
    slots[kind].make(count());
    uint64_t bytes = uint64_t(12) * count();
    taken += bytes;
    budget.used.fetch_add(bytes, std::memory_order_relaxed);
  }
  void split(uint8_t finer, ShadowBudget &budget);
};

/// Every granule becomes several that say the same.
void RaceShadow::Page::split(uint8_t finer, ShadowBudget &budget) {
  uint8_t coarser = std::exchange(log2, finer);
  for (Slots &old : slots) {
    if (!old.run)
      continue;
    Slots fine;
    fine.make(count());
    for (uint32_t i = 0; i < count(); ++i) {
      uint32_t from = i >> (coarser - finer);
      fine.set(i, old.run[from], old.time[from], old.who[from]);
    }
    uint64_t more = uint64_t(12) * (count() - (kPageBytes >> coarser));
    taken += more;
    budget.used.fetch_add(more, std::memory_order_relaxed);
    old = std::move(fine);
  }
}

RaceShadow::RaceShadow(uint64_t bytes, ShadowBudget &budget)
    : pages((bytes + kPageBytes - 1) >> kPageLog2), budget(budget) {
  void *memory =
      mmap(nullptr, pages * sizeof(*table), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  table = memory == MAP_FAILED ? nullptr : static_cast<std::atomic<Page *> *>(memory);
}

RaceShadow::~RaceShadow() {
  if (!table)
    return;
  for (uint64_t i = 0; i < pages; ++i)
    if (Page *page = table[i].load(std::memory_order_relaxed)) {
      budget.used.fetch_sub(page->taken, std::memory_order_relaxed);
      delete page;
    }
  munmap(table, pages * sizeof(*table));
}

RaceShadow::Page *RaceShadow::pageAt(uint64_t number, uint32_t bytes) {
  if (!table)
    return nullptr;
  Page *page = table[number].load(std::memory_order_acquire);
  if (page) [[likely]]
    return page;
  if (budget.used.load(std::memory_order_relaxed) >= budget.most) {
    budget.exhausted = true;
    return nullptr;
  }
  auto fresh = std::make_unique<Page>();
  fresh->log2 = static_cast<uint8_t>(__builtin_ctz(bytes));
  if (table[number].compare_exchange_strong(page, fresh.get(), std::memory_order_acq_rel))
    return fresh.release();
  return page;
}

namespace {

/// One access against one granule.
struct Judge {
  const Observer &me;
  GlobalAccessor who;

  bool isOrdered(uint32_t run, uint32_t time, GlobalAccessor other) const {
    if (run < me.orderedBelow)
      return true;
    if (run == me.run) {
      return me.clocks->ordered(me.warp, who.lane(), other.warp(), other.lane(), time) ||
             (who.strong() && me.pending && me.pending->covers(run, other.warp(), other.lane(), time));
    }
    if (run >= me.launchBegin && !me.otherBlocks)
      return true;
    if (run < me.launchBegin && (!me.launches || me.launches->isBefore(run)))
      return true;
    for (unsigned i = 0; i < me.knownCount; ++i)
      if (me.known[i]->covers(run, other.warp(), other.lane(), time))
        return true;
    for (const Observer::LaneKnowledge &known : me.laneKnown)
      if (known.lanes >> who.lane() & 1 && known.what->covers(run, other.warp(), other.lane(), time))
        return true;
    return who.strong() && me.pending && me.pending->covers(run, other.warp(), other.lane(), time);
  }
  bool isOrdered(const Slots &slots, uint32_t i) const {
    return isOrdered(slots.run[i], slots.time[i], GlobalAccessor{slots.who[i]});
  }
  /// Whether both are strong and each other's scope holds them both: "morally strong".
  bool bothStrong(const Slots &slots, uint32_t i) const {
    GlobalAccessor other{slots.who[i]};
    return who.strong() && other.strong() && (slots.run[i] == me.run || (!who.blockScope() && !other.blockScope()));
  }
  bool conflictsWith(const Slots &slots, uint32_t i) const {
    return slots.run && slots.run[i] != 0 && !bothStrong(slots, i) && !isOrdered(slots, i);
  }
  bool isMine(const Slots &slots, uint32_t i) const {
    GlobalAccessor other{slots.who[i]};
    return slots.run && slots.run[i] == me.run && other.warp() == who.warp() && other.lane() == who.lane();
  }
};

bool tell(GlobalConflict &conflict, GlobalConflict::Kind kind, const Slots &slots, uint32_t i, bool wrote) {
  conflict.kind = kind;
  conflict.otherWrote = wrote;
  conflict.otherRun = slots.run[i];
  conflict.other = GlobalAccessor{slots.who[i]};
  return kind == GlobalConflict::EqualWrites;
}

/// The slot that a plain write of what is there already is not ordered after, and that it leaves as it is all the same:
/// the last write, if that is plain too, or a read. Null if there is none.
const Slots *repeatedSlot(const Slots *slots, const Judge &judge, uint32_t i) {
  if (judge.who.strong())
    return nullptr;
  if (judge.conflictsWith(slots[LastWrite], i))
    return GlobalAccessor{slots[LastWrite].who[i]}.strong() ? nullptr : &slots[LastWrite];
  for (SlotKind kind : {LastRead, OtherRead})
    if (judge.conflictsWith(slots[kind], i))
      return &slots[kind];
  return nullptr;
}

/// Whether the warp itself wrote what it reads, as the last writer did.
bool readsOwnRepeat(const Slots *slots, const Judge &judge, uint32_t i) {
  const Slots &repeats = slots[Repeats];
  return repeats.run && repeats.run[i] == judge.me.run && (repeats.who[i] >> judge.me.warp & 1);
}

bool judgeWrites(const Slots *slots, const Judge &judge, uint32_t i, GlobalConflict &conflict) {
  for (SlotKind kind : {LastWrite, PlainWrite})
    if (judge.conflictsWith(slots[kind], i))
      return tell(conflict, GlobalConflict::Race, slots[kind], i, true);
  return true;
}

/// A strong store that overwrites another thread's strong store unseen, by a thread that had read the bytes.
bool losesUpdate(const Slots *slots, const Judge &judge, uint32_t i, bool equal) {
  const Slots &last = slots[LastWrite];
  if (!judge.who.strong() || judge.who.atomic() || equal || !last.run || last.run[i] == 0)
    return false;
  GlobalAccessor other{last.who[i]};
  return other.strong() && !other.atomic() && !judge.isMine(last, i) && judge.isMine(slots[LastRead], i) &&
         !judge.isOrdered(last, i);
}

/// Whether an atomic operation that is ordered before this access came after that one on the same bytes: their order is
/// that of the values they saw.
bool isBehindAtomic(const Slots *slots, const Judge &judge, SlotKind kind, uint32_t i) {
  const Slots &last = slots[LastWrite];
  return GlobalAccessor{slots[kind].who[i]}.atomic() && last.run && GlobalAccessor{last.who[i]}.atomic() &&
         !judge.conflictsWith(last, i);
}

bool judgeAccess(const Slots *slots, const Judge &judge, uint32_t i, bool equal, bool write, GlobalConflict &conflict) {
  if (const Slots *repeated = write && equal ? repeatedSlot(slots, judge, i) : nullptr)
    return tell(conflict, GlobalConflict::EqualWrites, *repeated, i, repeated == &slots[LastWrite]);
  if (!write && readsOwnRepeat(slots, judge, i))
    return true;
  if (!judgeWrites(slots, judge, i, conflict))
    return false;
  if (!write)
    return true;
  for (SlotKind kind : {LastRead, OtherRead})
    if (judge.conflictsWith(slots[kind], i) && !isBehindAtomic(slots, judge, kind, i))
      return tell(conflict, GlobalConflict::Race, slots[kind], i, false);
  return !losesUpdate(slots, judge, i, equal) || tell(conflict, GlobalConflict::LostUpdate, slots[LastWrite], i, true);
}

/// Whether every slot from `first` to `last` is of work that all lanes of the warp are ordered after.
bool allOld(const Slots &slots, uint32_t first, uint32_t last, const Observer &me) {
  if (!slots.run)
    return true;
  uint32_t bad = 0, oldest = me.clocks->oldest[me.warp];
  for (uint32_t i = first; i <= last; ++i)
    bad |= uint32_t(slots.run[i] >= me.orderedBelow) &
           (uint32_t(slots.run[i] != me.run) | uint32_t(slots.time[i] > oldest));
  return bad == 0;
}

} // namespace

/// The part of a range that lies in one page: granules first to last.
struct RaceShadow::Chunk {
  Page &page;
  uint64_t base; ///< Offset of the page in the allocation.
  uint32_t first, last;

  /// The number in the range of the lane that touches granule i.
  uint64_t laneOf(const LaneRange &range, uint32_t i) const {
    return (base + (uint64_t(i) << page.log2) - range.offset) >> __builtin_ctz(range.bytes);
  }
};

bool RaceShadow::judge(const Observer &me, const LaneRange &range, const Chunk &chunk, GlobalConflict &conflict) {
  const Slots *slots = chunk.page.slots;
  bool harmless = true;
  for (SlotKind kind : {LastWrite, PlainWrite, LastRead, OtherRead})
    if (range.write || kind < LastRead)
      harmless &= allOld(slots[kind], chunk.first, chunk.last, me);
  if (harmless)
    return true;
  for (uint32_t i = chunk.first; i <= chunk.last; ++i) {
    uint64_t k = chunk.laneOf(range, i);
    Judge judge{me, {range.who.bits | range.lanes[k]}};
    bool good = judgeAccess(slots, judge, i, range.equal >> k & 1, range.write, conflict);
    if (good && conflict.kind != GlobalConflict::EqualWrites)
      continue;
    conflict.offset = range.offset + k * range.bytes;
    conflict.lane = range.lanes[k];
    if (!good)
      return false;
  }
  return true;
}

void RaceShadow::record(const Observer &me, const LaneRange &range, const Chunk &chunk) {
  Slots *slots = chunk.page.slots;
  SlotKind own = range.write ? LastWrite : LastRead, kept = range.write ? PlainWrite : OtherRead;
  const uint32_t first = chunk.first, count = chunk.last - chunk.first + 1, run = me.run, now = me.now;
  const Slots &last = slots[own];
  uint32_t *__restrict runs = last.run + first, *__restrict times = last.time + first,
                       *__restrict who = last.who + first;
  // A strong write keeps the plain one before it; a read that of another warp. No branches: these loops are vectors.
  const uint32_t mask = range.write ? GlobalAccessor::kStrong : 31u << 5, mine = range.write ? ~0u : me.warp << 5;
  auto isKept = [&](uint32_t i) {
    uint32_t other =
        range.write ? uint32_t((who[i] & mask) == 0) : uint32_t(runs[i] != run) | ((who[i] & mask) != mine);
    return other & uint32_t(runs[i] != 0);
  };
  uint32_t anyKept = 0;
  for (uint32_t i = 0; i < count && (!range.write || range.who.strong()); ++i)
    anyKept |= isKept(i);
  if (anyKept) {
    chunk.page.need(kept, budget);
    for (uint32_t i = 0; i < count; ++i)
      if (isKept(i))
        slots[kept].copy(first + i, last);
  }
  for (uint32_t i = 0; i < count; ++i) {
    runs[i] = run;
    times[i] = now;
  }
  if (range.bytes == 1u << chunk.page.log2) {
    const uint8_t *__restrict lanes = range.lanes + chunk.laneOf(range, first);
    const uint32_t bits = range.who.bits;
    for (uint32_t i = 0; i < count; ++i)
      who[i] = bits | lanes[i];
  } else {
    for (uint32_t i = 0; i < count; ++i)
      who[i] = range.who.bits | range.lanes[chunk.laneOf(range, first + i)];
  }
  if (range.write && slots[Repeats].run)
    std::fill_n(slots[Repeats].run + chunk.first, count, 0u);
}

/// As record, where some of the range repeats a write: there the last write stays, and the warp is among its makers.
void RaceShadow::recordRepeats(const Observer &me, const LaneRange &range, const Chunk &chunk) {
  chunk.page.need(Repeats, budget);
  Slots *slots = chunk.page.slots, &last = slots[LastWrite], &repeats = slots[Repeats];
  for (uint32_t i = chunk.first; i <= chunk.last; ++i) {
    uint64_t k = chunk.laneOf(range, i);
    Judge judge{me, {range.who.bits | range.lanes[k]}};
    if (!(range.equal >> k & 1) || !repeatedSlot(slots, judge, i)) {
      last.set(i, me.run, me.now, judge.who.bits);
      repeats.run[i] = 0;
      continue;
    }
    uint32_t maker = last.run[i] == me.run && last.run[i] != 0 ? 1u << GlobalAccessor{last.who[i]}.warp() : 0;
    uint32_t others = repeats.run[i] == me.run ? repeats.who[i] : maker;
    repeats.set(i, me.run, me.now, others | 1u << me.warp);
  }
}

bool RaceShadow::access(const Observer &me, const LaneRange &range, GlobalConflict &conflict) {
  uint64_t end = range.offset + uint64_t(range.bytes) * range.count;
  uint8_t width = static_cast<uint8_t>(__builtin_ctz(range.bytes));
  for (uint64_t begin = range.offset, stop; begin < end; begin = stop) {
    uint64_t number = begin >> kPageLog2, base = number << kPageLog2;
    stop = std::min(end, base + kPageBytes);
    Page *page = pageAt(number, range.bytes);
    if (!page)
      continue;
    Hold hold(page->busy);
    if (page->log2 > width)
      page->split(width, budget);
    page->need(range.write ? LastWrite : LastRead, budget);
    Chunk chunk{*page, base, static_cast<uint32_t>((begin - base) >> page->log2),
                static_cast<uint32_t>((stop - 1 - base) >> page->log2)};
    GlobalConflict found;
    if (!judge(me, range, chunk, found)) {
      conflict = found;
      return false;
    }
    if (found.kind != GlobalConflict::EqualWrites) {
      record(me, range, chunk);
      continue;
    }
    conflict = found;
    recordRepeats(me, range, chunk);
  }
  return true;
}

bool RaceShadow::check(const Observer &me, uint64_t offset, uint64_t bytes, bool write,
                       GlobalConflict &conflict) const {
  Judge judge{me, {}};
  for (uint64_t number = offset >> kPageLog2; table && number << kPageLog2 < offset + bytes; ++number) {
    Page *page = table[number].load(std::memory_order_acquire);
    if (!page)
      continue;
    uint64_t base = number << kPageLog2;
    uint64_t begin = std::max(offset, base) - base, end = std::min(offset + bytes - base, kPageBytes);
    for (uint32_t i = static_cast<uint32_t>(begin >> page->log2); i <= (end - 1) >> page->log2; ++i)
      for (SlotKind kind : {LastWrite, PlainWrite, LastRead, OtherRead})
        if ((write || kind < LastRead) && judge.conflictsWith(page->slots[kind], i)) {
          conflict.offset = std::max(offset, base + (uint64_t(i) << page->log2));
          return tell(conflict, GlobalConflict::Race, page->slots[kind], i, kind < LastRead);
        }
  }
  return true;
}

} // namespace imbrex::simulator
