//===- Warp.cpp - One warp's state and control flow -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The instruction loop, divergence and reconvergence. See the header for the model.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Warp.h"

#include "runtime/simulator/exec/Mbarrier.h"

#include <cstring>

namespace imbrex::simulator {

void Warp::begin(Cta &owner, unsigned number, uint32_t lanes) {
  cta = &owner;
  index = number;
  live = active = lanes;
  pc = 0;
  parked.clear();
  joins.clear();
  setJoin(-1);
  const Program &program = *owner.program;
  registers = program.registerImage;
  local.begin(program.localBytes);
  recent = Allocation();
  std::memset(copyGroup, 0, sizeof(copyGroup));
  copies.clear();
  executed = 0;
  timedOut = 0;
  bulk = BulkGroups();
  matrix.begin(program.matrix.get());
  fillSpecials();
}

namespace {

/// The registers of a block's place in its cluster.
uint32_t clusterValue(const Cta &cta, Special which) {
  const LaunchState &launch = *cta.launch;
  if (which == Special::ClusterCtaRank)
    return cta.rank;
  if (which == Special::ClusterNctaRank)
    return static_cast<uint32_t>(cta.cluster->blocks.size());
  unsigned number = unsigned(which) - unsigned(Special::ClusterIdX), d = number % 3;
  switch (number / 3) {
  case 0:
    return cta.cluster->id[d];
  case 1:
    return launch.grid[d] / launch.cluster[d];
  case 2:
    return cta.id[d] % launch.cluster[d];
  default:
    return launch.cluster[d];
  }
}

uint32_t specialValue(const Cta &cta, unsigned warp, unsigned lane, Special which) {
  const LaunchState &launch = *cta.launch;
  uint32_t thread = warp * 32 + lane;
  const uint32_t *block = launch.block;
  switch (which) {
  case Special::TidX:
    return thread % block[0];
  case Special::TidY:
    return thread / block[0] % block[1];
  case Special::TidZ:
    return thread / (block[0] * block[1]);
  case Special::NtidX:
    return block[0];
  case Special::NtidY:
    return block[1];
  case Special::NtidZ:
    return block[2];
  case Special::CtaidX:
    return cta.id[0];
  case Special::CtaidY:
    return cta.id[1];
  case Special::CtaidZ:
    return cta.id[2];
  case Special::NctaidX:
    return launch.grid[0];
  case Special::NctaidY:
    return launch.grid[1];
  case Special::NctaidZ:
    return launch.grid[2];
  case Special::LaneId:
    return lane;
  case Special::WarpId:
    return warp;
  case Special::NWarpId:
    return kMaxWarps * 2;
  case Special::SmId:
    return (cta.id[0] + launch.grid[0] * (cta.id[1] + launch.grid[1] * cta.id[2])) % launch.smCount;
  case Special::NSmId:
    return launch.smCount;
  case Special::GridId:
    return static_cast<uint32_t>(launch.gridId);
  case Special::MaskEq:
    return 1u << lane;
  case Special::MaskLt:
    return (1u << lane) - 1;
  case Special::MaskLe:
    return (1u << lane) - 1 + (1u << lane);
  case Special::MaskGt:
    return ~((1u << lane) - 1 + (1u << lane));
  case Special::MaskGe:
    return ~((1u << lane) - 1);
  case Special::DynamicShared:
    return launch.dynamicSharedBytes;
  case Special::TotalShared:
    return launch.dynamicSharedBytes + cta.program->staticSharedBytes;
  default:
    return clusterValue(cta, which);
  }
}

} // namespace

void Warp::fillSpecials() {
  for (const Program::SpecialSlot &use : cta->program->specials)
    for (unsigned lane = 0; lane < 32; ++lane) {
      uint32_t value = specialValue(*cta, index, lane, use.which);
      if (use.bytes == 8)
        reg<uint64_t>(use.slot)[lane] = value;
      else
        reg<uint32_t>(use.slot)[lane] = value;
    }
}

Warp::Status Warp::run(uint64_t &quantum) {
  if (active == 0 && !pick())
    return live == 0 ? Status::Done : Status::Blocked;
  const Instruction *code = cta->program->code.data();
  uint64_t before = quantum;
  Status status = Status::Ready;
  while (quantum > 0) {
    if (pc == joinPc) [[unlikely]] {
      arriveAtJoin();
      if (active == 0 && !pick()) {
        status = Status::Blocked;
        break;
      }
      continue;
    }
    --quantum;
    const Instruction &instruction = code[pc];
    uint32_t lanes = active & (pred(instruction.guard) ^ instruction.guardFlip);
    ++pc;
    if (lanes == 0)
      continue;
    Step step = instruction.run(*this, instruction, lanes);
    if (step == Step::Next) [[likely]]
      continue;
    if (step == Step::Fault) {
      status = Status::Fault;
      break;
    }
    if (active == 0 && !pick()) {
      status = live == 0 ? Status::Done : Status::Blocked;
      break;
    }
  }
  executed += before - quantum;
  // Lanes that spin on what other lanes of this warp must do let them run now and then.
  if (status == Status::Ready && active != 0 && !parked.empty())
    park(active, pc, Fragment::Ready, 0);
  return status;
}

/// Takes the first parked fragment that is ready.
bool Warp::pick() {
  for (size_t i = 0; i < parked.size(); ++i) {
    if (parked[i].state != Fragment::Ready)
      continue;
    Fragment fragment = parked[i];
    parked.erase(parked.begin() + static_cast<ptrdiff_t>(i));
    active = fragment.lanes;
    pc = fragment.pc;
    setJoin(fragment.join);
    return true;
  }
  return false;
}

void Warp::setJoin(int number) {
  join = number;
  joinPc = number < 0 ? kNoPc : joins[number].pc;
}

void Warp::branch(const Instruction &instruction, uint32_t taken) {
  uint32_t rest = active & ~taken;
  if (rest == 0) {
    pc = instruction.target;
    return;
  }
  // A loop whose lanes leave one after the other meets the same join every time.
  if (instruction.reconverge != joinPc && instruction.reconverge != kNoPc) {
    size_t number = 0;
    while (number < joins.size() && joins[number].expected != 0)
      ++number;
    if (number == joins.size())
      joins.emplace_back();
    joins[number] = {instruction.reconverge, active, 0, join};
    setJoin(static_cast<int>(number));
  }
  parked.push_back({instruction.target, taken, join, Fragment::Ready, 0});
  active = rest;
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
  parked.push_back({point.pc, point.arrived, point.parent, Fragment::Ready, 0});
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
  parked.push_back({resumeAt, lanes, join, state, key});
  active &= ~lanes;
  return active == 0 ? Step::Switch : Step::Next;
}

bool Warp::gather(const Instruction &instruction, uint32_t &lanes, uint32_t needed, uint64_t key) {
  uint32_t missing = needed & live & ~lanes;
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

Step Warp::fail(FaultKind kind, const Instruction &instruction, unsigned lane, std::string detail) {
  cta->fault = Fault{kind, std::move(detail), instruction.index, ~0u, index, lane};
  return Step::Fault;
}

bool Warp::requireFull(const Instruction &instruction, uint32_t lanes, Step &step) {
  if (lanes == ~0u) [[likely]]
    return true;
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
