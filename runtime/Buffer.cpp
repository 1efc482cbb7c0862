//===- Buffer.cpp - Device memory -----------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Allocation and copies. Synchronous copies run on the default stream, which waits for every stream of
// the context and is waited for.
//
//===----------------------------------------------------------------------===//

#include "runtime/Argument.h"
#include "runtime/Handles.h"

using namespace imbrex;
using cuda::CUstream;
using cuda::DriverTable;

Buffer::Buffer(std::unique_ptr<State> state) : state(std::move(state)) {}
Buffer::Buffer(Buffer &&) noexcept = default;
Buffer &Buffer::operator=(Buffer &&) noexcept = default;
Buffer::~Buffer() = default;

Buffer::State::~State() {
  if (!address)
    return;
  if (!device->allocator.free) {
    device->dispose<&DriverTable::memFree>(address);
    return;
  }
  // A failed push says nothing new of a lost device, and the memory is the host's to care for all the same.
  (void)device->inContext([&]() -> Result<void> { return device->allocator.free(address, bytes), Result<void>(); });
}

View::View(const Buffer &buffer, DataType type, Dims extents, Dims strides)
    : address(buffer.address()), type(type), extents(extents), strides(strides), availableBytes(buffer.bytes()),
      owner(buffer.owner()) {}

size_t Buffer::bytes() const { return state ? state->bytes : 0; }
uint64_t Buffer::address() const { return state ? state->address : 0; }
const void *Buffer::owner() const { return state ? state->device.get() : nullptr; }

/// What addresses are multiples of, as of cuMemAlloc (DeviceAllocator::allocate).
static constexpr uint64_t kAlignment = 256;

Result<Buffer> imbrex::allocateBuffer(const std::shared_ptr<DeviceContext> &device, size_t bytes) {
  auto state = std::make_unique<Buffer::State>();
  state->device = device;
  state->bytes = bytes;
  if (bytes == 0)
    return Buffer(std::move(state));
  if (device->captures().isMine())
    return Error{ErrorKind::Argument, "a buffer of " + std::to_string(bytes) +
                                          " bytes would be allocated while this thread captures a graph: allocate it "
                                          "before"};
  Result<void> done = device->inContext([&]() -> Result<void> {
    if (!device->allocator.allocate)
      return device->call<&DriverTable::memAlloc>(&state->address, bytes);
    const uint64_t given = device->allocator.allocate(bytes);
    if (given == 0)
      return Error{ErrorKind::OutOfMemory, "the host's allocator gave none of " + std::to_string(bytes) + " bytes"};
    if (given % kAlignment != 0) {
      device->allocator.free(given, bytes);
      return Error{ErrorKind::Argument, "the host's allocator gave address " + std::to_string(given) +
                                            ", which is no multiple of " + std::to_string(kAlignment)};
    }
    state->address = given;
    return {};
  });
  if (!done) {
    Error error = done.takeError();
    if (error.message.empty())
      error.message = "no buffer of " + std::to_string(bytes) + " bytes";
    return error;
  }
  return Buffer(std::move(state));
}

/// That [offset, offset + bytes) lies in a buffer of `size` bytes.
static Result<void> checkRange(size_t size, size_t offset, size_t bytes) {
  if (offset <= size && bytes <= size - offset)
    return {};
  return Error{ErrorKind::Argument, std::to_string(bytes) + " bytes at offset " + std::to_string(offset) +
                                        " do not lie in a buffer of " + std::to_string(size) + " bytes"};
}

/// One asynchronous call on `stream` for a checked range; nothing is called for no bytes.
template <typename Call>
static Result<void> onRange(const Buffer::State &state, size_t offset, size_t bytes, const Call &call) {
  if (Result<void> range = checkRange(state.bytes, offset, bytes); !range || bytes == 0)
    return range;
  return state.device->inContext(call);
}

static Result<void> onStream(const Buffer::State &state, const Stream &stream) {
  return checkSameDevice(*state.device, stream.internal().device, "the stream");
}

static Result<void> checkHost(const void *host, size_t bytes) {
  if (host || bytes == 0)
    return {};
  return Error{ErrorKind::Argument, "the host pointer of a copy of " + std::to_string(bytes) + " bytes is null"};
}

Result<void> Buffer::copyFrom(const void *host, size_t bytes, size_t offset) const {
  if (!state)
    return movedFromError("buffer");
  if (Result<void> given = checkHost(host, bytes); !given)
    return given;
  const DeviceContext &device = *state->device;
  return onRange(*state, offset, bytes, [&]() -> Result<void> {
    if (Result<void> done =
            device.call<&DriverTable::memcpyHtoDAsync>(state->address + offset, host, bytes, CUstream(nullptr));
        !done)
      return done;
    return device.call<&DriverTable::streamSynchronize>(CUstream(nullptr));
  });
}

