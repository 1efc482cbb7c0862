//===- Cta.cpp - One block while it runs ----------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Starts a block's warps, runs each for a turn, and ends them; who runs when is Schedule.cpp's.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Cta.h"

#include "runtime/simulator/exec/Mbarrier.h"

#include <cstdio>
#include <utility>

namespace imbrex::simulator {

Cta::Cta(uint32_t sharedBytes) : shared(sharedBytes) {}
Cta::~Cta() = default;

namespace {

/// Registers a thread has at the start, where the kernel's directives let an assembler know; else 0. As ptxas
/// 13.0 says: .maxnreg, or what .minnctapersm leaves each thread of whole warpgroups, in steps of 8.
uint32_t entryRegisters(const Program &program, uint32_t threads) {
  constexpr uint32_t kRegisterFile = 65536, kWarpgroup = 128, kMostRegisters = 255;
  if (program.maxRegisters != 0 || program.minBlocks == 0)
    return program.maxRegisters;
  uint32_t whole = (threads + kWarpgroup - 1) / kWarpgroup * kWarpgroup;
  return std::min(kRegisterFile / (whole * program.minBlocks) / 8 * 8, kMostRegisters);
}

} // namespace

void Cta::begin(LaunchState &state, const uint32_t (&position)[3]) {
  launch = &state;
  program = state.program;
  std::copy(position, position + 3, id);
  uint32_t threads = state.block[0] * state.block[1] * state.block[2];
  warpCount = (threads + 31) / 32;
  doneWarps = 0;
  fault = Fault();
  shared.begin(program->sharedLayoutBytes + state.dynamicSharedBytes, program->granuleLog2, warpCount,
               program->sharedGaps);
  uint64_t linear = id[0] + state.grid[0] * (id[1] + uint64_t(state.grid[1]) * id[2]);
  order.begin(*this, state.firstRun + static_cast<uint32_t>(linear));
  watch.begin(state.census);
  for (Barrier &barrier : barriers)
    barrier = Barrier();
  sourceLow = ~uint64_t(0);
  sourceHigh = 0;
  copiesInFlight = 0;
  lastForeign.fill(0);
  mbarriers.clear();
  warpgroups.clear();
  registers = {entryRegisters(*program, threads), 0};
  events = 0;
  while (warps.size() < warpCount)
    warps.push_back(std::make_unique<Warp>());
}

void Cta::beginWarps() {
  uint32_t threads = launch->block[0] * launch->block[1] * launch->block[2];
  for (unsigned i = 0; i < warpCount; ++i) {
    uint32_t lanes = threads - i * 32 >= 32 ? ~0u : (1u << (threads - i * 32)) - 1;
    warps[i]->begin(*this, i, lanes);
    warps[i]->registerLimit = registers.entry;
  }
}

/// Whether the warp waits, or comes back to where it is with the same registers while nothing else runs.
bool Cta::isCircling(Warp &warp) {
  constexpr unsigned kLongestCircle = 1 << 16;
  WarpImage before = warp.image();
  for (unsigned step = 0; step < kLongestCircle && watch.changes == watch.known(); ++step) {
    uint64_t one = 1;
    Warp::Status status = warp.run(one);
    if (status == Warp::Status::Done)
      endWarp();
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
                      " warp-instructions of the block, an eighth of what the launch may run; " + launch->budgetHint,
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

bool Cta::turn(unsigned first, uint64_t limit, bool &progress) {
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
                    "the launch ran more than " + std::to_string(launch->given) +
                        " warp-instructions, probably an endless loop; " + launch->budgetHint,
                    warp.pc < program->code.size() ? warp.pc : 0,
                    ~0u,
                    warp.index,
                    0};
      return false;
    }
    if (!watchLoops(warp, limit - quantum))
      return false;
    if (status == Warp::Status::Done && !endWarp())
      return false;
  }
  // Other blocks run now, perhaps on this thread: the race check must know what this one did.
  return order.finish();
}

/// A warp has ended. False with the fault if the block must not end yet.
bool Cta::endWarp() {
  ++doneWarps;
  noteEvent();
  for (unsigned number = 0; number < kBarriers; ++number)
    tryComplete(number);
  cluster->tryComplete();
  if (!isDone())
    return true;
  watch.end();
  return cluster->checkEnd(*this);
}

void Cta::wakeEvent(uint64_t key) {
  for (unsigned i = 0; i < warpCount; ++i)
    warps[i]->wakeEvent(key);
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
  // Warps that wait as a whole have done nothing since they came: one stamp for all of them keeps Clocks::oldest young.
  uint32_t together = shared.clocks.release();
  for (unsigned warp = 0; warp < warpCount; ++warp)
    if (lanes[warp] != 0 && lanes[warp] == warps[warp]->live)
      barrier.released[warp] = together;
  for (const Barrier::Waiter &waiter : barrier.waiters) {
    shared.clocks.learn(waiter.warp, barrier.released);
    Warp &warp = *warps[waiter.warp];
    if (uint32_t all = std::exchange(lanes[waiter.warp], 0))
      shared.clocks.joinLanes(waiter.warp, all, warp.started);
    if (waiter.instruction->count != 0)
      deliverReduction(barrier, waiter, warp);
    warp.wake(waiter.lanes, number);
  }
  barrier = Barrier();
  noteEvent();
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
  cluster->tryComplete();
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
  FaultKind kind = FaultKind::Deadlock;
  for (unsigned i = 0; i < warpCount; ++i)
    for (const Fragment &fragment : warps[i]->parked) {
      bool atBarrier = fragment.state == Fragment::AtBarrier;
      if (fragment.state == Fragment::AtWarpSync && fragment.key >= Warp::kAlignedKey)
        kind = FaultKind::DivergentBarrier; // Lanes wait for their whole warp, which does not come.
      uint32_t at = atBarrier ? fragment.pc - 1 : fragment.pc;
      std::string where = at < program->code.size() ? std::to_string(program->code[at].line) : "?";
      table += "\n    warp " + std::to_string(i) + ": " + std::to_string(__builtin_popcount(fragment.lanes)) +
               " threads wait at PTX line " + where +
               (atBarrier                             ? " (barrier " + std::to_string(fragment.key) + ")"
                : fragment.state == Fragment::AtEvent ? " (" + describeMbarrier(*this, fragment.key) + ")"
                                                      : " (warp-wide operation)");
      if (blamed == ~0u) {
        blamed = at;
        warpIndex = i;
        lane = static_cast<uint32_t>(__builtin_ctz(fragment.lanes));
      }
    }
  fault = Fault{kind, std::move(table), blamed, ~0u, warpIndex, lane};
}

} // namespace imbrex::simulator
