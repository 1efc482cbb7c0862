//===- Kernel.cpp - A kernel that can be launched -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Settings, and what one asks of a kernel. Prepare.cpp has the way from arguments to a launch, Tune.cpp tuning.
//
//===----------------------------------------------------------------------===//

#include "runtime/Kernel.h"
#include "compiler/Target.h"
#include "runtime/BoundCall.h"
#include "runtime/DependentLaunch.h"
#include "runtime/Prepare.h"
#include "runtime/StoredArguments.h"
#include <algorithm>

using namespace imbrex;

static Error settingError(const KernelState &kernel, std::string message) {
  return Error{ErrorKind::Argument, "kernel '" + kernel.plan->signature.name + "': " + std::move(message)};
}

Kernel &Kernel::change(const std::function<void(KernelState &)> &edit) {
  auto changed = std::make_shared<KernelState>(*state);
  changed->forget();
  if (!changed->mistake)
    edit(*changed);
  state = std::move(changed);
  return *this;
}

static void setType(KernelState &kernel, unsigned index, const Setting &setting) {
  const KernelSignature::TypeParameter &parameter = kernel.plan->signature.typeParameters[index];
  std::optional<DataType> type = setting.type();
  const std::vector<DataType> &allowed = parameter.allowed;
  if (!type || (!allowed.empty() && std::find(allowed.begin(), allowed.end(), *type) == allowed.end())) {
    std::vector<std::string> names;
    names.reserve(allowed.size());
    for (DataType candidate : allowed)
      names.emplace_back(name(candidate));
    kernel.mistake = settingError(kernel, "set(\"" + parameter.name + "\", \"" + setting.text() +
                                              "\"): " + parameter.name + " must be one of " + joinNames(names));
    return;
  }
  std::erase_if(kernel.fixed.types, [&](const auto &fixed) { return fixed.first == index; });
  kernel.fixed.types.emplace_back(index, *type);
  kernel.options.set[parameter.name] = *type;
}

static void setInteger(KernelState &kernel, const std::string &name, const Setting &setting) {
  std::optional<int64_t> value = setting.integer();
  if (!value) {
    kernel.mistake = settingError(kernel, "set(\"" + name + "\", \"" + setting.text() + "\"): " + name +
                                              " must be an integer of 64 bits");
    return;
  }
  if (std::optional<unsigned> slot = kernel.plan->slotNamed(name)) {
    std::erase_if(kernel.fixed.slots, [&](const auto &fixed) { return fixed.first == *slot; });
    kernel.fixed.slots.emplace_back(*slot, *value);
  }
  kernel.options.set[name] = *value;
}

static void setParameter(KernelState &kernel, std::string_view name, const Setting &setting) {
  const KernelSignature &signature = kernel.plan->signature;
  std::vector<std::string> known;
  for (unsigned i = 0; i < signature.typeParameters.size(); ++i) {
    if (signature.typeParameters[i].name == name)
      return setType(kernel, i, setting);
    known.push_back(signature.typeParameters[i].name);
  }
  known.insert(known.end(), signature.integerParameters.begin(), signature.integerParameters.end());
  for (const KernelSignature::Tunable &tunable : signature.tunables)
    known.push_back(tunable.name);
  known.insert(known.end(), {"warps", "stages"}); // understood by every kernel
  if (std::find(known.begin(), known.end(), name) != known.end())
    return setInteger(kernel, std::string(name), setting);
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  kernel.mistake = settingError(kernel, "set(\"" + std::string(name) +
                                            "\", ...): there is no such parameter; there are " + joinNames(known));
}

Kernel &Kernel::set(std::string_view name, const Setting &setting) & {
  return change([&](KernelState &kernel) { setParameter(kernel, name, setting); });
}

