//===- RuntimeDevice.cpp - Devices, streams and events of the runtime library ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Over the stand-in driver's entries. cudaDeviceProp is laid out as version 12 (its "_v2") or 13 has it.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/Runtime.h"

#include <cstdio>
#include <cstring>

using namespace imbrex::standin;

// The driver's entries that have no member in the table.
STANDIN_API cuStreamCreateWithPriority(CUstream *, unsigned, int);
STANDIN_API cuStreamGetPriority(CUstream, int *);
STANDIN_API cuStreamGetFlags(CUstream, unsigned *);
STANDIN_API cuLaunchHostFunc(CUstream, void (*)(void *), void *);
STANDIN_API cuStreamAddCallback(CUstream, void (*)(CUstream, CUresult, void *), void *, unsigned);
STANDIN_API cuCtxGetLimit(size_t *, int);
STANDIN_API cuCtxSetLimit(int, size_t);
STANDIN_API cuDevicePrimaryCtxReset_v2(CUdevice);
STANDIN_API cuGetProcAddress_v2(const char *, void **, int, uint64_t, int *);
STANDIN_API cuOccupancyMaxActiveBlocksPerMultiprocessor(int *, CUfunction, int, size_t);
STANDIN_API cuOccupancyAvailableDynamicSMemPerBlock(size_t *, CUfunction, int, int);
STANDIN_API cuFuncGetAttribute(int *, int, CUfunction);
STANDIN_API cuFuncSetAttribute(CUfunction, int, int);

struct DeviceProperties {
  char name[256], uuid[16], luid[8];
  unsigned luidDeviceNodeMask;
  size_t totalGlobalMem, sharedMemPerBlock;
  int regsPerBlock, warpSize;
  size_t memPitch;
  int maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3];
#if STANDIN_CUDART < 13
  int clockRate;
#endif
  size_t totalConstMem;
  int major, minor;
  size_t textureAlignment, texturePitchAlignment;
#if STANDIN_CUDART < 13
  int deviceOverlap;
#endif
  int multiProcessorCount;
#if STANDIN_CUDART < 13
  int kernelExecTimeoutEnabled;
#endif
  int integrated, canMapHostMemory;
#if STANDIN_CUDART < 13
  int computeMode;
#endif
  int maxTexture1D, maxTexture1DMipmap;
#if STANDIN_CUDART < 13
  int maxTexture1DLinear;
#endif
  int maxTexture2D[2], maxTexture2DMipmap[2], maxTexture2DLinear[3], maxTexture2DGather[2], maxTexture3D[3],
      maxTexture3DAlt[3], maxTextureCubemap, maxTexture1DLayered[2], maxTexture2DLayered[3],
      maxTextureCubemapLayered[2], maxSurface1D, maxSurface2D[2], maxSurface3D[3], maxSurface1DLayered[2],
      maxSurface2DLayered[3], maxSurfaceCubemap, maxSurfaceCubemapLayered[2];
  size_t surfaceAlignment;
  int concurrentKernels, ECCEnabled, pciBusID, pciDeviceID, pciDomainID, tccDriver, asyncEngineCount, unifiedAddressing;
#if STANDIN_CUDART < 13
  int memoryClockRate;
#endif
  int memoryBusWidth, l2CacheSize, persistingL2CacheMaxSize, maxThreadsPerMultiProcessor, streamPrioritiesSupported,
      globalL1CacheSupported, localL1CacheSupported;
  size_t sharedMemPerMultiprocessor;
  int regsPerMultiprocessor, managedMemory, isMultiGpuBoard, multiGpuBoardGroupID, hostNativeAtomicSupported;
#if STANDIN_CUDART < 13
  int singleToDoublePrecisionPerfRatio;
#endif
  int pageableMemoryAccess, concurrentManagedAccess, computePreemptionSupported, canUseHostPointerForRegisteredMem,
      cooperativeLaunch;
