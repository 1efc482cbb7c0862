//===- Grid.h - A sample of a grid of cases, or all of it --- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which cases of a grid a run takes: under --long all of them, the small ones first, so that a run that is cut short
// has done the most; else a seeded sample of small ones.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_GRID_H
#define IMBREX_TESTS_SUPPORT_GRID_H

#include "tests/support/Random.h"
#include "tests/support/RunMode.h"
#include <algorithm>
#include <vector>

namespace imbrex::testing {

/// What the ordinary run takes.
struct Sample {
  unsigned cases;
  uint64_t seed;
  double mostWork; ///< of a case
};

/// Calls `check` with each case that the run takes; `work(case)` says how much one has to do.
template <typename Case, typename Work, typename Check>
void forEachTaken(std::vector<Case> grid, const Sample &sample, const Work &work, const Check &check) {
  if (isLongRun()) {
    std::stable_sort(grid.begin(), grid.end(), [&](const Case &a, const Case &b) { return work(a) < work(b); });
    for (const Case &each : grid)
      check(each);
    return;
  }
  Random random(sample.seed);
  for (unsigned taken = 0; taken < sample.cases;)
    if (const Case &each = random.oneOf(grid); work(each) <= sample.mostWork) {
      check(each);
      ++taken;
    }
}

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_GRID_H
