//===- BoundCall.cpp - Arguments made ready for a launch ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What differs from the arguments before, and what follows from that.
//
//===----------------------------------------------------------------------===//

#include "runtime/BoundCall.h"
#include <algorithm>
#include <bit>

using namespace imbrex;

static bool isSame(const Dims &a, const Dims &b) {
  if (a.size() != b.size())
    return false;
  for (unsigned i = 0, count = unsigned(a.end() - a.begin()); i < count; ++i)
    if (a[i] != b[i])
      return false;
  return true;
}

/// Whether at most the memory differs.
static bool hasSameShape(const View &a, const View &b) {
  return a.type == b.type && isSame(a.extents, b.extents) && isSame(a.strides, b.strides);
}

static bool hasSameMemory(const View &a, const View &b) {
  return a.address == b.address && a.byteOffset == b.byteOffset && a.availableBytes == b.availableBytes &&
         a.owner == b.owner && a.readOnly == b.readOnly;
}

static bool isSame(const Scalar &a, const Scalar &b) {
  return a.kind == b.kind && a.integer == b.integer &&
         std::bit_cast<uint64_t>(a.real) == std::bit_cast<uint64_t>(b.real);
}

void BoundCall::setView(unsigned place, const View &view) {
  View &now = arguments[place].view;
  if (!hasSameShape(now, view)) {
    now = view;
    change = Change::Shapes;
    return;
  }
  if (hasSameMemory(now, view))
    return;
  now.address = view.address;
  now.byteOffset = view.byteOffset;
  now.availableBytes = view.availableBytes;
  now.owner = view.owner;
  now.readOnly = view.readOnly;
  if (std::find(moved.begin(), moved.end(), place) == moved.end())
    moved.push_back(place);
  change = std::max(change, Change::Values);
}

void BoundCall::setScalar(unsigned place, const Scalar &value) {
  Scalar &now = arguments[place].scalar;
  if (isSame(now, value))
    return;
  now = value;
  hasNewScalar = true;
  change = std::max(change, Change::Values);
}

/// False at the first argument that is of another name or kind.
bool BoundCall::takeSame(Arguments given) {
  if (given.size() != arguments.size())
    return false;
  for (unsigned i = 0; i < given.size(); ++i) {
    if (given[i].name != arguments[i].name || given[i].isView != arguments[i].isView)
      return false;
    if (given[i].isView)
      setView(i, given[i].view);
    else
      setScalar(i, given[i].scalar);
  }
  return true;
}

void BoundCall::take(const SignaturePlan &plan, Arguments given) {
  if (takeSame(given))
    return;
  change = Change::Shapes;
  arguments.assign(given.begin(), given.end());
  parameters.clear();
  for (Argument &argument : arguments) {
    std::optional<unsigned> parameter = plan.parameterNamed(argument.name);
    parameters.push_back(parameter.value_or(0)); // an unknown name is told by bind()
    if (parameter)
      argument.name = plan.signature.parameters[*parameter].name;
  }
}

Result<void> BoundCall::bind(const KernelState &kernel, const Stream *stream) {
  if (Result<void> bound = bindKernel(kernel, arguments, binding); !bound)
    return bound;
  return prepareBound(kernel, binding, prepared, stream);
}

/// What moved is checked by itself and against the outputs. Shapes and types are as before.
Result<void> BoundCall::repack(const KernelState &kernel, const Stream *stream) {
  const DeviceContext &device = *kernel.module->runtime->device;
  for (unsigned place : moved) {
    const View &view = arguments[place].view;
    if ((view.owner && view.owner != &device) ||
        !moveView(*kernel.plan, parameters[place], view, binding.views[parameters[place]]))
      return bind(kernel, stream); // which says what is wrong, or takes another specialisation
  }
  if (hasNewScalar && placePages(*kernel.plan, binding)) // an output's pages may lie in each other
    return bind(kernel, stream);
  if (!moved.empty())
    if (Result<void> apart = checkOverlaps(*kernel.plan, binding); !apart)
      return apart;
  const LaunchPlan &plan = prepared.ready->plan;
  if (hasNewScalar && !plan.hasOneGrid())
    return bind(kernel, stream);
  if (hasNewScalar)
    if (Result<void> held = plan.checkScalars(binding); !held)
      return held;
  return plan.repack(binding, device.driver(), prepared.packed);
}

Result<void> BoundCall::makeChangeReady(const KernelState &kernel, const Stream *stream) {
  Result<void> ready = change == Change::Values ? repack(kernel, stream) : bind(kernel, stream);
  moved.clear();
  hasNewScalar = false;
  change = ready ? Change::None : Change::Shapes; // whatever was half changed is bound anew
  return ready;
}

Result<void> BoundCall::launch(const KernelState &kernel, const Stream &stream, Arguments given) {
  take(*kernel.plan, given);
  if (change != Change::Shapes && !findAgain(kernel, prepared))
    change = Change::Shapes;
  Result<void> done = makeReady(kernel, &stream);
  if (done)
    done = launchPrepared(kernel, stream, prepared);
  prepared.reading = {};
  prepared.kept = nullptr;
  return done;
}
