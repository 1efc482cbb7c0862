//===- Barrier.cpp - bar and barrier --------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, barrier{.cta}: sync, arrive and red with a barrier number and an optional thread count,
// aligned or not, and bar.warp.sync. A warp arrives, as 32 threads, when all of its threads that have
// not exited have come, whichever came or exited first. What an arrival makes visible is gathered in the barrier and
// learnt by everybody who waits there.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Access.h"

namespace imbrex::simulator {
namespace {

constexpr uint32_t kAligned = 1, kArriveOnly = 2, kHasCount = 4;

// bar.red's result, in Instruction::count.
enum Reduction : uint16_t { None, PopCount, And, Or };

Step failBarrier(Warp &warp, const Instruction &i, uint32_t lanes, std::string detail) {
  return warp.fail(FaultKind::DivergentBarrier, i, static_cast<unsigned>(__builtin_ctz(lanes)), std::move(detail));
}

/// The value of an operand that must be the same in all lanes; false with a fault if it is not.
bool uniform(Warp &warp, const Instruction &i, uint32_t lanes, uint32_t slot, uint32_t &value, Step &step) {
  const uint32_t *values = warp.reg<uint32_t>(slot);
  value = values[__builtin_ctz(lanes)];
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1)
    if (values[__builtin_ctz(rest)] != value) {
      step = failBarrier(warp, i, lanes, "the threads of one warp name different barriers or counts");
      return false;
    }
  return true;
}

/// Adds the warp's arrival to the barrier; false with a fault if it does not fit what others asked for.
bool join(Warp &warp, const Instruction &i, uint32_t lanes, uint32_t number, uint32_t count, Step &step) {
  Cta &cta = *warp.cta;
  Barrier &barrier = cta.barriers[number];
  bool whole = !(i.flags & kHasCount);
  uint32_t expected = whole ? 32 * cta.warpCount : count;
  if (barrier.expected == 0) {
    barrier.expected = expected;
    barrier.wholeBlock = whole;
    barrier.released.fill(0);
  } else if (barrier.expected != expected) {
    step = failBarrier(warp, i, lanes,
                       "barrier " + std::to_string(number) + " count mismatch: " + std::to_string(expected) +
                           " threads asked for here, " + std::to_string(barrier.expected) + " by who came before");
    return false;
  }
  barrier.partial[warp.index] |= lanes;
  cta.countArrival(barrier, warp.index);
  if (barrier.arrived > barrier.expected) {
    step = failBarrier(warp, i, lanes,
                       "barrier " + std::to_string(number) + ": " + std::to_string(barrier.arrived) +
                           " threads arrived where " + std::to_string(barrier.expected) + " are expected");
    return false;
  }
  cta.shared.clocks.publish(warp.index, barrier.released);
  return true;
}

void addReduction(Warp &warp, const Instruction &i, uint32_t lanes, Barrier &barrier) {
  if (i.count == None)
    return;
  uint32_t values = warp.pred(i.op[3]) ^ i.op[4];
  barrier.redCount += static_cast<uint32_t>(__builtin_popcount(values & lanes));
  barrier.redAll &= (values & lanes) == lanes;
}

/// op: result of red (or unused), number, count, then predicate and flip for red.
Step barrier(Warp &warp, const Instruction &i, uint32_t lanes) {
  if (i.flags & kAligned && !warp.isWhole(lanes))
    return failBarrier(warp, i, lanes,
                       "executed by " + std::to_string(__builtin_popcount(lanes)) + " of the warp's " +
                           std::to_string(__builtin_popcount(warp.live)) +
                           " threads; an aligned barrier needs the whole warp");
  uint32_t number = 0, count = 0;
  Step step = Step::Next;
  if (!uniform(warp, i, lanes, i.op[1], number, step))
    return step;
  if (i.flags & kHasCount && !uniform(warp, i, lanes, i.op[2], count, step))
    return step;
  if (number >= Cta::kBarriers)
    return failBarrier(warp, i, lanes, "there is no barrier " + std::to_string(number));
  if (i.flags & kHasCount && (count == 0 || count % 32 != 0))
    return failBarrier(warp, i, lanes, "the count " + std::to_string(count) + " is not a positive multiple of 32");
  if (!join(warp, i, lanes, number, count, step))
    return step;
  Barrier &state = warp.cta->barriers[number];
  addReduction(warp, i, lanes, state);
  if (!(i.flags & kArriveOnly)) {
    state.waiters.push_back({warp.index, lanes, &i});
    step = warp.park(lanes, i.index + 1, Fragment::AtBarrier, number);
  }
  warp.cta->tryComplete(number);
  return step;
}

bool readOptional(Decoder &d, size_t i) {
  if (i < d.operandCount()) {
    d.out.flags |= kHasCount;
    return d.read(i, Type::U32);
  }
  d.extra(0);
  return true;
}

/// Threads with the same mask wait for each other; those of other masks are other barriers.
Step warpBarrier(Warp &warp, const Instruction &i, uint32_t lanes) {
  const uint32_t *masks = warp.reg<uint32_t>(i.op[0]);
  Step step = Step::Next;
  while (lanes != 0) {
    uint32_t mask = masks[__builtin_ctz(lanes)], group = 0;
    for (uint32_t rest = lanes; rest != 0; rest &= rest - 1)
      if (unsigned lane = static_cast<unsigned>(__builtin_ctz(rest)); masks[lane] == mask)
        group |= 1u << lane;
    lanes &= ~group;
    if (group & ~mask)
      return failBarrier(warp, i, group & ~mask, "a thread that executes bar.warp.sync is not in its mask");
    if (warp.gather(i, group, mask, Warp::kWarpSyncKey + mask))
      warp.cta->shared.clocks.joinLanes(warp.index, group, warp.live);
    else
      step = Step::Switch;
  }
  return step;
}

bool decodeReduction(Decoder &d) {
  d.out.count = static_cast<uint16_t>(d.takeOneOf({"popc", "and", "or"}) + 1);
  Type type = d.takeType();
  if (d.out.count == None || type != (d.out.count == PopCount ? Type::U32 : Type::Pred))
    return d.fail("needs .popc.u32, .and.pred or .or.pred");
  if (!d.operands(3, 4) || !d.write(0, type) || !d.read(1, Type::U32))
    return false;
  size_t last = d.operandCount() - 1;
  if (last == 3) {
    d.out.flags |= kHasCount;
    if (!d.read(2, Type::U32))
      return false;
  } else {
    d.extra(0);
  }
  return d.readPredicate(last) && d.finish(barrier);
}

bool decodeBarrier(Decoder &d) {
  bool isBar = d.source.opcode == "bar";
  if (d.take("warp"))
    return d.take("sync") && d.operands(1) && d.read(0, Type::U32) && d.finish(warpBarrier);
  d.take("cta");
  if (d.take("aligned") || isBar)
    d.out.flags |= kAligned;
  int kind = d.takeOneOf({"sync", "arrive", "red"});
  if (kind < 0)
    return d.fail("this form of barrier is not modelled");
  if (kind == 2)
    return decodeReduction(d);
  if (kind == 1)
    d.out.flags |= kArriveOnly;
  if (!d.operands(kind == 1 ? 2 : 1, 2))
    return false;
  d.extra(0);
  return d.read(0, Type::U32) && readOptional(d, 1) && d.finish(barrier);
}

constexpr Opcode kOpcodes[] = {{"bar", decodeBarrier}, {"barrier", decodeBarrier}};

} // namespace

std::span<const Opcode> barrierOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
