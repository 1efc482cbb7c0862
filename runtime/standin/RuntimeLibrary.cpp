//===- RuntimeLibrary.cpp - Libraries of the runtime library --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX that a program loads itself, as CuTe DSL's do (CUDA Runtime API, Library Management). A cudaLibrary_t is the
// driver's CUlibrary and a cudaKernel_t its CUkernel, which calls that take a host function take as well.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/Runtime.h"

#include <vector>

using namespace imbrex::standin;

// The driver's entries that have no member in the table.
STANDIN_API cuLibraryLoadData(CUlibrary *, const void *, CUjit_option *, void **, unsigned, void *, void **, unsigned);
STANDIN_API cuLibraryLoadFromFile(CUlibrary *, const char *, ...);
STANDIN_API cuLibraryUnload(CUlibrary);
STANDIN_API cuLibraryGetKernel(CUkernel *, CUlibrary, const char *);
STANDIN_API cuLibraryGetGlobal(CUdeviceptr *, size_t *, CUlibrary, const char *);
STANDIN_API cuLibraryGetKernelCount(unsigned *, CUlibrary);
STANDIN_API cuLibraryEnumerateKernels(CUkernel *, unsigned, CUlibrary);
STANDIN_API cuFuncSetAttribute(CUfunction, int, int);

CUDART_API cudaLibraryLoadData(CUlibrary *library, const void *code, CUjit_option *options, void **values,
                               unsigned count, void *libraryOptions, void **libraryValues, unsigned libraryCount) {
  useDevice();
  return remember(
      cuLibraryLoadData(library, code, options, values, count, libraryOptions, libraryValues, libraryCount));
}
CUDART_API cudaLibraryLoadFromFile(CUlibrary *library, const char *path, ...) {
  useDevice();
  return remember(cuLibraryLoadFromFile(library, path));
}
CUDART_API cudaLibraryGetKernelCount(unsigned *count, CUlibrary library) {
  return remember(cuLibraryGetKernelCount(count, library));
}
CUDART_API cudaLibraryEnumerateKernels(CUkernel *kernels, unsigned count, CUlibrary library) {
  int status = cuLibraryEnumerateKernels(kernels, count, library);
  for (unsigned i = 0; status == kSuccess && i < count; ++i)
    addHandle(kernels[i]);
  return remember(status);
}
CUDART_API cudaLibraryGetKernel(CUkernel *kernel, CUlibrary library, const char *name) {
  int status = cuLibraryGetKernel(kernel, library, name);
  if (status == kSuccess)
    addHandle(*kernel);
  return remember(status);
}
CUDART_API cudaLibraryUnload(CUlibrary library) {
  unsigned count = 0;
  if (int status = cuLibraryGetKernelCount(&count, library))
    return remember(status);
  std::vector<CUkernel> kernels(count);
  if (int status = cuLibraryEnumerateKernels(kernels.data(), count, library))
    return remember(status);
  for (CUkernel kernel : kernels)
    dropHandle(kernel);
  return remember(cuLibraryUnload(library));
}
CUDART_API cudaLibraryGetGlobal(void **address, size_t *bytes, CUlibrary library, const char *name) {
  CUdeviceptr found = 0;
  size_t size = 0;
  int status = cuLibraryGetGlobal(&found, &size, library, name);
  if (status == kSuccess && address)
    *address = reinterpret_cast<void *>(found);
  if (status == kSuccess && bytes)
    *bytes = size;
  return remember(status);
}
CUDART_API cudaKernelSetAttributeForDevice(CUkernel kernel, int attribute, int value, int device) {
  if (device != 0)
    return remember(kInvalidDevice);
  return remember(cuFuncSetAttribute(kernel, attribute, value));
}
