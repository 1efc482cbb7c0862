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
  case FaultKind::Assertion:
    return CUDA_ERROR_ASSERT;
  default:
    return CUDA_ERROR_LAUNCH_FAILED;
  }
}

std::string refuseShape(const Program &program, const LaunchShape &shape) {
  for (int i = 0; i < 3; ++i) {
    if (shape.grid[i] == 0 || shape.grid[i] > kMaxGrid[i])
      return "grid dimension " + std::to_string(i) + " is " + std::to_string(shape.grid[i]);
    if (shape.block[i] == 0 || shape.block[i] > kMaxBlock[i])
      return "block dimension " + std::to_string(i) + " is " + std::to_string(shape.block[i]);
    if (program.requiredThreads[0] != 0 && program.requiredThreads[i] != shape.block[i])
      return "the block is not what .reqntid asks for";
  }
  return {};
}

/// The cluster's dimensions: what the launch asks for, else what the kernel says.
std::string chooseCluster(const Program &program, const LaunchShape &shape, const DeviceLimits &limits,
                          uint32_t (&cluster)[3]) {
  bool asked = shape.cluster[0] != 0, required = program.cluster.required[0] != 0;
  uint64_t blocks = 1;
  for (int i = 0; i < 3; ++i) {
    cluster[i] = asked ? shape.cluster[i] : std::max(program.cluster.required[i], 1u);
    if (asked && required && shape.cluster[i] != program.cluster.required[i])
      return "the cluster is not what .reqnctapercluster asks for";
    if (cluster[i] == 0 || shape.grid[i] % cluster[i] != 0)
      return "grid dimension " + std::to_string(i) + " is no multiple of the cluster's " + std::to_string(cluster[i]);
    blocks *= cluster[i];
  }
  constexpr uint32_t kPortableBlocks = 8;
  if (blocks > std::max(program.cluster.most, kPortableBlocks) || blocks > kMaxClusterBlocks)
    return "a cluster of " + std::to_string(blocks) + " blocks is too large";
  if ((asked || required) && limits.major < 9)
    return "the device has no clusters";
  return {};
}

/// Empty if the launch is acceptable, else why not.
std::string refuse(const LoadedFunction &function, const DeviceLimits &limits, const LaunchShape &shape) {
  const Program &program = *function.program;
  std::string reason = refuseShape(program, shape);
  if (!reason.empty())
    return reason;
  uint64_t threads = uint64_t(shape.block[0]) * shape.block[1] * shape.block[2];
  uint64_t most = uint64_t(program.maxThreads[0]) * program.maxThreads[1] * program.maxThreads[2];
  if (threads > kMaxThreadsPerBlock || (most != 0 && threads > most))
    return std::to_string(threads) + " threads a block are too many";
  if (shape.sharedBytes > function.maxDynamicShared)
    return std::to_string(shape.sharedBytes) + " bytes of dynamic shared memory, the function allows " +
           std::to_string(function.maxDynamicShared);
  uint64_t shared = program.staticSharedBytes + uint64_t(shape.sharedBytes);
  if (shared > limits.sharedPerBlock)
    return "static and dynamic shared memory together exceed the device's " + std::to_string(limits.sharedPerBlock);
  constexpr uint64_t kThreadsPerMultiprocessor = 2048, kReservedShared = 1024;
  uint64_t resident = std::min(kThreadsPerMultiprocessor / ((threads + 31) / 32 * 32),
                               limits.sharedPerMultiprocessor / (shared + kReservedShared));
  uint64_t blocks = uint64_t(shape.grid[0]) * shape.grid[1] * shape.grid[2];
  if (shape.cooperative && blocks > resident * limits.multiprocessors)
    return std::to_string(blocks) + " blocks of a cooperative launch do not fit on the device together";
  return {};
}

std::vector<uint8_t> packParameters(const Program &program, void **params) {
  std::vector<uint8_t> bytes(program.paramBytes);
  for (size_t i = 0; i < program.params.size(); ++i)
    std::memcpy(bytes.data() + program.params[i].offset, params[i], program.params[i].bytes);
  return bytes;
}

