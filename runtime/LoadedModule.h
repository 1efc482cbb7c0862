//===- LoadedModule.h - An image in a device's memory -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A driver's module: PTX text or machine code, loaded with the driver's log, unloaded with the object. Its calls need
// the context of the device. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_LOADEDMODULE_H
#define IMBREX_RUNTIME_LOADEDMODULE_H

#include "runtime/DeviceContext.h"

namespace imbrex {

/// Dynamic shared memory of a block for which a kernel need not be prepared, in bytes.
inline constexpr unsigned kSharedWithoutAsking = 48 * 1024;

class LoadedModule {
public:
  explicit LoadedModule(std::shared_ptr<DeviceContext> device) : device(std::move(device)) {}
  LoadedModule(const LoadedModule &) = delete;
  ~LoadedModule();

  /// Once. ErrorKind::Assemble, "`what` could not be loaded", if the driver refuses the image, with its log as report.
  Result<void> load(const std::string &image, const std::string &what);
  /// ErrorKind::Argument if there is none of that name.
  Result<void> find(const std::string &entry, cuda::CUfunction &function) const;

  const std::shared_ptr<DeviceContext> device;

private:
  cuda::CUmodule handle = nullptr;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_LOADEDMODULE_H
