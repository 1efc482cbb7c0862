//===- Code.cpp - PTX and machine code of others --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A module, and the functions found in it so far.
//
//===----------------------------------------------------------------------===//

#include "runtime/Code.h"
#include "runtime/GraphState.h"
#include "runtime/LoadedModule.h"
#include "runtime/StripedMutex.h"

using namespace imbrex;
using cuda::DriverTable;

namespace {

struct Function {
  cuda::CUfunction handle;
  unsigned sharedBytes; ///< what it may use without asking again
};

} // namespace

struct Code::State {
  explicit State(const std::shared_ptr<DeviceContext> &device) : module(device) {}
  LoadedModule module;
  StripedMutex mutex;
  std::map<std::string, Function, std::less<>> functions;

  std::optional<Function> find(std::string_view entry) {
    std::shared_lock lock(mutex);
    auto found = functions.find(entry);
    return found == functions.end() ? std::nullopt : std::optional(found->second);
  }
};

Result<Code> Code::load(const Runtime &runtime, std::string image) {
  const std::shared_ptr<DeviceContext> &device = runtime.stream().internal().device;
  if (!device)
    return movedFromError("runtime");
  if (device->captures().isMine())
    return Error{ErrorKind::Argument, "code would be loaded while this thread captures a graph: load it before"};
  auto state = std::make_shared<State>(device);
  Result<void> loaded = device->inContext([&] { return state->module.load(image, "the code"); });
  return loaded ? Result<Code>(Code(std::move(state))) : loaded.takeError();
}

Result<void> Code::prepare(std::string_view entry, unsigned sharedBytes) const {
  const DeviceContext &device = *state->module.device;
  const std::string name(entry);
  Function function{nullptr, std::max(sharedBytes, kSharedWithoutAsking)};
  Result<void> done = device.inContext([&]() -> Result<void> {
    if (Result<void> found = state->module.find(name, function.handle); !found)
      return found;
    if (sharedBytes <= kSharedWithoutAsking)
      return {};
    return device.call<&DriverTable::funcSetAttribute>(
        function.handle, int(cuda::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES), int(sharedBytes));
  });
  if (!done)
    return done;
  std::lock_guard lock(state->mutex);
  auto [known, isNew] = state->functions.try_emplace(name, function);
  known->second.sharedBytes = std::max(known->second.sharedBytes, function.sharedBytes);
  return {};
}

/// The launch as the driver takes it; the kernel is found, and prepared, if it was not before.
Result<cuda::CUDA_KERNEL_NODE_PARAMS> Code::parametersOf(std::string_view entry, const CodeShape &shape,
                                                         const void *const *values) const {
  std::optional<Function> function = state->find(entry);
  if (!function || function->sharedBytes < shape.sharedBytes) {
    if (state->module.device->captures().isMine())
      return Error{ErrorKind::Argument, "kernel '" + std::string(entry) +
                                            "' would be loaded while a graph is captured: call prepare() before"};
    if (Result<void> prepared = prepare(entry, shape.sharedBytes); !prepared)
      return prepared.takeError();
    function = state->find(entry);
  }
  auto atLeastOne = [](unsigned extent) { return std::max(extent, 1u); };
  return cuda::CUDA_KERNEL_NODE_PARAMS{function->handle,
                                       shape.grid[0],
                                       atLeastOne(shape.grid[1]),
                                       atLeastOne(shape.grid[2]),
                                       shape.block[0],
                                       atLeastOne(shape.block[1]),
                                       atLeastOne(shape.block[2]),
                                       shape.sharedBytes,
                                       const_cast<void **>(values),
                                       nullptr,
                                       nullptr,
                                       nullptr};
}

Result<void> Code::launchWith(const Stream &stream, std::string_view entry, const CodeShape &shape,
                              const void *const *values) const {
  const DeviceContext &device = *state->module.device;
  if (Result<void> same = checkSameDevice(device, stream.internal().device, "the stream"); !same)
    return same;
  Result<cuda::CUDA_KERNEL_NODE_PARAMS> found = parametersOf(entry, shape, values);
  if (!found)
    return found.takeError();
  const cuda::CUDA_KERNEL_NODE_PARAMS &is = *found;
  const cuda::CUstream handle = stream.internal().handle;
  device.suspects().launched(handle, entry);
  Result<void> launched = device.inContext([&] {
    return device.call<&DriverTable::launchKernel>(is.func, is.gridDimX, is.gridDimY, is.gridDimZ, is.blockDimX,
                                                   is.blockDimY, is.blockDimZ, is.sharedMemBytes, handle,
                                                   is.kernelParams, static_cast<void **>(nullptr));
  });
  if (launched && device.captures().any())
    return noteLaunch(device, {state, std::string(entry), nullptr, handle, false});
  return launched;
}

Result<void> Graph::set(size_t place, const Code &code, std::string_view entry, const CodeShape &shape,
                        const void *const *values) {
  if (Result<void> good = checkGraphPlace(state.get(), place, *code.state->module.device); !good)
    return good;
  Result<cuda::CUDA_KERNEL_NODE_PARAMS> found = code.parametersOf(entry, shape, values);
  if (!found)
    return found.takeError();
  return setPlace(*state, place, {{code.state, std::string(entry), nullptr, nullptr, false}, *found});
}
