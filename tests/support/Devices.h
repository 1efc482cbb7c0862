//===- Devices.h - The devices that tests run on ------------- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every simulated device that kernels of today can run on, and the machine's GPU where there is one.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_DEVICES_H
#define IMBREX_TESTS_SUPPORT_DEVICES_H

#include "runtime/Runtime.h"

namespace imbrex::testing {

/// The one that was asked for; else "sim:h200" and so on, then "cuda:0" if it opens.
std::vector<std::string> deviceNames();

/// The one that was asked for; else one simulated device, then "cuda:0" if it opens.
std::vector<std::string> oneOfEachKind();

/// The runtime of a device, opened once for the process.
const Runtime &runtimeOf(const std::string &device);

/// A kernel of a file below kernels/, loaded once for a device.
Kernel kernelOf(const std::string &device, const std::string &file);

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_DEVICES_H
