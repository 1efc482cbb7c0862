//===- Code.cpp - PTX and machine code of others --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A module, and the functions found in it so far.
//
//===----------------------------------------------------------------------===//

#include "runtime/Code.h"
#include "runtime/Handles.h"
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

Result<void> Code::launchWith(const Stream &stream, std::string_view entry, const CodeShape &shape,
                              const void *const *values) const {
  const DeviceContext &device = *state->module.device;
  if (Result<void> same = checkSameDevice(device, *stream.internal().device, "the stream"); !same)
    return same;
  std::optional<Function> function = state->find(entry);
  if (!function || function->sharedBytes < shape.sharedBytes) {
    if (device.captures().isMine())
      return Error{ErrorKind::Argument, "kernel '" + std::string(entry) +
                                            "' would be loaded while a graph is captured: call prepare() before"};
    if (Result<void> prepared = prepare(entry, shape.sharedBytes); !prepared)
      return prepared;
    function = state->find(entry);
  }
  device.suspects().launched(stream.internal().handle, entry);
  if (device.captures().any())
    device.captures().keep(state, entry);
  auto atLeastOne = [](unsigned extent) { return std::max(extent, 1u); };
  return device.inContext([&] {
    return device.call<&DriverTable::launchKernel>(
        function->handle, shape.grid[0], atLeastOne(shape.grid[1]), atLeastOne(shape.grid[2]), shape.block[0],
        atLeastOne(shape.block[1]), atLeastOne(shape.block[2]), shape.sharedBytes, stream.internal().handle,
        const_cast<void **>(values), static_cast<void **>(nullptr));
  });
}
