//===- LoadCudaDriver.cpp - The real CUDA driver --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// dlopen and dlsym, one line of CudaSymbols.def after the other. The library is never closed: it keeps
// threads and exit handlers of its own.
//
//===----------------------------------------------------------------------===//

#include "runtime/LoadCudaDriver.h"
#include <dlfcn.h>

using namespace imbrex;

template <typename Function> static bool bind(void *library, const char *symbol, std::function<Function> &member) {
  auto *address = reinterpret_cast<Function *>(dlsym(library, symbol));
  if (address)
    member = address;
  return address != nullptr;
}

static Error missing(std::string what) {
  const char *reason = dlerror();
  Error error{ErrorKind::NoDevice, std::move(what)};
  error.driverWords = reason ? reason : "";
  return error;
}

Result<cuda::DriverTable> imbrex::loadCudaDriver() {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return missing("there is no CUDA driver on this machine");
  cuda::DriverTable table;
#define IMBREX_CUDA(field, symbol, parameters)                                                                         \
  if (!bind<cuda::CUresult parameters>(library, symbol, table.field))                                                  \
    return missing("the CUDA driver is too old: it lacks " symbol);
  using namespace cuda;
#include "runtime/CudaSymbols.def"
  // A driver that lacks it is one without such copies.
  (void)bind<CUresult(CUtensorMap *, int, unsigned, void *, const unsigned long long *, const unsigned long long *,
                      const unsigned *, const unsigned *, int, int, int, int)>(library, "cuTensorMapEncodeTiled",
                                                                               table.tensorMapEncodeTiled);
  return table;
}
