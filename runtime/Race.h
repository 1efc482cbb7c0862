//===- Race.h - Which of many candidates is the fastest ---------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Statistics of timings in rounds. In each round every candidate is timed once beside an anchor, so that a clock that
// drifts moves both; what is kept of a candidate is the logarithm of its time over the anchor's. The noise is taken to
// be the same for all, and its size is learnt from all. A candidate whose interval lies wholly above that of the best
// is out. Pure computation, not thread-safe. Internal.
//
// Example: at 10 % noise three rounds tell candidates 25 % apart, and forty those 4 % apart.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_RACE_H
#define IMBREX_RUNTIME_RACE_H

#include <cstddef>
#include <vector>

namespace imbrex {

class Race {
public:
  /// Takes a candidate in; with what is known of it from before, if anything.
  size_t enter(double ratio = 1, unsigned rounds = 0);
  /// One round: both times above 0.
  void record(size_t candidate, double milliseconds, double anchorMilliseconds);

  double ratio(size_t candidate) const;
  unsigned rounds(size_t candidate) const { return entries[candidate].rounds; }
  /// Half of the interval of 95 % confidence, as a share of the ratio.
  double uncertainty(size_t candidate) const;
  /// Those that may be the fastest, the best first; of none that was never timed.
  std::vector<size_t> contenders() const;

private:
  struct Entry {
    unsigned rounds = 0;
    double mean = 0, squares = 0; ///< of the logarithm; sum of squared deviations from the mean
    bool isOurs = false;          ///< has deviations of its own
  };
  double deviation() const;

  std::vector<Entry> entries;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_RACE_H
