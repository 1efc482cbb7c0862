//===- Launches.cpp - Launches and occupancy of the stand-in driver --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Launches with attributes, and the tensor maps that kernels take, are the simulated driver's own. Occupancy follows
// from threads, shared memory and registers.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/StandIn.h"

#include <algorithm>

using namespace imbrex::standin;
using imbrex::cuda::CUfunction;
using imbrex::cuda::CUlaunchAttribute;
using imbrex::cuda::CUlaunchConfig;
using imbrex::cuda::CUstream;
using imbrex::cuda::CUtensorMap;

namespace {

/// The values of kernelParams out of the buffer that CU_LAUNCH_PARAM_BUFFER_POINTER names; the device checks their
/// number.
bool unpack(CUfunction function, void **extra, std::vector<void *> &pointers) {
  char *buffer = nullptr;
  for (; *extra; extra += 2) {
    if (*extra == reinterpret_cast<void *>(1))
      buffer = static_cast<char *>(extra[1]);
    else if (*extra != reinterpret_cast<void *>(2)) // The size.
      return false;
  }
  size_t offset = 0;
  for (size_t i = 0; extras().functionParameter(function, i, &offset, nullptr) == CUDA_SUCCESS; ++i)
    pointers.push_back(buffer + offset);
  pointers.push_back(nullptr);
  return buffer != nullptr || pointers.size() == 1;
}

int attributeOf(CUfunction function, int attribute) {
  int value = 0;
  table().funcGetAttribute(&value, attribute, function);
  return value;
}
int deviceAttribute(int attribute) {
  int value = 0;
  table().deviceGetAttribute(&value, attribute, 0);
  return value;
}

constexpr int kThreadsOfMultiprocessor = 2048, kBlocksOfMultiprocessor = 32, kReservedShared = 1024;

int activeBlocks(CUfunction function, int threads, size_t dynamicShared) {
  if (threads <= 0 || threads > attributeOf(function, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK))
    return 0;
  int warps = (threads + 31) / 32;
  int registers = std::max(attributeOf(function, CU_FUNC_ATTRIBUTE_NUM_REGS), 16);
  size_t shared =
      static_cast<size_t>(attributeOf(function, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES)) + dynamicShared + kReservedShared;
  int byThreads = kThreadsOfMultiprocessor / (warps * 32);
  int byRegisters = 65536 / ((registers + 7) / 8 * 8 * warps * 32);
  int byShared = static_cast<int>(
      static_cast<size_t>(deviceAttribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR)) / shared);
  return std::min({byThreads, std::max(byRegisters, 1), byShared, kBlocksOfMultiprocessor});
}

/// Arguments that are given packed become `params`, which lie in `pointers`. False if they are malformed.
bool useParams(CUfunction function, void **&params, void **&extra, std::vector<void *> &pointers) {
  if (!extra || params)
    return true;
  if (!unpack(function, extra, pointers))
    return false;
  params = pointers.data();
  extra = nullptr;
  return true;
}

} // namespace

STANDIN_API cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                           unsigned blockY, unsigned blockZ, unsigned sharedBytes, CUstream stream, void **params,
                           void **extra) {
  std::vector<void *> pointers;
  if (!useParams(function, params, extra, pointers))
    return CUDA_ERROR_INVALID_VALUE;
  return told(
      table().launchKernel(function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream, params, extra));
}

STANDIN_API cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function, void **params, void **extra) {
  std::vector<void *> pointers;
  if (!useParams(function, params, extra, pointers))
    return CUDA_ERROR_INVALID_VALUE;
  return told(table().launchKernelEx(config, function, params, extra));
}

STANDIN_API cuLaunchCooperativeKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ,
                                      unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
                                      CUstream stream, void **params) {
  CUlaunchAttribute together = {};
  together.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
  together.value.number = 1;
  CUlaunchConfig config{gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream, &together, 1};
  return cuLaunchKernelEx(&config, function, params, nullptr);
}

STANDIN_API cuTensorMapEncodeTiled(CUtensorMap *out, int type, unsigned rank, void *base,
                                   const unsigned long long *extents, const unsigned long long *strides,
                                   const unsigned *box, const unsigned *elementStrides, int interleave, int swizzle,
                                   int promotion, int fill) {
  return told(table().tensorMapEncodeTiled(out, type, rank, base, extents, strides, box, elementStrides, interleave,
                                           swizzle, promotion, fill));
}

STANDIN_API cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction function, int threads,
                                                        size_t dynamicShared) {
  return *blocks = activeBlocks(function, threads, dynamicShared), CUDA_SUCCESS;
}
STANDIN_API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction function, int threads,
                                                                 size_t dynamicShared, unsigned) {
  return *blocks = activeBlocks(function, threads, dynamicShared), CUDA_SUCCESS;
}
STANDIN_API cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction function, size_t (*sharedOf)(int),
                                             size_t dynamicShared, int limit) {
  int best = 0;
  for (int threads = attributeOf(function, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK) / 32 * 32; threads >= 32;
       threads -= 32) {
    if (limit > 0 && threads > limit)
      continue;
    int blocks = activeBlocks(function, threads, sharedOf ? sharedOf(threads) : dynamicShared);
    if (blocks * threads <= best)
      continue;
    best = blocks * threads;
    *block = threads;
    *grid = blocks * deviceAttribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  }
  return best ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
STANDIN_API cuOccupancyMaxPotentialBlockSizeWithFlags(int *grid, int *block, CUfunction function,
                                                      size_t (*sharedOf)(int), size_t dynamicShared, int limit,
                                                      unsigned) {
  return cuOccupancyMaxPotentialBlockSize(grid, block, function, sharedOf, dynamicShared, limit);
}
/// As if a cluster fitted anywhere: which multiprocessors share one is not modelled.
STANDIN_API cuOccupancyMaxActiveClusters(int *clusters, CUfunction function, const CUlaunchConfig *config) {
  unsigned size = 1;
  for (unsigned i = 0; i < config->numAttrs; ++i)
    if (const CUlaunchAttribute &a = config->attrs[i]; a.id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION)
      size = a.value.cluster[0] * a.value.cluster[1] * a.value.cluster[2];
  if (size == 0)
    return CUDA_ERROR_INVALID_VALUE;
  int threads = static_cast<int>(config->blockDimX * config->blockDimY * config->blockDimZ);
  *clusters = activeBlocks(function, threads, config->sharedMemBytes) *
              deviceAttribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT) / static_cast<int>(size);
  return CUDA_SUCCESS;
}
/// The size that every device with clusters has.
STANDIN_API cuOccupancyMaxPotentialClusterSize(int *size, CUfunction, const CUlaunchConfig *) {
  constexpr int kPortableCluster = 8;
  return *size = kPortableCluster, CUDA_SUCCESS;
}
STANDIN_API cuOccupancyAvailableDynamicSMemPerBlock(size_t *bytes, CUfunction function, int blocks, int) {
  int room = deviceAttribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR) / std::max(blocks, 1) -
             kReservedShared - attributeOf(function, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
  *bytes =
      static_cast<size_t>(std::clamp(room, 0, deviceAttribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)));
  return CUDA_SUCCESS;
}
