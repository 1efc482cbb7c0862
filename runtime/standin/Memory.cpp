//===- Memory.cpp - Memory of the stand-in driver ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Allocations of every kind, copies and fills. Work is done when a call returns, so that "Async" is a matter of
// order only; what is freed in stream order is freed at once. Pools are names: memory comes from the device.
// Host memory of the driver, managed memory and registered memory are shared: kernels use them under the host's
// address.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/StandIn.h"

#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

#include <map>
#include <mutex>

using namespace imbrex::standin;
using imbrex::cuda::CUcontext;
using imbrex::cuda::CUdevice;
using imbrex::cuda::CUdeviceptr;
using imbrex::cuda::CUstream;

namespace {

enum class Kind { Host, Managed };
struct SharedBlock {
  size_t bytes;
  Kind kind;
};
/// Memory that this file mapped and shared, by address.
struct SharedBlocks {
  std::mutex mutex;
  std::map<uint64_t, SharedBlock> blocks;
};
SharedBlocks &shared() {
  static SharedBlocks &all = *new SharedBlocks;
  return all;
}

CUresult allocateShared(void **out, size_t bytes, Kind kind) {
  if (!out || bytes == 0)
    return CUDA_ERROR_INVALID_VALUE;
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return CUDA_ERROR_OUT_OF_MEMORY;
  CUresult status = extras().shareHost(memory, bytes);
  if (status != CUDA_SUCCESS)
    return munmap(memory, bytes), status;
  std::lock_guard lock(shared().mutex);
  shared().blocks[reinterpret_cast<uint64_t>(memory)] = {bytes, kind};
  *out = memory;
  return CUDA_SUCCESS;
}

/// The shared block that holds the address, or null.
const SharedBlock *findShared(uint64_t address) {
  std::lock_guard lock(shared().mutex);
  auto after = shared().blocks.upper_bound(address);
  if (after == shared().blocks.begin())
    return nullptr;
  --after;
  return address - after->first < after->second.bytes ? &after->second : nullptr;
}

CUresult freeShared(uint64_t address) {
  std::lock_guard lock(shared().mutex);
  auto found = shared().blocks.find(address);
  if (found == shared().blocks.end())
    return CUDA_ERROR_INVALID_VALUE;
  extras().unshareHost(reinterpret_cast<void *>(address));
  munmap(reinterpret_cast<void *>(address), found->second.bytes);
  shared().blocks.erase(found);
  return CUDA_SUCCESS;
}

void *hostPointer(CUdeviceptr address) { return reinterpret_cast<void *>(address); }

} // namespace

namespace imbrex::standin {

bool isDeviceAddress(CUdeviceptr address) {
  AnyContext context;
  return extras().addressRange(nullptr, nullptr, address) == CUDA_SUCCESS;
}

CUresult copyAnyWay(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  if (bytes == 0)
    return CUDA_SUCCESS;
  bool toDevice = isDeviceAddress(to), fromDevice = isDeviceAddress(from);
  if (toDevice && fromDevice)
    return told(table().memcpyDtoDAsync(to, from, bytes, stream));
  if (toDevice)
    return told(table().memcpyHtoDAsync(to, hostPointer(from), bytes, stream));
  if (fromDevice)
    return told(table().memcpyDtoHAsync(hostPointer(to), from, bytes, stream));
  if (isCapturing(stream))
    return refuse("a copy from host to host in a stream capture");
  std::memmove(hostPointer(to), hostPointer(from), bytes);
  return CUDA_SUCCESS;
}

} // namespace imbrex::standin

/// A call that waits: what it did is before whatever the host issues next.
static CUresult waited(CUresult status) {
  if (status == CUDA_SUCCESS)
    table().streamSynchronize(nullptr);
  return told(status);
}