Result<void> Buffer::copyTo(void *host, size_t bytes, size_t offset) const {
  if (!state)
    return movedFromError("buffer");
  if (Result<void> given = checkHost(host, bytes); !given)
    return given;
  const DeviceContext &device = *state->device;
  return onRange(*state, offset, bytes, [&]() -> Result<void> {
    if (Result<void> done =
            device.call<&DriverTable::memcpyDtoHAsync>(host, state->address + offset, bytes, CUstream(nullptr));
        !done)
      return done;
    return device.call<&DriverTable::streamSynchronize>(CUstream(nullptr));
  });
}

Result<void> Buffer::copyFromAsync(const Stream &stream, const void *host, size_t bytes, size_t offset) const {
  if (!state)
    return movedFromError("buffer");
  if (Result<void> given = checkHost(host, bytes); !given)
    return given;
  if (Result<void> same = onStream(*state, stream); !same)
    return same;
  return onRange(*state, offset, bytes, [&] {
    return state->device->call<&DriverTable::memcpyHtoDAsync>(state->address + offset, host, bytes,
                                                              stream.internal().handle);
  });
}

Result<void> Buffer::copyToAsync(const Stream &stream, void *host, size_t bytes, size_t offset) const {
  if (!state)
    return movedFromError("buffer");
  if (Result<void> given = checkHost(host, bytes); !given)
    return given;
  if (Result<void> same = onStream(*state, stream); !same)
    return same;
  return onRange(*state, offset, bytes, [&] {
    return state->device->call<&DriverTable::memcpyDtoHAsync>(host, state->address + offset, bytes,
                                                              stream.internal().handle);
  });
}

/// That two ranges of `bytes` > 0 bytes at these addresses are apart; offsets are for the words.
static Result<void> checkApart(uint64_t to, uint64_t from, size_t bytes, size_t offset, size_t sourceOffset) {
  if (to - from >= bytes && from - to >= bytes) // one of the differences wraps around
    return {};
  auto range = [&](size_t begin) { return "[" + std::to_string(begin) + ", " + std::to_string(begin + bytes) + ")"; };
  return Error{ErrorKind::Argument, "a copy from bytes " + range(sourceOffset) + " of a buffer to its bytes " +
                                        range(offset) + ": the ranges overlap"};
}

Result<void> Buffer::copyFromAsync(const Stream &stream, const Buffer &source, size_t bytes, size_t sourceOffset,
                                   size_t offset) const {
  if (!state)
    return movedFromError("buffer");
  if (Result<void> same = onStream(*state, stream); !same)
    return same;
  if (!source.state)
    return Error{ErrorKind::Argument, "the source was moved from"};
  if (Result<void> same = checkSameDevice(*state->device, source.state->device, "the source"); !same)
    return same;
  if (Result<void> range = checkRange(source.bytes(), sourceOffset, bytes); !range)
    return range;
  return onRange(*state, offset, bytes, [&]() -> Result<void> {
    uint64_t to = state->address + offset, from = source.state->address + sourceOffset;
    if (Result<void> apart = checkApart(to, from, bytes, offset, sourceOffset); !apart)
      return apart;
    return state->device->call<&DriverTable::memcpyDtoDAsync>(to, from, bytes, stream.internal().handle);
  });
}

Result<void> Buffer::fill(const Stream &stream, uint8_t value) const {
  if (!state)
    return movedFromError("buffer");
  if (Result<void> same = onStream(*state, stream); !same)
    return same;
  return onRange(*state, 0, state->bytes, [&] {
    return state->device->call<&DriverTable::memsetD8Async>(state->address, value, state->bytes,
                                                            stream.internal().handle);
  });
}

Result<void> Buffer::fill32(const Stream &stream, uint32_t value) const {
  if (!state)
    return movedFromError("buffer");
  if (Result<void> same = onStream(*state, stream); !same)
    return same;
  if (state->bytes % 4 != 0)
    return Error{ErrorKind::Argument,
                 "fill32 of a buffer of " + std::to_string(state->bytes) + " bytes, no multiple of 4"};
  return onRange(*state, 0, state->bytes, [&] {
    return state->device->call<&DriverTable::memsetD32Async>(state->address, value, state->bytes / 4,
                                                             stream.internal().handle);
  });
}

Result<void> Buffer::release() {
  if (!state)
    return movedFromError("buffer");
  cuda::CUdeviceptr address = std::exchange(state->address, 0);
  size_t bytes = std::exchange(state->bytes, 0);
  if (!address)
    return {};
  return state->device->inContext([&]() -> Result<void> {
    if (!state->device->allocator.free)
      return state->device->call<&DriverTable::memFree>(address);
    state->device->allocator.free(address, bytes);
    return {};
  });
}
