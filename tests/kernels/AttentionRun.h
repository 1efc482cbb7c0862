//===- AttentionRun.h - One attention case, run and judged --- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A case is everything that a run depends on, and prints as one line.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_KERNELS_ATTENTIONRUN_H
#define IMBREX_TESTS_KERNELS_ATTENTIONRUN_H

#include "tests/support/AttentionOracle.h"
#include "tests/support/Tensor.h"

namespace imbrex::testing {

struct AttentionCase {
  std::string device = "sim:h200";
  DataType type = DataType::F16;
  AttentionShape shape;
  Placement placeQ = Placement::Dense, placeK = Placement::Dense, placeV = Placement::Dense, placeO = Placement::Dense;
  uint64_t seed = 0;
  std::vector<std::pair<std::string, int64_t>> tuning = {}; ///< in place of the kernel's own choice

  std::string describe() const;
};

/// Normals of the case's seed, rounded to its type; NaN and infinities in keys and values that no row sees.
AttentionInputs seededInputs(const AttentionCase &run);

struct AttentionOutcome {
  std::string error; ///< "" if the run succeeded and nothing but outputs was written
  AttentionResult result;
};

/// The kernel attention_forward on these inputs.
AttentionOutcome launchAttention(const AttentionCase &run, const AttentionInputs &inputs);

/// Runs and judges; "" if all is well.
std::string checkAttention(const AttentionCase &run, const AttentionInputs &inputs, bool extreme = false);

} // namespace imbrex::testing

#endif // IMBREX_TESTS_KERNELS_ATTENTIONRUN_H
