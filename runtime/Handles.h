//===- Handles.h - What stands behind streams, events and buffers --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver handles inside the public objects. Internal: only the runtime's sources include it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_HANDLES_H
#define IMBREX_RUNTIME_HANDLES_H

#include "runtime/Buffer.h"
#include "runtime/DeviceContext.h"
#include "runtime/Stream.h"

namespace imbrex {

struct Stream::State {
  std::shared_ptr<DeviceContext> device;
  cuda::CUstream handle = nullptr;
  bool owned = true; ///< false: somebody else's, not destroyed
  ~State();
};

struct Event::State {
  std::shared_ptr<DeviceContext> device;
  cuda::CUevent handle = nullptr;
  bool owned = true; ///< false: somebody else's, not destroyed
  ~State();
};

struct Buffer::State {
  std::shared_ptr<DeviceContext> device;
  cuda::CUdeviceptr address = 0;
  size_t bytes = 0;
  ~State();
};

Result<Stream> createStream(const std::shared_ptr<DeviceContext> &device, const StreamOptions &options = {});
Result<Stream> wrapStream(const std::shared_ptr<DeviceContext> &device, cuda::CUstream handle);
Result<Event> createEvent(const std::shared_ptr<DeviceContext> &device);
Result<Event> wrapEvent(const std::shared_ptr<DeviceContext> &device, cuda::CUevent handle);
Result<Buffer> allocateBuffer(const std::shared_ptr<DeviceContext> &device, size_t bytes);

/// An Error of kind Argument unless both belong to the same device.
Result<void> checkSameDevice(const DeviceContext &a, const DeviceContext &b, const char *what);
/// The same of something that was perhaps moved from: then `b` is null, and that is the Error.
Result<void> checkSameDevice(const DeviceContext &a, const std::shared_ptr<DeviceContext> &b, const char *what);
/// "this `what` was moved from".
Error movedFromError(const char *what);

} // namespace imbrex

#endif // IMBREX_RUNTIME_HANDLES_H
