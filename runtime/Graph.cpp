//===- Graph.cpp - Work that is recorded once and replayed ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A capture gives a template (CUgraph), which is instantiated and kept, or updates what was instantiated before and is
// then destroyed: nodes are named by the template of the first. Captures are thread-local: other threads of the host
// may go on allocating and loading meanwhile.
//
//===----------------------------------------------------------------------===//

#include "runtime/GraphState.h"
#include <ranges>

using namespace imbrex;
using cuda::DriverTable;

Graph::Graph(std::unique_ptr<State> state) : state(std::move(state)) {}
Graph::Graph(Graph &&) noexcept = default;
Graph &Graph::operator=(Graph &&) noexcept = default;
Graph::~Graph() = default;

static Error movedFrom() { return movedFromError("graph"); }

/// That a capture can begin on the stream.
static Result<void> checkStream(const Stream &stream) {
  constexpr uintptr_t kLegacy = 1; // CU_STREAM_LEGACY, another name of the default stream
  if (reinterpret_cast<uintptr_t>(stream.raw()) <= kLegacy)
    return Error{ErrorKind::Argument, "the default stream cannot be captured: make a stream for it"};
  Result<bool> busy = stream.isCapturing();
  if (!busy)
    return busy.takeError();
  if (*busy)
    return Error{ErrorKind::Argument, "the stream is being captured already"};
  return {};
}

/// The driver's number of the capture that goes on on a stream, and its last node there; 0 if there is none.
static Result<void> askCapture(const DeviceContext &device, cuda::CUstream stream, unsigned long long &id,
                               cuda::CUgraphNode &last) {
  int status = 0;
  const cuda::CUgraphNode *nodes = nullptr;
  size_t count = 0;
  Result<void> asked = device.inContext([&] {
    return device.call<&DriverTable::streamGetCaptureInfo>(stream, &status, &id, static_cast<cuda::CUgraph *>(nullptr),
                                                           &nodes, &count);
  });
  if (!asked || status != cuda::CU_STREAM_CAPTURE_STATUS_ACTIVE)
    id = 0;
  last = id && count == 1 ? nodes[0] : nullptr;
  return asked;
}

Result<void> imbrex::noteLaunch(const DeviceContext &device, CapturedLaunch launch) {
  unsigned long long id = 0;
  Result<void> asked = askCapture(device, launch.stream, id, launch.node);
  device.captures().keep(launch, id);
  return asked;
}

/// Runs `work` into a capture that was begun, and ends it.
static Result<void> captureInto(const Stream::State &on, const std::function<Result<void>()> &work,
                                CapturedGraph &made) {
  unsigned long long id = 0;
  cuda::CUgraphNode none = nullptr;
  Result<void> asked = askCapture(*on.device, on.handle, id, none);
  Captures::Open open(on.device->captures(), id);
  Result<void> worked = asked ? work() : std::move(asked);
  Result<void> ended =
      on.device->inContext([&] { return on.device->call<&DriverTable::streamEndCapture>(on.handle, &made.handle); });
  made.launches = open.take();
  return worked ? std::move(ended) : std::move(worked);
}

