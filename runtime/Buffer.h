//===- Buffer.h - Device memory ---------------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An owned piece of device memory, and copies between it and the host. Move-only; keeps its device alive.
// Freed when destroyed, which waits for work in flight (cuMemFree). Offsets and sizes are in bytes and
// checked against the buffer. Thread-safe, moves and destruction excepted. No LLVM type, no driver
// handle: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_BUFFER_H
#define IMBREX_RUNTIME_BUFFER_H

#include "runtime/Stream.h"
#include <cstddef>
#include <cstdint>

namespace imbrex {

/// Device memory. A buffer that was moved from is empty, and what is asked of it is an Error.
class Buffer {
public:
  struct State;
  explicit Buffer(std::unique_ptr<State> state);
  Buffer(Buffer &&) noexcept;
  Buffer &operator=(Buffer &&) noexcept;
  ~Buffer();

  /// As was asked for; 0 once released.
  size_t bytes() const;
  /// Device address, a multiple of 256; 0 if the buffer is empty.
  uint64_t address() const;
  /// Which runtime's memory it is: equal for buffers of one runtime.
  const void *owner() const;

  /// Copies and waits. Ordered after all work on this runtime's streams.
  Result<void> copyFrom(const void *host, size_t bytes, size_t offset = 0) const;
  Result<void> copyTo(void *host, size_t bytes, size_t offset = 0) const;
  /// In stream order; `host` must live, and not change, until the stream has passed.
  Result<void> copyFromAsync(const Stream &stream, const void *host, size_t bytes, size_t offset = 0) const;
  Result<void> copyToAsync(const Stream &stream, void *host, size_t bytes, size_t offset = 0) const;
  /// Device to device, in stream order; ranges that overlap are refused.
  Result<void> copyFromAsync(const Stream &stream, const Buffer &source, size_t bytes, size_t sourceOffset = 0,
                             size_t offset = 0) const;
  /// Sets every byte, in stream order.
  Result<void> fill(const Stream &stream, uint8_t value) const;
  /// Sets every 32-bit word, in stream order; the size must be a multiple of 4.
  Result<void> fill32(const Stream &stream, uint32_t value) const;

  /// Frees now and says how it went; the buffer is empty afterwards.
  Result<void> release();

private:
  std::unique_ptr<State> state;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_BUFFER_H
