//===- LoadCudaDriver.h - The real CUDA driver ------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fills a driver table from libcuda.so.1, found by the dynamic loader. Thread-safe.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_LOADCUDADRIVER_H
#define IMBREX_RUNTIME_LOADCUDADRIVER_H

#include "runtime/CudaDriver.h"
#include "runtime/Result.h"

namespace imbrex {

/// An Error (ErrorKind::NoDevice) where the library is missing or lacks a function. It is not initialised yet.
Result<cuda::DriverTable> loadCudaDriver();

} // namespace imbrex

#endif // IMBREX_RUNTIME_LOADCUDADRIVER_H
