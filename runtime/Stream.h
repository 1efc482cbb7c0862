//===- Stream.h - Ordered work on a device, and marks in it -----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Streams and events. Move-only owners; an object keeps its device alive, so it may outlive the Runtime.
// All member functions may be called from several threads at once, moves and destruction excepted. No
// LLVM type, and a driver handle only as a void *, to share a stream with another library: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_STREAM_H
#define IMBREX_RUNTIME_STREAM_H

#include "runtime/Result.h"
#include <memory>

namespace imbrex {

class DeviceContext;
class Event;

struct StreamOptions {
  /// Where work of several streams waits for the device, a lower number goes first; 0 is what other streams have. One
  /// outside the device's range is an Error of kind Argument.
  int priority = 0;
};

/// Work put on one stream runs in order. It also keeps order with the synchronous copies of Buffer, unless it is
/// a wrapped stream that its owner made with CU_STREAM_NON_BLOCKING: synchronize such a stream before them.
/// Destroying a stream does not wait for its work, and a wrapped one (Runtime::wrapStream) stays its owner's. What is
/// asked of a stream or event that was moved from is an Error.
class Stream {
public:
  struct State;
  explicit Stream(std::unique_ptr<State> state);
  Stream(Stream &&) noexcept;
  Stream &operator=(Stream &&) noexcept;
  ~Stream();

  /// Waits for all work put on the stream so far. A kernel's fault is reported here at the latest.
  Result<void> synchronize() const;
  /// Later work of this stream waits for `event`; the host does not.
  Result<void> wait(const Event &event) const;

  /// Whether what is put on the stream is captured (runtime/Graph.h), by us or by somebody else.
  Result<bool> isCapturing() const;

  /// The CUstream, to give to another library; null is the default stream. Lives as long as this object.
  void *raw() const;

  /// For the runtime's own sources.
  const State &internal() const { return state ? static_cast<const State &>(*state) : movedFrom(); }

private:
  static const State &movedFrom(); ///< without a device
  std::unique_ptr<State> state;
};

/// A mark in a stream: to wait for, and to measure time between two. One of somebody else (Runtime::wrapEvent) stays
/// its owner's.
class Event {
public:
  struct State;
  explicit Event(std::unique_ptr<State> state);
  Event(Event &&) noexcept;
  Event &operator=(Event &&) noexcept;
  ~Event();

  /// Marks what is on the stream now; then waits, on the host, for what was marked.
  Result<void> record(const Stream &stream) const;
  Result<void> synchronize() const;
  /// Whether the stream has passed it; does not wait.
  Result<bool> isDone() const;
  /// Milliseconds from `start` to this mark, both passed. On a simulated device it is no measure of anything.
  Result<float> millisecondsSince(const Event &start) const;

  /// The CUevent, to give to another library. Lives as long as this object.
  void *raw() const;

  /// For the runtime's own sources.
  const State &internal() const { return state ? static_cast<const State &>(*state) : movedFrom(); }

private:
  static const State &movedFrom(); ///< without a device
  std::unique_ptr<State> state;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_STREAM_H
