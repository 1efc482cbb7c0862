//===- Stream.cpp - Ordered work on a device, and marks in it -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each member function is one driver call in the device's context.
//
//===----------------------------------------------------------------------===//

#include "runtime/Handles.h"

using namespace imbrex;
using cuda::DriverTable;

Stream::Stream(std::unique_ptr<State> state) : state(std::move(state)) {}
Stream::Stream(Stream &&) noexcept = default;
Stream &Stream::operator=(Stream &&) noexcept = default;
Stream::~Stream() = default;

Stream::State::~State() {
  if (handle && owned)
    device->dispose<&DriverTable::streamDestroy>(handle);
}

Event::Event(std::unique_ptr<State> state) : state(std::move(state)) {}
Event::Event(Event &&) noexcept = default;
Event &Event::operator=(Event &&) noexcept = default;
Event::~Event() = default;

Event::State::~State() {
  if (handle && owned)
    device->dispose<&DriverTable::eventDestroy>(handle);
}

Result<void> imbrex::checkSameDevice(const DeviceContext &a, const DeviceContext &b, const char *what) {
  if (&a == &b)
    return {};
  return Error{ErrorKind::Argument, std::string(what) + " belongs to another runtime (" + a.info().id + " and " +
                                        b.info().id + "): make it with the same Runtime"};
}

Error imbrex::movedFromError(const char *what) {
  return Error{ErrorKind::Argument, "this " + std::string(what) + " was moved from"};
}

Result<void> imbrex::checkSameDevice(const DeviceContext &a, const std::shared_ptr<DeviceContext> &b,
                                     const char *what) {
  if (!b)
    return Error{ErrorKind::Argument, std::string(what) + " was moved from"};
  return checkSameDevice(a, *b, what);
}

const Stream::State &Stream::movedFrom() {
  static const State none;
  return none;
}

const Event::State &Event::movedFrom() {
  static const State none;
  return none;
}

/// In the primary context.
static Result<void> checkPriority(const DeviceContext &device, int priority) {
  int least = 0, greatest = 0; // the most urgent is the least number
  if (Result<void> asked = device.call<&DriverTable::contextStreamPriorityRange>(&least, &greatest); !asked)
    return asked;
  if (priority <= least && priority >= greatest)
    return {};
  return Error{ErrorKind::Argument, "a stream's priority is " + std::to_string(priority) + ": on " + device.info().id +
                                        " it is between " + std::to_string(greatest) + " and " + std::to_string(least)};
}

Result<Stream> imbrex::createStream(const std::shared_ptr<DeviceContext> &device, const StreamOptions &options) {
  auto state = std::make_unique<Stream::State>();
  state->device = device;
  // Flags 0: the synchronous copies of Buffer (on the default stream) keep order with this one.
  Result<void> done = device->inContext([&]() -> Result<void> {
    if (options.priority == 0)
      return device->call<&DriverTable::streamCreate>(&state->handle, 0u);
    if (Result<void> good = checkPriority(*device, options.priority); !good)
      return good;
    return device->call<&DriverTable::streamCreateWithPriority>(&state->handle, 0u, options.priority);
  });
  if (!done)
    return done.takeError();
  return Stream(std::move(state));
}

/// That `handle` is a stream of the device's primary context. The default streams are of whatever context is current.
static Result<void> checkForeignStream(const DeviceContext &device, cuda::CUstream handle) {
  constexpr uintptr_t lastDefault = 2; // CU_STREAM_LEGACY is 1, CU_STREAM_PER_THREAD 2
  if (reinterpret_cast<uintptr_t>(handle) <= lastDefault)
    return {};
  const std::string what = "the stream to wrap is none of the primary context of " + device.info().id;
  cuda::CUcontext context = nullptr;
  Result<void> asked = device.inContext([&] { return device.call<&DriverTable::streamGetContext>(handle, &context); });
  if (!asked) {
    Error error = asked.takeError();
    error.kind = ErrorKind::Argument;
    error.message = what;
    return error;
  }
  if (!device.isContext(context))
    return Error{ErrorKind::Argument, what + ": it belongs to another device or context"};
  return {};
}

Result<Stream> imbrex::wrapStream(const std::shared_ptr<DeviceContext> &device, cuda::CUstream handle) {
  if (Result<void> ours = checkForeignStream(*device, handle); !ours)
    return ours.takeError();
  auto state = std::make_unique<Stream::State>();
  state->device = device;
  state->handle = handle;
  state->owned = false;
  return Stream(std::move(state));
}

