//===- DeviceExtras.h - Driver entries that only a stand-in needs -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What programs ask of a CUDA driver and this project's runtime does not: addresses of module variables,
// parameters of functions, memory that host and device share. Used by runtime/standin/.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_DEVICEEXTRAS_H
#define IMBREX_RUNTIME_SIMULATOR_DEVICEEXTRAS_H

#include "runtime/simulator/SimulatedDriver.h"

namespace imbrex::simulator {

/// Each as the driver's entry of that name, on the device that the table beside it stands for; each takes the device's
/// lock.
struct DeviceExtras {
  /// cuLinkComplete and cuModuleLoadData: several PTX texts as one module. What is wrong stands in the fault report.
  std::function<cuda::CUresult(cuda::CUmodule *, const std::vector<std::string> &)> loadLinked;
  /// cuModuleEnumerateFunctions and cuModuleGetFunctionCount: the kernels' names in order.
  std::function<cuda::CUresult(std::vector<std::string> *, cuda::CUmodule)> kernelNames;
  /// cuFuncGetParamInfo: offset and bytes of a parameter; CUDA_ERROR_INVALID_VALUE past the last one.
  std::function<cuda::CUresult(cuda::CUfunction, size_t, size_t *, size_t *)> functionParameter;
  /// The PTX's names of a kernel's parameters, in order.
  std::function<cuda::CUresult(cuda::CUfunction, std::vector<std::string> *)> parameterNames;
  /// cuFuncGetName and cuFuncGetModule.
  std::function<cuda::CUresult(cuda::CUfunction, std::string *, cuda::CUmodule *)> functionOrigin;
  /// cuMemGetAddressRange.
  std::function<cuda::CUresult(cuda::CUdeviceptr *, size_t *, cuda::CUdeviceptr)> addressRange;
  /// cuMemGetInfo: free bytes.
  std::function<cuda::CUresult(size_t *)> freeBytes;
  /// Host memory that kernels may use under its own address from now on; all of it counts as written.
  std::function<cuda::CUresult(void *, size_t)> shareHost;
  /// No longer.
  std::function<cuda::CUresult(void *)> unshareHost;
};

struct SimulatedDevice {
  cuda::DriverTable table;
  DeviceExtras extras;
};

/// As makeSimulatedDriver; table and extras stand for one device.
std::optional<SimulatedDevice> makeSimulatedDevice(std::string_view deviceName, SimulatorOptions options = {});

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_DEVICEEXTRAS_H
