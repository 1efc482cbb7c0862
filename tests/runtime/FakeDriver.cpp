//===- FakeDriver.cpp - A driver table without a device -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fake's calls, grouped as in CudaSymbols.def. Handles are small numbers or pointers the fake made.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/FakeDriver.h"
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

using namespace imbrex::cuda;
using namespace imbrex::testing;

struct FakeDriver::State {
  std::mutex mutex;
  Alive alive;
  unsigned launches = 0;
  int maxDynamicShared = 0;
  int lastPriority = 0;
  std::map<std::string, Kernel> kernels;
  std::map<std::string, unsigned> valueCounts;
  using Graph = std::vector<std::pair<std::string, std::function<void()>>>; ///< kernels by name
  std::optional<Graph> capture;
  unsigned long long captures = 0;
  CUgraphNode last = nullptr;                       ///< of the capture: nodes are numbers from 1
  std::set<std::unique_ptr<Graph>> graphs;          ///< also of those that are destroyed
  std::set<std::unique_ptr<std::string>> functions; ///< CUfunction points at the entry's name
  std::map<std::thread::id, int> pushed;
  std::map<CUdeviceptr, std::unique_ptr<void, decltype(&free)>> memory; ///< goes with the driver at the latest

  bool hasContext() {
    std::lock_guard lock(mutex);
    return pushed[std::this_thread::get_id()] > 0;
  }
  /// The launch with a copy of its values.
  Graph::value_type nodeOf(const std::string &entry, const FakeLaunch &shape) {
    std::vector<uint64_t> words(valueCounts[entry]);
    for (size_t i = 0; i < words.size(); ++i)
      memcpy(&words[i], shape.values[i], 8);
    return {entry, [this, kernel = kernels[entry], shape, words]() mutable {
              std::vector<void *> pointers;
              for (uint64_t &word : words)
                pointers.push_back(&word);
              FakeLaunch again = shape;
              again.values = pointers.data();
              ++launches;
              if (kernel)
                kernel(again);
            }};
  }
  /// A call that no capture allows.
  CUresult count(int Alive::*kind, int change) {
    if (!hasContext())
      return CUDA_ERROR_INVALID_CONTEXT;
    std::lock_guard lock(mutex);
    if (capture)
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    alive.*kind += change;
    return CUDA_SUCCESS;
  }
};

using SharedState = std::shared_ptr<FakeDriver::State>;

