//===- LoadedModule.cpp - An image in a device's memory -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loading with the driver's log.
//
//===----------------------------------------------------------------------===//

#include "runtime/LoadedModule.h"

using namespace imbrex;
using namespace imbrex::cuda;

static constexpr size_t kLogBytes = 16384;

LoadedModule::~LoadedModule() {
  if (handle)
    device->dispose<&DriverTable::moduleUnload>(handle);
}

Result<void> LoadedModule::load(const std::string &image, const std::string &what) {
  std::vector<char> log(kLogBytes, '\0');
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size() - 1)};
  Result<void> loaded = device->call<&DriverTable::moduleLoadDataEx>(&handle, static_cast<const void *>(image.c_str()),
                                                                     2u, &options[0], &values[0]);
  if (loaded)
    return loaded;
  Error error = loaded.takeError();
  if (!error.message.empty())
    return error; // the device was lost before
  bool machineFailed = error.kind == ErrorKind::OutOfMemory || error.kind == ErrorKind::Fault;
  error.kind = machineFailed ? error.kind : ErrorKind::Assemble;
  error.message = what + " could not be loaded";
  if (log[0])
    error.report = log.data();
  return error;
}

Result<void> LoadedModule::find(const std::string &entry, CUfunction &function) const {
  bool isThere = false;
  Result<void> asked =
      device->ask<&DriverTable::moduleGetFunction, CUDA_ERROR_NOT_FOUND>(isThere, &function, handle, entry.c_str());
  if (asked && !isThere)
    return Error{ErrorKind::Argument, "there is no kernel '" + entry + "' in the code that was loaded"};
  return asked;
}
