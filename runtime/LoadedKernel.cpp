//===- LoadedKernel.cpp - A kernel in a device's memory -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loading with the driver's log, the kernel's attributes, and the launch itself.
//
//===----------------------------------------------------------------------===//

#include "runtime/LoadedKernel.h"
#include "dialects/layout/Warp.h"
#include <vector>

using namespace imbrex;
using namespace imbrex::cuda;

static constexpr size_t kLogBytes = 16384;
static constexpr unsigned kSharedWithoutAsking = 48 * 1024;

Result<void> LoadedKernel::loadModule(const std::string &image, const std::string &entry) {
  std::vector<char> log(kLogBytes, '\0');
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size() - 1)};
  Result<void> loaded = device->call<&DriverTable::moduleLoadDataEx>(&module, static_cast<const void *>(image.c_str()),
                                                                     2u, &options[0], &values[0]);
  if (loaded)
    return device->call<&DriverTable::moduleGetFunction>(&function, module, entry.c_str());
  Error error = loaded.takeError();
  if (!error.message.empty())
    return error; // the device was lost before
  bool machineFailed = error.kind == ErrorKind::OutOfMemory || error.kind == ErrorKind::Fault;
  error.kind = machineFailed ? error.kind : ErrorKind::Assemble;
  error.message = "kernel '" + entry + "' could not be loaded";
  if (log[0])
    error.report = log.data();
  return error;
}

static Result<void> readAttribute(const DeviceContext &device, CUfunction function, int attribute, unsigned &where) {
  int value = 0;
  Result<void> done = device.call<&DriverTable::funcGetAttribute>(&value, attribute, function);
  where = unsigned(value);
  return done;
}

Result<void> LoadedKernel::prepare(const KernelInterface &interface) {
  threads = interface.warps * layout::kWarpThreads;
  sharedBytes = interface.sharedBytes;
  if (Result<void> done = readAttribute(*device, function, CU_FUNC_ATTRIBUTE_NUM_REGS, registers); !done)
    return done;
  if (Result<void> done = readAttribute(*device, function, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES, localBytes); !done)
    return done;
  if (Result<void> done = readAttribute(*device, function, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, staticSharedBytes);
      !done)
    return done;
  if (sharedBytes <= kSharedWithoutAsking)
    return {};
  return device->call<&DriverTable::funcSetAttribute>(function, int(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES),
                                                      int(sharedBytes));
}

static Result<void> checkLimits(const DeviceInfo &device, const KernelInterface &interface) {
  auto fail = [&](const std::string &need, unsigned limit, const char *advice) {
    return Error{ErrorKind::Argument, "kernel '" + interface.kernel + "' needs " + need + ", the device " + device.id +
                                          " allows " + std::to_string(limit) + ": " + advice};
  };
  if (interface.warps * layout::kWarpThreads > device.threadsPerBlock)
    return fail(std::to_string(interface.warps) + " warps (" + std::to_string(interface.warps * layout::kWarpThreads) +
                    " threads) a block",
                device.threadsPerBlock, "set fewer warps");
  if (interface.sharedBytes > device.sharedBytesPerBlockOptIn)
    return fail(std::to_string(interface.sharedBytes) + " bytes of shared memory a block",
                device.sharedBytesPerBlockOptIn, "set smaller tiles or fewer stages");
  return {};
}

Result<std::shared_ptr<const LoadedKernel>> LoadedKernel::load(const std::shared_ptr<DeviceContext> &device,
                                                               const std::string &image,
                                                               const KernelInterface &interface) {
  if (Result<void> fits = checkLimits(device->info(), interface); !fits)
    return fits.takeError();
  std::shared_ptr<LoadedKernel> kernel(new LoadedKernel(device));
  Result<void> done = device->inContext([&]() -> Result<void> {
    Result<void> loaded = kernel->loadModule(image, interface.entry);
    return loaded ? kernel->prepare(interface) : std::move(loaded);
  });
  if (!done)
    return done.takeError();
  return std::shared_ptr<const LoadedKernel>(std::move(kernel));
}

LoadedKernel::~LoadedKernel() {
  if (module)
    device->dispose<&DriverTable::moduleUnload>(module);
}

Result<void> LoadedKernel::launch(CUstream stream, const std::array<unsigned, 3> &grid, void **values) const {
  return device->inContext([&] {
    return device->call<&DriverTable::launchKernel>(function, grid[0], grid[1], grid[2], threads, 1u, 1u, sharedBytes,
                                                    stream, values, static_cast<void **>(nullptr));
  });
}
