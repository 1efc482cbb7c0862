//===- MbarrierOps.cpp - mbarrier.* and cp.async.mbarrier.arrive ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, 9.7.13.15. A wait that is not over parks its lanes until the phase completes; if nothing else
// can go on, it times out and answers false, as try_wait may. test_wait does the same, which is as if it
// had been executed later. The state that arrive returns is the phase's number and the arrivals that were
// pending.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/AsyncCopy.h"

namespace imbrex::simulator {
namespace {

constexpr uint32_t kRelaxed = 1u << 8, kDrop = 1u << 9, kNoComplete = 1u << 10;
constexpr uint32_t kExpect = 1u << 11, kParity = 1u << 12, kNoIncrement = 1u << 13;
constexpr unsigned kPendingBits = 20;

/// The address in shared memory; what is none lies out of bounds.
uint64_t objectAddress(Warp &warp, const Instruction &i, uint32_t base, unsigned lane) {
  uint64_t address = laneAddress(warp, i, base, lane);
  return spaceOf(i) == Space::Generic ? address - kSharedWindow : address;
}

void addStamps(Clocks::WarpRow &to, const Clocks::WarpRow &from) {
  for (unsigned warp = 0; warp < kMaxWarps; ++warp)
    to[warp] = std::max(to[warp], from[warp]);
}

/// Whether another lane of the instruction has just done what this one is about to: by the ISA undefined, on devices
/// the same as once, and ThunderKittens counts on it.
bool isSameInit(const Mbarrier &object, Accessor who, uint32_t count, uint32_t now) {
  return object.creator.warp() == who.warp() && object.creator.instruction() == who.instruction() &&
         object.creator.lane() != who.lane() && object.created == now && object.expected == count;
}

/// op: base, count.
Step initialise(Warp &warp, const Instruction &i, uint32_t lanes) {
  Cta &cta = *warp.cta;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t address = objectAddress(warp, i, i.op[0], lane);
    uint32_t count = warp.reg<uint32_t>(i.op[1])[lane];
    SharedPlace place;
    if (!resolveShared(warp, i, lane, address, 8, 8, place))
      return Step::Fault;
    if (place.home != &cta)
      return warp.fail(FaultKind::MbarrierMisuse, i, lane, "mbarrier.init of another block's object");
    if (count == 0 || count > kMostArrivals)
      return warp.fail(FaultKind::MbarrierMisuse, i, lane,
                       "an mbarrier cannot expect " + std::to_string(count) + " arrivals");
    Accessor who = Accessor::make(warp.index, lane, i.index, false);
    auto found = cta.mbarriers.find(place.offset);
    if (found != cta.mbarriers.end() && isSameInit(found->second, who, count, cta.shared.clocks.now)) {
      cta.launch->note(*cta.program, NoteKind::EqualWrites, i.index, i.index,
                       "lanes of a warp initialise one mbarrier alike");
      continue;
    }
    if (found != cta.mbarriers.end())
      return warp.fail(FaultKind::MbarrierMisuse, i, lane,
                       "the bytes hold an mbarrier object already; missing: mbarrier.inval before they are used anew");
    if (!cta.shared.placeObject(place.offset, who)) {
      failShared(warp, i, lane, cta, place.offset, 8, true);
      return Step::Fault;
    }
    Mbarrier &object = cta.mbarriers[place.offset];
    object.address = place.offset;
    object.expected = object.pending = count;
    object.creator = who;
    object.created = cta.shared.clocks.now;
  }
  return Step::Next;
}

/// Whether the lane knows of a warp's operation on an mbarrier, at that stamp. They are told apart by warps, not by
/// lanes: a lane that has learnt of any lane's there has learnt of it. (cuda::pipeline counts a warp's threads out by
/// one lane that match.any.sync picks.)
bool isUseKnown(const Clocks &clocks, unsigned warp, unsigned lane, unsigned actor, uint32_t time) {
  if (time <= clocks.seen[warp][actor])
    return true;
  for (unsigned other = 0; other < 32 && actor < kMaxWarps; ++other)
    if (clocks.ordered(warp, lane, actor, other, time))
      return true;
  return false;
}

/// op: base.
Step invalidate(Warp &warp, const Instruction &i, uint32_t lanes) {
  Cta &cta = *warp.cta;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    MbarrierPlace place;
    if (!findMbarrier(warp, i, lane, objectAddress(warp, i, i.op[0], lane), place))
      return Step::Fault;
    if (place.home != &cta)
      return warp.fail(FaultKind::MbarrierMisuse, i, lane, "mbarrier.inval of another block's object");
    const Clocks &clocks = cta.shared.clocks;
    for (unsigned actor = 0; actor < kActors; ++actor)
      if (actor != warp.index && !isUseKnown(clocks, warp.index, lane, actor, place.object->lastUse[actor]))
        return warp.fail(FaultKind::SharedRace, i, lane,
                         "mbarrier.inval is not ordered after a use by " +
                             (actor < kMaxWarps ? "warp " + std::to_string(actor)
                                                : "the block of rank " + std::to_string(actor - kFirstForeign)) +
                             "; missing: bar.sync between the two");
    uint32_t offset = place.object->address;
    cta.shared.dropObject(offset, Accessor::make(warp.index, lane, i.index, false));
    cta.mbarriers.erase(offset);
  }
  return Step::Next;
}

