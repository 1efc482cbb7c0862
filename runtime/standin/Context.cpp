//===- Context.cpp - Contexts and devices of the stand-in driver ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All contexts are the device's primary one, counted. Each thread has its stack of them; the simulated driver's
// own stack always holds the same.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/StandIn.h"
#include "runtime/standin/ThreadStack.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

using namespace imbrex::standin;
using imbrex::cuda::CUcontext;
using imbrex::cuda::CUdevice;

namespace {

ThreadStack<CUcontext> &stack() {
  static thread_local constinit ThreadStack<CUcontext> contexts{};
  return contexts;
}

CUresult push(CUcontext context) {
  if (stack().full())
    return CUDA_ERROR_OUT_OF_MEMORY;
  CUresult status = table().contextPushCurrent(context);
  if (status == CUDA_SUCCESS)
    stack().push(context);
  return status;
}

CUresult pop(CUcontext *context) {
  if (stack().empty())
    return CUDA_ERROR_INVALID_CONTEXT;
  CUresult status = table().contextPopCurrent(context);
  stack().pop();
  return status;
}

} // namespace

namespace imbrex::standin {

CUcontext currentContext() { return stack().empty() ? nullptr : stack().top(); }

CUresult setCurrentContext(CUcontext context) {
  if (context == currentContext())
    return CUDA_SUCCESS;
  if (currentContext())
    pop(nullptr);
  return context ? push(context) : CUDA_SUCCESS;
}

AnyContext::AnyContext() {
  if (currentContext())
    return;
  CUcontext context = nullptr;
  table().init(0);
  if (table().primaryContextRetain(&context, 0) == CUDA_SUCCESS)
    pushed = push(context) == CUDA_SUCCESS;
}

/// What was made in the context stays: it remains retained.
AnyContext::~AnyContext() {
  if (pushed)
    pop(nullptr);
}

} // namespace imbrex::standin

STANDIN_API cuCtxPushCurrent_v2(CUcontext context) { return push(context); }
STANDIN_API cuCtxPopCurrent_v2(CUcontext *context) { return pop(context); }
STANDIN_API cuCtxGetCurrent(CUcontext *context) {
  if (!context)
    return CUDA_ERROR_INVALID_VALUE;
  *context = currentContext();
  return CUDA_SUCCESS;
}
STANDIN_API cuCtxSetCurrent(CUcontext context) { return setCurrentContext(context); }
STANDIN_API cuCtxCreate_v2(CUcontext *context, unsigned, CUdevice device) {
  CUresult status = table().primaryContextRetain(context, device);
  return status == CUDA_SUCCESS ? push(*context) : status;
}
STANDIN_API cuCtxCreate_v3(CUcontext *context, void *, int, unsigned flags, CUdevice device) {
  return cuCtxCreate_v2(context, flags, device);
}
STANDIN_API cuCtxCreate_v4(CUcontext *context, void *, unsigned flags, CUdevice device) {
  return cuCtxCreate_v2(context, flags, device);
}
STANDIN_API cuCtxDestroy_v2(CUcontext context) {
  if (context && context == currentContext())
    pop(nullptr);
  return table().primaryContextRelease(0);
}
STANDIN_API cuCtxAttach(CUcontext *context, unsigned) {
  if (!currentContext())
    return CUDA_ERROR_INVALID_CONTEXT;
  return table().primaryContextRetain(context, 0);
}
STANDIN_API cuCtxDetach(CUcontext context) { return cuCtxDestroy_v2(context); }
STANDIN_API cuCtxGetDevice(CUdevice *device) {
  if (!currentContext())
    return CUDA_ERROR_INVALID_CONTEXT;
  *device = 0;
  return CUDA_SUCCESS;
}
STANDIN_API cuCtxGetDevice_v2(CUdevice *device, CUcontext) { return *device = 0, CUDA_SUCCESS; }
STANDIN_API cuCtxSynchronize_v2(CUcontext) { return told(table().contextSynchronize()); }
STANDIN_API cuCtxGetApiVersion(CUcontext, unsigned *version) { return *version = 3020, CUDA_SUCCESS; }
STANDIN_API cuCtxGetId(CUcontext, unsigned long long *id) { return *id = 1, CUDA_SUCCESS; }
STANDIN_API cuCtxGetFlags(unsigned *flags) { return *flags = 0, CUDA_SUCCESS; }
STANDIN_API cuCtxSetFlags(unsigned) { return CUDA_SUCCESS; }
STANDIN_API cuCtxGetCacheConfig(int *config) { return *config = 0, CUDA_SUCCESS; }
STANDIN_API cuCtxSetCacheConfig(int) { return CUDA_SUCCESS; }
STANDIN_API cuCtxGetSharedMemConfig(int *config) { return *config = 1, CUDA_SUCCESS; }
STANDIN_API cuCtxSetSharedMemConfig(int) { return CUDA_SUCCESS; }
STANDIN_API cuCtxResetPersistingL2Cache() { return CUDA_SUCCESS; }
STANDIN_API cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  if (least)
    *least = 0;
  if (greatest)
    *greatest = -5;
  return CUDA_SUCCESS;
}
/// Limits are kept, not enforced: stack, printf buffer, heap and so on; null for one that is not known.
static size_t *limitOf(int limit) {
  static size_t *values = new size_t[16]{1024, 1048576, 8388608, 2, 2048, 128};
  return limit >= 0 && limit < 16 ? values + limit : nullptr;
}
STANDIN_API cuCtxSetLimit(int limit, size_t value) {
  size_t *kept = limitOf(limit);
  return kept ? (*kept = value, CUDA_SUCCESS) : CUDA_ERROR_INVALID_VALUE;
}
STANDIN_API cuCtxGetLimit(size_t *value, int limit) {
  size_t *kept = limitOf(limit);
  return kept ? (*value = *kept, CUDA_SUCCESS) : CUDA_ERROR_INVALID_VALUE;
}

