//===- Launch.h - Running the blocks of one launch --------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Distributes the blocks of a launch over host threads, in order of their index, and writes the
// report of the fault with the lowest block index.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_LAUNCH_H
#define IMBREX_RUNTIME_SIMULATOR_LAUNCH_H

#include "runtime/simulator/SimulatedDriver.h"
#include "runtime/simulator/exec/Cta.h"

#include <optional>

namespace imbrex::simulator {

struct LaunchFault {
  FaultKind kind;
  std::string report; ///< Several lines, no final line feed.
};

/// Runs all blocks with at most `threads` threads (0: all cores). nullopt if every block ended well.
/// Blocks above a faulting one may or may not have run.
/// `progress` may be empty; see SimulatorOptions.
std::optional<LaunchFault> runLaunch(LaunchState &state, unsigned threads, const ProgressListener &progress);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_LAUNCH_H
