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
  if (handle)
    device->dispose<&DriverTable::streamDestroy>(handle);
}

Event::Event(std::unique_ptr<State> state) : state(std::move(state)) {}
Event::Event(Event &&) noexcept = default;
Event &Event::operator=(Event &&) noexcept = default;
Event::~Event() = default;

Event::State::~State() {
  if (handle)
    device->dispose<&DriverTable::eventDestroy>(handle);
}

Result<void> imbrex::checkSameDevice(const DeviceContext &a, const DeviceContext &b, const char *what) {
  if (&a == &b)
    return {};
  return Error{ErrorKind::Argument, std::string(what) + " belongs to another runtime (" + a.info().id + " and " +
                                        b.info().id + "): make it with the same Runtime"};
}

Result<Stream> imbrex::createStream(const std::shared_ptr<DeviceContext> &device) {
  auto state = std::make_unique<Stream::State>();
  state->device = device;
  // Flags 0: the synchronous copies of Buffer (on the default stream) keep order with this one.
  if (Result<void> done =
          device->inContext([&] { return device->call<&DriverTable::streamCreate>(&state->handle, 0u); });
      !done)
    return done.takeError();
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

Result<void> Stream::synchronize() const {
  const DeviceContext &device = *state->device;
  Result<void> done = device.inContext([&] { return device.call<&DriverTable::streamSynchronize>(state->handle); });
  if (done)
    device.suspects().finished(state->handle);
  return done;
}

Result<void> Stream::wait(const Event &event) const {
  const DeviceContext &device = *state->device;
  if (Result<void> same = checkSameDevice(device, *event.internal().device, "the event"); !same)
    return same;
  return device.inContext(
      [&] { return device.call<&DriverTable::streamWaitEvent>(state->handle, event.internal().handle, 0u); });
}

Result<void> Event::record(const Stream &stream) const {
  const DeviceContext &device = *state->device;
  if (Result<void> same = checkSameDevice(device, *stream.internal().device, "the stream"); !same)
    return same;
  return device.inContext(
      [&] { return device.call<&DriverTable::eventRecord>(state->handle, stream.internal().handle); });
}

Result<void> Event::synchronize() const {
  const DeviceContext &device = *state->device;
  return device.inContext([&] { return device.call<&DriverTable::eventSynchronize>(state->handle); });
}

Result<float> Event::millisecondsSince(const Event &start) const {
  const DeviceContext &device = *state->device;
  if (Result<void> same = checkSameDevice(device, *start.internal().device, "the event"); !same)
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
