//===- Device.h - Limits of the devices that are simulated ------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One row a device: what cuDeviceGetAttribute answers and what a launch is held to. Figures are those
// of the CUDA C++ Programming Guide (technical specifications per compute capability) and of the
// boards' data sheets.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_DEVICE_H
#define IMBREX_RUNTIME_SIMULATOR_DEVICE_H

#include <cstdint>
#include <span>
#include <string_view>

namespace imbrex::simulator {

struct DeviceLimits {
  std::string_view key;  ///< "h200"
  std::string_view name; ///< What cuDeviceGetName says after "Simulated ".
  unsigned major, minor;
  unsigned multiprocessors;
  uint32_t sharedPerBlock;          ///< Opt-in maximum, bytes.
  uint32_t sharedPerMultiprocessor; ///< Bytes.
  uint64_t memoryBytes;
  uint32_t cacheBytes; ///< L2.
  uint32_t clockKiloHertz;
};

constexpr uint32_t kDefaultSharedPerBlock = 48 * 1024;
constexpr uint32_t kMaxThreadsPerBlock = 1024;
constexpr uint32_t kMaxBlock[3] = {1024, 1024, 64};
constexpr uint32_t kMaxGrid[3] = {0x7FFFFFFF, 65535, 65535};

std::span<const DeviceLimits> simulatedDevices();
/// The row of that key, or null.
const DeviceLimits *findDevice(std::string_view key);
/// The answer to cuDeviceGetAttribute; false for an attribute that is not modelled.
bool deviceAttribute(const DeviceLimits &device, int attribute, int &value);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_DEVICE_H