STANDIN_API cuMemFree_v2(CUdeviceptr address) {
  if (address == 0)
    return CUDA_SUCCESS;
  table().contextSynchronize();
  return findShared(address) ? freeShared(address) : told(table().memFree(address));
}
STANDIN_API cuMemAllocPitch_v2(CUdeviceptr *out, size_t *pitch, size_t width, size_t height, unsigned) {
  constexpr size_t kPitch = 512;
  *pitch = (width + kPitch - 1) / kPitch * kPitch;
  return table().memAlloc(out, *pitch * height);
}
STANDIN_API cuMemAllocHost_v2(void **out, size_t bytes) { return allocateShared(out, bytes, Kind::Host); }
STANDIN_API cuMemHostAlloc(void **out, size_t bytes, unsigned) { return allocateShared(out, bytes, Kind::Host); }
STANDIN_API cuMemFreeHost(void *memory) { return freeShared(reinterpret_cast<uint64_t>(memory)); }
STANDIN_API cuMemAllocManaged(CUdeviceptr *out, size_t bytes, unsigned) {
  void *memory = nullptr;
  CUresult status = allocateShared(&memory, bytes, Kind::Managed);
  *out = reinterpret_cast<CUdeviceptr>(memory);
  return status;
}
STANDIN_API cuMemHostRegister_v2(void *memory, size_t bytes, unsigned) { return extras().shareHost(memory, bytes); }
STANDIN_API cuMemHostUnregister(void *memory) { return extras().unshareHost(memory); }
STANDIN_API cuMemHostGetDevicePointer_v2(CUdeviceptr *out, void *memory, unsigned) {
  *out = reinterpret_cast<CUdeviceptr>(memory);
  return isDeviceAddress(*out) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
STANDIN_API cuMemHostGetFlags(unsigned *flags, void *) { return *flags = 2, CUDA_SUCCESS; }
STANDIN_API cuMemGetInfo_v2(size_t *free, size_t *total) {
  CUresult status = extras().freeBytes(free);
  return status == CUDA_SUCCESS ? table().deviceTotalMem(total, 0) : status;
}
STANDIN_API cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *bytes, CUdeviceptr address) {
  CUresult status = extras().addressRange(base, bytes, address);
  return status == CUDA_ERROR_INVALID_VALUE ? CUDA_ERROR_NOT_FOUND : status;
}

STANDIN_API cuMemAllocAsync(CUdeviceptr *out, size_t bytes, CUstream stream) {
  return isCapturing(stream) ? refuse("cuMemAllocAsync in a stream capture") : table().memAlloc(out, bytes);
}
STANDIN_API cuMemAllocFromPoolAsync(CUdeviceptr *out, size_t bytes, void *, CUstream) {
  return table().memAlloc(out, bytes);
}
STANDIN_API cuMemFreeAsync(CUdeviceptr address, CUstream) {
  return address ? told(table().memFree(address)) : CUDA_SUCCESS;
}
/// Pools: any address that is not null will do as a handle.
static char poolHandle(int) { return 0; }
static void *pool() { return reinterpret_cast<void *>(&poolHandle); }
STANDIN_API cuDeviceGetDefaultMemPool(void **out, CUdevice) { return *out = pool(), CUDA_SUCCESS; }
STANDIN_API cuDeviceGetMemPool(void **out, CUdevice) { return *out = pool(), CUDA_SUCCESS; }
STANDIN_API cuDeviceSetMemPool(CUdevice, void *) { return CUDA_SUCCESS; }
STANDIN_API cuMemPoolCreate(void **out, const void *) { return *out = pool(), CUDA_SUCCESS; }
STANDIN_API cuMemPoolDestroy(void *) { return CUDA_SUCCESS; }
STANDIN_API cuMemPoolTrimTo(void *, size_t) { return CUDA_SUCCESS; }
STANDIN_API cuMemPoolSetAttribute(void *, int, void *) { return CUDA_SUCCESS; }
/// Reuse policies (1 to 3) are ints that are on, the others 64-bit sizes that are 0.
STANDIN_API cuMemPoolGetAttribute(void *, int attribute, void *value) {
  if (attribute >= 1 && attribute <= 3)
    *static_cast<int *>(value) = 1;
  else
    *static_cast<uint64_t *>(value) = 0;
  return CUDA_SUCCESS;
}
STANDIN_API cuMemPoolSetAccess(void *, const void *, size_t) { return CUDA_SUCCESS; }
STANDIN_API cuMemPoolGetAccess(int *flags, void *, void *) { return *flags = 3, CUDA_SUCCESS; }

STANDIN_API cuMemAdvise(CUdeviceptr, size_t, int, CUdevice) { return CUDA_SUCCESS; }
STANDIN_API cuMemPrefetchAsync(CUdeviceptr, size_t, CUdevice, CUstream) { return CUDA_SUCCESS; }
struct MemoryLocation {
  int type, id;
};
STANDIN_API cuMemAdvise_v2(CUdeviceptr, size_t, int, MemoryLocation) { return CUDA_SUCCESS; }
STANDIN_API cuMemPrefetchAsync_v2(CUdeviceptr, size_t, MemoryLocation, unsigned, CUstream) { return CUDA_SUCCESS; }

STANDIN_API cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return waited(copyAnyWay(to, from, bytes, nullptr));
}
STANDIN_API cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copyAnyWay(to, from, bytes, stream);
}
STANDIN_API cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  return waited(table().memcpyHtoDAsync(to, from, bytes, nullptr));
}
STANDIN_API cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  return waited(table().memcpyDtoHAsync(to, from, bytes, nullptr));
}
STANDIN_API cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return told(table().memcpyDtoDAsync(to, from, bytes, nullptr));
}
STANDIN_API cuMemcpyPeer(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes) {
  return cuMemcpyDtoD_v2(to, from, bytes);
}
STANDIN_API cuMemcpyPeerAsync(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes, CUstream stream) {
  return told(table().memcpyDtoDAsync(to, from, bytes, stream));
}