STANDIN_API cuDevicePrimaryCtxGetState(CUdevice, unsigned *flags, int *active) {
  *flags = 0;
  *active = currentContext() != nullptr;
  return CUDA_SUCCESS;
}
STANDIN_API cuDevicePrimaryCtxSetFlags_v2(CUdevice, unsigned) { return CUDA_SUCCESS; }
STANDIN_API cuDevicePrimaryCtxReset_v2(CUdevice) {
  while (table().primaryContextRelease(0) == CUDA_SUCCESS) {
  }
  return CUDA_SUCCESS;
}
STANDIN_API cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
  CUresult status = table().deviceGetAttribute(major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device);
  return status == CUDA_SUCCESS
             ? table().deviceGetAttribute(minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device)
             : status;
}
/// The simulated device has no identity: letters that say so.
STANDIN_API cuDeviceGetUuid(char *uuid, CUdevice) {
  std::copy_n("simulated-device", 16, uuid);
  return CUDA_SUCCESS;
}
STANDIN_API cuDeviceGetUuid_v2(char *uuid, CUdevice device) { return cuDeviceGetUuid(uuid, device); }
STANDIN_API cuDeviceGetLuid(char *luid, unsigned *mask, CUdevice) {
  std::memset(luid, 0, 8);
  *mask = 1;
  return CUDA_SUCCESS;
}
STANDIN_API cuDeviceGetPCIBusId(char *text, int size, CUdevice) {
  std::snprintf(text, static_cast<size_t>(size), "0000:00:00.0");
  return CUDA_SUCCESS;
}
STANDIN_API cuDeviceGetByPCIBusId(CUdevice *device, const char *) { return *device = 0, CUDA_SUCCESS; }
STANDIN_API cuDeviceCanAccessPeer(int *can, CUdevice, CUdevice) { return *can = 0, CUDA_SUCCESS; }
STANDIN_API cuDeviceGetP2PAttribute(int *value, int, CUdevice, CUdevice) { return *value = 0, CUDA_SUCCESS; }
STANDIN_API cuDeviceGetExecAffinitySupport(int *value, int, CUdevice) { return *value = 0, CUDA_SUCCESS; }

/// As without a profiler that is attached.
STANDIN_API cuProfilerStart() { return CUDA_SUCCESS; }
STANDIN_API cuProfilerStop() { return CUDA_SUCCESS; }