/// The plan of a kernel with parameters that its hooks and its storage add, and what set() fixed in that plan's
/// numbers.
static Result<void> describeAgain(KernelState &kernel) {
  CompileOptions options;
  options.kernel = kernel.plan->signature.name;
  options.hooks = kernel.options.hooks;
  options.storage = kernel.options.storage;
  if (Result<void> enough = checkHostMemory(kernel.module->source.name + " was not read again"); !enough)
    return enough;
  Description description = kernel.module->runtime->compiler.describe(kernel.module->source, options);
  if (std::optional<Error> error = compileError(kernel.module->source.name, options, description.diagnostics))
    return *error;
  Result<std::shared_ptr<const SignaturePlan>> plan = SignaturePlan::make(std::move(description.kernels.front()));
  if (!plan)
    return plan.takeError();
  kernel.plan = std::move(*plan);
  kernel.fixed = {};
  for (const auto &[name, setting] : CompileOptions::Settings(kernel.options.set))
    setParameter(kernel, name, setting);
  return {};
}

Kernel &Kernel::hook(std::string_view name, std::string_view function) & {
  return change([&](KernelState &kernel) {
    const std::vector<std::string> &hooks = kernel.plan->signature.hooks;
    if (std::find(hooks.begin(), hooks.end(), name) == hooks.end()) {
      kernel.mistake = settingError(kernel, "hook(\"" + std::string(name) +
                                                "\", ...): there is no such hook; there are " + joinNames(hooks));
      return;
    }
    kernel.options.hooks[std::string(name)] = std::string(function);
    if (Result<void> described = describeAgain(kernel); !described)
      kernel.mistake = described.takeError();
  });
}

Kernel &Kernel::deterministic(bool isAsked) & {
  return change([&](KernelState &kernel) { kernel.options.deterministic = isAsked; });
}

Kernel &Kernel::programmatic(bool isAsked) & {
  return change([&](KernelState &kernel) {
    kernel.programmatic = isAsked;
    std::optional<Target> target = Target::parse(kernel.options.target);
    if (isAsked && target && target->sm < kDependentLaunchSm)
      kernel.mistake = settingError(kernel, "programmatic(): it needs sm_" + std::to_string(kDependentLaunchSm) +
                                                " or later, and kernels are compiled for " + kernel.options.target);
  });
}

Kernel &Kernel::storage(std::string_view view, const Storage &storage) & {
  return change([&](KernelState &kernel) {
    kernel.options.storage[std::string(view)] = storage;
    if (Result<void> described = describeAgain(kernel); !described)
      kernel.mistake = described.takeError();
  });
}

/// The kernel of other storages, described once.
static Result<const KernelState *> ofStorages(const KernelState &kernel, const CompileOptions::Storages &storages) {
  std::string key;
  for (const auto &[name, storage] : storages)
    key += name + "=" + storage.text() + ";";
  {
    std::shared_lock lock(kernel.ofStorage->mutex);
    if (auto found = kernel.ofStorage->kernels.find(key); found != kernel.ofStorage->kernels.end())
      return found->second.get();
  }
  auto made = std::make_shared<KernelState>(kernel);
  made->forget();
  for (const auto &[name, storage] : storages)
    made->options.storage[name] = storage;
  if (Result<void> described = describeAgain(*made); !described)
    return described.takeError();
  std::unique_lock lock(kernel.ofStorage->mutex);
  return kernel.ofStorage->kernels.try_emplace(std::move(key), std::move(made)).first->second.get();
}

Result<Call> imbrex::resolveSequences(const KernelState &kernel, Arguments arguments) {
  Call call{&kernel, arguments, {}};
  if (kernel.mistake)
    return *kernel.mistake;
  if (!hasSequences(arguments))
    return call;
  Result<CompileOptions::Storages> storages = storagesOf(*kernel.plan, arguments);
  if (!storages)
    return storages.takeError();
  Result<const KernelState *> stored = ofStorages(kernel, *storages);
  if (!stored)
    return stored.takeError();
  call.kernel = *stored;
  Result<llvm::SmallVector<Argument, 16>> flat = flatten(*call.kernel->plan, arguments);
  if (!flat)
    return flat.takeError();
  call.flat = std::move(*flat);
  return call;
}

