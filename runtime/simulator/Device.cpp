//===- Device.cpp - Limits of the devices that are simulated --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table and its attributes.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Device.h"

#include "runtime/CudaDriver.h"

namespace imbrex::simulator {
namespace {

constexpr uint64_t kGiB = uint64_t(1) << 30;
constexpr uint32_t kKiB = 1024, kMiB = 1024 * 1024;

constexpr DeviceLimits kDevices[] = {
    {"h200", "H200", 9, 0, 132, 227 * kKiB, 228 * kKiB, 141 * kGiB, 50 * kMiB, 1980000},
    {"h100", "H100", 9, 0, 132, 227 * kKiB, 228 * kKiB, 80 * kGiB, 50 * kMiB, 1980000},
    {"a100", "A100", 8, 0, 108, 163 * kKiB, 164 * kKiB, 80 * kGiB, 40 * kMiB, 1410000},
    {"rtx3090", "RTX 3090", 8, 6, 82, 99 * kKiB, 100 * kKiB, 24 * kGiB, 6 * kMiB, 1695000},
    {"l40s", "L40S", 8, 9, 142, 99 * kKiB, 100 * kKiB, 48 * kGiB, 96 * kMiB, 2520000},
    {"b200", "B200", 10, 0, 148, 227 * kKiB, 228 * kKiB, 180 * kGiB, 126 * kMiB, 1965000},
    {"rtx5090", "RTX 5090", 12, 0, 170, 99 * kKiB, 100 * kKiB, 32 * kGiB, 96 * kMiB, 2407000},
};

} // namespace

std::span<const DeviceLimits> simulatedDevices() { return kDevices; }

const DeviceLimits *findDevice(std::string_view key) {
  for (const DeviceLimits &device : kDevices)
    if (device.key == key)
      return &device;
  return nullptr;
}

bool deviceAttribute(const DeviceLimits &device, int attribute, int &value) {
  auto answer = [&](uint64_t number) {
    value = static_cast<int>(number);
    return true;
  };
  switch (attribute) {
  case cuda::CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    return answer(kMaxThreadsPerBlock);
  case cuda::CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
    return answer(kMaxGrid[0]);
  case cuda::CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
    return answer(kMaxGrid[1]);
  case cuda::CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
    return answer(kMaxGrid[2]);
  case cuda::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
    return answer(kDefaultSharedPerBlock);
  case cuda::CU_DEVICE_ATTRIBUTE_WARP_SIZE:
    return answer(32);
  case cuda::CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
    return answer(65536);
  case cuda::CU_DEVICE_ATTRIBUTE_CLOCK_RATE:
    return answer(device.clockKiloHertz);
  case cuda::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
    return answer(device.multiprocessors);
  case cuda::CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
    return answer(device.cacheBytes);
  case cuda::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
    return answer(device.major);
  case cuda::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
    return answer(device.minor);
  case cuda::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
    return answer(device.sharedPerMultiprocessor);
  case cuda::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
    return answer(device.sharedPerBlock);
  default:
    return false;
  }
}

} // namespace imbrex::simulator
