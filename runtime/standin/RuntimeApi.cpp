//===- RuntimeApi.cpp - Programs, kernels and errors of the runtime library ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What nvcc's programs call before main: they register fat binaries, kernels and variables. A fat binary is
// loaded when something of it is first used.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/Runtime.h"
#include "runtime/standin/ThreadStack.h"

#include <cstdio>
#include <map>
#include <memory>
#include <mutex>

using namespace imbrex::standin;

// The driver's entries that have no member in the table.
STANDIN_API cuOccupancyMaxActiveClusters(int *, CUfunction, const CUlaunchConfig *);
STANDIN_API cuOccupancyMaxPotentialClusterSize(int *, CUfunction, const CUlaunchConfig *);

struct Dim3 {
  unsigned x, y, z;
};

namespace {

/// A fat binary of the program.
struct Program {
  const void *image = nullptr;
  CUmodule module = nullptr;
  bool tried = false;
  std::map<const void *, std::string> kernels, variables; ///< Host address to name.
};
struct Programs {
  std::recursive_mutex mutex;
  std::vector<std::unique_ptr<Program>> all;
  std::map<const void *, CUfunction> functions; ///< Looked up before.
};
Programs &programs() {
  static Programs &only = *new Programs;
  return only;
}

struct Configuration {
  Dim3 grid, block;
  size_t shared;
  CUstream stream;
};
ThreadStack<Configuration> &configurations() {
  static thread_local constinit ThreadStack<Configuration> pushed{};
  return pushed;
}
int &lastError() {
  static thread_local int error = kSuccess;
  return error;
}

CUmodule load(Program &program) {
  if (program.tried)
    return program.module;
  program.tried = true;
  useDevice();
  std::string text, error;
  if (!readImage(program.image, text, error))
    std::fprintf(stderr, "simulated device: %s\n", error.c_str());
  else if (told(table().moduleLoadDataEx(&program.module, text.c_str(), 0, nullptr, nullptr)) != CUDA_SUCCESS)
    program.module = nullptr;
  return program.module;
}

} // namespace

namespace imbrex::standin {

void loadPrograms() {
  std::lock_guard lock(programs().mutex);
  for (const std::unique_ptr<Program> &program : programs().all)
    load(*program);
}

void useDevice() {
  if (currentContext())
    return;
  table().init(0);
  CUcontext context = nullptr;
  if (table().primaryContextRetain(&context, 0) == CUDA_SUCCESS)
    setCurrentContext(context);
}

int remember(int status) {
  if (status != kSuccess && status != CUDA_ERROR_NOT_READY)
    lastError() = status;
  return status;
}

std::optional<DeviceVariable> findVariable(const void *host) {
  std::lock_guard lock(programs().mutex);
  for (const auto &program : programs().all) {
    auto found = program->variables.find(host);
    DeviceVariable variable;
    if (found != program->variables.end() && load(*program) &&
        table().moduleGetGlobal(&variable.address, &variable.bytes, program->module, found->second.c_str()) ==
            CUDA_SUCCESS)
      return variable;
  }
  return std::nullopt;
}

CUfunction findKernel(const void *host) {
  useDevice();
  std::lock_guard lock(programs().mutex);
  if (auto known = programs().functions.find(host); known != programs().functions.end())
    return known->second;
  for (const auto &program : programs().all) {
    auto found = program->kernels.find(host);
    CUfunction function = nullptr;
    if (found == program->kernels.end() || !load(*program) ||
        told(table().moduleGetFunction(&function, program->module, found->second.c_str())) != CUDA_SUCCESS)
      continue;
    return programs().functions[host] = function;
  }
  return nullptr;
}

void addHandle(CUkernel kernel) {
  std::lock_guard lock(programs().mutex);
  programs().functions[kernel] = kernel;
}
void dropHandle(CUkernel kernel) {
  std::lock_guard lock(programs().mutex);
  programs().functions.erase(kernel);
}

} // namespace imbrex::standin

extern "C" {
[[gnu::visibility("default")]] void **__cudaRegisterFatBinary(void *image) {
  std::lock_guard lock(programs().mutex);
  programs().all.push_back(std::make_unique<Program>());
  programs().all.back()->image = image;
  return reinterpret_cast<void **>(programs().all.back().get());
}
[[gnu::visibility("default")]] void __cudaRegisterFatBinaryEnd(void **) {}
[[gnu::visibility("default")]] void __cudaUnregisterFatBinary(void **) {}
[[gnu::visibility("default")]] char __cudaInitModule(void **) { return 1; }
[[gnu::visibility("default")]] void __cudaRegisterFunction(void **program, const char *host, char *, const char *name,
                                                           int, void *, void *, void *, void *, int *) {
  reinterpret_cast<Program *>(program)->kernels[host] = name;
}
[[gnu::visibility("default")]] void __cudaRegisterVar(void **program, char *host, char *, const char *name, int, size_t,
                                                      int, int) {
  reinterpret_cast<Program *>(program)->variables[host] = name;
}
[[gnu::visibility("default")]] void __cudaRegisterManagedVar(void **, void **, char *, const char *name, int, size_t,
                                                             int, int) {
  refuse((std::string("the managed variable ") + name).c_str());
}
[[gnu::visibility("default")]] void __cudaRegisterTexture(void **, const void *, const void **, const char *name, int,
                                                          int, int) {
  refuse((std::string("the texture ") + name).c_str());
}
[[gnu::visibility("default")]] void __cudaRegisterSurface(void **, const void *, const void **, const char *name, int,
                                                          int) {
  refuse((std::string("the surface ") + name).c_str());
}
}

