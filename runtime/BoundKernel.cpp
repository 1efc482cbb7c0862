//===- BoundKernel.cpp - A kernel with its arguments ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three ways to the next launch: nothing changed; values and addresses changed, which are checked and packed again;
// shapes changed, which takes the way of any launch.
//
//===----------------------------------------------------------------------===//

#include "runtime/BoundKernel.h"
#include "runtime/Prepare.h"
#include <algorithm>

using namespace imbrex;

struct BoundKernel::State {
  enum class Change { None, Values, Shapes };

  std::shared_ptr<const KernelState> kernel;
  std::vector<Argument> arguments; ///< names point into the signature
  Binding binding;                 ///< of `arguments`
  Prepared prepared;
  std::vector<unsigned> parameters; ///< of the signature, by argument
  std::vector<unsigned> moved;      ///< arguments whose address changed
  Change change = Change::Shapes;

  /// `stream`: of the launch that follows.
  Result<void> bind(const Stream *stream = nullptr) {
    binding = Binding();
    moved.clear();
    if (Result<void> bound = bindKernel(*kernel, arguments, binding); !bound)
      return bound;
    prepared.kept = nullptr;
    Result<void> done = prepareBound(*kernel, binding, prepared, stream);
    if (!done) {
      prepared.reading = {};
      return done;
    }
    (void)prepared.keep();
    change = Change::None;
    return {};
  }
  Result<void> repack(const Stream *stream);
  /// What changed is checked and packed, for a launch on `stream`, if it is on one.
  Result<void> makeReady(const Stream *stream);
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
  const SignaturePlan &plan = *call->kernel->plan;
  for (const Argument &argument : call->arguments()) {
    std::optional<unsigned> parameter = plan.parameterNamed(argument.name);
    bound->arguments.push_back(argument);
    bound->parameters.push_back(parameter.value_or(0)); // an unknown name is told by bind()
    if (parameter)
      bound->arguments.back().name = plan.signature.parameters[*parameter].name;
  }
  if (Result<void> done = bound->bind(); !done)
    return done.takeError();
  return BoundKernel(std::move(bound));
}

Result<unsigned> BoundKernel::place(std::string_view name) const {
  if (!state)
    return movedFrom();
  for (unsigned i = 0; i < state->arguments.size(); ++i)
    if (state->arguments[i].name == name)
      return i;
  return Error{ErrorKind::Argument, "no argument '" + std::string(name) + "' was bound"};
}

static Result<void> checkPlace(const std::vector<Argument> &arguments, unsigned place, bool isView) {
  if (place < arguments.size() && arguments[place].isView == isView)
    return {};
  return Error{ErrorKind::Argument,
               "place " + std::to_string(place) + " is that of no " + (isView ? "view" : "scalar")};
}

/// Whether only the memory differs, not the shape.
static bool sameShape(const View &a, const View &b) {
  return a.type == b.type && std::equal(a.extents.begin(), a.extents.end(), b.extents.begin(), b.extents.end()) &&
         std::equal(a.strides.begin(), a.strides.end(), b.strides.begin(), b.strides.end()) &&
         a.extents.size() == b.extents.size() && a.strides.size() == b.strides.size();
}

Result<void> BoundKernel::set(unsigned place, const View &view) {
  if (!state)
    return movedFrom();
  if (Result<void> good = checkPlace(state->arguments, place, true); !good)
    return good;
  View &now = state->arguments[place].view;
  bool isMove = sameShape(now, view);
  now = view;
  if (isMove && std::find(state->moved.begin(), state->moved.end(), place) == state->moved.end())
    state->moved.push_back(place);
  state->change = isMove ? std::max(state->change, State::Change::Values) : State::Change::Shapes;
  return {};
}

Result<void> BoundKernel::setScalar(unsigned place, const Scalar &value) {
  if (!state)
    return movedFrom();
  if (Result<void> good = checkPlace(state->arguments, place, false); !good)
    return good;
  state->arguments[place].scalar = value;
  state->change = std::max(state->change, State::Change::Values);
  return {};
}

/// What moved is checked by itself and against the outputs; then all values are packed. Shapes and types are as before.
Result<void> BoundKernel::State::repack(const Stream *stream) {
  const SignaturePlan &plan = *kernel->plan;
  const DeviceContext &device = *kernel->module->runtime->device;
  for (unsigned place : moved) {
    const View &view = arguments[place].view;
    BoundView &bound = binding.views[parameters[place]];
    const unsigned alignment = bound.alignment;
    const bool hadMap = bound.hasMap;
    if (view.owner && view.owner != &device)
      return bind(stream); // which says what is wrong
    if (Result<void> checked = checkView(plan, parameters[place], view, Completeness::All, bound); !checked)
      return checked;
    if (bound.alignment != alignment || bound.hasMap != hadMap)
      return bind(stream); // another specialisation
  }
  if (!moved.empty())
    if (Result<void> apart = checkOverlaps(plan, binding); !apart)
      return apart;
  Result<LaunchPlan::Grid> grid = prepared.ready->plan.grid(binding, device.info());
  if (!grid)
    return grid.takeError();
  if (prepared.ready->plan.needsFolding(*grid, device.info()))
    return bind(stream);
  prepared.grid = *grid;
  if (Result<void> packed = prepared.ready->plan.pack(binding, prepared.grid, device.driver(), prepared.packed);
      !packed)
    return packed;
  moved.clear();
  change = Change::None;
  return {};
}

Result<void> BoundKernel::State::makeReady(const Stream *stream) {
  if (change == Change::None)
    return {};
  Result<void> ready = change == Change::Values ? repack(stream) : bind(stream);
  if (!ready)
    change = Change::Shapes; // whatever was half changed is bound anew
  return ready;
}

Result<void> Graph::set(size_t place, BoundKernel &kernel) {
  if (!kernel.state)
    return movedFrom();
  BoundKernel::State &bound = *kernel.state;
  if (Result<void> good = checkGraphPlace(state.get(), place, *bound.kernel->module->runtime->device); !good)
    return good;
  if (Result<void> ready = bound.makeReady(nullptr); !ready)
    return ready;
  return placePrepared(*bound.kernel, *state, place, bound.prepared);
}

Result<void> BoundKernel::launch(const Stream &stream) {
  if (!state)
    return movedFrom();
  const DeviceContext &device = *state->kernel->module->runtime->device;
  if (Result<void> same = checkSameDevice(device, stream.internal().device, "the stream"); !same)
    return same;
  if (state->change != State::Change::None)
    if (Result<void> ready = state->makeReady(&stream); !ready)
      return ready;
  return launchPrepared(*state->kernel, stream, state->prepared);
}