static void fillDevice(DriverTable &table) {
  table.init = [](unsigned) { return CUDA_SUCCESS; };
  table.driverGetVersion = [](int *version) { return *version = 13000, CUDA_SUCCESS; };
  table.getErrorName = [](CUresult result, const char **name) {
    *name = result == CUDA_ERROR_OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_SOMETHING";
    return CUDA_SUCCESS;
  };
  table.getErrorString = [](CUresult, const char **words) { return *words = "fake words", CUDA_SUCCESS; };
  table.deviceGetCount = [](int *count) { return *count = 1, CUDA_SUCCESS; };
  table.deviceGet = [](CUdevice *device, int ordinal) { return *device = ordinal, CUDA_SUCCESS; };
  table.deviceGetName = [](char *name, int size, CUdevice) { return strncpy(name, "fake", size), CUDA_SUCCESS; };
  table.deviceTotalMem = [](size_t *bytes, CUdevice) { return *bytes = 1 << 30, CUDA_SUCCESS; };
  table.deviceGetAttribute = [](int *value, int attribute, CUdevice) {
    const std::map<int, int> values = {{CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
                                       {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 9},
                                       {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 2147483647},
                                       {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535},
                                       {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535},
                                       {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 232448}};
    auto found = values.find(attribute);
    *value = found == values.end() ? 0 : found->second;
    return CUDA_SUCCESS;
  };
}

static void fillContext(DriverTable &table, const SharedState &state) {
  table.primaryContextRetain = [state](CUcontext *context, CUdevice) {
    std::lock_guard lock(state->mutex);
    ++state->alive.contexts;
    return *context = reinterpret_cast<CUcontext>(state.get()), CUDA_SUCCESS;
  };
  table.primaryContextRelease = [state](CUdevice) {
    std::lock_guard lock(state->mutex);
    return --state->alive.contexts, CUDA_SUCCESS;
  };
  table.contextPushCurrent = [state](CUcontext context) {
    std::lock_guard lock(state->mutex);
    if (context != reinterpret_cast<CUcontext>(state.get()))
      return CUDA_ERROR_INVALID_CONTEXT;
    ++state->alive.pushed;
    return ++state->pushed[std::this_thread::get_id()], CUDA_SUCCESS;
  };
  table.contextPopCurrent = [state](CUcontext *) {
    std::lock_guard lock(state->mutex);
    --state->alive.pushed;
    return --state->pushed[std::this_thread::get_id()], CUDA_SUCCESS;
  };
  table.contextSynchronize = [state] { return state->hasContext() ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT; };
}

static void fillStreams(DriverTable &table, const SharedState &state) {
  using Alive = FakeDriver::Alive;
  table.streamCreate = [state](CUstream *stream, unsigned) {
    *stream = reinterpret_cast<CUstream>(8);
    return state->count(&Alive::streams, 1);
  };
  table.contextStreamPriorityRange = [](int *least, int *greatest) { return *least = 0, *greatest = -5, CUDA_SUCCESS; };
  table.streamCreateWithPriority = [state](CUstream *stream, unsigned, int priority) {
    *stream = reinterpret_cast<CUstream>(8);
    state->lastPriority = priority;
    return state->count(&Alive::streams, 1);
  };
  table.streamDestroy = [state](CUstream) { return state->count(&Alive::streams, -1); };
  table.streamSynchronize = [state](CUstream) { return state->count(&Alive::streams, 0); };
  table.streamGetContext = [state](CUstream stream, CUcontext *context) {
    bool ours = stream == reinterpret_cast<CUstream>(8);
    *context = ours ? reinterpret_cast<CUcontext>(state.get()) : reinterpret_cast<CUcontext>(1);
    return state->count(&Alive::streams, 0);
  };
  table.streamWaitEvent = [state](CUstream, CUevent, unsigned) { return state->count(&Alive::streams, 0); };
  table.eventCreate = [state](CUevent *event, unsigned) {
    *event = reinterpret_cast<CUevent>(16);
    return state->count(&Alive::events, 1);
  };
  table.eventDestroy = [state](CUevent) { return state->count(&Alive::events, -1); };
  table.eventRecord = [state](CUevent, CUstream) { return state->count(&Alive::events, 0); };
  table.eventSynchronize = [state](CUevent) { return state->count(&Alive::events, 0); };
  table.eventQuery = [state](CUevent) { return state->count(&Alive::events, 0); };
  table.eventElapsedTime = [state](float *time, CUevent, CUevent) {
    *time = 1;
    return state->count(&Alive::events, 0);
  };
}

static void fillGraphs(DriverTable &table, const SharedState &state) {
  using Graph = FakeDriver::State::Graph;
  auto keep = [state](Graph graph) {
    return state->graphs.insert(std::make_unique<Graph>(std::move(graph))).first->get();
  };
  table.streamBeginCapture = [state](CUstream, int) {
    std::lock_guard lock(state->mutex);
    ++state->captures;
    return state->capture ? CUDA_ERROR_ILLEGAL_STATE : (state->capture.emplace(), CUDA_SUCCESS);
  };
  table.streamGetCaptureInfo = [state](CUstream, int *status, unsigned long long *id, CUgraph *,
                                       const CUgraphNode **nodes, size_t *count) {
    std::lock_guard lock(state->mutex);
    *status = state->capture.has_value();
    *id = state->captures;
    state->last = reinterpret_cast<CUgraphNode>(state->capture ? state->capture->size() : 0);
    return *nodes = &state->last, *count = state->last ? 1 : 0, CUDA_SUCCESS;
  };
  table.graphExecKernelNodeSetParams = [state](CUgraphExec executable, CUgraphNode node,
                                               const CUDA_KERNEL_NODE_PARAMS *is) {
    std::lock_guard lock(state->mutex);
    FakeLaunch shape = {
        {is->gridDimX, is->gridDimY, is->gridDimZ}, is->blockDimX, is->sharedMemBytes, is->kernelParams, false};
    Graph &graph = *reinterpret_cast<Graph *>(executable);
    graph.at(reinterpret_cast<size_t>(node) - 1) = state->nodeOf(*reinterpret_cast<std::string *>(is->func), shape);
    return CUDA_SUCCESS;
  };
  table.streamIsCapturing = [state](CUstream, int *status) {
    std::lock_guard lock(state->mutex);
    return *status = state->capture.has_value(), CUDA_SUCCESS;
  };
  table.streamEndCapture = [state, keep](CUstream, CUgraph *graph) {
    std::lock_guard lock(state->mutex);
    ++state->alive.graphs;
    *graph = reinterpret_cast<CUgraph>(keep(std::move(*state->capture)));
    return state->capture.reset(), CUDA_SUCCESS;
  };
  table.graphInstantiate = [state, keep](CUgraphExec *executable, CUgraph graph, unsigned long long) {
    std::lock_guard lock(state->mutex);
    ++state->alive.executables;
    return *executable = reinterpret_cast<CUgraphExec>(keep(*reinterpret_cast<Graph *>(graph))), CUDA_SUCCESS;
  };
  table.graphExecUpdate = [state](CUgraphExec executable, CUgraph graph, CUgraphExecUpdateResultInfo *) {
    std::lock_guard lock(state->mutex);
    Graph &to = *reinterpret_cast<Graph *>(executable), &from = *reinterpret_cast<Graph *>(graph);
    auto sameKernel = [](const auto &a, const auto &b) { return a.first == b.first; };
    if (!std::equal(to.begin(), to.end(), from.begin(), from.end(), sameKernel))
      return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
    return to = from, CUDA_SUCCESS;
  };
  table.graphLaunch = [state](CUgraphExec executable, CUstream) {
    std::unique_lock lock(state->mutex);
    if (state->capture) // a child
      return state->capture->emplace_back("a graph", [] {}), CUDA_SUCCESS;
    lock.unlock();
    for (auto &[name, run] : *reinterpret_cast<Graph *>(executable))
      run();
    return state->count(&FakeDriver::Alive::graphs, 0);
  };
  table.graphExecDestroy = [state](CUgraphExec) {
    std::lock_guard lock(state->mutex);
    return --state->alive.executables, CUDA_SUCCESS;
  };
  table.graphDestroy = [state](CUgraph) {
    std::lock_guard lock(state->mutex);
    return --state->alive.graphs, CUDA_SUCCESS;
  };
}

static void fillMemory(DriverTable &table, const SharedState &state) {
  using Alive = FakeDriver::Alive;
  table.memAlloc = [state](CUdeviceptr *address, size_t bytes) {
    std::unique_ptr<void, decltype(&free)> memory(aligned_alloc(256, (bytes + 255) / 256 * 256), &free);
    *address = reinterpret_cast<CUdeviceptr>(memory.get());
    std::unique_lock lock(state->mutex);
    state->memory.emplace(*address, std::move(memory));
    lock.unlock();
    return state->count(&Alive::buffers, 1);
  };
  table.memFree = [state](CUdeviceptr address) {
    std::unique_lock lock(state->mutex);
    state->memory.erase(address);
    lock.unlock();
    return state->count(&Alive::buffers, -1);
  };
  table.memcpyHtoDAsync = [state](CUdeviceptr to, const void *from, size_t bytes, CUstream) {
    memcpy(reinterpret_cast<void *>(to), from, bytes);
    return state->count(&Alive::buffers, 0);
  };
  table.memcpyDtoHAsync = [state](void *to, CUdeviceptr from, size_t bytes, CUstream) {
    memcpy(to, reinterpret_cast<void *>(from), bytes);
    return state->count(&Alive::buffers, 0);
  };
  table.memcpyDtoDAsync = [state](CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream) {
    memcpy(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), bytes);
    return state->count(&Alive::buffers, 0);
  };
  table.memsetD8Async = [state](CUdeviceptr to, unsigned char value, size_t bytes, CUstream) {
    memset(reinterpret_cast<void *>(to), value, bytes);
    return state->count(&Alive::buffers, 0);
  };
  table.memsetD32Async = [state](CUdeviceptr to, unsigned value, size_t count, CUstream) {
    for (size_t i = 0; i < count; ++i)
      reinterpret_cast<unsigned *>(to)[i] = value;
    return state->count(&Alive::buffers, 0);
  };
}

