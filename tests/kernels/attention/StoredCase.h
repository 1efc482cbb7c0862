//===- StoredCase.h - Attention over stored sequences, judged ---*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attention::decode or attention::forward on sequences from a seed, in any storage; each sequence is judged beside
// attention in f64 (AttentionJudge.h).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_KERNELS_ATTENTION_STOREDCASE_H
#define IMBREX_TESTS_KERNELS_ATTENTION_STOREDCASE_H

#include "tests/kernels/attention/MaskOptions.h"
#include "tests/kernels/attention/StoredRows.h"
#include "tests/support/AttentionOracle.h"

namespace imbrex::testing {

struct StoredCase {
  std::string device = "sim:h200";
  DataType type = DataType::F16;
  How queriesHow = {}, keysHow = {};
  std::vector<int64_t> queries = {}, keys = {}; ///< lengths
  AttentionShape shape = {};                    ///< of all but the lengths
  int64_t parts = 0;
  uint64_t seed = 1;
  double size = 1;        ///< of the queries, beside normals
  bool isForward = false; ///< by attention::forward, which knows no parts
  Sides sides = Sides::InText;

  std::string describe() const;
};

struct StoredOutcome {
  std::string error;          ///< "" if all is well
  std::vector<uint8_t> bytes; ///< of the results
};

/// Runs and judges; `extreme`: logits that lose their digits in the storage type.
StoredOutcome check(const StoredCase &run, bool extreme = false);
/// The same, printed first; a problem is a failure of the test.
void expectRight(const StoredCase &run);

} // namespace imbrex::testing

#endif // IMBREX_TESTS_KERNELS_ATTENTION_STOREDCASE_H