#if STANDIN_CUDART < 13
  int cooperativeMultiDeviceLaunch;
#endif
  size_t sharedMemPerBlockOptin;
  int pageableMemoryAccessUsesHostPageTables, directManagedMemAccessFromHost, maxBlocksPerMultiProcessor,
      accessPolicyMaxWindowSize;
  size_t reservedSharedMemPerBlock;
  int hostRegisterSupported, sparseCudaArraySupported, hostRegisterReadOnlySupported, timelineSemaphoreInteropSupported,
      memoryPoolsSupported, gpuDirectRDMASupported;
  unsigned gpuDirectRDMAFlushWritesOptions;
  int gpuDirectRDMAWritesOrdering;
  unsigned memoryPoolSupportedHandleTypes;
  int deferredMappingCudaArraySupported, ipcEventSupported, clusterLaunch, unifiedFunctionPointers;
  int reserved[63]; ///< At least as long as the program's.
};

static int attribute(int number) {
  int value = 0;
  table().deviceGetAttribute(&value, number, 0);
  return value;
}

/// Numbers are those of cudaDeviceAttr.
static void fillLimits(DeviceProperties &out) {
  out.regsPerBlock = attribute(12);
  out.warpSize = attribute(10);
  out.memPitch = static_cast<size_t>(attribute(11));
  out.maxThreadsPerBlock = attribute(1);
  for (int i = 0; i < 3; ++i) {
    out.maxThreadsDim[i] = attribute(2 + i);
    out.maxGridSize[i] = attribute(5 + i);
  }
  out.sharedMemPerBlock = static_cast<size_t>(attribute(8));
  out.sharedMemPerMultiprocessor = static_cast<size_t>(attribute(81));
  out.sharedMemPerBlockOptin = static_cast<size_t>(attribute(97));
  out.reservedSharedMemPerBlock = static_cast<size_t>(attribute(111));
  out.regsPerMultiprocessor = attribute(82);
  out.maxThreadsPerMultiProcessor = attribute(39);
  out.maxBlocksPerMultiProcessor = attribute(106);
  out.totalConstMem = static_cast<size_t>(attribute(9));
  out.l2CacheSize = attribute(38);
}

static int properties(DeviceProperties *out, int device) {
  useDevice();
  if (device != 0)
    return remember(CUDA_ERROR_INVALID_DEVICE);
  std::memset(static_cast<void *>(out), 0, offsetof(DeviceProperties, reserved));
  table().deviceGetName(out->name, sizeof(out->name), 0);
  table().deviceTotalMem(&out->totalGlobalMem, 0);
  fillLimits(*out);
  out->major = attribute(75);
  out->minor = attribute(76);
  out->textureAlignment = out->surfaceAlignment = static_cast<size_t>(attribute(14));
  out->texturePitchAlignment = static_cast<size_t>(attribute(51));
  out->multiProcessorCount = attribute(16);
  out->memoryBusWidth = attribute(37);
  out->asyncEngineCount = attribute(40);
  out->canMapHostMemory = out->concurrentKernels = out->unifiedAddressing = out->streamPrioritiesSupported = 1;
  out->globalL1CacheSupported = out->localL1CacheSupported = out->managedMemory = out->concurrentManagedAccess = 1;
  out->computePreemptionSupported = out->canUseHostPointerForRegisteredMem = out->cooperativeLaunch = 1;
  out->hostRegisterSupported = out->memoryPoolsSupported = 1;
  out->clusterLaunch = attribute(120);
#if STANDIN_CUDART < 13
  out->clockRate = attribute(13);
  out->memoryClockRate = attribute(36);
  out->deviceOverlap = 1;
#endif
  return kSuccess;
}
#if STANDIN_CUDART < 13
CUDART_API cudaGetDeviceProperties_v2(DeviceProperties *out, int device) { return properties(out, device); }
#else
CUDART_API cudaGetDeviceProperties(DeviceProperties *out, int device) { return properties(out, device); }
#endif

