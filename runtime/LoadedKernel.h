//===- LoadedKernel.h - A kernel in a device's memory -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Machine code or PTX loaded into a device, and the kernel found in it. Unloaded when the last launch plan
// lets go. Immutable; thread-safe. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_LOADEDKERNEL_H
#define IMBREX_RUNTIME_LOADEDKERNEL_H

#include "compiler/KernelInterface.h"
#include "runtime/LoadedModule.h"

namespace imbrex {

class LoadedKernel {
public:
  /// `image`: machine code, or PTX text; `programmatic`: made as DependentLaunch.h says, and launched so.
  /// ErrorKind::Assemble if the driver refuses it, with its log as report; ErrorKind::Argument if the kernel needs more
  /// threads or shared memory than the device has.
  static Result<std::shared_ptr<const LoadedKernel>> load(const std::shared_ptr<DeviceContext> &device,
                                                          const std::string &image, const KernelInterface &interface,
                                                          bool programmatic = false);
  LoadedKernel(const LoadedKernel &) = delete;

  /// Launches with `values[i]` pointing at parameter i.
  Result<void> launch(cuda::CUstream stream, const std::array<unsigned, 3> &grid, void **values) const;
  /// The same as what a node of a graph launches.
  cuda::CUDA_KERNEL_NODE_PARAMS node(const std::array<unsigned, 3> &grid, void **values) const;
  bool isProgrammatic() const { return programmatic; }

  unsigned registers = 0, localBytes = 0, staticSharedBytes = 0; ///< the driver's account
  const std::shared_ptr<DeviceContext> device;

private:
  explicit LoadedKernel(const std::shared_ptr<DeviceContext> &device) : device(device), module(device) {}
  Result<void> prepare(const KernelInterface &interface);

  LoadedModule module;
  cuda::CUfunction function = nullptr;
  unsigned threads = 0, sharedBytes = 0;
  bool programmatic = false;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_LOADEDKERNEL_H
