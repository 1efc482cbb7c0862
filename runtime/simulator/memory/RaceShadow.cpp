//===- RaceShadow.cpp - Who touched global memory last --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pages of slots, a quick look over a range whose every slot is harmless, and the close look at the rest.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/memory/RaceShadow.h"
#include "runtime/simulator/memory/Observations.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <thread>
#include <utility>

// A device may live for ever (standin/): the leak sanitizer is told of its pages, which are in a mapping.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define IMBREX_LEAK_SANITIZER 1
#endif
#endif

namespace imbrex::simulator {
namespace {

constexpr unsigned kPageLog2 = 12;
constexpr uint64_t kPageBytes = uint64_t(1) << kPageLog2;

/// Repeats: the block and, in place of an accessor, the warps of it that wrote the same value as the last write.
enum SlotKind { LastWrite, PlainWrite, LastRead, OtherRead, Repeats, kSlotKinds };

/// Granules of a row: as much as lanes that copy a narrow tile's row touch together.
unsigned rowLog2(uint8_t granuleLog2) { return granuleLog2 == 4 ? 2 : 3; }

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
  ShadowSlots slots[kSlotKinds];
  Observations seen; ///< Of the last writes.
  uint64_t taken = 0;

  uint32_t count() const { return static_cast<uint32_t>(kPageBytes >> log2); }
  void take(uint64_t bytes, ShadowBudget &budget) {
    taken += bytes;
    if (bytes != 0)
      budget.used.fetch_add(bytes, std::memory_order_relaxed);
  }
  void need(SlotKind kind, ShadowBudget &budget) {
    if (!slots[kind].exists())
      take(slots[kind].make(count(), rowLog2(log2)), budget);
  }
  void split(uint8_t finer, ShadowBudget &budget);
  /// The granules have a new last write, which nobody has seen.
  void forgetReaders(uint32_t first, uint32_t last, ShadowBudget &budget) {
    if (seen.empty()) [[likely]]
      return;
    uint64_t freed = seen.clear(first, last);
    taken -= freed;
    budget.used.fetch_sub(freed, std::memory_order_relaxed);
  }
};

/// Every granule becomes several that say the same.
void RaceShadow::Page::split(uint8_t finer, ShadowBudget &budget) {
  uint8_t coarser = std::exchange(log2, finer);
  for (ShadowSlots &old : slots) {
    if (!old.exists())
      continue;
    ShadowSlots fine;
    take(fine.make(count(), rowLog2(log2)), budget);
    for (uint32_t i = 0; i < count(); ++i)
      if (Touch touch = old.at(i >> (coarser - finer)); touch.run != 0)
        take(fine.set(i, touch), budget);
    old = std::move(fine);
  }
  take(seen.split(coarser - finer), budget);
}

RaceShadow::RaceShadow(uint64_t bytes, ShadowBudget &budget)
    : pages((bytes + kPageBytes - 1) >> kPageLog2), budget(budget) {
  void *memory =
      mmap(nullptr, pages * sizeof(*table), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  table = memory == MAP_FAILED ? nullptr : static_cast<std::atomic<Page *> *>(memory);
#ifdef IMBREX_LEAK_SANITIZER
  if (table)
    __lsan_register_root_region(table, pages * sizeof(*table));
#endif
}

RaceShadow::~RaceShadow() {
  if (!table)
    return;
  for (uint64_t i = 0; i < pages; ++i)
    if (Page *page = table[i].load(std::memory_order_relaxed)) {
      budget.used.fetch_sub(page->taken, std::memory_order_relaxed);
      delete page;
    }
#ifdef IMBREX_LEAK_SANITIZER
  __lsan_unregister_root_region(table, pages * sizeof(*table));
#endif
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

Touch touchOf(const ShadowSlots &slots, uint32_t i) { return slots.exists() ? slots.at(i) : Touch(); }

/// One access against one granule.
struct Judge {
  const Observer &me;
  GlobalAccessor who;
  const Observations *seen = nullptr; ///< Who has seen the last writes; null: nobody.

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
  bool isOrdered(const Touch &touch) const { return isOrdered(touch.run, touch.time, GlobalAccessor{touch.who}); }
  /// Whether both are strong and each other's scope holds them both: "morally strong".
  bool bothStrong(const Touch &touch) const {
    GlobalAccessor other{touch.who};
    return who.strong() && other.strong() && (touch.run == me.run || (!who.blockScope() && !other.blockScope()));
  }
  bool conflictsWith(const ShadowSlots &slots, uint32_t i) const {
    Touch touch = touchOf(slots, i);
    return touch.run != 0 && !bothStrong(touch) && !isOrdered(touch);
  }
  /// The last write, which may be known to be over because a strong read has seen it.
  bool conflictsWithLast(const ShadowSlots *slots, uint32_t i) const {
    return conflictsWith(slots[LastWrite], i) &&
           !(seen && seen->any(i, [&](uint32_t run, unsigned warp, unsigned lane, uint32_t time) {
             return isOrdered(run, time, GlobalAccessor::make(warp, lane, 0, 0));
           }));
  }
  bool isMine(const ShadowSlots &slots, uint32_t i) const {
    Touch touch = touchOf(slots, i);
    GlobalAccessor other{touch.who};
    return touch.run == me.run && touch.run != 0 && other.warp() == who.warp() && other.lane() == who.lane();
  }
};

bool tell(GlobalConflict &conflict, GlobalConflict::Kind kind, const ShadowSlots &slots, uint32_t i, bool wrote) {
  Touch touch = slots.at(i);
  conflict.kind = kind;
  conflict.otherWrote = wrote;
  conflict.otherRun = touch.run;
  conflict.other = GlobalAccessor{touch.who};
  return kind == GlobalConflict::EqualWrites;
}

/// The slot that a plain write of what is there already is not ordered after, and that it leaves as it is all the same:
/// the last write, if that is plain too, or a read. Null if there is none.
const ShadowSlots *repeatedSlot(const ShadowSlots *slots, const Judge &judge, uint32_t i) {
  if (judge.who.strong())
    return nullptr;
  if (judge.conflictsWithLast(slots, i))
    return GlobalAccessor{slots[LastWrite].at(i).who}.strong() ? nullptr : &slots[LastWrite];
  for (SlotKind kind : {LastRead, OtherRead})
    if (judge.conflictsWith(slots[kind], i))
      return &slots[kind];
  return nullptr;
}

/// Whether the warp itself wrote what it reads, as the last writer did.
bool readsOwnRepeat(const ShadowSlots *slots, const Judge &judge, uint32_t i) {
  Touch repeats = touchOf(slots[Repeats], i);
  return repeats.run != 0 && repeats.run == judge.me.run && (repeats.who >> judge.me.warp & 1);
}

bool judgeWrites(const ShadowSlots *slots, const Judge &judge, uint32_t i, GlobalConflict &conflict) {
  if (judge.conflictsWithLast(slots, i))
    return tell(conflict, GlobalConflict::Race, slots[LastWrite], i, true);
  return !judge.conflictsWith(slots[PlainWrite], i) || tell(conflict, GlobalConflict::Race, slots[PlainWrite], i, true);
}

/// A strong store that overwrites another thread's strong store unseen, by a thread that had read the bytes.
bool losesUpdate(const ShadowSlots *slots, const Judge &judge, uint32_t i, bool equal) {
  Touch last = touchOf(slots[LastWrite], i);
  if (!judge.who.strong() || judge.who.atomic() || equal || last.run == 0)
    return false;
  GlobalAccessor other{last.who};
  return other.strong() && !other.atomic() && !judge.isMine(slots[LastWrite], i) && judge.isMine(slots[LastRead], i) &&
         !judge.isOrdered(last);
}

/// Whether an atomic operation that is ordered before this access came after that one on the same bytes: their order is
/// that of the values they saw.
bool isBehindAtomic(const ShadowSlots *slots, const Judge &judge, SlotKind kind, uint32_t i) {
  return GlobalAccessor{slots[kind].at(i).who}.atomic() && GlobalAccessor{touchOf(slots[LastWrite], i).who}.atomic() &&
         !judge.conflictsWithLast(slots, i);
}

bool judgeAccess(const ShadowSlots *slots, const Judge &judge, uint32_t i, bool equal, bool write,
                 GlobalConflict &conflict) {
  if (const ShadowSlots *repeated = write && equal ? repeatedSlot(slots, judge, i) : nullptr)
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
bool allOld(const ShadowSlots &slots, uint32_t first, uint32_t last, const Observer &me) {
  if (!slots.exists())
    return true;
  const uint32_t oldest = me.clocks->oldest[me.warp], below = me.orderedBelow, mine = me.run;
  auto isYoung = [&](uint32_t run, uint32_t time) {
    return uint32_t(run >= below) & (uint32_t(run != mine) | uint32_t(time > oldest));
  };
  uint32_t firstRow = slots.rowOf(first), rows = slots.rowOf(last) - firstRow + 1, bad = 0;
  const uint32_t *runs = slots.runs(firstRow), *times = slots.times(firstRow);
  for (uint32_t r = 0; r < rows; ++r)
    bad |= isYoung(runs[r], times[r]);
  if (bad == 0)
    return true;
  for (uint32_t i = first; i <= last; ++i) {
    Touch touch = slots.at(i);
    if (isYoung(touch.run, touch.time))
      return false;
  }
  return true;
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
  const ShadowSlots *slots = chunk.page.slots;
  bool harmless = true;
  for (SlotKind kind : {LastWrite, PlainWrite, LastRead, OtherRead})
    if (range.write || kind < LastRead)
      harmless &= allOld(slots[kind], chunk.first, chunk.last, me);
  if (harmless)
    return true;
  for (uint32_t i = chunk.first; i <= chunk.last; ++i) {
    uint64_t k = chunk.laneOf(range, i);
    Judge judge{me, {range.who.bits | range.lanes[k]}, chunk.page.seen.empty() ? nullptr : &chunk.page.seen};
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

/// A row's part of record: granules first to last, all of the row where `whole`.
struct RaceShadow::RowUpdate {
  Page &page;
  ShadowBudget &budget;
  const LaneRange &range;
  uint32_t run, now, warp;
  SlotKind own, kept;

  RowUpdate(const Observer &me, const LaneRange &range, Page &page, ShadowBudget &budget)
      : page(page), budget(budget), range(range), run(me.run), now(me.now), warp(me.warp),
        own(range.write ? LastWrite : LastRead), kept(range.write ? PlainWrite : OtherRead) {}

  /// A strong write keeps the plain one before it; a read that of another warp.
  bool isKept(const Touch &touch) const {
    GlobalAccessor other{touch.who};
    return touch.run != 0 &&
           (range.write ? range.who.strong() && !other.strong() : touch.run != run || other.warp() != warp);
  }
  void even(uint32_t row, uint8_t lane, unsigned laneShift) {
    ShadowSlots &slots = page.slots[own];
    if (slots.isEven(row)) {
      if (isKept(slots.head(row))) {
        page.need(kept, budget);
        page.slots[kept].copyRow(row, slots);
      }
    } else {
      keepEach(slots.rowBegin(row), slots.rowBegin(row) + slots.rowSize() - 1);
    }
    slots.setRow(row, {run, now, range.who.bits | lane}, laneShift);
  }
  void keepEach(uint32_t first, uint32_t last) {
    for (uint32_t i = first; i <= last; ++i)
      if (Touch touch = page.slots[own].at(i); isKept(touch)) {
        page.need(kept, budget);
        page.take(page.slots[kept].set(i, touch), budget);
      }
  }
};

/// A strong read sees the last write, if that is strong and not ordered before it in another way. (An atomic operation
/// makes the next last write itself.)
void RaceShadow::recordSeen(const Observer &me, const LaneRange &range, const Chunk &chunk) {
  Page &page = chunk.page;
  for (uint32_t i = chunk.first; i <= chunk.last; ++i) {
    Judge judge{me, {range.who.bits | range.lanes[chunk.laneOf(range, i)]}};
    Touch last = touchOf(page.slots[LastWrite], i);
    if (last.run == 0 || !judge.bothStrong(last) || judge.isOrdered(last))
      continue;
    bool isFull = budget.used.load(std::memory_order_relaxed) >= budget.most;
    page.take(page.seen.add(i, me.run, judge.who.warp(), judge.who.lane(), me.now, isFull), budget);
  }
}

void RaceShadow::record(const Observer &me, const LaneRange &range, const Chunk &chunk) {
  if (!range.write && range.who.strong() && !range.who.atomic())
    recordSeen(me, range, chunk);
  if (range.write)
    chunk.page.forgetReaders(chunk.first, chunk.last, budget);
  RowUpdate update(me, range, chunk.page, budget);
  ShadowSlots &slots = chunk.page.slots[update.own];
  unsigned laneShift = static_cast<unsigned>(__builtin_ctz(range.bytes)) - chunk.page.log2;
  for (uint32_t first = chunk.first, last; first <= chunk.last; first = last + 1) {
    uint32_t row = slots.rowOf(first), begin = slots.rowBegin(row);
    last = std::min(chunk.last, begin + slots.rowSize() - 1);
    if (range.isAscending && last - first == slots.rowSize() - 1) {
      update.even(row, range.lanes[chunk.laneOf(range, first)], laneShift);
      continue;
    }
    update.keepEach(first, last);
    for (uint32_t i = first; i <= last; ++i)
      chunk.page.take(slots.set(i, {update.run, update.now, range.who.bits | range.lanes[chunk.laneOf(range, i)]}),
                      budget);
  }
  if (range.write && chunk.page.slots[Repeats].exists())
    chunk.page.take(chunk.page.slots[Repeats].clear(chunk.first, chunk.last), budget);
}

/// As record, where some of the range repeats a write: there the last write stays, and the warp is among its makers.
void RaceShadow::recordRepeats(const Observer &me, const LaneRange &range, const Chunk &chunk) {
  Page &page = chunk.page;
  page.need(Repeats, budget);
  ShadowSlots *slots = page.slots;
  for (uint32_t i = chunk.first; i <= chunk.last; ++i) {
    uint64_t k = chunk.laneOf(range, i);
    Judge judge{me, {range.who.bits | range.lanes[k]}, page.seen.empty() ? nullptr : &page.seen};
    if (!(range.equal >> k & 1) || !repeatedSlot(slots, judge, i)) {
      page.take(slots[LastWrite].set(i, {me.run, me.now, judge.who.bits}), budget);
      page.take(slots[Repeats].clear(i, i), budget);
      page.forgetReaders(i, i, budget);
      continue;
    }
    Touch last = slots[LastWrite].at(i), repeats = slots[Repeats].at(i);
    uint32_t maker = last.run == me.run && last.run != 0 ? 1u << GlobalAccessor{last.who}.warp() : 0;
    uint32_t others = repeats.run == me.run ? repeats.who : maker;
    page.take(slots[Repeats].set(i, {me.run, me.now, others | 1u << me.warp}), budget);
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
