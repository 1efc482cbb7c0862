//===- Open.cpp - Choosing a device ---------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of devices, and the search for one: the real driver's GPUs first, then the simulated device.
//
//===----------------------------------------------------------------------===//

#include "runtime/DeviceContext.h"
#include "runtime/LoadCudaDriver.h"
#include "runtime/MemoryRoom.h"
#include "runtime/Runtime.h"
#include "runtime/simulator/SimulatedDriver.h"

using namespace imbrex;

static constexpr std::string_view kCuda = "cuda:", kSimulated = "sim:", kDefaultSimulated = "sim:h200";

using SharedTable = std::shared_ptr<const cuda::DriverTable>;

static Result<SharedTable> realDriver() {
  Result<cuda::DriverTable> table = loadCudaDriver();
  if (!table)
    return table.takeError();
  return SharedTable(std::make_shared<cuda::DriverTable>(std::move(*table)));
}

static Result<SharedTable> simulatedDriver(std::string_view device, const RuntimeOptions &options) {
  simulator::SimulatorOptions settings;
  settings.threads = options.simulatorThreads;
  settings.maxWarpInstructions = options.simulatorInstructions;
  settings.budgetHint = "RuntimeOptions::simulatorInstructions raises the limit";
  settings.schedulingSeed = options.simulatorSeed;
  std::string_view name = device.substr(kSimulated.size());
  if (std::optional<cuda::DriverTable> table = simulator::makeSimulatedDriver(name, settings))
    return SharedTable(std::make_shared<cuda::DriverTable>(std::move(*table)));
  std::string known;
  for (const std::string &candidate : simulator::simulatedDeviceNames())
    known += (known.empty() ? "" : ", ") + std::string(kSimulated) + candidate;
  return Error{ErrorKind::NoDevice, "there is no device '" + std::string(device) + "': there are " + known};
}

/// The first GPU that kernels can be compiled for, or why there is none.
static Result<int> firstGpu(const cuda::DriverTable &table) {
  Result<int> count = DeviceContext::count(table);
  if (!count)
    return count.takeError();
  for (int i = 0; i < *count; ++i) {
    Result<DeviceInfo> info = DeviceContext::query(table, i, std::string(kCuda) + std::to_string(i));
    if (info && !info->target.empty())
      return i;
  }
  return Error{ErrorKind::NoDevice, "no GPU of compute capability 8.0 or later"};
}

/// Fills in device and driver where the caller named neither.
static Result<void> chooseAnyDevice(RuntimeOptions &options, std::string &why) {
  Result<SharedTable> real = realDriver();
  Result<int> gpu = real ? firstGpu(**real) : Result<int>(real.takeError());
  if (gpu) {
    options.device = std::string(kCuda) + std::to_string(*gpu);
    options.driver = std::move(*real);
    return {};
  }
  why = "no GPU is used, kernels run on the simulated device " + std::string(kDefaultSimulated) + ": " +
        gpu.error().message;
  options.device = kDefaultSimulated;
  Result<SharedTable> simulated = simulatedDriver(options.device, options);
  if (!simulated)
    return simulated.takeError();
  options.driver = std::move(*simulated);
  return {};
}

static Result<void> chooseDriver(RuntimeOptions &options, std::string &why) {
  if (options.driver)
    return {};
  if (options.device.empty())
    return chooseAnyDevice(options, why);
  bool simulated = options.device.starts_with(kSimulated);
  if (!simulated && !options.device.starts_with(kCuda))
    return Error{ErrorKind::NoDevice,
                 "there is no device '" + options.device + "': devices are called cuda:0, cuda:1, sim:h200 and so on"};
  Result<SharedTable> table = simulated ? simulatedDriver(options.device, options) : realDriver();
  if (!table)
    return table.takeError();
  options.driver = std::move(*table);
  return {};
}

Result<Runtime> Runtime::open(RuntimeOptions options) {
  std::string why;
  if (Result<void> chosen = chooseDriver(options, why); !chosen)
    return chosen.takeError();
  if (!options.compiler)
    options.compiler =
        CompilerFunctions{[](const Source &source, const CompileOptions &choices) { return compile(source, choices); },
                          [](const Source &source, const CompileOptions &choices) { return describe(source, choices); },
                          std::string(compilerBuildId()), searchSpace, estimate};
  CompileFunction &compile = options.compiler->compile;
  if (options.compilesInChild.value_or(true))
    compile = options.compilesInChild ? inChild(std::move(compile)) : inChildWhereMemoryIsShort(std::move(compile));
  Result<Runtime> runtime = openWith(std::move(options));
  if (runtime && !why.empty())
    runtime->note(std::move(why));
  return runtime;
}

std::vector<DeviceInfo> imbrex::listDevices() {
  std::vector<DeviceInfo> devices;
  if (Result<SharedTable> real = realDriver())
    if (Result<int> count = DeviceContext::count(**real))
      for (int i = 0; i < *count; ++i)
        if (Result<DeviceInfo> info = DeviceContext::query(**real, i, std::string(kCuda) + std::to_string(i)))
          devices.push_back(std::move(*info));
  for (const std::string &name : simulator::simulatedDeviceNames()) {
    std::string id = std::string(kSimulated) + name;
    Result<SharedTable> table = simulatedDriver(id, {});
    if (!table || !DeviceContext::count(**table))
      continue;
    if (Result<DeviceInfo> info = DeviceContext::query(**table, 0, id))
      devices.push_back(std::move(*info));
  }
  return devices;
}