CUDART_API cudaDeviceGetAttribute(int *value, int number, int device) {
  useDevice();
  return remember(table().deviceGetAttribute(value, number, device));
}
CUDART_API cudaGetDeviceCount(int *count) { return *count = 1, kSuccess; }
CUDART_API cudaGetDevice(int *device) { return *device = 0, kSuccess; }
CUDART_API cudaSetDevice(int device) {
  useDevice();
  return remember(device == 0 ? int(kSuccess) : int(CUDA_ERROR_INVALID_DEVICE));
}
CUDART_API cudaInitDevice(int device, unsigned, unsigned) { return cudaSetDevice(device); }
CUDART_API cudaChooseDevice(int *device, const void *) { return *device = 0, kSuccess; }
CUDART_API cudaSetDeviceFlags(unsigned) { return kSuccess; }
CUDART_API cudaGetDeviceFlags(unsigned *flags) { return *flags = 0, kSuccess; }
CUDART_API cudaDeviceSynchronize() {
  useDevice();
  return remember(told(table().contextSynchronize()));
}
CUDART_API cudaDeviceReset() { return kSuccess; }
CUDART_API cudaDeviceCanAccessPeer(int *can, int, int) { return *can = 0, kSuccess; }
CUDART_API cudaDeviceGetPCIBusId(char *text, int size, int) {
  return std::snprintf(text, static_cast<size_t>(size), "0000:00:00.0"), kSuccess;
}
CUDART_API cudaDeviceSetLimit(int limit, size_t value) { return remember(cuCtxSetLimit(limit, value)); }
CUDART_API cudaDeviceGetLimit(size_t *value, int limit) { return remember(cuCtxGetLimit(value, limit)); }
CUDART_API cudaDeviceSetCacheConfig(int) { return kSuccess; }
CUDART_API cudaDeviceGetStreamPriorityRange(int *least, int *greatest) { return *least = 0, *greatest = -5, kSuccess; }
CUDART_API cudaCtxResetPersistingL2Cache() { return kSuccess; }
CUDART_API cudaDriverGetVersion(int *version) { return table().driverGetVersion(version); }
CUDART_API cudaRuntimeGetVersion(int *version) { return *version = STANDIN_CUDART * 1000, kSuccess; }
CUDART_API cudaProfilerStart() { return kSuccess; }
CUDART_API cudaProfilerStop() { return kSuccess; }

CUDART_API cudaStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority) {
  useDevice();
  return remember(cuStreamCreateWithPriority(stream, flags, priority));
}
CUDART_API cudaStreamCreateWithFlags(CUstream *stream, unsigned flags) {
  return cudaStreamCreateWithPriority(stream, flags, 0);
}
CUDART_API cudaStreamCreate(CUstream *stream) { return cudaStreamCreateWithPriority(stream, 0, 0); }
CUDART_API cudaStreamDestroy(CUstream stream) { return remember(table().streamDestroy(stream)); }
CUDART_API cudaStreamSynchronize(CUstream stream) {
  useDevice();
  return remember(told(table().streamSynchronize(stream)));
}
CUDART_API cudaStreamQuery(CUstream stream) { return cudaStreamSynchronize(stream); }
CUDART_API cudaStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
  return remember(table().streamWaitEvent(stream, event, flags));
}
CUDART_API cudaStreamGetPriority(CUstream stream, int *priority) { return cuStreamGetPriority(stream, priority); }
CUDART_API cudaStreamGetFlags(CUstream stream, unsigned *flags) { return cuStreamGetFlags(stream, flags); }
CUDART_API cudaLaunchHostFunc(CUstream stream, void (*function)(void *), void *data) {
  useDevice();
  return remember(cuLaunchHostFunc(stream, function, data));
}
CUDART_API cudaStreamAddCallback(CUstream stream, void (*callback)(CUstream, CUresult, void *), void *data,
                                 unsigned flags) {
  useDevice();
  return remember(cuStreamAddCallback(stream, callback, data, flags));
}

