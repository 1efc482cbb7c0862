//===- Kernel.cpp - A kernel that can be launched -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Settings, and the three things one asks of a kernel. A launch of a known specialisation binds its
// arguments, finds the specialisation by a few bytes, packs and calls the driver.
//
//===----------------------------------------------------------------------===//

#include "runtime/Kernel.h"
#include "runtime/RuntimeState.h"
#include "llvm/ADT/SmallString.h"
#include <algorithm>

using namespace imbrex;

static Error settingError(const KernelState &kernel, std::string message) {
  return Error{ErrorKind::Argument, "kernel '" + kernel.plan->signature.name + "': " + std::move(message)};
}

Kernel &Kernel::change(const std::function<void(KernelState &)> &edit) {
  auto changed = std::make_shared<KernelState>(*state);
  changed->ready = std::make_shared<FastTable>();
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
    kernel.mistake =
        settingError(kernel, "set(\"" + name + "\", \"" + setting.text() + "\"): " + name + " must be an integer");
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

Kernel &Kernel::hook(std::string_view name, std::string_view function) & {
  return change([&](KernelState &kernel) {
    const std::vector<std::string> &hooks = kernel.plan->signature.hooks;
    if (std::find(hooks.begin(), hooks.end(), name) == hooks.end())
      kernel.mistake = settingError(kernel, "hook(\"" + std::string(name) +
                                                "\", ...): there is no such hook; there are " + joinNames(hooks));
    else
      kernel.options.hooks[std::string(name)] = std::string(function);
  });
}

Kernel &Kernel::deterministic(bool isAsked) & {
  return change([&](KernelState &kernel) { kernel.options.deterministic = isAsked; });
}

const KernelSignature &Kernel::signature() const { return state->plan->signature; }

/// What tells specialisations of one KernelState apart: of every view its alignment (0: absent), of every type
/// parameter its type, of every integer parameter its value; and whether the grid is folded.
static llvm::SmallString<128> fastKey(const SignaturePlan &plan, const Binding &binding, bool foldGrid) {
  llvm::SmallString<128> key;
  key.push_back(char(foldGrid));
  for (unsigned i = 0; i < plan.parameterCount(); ++i)
    if (plan.signature.parameters[i].isView)
      key.push_back(char(binding.arguments[i] ? binding.views[i].alignment : 0));
  for (const std::optional<DataType> &type : binding.types)
    key.push_back(char(*type));
  for (unsigned slot : plan.integerSlots) {
    int64_t value = *binding.slots[slot];
    key.append(llvm::StringRef(reinterpret_cast<const char *>(&value), sizeof value));
  }
  return key;
}

static Result<Ready> specialise(const KernelState &kernel, const Binding &binding, bool foldGrid) {
  const RuntimeState &runtime = *kernel.module->runtime;
  CompileOptions options = completeOptions(kernel, binding);
  options.foldGrid = foldGrid;
  CacheKey key = makeCacheKey(kernel.module->source, options, {runtime.compiler.buildId, runtime.assembler.identity()});
  CacheKey named = key; // in this process, a kernel keeps the name of its own source
  named.add("source name", kernel.module->source.name);
  return kernel.module->runtime->specialisations.get(
      named.bytes(), [&] { return makeReady(*kernel.module, *kernel.plan, options, key); });
}

static Result<Ready> findReady(const KernelState &kernel, const Binding &binding, bool foldGrid) {
  llvm::SmallString<128> key = fastKey(*kernel.plan, binding, foldGrid);
  {
    std::shared_lock lock(kernel.ready->mutex);
    if (auto found = kernel.ready->entries.find(key); found != kernel.ready->entries.end())
      return found->second;
  }
  Result<Ready> ready = specialise(kernel, binding, foldGrid);
  if (ready) {
    std::unique_lock lock(kernel.ready->mutex);
    kernel.ready->entries[key] = *ready;
  }
  return ready;
}

namespace {

/// A specialisation and all that its launch needs.
struct Prepared {
  Ready ready;
  LaunchPlan::Grid grid;
  PackedArguments packed;
};

} // namespace

/// Everything before the launch itself: fills in `prepared`, which stays where it is.
static Result<void> prepareLaunch(const KernelState &kernel, Arguments arguments, Prepared &prepared) {
  if (kernel.mistake)
    return *kernel.mistake;
  const DeviceContext *owner = kernel.module->runtime->device.get();
  for (const Argument &argument : arguments)
    if (argument.isView && argument.view.owner && argument.view.owner != owner)
      return Error{ErrorKind::Argument, "argument '" + std::string(argument.name) +
                                            "' is in a buffer of another runtime: allocate it with the kernel's"};
  Binding binding;
  if (Result<void> bound = bindArguments(*kernel.plan, kernel.fixed, arguments, Completeness::All, binding); !bound)
    return bound;
  for (bool foldGrid : {false, true}) {
    Result<Ready> ready = findReady(kernel, binding, foldGrid);
    if (!ready)
      return ready.takeError();
    Result<LaunchPlan::Grid> grid = (*ready)->plan.grid(binding, owner->info());
    if (!grid)
      return grid.takeError();
    prepared.ready = *ready;
    prepared.grid = *grid;
    if (!prepared.ready->plan.needsFolding(prepared.grid, owner->info()))
      break;
  }
  return prepared.ready->plan.pack(binding, prepared.grid, prepared.packed);
}

Result<void> Kernel::launch(const Stream &stream, Arguments arguments) const {
  const DeviceContext &device = *state->module->runtime->device;
  if (Result<void> same = checkSameDevice(device, *stream.internal().device, "the stream"); !same)
    return same;
  Prepared prepared;
  if (Result<void> done = prepareLaunch(*state, arguments, prepared); !done)
    return done;
  if (prepared.grid[0] == 0)
    return {};
  device.suspects().launched(stream.internal().handle, state->plan->signature.name);
  const ReadyKernel &kernel = *prepared.ready;
  Result<void> launched = kernel.loaded->launch(stream.internal().handle, kernel.plan.launched(prepared.grid),
                                                prepared.packed.pointers.data());
  if (launched)
    return launched;
  Error error = launched.takeError();
  if (error.message.empty()) // else it tells of a kernel launched before
    error.message = "kernel '" + state->plan->signature.name + "' failed";
  return error;
}

Result<KernelInfo> Kernel::prepare(Arguments arguments) const {
  Prepared prepared;
  if (Result<void> done = prepareLaunch(*state, arguments, prepared); !done)
    return done.takeError();
  return prepared.ready->info;
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
  if (state->mistake)
    return *state->mistake;
  const SignaturePlan &plan = *state->plan;
  Binding binding;
  if (Result<void> bound = bindArguments(plan, state->fixed, arguments, Completeness::Some, binding); !bound)
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
