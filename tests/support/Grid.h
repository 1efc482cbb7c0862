//===- Grid.h - A sample of a grid of cases, or all of it --- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which cases of a grid a run takes: under --long all of them or a part, the small ones first, so that a run that is
// cut short has done the most; else a seeded sample of small ones. What a long run did is printed as it goes, so that a
// grid can be finished over several sittings:
//
//   part 2/10: 30 of 480 cases, 12 s
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_GRID_H
#define IMBREX_TESTS_SUPPORT_GRID_H

#include "tests/support/Random.h"
#include "tests/support/RunMode.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace imbrex::testing {

/// What the ordinary run takes.
struct Sample {
  unsigned cases;
  uint64_t seed;
  double mostWork; ///< of a case
};

/// Says how far a long run is.
inline void printPart(size_t done, size_t all, std::chrono::steady_clock::time_point start) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("part %u/%u: %zu of %zu cases, %.0f s\n", runMode().part, runMode().parts, done, all, seconds);
  std::fflush(stdout);
}

/// The cases of this part in order of work: of N that follow each other, each part has one.
template <typename Case, typename Work> std::vector<Case> casesOfPart(std::vector<Case> grid, const Work &work) {
  std::stable_sort(grid.begin(), grid.end(), [&](const Case &a, const Case &b) { return work(a) < work(b); });
  std::vector<Case> taken;
  for (size_t at = runMode().part - 1; at < grid.size(); at += runMode().parts)
    taken.push_back(grid[at]);
  return taken;
}

/// Calls `check` with each case that the run takes; `work(case)` says how much one has to do.
template <typename Case, typename Work, typename Check>
void forEachTaken(std::vector<Case> grid, const Sample &sample, const Work &work, const Check &check) {
  if (isLongRun()) {
    grid = casesOfPart(std::move(grid), work);
    const auto start = std::chrono::steady_clock::now();
    for (size_t done = 0; done < grid.size();) {
      check(grid[done]);
      ++done;
      if (done % 10 == 0 || done == grid.size())
        printPart(done, grid.size(), start);
    }
    return;
  }
  Random random(sample.seed);
  for (unsigned taken = 0; taken < sample.cases;)
    if (const Case &each = random.oneOf(grid); work(each) <= sample.mostWork) {
      check(each);
      ++taken;
    }
}

/// Calls `check` with each seed from `first` below `end`: all of them, or under --long those of this part.
template <typename Check> void forEachSeed(uint64_t first, uint64_t end, const Check &check) {
  if (!isLongRun()) {
    for (uint64_t seed = first; seed < end; ++seed)
      check(seed);
    return;
  }
  const auto start = std::chrono::steady_clock::now();
  const uint64_t step = runMode().parts, from = first + runMode().part - 1;
  const uint64_t all = from < end ? (end - from - 1) / step + 1 : 0;
  for (uint64_t done = 0; done < all;) {
    check(from + done * step);
    ++done;
    if (done % 64 == 0 || done == all)
      printPart(done, all, start);
  }
}

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_GRID_H
