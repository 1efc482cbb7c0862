//===- DeviceExtras.cpp - Driver entries that only a stand-in needs -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each entry takes the lock, needs a working current context, and looks at the driver's state.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/DeviceExtras.h"

#include "runtime/simulator/Driver.h"

namespace imbrex::simulator {

using namespace cuda;

namespace {

using Shared = std::shared_ptr<Driver>;

template <class Body> auto locked(const Shared &driver, Body body) {
  return [driver, body](const auto &...arguments) -> CUresult {
    std::lock_guard lock(driver->mutex);
    if (CUresult status = driver->ready(); status != CUDA_SUCCESS)
      return status;
    return body(*driver, arguments...);
  };
}

void fillCode(DeviceExtras &extras, const Shared &driver) {
  extras.loadLinked = locked(driver, [](Driver &d, CUmodule *module, const std::vector<std::string> &texts) {
    std::string log;
    CUresult status = d.loadModule(module, texts, log);
    if (status != CUDA_SUCCESS)
      d.report = "simulated device: module load failed: " + log;
    return status;
  });
  extras.kernelNames = locked(driver, [](Driver &d, std::vector<std::string> *names, CUmodule module) {
    auto found = d.modules.find(toNumber(module));
    if (found == d.modules.end())
      return CUDA_ERROR_INVALID_HANDLE;
    for (const auto &program : found->second.kernels)
      names->push_back(program->name);
    return CUDA_SUCCESS;
  });
  extras.functionParameter =
      locked(driver, [](Driver &d, CUfunction function, size_t index, size_t *offset, size_t *bytes) {
        auto found = d.functions.find(toNumber(function));
        if (found == d.functions.end())
          return CUDA_ERROR_INVALID_HANDLE;
        const std::vector<Program::Param> &params = found->second.program->params;
        if (index >= params.size() || !offset)
          return CUDA_ERROR_INVALID_VALUE;
        *offset = params[index].offset;
        if (bytes)
          *bytes = params[index].bytes;
        return CUDA_SUCCESS;
      });
  extras.parameterNames = locked(driver, [](Driver &d, CUfunction function, std::vector<std::string> *names) {
    auto found = d.functions.find(toNumber(function));
    if (found == d.functions.end())
      return CUDA_ERROR_INVALID_HANDLE;
    for (const Program::Param &param : found->second.program->params)
      names->push_back(param.name);
    return CUDA_SUCCESS;
  });
  extras.functionOrigin = locked(driver, [](Driver &d, CUfunction function, std::string *name, CUmodule *module) {
    auto found = d.functions.find(toNumber(function));
    if (found == d.functions.end())
      return CUDA_ERROR_INVALID_HANDLE;
    *name = found->second.program->name;
    *module = toHandle<CUmodule>(found->second.module);
    return CUDA_SUCCESS;
  });
}

void fillShared(DeviceExtras &extras, const Shared &driver) {
  extras.addressRange = locked(driver, [](Driver &d, CUdeviceptr *base, size_t *bytes, CUdeviceptr address) {
    const Allocation *found = d.memory->find(address);
    if (!found)
      return CUDA_ERROR_INVALID_VALUE;
    if (base)
      *base = found->base;
    if (bytes)
      *bytes = found->size;
    return CUDA_SUCCESS;
  });
  extras.freeBytes = locked(driver, [](Driver &d, size_t *bytes) {
    *bytes = d.memory->freeBytes();
    return CUDA_SUCCESS;
  });
  // An allocation begins at a multiple of the widest access; the few bytes before the host's memory belong to it too.
  constexpr uint64_t kAlign = 32;
  extras.shareHost = locked(driver, [](Driver &d, void *host, size_t bytes) {
    uint64_t before = reinterpret_cast<uint64_t>(host) % kAlign;
    return bytes != 0 && d.memory->adopt(static_cast<uint8_t *>(host) - before, bytes + before)
               ? CUDA_SUCCESS
               : CUDA_ERROR_INVALID_VALUE;
  });
  extras.unshareHost = locked(driver, [](Driver &d, void *host) {
    uint64_t address = reinterpret_cast<uint64_t>(host);
    return d.memory->release(address - address % kAlign) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

} // namespace

std::optional<SimulatedDevice> makeSimulatedDevice(std::string_view deviceName, SimulatorOptions options) {
  const DeviceLimits *limits = findDevice(deviceName);
  if (!limits)
    return std::nullopt;
  auto driver = std::make_shared<Driver>(*limits, std::move(options));
  SimulatedDevice device;
  fillTable(device.table, driver);
  fillCode(device.extras, driver);
  fillShared(device.extras, driver);
  return device;
}

} // namespace imbrex::simulator
