//===- SpinWatch.cpp - Loops that nothing can end -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// When to look, and what several looks mean. See the header.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/SpinWatch.h"

#include <algorithm>

namespace imbrex::simulator {

/// Close looks in a row that must find the launch endless: another block may have been freed a moment ago, by one that
/// has ended since, and not have come to run yet.
constexpr unsigned kSure = 50;

void SpinWatch::begin(LoopCensus &launch) {
  *this = SpinWatch();
  census = &launch;
  ++census->running;
}

void SpinWatch::end() {
  if (!census)
    return;
  setCircling(false);
  --census->running;
  census = nullptr;
}

void SpinWatch::setCircling(bool now) {
  if (now == counted)
    return;
  counted = now;
  if (now)
    ++census->circling;
  else
    --census->circling;
}

bool SpinWatch::isDue(uint64_t executed) {
  if (changes != lastChanges) {
    lastChanges = changes;
    sinceChange = 0;
    nextLook = kCalm;
    seen = 0;
    setCircling(false);
    return false;
  }
  sinceChange += executed;
  if (sinceChange < nextLook)
    return false;
  // A block that computes is looked at ever more rarely, one that circles at a steady pace.
  nextLook = seen != 0 ? sinceChange + kCalm : 2 * sinceChange;
  return true;
}

bool SpinWatch::looked(bool circling) {
  seen = circling ? seen + 1 : 0;
  setCircling(seen >= 2);
  if (seen >= 2 && !census->isEndless())
    seen = 2;
  return seen >= kSure;
}

} // namespace imbrex::simulator
