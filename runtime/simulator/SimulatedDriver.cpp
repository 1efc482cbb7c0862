//===- SimulatedDriver.cpp - A CUDA driver that runs PTX on the CPU -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table's entries: each takes the lock, checks what a real driver checks, and does its small part.
// Streams are in order and work is done when a call returns, so that waiting is a check of handles.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/SimulatedDriver.h"

#include "runtime/simulator/DeviceExtras.h"
#include "runtime/simulator/Driver.h"
#include "runtime/simulator/memory/Fill.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <tuple>

namespace imbrex::simulator {

using namespace cuda;

void Driver::reset() {
  memory = std::make_unique<GlobalMemory>(limits.memoryBytes, options.races != RaceLevel::Shared);
  memory->shadowBudget.most = options.raceShadowBytes;
  order = std::make_unique<StreamOrder>();
  sync.clear();
  modules.clear();
  functions.clear();
  streams.clear();
  events.clear();
  captured = {};
  sticky = CUDA_SUCCESS;
}

CUcontext Driver::context() const { return toHandle<CUcontext>(reinterpret_cast<uint64_t>(this)); }

uint64_t threadNumber() {
  static std::atomic<uint64_t> last{0};
  thread_local uint64_t mine = 0; // Plain: it can still be read when the thread's destructors have run.
  if (mine == 0)
    mine = ++last;
  return mine;
}

CUresult Driver::ready() {
  if (!initialised)
    return CUDA_ERROR_NOT_INITIALIZED;
  auto found = current.find(threadNumber());
  if (retained == 0 || found == current.end() || found->second.empty())
    return CUDA_ERROR_INVALID_CONTEXT;
  return sticky;
}

bool Driver::copyIsOrdered(CUstream stream, const Allocation &allocation, uint64_t offset, uint64_t bytes, bool write) {
  order->beginCopy(toNumber(stream));
  if (options.races < RaceLevel::Streams || order->orderedBelow() == order->nextRun() || !allocation.shadow)
    return true;
  Observer me;
  me.orderedBelow = order->orderedBelow();
  me.launchBegin = order->nextRun();
  me.launches = order.get();
  GlobalConflict conflict;
  if (allocation.shadow->check(me, offset, bytes, write, conflict))
    return true;
  std::string place, other = order->describe(conflict.otherRun, conflict.other.instruction(), place);
  report = std::string("simulated device: ") + faultName(FaultKind::GlobalRace) + ": a copy or fill that " +
           (write ? "writes " : "reads ") + std::to_string(bytes) + " bytes is not ordered after a " +
           (conflict.otherWrote ? "write" : "read") + " by " + other +
           "; missing: an event, or one stream for both\n  and " + place;
  sticky = CUDA_ERROR_LAUNCH_FAILED;
  return false;
}

bool Driver::isStream(CUstream stream) const {
  return toNumber(stream) <= 2 || streams.count(toNumber(stream)) != 0; // 0 to 2 are the default streams.
}

const Allocation *Driver::range(uint64_t address, uint64_t bytes) const {
  const Allocation *found = memory->find(address);
  return found && found->contains(address, bytes) ? found : nullptr;
}

namespace {

using Shared = std::shared_ptr<Driver>;

struct ErrorText {
  CUresult code;
  const char *name, *text;
};
constexpr ErrorText kErrors[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
     "too many resources requested for launch"},
    {CUDA_ERROR_LAUNCH_TIMEOUT, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
    {CUDA_ERROR_ASSERT, "CUDA_ERROR_ASSERT", "device-side assert triggered"},
    {CUDA_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {CUDA_ERROR_ILLEGAL_INSTRUCTION, "CUDA_ERROR_ILLEGAL_INSTRUCTION", "an illegal instruction was encountered"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {CUDA_ERROR_ILLEGAL_STATE, "CUDA_ERROR_ILLEGAL_STATE", "the operation cannot be performed in the present state"},
    {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {CUDA_ERROR_STREAM_CAPTURE_MERGE, "CUDA_ERROR_STREAM_CAPTURE_MERGE",
     "operation would result in a merge of separate capture sequences"},
    {CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED",
     "capture was not ended in the same stream as it began"},
    {CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work"},
    {CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION",
     "dependency created on uncaptured work in another stream"},
    {CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
     "operation would make the legacy stream depend on a capturing blocking stream"},
    {CUDA_ERROR_CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT",
     "operation not permitted on an event last recorded in a capturing stream"},
    {CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD",
     "attempt to terminate a thread-local capture sequence from another thread"},
    {CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, "CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE",
     "the graph update was not performed because it included changes which violated constraints"},
    {CUDA_ERROR_UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

CUresult findError(CUresult code, const char **out, bool name) {
  if (!out)
    return CUDA_ERROR_INVALID_VALUE;
  *out = nullptr;
  for (const ErrorText &error : kErrors)
    if (error.code == code)
      *out = name ? error.name : error.text;
  return *out ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/// Wraps a body of work for a stream, its last argument: on a captured stream it becomes a node of that kind.
template <class Body> auto capturable(const char *kind, Body body) {
  return [kind, body](Driver &d, auto... arguments) -> CUresult {
    auto all = std::tuple(arguments...);
    constexpr size_t last = sizeof...(arguments) - 1;
    auto run = [body, all](Driver &later, CUstream stream) mutable {
      std::get<last>(all) = stream;
      return std::apply([&](auto... each) -> CUresult { return body(later, each...); }, all);
    };
    bool isTaken = false;
    CUresult status = d.captured.take(toNumber(std::get<last>(all)), {kind, run}, isTaken);
    return isTaken ? status : body(d, arguments...);
  };
}

/// Wraps a body that no thread may run while it captures.
template <class Body> auto uncapturable(Body body) {
  return [body](Driver &d, auto... arguments) -> CUresult {
    CUresult status = d.captured.unsafe(threadNumber());
    return status == CUDA_SUCCESS ? body(d, arguments...) : status;
  };
}

/// Under the lock, after cuInit; no context needed.
template <class Body> auto initialised(const Shared &driver, Body body) {
  return [driver, body](auto... arguments) -> CUresult {
    std::lock_guard lock(driver->mutex);
    if (!driver->initialised)
      return CUDA_ERROR_NOT_INITIALIZED;
    return body(*driver, arguments...);
  };
}

void fillDevice(DriverTable &table, const Shared &driver) {
  table.init = [driver](unsigned flags) {
    std::lock_guard lock(driver->mutex);
    driver->initialised |= flags == 0;
    return flags == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  };
  table.driverGetVersion = [](int *version) {
    if (!version)
      return CUDA_ERROR_INVALID_VALUE;
    *version = 13000;
    return CUDA_SUCCESS;
  };
  table.getErrorName = [](CUresult code, const char **out) { return findError(code, out, true); };
  table.getErrorString = [](CUresult code, const char **out) { return findError(code, out, false); };
  table.deviceGetCount = initialised(driver, [](Driver &, int *count) {
    if (!count)
      return CUDA_ERROR_INVALID_VALUE;
    *count = 1;
    return CUDA_SUCCESS;
  });
  table.deviceGet = initialised(driver, [](Driver &, CUdevice *device, int ordinal) {
    if (!device)
      return CUDA_ERROR_INVALID_VALUE;
    *device = 0;
    return ordinal == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
  });
  table.deviceGetName = initialised(driver, [](Driver &d, char *name, int size, CUdevice device) {
    if (!name || size <= 0)
      return CUDA_ERROR_INVALID_VALUE;
    if (device != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    std::string text = "Simulated " + std::string(d.limits.name);
    size_t length = std::min(text.size(), static_cast<size_t>(size - 1));
    std::memcpy(name, text.data(), length);
    name[length] = '\0';
    return CUDA_SUCCESS;
  });
  table.deviceGetAttribute = initialised(driver, [](Driver &d, int *value, int attribute, CUdevice device) {
    if (device != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    return value && deviceAttribute(d.limits, attribute, *value) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
  table.deviceTotalMem = initialised(driver, [](Driver &d, size_t *bytes, CUdevice device) {
    if (!bytes)
      return CUDA_ERROR_INVALID_VALUE;
    *bytes = d.limits.memoryBytes;
    return device == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
  });
}

void fillContext(DriverTable &table, const Shared &driver) {
  table.primaryContextRetain = initialised(driver, [](Driver &d, CUcontext *context, CUdevice device) {
    if (!context)
      return CUDA_ERROR_INVALID_VALUE;
    if (device != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    ++d.retained;
    *context = d.context();
    return CUDA_SUCCESS;
  });
  table.primaryContextRelease = initialised(driver, [](Driver &d, CUdevice device) {
    if (device != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    if (d.retained == 0)
      return CUDA_ERROR_INVALID_CONTEXT;
    if (--d.retained == 0)
      d.reset();
    return CUDA_SUCCESS;
  });
  table.contextPushCurrent = initialised(driver, [](Driver &d, CUcontext context) {
    if (context != d.context() || d.retained == 0)
      return CUDA_ERROR_INVALID_CONTEXT;
    d.current[threadNumber()].push_back(context);
    return CUDA_SUCCESS;
  });
  table.contextPopCurrent = initialised(driver, [](Driver &d, CUcontext *context) {
    auto found = d.current.find(threadNumber());
    if (found == d.current.end())
      return CUDA_ERROR_INVALID_CONTEXT;
    if (context)
      *context = found->second.back();
    found->second.pop_back();
    if (found->second.empty())
      d.current.erase(found);
    return CUDA_SUCCESS;
  });
  table.contextSynchronize = inContext(driver, uncapturable([](Driver &d) {
                                         d.order->hostWaitsForAll();
                                         return CUDA_SUCCESS;
                                       }));
  table.contextStreamPriorityRange = inContext(driver, [](Driver &, int *least, int *greatest) {
    constexpr int kGreatest = -5; // as GPUs from compute capability 7.0 on
    if (least)
      *least = 0;
    if (greatest)
      *greatest = kGreatest;
    return CUDA_SUCCESS;
  });
}

void fillStreams(DriverTable &table, const Shared &driver) {
  table.streamCreate = inContext(driver, [](Driver &d, CUstream *stream, unsigned flags) {
    if (!stream || flags > 1)
      return CUDA_ERROR_INVALID_VALUE;
    *stream = toHandle<CUstream>(*d.streams.insert(d.nextHandle++).first);
    d.order->createStream(toNumber(*stream), flags == 0);
    return CUDA_SUCCESS;
  });
  // Work is done when it is put on a stream: nothing overtakes.
  table.streamCreateWithPriority = [create = table.streamCreate](CUstream *stream, unsigned flags, int) {
    return create(stream, flags);
  };
  table.streamDestroy = inContext(driver, [](Driver &d, CUstream stream) {
    d.order->destroyStream(toNumber(stream));
    return d.streams.erase(toNumber(stream)) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
  table.streamSynchronize = inContext(driver, [](Driver &d, CUstream stream) {
    if (!d.isStream(stream))
      return CUDA_ERROR_INVALID_HANDLE;
    if (CUresult status = d.captured.spoil(toNumber(stream)); status != CUDA_SUCCESS)
      return status;
    d.order->hostWaitsForStream(toNumber(stream));
    return CUDA_SUCCESS;
  });
  table.streamGetContext = inContext(driver, [](Driver &d, CUstream stream, CUcontext *context) {
    if (!context)
      return CUDA_ERROR_INVALID_VALUE;
    if (!d.isStream(stream))
      return CUDA_ERROR_INVALID_HANDLE;
    *context = d.context();
    return CUDA_SUCCESS;
  });
  table.streamWaitEvent = inContext(driver, [](Driver &d, CUstream stream, CUevent event, unsigned) {
    if (!d.isStream(stream) || !d.events.count(toNumber(event)))
      return CUDA_ERROR_INVALID_HANDLE;
    bool isCaptured = d.captured.isCapturing(toNumber(stream)) || d.captured.isCaptured(toNumber(event));
    if (isCaptured)
      return d.captured.wait(toNumber(stream), toNumber(event));
    d.order->wait(toNumber(stream), toNumber(event));
    return CUDA_SUCCESS;
  });
}

void fillEvents(DriverTable &table, const Shared &driver) {
  table.eventCreate = inContext(driver, [](Driver &d, CUevent *event, unsigned flags) {
    if (!event || flags > 7)
      return CUDA_ERROR_INVALID_VALUE;
    *event = toHandle<CUevent>(d.nextHandle);
    d.events[d.nextHandle++] = EventState();
    return CUDA_SUCCESS;
  });
  table.eventDestroy = inContext(driver, [](Driver &d, CUevent event) {
    d.order->destroyEvent(toNumber(event));
    return d.events.erase(toNumber(event)) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
  table.eventRecord = inContext(driver, [](Driver &d, CUevent event, CUstream stream) {
    auto found = d.events.find(toNumber(event));
    if (found == d.events.end() || !d.isStream(stream))
      return CUDA_ERROR_INVALID_HANDLE;
    d.captured.record(toNumber(event), toNumber(stream));
    if (d.captured.isCapturing(toNumber(stream)))
      return CUDA_SUCCESS;
    found->second.recorded = std::chrono::steady_clock::now();
    d.order->record(toNumber(event), toNumber(stream));
    return CUDA_SUCCESS;
  });
  // Work is done when it is put on a stream: to ask is to wait.
  table.eventQuery = table.eventSynchronize = inContext(driver, [](Driver &d, CUevent event) {
    if (!d.events.count(toNumber(event)))
      return CUDA_ERROR_INVALID_HANDLE;
    if (d.captured.isCaptured(toNumber(event)))
      return CUDA_ERROR_CAPTURED_EVENT;
    d.order->hostWaitsForEvent(toNumber(event));
    return CUDA_SUCCESS;
  });
  table.eventElapsedTime = inContext(driver, [](Driver &d, float *milliseconds, CUevent start, CUevent end) {
    auto first = d.events.find(toNumber(start)), last = d.events.find(toNumber(end));
    if (!milliseconds)
      return CUDA_ERROR_INVALID_VALUE;
    if (first == d.events.end() || last == d.events.end() || !first->second.recorded || !last->second.recorded)
      return CUDA_ERROR_INVALID_HANDLE;
    *milliseconds = std::chrono::duration<float, std::milli>(*last->second.recorded - *first->second.recorded).count();
    return CUDA_SUCCESS;
  });
}

/// A range of `bytes` bytes that a copy or fill on the stream writes or reads, or the error.
template <class Body>
CUresult withRange(Driver &d, CUdeviceptr to, size_t bytes, CUstream stream, bool write, Body body) {
  if (!d.isStream(stream))
    return CUDA_ERROR_INVALID_HANDLE;
  if (bytes == 0)
    return CUDA_SUCCESS;
  const Allocation *allocation = d.range(to, bytes);
  if (!allocation)
    return CUDA_ERROR_INVALID_VALUE;
  if (!d.copyIsOrdered(stream, *allocation, to - allocation->base, bytes, write))
    return d.sticky;
  return body(*allocation, to - allocation->base);
}

CUresult copyBetween(Driver &d, CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return withRange(d, to, bytes, stream, true, [&](const Allocation &target, uint64_t offset) {
    const Allocation *source = d.range(from, bytes);
    if (!source)
      return CUDA_ERROR_INVALID_VALUE;
    if (!d.copyIsOrdered(stream, *source, from - source->base, bytes, false))
      return d.sticky;
    std::memmove(target.bytes + offset, source->bytes + (from - source->base), bytes);
    uint64_t start = from - source->base;
    for (uint64_t i = 0; i < bytes; ++i) { // What was never written stays so in the copy.
      uint8_t mask = static_cast<uint8_t>(1u << ((offset + i) % 8));
      if (isWritten(*source, start + i, 1))
        target.written[(offset + i) / 8] |= mask;
      else
        target.written[(offset + i) / 8] &= static_cast<uint8_t>(~mask);
    }
    return CUDA_SUCCESS;
  });
}

void fillMemory(DriverTable &table, const Shared &driver) {
  table.memAlloc = inContext(driver, uncapturable([](Driver &d, CUdeviceptr *out, size_t bytes) {
                               if (!out || bytes == 0)
                                 return CUDA_ERROR_INVALID_VALUE;
                               Allocation *allocation = d.memory->allocate(bytes);
                               if (!allocation)
                                 return CUDA_ERROR_OUT_OF_MEMORY;
                               *out = allocation->base;
                               return CUDA_SUCCESS;
                             }));
  table.memFree = inContext(driver, uncapturable([](Driver &d, CUdeviceptr address) {
                              for (const auto &[number, module] : d.modules)
                                if (std::count(module.allocations.begin(), module.allocations.end(), address))
                                  return CUDA_ERROR_INVALID_VALUE;
                              return d.memory->release(address) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
                            }));
  table.memcpyHtoDAsync = inContext(
      driver, capturable("upload", [](Driver &d, CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
        return withRange(d, to, bytes, stream, true, [&](const Allocation &target, uint64_t offset) {
          if (!from)
            return CUDA_ERROR_INVALID_VALUE;
          std::memcpy(target.bytes + offset, from, bytes);
          GlobalMemory::markRange(target, offset, bytes);
          return CUDA_SUCCESS;
        });
      }));
  table.memcpyDtoHAsync = inContext(
      driver, capturable("download", [](Driver &d, void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
        return withRange(d, from, bytes, stream, false, [&](const Allocation &source, uint64_t offset) {
          if (!to)
            return CUDA_ERROR_INVALID_VALUE;
          GlobalMemory::copyOut(source, offset, bytes, static_cast<uint8_t *>(to));
          return CUDA_SUCCESS;
        });
      }));
  table.memcpyDtoDAsync = inContext(driver, capturable("copy", copyBetween));
  table.memsetD8Async = inContext(
      driver, capturable("fill", [](Driver &d, CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream) {
        return withRange(d, to, bytes, stream, true, [&](const Allocation &target, uint64_t offset) {
          fillRange(target, offset, bytes, value * 0x01010101u);
          return CUDA_SUCCESS;
        });
      }));
  table.memsetD32Async = inContext(
      driver, capturable("fill words", [](Driver &d, CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
        if (to % 4 != 0 || count > (~size_t(0) >> 3))
          return CUDA_ERROR_INVALID_VALUE;
        return withRange(d, to, count * 4, stream, true, [&](const Allocation &target, uint64_t offset) {
          fillRange(target, offset, count * 4, value);
          return CUDA_SUCCESS;
        });
      }));
}

/// Writes the log where the options ask for it, cut to the buffer's size.
void writeLog(const std::string &log, unsigned count, CUjit_option *options, void **values) {
  char *buffer = nullptr;
  size_t size = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
      buffer = static_cast<char *>(values[i]);
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
      size = static_cast<unsigned>(reinterpret_cast<uintptr_t>(values[i]));
  }
  if (!buffer || size == 0)
    return;
  size_t length = std::min(log.size(), size - 1);
  std::memcpy(buffer, log.data(), length);
  buffer[length] = '\0';
}

void fillModules(DriverTable &table, const Shared &driver) {
  table.moduleLoadDataEx = inContext(driver, uncapturable([](Driver &d, CUmodule *out, const void *image,
                                                             unsigned count, CUjit_option *options, void **values) {
                                       if (!image || (count != 0 && (!options || !values)))
                                         return CUDA_ERROR_INVALID_VALUE;
                                       std::string log;
                                       CUresult status = d.loadModule(out, {static_cast<const char *>(image)}, log);
                                       writeLog(log, count, options, values);
                                       if (status != CUDA_SUCCESS)
                                         d.report = "simulated device: module load failed: " + log;
                                       return status;
                                     }));
  table.moduleUnload =
      inContext(driver, uncapturable([](Driver &d, CUmodule module) { return d.unloadModule(module); }));
  table.moduleGetFunction = inContext(driver, [](Driver &d, CUfunction *out, CUmodule module, const char *name) {
    return d.getFunction(out, module, name);
  });
  table.moduleGetGlobal = inContext(driver, [](Driver &d, CUdeviceptr *address, size_t *bytes, CUmodule module,
                                               const char *name) { return d.getGlobal(address, bytes, module, name); });
  table.funcGetAttribute = inContext(driver, [](Driver &d, int *value, int attribute, CUfunction function) {
    return d.getAttribute(value, attribute, function);
  });
  table.funcSetAttribute = inContext(driver, [](Driver &d, CUfunction function, int attribute, int value) {
    return d.setAttribute(function, attribute, value);
  });
  table.launchKernel = inContext(driver, [](Driver &d, CUfunction function, unsigned gx, unsigned gy, unsigned gz,
                                            unsigned bx, unsigned by, unsigned bz, unsigned sharedBytes,
                                            CUstream stream, void **params, void **extra) {
    LaunchShape shape{{gx, gy, gz}, {bx, by, bz}, {0, 0, 0}, sharedBytes, false};
    return d.launch(function, shape, stream, params, extra);
  });
  table.launchKernelEx =
      inContext(driver, [](Driver &d, const CUlaunchConfig *config, CUfunction function, void **params, void **extra) {
        return d.launchEx(config, function, params, extra);
      });
  table.tensorMapEncodeTiled =
      initialised(driver, [](Driver &d, CUtensorMap *out, int type, unsigned rank, void *base,
                             const unsigned long long *extents, const unsigned long long *strides, const unsigned *box,
                             const unsigned *elementStrides, int interleave, int swizzle, int promotion, int fill) {
        return d.encodeTensorMap(out, {type, rank, reinterpret_cast<uint64_t>(base),
                                       reinterpret_cast<const uint64_t *>(extents),
                                       reinterpret_cast<const uint64_t *>(strides), box, elementStrides, interleave,
                                       swizzle, promotion, fill});
      });
}

} // namespace

std::vector<std::string> simulatedDeviceNames() {
  std::vector<std::string> names;
  for (const DeviceLimits &device : simulatedDevices())
    names.emplace_back(device.key);
  return names;
}

void fillTable(DriverTable &table, const std::shared_ptr<Driver> &driver) {
  fillDevice(table, driver);
  fillContext(table, driver);
  fillStreams(table, driver);
  fillEvents(table, driver);
  fillMemory(table, driver);
  fillModules(table, driver);
  fillGraphs(table, driver);
  table.faultReport = [driver] {
    std::lock_guard lock(driver->mutex);
    return driver->report;
  };
  table.simulated = true;
}

std::optional<DriverTable> makeSimulatedDriver(std::string_view deviceName, SimulatorOptions options) {
  std::optional<SimulatedDevice> device = makeSimulatedDevice(deviceName, std::move(options));
  return device ? std::optional(std::move(device->table)) : std::nullopt;
}

} // namespace imbrex::simulator
