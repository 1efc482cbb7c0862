//===- RuntimeMemory.cpp - Memory of the runtime library ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Over the stand-in driver's entries: the direction of a copy follows from its addresses.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/Runtime.h"

using namespace imbrex::standin;

// The driver's entries that have no member in the table.
STANDIN_API cuMemFree_v2(CUdeviceptr);
STANDIN_API cuMemAllocHost_v2(void **, size_t);
STANDIN_API cuMemFreeHost(void *);
STANDIN_API cuMemAllocManaged(CUdeviceptr *, size_t, unsigned);
STANDIN_API cuMemHostRegister_v2(void *, size_t, unsigned);
STANDIN_API cuMemHostUnregister(void *);
STANDIN_API cuMemHostGetDevicePointer_v2(CUdeviceptr *, void *, unsigned);
STANDIN_API cuMemGetInfo_v2(size_t *, size_t *);
STANDIN_API cuMemAllocPitch_v2(CUdeviceptr *, size_t *, size_t, size_t, unsigned);
STANDIN_API cuDeviceGetDefaultMemPool(void **, int);
STANDIN_API cuMemPoolGetAttribute(void *, int, void *);
STANDIN_API cuPointerGetAttribute(void *, int, CUdeviceptr);

static CUdeviceptr address(const void *pointer) { return reinterpret_cast<CUdeviceptr>(pointer); }

CUDART_API cudaMalloc(void **out, size_t bytes) {
  useDevice();
  if (bytes == 0)
    return *out = nullptr, kSuccess;
  CUdeviceptr memory = 0;
  int status = remember(table().memAlloc(&memory, bytes));
  *out = reinterpret_cast<void *>(memory);
  return status;
}
CUDART_API cudaMallocAsync(void **out, size_t bytes, CUstream) { return cudaMalloc(out, bytes); }
CUDART_API cudaMallocFromPoolAsync(void **out, size_t bytes, void *, CUstream) { return cudaMalloc(out, bytes); }
CUDART_API cudaMallocPitch(void **out, size_t *pitch, size_t width, size_t height) {
  useDevice();
  CUdeviceptr memory = 0;
  int status = remember(cuMemAllocPitch_v2(&memory, pitch, width, height, 4));
  *out = reinterpret_cast<void *>(memory);
  return status;
}
CUDART_API cudaFree(void *memory) {
  useDevice();
  return remember(cuMemFree_v2(address(memory)));
}
CUDART_API cudaFreeAsync(void *memory, CUstream) { return cudaFree(memory); }
CUDART_API cudaMallocHost(void **out, size_t bytes) {
  useDevice();
  return remember(cuMemAllocHost_v2(out, bytes));
}
CUDART_API cudaHostAlloc(void **out, size_t bytes, unsigned) { return cudaMallocHost(out, bytes); }
CUDART_API cudaFreeHost(void *memory) { return memory ? remember(cuMemFreeHost(memory)) : int(kSuccess); }
CUDART_API cudaMallocManaged(void **out, size_t bytes, unsigned flags) {
  useDevice();
  CUdeviceptr memory = 0;
  int status = remember(cuMemAllocManaged(&memory, bytes, flags));
  *out = reinterpret_cast<void *>(memory);
  return status;
}
CUDART_API cudaHostRegister(void *memory, size_t bytes, unsigned flags) {
  useDevice();
  return remember(cuMemHostRegister_v2(memory, bytes, flags));
}
CUDART_API cudaHostUnregister(void *memory) { return remember(cuMemHostUnregister(memory)); }
CUDART_API cudaHostGetDevicePointer(void **out, void *memory, unsigned flags) {
  CUdeviceptr found = 0;
  int status = remember(cuMemHostGetDevicePointer_v2(&found, memory, flags));
  *out = reinterpret_cast<void *>(found);
  return status;
}
CUDART_API cudaHostGetFlags(unsigned *flags, void *) { return *flags = 2, kSuccess; }
CUDART_API cudaMemGetInfo(size_t *free, size_t *total) {
  useDevice();
  return remember(cuMemGetInfo_v2(free, total));
}
CUDART_API cudaDeviceGetDefaultMemPool(void **pool, int device) { return cuDeviceGetDefaultMemPool(pool, device); }
CUDART_API cudaDeviceGetMemPool(void **pool, int device) { return cuDeviceGetDefaultMemPool(pool, device); }
CUDART_API cudaMemPoolCreate(void **pool, const void *) { return cuDeviceGetDefaultMemPool(pool, 0); }
CUDART_API cudaMemPoolDestroy(void *) { return kSuccess; }
CUDART_API cudaMemPoolTrimTo(void *, size_t) { return kSuccess; }
CUDART_API cudaMemPoolSetAttribute(void *, int, void *) { return kSuccess; }
CUDART_API cudaMemPoolGetAttribute(void *pool, int attribute, void *value) {
  return cuMemPoolGetAttribute(pool, attribute, value);
}
CUDART_API cudaMemAdvise(const void *, ...) { return kSuccess; }
CUDART_API cudaMemPrefetchAsync(const void *, ...) { return kSuccess; }

