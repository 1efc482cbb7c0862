//===- Splits.cpp - How many parts share a sequence's keys ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention/Splits.h"
#include <algorithm>

using namespace imbrex::attention;

Split imbrex::attention::splitOf(const SplitProblem &problem) {
  const int64_t slots = problem.multiprocessors * kInstances;
  double keys = double(problem.longest) * double(problem.sequences); // of one tile of each sequence
  int64_t longest = problem.longest;
  if (!problem.lengths.empty()) {
    keys = 0, longest = 0;
    for (int32_t length : problem.lengths) {
      keys += std::max(length, 0);
      longest = std::max<int64_t>(longest, length);
    }
  }
  const int64_t most = std::clamp<int64_t>(longest / kFewestKeys, 1, kMostParts);
  const double wanted =
      keys > 0 ? double(longest) * double(slots) / (keys * double(std::max<int64_t>(problem.tiles, 1))) : 1;
  Split split = {std::clamp<int64_t>(int64_t(std::min(wanted, double(kMostParts))), 1, most), ""};
  split.why = std::to_string(problem.tiles) + " tile(s) of queries in each of " + std::to_string(problem.sequences) +
              " sequence(s), at most " + std::to_string(longest) + " keys, room for " + std::to_string(slots) +
              " instances";
  return split;
}
