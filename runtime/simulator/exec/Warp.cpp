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

#include <algorithm>
#include <cstring>
#include <iterator>

namespace imbrex::simulator {

void Warp::begin(Cta &owner, unsigned number, uint32_t lanes) {
  cta = &owner;
  index = number;
  started = live = active = lanes;
  pc = 0;
  depth = 0;
  waited = 0;
  parked.clear();
  joins.clear();
  clusterBarriers = 0;
  setJoin(-1);
  const Program &program = *owner.program;
  registers = program.registerImage;
  undefined.begin(registers.size());
  for (const RegisterUse &use : program.undefined)
    for (unsigned lane = 0; lane < 32; ++lane)
      undefined.set(use.slot, use.bytes, lane, allBits(use.bytes), true, Definedness::kNeverWritten);
  unwritten.clear();
  local.begin(program.localBytes);
  for (unsigned lane = 0; lane < 32 && !program.localGaps.empty(); ++lane)
    local.beginFrame(lane, 0, program.localBytes, program.localGaps);
  if (program.usesStack) {
    stacks.resize(32);
    for (LaneStack &stack : stacks) {
      stack.frames.clear();
      stack.saved.clear();
      stack.top = program.localBytes;
    }
  }
  recent = Allocation();
  std::memset(copyGroup, 0, sizeof(copyGroup));
  std::ranges::move(copies, std::back_inserter(spareCopies));
  copies.clear();
  executed = 0;
  timedOut = 0;
  copiesWaitedFor = {};
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

uint32_t launchValue(const Cta &cta, Special which) {
  const LaunchState &launch = *cta.launch;
  switch (which) {
  case Special::DynamicShared:
    return launch.dynamicSharedBytes;
  case Special::TotalShared:
    return launch.dynamicSharedBytes + cta.program->staticSharedBytes;
  case Special::Environment1:
    return static_cast<uint32_t>(launch.workspace >> 32);
  default:
    return static_cast<uint32_t>(launch.workspace);
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
  default:
    return which < Special::ClusterIdX ? launchValue(cta, which) : clusterValue(cta, which);
  }
}

} // namespace

void Warp::fillSpecials() {
  for (const Program::SpecialSlot &use : cta->program->specials)
    for (unsigned lane = 0; lane < 32; ++lane) {
      uint32_t value = specialValue(*cta, index, lane, use.which);
      if (use.bytes == 8)
        reg<uint64_t>(use.slot)[lane] = value;
      else if (use.bytes == 2)
        reg<uint16_t>(use.slot)[lane] = static_cast<uint16_t>(value);
      else
        reg<uint32_t>(use.slot)[lane] = value;
    }
}

namespace {

/// Instructions after which lanes at a join go on alone, if the others poll memory; if they do not.
constexpr uint64_t kPollPatience = 2000, kPatience = uint64_t(1) << 20;

/// A run that polled nothing goes on to its quantum; another one lets other warps and lanes have their turn.
bool extendSlice(uint64_t &slice, uint64_t &left, uint64_t quantum) {
  left = std::min(quantum - slice, kPollPatience);
  slice += left;
  return left != 0;
}

bool anyArrived(const std::vector<Join> &joins) {
  return std::ranges::any_of(joins, [](const Join &join) { return join.arrived != 0; });
}

} // namespace

Warp::Status Warp::run(uint64_t &quantum) {
  Status status = Status::Ready;
  if (active == 0 && !pickOrRelease(status))
    return status;
  const Instruction *code = cta->program->code.data();
  bool someWait = anyArrived(joins);
  uint64_t slice = std::min(quantum, kPollPatience), left = slice;
  polls = 0;
  while (left > 0 || (polls == 0 && !someWait && extendSlice(slice, left, quantum))) {
    if (pc == joinPc) [[unlikely]] {
      arriveAtJoin();
      if (active == 0 && !pickOrRelease(status))
        break;
      someWait = someWait || anyArrived(joins); // The others may spin until these lanes go on.
      continue;
    }
    --left;
    const Instruction &instruction = code[pc];
    ++pc;
    Step step;
    if (undefined.any()) [[unlikely]] {
      step = runTracked(instruction);
    } else {
      uint32_t lanes = active & (pred(instruction.guard) ^ instruction.guardFlip);
      if (lanes == 0)
        continue;
      step = instruction.run(*this, instruction, lanes);
    }
    if (step == Step::Next) [[likely]]
      continue;
    if (step == Step::Fault) {
      status = Status::Fault;
      break;
    }
    if (active == 0 && !pickOrRelease(status))
      break;
  }
  quantum -= slice - left;
  executed += slice - left;
  if (status != Status::Ready)
    return status;
  // Lanes that spin on what other lanes of this warp must do let them run now and then.
  waited = someWait ? waited + slice - left : 0;
  if ((waited >= kPatience || (polls != 0 && waited >= kPollPatience)) && releaseHint())
    waited = 0;
  if (active != 0 && !parked.empty())
    park(active, pc, Fragment::Ready, 0);
  return status;
}

Step Warp::fail(FaultKind kind, const Instruction &instruction, unsigned lane, std::string detail) {
  cta->fault = Fault{kind, std::move(detail), instruction.index, ~0u, index, lane};
  return Step::Fault;
}

} // namespace imbrex::simulator
