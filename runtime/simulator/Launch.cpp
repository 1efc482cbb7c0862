//===- Launch.cpp - Running the blocks of one launch ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Workers take the next block until none is left or a lower one has failed.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Launch.h"

#include <mutex>
#include <thread>

namespace imbrex::simulator {
namespace {

std::string coordinates(const uint32_t (&value)[3]) {
  return "(" + std::to_string(value[0]) + ", " + std::to_string(value[1]) + ", " + std::to_string(value[2]) + ")";
}

std::string describeInstruction(const Program &program, uint32_t index) {
  const Instruction &instruction = program.code[index];
  std::string text =
      "PTX line " + std::to_string(instruction.line) + ": " + std::string(program.source->line(instruction.line));
  if (instruction.fileLine == 0)
    return text;
  auto file = program.source->files.find(instruction.file);
  return text + "\n    source: " + (file == program.source->files.end() ? "?" : file->second) + ":" +
         std::to_string(instruction.fileLine) + ":" + std::to_string(instruction.fileColumn);
}

std::string describeFault(const Cta &cta) {
  const Fault &fault = cta.fault;
  const Program &program = *cta.program;
  std::string report =
      std::string("simulated device: ") + faultName(fault.kind) + " in kernel '" + program.name + "': " + fault.detail;
  if (fault.instruction < program.code.size())
    report += "\n  at " + describeInstruction(program, fault.instruction);
  if (fault.other < program.code.size())
    report += "\n  and " + describeInstruction(program, fault.other);
  const uint32_t (&block)[3] = cta.launch->block;
  uint32_t thread = fault.warp * 32 + fault.lane;
  uint32_t position[3] = {thread % block[0], thread / block[0] % block[1], thread / (block[0] * block[1])};
  report += "\n  thread " + coordinates(position) + " of block " + coordinates(cta.id) + ", warp " +
            std::to_string(fault.warp) + " lane " + std::to_string(fault.lane);
  return report;
}

/// Threads that may be asked for on any machine; beyond, more than it has cores help nobody.
constexpr unsigned kAlwaysAllowed = 16;

struct Shared {
  LaunchState &state;
  uint64_t blocks;
  std::atomic<uint64_t> next{0};
  std::atomic<uint64_t> lowest{~uint64_t(0)};
  std::mutex mutex;
  std::optional<LaunchFault> fault;
};

void work(Shared &shared) {
  const LaunchState &state = shared.state;
  Cta cta(state.program->staticSharedBytes + state.dynamicSharedBytes);
  while (true) {
    uint64_t block = shared.next.fetch_add(1);
    if (block >= shared.blocks || block > shared.lowest.load())
      return;
    if (cta.run(shared.state, block))
      continue;
    std::lock_guard lock(shared.mutex);
    if (block < shared.lowest.load()) {
      shared.lowest.store(block);
      shared.fault = LaunchFault{cta.fault.kind, describeFault(cta)};
    }
  }
}

} // namespace

std::optional<LaunchFault> runLaunch(LaunchState &state, unsigned threads) {
  Shared shared{state, uint64_t(state.grid[0]) * state.grid[1] * state.grid[2], {}, {}, {}, {}};
  shared.lowest = ~uint64_t(0);
  unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  threads = threads == 0 ? cores : std::min(threads, std::max(cores, kAlwaysAllowed));
  uint64_t workers = std::min<uint64_t>(threads, shared.blocks);
  std::vector<std::thread> helpers;
  for (uint64_t i = 1; i < workers; ++i)
    helpers.emplace_back([&] { work(shared); });
  work(shared);
  for (std::thread &helper : helpers)
    helper.join();
  return std::move(shared.fault);
}

} // namespace imbrex::simulator
