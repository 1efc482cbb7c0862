//===- Scratch.cpp - Copies of a launch's arguments -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A view's bytes reach from its first element to its last, whatever lies between.
//
//===----------------------------------------------------------------------===//

#include "runtime/Scratch.h"
#include <algorithm>

using namespace imbrex;
using cuda::DriverTable;

static constexpr size_t kAlignment = 256;
static constexpr uint8_t kPattern = 0xff;

/// From the first byte of the first element to the last of the last; 0 of an empty view.
static size_t bytesOf(const View &view, const BoundView &bound) {
  size_t last = 0;
  for (unsigned i = 0; i < view.extents.size(); ++i) {
    if (view.extents[i] == 0)
      return 0;
    last += size_t(view.extents[i] - 1) * size_t(bound.strides[i]);
  }
  return (last + 1) * byteSize(view.type);
}

Result<void> Scratch::addCopy(const std::shared_ptr<DeviceContext> &device, const Stream &stream,
                              const SignaturePlan &plan, const Binding &binding) {
  bool isFirst = lists.empty();
  std::vector<Argument> list;
  for (unsigned i = 0; i < plan.parameterCount(); ++i) {
    const Argument *given = binding.arguments[i];
    if (!given)
      continue;
    list.push_back(*given);
    if (!given->isView)
      continue;
    View &view = list.back().view;
    size_t bytes = bytesOf(view, binding.views[i]), offset = binding.views[i].address % kAlignment;
    if (bytes == 0)
      continue;
    Result<Buffer> buffer = allocateBuffer(device, bytes + offset);
    if (!buffer)
      return buffer.takeError();
    buffers.push_back(std::make_unique<Buffer>(std::move(*buffer)));
    bool isOutput = plan.signature.parameters[i].output;
    cuda::CUdeviceptr to = buffers.back()->address() + offset, from = binding.views[i].address;
    Result<void> filled = device->inContext([&] {
      return isOutput ? device->call<&DriverTable::memsetD8Async>(to, kPattern, bytes, stream.internal().handle)
                      : device->call<&DriverTable::memcpyDtoDAsync>(to, from, bytes, stream.internal().handle);
    });
    if (!filled)
      return filled;
    view.address = to, view.byteOffset = 0, view.availableBytes = bytes, view.readOnly = false;
    view.owner = device.get();
    if (isFirst && isOutput) {
      results.push_back({buffers.back().get(), offset, bytes});
      types.emplace_back(view.type, bytes / byteSize(view.type));
    }
  }
  lists.push_back(std::move(list));
  return {};
}

Result<std::unique_ptr<Scratch>> Scratch::make(const std::shared_ptr<DeviceContext> &device, const Stream &stream,
                                               const SignaturePlan &plan, const Binding &binding) {
  auto scratch = std::make_unique<Scratch>();
  if (Result<void> added = scratch->addCopy(device, stream, plan, binding); !added)
    return added.takeError();
  size_t bytes = 0;
  for (const std::unique_ptr<Buffer> &buffer : scratch->buffers)
    bytes += buffer->bytes();
  size_t wanted = bytes ? 2 * size_t(device->info().l2Bytes) / bytes + 1 : 1;
  while (scratch->copies() < std::min<size_t>(wanted, kMostCopies)) {
    size_t before = scratch->buffers.size();
    Result<void> added = scratch->addCopy(device, stream, plan, binding);
    if (added)
      continue;
    scratch->buffers.resize(before);
    if (added.error().kind != ErrorKind::OutOfMemory)
      return added.takeError();
    break; // fewer will do
  }
  if (Result<void> done = stream.synchronize(); !done) // the caller's memory is its own again
    return done.takeError();
  return scratch;
}

Result<void> Scratch::clearOutputs(const Stream &stream) const {
  for (const Output &output : results)
    if (Result<void> filled = output.buffer->fill(stream, kPattern); !filled)
      return filled;
  return {};
}

Result<std::vector<char>> Scratch::outputs(const Stream &stream) const {
  size_t bytes = 0;
  for (const Output &output : results)
    bytes += output.bytes;
  std::vector<char> all(bytes);
  size_t at = 0;
  for (const Output &output : results) {
    if (Result<void> copied = output.buffer->copyToAsync(stream, all.data() + at, output.bytes, output.offset); !copied)
      return copied.takeError();
    at += output.bytes;
  }
  if (Result<void> done = stream.synchronize(); !done)
    return done.takeError();
  return all;
}