CUDART_API cudaEventCreateWithFlags(CUevent *event, unsigned flags) {
  useDevice();
  return remember(table().eventCreate(event, flags));
}
CUDART_API cudaEventCreate(CUevent *event) { return cudaEventCreateWithFlags(event, 0); }
CUDART_API cudaEventDestroy(CUevent event) { return remember(table().eventDestroy(event)); }
CUDART_API cudaEventRecord(CUevent event, CUstream stream) {
  return remember(told(table().eventRecord(event, stream)));
}
CUDART_API cudaEventRecordWithFlags(CUevent event, CUstream stream, unsigned) { return cudaEventRecord(event, stream); }
CUDART_API cudaEventSynchronize(CUevent event) { return remember(told(table().eventSynchronize(event))); }
CUDART_API cudaEventQuery(CUevent event) { return cudaEventSynchronize(event); }
CUDART_API cudaEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
  return remember(table().eventElapsedTime(milliseconds, start, end));
}

struct FunctionAttributes {
  size_t sharedBytes, constantBytes, localBytes;
  int maxThreads, registers, ptxVersion, binaryVersion, cacheMode, maxDynamicShared, carveout;
  int clusterMustBeSet, clusterWidth, clusterHeight, clusterDepth, clusterPolicy, nonPortable, reserved[16];
};
CUDART_API cudaFuncGetAttributes(FunctionAttributes *out, const void *host) {
  CUfunction function = findKernel(host);
  if (!function)
    return remember(kInvalidDeviceFunction);
  auto get = [&](int number) {
    int value = 0;
    cuFuncGetAttribute(&value, number, function);
    return value;
  };
  *out = FunctionAttributes{};
  out->sharedBytes = static_cast<size_t>(get(1));
  out->localBytes = static_cast<size_t>(get(3));
  out->maxThreads = get(0);
  out->registers = get(4);
  out->ptxVersion = out->binaryVersion = get(5);
  out->maxDynamicShared = get(8);
  out->carveout = get(9);
  return kSuccess;
}
CUDART_API cudaFuncSetAttribute(const void *host, int number, int value) {
  CUfunction function = findKernel(host);
  return remember(function ? int(cuFuncSetAttribute(function, number, value)) : int(kInvalidDeviceFunction));
}
CUDART_API cudaFuncSetCacheConfig(const void *, int) { return kSuccess; }
CUDART_API cudaFuncSetSharedMemConfig(const void *, int) { return kSuccess; }
CUDART_API cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const void *host, int threads,
                                                                  size_t shared, unsigned) {
  CUfunction function = findKernel(host);
  return remember(function ? int(cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, shared))
                           : int(kInvalidDeviceFunction));
}
CUDART_API cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *host, int threads, size_t shared) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, host, threads, shared, 0);
}
CUDART_API cudaOccupancyAvailableDynamicSMemPerBlock(size_t *bytes, const void *host, int blocks, int threads) {
  CUfunction function = findKernel(host);
  return remember(function ? int(cuOccupancyAvailableDynamicSMemPerBlock(bytes, function, blocks, threads))
                           : int(kInvalidDeviceFunction));
}

/// cudaDriverEntryPointQueryResult: 0 found, 1 not.
CUDART_API cudaGetDriverEntryPointByVersion(const char *name, void **entry, unsigned version, unsigned long long flags,
                                            int *state) {
  useDevice();
  return remember(cuGetProcAddress_v2(name, entry, static_cast<int>(version), flags, state));
}
CUDART_API cudaGetDriverEntryPoint(const char *name, void **entry, unsigned long long flags, int *state) {
  return cudaGetDriverEntryPointByVersion(name, entry, STANDIN_CUDART * 1000, flags, state);
}
