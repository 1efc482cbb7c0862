//===- StandIn.h - The device behind the stand-in libraries ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One simulated H100 for the whole process, and what every entry of the stand-in driver needs: exported C
// functions under the driver's own names, and words on stderr for what the program itself would not print.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_STANDIN_STANDIN_H
#define IMBREX_RUNTIME_STANDIN_STANDIN_H

#include "runtime/simulator/DeviceExtras.h"

/// Begins the definition of an entry of the driver.
#define STANDIN_API extern "C" [[gnu::visibility("default")]] imbrex::cuda::CUresult

namespace imbrex::standin {

using namespace cuda;
/// A library is a module that is loaded at once; its kernels are functions.
using CUlibrary = CUmodule;
using CUkernel = CUfunction;

/// Never destroyed: as with the real driver, calls may come until the process is gone.
simulator::SimulatedDevice &device();
inline DriverTable &table() { return device().table; }
inline simulator::DeviceExtras &extras() { return device().extras; }

/// Prints the device's report of a failed call, each once; returns the status.
CUresult told(CUresult status);
/// Says on stderr, once for each name, that the entry is not modelled; CUDA_ERROR_NOT_SUPPORTED.
CUresult refuse(const char *name);

/// The current context of this thread, or null.
CUcontext currentContext();
/// Replaces it.
CUresult setCurrentContext(CUcontext context);

/// Makes the primary context current for as long as it lives, where none is.
class AnyContext {
public:
  AnyContext();
  ~AnyContext();
  AnyContext(const AnyContext &) = delete;
  AnyContext &operator=(const AnyContext &) = delete;

private:
  bool pushed = false;
};

/// Whether what is put on the stream becomes part of a graph.
bool isCapturing(CUstream stream);
/// Whether the driver allocated it for the device, or shares it with the host.
bool isDeviceAddress(CUdeviceptr address);
/// Copies between host and device in whichever direction the two addresses say.
CUresult copyAnyWay(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream);

/// The PTX text in an image that a program hands to the driver: PTX itself, or a fat binary with a PTX entry,
/// compressed or not. False with the reason in `error`, for machine code among others.
bool readImage(const void *image, std::string &text, std::string &error);

} // namespace imbrex::standin

#endif // IMBREX_RUNTIME_STANDIN_STANDIN_H