const KernelSignature &Kernel::signature() const { return state->plan->signature; }

Result<void> Kernel::launch(const Stream &stream, Arguments arguments) const {
  const DeviceContext &device = *state->module->runtime->device;
  if (Result<void> same = checkSameDevice(device, stream.internal().device, "the stream"); !same)
    return same;
  Result<Call> call = resolveSequences(*state, arguments);
  if (!call)
    return call.takeError();
  if (LastCalls::Lease last = call->kernel->memo->last.mine()) [[likely]]
    return last->launch(*call->kernel, stream, call->arguments());
  Prepared prepared;
  if (Result<void> done = prepareLaunch(*call->kernel, call->arguments(), prepared, &stream); !done)
    return done;
  return launchPrepared(*call->kernel, stream, prepared);
}

Result<void> Graph::set(size_t place, const Kernel &kernel, Arguments arguments) {
  if (Result<void> good = checkGraphPlace(state.get(), place, *kernel.state->module->runtime->device); !good)
    return good;
  Result<Call> call = resolveSequences(*kernel.state, arguments);
  if (!call)
    return call.takeError();
  Prepared prepared;
  if (Result<void> done = prepareLaunch(*call->kernel, call->arguments(), prepared); !done)
    return done;
  return placePrepared(*call->kernel, *state, place, prepared);
}

Result<KernelInfo> Kernel::prepare(Arguments arguments) const {
  Result<Call> call = resolveSequences(*state, arguments);
  if (!call)
    return call.takeError();
  Prepared prepared;
  if (Result<void> done = prepareLaunch(*call->kernel, call->arguments(), prepared); !done)
    return done.takeError();
  return prepared.ready->info;
}

Result<Readiness> Kernel::readiness(Arguments arguments) const {
  Result<Call> call = resolveSequences(*state, arguments);
  if (!call)
    return call.takeError();
  Binding binding;
  if (Result<void> bound = bindKernel(*call->kernel, call->arguments(), binding); !bound)
    return bound.takeError();
  return readinessOf(*call->kernel, binding);
}

/// Type and extents of one view parameter, if they are determined.
static std::optional<InferredShapes::Shape> shapeOf(const SignaturePlan &plan, const Binding &binding,
                                                    unsigned parameter) {
  std::optional<DataType> type = boundType(plan, binding, parameter);
  if (!type || !plan.signature.parameters[parameter].isView)
    return std::nullopt;
  InferredShapes::Shape shape{*type, {}};
  for (const ExpressionProgram &extent : plan.extents[parameter]) {
    std::optional<int64_t> value = extent.evaluate(binding.slots);
    if (!value)
      return std::nullopt;
    shape.extents.push_back(*value);
  }
  return shape;
}

Result<InferredShapes> Kernel::infer(Arguments arguments) const {
  Result<Call> call = resolveSequences(*state, arguments);
  if (!call)
    return call.takeError();
  arguments = call->arguments();
  const SignaturePlan &plan = *call->kernel->plan;
  Binding binding;
  if (Result<void> bound = bindArguments(plan, call->kernel->fixed, arguments, Completeness::Some, binding); !bound)
    return bound.takeError();
  InferredShapes shapes;
  for (unsigned slot = 0; slot < plan.names.size(); ++slot)
    if (binding.slots[slot])
      shapes.extents[plan.names[slot]] = *binding.slots[slot];
  for (unsigned i = 0; i < binding.types.size(); ++i)
    if (binding.types[i])
      shapes.types[plan.signature.typeParameters[i].name] = *binding.types[i];
  for (unsigned i = 0; i < plan.parameterCount(); ++i)
    if (std::optional<InferredShapes::Shape> shape = shapeOf(plan, binding, i))
      shapes.views[plan.signature.parameters[i].name] = std::move(*shape);
  return shapes;
}
