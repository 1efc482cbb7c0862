//===- Graph.cpp - Work that is recorded once and replayed ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A capture gives a template (CUgraph), which is instantiated, or updates what was instantiated before, and is then
// destroyed. Captures are thread-local: other threads of the host may go on allocating and loading meanwhile.
//
//===----------------------------------------------------------------------===//

#include "runtime/Graph.h"
#include "runtime/Handles.h"

using namespace imbrex;
using cuda::DriverTable;

namespace {

/// What a capture gave.
struct Template {
  std::shared_ptr<DeviceContext> device;
  cuda::CUgraph handle = nullptr;
  Captures::Kept kept;

  Template() = default;
  Template(Template &&other) noexcept
      : device(std::move(other.device)), handle(std::exchange(other.handle, nullptr)), kept(std::move(other.kept)) {}
  ~Template() {
    if (handle)
      device->dispose<&DriverTable::graphDestroy>(handle);
  }
};

} // namespace

struct Graph::State {
  std::shared_ptr<DeviceContext> device;
  cuda::CUgraphExec handle = nullptr;
  Captures::Kept kept;

  ~State() { drop(); }
  void drop() {
    if (cuda::CUgraphExec old = std::exchange(handle, nullptr))
      device->dispose<&DriverTable::graphExecDestroy>(old);
  }
};

Graph::Graph(std::unique_ptr<State> state) : state(std::move(state)) {}
Graph::Graph(Graph &&) noexcept = default;
Graph &Graph::operator=(Graph &&) noexcept = default;
Graph::~Graph() = default;

static Error movedFrom() { return Error{ErrorKind::Argument, "this graph was moved from"}; }

/// That a capture can begin on the stream.
static Result<void> checkStream(const Stream &stream) {
  if (!stream.raw())
    return Error{ErrorKind::Argument, "the default stream cannot be captured: make a stream for it"};
  Result<bool> busy = stream.isCapturing();
  if (!busy)
    return busy.takeError();
  if (*busy)
    return Error{ErrorKind::Argument, "the stream is being captured already"};
  return {};
}

static Result<Template> captureWork(const Stream &stream, const std::function<Result<void>()> &work) {
  if (Result<void> free = checkStream(stream); !free)
    return free.takeError();
  const Stream::State &on = stream.internal();
  Template made;
  made.device = on.device;
  Result<void> begun = on.device->inContext([&] {
    return on.device->call<&DriverTable::streamBeginCapture>(on.handle, int(cuda::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
  });
  if (!begun)
    return begun.takeError();
  Captures::Open open(on.device->captures());
  Result<void> worked = work();
  Result<void> ended =
      on.device->inContext([&] { return on.device->call<&DriverTable::streamEndCapture>(on.handle, &made.handle); });
  if (!worked)
    return worked.takeError();
  if (!ended)
    return ended.takeError();
  made.kept = open.take();
  return made;
}

static Result<cuda::CUgraphExec> instantiate(const Template &captured) {
  cuda::CUgraphExec handle = nullptr;
  Result<void> done = captured.device->inContext(
      [&] { return captured.device->call<&DriverTable::graphInstantiate>(&handle, captured.handle, 0ull); });
  return done ? Result<cuda::CUgraphExec>(handle) : done.takeError();
}

Result<Graph> Graph::capture(const Stream &stream, const std::function<Result<void>()> &work) {
  Result<Template> captured = captureWork(stream, work);
  if (!captured)
    return captured.takeError();
  Result<cuda::CUgraphExec> handle = instantiate(*captured);
  if (!handle)
    return handle.takeError();
  auto state = std::make_unique<State>();
  state->device = captured->device;
  state->handle = *handle;
  state->kept = std::move(captured->kept);
  return Graph(std::move(state));
}

Result<bool> Graph::update(const Stream &stream, const std::function<Result<void>()> &work) {
  if (!state)
    return movedFrom();
  if (Result<void> same = checkSameDevice(*state->device, *stream.internal().device, "the stream"); !same)
    return same.takeError();
  Result<Template> captured = captureWork(stream, work);
  if (!captured)
    return captured.takeError();
  cuda::CUgraphExecUpdateResultInfo why = {};
  bool isSame = false;
  Result<void> updated = state->device->inContext([&] {
    return state->device->ask<&DriverTable::graphExecUpdate, cuda::CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE>(
        isSame, state->handle, captured->handle, &why);
  });
  if (!updated)
    return updated.takeError();
  if (!isSame) {
    Result<cuda::CUgraphExec> handle = instantiate(*captured);
    if (!handle)
      return handle.takeError();
    state->drop(); // what it has in flight is done all the same
    state->handle = *handle;
  }
  state->kept = std::move(captured->kept);
  return isSame;
}

Result<void> Graph::launch(const Stream &stream) const {
  if (!state)
    return movedFrom();
  const DeviceContext &device = *state->device;
  if (Result<void> same = checkSameDevice(device, *stream.internal().device, "the stream"); !same)
    return same;
  for (const auto &[kernel, name] : state->kept) {
    device.suspects().launched(stream.internal().handle, name);
    if (device.captures().any()) // it becomes a part of another graph
      device.captures().keep(kernel, name);
  }
  return device.inContext(
      [&] { return device.call<&DriverTable::graphLaunch>(state->handle, stream.internal().handle); });
}
