//===- Devices.cpp - The devices that tests run on ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A test program has one thread, so the tables below need no lock.
//
//===----------------------------------------------------------------------===//

#include "tests/support/Devices.h"
#include "tests/support/RunMode.h"
#include <cstdio>
#include <map>

using namespace imbrex;

static std::vector<std::string> findDevices() {
  if (!testing::runMode().device.empty())
    return {testing::runMode().device};
  std::vector<std::string> names;
  for (const DeviceInfo &device : listDevices())
    if (device.simulated)
      names.push_back(device.id);
  if (Result<Runtime> gpu = Runtime::open({.device = "cuda:0"}))
    names.push_back("cuda:0");
  else
    std::printf("no GPU here (%s): simulated devices only\n", gpu.error().message.c_str());
  return names;
}

std::vector<std::string> testing::deviceNames() {
  static const std::vector<std::string> names = findDevices();
  return names;
}

std::vector<std::string> testing::oneOfEachKind() {
  if (!testing::runMode().device.empty())
    return {testing::runMode().device};
  std::vector<std::string> names = {"sim:h200"};
  if (deviceNames().back() == "cuda:0")
    names.push_back("cuda:0");
  return names;
}

const Runtime &testing::runtimeOf(const std::string &device) {
  static std::map<std::string, Runtime> runtimes;
  auto found = runtimes.find(device);
  if (found == runtimes.end())
    found =
        runtimes.emplace(device, Runtime::open({.device = device, .cacheDirectory = runMode().cache}).value()).first;
  return found->second;
}

Kernel testing::kernelOf(const std::string &device, const std::string &file) {
  static std::map<std::string, Kernel> kernels;
  auto found = kernels.find(device + " " + file);
  if (found == kernels.end())
    found = kernels
                .emplace(device + " " + file,
                         runtimeOf(device).load(testing::inRoot("kernels/" + file)).value().kernel().value())
                .first;
  return found->second;
}
