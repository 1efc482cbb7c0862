//===- Driver.h - State behind one simulated driver -------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The object that all copies of a simulated DriverTable share: one device, its primary context, its
// modules, streams and events. One mutex; every method below expects it to be held.
// Private to this folder's sources.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_DRIVER_H
#define IMBREX_RUNTIME_SIMULATOR_DRIVER_H

#include "runtime/CudaDriver.h"
#include "runtime/simulator/Device.h"
#include "runtime/simulator/DriverGraph.h"
#include "runtime/simulator/Fault.h"
#include "runtime/simulator/Notes.h"
#include "runtime/simulator/SimulatedDriver.h"
#include "runtime/simulator/StreamOrder.h"
#include "runtime/simulator/TensorMap.h"
#include "runtime/simulator/exec/MemoryOrder.h"
#include "runtime/simulator/exec/Program.h"
#include "runtime/simulator/memory/GlobalMemory.h"
#include "runtime/simulator/ptx/Module.h"

#include <chrono>
#include <mutex>
#include <optional>
#include <set>

namespace imbrex::simulator {

using cuda::CUresult;

struct LoadedModule {
  std::vector<std::shared_ptr<const Program>> kernels;
  std::map<std::string, std::string> refused;                     ///< Kernels that cannot be run, and why.
  std::vector<uint64_t> allocations;                              ///< Its .global and .const variables.
  std::map<std::string, std::pair<uint64_t, uint64_t>> variables; ///< The same by name: address and bytes.
};

struct LoadedFunction {
  uint64_t module = 0;
  std::shared_ptr<const Program> program;
  uint32_t maxDynamicShared = 0;
};

constexpr unsigned kHandleBits = 12; ///< Drivers lie sizeof(Driver) apart: room for as many handles, times 2^12.

struct EventState {
  std::optional<std::chrono::steady_clock::time_point> recorded;
};

/// Of the calling thread; unlike its id no other thread ever has it.
uint64_t threadNumber();

struct Driver {
  Driver(const DeviceLimits &limits, SimulatorOptions settings) : limits(limits), options(std::move(settings)) {
    reset();
  }

  const DeviceLimits &limits;
  const SimulatorOptions options;
  std::mutex mutex;
  bool initialised = false;
  unsigned retained = 0; ///< Of the primary context.
  CUresult sticky = cuda::CUDA_SUCCESS;
  std::string report;
  std::map<uint64_t, std::vector<cuda::CUcontext>> current; ///< A context stack a thread, by threadNumber().
  std::unique_ptr<GlobalMemory> memory;
  /// Handles are numbers, never reused, and others in every driver that lives at the same time: what belongs to
  /// another device is seen to be foreign.
  std::map<uint64_t, LoadedModule> modules;
  std::map<uint64_t, LoadedFunction> functions;
  std::set<uint64_t> streams;
  std::map<uint64_t, EventState> events;
  uint64_t nextHandle = reinterpret_cast<uint64_t>(this) << kHandleBits;
  uint64_t launches = 0;
  std::unique_ptr<StreamOrder> order;
  SyncTable sync;
  Notes notes{options.note};
  Graphs captured;

  /// Forgets everything the context owned.
  void reset();
  /// What a call that needs a working current context returns if it has none; CUDA_SUCCESS otherwise.
  CUresult ready();
  cuda::CUcontext context() const;
  bool isStream(cuda::CUstream stream) const;
  /// The allocation that holds the whole range, or null.
  const Allocation *range(uint64_t address, uint64_t bytes) const;

  /// A copy or fill of the range in the stream's order. False: a launch that nothing orders before it conflicts; the
  /// report is written and the context is dead.
  bool copyIsOrdered(cuda::CUstream stream, const Allocation &allocation, uint64_t offset, uint64_t bytes, bool write);

  /// The texts as one module: linked if there are several (ptx/Link.h).
  CUresult loadModule(cuda::CUmodule *out, const std::vector<std::string> &texts, std::string &log);
  /// What loadModule reads; the texts one behind the other go to `source`, to which their lines refer.
  std::optional<ptx::Module> readModules(const std::vector<std::string> &texts, SourceText &source,
                                         std::string &log) const;
  CUresult unloadModule(cuda::CUmodule handle);
  CUresult getFunction(cuda::CUfunction *out, cuda::CUmodule handle, const char *name);
  CUresult getGlobal(cuda::CUdeviceptr *address, size_t *bytes, cuda::CUmodule handle, const char *name);
  CUresult getAttribute(int *value, int attribute, cuda::CUfunction handle);
  CUresult setAttribute(cuda::CUfunction handle, int attribute, int value);
  CUresult launch(cuda::CUfunction handle, const LaunchShape &shape, cuda::CUstream stream, void **params,
                  void **extra);
  /// Refuses, in words, what cannot be launched; chooses the cluster.
  CUresult check(const LoadedFunction &function, const LaunchShape &shape, void **params, void **extra,
                 uint32_t (&cluster)[3]);
  CUresult endCapture(cuda::CUstream stream, cuda::CUgraph *out);
  CUresult instantiate(cuda::CUgraphExec *out, cuda::CUgraph graph, unsigned long long flags);
  CUresult updateGraph(cuda::CUgraphExec executable, cuda::CUgraph graph, cuda::CUgraphExecUpdateResultInfo *why);
  /// Another kernel or other values for a launch of an executable graph; cluster and cooperation stay the node's.
  CUresult setNode(cuda::CUgraphExec executable, cuda::CUgraphNode node, const cuda::CUDA_KERNEL_NODE_PARAMS *params);
  CUresult launchGraph(cuda::CUgraphExec executable, cuda::CUstream stream);
  CUresult encodeTensorMap(cuda::CUtensorMap *out, const TensorMapRequest &request);
  /// The same, told by the driver's structure.
  CUresult launchEx(const cuda::CUlaunchConfig *config, cuda::CUfunction handle, void **params, void **extra);
};

/// Fills every entry of the table.
void fillTable(cuda::DriverTable &table, const std::shared_ptr<Driver> &driver);
/// Of capture and graphs alone.
void fillGraphs(cuda::DriverTable &table, const std::shared_ptr<Driver> &driver);

/// Wraps a body so that it runs under the lock with a working current context.
template <class Body> auto inContext(const std::shared_ptr<Driver> &driver, Body body) {
  return [driver, body](auto... arguments) -> CUresult {
    std::lock_guard lock(driver->mutex);
    if (CUresult status = driver->ready(); status != cuda::CUDA_SUCCESS)
      return status;
    return body(*driver, arguments...);
  };
}

/// Handles are numbers in a pointer's clothes.
template <class Handle> Handle toHandle(uint64_t number) { return reinterpret_cast<Handle>(number); }
template <class Handle> uint64_t toNumber(Handle handle) { return reinterpret_cast<uint64_t>(handle); }

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_DRIVER_H
