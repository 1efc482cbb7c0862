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

namespace {

/// What all simulated devices have in common, by the numbers of CUdevice_attribute; what is absent here and below is 0:
/// no textures, no virtual memory, no sharing between processes, no errors corrected.
constexpr struct {
  int attribute, value;
} kCommon[] = {
    {2, 1024},        ///< MAX_BLOCK_DIM_X
    {3, 1024},        ///< MAX_BLOCK_DIM_Y
    {4, 64},          ///< MAX_BLOCK_DIM_Z
    {9, 65536},       ///< TOTAL_CONSTANT_MEMORY
    {11, 0x7FFFFFFF}, ///< MAX_PITCH
    {14, 512},        ///< TEXTURE_ALIGNMENT
    {15, 1},          ///< GPU_OVERLAP
    {19, 1},          ///< CAN_MAP_HOST_MEMORY
    {31, 1},          ///< CONCURRENT_KERNELS
    {36, 2619000},    ///< MEMORY_CLOCK_RATE
    {37, 5120},       ///< GLOBAL_MEMORY_BUS_WIDTH
    {40, 3},          ///< ASYNC_ENGINE_COUNT
    {41, 1},          ///< UNIFIED_ADDRESSING
    {51, 32},         ///< TEXTURE_PITCH_ALIGNMENT
    {78, 1},          ///< STREAM_PRIORITIES_SUPPORTED
    {79, 1},          ///< GLOBAL_L1_CACHE_SUPPORTED
    {80, 1},          ///< LOCAL_L1_CACHE_SUPPORTED
    {82, 65536},      ///< MAX_REGISTERS_PER_MULTIPROCESSOR
    {83, 1},          ///< MANAGED_MEMORY
    {87, 2},          ///< SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO
    {89, 1},          ///< CONCURRENT_MANAGED_ACCESS
    {90, 1},          ///< COMPUTE_PREEMPTION_SUPPORTED
    {91, 1},          ///< CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM
    {95, 1},          ///< COOPERATIVE_LAUNCH
    {99, 1},          ///< HOST_REGISTER_SUPPORTED
    {106, 32},        ///< MAX_BLOCKS_PER_MULTIPROCESSOR
    {111, 1024},      ///< RESERVED_SHARED_MEMORY_PER_BLOCK
    {115, 1},         ///< MEMORY_POOLS_SUPPORTED
    {126, 1},         ///< MEM_SYNC_DOMAIN_COUNT
};
constexpr int kLastAttribute = 144;
constexpr int kMaxThreadsPerMultiprocessor = 39, kClusterLaunch = 120, kTensorMapAccess = 127;

} // namespace

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
  case kMaxThreadsPerMultiprocessor: // Programming guide: 1536 on the boards, 2048 on the servers' devices.
    return answer(device.sharedPerBlock == 99 * kKiB ? 1536 : 2048);
  case kClusterLaunch:
  case kTensorMapAccess:
    return answer(device.major >= 9);
  default:
    for (auto [known, common] : kCommon)
      if (known == attribute)
        return answer(static_cast<uint64_t>(common));
    return attribute > 0 && attribute < kLastAttribute && answer(0);
  }
}

} // namespace imbrex::simulator