/// What CUDA's cooperative groups expect at the address in %envreg1 (upper half) and %envreg2: two words, the size and
/// the barrier of the grid. Lives as long as the launch.
class Workspace {
public:
  Workspace(GlobalMemory &memory, bool wanted)
      : memory(memory), allocation(wanted ? memory.allocate(kBytes) : nullptr) {
    if (!allocation)
      return;
    const uint32_t words[] = {kBytes, 0};
    std::memcpy(allocation->bytes, words, sizeof(words));
    GlobalMemory::markRange(*allocation, 0, sizeof(words));
  }
  ~Workspace() {
    if (allocation)
      memory.release(allocation->base);
  }
  Workspace(const Workspace &) = delete;
  Workspace &operator=(const Workspace &) = delete;
  uint64_t address() const { return allocation ? allocation->base : 0; }

private:
  static constexpr uint32_t kBytes = 8;
  GlobalMemory &memory;
  Allocation *allocation;
};

/// Warp instructions that a launch may take; `asked` is 0 where nobody said.
int64_t budgetOf(uint64_t asked) {
  constexpr uint64_t kMostBudget = uint64_t(1) << 62;
  return asked ? static_cast<int64_t>(std::min(asked, kMostBudget)) : kDefaultBudget;
}

/// The launch as a graph's node.
GraphNode launchNode(CUfunction handle, const LaunchShape &shape, const std::shared_ptr<const Program> &program,
                     const std::vector<uint8_t> &packed) {
  return {"launch",
          [=](Driver &driver, CUstream stream) {
            std::vector<void *> pointers;
            for (const Program::Param &param : program->params)
              pointers.push_back(const_cast<uint8_t *>(packed.data()) + param.offset);
            return driver.launch(handle, shape, stream, pointers.data(), nullptr);
          },
          shape};
}

/// What the kernel refuses to be launched with, in words; empty if it takes it all.
std::string refuseParameters(const Program &program, void **params, void **extra) {
  if (extra || (!params && !program.params.empty()))
    return "parameters must be passed through kernelParams";
  for (size_t i = 0; i < program.params.size(); ++i)
    if (!params[i])
      return "parameter " + std::to_string(i) + " is null";
  return {};
}

} // namespace

CUresult Driver::encodeTensorMap(CUtensorMap *out, const TensorMapRequest &request) {
  std::string wrong;
  TensorMap map;
  if (!out || reinterpret_cast<uintptr_t>(out) % alignof(CUtensorMap) != 0)
    wrong = "the tensor map is null or not aligned to 64 bytes";
  else if (limits.major < 9)
    wrong = "the device copies no tensors";
  else
    wrong = simulator::encodeTensorMap(request, map);
  if (!wrong.empty()) {
    report = "simulated device: cuTensorMapEncodeTiled refused: " + wrong;
    return CUDA_ERROR_INVALID_VALUE;
  }
  std::memset(out, 0, sizeof(*out));
  std::memcpy(out, &map, sizeof(map));
  return CUDA_SUCCESS;
}

CUresult Driver::launchEx(const CUlaunchConfig *config, CUfunction handle, void **params, void **extra) {
  if (!config || (config->numAttrs != 0 && !config->attrs))
    return CUDA_ERROR_INVALID_VALUE;
  LaunchShape shape{{config->gridDimX, config->gridDimY, config->gridDimZ},
                    {config->blockDimX, config->blockDimY, config->blockDimZ},
                    {0, 0, 0},
                    config->sharedMemBytes,
                    false};
  for (unsigned i = 0; i < config->numAttrs; ++i) {
    const CUlaunchAttribute &attribute = config->attrs[i];
    switch (attribute.id) {
    case 0: // Ignored by definition.
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION: // Launches follow one another anyway.
    case CU_LAUNCH_ATTRIBUTE_PRIORITY:
      break;
    case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
      shape.cooperative = attribute.value.number != 0;
      break;
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
      std::copy(attribute.value.cluster, attribute.value.cluster + 3, shape.cluster);
      break;
    default:
      report = "simulated device: launch attribute " + std::to_string(attribute.id) + " is not modelled";
      return CUDA_ERROR_NOT_SUPPORTED;
    }
  }
  return launch(handle, shape, config->hStream, params, extra);
}

