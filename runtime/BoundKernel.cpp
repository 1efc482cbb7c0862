//===- BoundKernel.cpp - A kernel with its arguments ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A BoundCall whose specialisation stays loaded.
//
//===----------------------------------------------------------------------===//

#include "runtime/BoundKernel.h"
#include "runtime/BoundCall.h"

using namespace imbrex;

struct BoundKernel::State {
  std::shared_ptr<const KernelState> kernel;
  BoundCall call;

  /// The specialisation stays loaded.
  Result<void> makeReady(const Stream *stream) {
    Result<void> ready = call.makeReady(*kernel, stream);
    if (!ready)
      call.prepared.reading = {};
    else if (!call.prepared.kept)
      (void)call.prepared.keep();
    return ready;
  }
};

BoundKernel::BoundKernel(std::unique_ptr<State> state) : state(std::move(state)) {}
BoundKernel::BoundKernel(BoundKernel &&) noexcept = default;
BoundKernel &BoundKernel::operator=(BoundKernel &&) noexcept = default;
BoundKernel::~BoundKernel() = default;

static Error movedFrom() { return movedFromError("bound kernel"); }

Result<BoundKernel> Kernel::bind(Arguments arguments) const {
  auto bound = std::make_unique<BoundKernel::State>();
  Result<Call> call = resolveSequences(*state, arguments);
  if (!call)
    return call.takeError();
  bound->kernel = call->kernel->shared_from_this();
  bound->call.take(*call->kernel->plan, call->arguments());
  if (Result<void> done = bound->makeReady(nullptr); !done)
    return done.takeError();
  return BoundKernel(std::move(bound));
}

Result<unsigned> BoundKernel::place(std::string_view name) const {
  if (!state)
    return movedFrom();
  for (unsigned i = 0; i < state->call.arguments.size(); ++i)
    if (state->call.arguments[i].name == name)
      return i;
  return Error{ErrorKind::Argument, "no argument '" + std::string(name) + "' was bound"};
}

static Result<void> checkPlace(const std::vector<Argument> &arguments, unsigned place, bool isView) {
  if (place < arguments.size() && arguments[place].isView == isView)
    return {};
  return Error{ErrorKind::Argument,
               "place " + std::to_string(place) + " is that of no " + (isView ? "view" : "scalar")};
}

Result<void> BoundKernel::set(unsigned place, const View &view) {
  if (!state)
    return movedFrom();
  if (Result<void> good = checkPlace(state->call.arguments, place, true); !good)
    return good;
  state->call.setView(place, view);
  return {};
}

Result<void> BoundKernel::setScalar(unsigned place, const Scalar &value) {
  if (!state)
    return movedFrom();
  if (Result<void> good = checkPlace(state->call.arguments, place, false); !good)
    return good;
  state->call.setScalar(place, value);
  return {};
}

Result<void> Graph::set(size_t place, BoundKernel &kernel) {
  if (!kernel.state)
    return movedFrom();
  BoundKernel::State &bound = *kernel.state;
  if (Result<void> good = checkGraphPlace(state.get(), place, *bound.kernel->module->runtime->device); !good)
    return good;
  if (Result<void> ready = bound.makeReady(nullptr); !ready)
    return ready;
  return placePrepared(*bound.kernel, *state, place, bound.call.prepared);
}

Result<void> BoundKernel::launch(const Stream &stream) {
  if (!state)
    return movedFrom();
  const DeviceContext &device = *state->kernel->module->runtime->device;
  if (Result<void> same = checkSameDevice(device, stream.internal().device, "the stream"); !same)
    return same;
  if (Result<void> ready = state->makeReady(&stream); !ready)
    return ready;
  return launchPrepared(*state->kernel, stream, state->call.prepared);
}
