//===- DeviceAllocator.h - Device memory by the host's own means --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A host that manages device memory itself gives these two functions to a runtime (RuntimeOptions::allocator), which
// then takes every byte from them that it would ask the driver for: for Runtime::allocate and for the copies that
// tuning works on. Launches allocate no device memory. What it gives must be memory of that device, the simulated one
// included. Both may be called from any thread, with the device's primary
// context current. No LLVM type, no driver handle: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_DEVICEALLOCATOR_H
#define IMBREX_RUNTIME_DEVICEALLOCATOR_H

#include <cstddef>
#include <cstdint>
#include <functional>

namespace imbrex {

struct DeviceAllocator {
  /// The address of `bytes` > 0 bytes, a multiple of 256; 0 if there are none left.
  std::function<uint64_t(size_t bytes)> allocate;
  /// What `allocate` gave. Work that uses the memory may be in flight still, as at cuMemFree: wait for it first.
  std::function<void(uint64_t address, size_t bytes)> free;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_DEVICEALLOCATOR_H
