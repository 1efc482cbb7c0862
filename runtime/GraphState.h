//===- GraphState.h - What stands behind a graph ----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The captured graph (CUgraph), of which nodes have their names, and what was instantiated of it, which is launched.
// A launch of ours in it is a place: the driver tells the node when the launch is captured, and cuGraphExecKernelNode-
// SetParams gives that node another kernel or other values. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_GRAPHSTATE_H
#define IMBREX_RUNTIME_GRAPHSTATE_H

#include "runtime/Graph.h"
#include "runtime/Handles.h"

namespace imbrex {

/// What a capture gave; gives it back.
struct CapturedGraph {
  std::shared_ptr<DeviceContext> device;
  cuda::CUgraph handle = nullptr;
  std::vector<CapturedLaunch> launches; ///< in their order; those with a node are places

  CapturedGraph() = default;
  CapturedGraph(CapturedGraph &&other) noexcept { *this = std::move(other); }
  CapturedGraph &operator=(CapturedGraph &&other) noexcept {
    std::swap(device, other.device);
    std::swap(handle, other.handle);
    std::swap(launches, other.launches);
    return *this;
  }
  ~CapturedGraph() {
    if (handle)
      device->dispose<&cuda::DriverTable::graphDestroy>(handle);
  }
};

struct Graph::State {
  CapturedGraph captured; ///< of which `handle` was made
  cuda::CUgraphExec handle = nullptr;

  ~State() { drop(); }
  void drop() {
    if (cuda::CUgraphExec old = std::exchange(handle, nullptr))
      captured.device->dispose<&cuda::DriverTable::graphExecDestroy>(old);
  }
};

/// Tells open captures of a launch that was just put on `stream`. One driver call, while a capture is open.
Result<void> noteLaunch(const DeviceContext &device, CapturedLaunch launch);

/// A launch for a place of a graph, as the driver takes it.
struct PlacedLaunch {
  CapturedLaunch kernel; ///< node and stream are the place's
  cuda::CUDA_KERNEL_NODE_PARAMS parameters;
};
/// The checks of Graph::set that need no kernel: the place exists, and the device is the graph's.
Result<void> checkGraphPlace(const Graph::State *graph, size_t place, const DeviceContext &device);
/// Puts it there; the place was checked.
Result<void> setPlace(Graph::State &graph, size_t place, PlacedLaunch launch);

} // namespace imbrex

#endif // IMBREX_RUNTIME_GRAPHSTATE_H
