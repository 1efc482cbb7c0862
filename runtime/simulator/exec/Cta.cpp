//===- Cta.cpp - One block while it runs ----------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Starts a block's warps and runs them in turns until all are done, one faults, or none can go on.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Cta.h"

#include <utility>

namespace imbrex::simulator {
namespace {

constexpr uint64_t kQuantum = 100000;

/// A small deterministic generator (splitmix64), so that a seed gives the same schedule everywhere.
uint64_t nextRandom(uint64_t &state) {
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

} // namespace

void Cta::begin(LaunchState &state, uint64_t linear) {
  launch = &state;
  program = state.program;
  id[0] = static_cast<uint32_t>(linear % state.grid[0]);
  id[1] = static_cast<uint32_t>(linear / state.grid[0] % state.grid[1]);
  id[2] = static_cast<uint32_t>(linear / state.grid[0] / state.grid[1]);
  uint32_t threads = state.block[0] * state.block[1] * state.block[2];
  warpCount = (threads + 31) / 32;
  doneWarps = 0;
  shared.begin(program->staticSharedBytes + state.dynamicSharedBytes, program->granuleLog2, warpCount);
  for (Barrier &barrier : barriers)
    barrier = Barrier();
  sourceLow = ~uint64_t(0);
  sourceHigh = 0;
  copiesInFlight = 0;
  while (warps.size() < warpCount)
    warps.push_back(std::make_unique<Warp>());
  for (unsigned i = 0; i < warpCount; ++i) {
    uint32_t lanes = threads - i * 32 >= 32 ? ~0u : (1u << (threads - i * 32)) - 1;
    warps[i]->begin(*this, i, lanes);
  }
}

bool Cta::run(LaunchState &state, uint64_t linear) {
  begin(state, linear);
  return schedule();
}

bool Cta::schedule() {
  uint64_t random = launch->schedulingSeed + (uint64_t(id[0]) << 20) + (uint64_t(id[1]) << 40);
  unsigned first = 0;
  while (doneWarps < warpCount) {
    bool progress = false;
    uint64_t limit = kQuantum;
    if (launch->schedulingSeed != 0) {
      first = static_cast<unsigned>(nextRandom(random) % warpCount);
      limit = 1 + nextRandom(random) % 500;
    }
    for (unsigned i = 0; i < warpCount; ++i) {
      Warp &warp = *warps[(first + i) % warpCount];
      if (warp.live == 0)
        continue;
      uint64_t quantum = limit;
      Warp::Status status = warp.run(quantum);
      progress |= quantum != limit;
      if (status == Warp::Status::Fault)
        return false;
      if (launch->budget.fetch_sub(static_cast<int64_t>(limit - quantum), std::memory_order_relaxed) < 0) {
        fault = Fault{FaultKind::BudgetExceeded,
                      "the launch ran more warp-instructions than it was given; probably an endless loop",
                      warp.pc < program->code.size() ? warp.pc : 0,
                      ~0u,
                      warp.index,
                      0};
        return false;
      }
      if (status == Warp::Status::Done) {
        ++doneWarps;
        for (unsigned number = 0; number < kBarriers; ++number)
          tryComplete(number);
      }
    }
    if (!progress && doneWarps < warpCount) {
      reportDeadlock();
      return false;
    }
  }
  return true;
}

/// The result of bar.red: count is 1 for popc, 2 for and, 3 for or (exec/Barrier.cpp).
static void deliverReduction(const Barrier &barrier, const Barrier::Waiter &waiter, Warp &warp) {
  uint32_t slot = waiter.instruction->op[0];
  if (waiter.instruction->count == 1) {
    forLanes(waiter.lanes, [&](unsigned lane) { warp.reg<uint32_t>(slot)[lane] = barrier.redCount; });
    return;
  }
  bool result = waiter.instruction->count == 2 ? barrier.redAll != 0 : barrier.redCount != 0;
  uint32_t &mask = warp.pred(slot);
  mask = (mask & ~waiter.lanes) | (result ? waiter.lanes : 0);
}

void Cta::tryComplete(unsigned number) {
  Barrier &barrier = barriers[number];
  if (barrier.expected == 0)
    return;
  uint32_t needed = barrier.wholeBlock ? 32 * (warpCount - doneWarps) : barrier.expected;
  if (barrier.arrived < needed)
    return;
  Clocks::WarpRow lanes{};
  for (const Barrier::Waiter &waiter : barrier.waiters)
    lanes[waiter.warp] |= waiter.lanes;
  for (const Barrier::Waiter &waiter : barrier.waiters) {
    shared.clocks.learn(waiter.warp, barrier.released);
    Warp &warp = *warps[waiter.warp];
    if (uint32_t together = std::exchange(lanes[waiter.warp], 0))
      shared.clocks.joinLanes(waiter.warp, together, warp.live);
    if (waiter.instruction->count != 0)
      deliverReduction(barrier, waiter, warp);
    warp.wake(waiter.lanes, number);
  }
  barrier = Barrier();
}

void Cta::countArrival(Barrier &barrier, unsigned warp) {
  if (barrier.partial[warp] == 0 || (warps[warp]->live & ~barrier.partial[warp]) != 0)
    return;
  barrier.partial[warp] = 0;
  barrier.arrived += 32;
}

void Cta::noteExit(unsigned warp) {
  for (unsigned number = 0; number < kBarriers; ++number) {
    if (barriers[number].expected == 0)
      continue;
    countArrival(barriers[number], warp);
    tryComplete(number);
  }
}

void Cta::reportDeadlock() {
  std::string table = "no warp can go on; barrier table:";
  for (unsigned number = 0; number < kBarriers; ++number) {
    const Barrier &barrier = barriers[number];
    if (barrier.expected == 0)
      continue;
    uint32_t arrived = barrier.arrived;
    for (uint32_t lanes : barrier.partial)
      arrived += static_cast<uint32_t>(__builtin_popcount(lanes));
    table += "\n    barrier " + std::to_string(number) + ": " + std::to_string(arrived) + " of " +
             std::to_string(barrier.expected) + " threads arrived, waiting warps:";
    for (const Barrier::Waiter &waiter : barrier.waiters)
      table += " " + std::to_string(waiter.warp);
  }
  uint32_t blamed = ~0u, warpIndex = 0, lane = 0;
  for (unsigned i = 0; i < warpCount; ++i)
    for (const Fragment &fragment : warps[i]->parked) {
      bool atBarrier = fragment.state == Fragment::AtBarrier;
      uint32_t at = atBarrier ? fragment.pc - 1 : fragment.pc;
      std::string where = at < program->code.size() ? std::to_string(program->code[at].line) : "?";
      table += "\n    warp " + std::to_string(i) + ": " + std::to_string(__builtin_popcount(fragment.lanes)) +
               " threads wait at PTX line " + where +
               (atBarrier ? " (barrier " + std::to_string(fragment.key) + ")" : " (warp-wide operation)");
      if (blamed == ~0u) {
        blamed = at;
        warpIndex = i;
        lane = static_cast<uint32_t>(__builtin_ctz(fragment.lanes));
      }
    }
  fault = Fault{FaultKind::Deadlock, std::move(table), blamed, ~0u, warpIndex, lane};
}

} // namespace imbrex::simulator
