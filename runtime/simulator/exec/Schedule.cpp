//===- Schedule.cpp - Blocks take turns -----------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loop over blocks, its pseudo-random order, and the end of all progress.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Schedule.h"

#include <algorithm>

namespace imbrex::simulator {
namespace {

constexpr uint64_t kQuantum = 100000;
constexpr unsigned kRoundsOfSilence = 16; ///< Between two looks at the clock, for progress.
constexpr unsigned kMostTimeouts = 64;    ///< In a row, without any event.

/// A small deterministic generator (splitmix64), so that a seed gives the same schedule everywhere.
uint64_t nextRandom(uint64_t &state) {
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// Ends waits that may time out, unless that was in vain too often. False if there is none.
class Patience {
public:
  bool timeOut(std::span<Cta *const> blocks) {
    uint64_t events = 0;
    for (const Cta *block : blocks)
      events += block->events;
    inVain = events == last ? inVain + 1 : 0;
    last = events;
    if (inVain >= kMostTimeouts)
      return false;
    bool any = false;
    for (Cta *block : blocks)
      for (unsigned w = 0; w < block->warpCount; ++w)
        any |= block->warps[w]->timeOut();
    return any;
  }

private:
  uint64_t last = 0;
  unsigned inVain = 0;
};

} // namespace

Cta *runTogether(std::span<Cta *const> blocks) {
  const Cta &lead = *blocks.front();
  unsigned seed = lead.launch->schedulingSeed;
  uint64_t random = seed + (uint64_t(lead.id[0]) << 20) + (uint64_t(lead.id[1]) << 40);
  Patience patience;
  for (unsigned round = 0;; ++round) {
    if (round % kRoundsOfSilence == kRoundsOfSilence - 1 && lead.launch->alive)
      lead.launch->alive();
    auto running = std::find_if(blocks.begin(), blocks.end(), [](const Cta *block) { return !block->isDone(); });
    if (running == blocks.end())
      return nullptr;
    bool progress = false;
    for (Cta *block : blocks) {
      unsigned first = 0;
      uint64_t limit = kQuantum;
      if (seed != 0) {
        first = static_cast<unsigned>(nextRandom(random) % block->warpCount);
        limit = 1 + nextRandom(random) % 500;
      }
      if (!block->isDone() && !block->turn(first, limit, progress))
        return block;
    }
    bool done = std::all_of(blocks.begin(), blocks.end(), [](const Cta *block) { return block->isDone(); });
    if (!progress && !done && !patience.timeOut(blocks)) {
      (*running)->reportDeadlock();
      return *running;
    }
  }
}

} // namespace imbrex::simulator
