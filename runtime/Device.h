//===- Device.h - What a device is ------------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Facts about one device, real or simulated, read once when it is opened. Plain data. No LLVM type, no
// driver handle: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_DEVICE_H
#define IMBREX_RUNTIME_DEVICE_H

#include <array>
#include <cstddef>
#include <string>

namespace imbrex {

struct DeviceInfo {
  std::string id;                ///< "cuda:0" or "sim:h200": what RuntimeOptions::device takes
  std::string name;              ///< the driver's own name
  bool simulated = false;        ///< kernels run on the simulator: times mean nothing
  unsigned major = 0, minor = 0; ///< compute capability
  std::string target;            ///< what kernels are compiled for by default; "" if the device is too old
  int driverVersion = 0;         ///< 13000 for CUDA 13.0
  size_t memoryBytes = 0;
  unsigned multiprocessors = 0;
  unsigned threadsPerBlock = 0;
  unsigned sharedBytesPerBlock = 0;      ///< without asking
  unsigned sharedBytesPerBlockOptIn = 0; ///< the most a block can ask for
  unsigned sharedBytesPerMultiprocessor = 0;
  unsigned registersPerBlock = 0;
  unsigned l2Bytes = 0;
  unsigned clockKiloHertz = 0;
  std::array<unsigned, 3> grid = {}; ///< the largest grid, x, y, z
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_DEVICE_H