Result<Event> imbrex::createEvent(const std::shared_ptr<DeviceContext> &device) {
  auto state = std::make_unique<Event::State>();
  state->device = device;
  if (Result<void> done =
          device->inContext([&] { return device->call<&DriverTable::eventCreate>(&state->handle, 0u); });
      !done)
    return done.takeError();
  return Event(std::move(state));
}

Result<Event> imbrex::wrapEvent(const std::shared_ptr<DeviceContext> &device, cuda::CUevent handle) {
  if (!handle)
    return Error{ErrorKind::Argument, "the event to wrap is null"};
  cuda::CUresult asked = cuda::CUDA_SUCCESS; // one that is recorded or captured has its own answers, all good
  Result<void> current = device->inContext([&] { return asked = device->driver().eventQuery(handle), Result<void>(); });
  if (!current)
    return current.takeError();
  if (asked == cuda::CUDA_ERROR_INVALID_HANDLE || asked == cuda::CUDA_ERROR_INVALID_CONTEXT)
    return Error{ErrorKind::Argument, "the event to wrap is none of the primary context of " + device->info().id};
  auto state = std::make_unique<Event::State>();
  state->device = device;
  state->handle = handle;
  state->owned = false;
  return Event(std::move(state));
}

Result<bool> Stream::isCapturing() const {
  if (!state)
    return movedFromError("stream");
  int status = cuda::CU_STREAM_CAPTURE_STATUS_NONE;
  Result<void> asked = state->device->inContext(
      [&] { return state->device->call<&DriverTable::streamIsCapturing>(state->handle, &status); });
  return asked ? Result<bool>(status != cuda::CU_STREAM_CAPTURE_STATUS_NONE) : asked.takeError();
}

Result<void> Stream::synchronize() const {
  if (!state)
    return movedFromError("stream");
  const DeviceContext &device = *state->device;
  Result<void> done = device.inContext([&] { return device.call<&DriverTable::streamSynchronize>(state->handle); });
  if (done)
    device.suspects().finished(state->handle);
  return done;
}

void *Stream::raw() const { return internal().handle; }
void *Event::raw() const { return internal().handle; }

Result<void> Stream::wait(const Event &event) const {
  if (!state)
    return movedFromError("stream");
  const DeviceContext &device = *state->device;
  if (Result<void> same = checkSameDevice(device, event.internal().device, "the event"); !same)
    return same;
  return device.inContext(
      [&] { return device.call<&DriverTable::streamWaitEvent>(state->handle, event.internal().handle, 0u); });
}

Result<void> Event::record(const Stream &stream) const {
  if (!state)
    return movedFromError("event");
  const DeviceContext &device = *state->device;
  if (Result<void> same = checkSameDevice(device, stream.internal().device, "the stream"); !same)
    return same;
  return device.inContext(
      [&] { return device.call<&DriverTable::eventRecord>(state->handle, stream.internal().handle); });
}

Result<void> Event::synchronize() const {
  if (!state)
    return movedFromError("event");
  const DeviceContext &device = *state->device;
  return device.inContext([&] { return device.call<&DriverTable::eventSynchronize>(state->handle); });
}

Result<bool> Event::isDone() const {
  if (!state)
    return movedFromError("event");
  const DeviceContext &device = *state->device;
  bool done = false;
  Result<void> asked = device.inContext([&] { return device.ask<&DriverTable::eventQuery>(done, state->handle); });
  return asked ? Result<bool>(done) : asked.takeError();
}

Result<float> Event::millisecondsSince(const Event &start) const {
  if (!state)
    return movedFromError("event");
  const DeviceContext &device = *state->device;
  if (Result<void> same = checkSameDevice(device, start.internal().device, "the event"); !same)
    return same.takeError();
  float milliseconds = 0;
  Result<void> done = device.inContext([&] {
    return device.call<&DriverTable::eventElapsedTime>(&milliseconds, start.internal().handle, state->handle);
  });
  if (!done) {
    Error error = done.takeError();
    if (error.kind == ErrorKind::Driver)
      error.message = "no time between the events: both must be recorded and passed";
    return error;
  }
  return milliseconds;
}