/// One lane's arrival: state, then counts.
bool arriveLane(Warp &warp, const Instruction &i, unsigned lane, MbarrierPlace place) {
  Mbarrier &object = *place.object;
  uint32_t operand = warp.reg<uint32_t>(i.op[2])[lane];
  uint32_t count = i.flags & kExpect ? 1 : operand;
  warp.reg<uint64_t>(i.op[0])[lane] = static_cast<uint64_t>(object.phase) << kPendingBits | object.pending;
  if (count == 0 || count > kMostArrivals) {
    warp.fail(FaultKind::MbarrierMisuse, i, lane, std::to_string(count) + " arrivals at once are not possible");
    return false;
  }
  if (i.flags & kExpect && !addTransactions(warp, i, lane, place, operand))
    return false;
  if (i.flags & kDrop) {
    if (count > object.expected) {
      warp.fail(FaultKind::MbarrierMisuse, i, lane, "arrive_drop of more arrivals than the mbarrier expects");
      return false;
    }
    object.expected -= count;
  }
  if (i.flags & kNoComplete && count == object.pending && object.transactions == 0) {
    warp.fail(FaultKind::MbarrierMisuse, i, lane, "arrive.noComplete would complete the phase");
    return false;
  }
  return arriveAt(warp, i, lane, place, count);
}

/// op: state, base, count or bytes.
Step arrive(Warp &warp, const Instruction &i, uint32_t lanes) {
  const Mbarrier *published = nullptr; // Lanes of one instruction mostly arrive at one object.
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    MbarrierPlace place;
    if (!findMbarrier(warp, i, lane, objectAddress(warp, i, i.op[1], lane), place))
      return Step::Fault;
    if (i.flags & kRelaxed)
      place.object->anyRelaxed = true;
    else if (place.object != published && place.home == warp.cta)
      publishLanes(warp, lanes, place.object->gathered);
    else if (place.object != published)
      publish(warp, place.object->gathered);
    published = place.object;
    if (place.home == warp.cta && !(i.flags & kRelaxed)) {
      place.object->arrivedLanes[warp.index] |= 1u << lane;
      addStamps(place.object->copiesBehind, warp.copiesWaitedFor);
    }
    if (!arriveLane(warp, i, lane, place))
      return Step::Fault;
  }
  return Step::Next;
}

/// op: base, bytes. bytes: 1 for complete_tx.
Step transact(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    MbarrierPlace place;
    int64_t bytes = warp.reg<uint32_t>(i.op[1])[lane];
    if (!findMbarrier(warp, i, lane, objectAddress(warp, i, i.op[0], lane), place) ||
        !addTransactions(warp, i, lane, place, i.bytes ? -bytes : bytes))
      return Step::Fault;
  }
  return Step::Next;
}

