//===- Replay.h - A recording against the simulated device ---- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs every form of a recording on the simulated device of the same compute capability and compares, by the
// models of Models.h.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RECORDED_REPLAY_H
#define IMBREX_TESTS_RECORDED_REPLAY_H

#include "tests/recorded/Recording.h"

namespace imbrex::recorded {

struct Replay {
  size_t forms = 0, values = 0;
  std::vector<std::string> errors;   ///< largest errors of approximations and products: a line a form
  std::vector<std::string> missing;  ///< forms of the list that the device could run and the recording lacks
  std::vector<std::string> problems; ///< "form: what is wrong", perhaps with lines of differing values
};

/// Recorded forms must have results, and the kernels and operands of today.
Replay replayRecording(const Recording &recording, const std::vector<ListedForm> &listed);

} // namespace imbrex::recorded

#endif // IMBREX_TESTS_RECORDED_REPLAY_H