static void fillModules(DriverTable &table, const SharedState &state) {
  using Alive = FakeDriver::Alive;
  table.moduleLoadDataEx = [state](CUmodule *module, const void *image, unsigned, CUjit_option *, void **values) {
    if (strncmp(static_cast<const char *>(image), "entry ", 6) != 0) {
      strcpy(static_cast<char *>(values[0]), "not a module");
      return CUDA_ERROR_INVALID_IMAGE;
    }
    *module = reinterpret_cast<CUmodule>(24);
    return state->count(&Alive::modules, 1);
  };
  table.moduleUnload = [state](CUmodule) { return state->count(&Alive::modules, -1); };
  table.moduleGetFunction = [state](CUfunction *function, CUmodule, const char *name) {
    std::lock_guard lock(state->mutex);
    if (!state->kernels.contains(name))
      return CUDA_ERROR_NOT_FOUND;
    auto [entry, added] = state->functions.insert(std::make_unique<std::string>(name));
    return *function = reinterpret_cast<CUfunction>(entry->get()), CUDA_SUCCESS;
  };
  table.funcGetAttribute = [](int *value, int attribute, CUfunction) {
    return *value = attribute == CU_FUNC_ATTRIBUTE_NUM_REGS ? 40 : 0, CUDA_SUCCESS;
  };
  table.funcSetAttribute = [state](CUfunction, int, int value) {
    return state->maxDynamicShared = value, CUDA_SUCCESS;
  };
  auto launch = [state](CUfunction function, const FakeLaunch &shape) {
    std::string entry = *reinterpret_cast<std::string *>(function);
    if (!state->hasContext())
      return CUDA_ERROR_INVALID_CONTEXT;
    std::unique_lock lock(state->mutex);
    FakeDriver::Kernel kernel = state->kernels[entry];
    if (!state->capture) {
      ++state->launches;
      lock.unlock();
      return kernel ? (kernel(shape), CUDA_SUCCESS) : CUDA_SUCCESS;
    }
    state->capture->push_back(state->nodeOf(entry, shape));
    return CUDA_SUCCESS;
  };
  table.launchKernel = [launch](CUfunction function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned,
                                unsigned, unsigned shared, CUstream, void **values,
                                void **) { return launch(function, {{x, y, z}, threads, shared, values, false}); };
  table.launchKernelEx = [launch](const CUlaunchConfig *c, CUfunction function, void **values, void **) {
    bool programmatic = c->numAttrs == 1 && c->attrs->id == CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION &&
                        c->attrs->value.number == 1;
    return launch(function,
                  {{c->gridDimX, c->gridDimY, c->gridDimZ}, c->blockDimX, c->sharedMemBytes, values, programmatic});
  };
}

FakeDriver::FakeDriver() : state(std::make_shared<State>()) {}

DriverTable FakeDriver::table() const {
  DriverTable table;
  fillDevice(table);
  fillContext(table, state);
  fillStreams(table, state);
  fillMemory(table, state);
  fillModules(table, state);
  fillGraphs(table, state);
  table.simulated = true; // times mean nothing, PTX is loaded as text
  return table;
}

void FakeDriver::addKernel(const std::string &entry, Kernel kernel, unsigned values) {
  state->kernels[entry] = std::move(kernel);
  state->valueCounts[entry] = values;
}

FakeDriver::Alive FakeDriver::alive() const {
  std::lock_guard lock(state->mutex);
  return state->alive;
}

unsigned FakeDriver::launches() const { return state->launches; }
int FakeDriver::lastPriority() const { return state->lastPriority; }
int FakeDriver::maxDynamicShared() const { return state->maxDynamicShared; }
