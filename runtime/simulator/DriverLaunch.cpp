//===- DriverLaunch.cpp - Launches of the simulated driver ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks a launch as cuLaunchKernel does, copies the parameters and runs it.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Driver.h"
#include "runtime/simulator/Launch.h"

#include <algorithm>
#include <cstring>

namespace imbrex::simulator {

using namespace cuda;

namespace {

constexpr int64_t kDefaultBudget = int64_t(1) << 31;
constexpr uint64_t kLeastCalm = uint64_t(1) << 27; ///< Some seconds without a change are no sign of an endless loop.
constexpr uint64_t kMostRuns = uint64_t(1) << 31;  ///< Blocks that are numbered before all numbers are used again.

CUresult errorOf(FaultKind kind) {
  switch (kind) {
  case FaultKind::OutOfBounds:
    return CUDA_ERROR_ILLEGAL_ADDRESS;
  case FaultKind::Misaligned:
    return CUDA_ERROR_MISALIGNED_ADDRESS;
  case FaultKind::BudgetExceeded:
  case FaultKind::EndlessLoop:
    return CUDA_ERROR_LAUNCH_TIMEOUT;
  default:
    return CUDA_ERROR_LAUNCH_FAILED;
  }
}

/// Empty if the launch is acceptable, else why not.
std::string refuse(const LoadedFunction &function, const DeviceLimits &limits, const uint32_t (&grid)[3],
                   const uint32_t (&block)[3], unsigned sharedBytes) {
  const Program &program = *function.program;
  for (int i = 0; i < 3; ++i) {
    if (grid[i] == 0 || grid[i] > kMaxGrid[i])
      return "grid dimension " + std::to_string(i) + " is " + std::to_string(grid[i]);
    if (block[i] == 0 || block[i] > kMaxBlock[i])
      return "block dimension " + std::to_string(i) + " is " + std::to_string(block[i]);
    if (program.requiredThreads[0] != 0 && program.requiredThreads[i] != block[i])
      return "the block is not what .reqntid asks for";
  }
  uint64_t threads = uint64_t(block[0]) * block[1] * block[2];
  uint64_t most = uint64_t(program.maxThreads[0]) * program.maxThreads[1] * program.maxThreads[2];
  if (threads > kMaxThreadsPerBlock || (most != 0 && threads > most))
    return std::to_string(threads) + " threads a block are too many";
  if (sharedBytes > function.maxDynamicShared)
    return std::to_string(sharedBytes) + " bytes of dynamic shared memory, the function allows " +
           std::to_string(function.maxDynamicShared);
  if (program.staticSharedBytes + uint64_t(sharedBytes) > limits.sharedPerBlock)
    return "static and dynamic shared memory together exceed the device's " + std::to_string(limits.sharedPerBlock);
  return {};
}

} // namespace

CUresult Driver::launch(CUfunction handle, const uint32_t (&grid)[3], const uint32_t (&block)[3], unsigned sharedBytes,
                        CUstream stream, void **params, void **extra) {
  auto found = functions.find(toNumber(handle));
  if (found == functions.end() || !isStream(stream))
    return CUDA_ERROR_INVALID_HANDLE;
  const LoadedFunction &function = found->second;
  const Program &program = *function.program;
  std::string reason = refuse(function, limits, grid, block, sharedBytes);
  if (reason.empty() && (extra || (!params && !program.params.empty())))
    reason = "parameters must be passed through kernelParams";
  for (size_t i = 0; reason.empty() && i < program.params.size(); ++i)
    if (!params[i])
      reason = "parameter " + std::to_string(i) + " is null";
  if (!reason.empty()) {
    report = "simulated device: launch of '" + program.name + "' refused: " + reason;
    return CUDA_ERROR_INVALID_VALUE;
  }
  LaunchState state;
  state.program = &program;
  state.global = memory.get();
  std::copy(grid, grid + 3, state.grid);
  std::copy(block, block + 3, state.block);
  state.dynamicSharedBytes = sharedBytes;
  state.smCount = limits.multiprocessors;
  state.gridId = ++launches;
  state.schedulingSeed = options.schedulingSeed;
  constexpr uint64_t kMostBudget = uint64_t(1) << 62;
  uint64_t budget = std::min(options.maxWarpInstructions, kMostBudget);
  state.budget = budget ? static_cast<int64_t>(budget) : kDefaultBudget;
  state.calmLimit = std::max(static_cast<uint64_t>(state.budget.load() / 8), kLeastCalm);
  state.params.resize(program.paramBytes);
  for (size_t i = 0; i < program.params.size(); ++i)
    std::memcpy(state.params.data() + program.params[i].offset, params[i], program.params[i].bytes);
  uint64_t blocks = uint64_t(grid[0]) * grid[1] * grid[2];
  state.races = blocks < kMostRuns ? options.races : RaceLevel::Shared;
  if (order->nextRun() + blocks > kMostRuns) {
    memory->forgetAccesses();
    sync.clear();
    order->restart();
  }
  state.firstRun = order->beginLaunch(toNumber(stream), std::min(blocks, kMostRuns), function.program);
  state.orderedBelow = options.races == RaceLevel::Streams ? order->orderedBelow() : state.firstRun;
  state.order = order.get();
  state.sync = &sync;
  state.notes = &notes;
  state.progress = options.progress;
  state.trace = options.trace;
  state.traced = options.traced;
  sync.trim();
  auto fault = runLaunch(state, options.threads);
  if (!fault)
    return CUDA_SUCCESS;
  report = std::move(fault->report);
  sticky = errorOf(fault->kind);
  return sticky;
}

} // namespace imbrex::simulator