/// The phase that a wait is for: by parity, or the one that the state is from. The ISA gives a parity the values 0 and
/// 1; Triton's warp-specialised kernels pass the negated one and count on bit 0, hence a note.
bool awaitedPhase(Warp &warp, const Instruction &i, unsigned lane, const Mbarrier &object, int64_t &phase) {
  if (i.flags & kParity) {
    uint32_t parity = warp.reg<uint32_t>(i.op[2])[lane];
    if (parity > 1)
      warp.cta->launch->note(*warp.cta->program, NoteKind::WideParity, i.index, UINT32_MAX,
                             std::to_string(parity) + ", of which bit 0 is taken");
    phase = (object.phase & 1) == (parity & 1) ? object.phase : object.phase - 1;
    return true;
  }
  phase = static_cast<int64_t>(warp.reg<uint64_t>(i.op[2])[lane] >> kPendingBits);
  if (phase <= object.phase && phase >= object.phase - 1)
    return true;
  warp.fail(FaultKind::WaiterOvertaken, i, lane,
            "the state is of phase " + std::to_string(phase) + ", the mbarrier is in phase " +
                std::to_string(object.phase) + ": neither this one nor the one before");
  return false;
}

/// op: predicate, base, parity or state.
Step wait(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint32_t over = 0, joined = 0;
  uint64_t event = 0;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    MbarrierPlace place;
    int64_t phase = 0;
    if (!findMbarrier(warp, i, lane, objectAddress(warp, i, i.op[1], lane), place))
      return Step::Fault;
    if (place.home != warp.cta)
      return warp.fail(FaultKind::MbarrierMisuse, i, lane, "only a block's own mbarriers can be waited for");
    if (!awaitedPhase(warp, i, lane, *place.object, phase))
      return Step::Fault;
    if (phase == place.object->phase) {
      event = kMbarrierEvent + place.object->address;
      continue;
    }
    Mbarrier::Observed &observed = place.object->observed[warp.index];
    uint32_t now = warp.cta->shared.clocks.now;
    bool seen = observed.phase == phase && observed.time == now; // By another lane, just now.
    observed = {phase, now, i.index};
    if (!(i.flags & kRelaxed) && !seen) {
      learn(warp, 1u << lane, place.object->visible);
      addStamps(warp.copiesWaitedFor, place.object->visibleCopies);
    }
    over |= 1u << lane;
    if (!(i.flags & kRelaxed))
      joined |= place.object->visibleLanes[warp.index] & 1u << lane;
  }
  if (joined != 0) // They have arrived, and know that all the others have.
    warp.cta->shared.clocks.joinLanes(warp.index, joined, warp.started);
  bool timedOut = warp.timedOut & lanes;
  warp.timedOut &= ~lanes;
  if (over == 0 && !timedOut && lanes == warp.active)
    return warp.park(lanes, i.index, Fragment::AtEvent, event);
  uint32_t &result = warp.pred(i.op[0]);
  result = (result & ~lanes) | over;
  warp.notePoll();
  return Step::Next;
}

/// op: count, state.
Step pendingCount(Warp &warp, const Instruction &i, uint32_t lanes) {
  forLanes(lanes, [&](unsigned lane) {
    warp.reg<uint32_t>(i.op[0])[lane] =
        static_cast<uint32_t>(warp.reg<uint64_t>(i.op[1])[lane]) & ((1u << kPendingBits) - 1);
  });
  return Step::Next;
}

/// op: base. PTX ISA, cp.async.mbarrier.arrive: the object's next phase waits for the thread's earlier cp.async
/// too, which become copies of its channel.
Step arriveForCopies(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    MbarrierPlace place;
    if (!findMbarrier(warp, i, lane, objectAddress(warp, i, i.op[0], lane), place))
      return Step::Fault;
    if (place.home != warp.cta)
      return warp.fail(FaultKind::MbarrierMisuse, i, lane, "cp.async can only arrive at an mbarrier of its own block");
    unsigned channel = channelOf(warp, i, lane, place);
    if (channel == 0)
      return Step::Fault;
    completeCopies(warp, lane, channel);
    if (i.flags & kNoIncrement && !arriveAt(warp, i, lane, place, 1))
      return Step::Fault;
  }
  return Step::Next;
}

