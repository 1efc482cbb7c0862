//===- Runtime.h - What the sources of the runtime library share ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// libcudart over the stand-in driver: errors are the driver's numbers (cudaError_t and CUresult agree), each
// thread keeps its last one, and the first call makes the primary context current.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_STANDIN_RUNTIME_H
#define IMBREX_RUNTIME_STANDIN_RUNTIME_H

#include "runtime/standin/StandIn.h"

/// Begins the definition of an entry of the runtime library.
#define CUDART_API extern "C" [[gnu::visibility("default")]] int

namespace imbrex::standin {

/// cudaError_t values that have no CUresult.
enum {
  kSuccess = 0,
  kInvalidValue = 1,
  kInvalidConfiguration = 9,
  kInvalidSymbol = 13,
  kInvalidDeviceFunction = 98,
  kNoDevice = 100,
  kInvalidDevice = 101
};

/// Makes the primary context current on this thread.
void useDevice();
/// Loads what programs have registered and not used yet: in a stream capture that is an error.
void loadPrograms();
/// Remembers an error as the thread's last; returns it.
int remember(int status);

/// The address and size of the variable that a program registered under this host address.
struct DeviceVariable {
  CUdeviceptr address = 0;
  size_t bytes = 0;
};
std::optional<DeviceVariable> findVariable(const void *host);
/// The kernel of a host function or of a handle that addHandle was told, or null.
CUfunction findKernel(const void *host);
/// A kernel of a library, which stands for itself until its library is unloaded.
void addHandle(CUkernel kernel);
void dropHandle(CUkernel kernel);

} // namespace imbrex::standin

#endif // IMBREX_RUNTIME_STANDIN_RUNTIME_H