/// CUDA_MEMCPY2D.
struct Copy2D {
  size_t sourceX, sourceY;
  unsigned sourceType;
  const void *sourceHost;
  CUdeviceptr sourceDevice;
  void *sourceArray;
  size_t sourcePitch, targetX, targetY;
  unsigned targetType;
  void *targetHost;
  CUdeviceptr targetDevice;
  void *targetArray;
  size_t targetPitch, width, height;
};
/// CUDA_MEMCPY3D.
struct Copy3D {
  size_t sourceX, sourceY, sourceZ, sourceLod;
  unsigned sourceType;
  const void *sourceHost;
  CUdeviceptr sourceDevice;
  void *sourceArray, *reserved0;
  size_t sourcePitch, sourceHeight, targetX, targetY, targetZ, targetLod;
  unsigned targetType;
  void *targetHost;
  CUdeviceptr targetDevice;
  void *targetArray, *reserved1;
  size_t targetPitch, targetHeight, width, height, depth;
};
enum : unsigned { kMemoryHost = 1, kMemoryArray = 3 };

static CUresult copyPlanes(const Copy3D &copy, CUstream stream) {
  if (copy.sourceType == kMemoryArray || copy.targetType == kMemoryArray)
    return refuse("a copy to or from a CUDA array");
  CUdeviceptr from =
      copy.sourceType == kMemoryHost ? reinterpret_cast<CUdeviceptr>(copy.sourceHost) : copy.sourceDevice;
  CUdeviceptr to = copy.targetType == kMemoryHost ? reinterpret_cast<CUdeviceptr>(copy.targetHost) : copy.targetDevice;
  for (size_t z = 0; z < copy.depth; ++z)
    for (size_t y = 0; y < copy.height; ++y) {
      size_t sourceRow = (copy.sourceZ + z) * copy.sourceHeight + copy.sourceY + y;
      size_t targetRow = (copy.targetZ + z) * copy.targetHeight + copy.targetY + y;
      CUresult status = copyAnyWay(to + targetRow * copy.targetPitch + copy.targetX,
                                   from + sourceRow * copy.sourcePitch + copy.sourceX, copy.width, stream);
      if (status != CUDA_SUCCESS)
        return status;
    }
  return CUDA_SUCCESS;
}

static CUresult copyRows(const Copy2D *copy, CUstream stream) {
  if (!copy)
    return CUDA_ERROR_INVALID_VALUE;
  Copy3D planes{};
  planes.sourceX = copy->sourceX;
  planes.sourceY = copy->sourceY;
  planes.sourceType = copy->sourceType;
  planes.sourceHost = copy->sourceHost;
  planes.sourceDevice = copy->sourceDevice;
  planes.sourcePitch = copy->sourcePitch;
  planes.targetX = copy->targetX;
  planes.targetY = copy->targetY;
  planes.targetType = copy->targetType;
  planes.targetHost = copy->targetHost;
  planes.targetDevice = copy->targetDevice;
  planes.targetPitch = copy->targetPitch;
  planes.width = copy->width;
  planes.height = copy->height;
  planes.depth = 1;
  return copyPlanes(planes, stream);
}
STANDIN_API cuMemcpy2D_v2(const Copy2D *copy) { return waited(copyRows(copy, nullptr)); }
STANDIN_API cuMemcpy2DUnaligned_v2(const Copy2D *copy) { return waited(copyRows(copy, nullptr)); }
STANDIN_API cuMemcpy2DAsync_v2(const Copy2D *copy, CUstream stream) { return copyRows(copy, stream); }
STANDIN_API cuMemcpy3D_v2(const Copy3D *copy) {
  return copy ? waited(copyPlanes(*copy, nullptr)) : CUDA_ERROR_INVALID_VALUE;
}
STANDIN_API cuMemcpy3DAsync_v2(const Copy3D *copy, CUstream stream) {
  return copy ? copyPlanes(*copy, stream) : CUDA_ERROR_INVALID_VALUE;
}

/// `count` values of 2 bytes from an even address on: as words, and what is left over at the ends.
static CUresult fillHalves(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) {
  size_t before = count != 0 && to % 4 != 0, words = (count - before) / 2, behind = (count - before) % 2;
  if (before + behind != 0 && isCapturing(stream))
    return refuse("a fill of half a word in a stream capture");
  CUresult status = before ? table().memcpyHtoDAsync(to, &value, 2, stream) : CUDA_SUCCESS;
  if (status == CUDA_SUCCESS && words != 0)
    status = table().memsetD32Async(to + 2 * before, value * 0x10001u, words, stream);
  return status == CUDA_SUCCESS && behind ? table().memcpyHtoDAsync(to + 2 * (count - 1), &value, 2, stream) : status;
}

