//===- Splits.h - How many parts share a sequence's keys --------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal to kernels/attention/. Arithmetic on lengths, no device.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_KERNELS_ATTENTION_SPLITS_H
#define IMBREX_KERNELS_ATTENTION_SPLITS_H

#include <cstdint>
#include <span>
#include <string>

namespace imbrex::attention {

struct SplitProblem {
  int64_t sequences = 1;                 ///< of the batch
  int64_t tiles = 1;                     ///< of queries, of all key heads, of one sequence
  int64_t longest = 0;                   ///< keys of a sequence where there are no lengths
  std::span<const int32_t> lengths = {}; ///< of the sequences, where they are known
  int64_t multiprocessors = 1;
};

struct Split {
  int64_t parts = 1;
  std::string why;
};

/// As many parts as let the longest sequence end with the others, when the device takes kInstances at once on a
/// multiprocessor: floor(longest * slots / keys of all tiles); but none of fewer than kFewestKeys, and at most
/// kMostParts. Example: 2 sequences of 8192 keys, 8 tiles each, on 132 multiprocessors: 264 slots for 16 tiles, 16
/// parts.
Split splitOf(const SplitProblem &problem);

inline constexpr int64_t kInstances = 2, kFewestKeys = 256, kMostParts = 256;

} // namespace imbrex::attention

#endif // IMBREX_KERNELS_ATTENTION_SPLITS_H
