//===- Modules.cpp - Modules, libraries and kernels of the stand-in driver ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Images become PTX text (Image.cpp). A library is a module that is loaded at once, a CUkernel is its CUfunction.
// The linker hands the PTX texts of its inputs on, one behind the other; the simulated driver joins them when it loads
// them.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/DeviceRuntime.h"
#include "runtime/standin/StandIn.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

using namespace imbrex::standin;
using imbrex::cuda::CUdevice;
using imbrex::cuda::CUdeviceptr;
using imbrex::cuda::CUfunction;
using imbrex::cuda::CUjit_option;
using imbrex::cuda::CUmodule;
constexpr auto kFileNotFound = static_cast<imbrex::cuda::CUresult>(301); // CUDA_ERROR_FILE_NOT_FOUND

namespace {

/// A line between the texts of a linked image, which is a text that only this driver reads.
const std::string kNextInput = "//// next input of a link on the simulated device\n";

std::vector<std::string> inputsOf(const std::string &image) {
  std::vector<std::string> texts;
  size_t begin = 0;
  for (size_t end; (end = image.find(kNextInput, begin)) != image.npos; begin = end + kNextInput.size())
    texts.push_back(image.substr(begin, end - begin));
  texts.push_back(image.substr(begin));
  return texts;
}

} // namespace

STANDIN_API cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options,
                               void **values) {
  if (!image)
    return CUDA_ERROR_INVALID_VALUE;
  std::string text, error;
  if (!readImage(image, text, error)) {
    std::fprintf(stderr, "simulated device: %s\n", error.c_str());
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  }
  if (std::vector<std::string> inputs = inputsOf(text); inputs.size() > 1)
    return told(extras().loadLinked(module, inputs));
  return told(table().moduleLoadDataEx(module, text.c_str(), count, options, values));
}
STANDIN_API cuModuleLoadData(CUmodule *module, const void *image) {
  return cuModuleLoadDataEx(module, image, 0, nullptr, nullptr);
}
STANDIN_API cuModuleLoadFatBinary(CUmodule *module, const void *image) { return cuModuleLoadData(module, image); }
STANDIN_API cuModuleLoad(CUmodule *module, const char *path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return kFileNotFound;
  std::stringstream text;
  text << file.rdbuf();
  return cuModuleLoadData(module, text.str().c_str());
}
STANDIN_API cuModuleGetLoadingMode(int *mode) { return *mode = 1, CUDA_SUCCESS; }
STANDIN_API cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes, CUmodule module, const char *name) {
  return table().moduleGetGlobal(address, bytes, module, name);
}
STANDIN_API cuModuleGetFunctionCount(unsigned *count, CUmodule module) {
  std::vector<std::string> names;
  CUresult status = extras().kernelNames(&names, module);
  *count = static_cast<unsigned>(names.size());
  return status;
}
STANDIN_API cuModuleEnumerateFunctions(CUfunction *functions, unsigned count, CUmodule module) {
  std::vector<std::string> names;
  CUresult status = extras().kernelNames(&names, module);
  for (unsigned i = 0; status == CUDA_SUCCESS && i < count && i < names.size(); ++i)
    status = table().moduleGetFunction(&functions[i], module, names[i].c_str());
  return status;
}

STANDIN_API cuFuncGetModule(CUmodule *module, CUfunction function) {
  std::string name;
  return extras().functionOrigin(function, &name, module);
}
/// Names stay where they are for as long as the process lives.
STANDIN_API cuFuncGetName(const char **name, CUfunction function) {
  static std::mutex &mutex = *new std::mutex;
  static std::map<CUfunction, std::string> &names = *new std::map<CUfunction, std::string>;
  std::string found;
  CUmodule module;
  CUresult status = extras().functionOrigin(function, &found, &module);
  std::lock_guard lock(mutex);
  *name = (names[function] = found).c_str();
  return status;
}
STANDIN_API cuFuncGetParamInfo(CUfunction function, size_t index, size_t *offset, size_t *bytes) {
  return extras().functionParameter(function, index, offset, bytes);
}
STANDIN_API cuFuncSetCacheConfig(CUfunction, int) { return CUDA_SUCCESS; }
STANDIN_API cuFuncSetSharedMemConfig(CUfunction, int) { return CUDA_SUCCESS; }
STANDIN_API cuFuncLoad(CUfunction) { return CUDA_SUCCESS; }
STANDIN_API cuFuncIsLoaded(int *state, CUfunction) { return *state = 1, CUDA_SUCCESS; }
/// What the simulated driver does not model has the value that it has for PTX compiled for sm_90 and nothing else set.
STANDIN_API cuFuncGetAttribute(int *value, int attribute, CUfunction function) {
  enum { kPtxVersion = 5, kBinaryVersion = 6, kCacheMode = 7, kCarveout = 9, kLast = 16 };
  CUresult status = table().funcGetAttribute(value, attribute, function);
  if (status != CUDA_ERROR_INVALID_VALUE || attribute < kPtxVersion || attribute >= kLast)
    return told(status);
  *value = attribute == kPtxVersion || attribute == kBinaryVersion ? 90 : attribute == kCarveout ? -1 : 0;
  return CUDA_SUCCESS;
}
STANDIN_API cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  enum { kDynamicShared = 8, kLast = 16 };
  if (attribute > kDynamicShared && attribute < kLast)
    return CUDA_SUCCESS; // Carve-out, cluster hints.
  return table().funcSetAttribute(function, attribute, value);
}

