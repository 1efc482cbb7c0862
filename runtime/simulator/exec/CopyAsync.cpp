//===- CopyAsync.cpp - cp.async and its groups ----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, non-bulk asynchronous copies. The destination counts as being written from the copy's
// issue until the issuing thread has waited for its group; then it is that thread's ordinary write,
// visible to others after a barrier. The source must stay as it is for the same time.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/AsyncCopy.h"

#include <cstring>

namespace imbrex::simulator {
namespace {

constexpr uint32_t kHasSourceSize = 2, kHasIgnore = 4;

constexpr unsigned kMostBytes = 16;

/// At most 16 bytes; the usual number without a call, which takes more than two branches of memcpy: they become one.
void moveBytes(uint8_t *to, const uint8_t *from, unsigned bytes) {
  if (bytes == kMostBytes) {
    uint64_t halves[2];
    std::memcpy(&halves[0], from, 8);
    std::memcpy(&halves[1], from + 8, 8);
    std::memcpy(to, &halves[0], 8);
    std::memcpy(to + 8, &halves[1], 8);
  } else {
    std::memcpy(to, from, bytes);
  }
}

/// The source's bytes into `value`, the rest zero, and which of them nothing wrote; false with a fault.
bool readSource(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes, uint8_t *value,
                uint32_t &unwritten) {
  unwritten = 0;
  std::memset(value, 0, kMostBytes);
  if (address & (i.bytes - 1u)) {
    failMisaligned(warp, i, lane, Space::Global, address, i.bytes);
    return false;
  }
  unsigned step = bytes == i.bytes ? bytes : 1;
  for (unsigned offset = 0; offset < bytes; offset += step) {
    const uint8_t *from = loadGlobal(warp, i, lane, address + offset, step);
    if (!from)
      return false;
    for (const UnwrittenLoad &load : warp.unwritten)
      unwritten |= load.mask << offset;
    warp.unwritten.clear();
    moveBytes(value + offset, from, step);
  }
  return true;
}

PendingCopy &addPending(Warp &warp) {
  std::unique_ptr<PendingCopy> one;
  if (!warp.spareCopies.empty()) {
    one = std::move(warp.spareCopies.back());
    warp.spareCopies.pop_back();
  } else {
    one = std::make_unique<PendingCopy>();
  }
  return *warp.copies.emplace_back(std::move(one));
}

/// What a copy brings, lane by lane.
struct CopiedBytes {
  alignas(16) uint8_t value[32][kMostBytes];
  uint32_t unwritten[32]; ///< Bit k: nothing wrote byte k of the source.
};

/// Asks for the sources' bytes together: they lie far apart in the host's memory.
void prefetchSources(Warp &warp, const Instruction &i, uint32_t lanes) {
  const Allocation &a = warp.recent;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1)
    if (uint64_t address = laneAddress(warp, i, i.op[1], static_cast<unsigned>(__builtin_ctz(rest)));
        a.contains(address, 1))
      __builtin_prefetch(a.bytes + (address - a.base));
}

/// The sources of all lanes, which `pending` remembers.
bool readSources(Warp &warp, const Instruction &i, uint32_t lanes, PendingCopy &pending, CopiedBytes &copied) {
  Cta &cta = *warp.cta;
  uint32_t ignored = i.flags & kHasIgnore ? warp.pred(i.op[2]) ^ i.op[3] : 0;
  prefetchSources(warp, i, lanes);
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t source = laneAddress(warp, i, i.op[1], lane);
    uint32_t wanted = i.flags & kHasSourceSize ? warp.reg<uint32_t>(i.op[2])[lane] : i.bytes;
    unsigned bytes = ignored >> lane & 1 ? 0 : wanted > i.bytes ? i.bytes : wanted;
    if (!readSource(warp, i, lane, source, bytes, copied.value[lane], copied.unwritten[lane]))
      return false;
    pending.source[lane] = source;
    pending.sourceBytes[lane] = bytes;
    pending.group[lane] = warp.copyGroup[lane];
    if (bytes != 0) {
      cta.sourceLow = std::min(cta.sourceLow, source);
      cta.sourceHigh = std::max(cta.sourceHigh, source + bytes);
    }
  }
  return true;
}

/// Marks one lane's destination as in flight; false with a fault.
bool beginOne(Warp &warp, const Instruction &i, unsigned lane, uint64_t to) {
  SharedMemory &shared = warp.cta->shared;
  if (to >= shared.size() || i.bytes > shared.size() - to)
    return failBounds(warp, i, lane, Space::Shared, to, i.bytes), false;
  if (to & (i.bytes - 1u))
    return failMisaligned(warp, i, lane, Space::Shared, to, i.bytes), false;
  return shared.beginAsync(static_cast<uint32_t>(to), i.bytes, accessor(warp, i, lane)) ||
         (failShared(warp, i, lane, to, i.bytes, true), false);
}