CUresult Driver::setNode(CUgraphExec executable, CUgraphNode handle, const CUDA_KERNEL_NODE_PARAMS *params) {
  auto found = captured.executables.find(toNumber(executable));
  if (!params)
    return CUDA_ERROR_INVALID_VALUE;
  auto function = functions.find(toNumber(params->func));
  if (found == captured.executables.end() || function == functions.end())
    return CUDA_ERROR_INVALID_HANDLE;
  auto nodes = std::make_shared<GraphNodes>(*found->second);
  auto node = std::find_if(nodes->begin(), nodes->end(),
                           [&](const GraphNode &each) { return each.handle == toNumber(handle) && each.shape; });
  if (node == nodes->end())
    return CUDA_ERROR_INVALID_VALUE;
  LaunchShape shape = *node->shape;
  shape.sharedBytes = params->sharedMemBytes;
  const unsigned grid[] = {params->gridDimX, params->gridDimY, params->gridDimZ},
                 block[] = {params->blockDimX, params->blockDimY, params->blockDimZ};
  std::copy(grid, grid + 3, shape.grid);
  std::copy(block, block + 3, shape.block);
  uint32_t cluster[3];
  if (CUresult status = check(function->second, shape, params->kernelParams, params->extra, cluster);
      status != CUDA_SUCCESS)
    return status;
  const std::shared_ptr<const Program> &program = function->second.program;
  uint64_t kept = node->handle;
  *node = launchNode(params->func, shape, program, packParameters(*program, params->kernelParams));
  node->handle = kept;
  found->second = std::move(nodes);
  return CUDA_SUCCESS;
}

CUresult Driver::check(const LoadedFunction &function, const LaunchShape &shape, void **params, void **extra,
                       uint32_t (&cluster)[3]) {
  const Program &program = *function.program;
  std::string reason = refuse(function, limits, shape);
  if (reason.empty())
    reason = chooseCluster(program, shape, limits, cluster);
  if (reason.empty())
    reason = refuseParameters(program, params, extra);
  if (reason.empty())
    return CUDA_SUCCESS;
  report = "simulated device: launch of '" + program.name + "' refused: " + reason;
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult Driver::launch(CUfunction handle, const LaunchShape &shape, CUstream stream, void **params, void **extra) {
  report.clear(); // Of an earlier call.
  auto found = functions.find(toNumber(handle));
  if (found == functions.end() || !isStream(stream))
    return CUDA_ERROR_INVALID_HANDLE;
  const LoadedFunction &function = found->second;
  const Program &program = *function.program;
  LaunchState state;
  if (CUresult status = check(function, shape, params, extra, state.cluster); status != CUDA_SUCCESS)
    return status;
  std::vector<uint8_t> packed = packParameters(program, params);
  bool isTaken = false;
  if (CUresult status = captured.take(toNumber(stream), launchNode(handle, shape, function.program, packed), isTaken);
      isTaken)
    return status;
  state.program = &program;
  state.global = memory.get();
  std::copy(shape.grid, shape.grid + 3, state.grid);
  std::copy(shape.block, shape.block + 3, state.block);
  state.cooperative = shape.cooperative;
  Workspace workspace(*memory, shape.cooperative);
  state.workspace = workspace.address();
  state.dynamicSharedBytes = shape.sharedBytes;
  state.smCount = limits.multiprocessors;
  state.gridId = ++launches;
  state.schedulingSeed = options.schedulingSeed;
  state.given = budgetOf(options.maxWarpInstructions);
  state.budget = state.given;
  state.budgetHint = options.budgetHint;
  state.calmLimit = std::max(static_cast<uint64_t>(state.given / 8), kLeastCalm);
  state.params = std::move(packed);
  memory->shareWithDevice(program.usesHeap);
  uint64_t blocks = uint64_t(shape.grid[0]) * shape.grid[1] * shape.grid[2];
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
  state.trace = options.trace;
  state.traced = options.traced;
  sync.trim();
  auto fault = runLaunch(state, options.threads, options.progress);
  memory->shareWithDevice(false);
  if (!fault)
    return CUDA_SUCCESS;
  report = std::move(fault->report);
  sticky = errorOf(fault->kind);
  return sticky;
}

} // namespace imbrex::simulator