CUDART_API __cudaPushCallConfiguration(Dim3 grid, Dim3 block, size_t shared, CUstream stream) {
  if (configurations().full())
    return remember(told(CUDA_ERROR_OUT_OF_MEMORY));
  configurations().push({grid, block, shared, stream});
  return kSuccess;
}
CUDART_API __cudaPopCallConfiguration(Dim3 *grid, Dim3 *block, size_t *shared, CUstream *stream) {
  if (configurations().empty())
    return remember(kInvalidConfiguration);
  Configuration top = configurations().top();
  configurations().pop();
  *grid = top.grid;
  *block = top.block;
  *shared = top.shared;
  *stream = top.stream;
  return kSuccess;
}

/// cudaLaunchAttribute has the driver's layout and numbers.
static int launch(const void *host, Dim3 grid, Dim3 block, void **arguments, size_t shared, CUstream stream,
                  CUlaunchAttribute *attributes = nullptr, unsigned count = 0) {
  CUfunction function = findKernel(host);
  if (!function)
    return remember(kInvalidDeviceFunction);
  CUlaunchConfig config{grid.x, grid.y,     grid.z, block.x, block.y, block.z, static_cast<unsigned>(shared),
                        stream, attributes, count};
  CUresult status = told(table().launchKernelEx(&config, function, arguments, nullptr));
  return remember(status == CUDA_ERROR_INVALID_VALUE ? int(kInvalidConfiguration) : status);
}
CUDART_API cudaLaunchKernel(const void *host, Dim3 grid, Dim3 block, void **arguments, size_t shared, CUstream stream) {
  return launch(host, grid, block, arguments, shared, stream);
}
CUDART_API cudaLaunchKernel_ptsz(const void *host, Dim3 grid, Dim3 block, void **arguments, size_t shared,
                                 CUstream stream) {
  return launch(host, grid, block, arguments, shared, stream);
}
CUDART_API __cudaLaunchKernel(const void *host, Dim3 grid, Dim3 block, void **arguments, size_t shared,
                              CUstream stream) {
  return launch(host, grid, block, arguments, shared, stream);
}
CUDART_API __cudaLaunchKernel_ptsz(const void *host, Dim3 grid, Dim3 block, void **arguments, size_t shared,
                                   CUstream stream) {
  return launch(host, grid, block, arguments, shared, stream);
}
CUDART_API cudaLaunchCooperativeKernel(const void *host, Dim3 grid, Dim3 block, void **arguments, size_t shared,
                                       CUstream stream) {
  CUlaunchAttribute together = {};
  together.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
  together.value.number = 1;
  return launch(host, grid, block, arguments, shared, stream, &together, 1);
}
struct LaunchConfig {
  Dim3 grid, block;
  size_t shared;
  CUstream stream;
  CUlaunchAttribute *attributes;
  unsigned count;
};
CUDART_API cudaLaunchKernelExC(const LaunchConfig *config, const void *host, void **arguments) {
  return launch(host, config->grid, config->block, arguments, config->shared, config->stream, config->attributes,
                config->count);
}
CUDART_API cudaOccupancyMaxActiveClusters(int *clusters, const void *host, const LaunchConfig *config) {
  CUfunction function = findKernel(host);
  CUlaunchConfig asked{config->grid.x,
                       config->grid.y,
                       config->grid.z,
                       config->block.x,
                       config->block.y,
                       config->block.z,
                       static_cast<unsigned>(config->shared),
                       config->stream,
                       config->attributes,
                       config->count};
  return remember(function ? int(cuOccupancyMaxActiveClusters(clusters, function, &asked))
                           : int(kInvalidDeviceFunction));
}
CUDART_API cudaOccupancyMaxPotentialClusterSize(int *size, const void *host, const LaunchConfig *) {
  CUfunction function = findKernel(host);
  return remember(function ? int(cuOccupancyMaxPotentialClusterSize(size, function, nullptr))
                           : int(kInvalidDeviceFunction));
}
/// A cudaKernel_t is the host function's address.
CUDART_API __cudaGetKernel(const void **kernel, const void *host) { return *kernel = host, kSuccess; }
CUDART_API cudaGetKernel(const void **kernel, const void *host) { return *kernel = host, kSuccess; }
CUDART_API cudaGetFuncBySymbol(CUfunction *function, const void *host) {
  *function = findKernel(host);
  return remember(*function ? kSuccess : kInvalidDeviceFunction);
}

CUDART_API cudaGetLastError() {
  int error = lastError();
  lastError() = kSuccess;
  return error;
}
CUDART_API cudaPeekAtLastError() { return lastError(); }
static const char *errorText(int error, bool name) {
  if (error == kInvalidConfiguration)
    return name ? "cudaErrorInvalidConfiguration" : "invalid configuration argument";
  if (error == kInvalidSymbol)
    return name ? "cudaErrorInvalidSymbol" : "invalid device symbol";
  if (error == kInvalidDeviceFunction)
    return name ? "cudaErrorInvalidDeviceFunction" : "invalid device function";
  if (name && error == kSuccess)
    return "cudaSuccess";
  const char *text = nullptr;
  if (name)
    table().getErrorName(static_cast<CUresult>(error), &text);
  else
    table().getErrorString(static_cast<CUresult>(error), &text);
  return text ? text : "unrecognized error code";
}
extern "C" {
[[gnu::visibility("default")]] const char *cudaGetErrorString(int error) { return errorText(error, false); }
[[gnu::visibility("default")]] const char *cudaGetErrorName(int error) { return errorText(error, true); }
}
