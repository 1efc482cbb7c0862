//===- Launch.cpp - Running the blocks of one launch ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Workers take the next group of blocks until none is left or a lower one has failed.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Launch.h"

#include "runtime/simulator/exec/Mbarrier.h"
#include "runtime/simulator/exec/Schedule.h"

#include <chrono>
#include <mutex>
#include <thread>

namespace imbrex::simulator {
namespace {

std::string coordinates(const uint32_t (&value)[3]) {
  return "(" + std::to_string(value[0]) + ", " + std::to_string(value[1]) + ", " + std::to_string(value[2]) + ")";
}

} // namespace

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

namespace {

std::string describeFault(const Cta &cta) {
  const Fault &fault = cta.fault;
  const Program &program = *cta.program;
  std::string report =
      std::string("simulated device: ") + faultName(fault.kind) + " in kernel '" + program.name + "': " + fault.detail;
  if (fault.instruction < program.code.size())
    report += "\n  at " + describeInstruction(program, fault.instruction);
  if (fault.other < program.code.size())
    report += "\n  and " + describeInstruction(program, fault.other);
  if (!fault.otherPlace.empty())
    report += "\n  and " + fault.otherPlace;
  const uint32_t (&block)[3] = cta.launch->block;
  uint32_t thread = fault.warp * 32 + fault.lane;
  uint32_t position[3] = {thread % block[0], thread / block[0] % block[1], thread / (block[0] * block[1])};
  report += "\n  thread " + coordinates(position) + " of block " + coordinates(cta.id) + ", warp " +
            std::to_string(fault.warp) + " lane " + std::to_string(fault.lane);
  return report;
}

/// Threads that may be asked for on any machine; beyond, more than it has cores help nobody.
constexpr unsigned kAlwaysAllowed = 16;

/// Blocks are handed out in groups that run together: one cluster, or for a cooperative launch all.
struct Shared {
  LaunchState &state;
  const ProgressListener &progress;
  uint64_t clusters; ///< In the grid.
  uint64_t clustersInGroup;
  std::atomic<uint64_t> next{0};
  std::atomic<uint64_t> lowest{~uint64_t(0)};
  std::mutex mutex;
  std::optional<LaunchFault> fault;
  std::atomic<uint64_t> ended{0}; ///< Blocks.
  std::atomic<std::chrono::steady_clock::time_point> nextLine{std::chrono::steady_clock::now() +
                                                              std::chrono::seconds(1)};

  uint64_t groups() const { return (clusters + clustersInGroup - 1) / clustersInGroup; }
  uint64_t blocks() const { return uint64_t(state.grid[0]) * state.grid[1] * state.grid[2]; }
};

/// The blocks that one thread runs together, reused from group to group.
class Group {
public:
  /// Begins clusters [first, first + count) of the grid.
  void begin(LaunchState &state, uint64_t first, uint64_t count) {
    const uint32_t (&size)[3] = state.cluster;
    uint64_t perCluster = uint64_t(size[0]) * size[1] * size[2];
    while (storage.size() < count * perCluster)
      storage.push_back(std::make_unique<Cta>(state.program->sharedLayoutBytes + state.dynamicSharedBytes));
    while (clusters.size() < count)
      clusters.push_back(std::make_unique<Cluster>());
    blocks.clear();
    for (uint64_t number = 0; number < count; ++number) {
      Cluster &cluster = *clusters[number];
      uint64_t linear = first + number;
      for (unsigned d = 0; d < 3; ++d) {
        uint64_t along = state.grid[d] / size[d];
        cluster.id[d] = static_cast<uint32_t>(linear % along);
        linear /= along;
      }
      for (uint32_t rank = 0; rank < perCluster; ++rank) {
        uint32_t at[3] = {rank % size[0], rank / size[0] % size[1], rank / size[0] / size[1]};
        for (unsigned d = 0; d < 3; ++d)
          at[d] += cluster.id[d] * size[d];
        blocks.push_back(storage[blocks.size()].get());
        blocks.back()->begin(state, at);
      }
      cluster.begin(std::span(blocks).subspan(number * perCluster));
    }
    for (Cta *block : blocks)
      block->beginWarps();
  }

  /// Those that a fault has stopped run no longer.
  void end() {
    for (Cta *block : blocks)
      block->watch.end();
  }

  std::vector<Cta *> blocks;

private:
  std::vector<std::unique_ptr<Cta>> storage;
  std::vector<std::unique_ptr<Cluster>> clusters;
};

/// A line of progress, about once a second.
void tellProgress(Shared &shared) {
  auto now = std::chrono::steady_clock::now();
  if (now < shared.nextLine.load(std::memory_order_relaxed))
    return;
  std::lock_guard lock(shared.mutex);
  uint64_t ended = shared.ended;
  if (now < shared.nextLine.load() || ended == shared.blocks())
    return;
  shared.nextLine = now + std::chrono::seconds(1);
  shared.progress(shared.state.program->name, ended, shared.blocks(),
                  static_cast<uint64_t>(shared.state.given - shared.state.budget.load(std::memory_order_relaxed)));
}

void work(Shared &shared) {
  std::atomic<uint32_t> &choosing = shared.state.census.choosing;
  ++choosing;
  Group group;
  while (true) {
    uint64_t number = shared.next.fetch_add(1);
    if (number >= shared.groups() || number > shared.lowest.load()) {
      --choosing;
      return;
    }
    uint64_t first = number * shared.clustersInGroup;
    group.begin(shared.state, first, std::min(shared.clustersInGroup, shared.clusters - first));
    --choosing;
    const Cta *failed = runTogether(group.blocks);
    ++choosing;
    group.end();
    shared.ended += group.blocks.size();
    if (shared.state.alive)
      shared.state.alive();
    if (!failed)
      continue;
    std::lock_guard lock(shared.mutex);
    // Who waits for a block that a fault has stopped goes round in circles for that reason alone.
    bool isConsequence = shared.fault && failed->fault.kind == FaultKind::EndlessLoop;
    if (number < shared.lowest.load() && !isConsequence) {
      shared.lowest.store(number);
      shared.fault = LaunchFault{failed->fault.kind, describeFault(*failed)};
    }
  }
}

} // namespace

std::optional<LaunchFault> runLaunch(LaunchState &state, unsigned threads, const ProgressListener &progress) {
  uint64_t clusters = 1;
  for (unsigned d = 0; d < 3; ++d)
    clusters *= state.grid[d] / state.cluster[d];
  Shared shared{state, progress, clusters, state.cooperative ? clusters : 1, {}, {}, {}, {}, {}};
  if (progress)
    state.alive = [&shared] { tellProgress(shared); };
  shared.lowest = ~uint64_t(0);
  unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  threads = threads == 0 ? cores : std::min(threads, std::max(cores, kAlwaysAllowed));
  uint64_t workers = std::min<uint64_t>(threads, shared.groups());
  std::vector<std::thread> helpers;
  for (uint64_t i = 1; i < workers; ++i)
    helpers.emplace_back([&] { work(shared); });
  work(shared);
  for (std::thread &helper : helpers)
    helper.join();
  return std::move(shared.fault);
}

} // namespace imbrex::simulator