/// A copy that waits orders what it did before whatever the host does next.
static int copy(void *to, const void *from, size_t bytes, CUstream stream, bool wait) {
  useDevice();
  CUresult status = copyAnyWay(address(to), address(from), bytes, stream);
  if (status == CUDA_SUCCESS && wait)
    status = told(table().streamSynchronize(stream));
  return remember(status);
}
static int copyRows(char *to, size_t toPitch, const char *from, size_t fromPitch, size_t width, size_t height,
                    CUstream stream, bool wait) {
  for (size_t row = 0; row < height; ++row)
    if (int status = copy(to + row * toPitch, from + row * fromPitch, width, stream, wait))
      return status;
  return kSuccess;
}
CUDART_API cudaMemcpy(void *to, const void *from, size_t bytes, int) { return copy(to, from, bytes, nullptr, true); }
CUDART_API cudaMemcpyAsync(void *to, const void *from, size_t bytes, int, CUstream stream) {
  return copy(to, from, bytes, stream, false);
}
CUDART_API cudaMemcpyPeer(void *to, int, const void *from, int, size_t bytes) {
  return copy(to, from, bytes, nullptr, true);
}
CUDART_API cudaMemcpy2D(void *to, size_t toPitch, const void *from, size_t fromPitch, size_t width, size_t height,
                        int) {
  return copyRows(static_cast<char *>(to), toPitch, static_cast<const char *>(from), fromPitch, width, height, nullptr,
                  true);
}
CUDART_API cudaMemcpy2DAsync(void *to, size_t toPitch, const void *from, size_t fromPitch, size_t width, size_t height,
                             int, CUstream stream) {
  return copyRows(static_cast<char *>(to), toPitch, static_cast<const char *>(from), fromPitch, width, height, stream,
                  false);
}
static int fillRows(char *to, size_t pitch, int value, size_t width, size_t height, CUstream stream) {
  useDevice();
  for (size_t row = 0; row < height && width != 0; ++row)
    if (CUresult status =
            table().memsetD8Async(address(to + row * pitch), static_cast<unsigned char>(value), width, stream))
      return remember(told(status));
  return kSuccess;
}
CUDART_API cudaMemset(void *to, int value, size_t bytes) {
  return fillRows(static_cast<char *>(to), 0, value, bytes, 1, nullptr);
}
CUDART_API cudaMemsetAsync(void *to, int value, size_t bytes, CUstream stream) {
  return fillRows(static_cast<char *>(to), 0, value, bytes, 1, stream);
}
CUDART_API cudaMemset2D(void *to, size_t pitch, int value, size_t width, size_t height) {
  return fillRows(static_cast<char *>(to), pitch, value, width, height, nullptr);
}
CUDART_API cudaMemset2DAsync(void *to, size_t pitch, int value, size_t width, size_t height, CUstream stream) {
  return fillRows(static_cast<char *>(to), pitch, value, width, height, stream);
}

static int copySymbol(const void *symbol, size_t offset, size_t bytes, void *to, const void *from, CUstream stream,
                      bool wait) {
  std::optional<DeviceVariable> variable = findVariable(symbol);
  if (!variable)
    return remember(kInvalidSymbol);
  if (offset > variable->bytes || bytes > variable->bytes - offset)
    return remember(kInvalidValue);
  void *place = reinterpret_cast<void *>(variable->address + offset);
  return copy(to ? to : place, from ? from : place, bytes, stream, wait);
}
CUDART_API cudaMemcpyToSymbol(const void *symbol, const void *from, size_t bytes, size_t offset, int) {
  return copySymbol(symbol, offset, bytes, nullptr, from, nullptr, true);
}
CUDART_API cudaMemcpyToSymbolAsync(const void *symbol, const void *from, size_t bytes, size_t offset, int,
                                   CUstream stream) {
  return copySymbol(symbol, offset, bytes, nullptr, from, stream, false);
}
CUDART_API cudaMemcpyFromSymbol(void *to, const void *symbol, size_t bytes, size_t offset, int) {
  return copySymbol(symbol, offset, bytes, to, nullptr, nullptr, true);
}
CUDART_API cudaMemcpyFromSymbolAsync(void *to, const void *symbol, size_t bytes, size_t offset, int, CUstream stream) {
  return copySymbol(symbol, offset, bytes, to, nullptr, stream, false);
}
CUDART_API cudaGetSymbolAddress(void **out, const void *symbol) {
  std::optional<DeviceVariable> variable = findVariable(symbol);
  *out = variable ? reinterpret_cast<void *>(variable->address) : nullptr;
  return remember(variable ? kSuccess : kInvalidSymbol);
}
CUDART_API cudaGetSymbolSize(size_t *bytes, const void *symbol) {
  std::optional<DeviceVariable> variable = findVariable(symbol);
  *bytes = variable ? variable->bytes : 0;
  return remember(variable ? kSuccess : kInvalidSymbol);
}

struct PointerAttributes {
  int type, device;
  void *devicePointer, *hostPointer;
#if STANDIN_CUDART >= 13
  long reserved[8];
#endif
};
CUDART_API cudaPointerGetAttributes(PointerAttributes *out, const void *pointer) {
  enum { kUnregistered = 0, kHost = 1, kDevice = 2, kManaged = 3 };
  useDevice();
  *out = PointerAttributes{};
  out->device = -1;
  unsigned type = 0;
  bool managed = false;
  if (cuPointerGetAttribute(&type, 2, address(pointer)) != CUDA_SUCCESS) {
    out->hostPointer = const_cast<void *>(pointer);
    return kSuccess;
  }
  cuPointerGetAttribute(&managed, 8, address(pointer));
  out->type = managed ? kManaged : type == 1 ? kHost : kDevice;
  out->device = 0;
  out->devicePointer = const_cast<void *>(pointer);
  out->hostPointer = out->type == kDevice ? nullptr : const_cast<void *>(pointer);
  return kSuccess;
}