static Result<CapturedGraph> captureWork(const Stream &stream, const std::function<Result<void>()> &work) {
  if (!stream.internal().device)
    return movedFromError("stream");
  if (Result<void> free = checkStream(stream); !free)
    return free.takeError();
  const Stream::State &on = stream.internal();
  CapturedGraph made;
  made.device = on.device;
  Result<void> begun = on.device->inContext([&] {
    return on.device->call<&DriverTable::streamBeginCapture>(on.handle, int(cuda::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
  });
  if (!begun)
    return begun.takeError();
  if (Result<void> captured = captureInto(on, work, made); !captured)
    return captured.takeError();
  return made;
}

static Result<cuda::CUgraphExec> instantiate(const CapturedGraph &captured) {
  cuda::CUgraphExec handle = nullptr;
  Result<void> done = captured.device->inContext(
      [&] { return captured.device->call<&DriverTable::graphInstantiate>(&handle, captured.handle, 0ull); });
  return done ? Result<cuda::CUgraphExec>(handle) : done.takeError();
}

Result<Graph> Graph::capture(const Stream &stream, const std::function<Result<void>()> &work) {
  Result<CapturedGraph> captured = captureWork(stream, work);
  if (!captured)
    return captured.takeError();
  Result<cuda::CUgraphExec> handle = instantiate(*captured);
  if (!handle)
    return handle.takeError();
  auto state = std::make_unique<State>();
  state->captured = std::move(*captured);
  state->handle = *handle;
  return Graph(std::move(state));
}

/// Of the launches those that are places.
template <typename Launches> static auto placesOf(Launches &launches) {
  return std::views::filter(launches, [](const CapturedLaunch &launch) { return launch.node != nullptr; });
}

/// The places, each as the number of its branch.
static std::vector<size_t> branches(const std::vector<CapturedLaunch> &launches) {
  std::vector<cuda::CUstream> streams;
  std::vector<size_t> numbers;
  for (const CapturedLaunch &launch : placesOf(launches)) {
    size_t number = size_t(std::find(streams.begin(), streams.end(), launch.stream) - streams.begin());
    if (number == streams.size())
      streams.push_back(launch.stream);
    numbers.push_back(number);
  }
  return numbers;
}

/// The new launches at the nodes of the old, of which there are as many.
static void takeLaunches(CapturedGraph &to, CapturedGraph &from) {
  auto places = placesOf(to.launches);
  auto old = places.begin();
  for (CapturedLaunch &launch : placesOf(from.launches))
    launch.node = (old++)->node;
  to.launches = std::move(from.launches);
}

Result<bool> Graph::update(const Stream &stream, const std::function<Result<void>()> &work) {
  if (!state)
    return movedFrom();
  const DeviceContext &device = *state->captured.device;
  if (Result<void> same = checkSameDevice(device, stream.internal().device, "the stream"); !same)
    return same.takeError();
  Result<CapturedGraph> captured = captureWork(stream, work);
  if (!captured)
    return captured.takeError();
  // The driver pairs nodes stream by stream: where the order across streams differs, a place would be another's.
  bool isSame = branches(captured->launches) == branches(state->captured.launches);
  if (isSame) {
    cuda::CUgraphExecUpdateResultInfo why = {};
    Result<void> updated = device.inContext([&] {
      return device.ask<&DriverTable::graphExecUpdate, cuda::CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE>(
          isSame, state->handle, captured->handle, &why);
    });
    if (!updated)
      return updated.takeError();
  }
  if (isSame) {
    takeLaunches(state->captured, *captured);
    return true;
  }
  Result<cuda::CUgraphExec> handle = instantiate(*captured);
  if (!handle)
    return handle.takeError();
  state->drop(); // what it has in flight is done all the same
  state->handle = *handle;
  state->captured = std::move(*captured);
  return false;
}

std::vector<std::string> Graph::launches() const {
  std::vector<std::string> names;
  if (state)
    for (const CapturedLaunch &launch : placesOf(state->captured.launches))
      names.push_back(launch.kernel);
  return names;
}

Result<void> imbrex::checkGraphPlace(const Graph::State *graph, size_t place, const DeviceContext &device) {
  if (!graph)
    return movedFrom();
  const size_t count = size_t(std::ranges::distance(placesOf(graph->captured.launches)));
  if (place >= count)
    return Error{ErrorKind::Argument, "there is no launch " + std::to_string(place) + " in this graph: it has " +
                                          std::to_string(count) + ", counted from 0"};
  return checkSameDevice(*graph->captured.device, device, "the kernel");
}

Result<void> imbrex::setPlace(Graph::State &graph, size_t place, PlacedLaunch launch) {
  auto places = placesOf(graph.captured.launches);
  CapturedLaunch &old = *std::ranges::next(places.begin(), ptrdiff_t(place));
  auto refuse = [&](const std::string &why) {
    return Error{ErrorKind::Argument, "kernel '" + launch.kernel.kernel + "' cannot be launch " +
                                          std::to_string(place) + " of this graph: " + why};
  };
  if (launch.parameters.gridDimX == 0)
    return refuse("its grid is empty, and a launch cannot be taken out: capture anew, by update()");
  // The attribute stays the node's: a kernel that does not wait for the one before it would run beside it.
  if (old.programmatic != launch.kernel.programmatic)
    return refuse(old.programmatic ? "the one captured there is programmatic(), and it is not"
                                   : "it is programmatic(), and the one captured there is not");
  const DeviceContext &device = *graph.captured.device;
  Result<void> done = device.inContext([&] {
    return device.call<&DriverTable::graphExecKernelNodeSetParams>(
        graph.handle, old.node, static_cast<const cuda::CUDA_KERNEL_NODE_PARAMS *>(&launch.parameters));
  });
  if (!done)
    return done;
  old.kept = std::move(launch.kernel.kept);
  old.kernel = std::move(launch.kernel.kernel);
  return {};
}

Result<void> Graph::launch(const Stream &stream) const {
  if (!state)
    return movedFrom();
  const DeviceContext &device = *state->captured.device;
  if (Result<void> same = checkSameDevice(device, stream.internal().device, "the stream"); !same)
    return same;
  for (const CapturedLaunch &launch : state->captured.launches) {
    device.suspects().launched(stream.internal().handle, launch.kernel);
    if (device.captures().any()) // it becomes a part of another graph, and no place of it
      device.captures().keep(launch, 0);
  }
  return device.inContext(
      [&] { return device.call<&DriverTable::graphLaunch>(state->handle, stream.internal().handle); });
}