void takeOrder(Decoder &d) {
  if (d.take("relaxed"))
    d.out.flags |= kRelaxed;
  else
    d.takeOneOf({"acquire", "release"});
  d.takeOneOf({"cta", "cluster"});
}

/// Space and .b64; the object keeps its own granules.
bool takeObject(Decoder &d) {
  Space space = d.takeSpace();
  if (space != Space::Generic && space != Space::Shared && space != Space::SharedCluster)
    return d.fail("an mbarrier lies in shared memory");
  d.out.flags |= static_cast<uint32_t>(space) << kSpaceShift;
  d.noteSharedAccess(8);
  d.rule(Rule::Use);
  return d.takeType() == Type::B64 || d.fail("needs .b64");
}

bool decodeArrive(Decoder &d, bool drop) {
  d.out.flags |= drop ? kDrop : 0;
  d.out.flags |= d.take("expect_tx") ? kExpect : 0;
  d.out.flags |= d.take("noComplete") ? kNoComplete : 0;
  takeOrder(d);
  if (!takeObject(d) || !d.operands(2, 3) || !d.write(0, Type::B64) || !d.address(1))
    return false;
  ptx::Operand one;
  one.kind = ptx::Operand::Integer;
  one.bits = 1;
  if (d.operandCount() == 2 && d.out.flags & (kExpect | kNoComplete))
    return d.fail("needs a count");
  return d.read(d.operandCount() == 3 ? d.operand(2) : one, Type::B32) && d.finish(arrive);
}

bool decodeWait(Decoder &d) {
  bool isTry = d.source.modifiers[0] == "try_wait";
  d.out.flags |= d.take("parity") ? kParity : 0;
  takeOrder(d);
  if (!takeObject(d) || !d.operands(3, isTry ? 4 : 3) || !d.write(0, Type::Pred) || !d.address(1) ||
      !d.read(2, d.out.flags & kParity ? Type::B32 : Type::B64))
    return false;
  uint64_t offset = d.out.imm;
  bool good = d.operandCount() < 4 || d.read(3, Type::B32);
  d.out.imm = offset;
  return good && d.finish(wait);
}

bool decodeMbarrier(Decoder &d) {
  switch (d.takeOneOf({"init", "inval", "arrive", "arrive_drop", "expect_tx", "complete_tx", "test_wait", "try_wait",
                       "pending_count"})) {
  case 0:
    return takeObject(d) && d.operands(2) && d.address(0) && d.read(1, Type::B32) && d.finish(initialise);
  case 1:
    return takeObject(d) && d.operands(1) && d.address(0) && d.finish(invalidate);
  case 2:
    return decodeArrive(d, false);
  case 3:
    return decodeArrive(d, true);
  case 5:
    d.out.bytes = 1;
    [[fallthrough]];
  case 4:
    takeOrder(d);
    return takeObject(d) && d.operands(2) && d.address(0) && d.read(1, Type::B32) && d.finish(transact);
  case 6:
  case 7:
    return decodeWait(d);
  case 8:
    return d.takeType() == Type::B64 && d.operands(2) && d.write(0, Type::B32) && d.read(1, Type::B64) &&
           d.finish(pendingCount);
  default:
    return d.fail("this form of mbarrier is not modelled");
  }
}

constexpr Opcode kOpcodes[] = {{"mbarrier", decodeMbarrier}};

} // namespace

bool decodeCopyArrive(Decoder &d) {
  d.out.flags |= d.take("noinc") ? kNoIncrement : 0;
  return takeObject(d) && d.operands(1) && d.address(0) && d.finish(arriveForCopies);
}

std::span<const Opcode> mbarrierOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