/// op: destination base, source base, source size slot or predicate and flip. imm is the source's
/// offset, target the destination's.
Step copy(Warp &warp, const Instruction &i, uint32_t lanes) {
  Cta &cta = *warp.cta;
  PendingCopy &pending = addPending(warp);
  pending.lanes = lanes;
  pending.instruction = i.index;
  pending.bytes = i.bytes;
  CopiedBytes copied;
  if (!readSources(warp, i, lanes, pending, copied))
    return Step::Fault;
  uint64_t offset = static_cast<uint64_t>(static_cast<int32_t>(i.target)), all = 0;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t to = laneAddress(warp, i.op[0], offset, lane);
    all |= to;
    pending.destination[lane] = static_cast<uint32_t>(to);
  }
  bool isSimple = (all & (i.bytes - 1u)) == 0 && all >> 32 == 0;
  uint32_t done = isSimple ? cta.shared.beginAsyncLanes(pending.destination, lanes, i.bytes, accessor(warp, i, 0)) : 0;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (!(done >> lane & 1) && !beginOne(warp, i, lane, laneAddress(warp, i.op[0], offset, lane)))
      return Step::Fault;
    moveBytes(cta.shared.data() + pending.destination[lane], copied.value[lane], i.bytes);
    if (copied.unwritten[lane] != 0)
      cta.shared.forget(pending.destination[lane], copied.unwritten[lane], false);
  }
  ++cta.copiesInFlight;
  return Step::Next;
}

/// Forgets copies that nobody will wait for any more.
void dropCompleted(Warp &warp) {
  Cta &cta = *warp.cta;
  std::erase_if(warp.copies, [&](std::unique_ptr<PendingCopy> &copy) {
    if (copy->lanes != 0)
      return false;
    --cta.copiesInFlight;
    warp.spareCopies.push_back(std::move(copy));
    return true;
  });
  if (cta.copiesInFlight == 0) {
    cta.sourceLow = ~uint64_t(0);
    cta.sourceHigh = 0;
  }
}

Step commit(Warp &warp, const Instruction &, uint32_t lanes) {
  forLanes(lanes, [&](unsigned lane) { ++warp.copyGroup[lane]; });
  return Step::Next;
}

/// Completes the copies of `lanes` whose group is at least `imm` + 1 groups old; all of them where
/// flags is 1 (wait_all).
Step wait(Warp &warp, const Instruction &i, uint32_t lanes) {
  Cta &cta = *warp.cta;
  for (const std::unique_ptr<PendingCopy> &one : warp.copies)
    for (uint32_t rest = lanes & one->lanes; rest != 0; rest &= rest - 1) {
      PendingCopy &pending = *one;
      unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
      if (i.flags == 0 && pending.group[lane] + i.imm >= warp.copyGroup[lane])
        continue;
      cta.shared.endAsync(pending.destination[lane], pending.bytes,
                          Accessor::make(warp.index, lane, pending.instruction, false));
      pending.lanes &= ~(1u << lane);
    }
  dropCompleted(warp);
  return Step::Next;
}

} // namespace

void completeCopies(Warp &warp, unsigned lane, unsigned channel) {
  SharedMemory &shared = warp.cta->shared;
  for (const std::unique_ptr<PendingCopy> &one : warp.copies) {
    PendingCopy &pending = *one;
    if (!(pending.lanes >> lane & 1))
      continue;
    Accessor who = Accessor::make(channel, lane, pending.instruction, false);
    shared.endAsync(pending.destination[lane], pending.bytes, who);
    shared.clocks.lastUse[channel - kFirstChannel] = {shared.clocks.now, pending.instruction};
    pending.lanes &= ~(1u << lane);
  }
  dropCompleted(warp);
}

namespace {

bool decodeCopy(Decoder &d) {
  int cache = d.takeOneOf({"ca", "cg"});
  d.rule(Rule::Use);
  bool spaces = (d.take("shared") || d.take("shared::cta")) && d.take("global");
  bool policy = d.take("L2::cache_hint");
  d.takeOneOf({"L2::64B", "L2::128B", "L2::256B"});
  uint64_t bytes = 0;
  if (cache < 0 || !spaces || !d.operands(3, policy ? 5 : 4) || !d.immediate(2, bytes))
    return d.fail("only cp.async.{ca,cg}.shared.global is modelled");
  if (bytes != 16 && !(cache == 0 && (bytes == 4 || bytes == 8)))
    return d.fail("a copy of " + std::to_string(bytes) + " bytes does not exist");
  if (!d.address(0))
    return false;
  d.out.target = static_cast<uint32_t>(d.out.imm);
  if (!d.address(1))
    return false;
  d.out.bytes = static_cast<uint16_t>(bytes);
  d.noteSharedAccess(static_cast<unsigned>(bytes));
  bool hasSize = d.operandCount() - policy == 4;
  if (hasSize && d.width(d.operand(3)) == 1) {
    d.out.flags = kHasIgnore;
    return d.readPredicate(3) && d.finish(copy);
  }
  d.out.flags = hasSize ? kHasSourceSize : 0;
  return (!hasSize || d.read(3, Type::U32)) && d.finish(copy);
}

bool decodeCp(Decoder &d) {
  if (d.has("reduce") || d.has("bulk"))
    return decodeBulkCopy(d);
  if (!d.take("async"))
    return d.fail("only the cp.async family is modelled");
  if (d.take("mbarrier"))
    return d.take("arrive") && decodeCopyArrive(d);
  if (d.take("commit_group"))
    return d.operands(0) && d.finish(commit);
  if (d.take("wait_all")) {
    d.out.flags = 1;
    return d.operands(0) && d.finish(wait);
  }
  if (d.take("wait_group"))
    return d.operands(1) && d.immediate(0, d.out.imm) && d.finish(wait);
  return decodeCopy(d);
}

constexpr Opcode kOpcodes[] = {{"cp", decodeCp}};

} // namespace

std::span<const Opcode> copyOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