/// Fills rows of `width` elements with a value of 1, 2 or 4 bytes.
template <class T>
static CUresult fill(CUdeviceptr to, size_t pitch, T value, size_t width, size_t height, CUstream stream) {
  for (size_t y = 0; y < height && width != 0; ++y, to += pitch) {
    CUresult status = CUDA_ERROR_INVALID_VALUE;
    if constexpr (sizeof(T) == 1)
      status = table().memsetD8Async(to, value, width, stream);
    else if constexpr (sizeof(T) == 4)
      status = table().memsetD32Async(to, value, width, stream);
    else if (to % 2 == 0)
      status = fillHalves(to, value, width, stream);
    if (status != CUDA_SUCCESS)
      return told(status);
  }
  return CUDA_SUCCESS;
}
STANDIN_API cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
  return fill(to, 0, value, count, 1, nullptr);
}
STANDIN_API cuMemsetD16_v2(CUdeviceptr to, unsigned short value, size_t count) {
  return fill(to, 0, value, count, 1, nullptr);
}
STANDIN_API cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
  return fill(to, 0, value, count, 1, nullptr);
}
STANDIN_API cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) {
  return fill(to, 0, value, count, 1, stream);
}
#define FILL_2D(name, type)                                                                                            \
  STANDIN_API name##_v2(CUdeviceptr to, size_t pitch, type value, size_t width, size_t height) {                       \
    return fill(to, pitch, value, width, height, nullptr);                                                             \
  }                                                                                                                    \
  STANDIN_API name##Async(CUdeviceptr to, size_t pitch, type value, size_t width, size_t height, CUstream stream) {    \
    return fill(to, pitch, value, width, height, stream);                                                              \
  }
FILL_2D(cuMemsetD2D8, unsigned char)
FILL_2D(cuMemsetD2D16, unsigned short)
FILL_2D(cuMemsetD2D32, unsigned)

/// CUpointer_attribute: 1 context, 2 memory type, 3 and 4 pointers, 7 id, 8 managed, 9 device, 11 and 12 range, 13
/// mapped.
static CUresult pointerAttribute(void *out, int attribute, CUdeviceptr address) {
  CUdeviceptr base = 0;
  size_t bytes = 0;
  if (extras().addressRange(&base, &bytes, address) != CUDA_SUCCESS)
    return CUDA_ERROR_INVALID_VALUE;
  const SharedBlock *block = findShared(address);
  switch (attribute) {
  case 1:
    return *static_cast<CUcontext *>(out) = currentContext(), CUDA_SUCCESS;
  case 2:
    return *static_cast<unsigned *>(out) = block && block->kind == Kind::Host ? 1 : 2, CUDA_SUCCESS;
  case 3:
    return *static_cast<CUdeviceptr *>(out) = address, CUDA_SUCCESS;
  case 4:
    return *static_cast<void **>(out) = block ? hostPointer(address) : nullptr,
                             block ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  case 7:
    return *static_cast<unsigned long long *>(out) = base, CUDA_SUCCESS;
  case 8:
    return *static_cast<bool *>(out) = block && block->kind == Kind::Managed, CUDA_SUCCESS;
  case 6:
    return CUDA_SUCCESS;
  case 9:
    return *static_cast<int *>(out) = 0, CUDA_SUCCESS;
  case 11:
    return *static_cast<CUdeviceptr *>(out) = base, CUDA_SUCCESS;
  case 12:
    return *static_cast<size_t *>(out) = bytes, CUDA_SUCCESS;
  case 13:
    return *static_cast<bool *>(out) = true, CUDA_SUCCESS;
  default:
    return refuse("this pointer attribute");
  }
}
STANDIN_API cuPointerGetAttribute(void *out, int attribute, CUdeviceptr address) {
  return pointerAttribute(out, attribute, address);
}
/// What is no device memory leaves zeros and succeeds.
STANDIN_API cuPointerGetAttributes(unsigned count, int *attributes, void **out, CUdeviceptr address) {
  for (unsigned i = 0; i < count; ++i)
    if (pointerAttribute(out[i], attributes[i], address) != CUDA_SUCCESS)
      std::memset(out[i], 0,
                  attributes[i] == 8 || attributes[i] == 13  ? 1
                  : attributes[i] == 2 || attributes[i] == 9 ? 4
                                                             : 8);
  return CUDA_SUCCESS;
}
STANDIN_API cuPointerSetAttribute(const void *, int, CUdeviceptr) { return CUDA_SUCCESS; }