STANDIN_API cuLibraryLoadData(CUlibrary *library, const void *code, CUjit_option *options, void **values,
                              unsigned count, void *, void **, unsigned) {
  AnyContext context;
  return cuModuleLoadDataEx(library, code, count, options, values);
}
STANDIN_API cuLibraryLoadFromFile(CUlibrary *library, const char *path, ...) {
  AnyContext context;
  return cuModuleLoad(library, path);
}
STANDIN_API cuLibraryUnload(CUlibrary library) {
  AnyContext context;
  return table().moduleUnload(library);
}
STANDIN_API cuLibraryGetKernel(CUkernel *kernel, CUlibrary library, const char *name) {
  AnyContext context;
  return told(table().moduleGetFunction(kernel, library, name));
}
STANDIN_API cuLibraryGetModule(CUmodule *module, CUlibrary library) { return *module = library, CUDA_SUCCESS; }
STANDIN_API cuLibraryGetGlobal(CUdeviceptr *address, size_t *bytes, CUlibrary library, const char *name) {
  AnyContext context;
  return table().moduleGetGlobal(address, bytes, library, name);
}
STANDIN_API cuLibraryGetKernelCount(unsigned *count, CUlibrary library) {
  AnyContext context;
  return cuModuleGetFunctionCount(count, library);
}
STANDIN_API cuLibraryEnumerateKernels(CUkernel *kernels, unsigned count, CUlibrary library) {
  AnyContext context;
  return cuModuleEnumerateFunctions(kernels, count, library);
}
STANDIN_API cuKernelGetFunction(CUfunction *function, CUkernel kernel) { return *function = kernel, CUDA_SUCCESS; }
STANDIN_API cuKernelGetLibrary(CUlibrary *library, CUkernel kernel) { return cuFuncGetModule(library, kernel); }
STANDIN_API cuKernelGetName(const char **name, CUkernel kernel) { return cuFuncGetName(name, kernel); }
STANDIN_API cuKernelGetParamInfo(CUkernel kernel, size_t index, size_t *offset, size_t *bytes) {
  return cuFuncGetParamInfo(kernel, index, offset, bytes);
}
STANDIN_API cuKernelGetAttribute(int *value, int attribute, CUkernel kernel, CUdevice) {
  AnyContext context;
  return cuFuncGetAttribute(value, attribute, kernel);
}
STANDIN_API cuKernelSetAttribute(int attribute, int value, CUkernel kernel, CUdevice) {
  AnyContext context;
  return cuFuncSetAttribute(kernel, attribute, value);
}
STANDIN_API cuKernelSetCacheConfig(CUkernel, int, CUdevice) { return CUDA_SUCCESS; }

namespace {
struct Linker {
  std::string image;
};

bool isDeviceRuntime(int kind, const std::string &data) {
  enum { kLibrary = 4 };
  return kind == kLibrary && data.starts_with("!<arch>\n") && data.find(kDeviceRuntimeMember) != data.npos;
}

/// PTX of an input of a link: text as it is, out of a fat binary, or what stands for the device runtime.
CUresult addInput(Linker *linker, int kind, const std::string &data) {
  enum { kPtx = 1, kFatBinary = 2 };
  std::string text, error;
  if (isDeviceRuntime(kind, data))
    text = kDeviceRuntime;
  else if (kind == kPtx)
    text = data.c_str();
  else if (kind != kFatBinary)
    return refuse("linking machine code, objects and libraries");
  else if (!readImage(data.data(), text, error))
    return refuse("linking a fat binary without PTX");
  if (!text.empty() && text.back() != '\n')
    text += '\n';
  linker->image += (linker->image.empty() ? "" : kNextInput) + text;
  return CUDA_SUCCESS;
}
} // namespace

STANDIN_API cuLinkCreate_v2(unsigned, CUjit_option *, void **, Linker **linker) {
  return *linker = new Linker, CUDA_SUCCESS;
}
STANDIN_API cuLinkAddData_v2(Linker *linker, int kind, void *data, size_t bytes, const char *, unsigned, CUjit_option *,
                             void **) {
  return data ? addInput(linker, kind, std::string(static_cast<const char *>(data), bytes)) : CUDA_ERROR_INVALID_VALUE;
}
STANDIN_API cuLinkAddFile_v2(Linker *linker, int kind, const char *path, unsigned, CUjit_option *, void **) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return kFileNotFound;
  return addInput(linker, kind, {std::istreambuf_iterator<char>(file), {}});
}
/// What contradicts itself is told when the image is loaded.
STANDIN_API cuLinkComplete(Linker *linker, void **image, size_t *bytes) {
  *image = linker->image.data();
  *bytes = linker->image.size() + 1;
  return CUDA_SUCCESS;
}
STANDIN_API cuLinkDestroy(Linker *linker) { return delete linker, CUDA_SUCCESS; }
