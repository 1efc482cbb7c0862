//===- SimulatedDriver.h - A CUDA driver that runs PTX on the CPU ---*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fills a DriverTable with a simulated device. Modules are PTX text; a kernel's launch executes it at
// once, with every memory, race and barrier check on, and returns its error directly. After a fault
// every call on the context returns the same error until the primary context is released, as CUDA
// does. What is modelled, and the kinds of fault: README.md in this folder.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_SIMULATEDDRIVER_H
#define IMBREX_RUNTIME_SIMULATOR_SIMULATEDDRIVER_H

#include "runtime/CudaDriver.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imbrex::simulator {

/// Names of the devices that can be simulated: "h200", "h100", "a100", "rtx3090" (sm_86), "l40s"
/// (sm_89), "b200" (sm_100), "rtx5090" (sm_120).
std::vector<std::string> simulatedDeviceNames();

/// Where races on global memory are looked for; each level includes the ones before. Races in shared memory are
/// always looked for.
enum class RaceLevel : uint8_t {
  Shared,  ///< Nowhere.
  Block,   ///< Between threads of a block.
  Launch,  ///< Between blocks of a launch.
  Streams, ///< Between launches that no stream, event or wait of the host orders.
};

/// One warp of each launch.
struct TraceTarget {
  uint64_t block = 0; ///< Its linear index, x first.
  unsigned warp = 0;
};

/// The kernel, blocks that ended, blocks in all, warp-instructions executed.
using ProgressListener = std::function<void(const std::string &, uint64_t, uint64_t, uint64_t)>;

struct SimulatorOptions {
  unsigned threads = 0; ///< Host threads that run blocks; 0: all cores.
  /// Budget of one launch; 0: 2^31, some minutes. A block that runs an eighth of it (at least 2^27, some seconds)
  /// without changing memory and without a barrier is told as an endless loop.
  uint64_t maxWarpInstructions = 0;
  unsigned schedulingSeed = 0; ///< Not 0: warps of a block take turns in a pseudo-random order.
  RaceLevel races = RaceLevel::Streams;
  uint64_t raceShadowBytes =
      uint64_t(1) << 30; ///< Most that the check of global memory may take; beyond, it is partial.
  /// Told of what is worth knowing and no fault (Notes.h), several lines each; called while the device's lock is held.
  std::function<void(const std::string &)> note = {};
  /// A warp whose instructions are told to `traced` one by one, before they are executed: PTX line, active lanes, text.
  std::optional<TraceTarget> trace = {};
  std::function<void(const std::string &)> traced = {};
  /// Told about once a second of a launch that takes longer, while its blocks run too.
  ProgressListener progress = {};
  /// How the client's user raises maxWarpInstructions; ends the text of a launch that ran out of them.
  std::string budgetHint = "SimulatorOptions::maxWarpInstructions raises the limit";
};

/// One driver with one device of that name; nullopt if unknown. Its memory and modules live as long
/// as the table's copies. The members may be called from any thread; calls wait for each other.
std::optional<cuda::DriverTable> makeSimulatedDriver(std::string_view deviceName, SimulatorOptions options = {});

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_SIMULATEDDRIVER_H
