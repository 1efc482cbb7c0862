//===- Cta.cpp - One block while it runs ----------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Starts a block's warps and runs them in turns until all are done, one faults, or none can go on.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Cta.h"

#include <cstdio>
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
  fault = Fault();
  shared.begin(program->sharedLayoutBytes + state.dynamicSharedBytes, program->granuleLog2, warpCount,
               program->sharedGaps);
  order.begin(*this, state.firstRun + static_cast<uint32_t>(linear));
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
  watch.begin(state.census);
  --state.census.choosing;
  bool good = schedule() && order.finish();
  ++state.census.choosing;
  watch.end();
  return good;
}

/// All of a warp's threads have ended: barriers no longer wait for them.
void Cta::finishWarp() {
  ++doneWarps;
  ++watch.changes;
  for (unsigned number = 0; number < kBarriers; ++number)
    tryComplete(number);
}

/// Whether the warp waits, or comes back to where it is with the same registers while nothing else runs.
bool Cta::isCircling(Warp &warp) {
  constexpr unsigned kLongestCircle = 1 << 16;
  WarpImage before = warp.image();
  for (unsigned step = 0; step < kLongestCircle && watch.changes == watch.known(); ++step) {
    uint64_t one = 1;
    Warp::Status status = warp.run(one);
    if (status == Warp::Status::Done)
      finishWarp();
    if (status == Warp::Status::Fault || status == Warp::Status::Done)
      return false;
    if (status == Warp::Status::Blocked)
      return true;
    if (warp.pc == before.pc && warp.active == before.active && warp.image() == before)
      return true;
  }
  return false;
}

/// A turn of the warp; instruction by instruction, with a line for each, if it is the one that is traced.
Warp::Status Cta::runWarp(Warp &warp, uint64_t &quantum) {
  uint64_t linear = id[0] + launch->grid[0] * (id[1] + uint64_t(launch->grid[1]) * id[2]);
  if (!launch->trace || launch->trace->warp != warp.index || launch->trace->block != linear) [[likely]]
    return warp.run(quantum);
  uint64_t none = 0;
  Warp::Status status = warp.run(none); // Chooses what runs.
  while (quantum > 0 && status == Warp::Status::Ready) {
    char lanes[16];
    std::snprintf(lanes, sizeof(lanes), "%08x", warp.active);
    if (warp.active != 0 && warp.pc != warp.joinPc && warp.pc < program->code.size())
      launch->traced(std::string(lanes) + "  " + describeInstruction(*program, warp.pc));
    uint64_t one = 1;
    status = warp.run(one);
    quantum -= 1 - one;
    if (status == Warp::Status::Ready && warp.active == 0)
      status = warp.run(none);
  }
  return status;
}

/// After a turn of `warp`. False: the block is in a loop that nothing can end, and `fault` says so.
bool Cta::watchLoops(const Warp &warp, uint64_t executed) {
  if (watch.calm() > launch->calmLimit) {
    fault = Fault{FaultKind::EndlessLoop,
                  "no store, atomic operation or barrier in " + std::to_string(watch.calm()) +
                      " warp-instructions of the block",
                  warp.pc < program->code.size() ? warp.pc : 0,
                  ~0u,
                  warp.index,
                  0};
    return false;
  }
  if (!watch.isDue(executed))
    return true;
  bool circling = true;
  for (unsigned i = 0; i < warpCount && circling; ++i)
    circling = warps[i]->live == 0 || isCircling(*warps[i]);
  if (!watch.looked(circling && fault.detail.empty()))
    return fault.detail.empty();
  fault = Fault{FaultKind::EndlessLoop,
                "every warp of every running block waits or goes round in a loop, and nothing changes memory",
                warp.pc < program->code.size() ? warp.pc : 0,
                ~0u,
                warp.index,
                0};
  return false;
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
      Warp::Status status = runWarp(warp, quantum);
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
      if (!watchLoops(warp, limit - quantum))
        return false;
      if (status == Warp::Status::Done)
        finishWarp();
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
  ++watch.changes;
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
