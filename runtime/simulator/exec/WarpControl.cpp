//===- WarpControl.cpp - Fragments, joins and calls of a warp -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a warp's lanes part and meet: branches, joins, calls, ends, and the operations that wait for other lanes.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Mbarrier.h"

#include <algorithm>

namespace imbrex::simulator {

/// Takes the first parked fragment that is ready.
bool Warp::pick() {
  for (size_t i = 0; i < parked.size(); ++i) {
    if (parked[i].state != Fragment::Ready)
      continue;
    Fragment fragment = parked[i];
    parked.erase(parked.begin() + static_cast<ptrdiff_t>(i));
    active = fragment.lanes;
    pc = fragment.pc;
    depth = fragment.depth;
    setJoin(fragment.join);
    return true;
  }
  return false;
}

static bool isAligned(const Fragment &fragment) {
  return fragment.state == Fragment::AtWarpSync && fragment.key >= Warp::kAlignedKey;
}

/// Lanes wait at an .aligned instruction for lanes that nothing but those can bring there.
bool Warp::isStuckAtAligned() const {
  return std::ranges::any_of(parked, isAligned) &&
         std::ranges::none_of(
             parked, [](const Fragment &f) { return f.state == Fragment::AtBarrier || f.state == Fragment::AtEvent; });
}

static std::string wholeWarpNeeded(uint32_t lanes, uint32_t live) {
  return "executed by " + std::to_string(__builtin_popcount(lanes)) + " of the warp's " +
         std::to_string(__builtin_popcount(live)) + " threads; an .aligned instruction needs the whole warp";
}

Warp::Status Warp::failStuck() {
  const Fragment &fragment = *std::ranges::find_if(parked, isAligned);
  fail(FaultKind::DivergentBarrier, cta->program->code[fragment.pc],
       static_cast<unsigned>(__builtin_ctz(fragment.lanes)), wholeWarpNeeded(fragment.lanes, live));
  return Status::Fault;
}

/// The next fragment runs, if need be one that only a hint holds back. False: `status` is Done, Blocked or Fault.
bool Warp::pickOrRelease(Status &status) {
  if (pick())
    return true;
  if (live == 0)
    status = Status::Done;
  else if (isStuckAtAligned())
    status = failStuck();
  else if (std::ranges::none_of(parked, isAligned) && releaseHint())
    return pick();
  else
    status = Status::Blocked;
  return false;
}

/// Lets the lanes that have arrived at a join go on without the others; false if there are none.
bool Warp::releaseHint() {
  for (size_t number = joins.size(); number-- > 0;) {
    Join &point = joins[number];
    if (point.arrived == 0)
      continue;
    parked.push_back({point.pc, point.arrived, point.parent, point.depth, Fragment::Ready, 0});
    point.expected &= ~point.arrived;
    point.arrived = 0;
    return true;
  }
  return false;
}

void Warp::setJoin(int number) {
  join = number;
  joinPc = number < 0 || joins[number].depth != depth ? kNoPc : joins[number].pc;
}

int Warp::openJoin(uint32_t at, uint32_t lanes) {
  size_t number = 0;
  while (number < joins.size() && joins[number].expected != 0)
    ++number;
  if (number == joins.size())
    joins.emplace_back();
  joins[number] = {at, lanes, 0, join, depth};
  return static_cast<int>(number);
}

void Warp::branch(const Instruction &instruction, uint32_t taken) {
  uint32_t rest = active & ~taken;
  if (rest == 0) {
    pc = instruction.target;
    return;
  }
  // A loop whose lanes leave one after the other meets the same join every time.
  if (instruction.reconverge != joinPc && instruction.reconverge != kNoPc)
    setJoin(openJoin(instruction.reconverge, active));
  parked.push_back({instruction.target, taken, join, depth, Fragment::Ready, 0});
  active = rest;
}

void Warp::branchMany(const Instruction &instruction, uint32_t lanes, const uint32_t *targets) {
  uint32_t rest = active & ~lanes, first = targets[__builtin_ctz(lanes)], together = 0;
  for (unsigned lane = 0; lane < 32; ++lane)
    together |= uint32_t(lanes >> lane & 1 && targets[lane] == first) << lane;
  if (together != active && instruction.reconverge != joinPc && instruction.reconverge != kNoPc)
    setJoin(openJoin(instruction.reconverge, active));
  if (rest != 0)
    parked.push_back({pc, rest, join, depth, Fragment::Ready, 0});
  for (uint32_t others = lanes & ~together; others != 0;) {
    uint32_t target = targets[__builtin_ctz(others)], group = 0;
    for (unsigned lane = 0; lane < 32; ++lane)
      group |= uint32_t(others >> lane & 1 && targets[lane] == target) << lane;
    parked.push_back({target, group, join, depth, Fragment::Ready, 0});
    others &= ~group;
  }
  active = together;
  pc = first;
}

void Warp::detour(uint32_t at, uint32_t lanes, uint32_t to) {
  int number = openJoin(at, active);
  joins[number].arrived = active & ~lanes;
  active = lanes;
  pc = to;
  ++depth;
  setJoin(number);
}

Step Warp::leave(uint32_t lanes, uint32_t to) {
  int outer = join;
  while (outer >= 0 && joins[outer].depth >= depth)
    outer = joins[outer].parent;
  for (size_t number = 0; number < joins.size(); ++number)
    if (joins[number].depth >= depth && (joins[number].expected & lanes) != 0) {
      joins[number].expected &= ~lanes;
      joins[number].arrived &= ~lanes;
      releaseJoin(static_cast<int>(number));
    }
  if (lanes != active) {
    parked.push_back({to, lanes, outer, depth - 1, Fragment::Ready, 0});
    active &= ~lanes;
    return Step::Next;
  }
  --depth;
  pc = to;
  setJoin(outer);
  return Step::Next;
}

void Warp::arriveAtJoin() {
  int number = join;
  joins[number].arrived |= active;
  active = 0;
  releaseJoin(number);
}

/// Lets a join's lanes go on as one fragment once all have come; the join's slot is free again.
void Warp::releaseJoin(int number) {
  Join &point = joins[number];
  if (point.arrived != point.expected || point.expected == 0)
    return;
  parked.push_back({point.pc, point.arrived, point.parent, point.depth, Fragment::Ready, 0});
  point.arrived = point.expected = 0;
}

Step Warp::exitLanes(uint32_t lanes) {
  live &= ~lanes;
  active &= ~lanes;
  for (size_t number = 0; number < joins.size(); ++number) {
    joins[number].expected &= ~lanes;
    releaseJoin(static_cast<int>(number));
  }
  // Who waits for the lanes that ended looks again.
  for (Fragment &fragment : parked)
    if (fragment.state == Fragment::AtWarpSync)
      fragment.state = Fragment::Ready;
  cta->noteExit(index);
  return active == 0 ? Step::Switch : Step::Next;
}

Step Warp::park(uint32_t lanes, uint32_t resumeAt, Fragment::State state, uint64_t key) {
  parked.push_back({resumeAt, lanes, join, depth, state, key});
  active &= ~lanes;
  return active == 0 ? Step::Switch : Step::Next;
}

bool Warp::gather(const Instruction &instruction, uint32_t &lanes, uint32_t needed, uint64_t key) {
  uint32_t missing = needed & live & ~lanes;
  gathered = lanes;
  if (missing == 0) [[likely]]
    return true;
  uint32_t waiting = 0;
  for (const Fragment &fragment : parked)
    if (fragment.state == Fragment::AtWarpSync && fragment.key == key)
      waiting |= fragment.lanes;
  if ((missing & ~waiting) != 0) {
    park(lanes, instruction.index, Fragment::AtWarpSync, key);
    return false;
  }
  for (Fragment &fragment : parked)
    if (fragment.state == Fragment::AtWarpSync && fragment.key == key && (fragment.lanes & missing)) {
      lanes |= fragment.lanes;
      fragment.state = Fragment::Ready;
      ++fragment.pc;
    }
  gathered = lanes;
  return true;
}

void Warp::wake(uint32_t lanes, uint64_t key) {
  for (Fragment &fragment : parked)
    if (fragment.state == Fragment::AtBarrier && fragment.key == key && fragment.lanes == lanes)
      fragment.state = Fragment::Ready;
}

void Warp::wakeEvent(uint64_t key) {
  for (Fragment &fragment : parked)
    if (fragment.state == Fragment::AtEvent && fragment.key == key)
      fragment.state = Fragment::Ready;
}

bool Warp::timeOut() {
  bool any = false;
  for (Fragment &fragment : parked)
    if (fragment.state == Fragment::AtEvent && fragment.key - kMbarrierEvent <= ~uint32_t(0)) {
      fragment.state = Fragment::Ready;
      timedOut |= fragment.lanes;
      any = true;
    }
  return any;
}

bool Warp::requireWhole(const Instruction &instruction, uint32_t lanes, Step &step) {
  if (lanes == live && active == live) [[likely]]
    return true;
  if (lanes != active) { // A guard keeps some lanes of this fragment away.
    step = fail(FaultKind::DivergentBarrier, instruction, static_cast<unsigned>(__builtin_ctz(lanes)),
                wholeWarpNeeded(lanes, live));
    return false;
  }
  uint64_t key = kAlignedKey + instruction.index;
  uint32_t here = lanes;
  for (const Fragment &fragment : parked)
    if (fragment.state == Fragment::AtWarpSync && fragment.key == key && fragment.depth == depth)
      here |= fragment.lanes;
  if (here != live) {
    step = park(lanes, instruction.index, Fragment::AtWarpSync, key);
    return false;
  }
  parked.clear();
  joins.clear();
  active = live;
  setJoin(-1);
  for (unsigned u = 0; undefined.any() && u < instruction.useCount; ++u) {
    const RegisterUse &use = instruction.uses[u];
    if (use.isResult)
      undefined.define(use.slot, use.bytes, live);
    else if (uint32_t bad = undefined.lanes(use.slot) & live; bad != 0 && instruction.rule == Rule::Use) {
      step = failUndefined(instruction, use.slot, bad, "an operand of this instruction");
      return false;
    }
  }
  return true;
}

bool Warp::requireFull(const Instruction &instruction, uint32_t lanes, Step &step) {
  if (lanes == ~0u) [[likely]]
    return true;
  if (live == ~0u)
    return requireWhole(instruction, lanes, step);
  step = fail(FaultKind::DivergentBarrier, instruction, static_cast<unsigned>(__builtin_ctz(lanes)),
              "an .aligned instruction needs all 32 threads of the warp; only " +
                  std::to_string(__builtin_popcount(lanes)) + " execute it here");
  return false;
}

bool Warp::requireWarpgroup(const Instruction &instruction, uint32_t lanes, Step &step) {
  if (!requireFull(instruction, lanes, step))
    return false;
  if (index / 4 * 4 + 4 <= cta->warpCount)
    return true;
  step = fail(FaultKind::DivergentBarrier, instruction, 0, "the block's last warps are no whole warpgroup of four");
  return false;
}

} // namespace imbrex::simulator
