//===- LoadedKernel.cpp - A kernel in a device's memory -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel's attributes, and the launch itself.
//
//===----------------------------------------------------------------------===//

#include "runtime/LoadedKernel.h"
#include "dialects/layout/Warp.h"

using namespace imbrex;
using namespace imbrex::cuda;

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
                                                               const KernelInterface &interface, bool programmatic) {
  if (Result<void> fits = checkLimits(device->info(), interface); !fits)
    return fits.takeError();
  std::shared_ptr<LoadedKernel> kernel(new LoadedKernel(device));
  kernel->programmatic = programmatic;
  Result<void> done = device->inContext([&]() -> Result<void> {
    if (Result<void> loaded = kernel->module.load(image, "kernel '" + interface.entry + "'"); !loaded)
      return loaded;
    if (Result<void> found = kernel->module.find(interface.entry, kernel->function); !found)
      return found;
    return kernel->prepare(interface);
  });
  if (!done)
    return done.takeError();
  return std::shared_ptr<const LoadedKernel>(std::move(kernel));
}

CUDA_KERNEL_NODE_PARAMS LoadedKernel::node(const std::array<unsigned, 3> &grid, void **values) const {
  return {function, grid[0], grid[1], grid[2], threads, 1, 1, sharedBytes, values, nullptr, nullptr, nullptr};
}

Result<void> LoadedKernel::launch(CUstream stream, const std::array<unsigned, 3> &grid, void **values) const {
  return device->inContext([&]() -> Result<void> {
    if (programmatic) [[unlikely]] {
      CUlaunchAttribute attribute = {CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION, {}, {.number = 1}};
      CUlaunchConfig config = {grid[0], grid[1], grid[2], threads, 1, 1, sharedBytes, stream, &attribute, 1};
      return device->call<&DriverTable::launchKernelEx>(static_cast<const CUlaunchConfig *>(&config), function, values,
                                                        static_cast<void **>(nullptr));
    }
    return device->call<&DriverTable::launchKernel>(function, grid[0], grid[1], grid[2], threads, 1u, 1u, sharedBytes,
                                                    stream, values, static_cast<void **>(nullptr));
  });
}
