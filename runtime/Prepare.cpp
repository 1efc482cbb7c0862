//===- Prepare.cpp - From arguments to a launch ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A launch of a known specialisation binds its arguments, finds the specialisation by a few bytes, and packs.
//
//===----------------------------------------------------------------------===//

#include "runtime/Prepare.h"
#include "runtime/TuneStore.h"

using namespace imbrex;

/// What tells specialisations of one KernelState apart: of every view its alignment (0: absent), of every type
/// parameter its type, of every integer parameter its value, of every condition on extents whether it holds; whether
/// the grid is folded, and which tuning is taken.
static llvm::SmallString<128> fastKey(const SignaturePlan &plan, const Binding &binding, bool foldGrid,
                                      unsigned tuning) {
  llvm::SmallString<128> key;
  key.push_back(char(foldGrid));
  key.append(llvm::StringRef(reinterpret_cast<const char *>(&tuning), sizeof tuning));
  for (unsigned i = 0; i < plan.parameterCount(); ++i)
    if (plan.signature.parameters[i].isView)
      key.push_back(char(binding.arguments[i] ? binding.views[i].alignment : 0));
  for (const std::optional<DataType> &type : binding.types)
    key.push_back(char(*type));
  for (unsigned slot : plan.integerSlots) {
    int64_t value = *binding.slots[slot];
    key.append(llvm::StringRef(reinterpret_cast<const char *>(&value), sizeof value));
  }
  for (const ExpressionProgram &condition : plan.extentConditions)
    key.push_back(char(holds(condition, binding)));
  return key;
}

static Result<Ready> specialise(const KernelState &kernel, const Binding &binding, bool foldGrid,
                                const Tuning &tuning) {
  const RuntimeState &runtime = *kernel.module->runtime;
  CompileOptions options = completeOptions(kernel, binding);
  options.foldGrid = foldGrid;
  for (const auto &[name, value] : tuning) // what the caller set stays
    options.set.try_emplace(name, value);
  CacheKey key = makeCacheKey(kernel.module->source, options, {runtime.compiler.buildId, runtime.assembler.identity()});
  CacheKey named = key; // in this process, a kernel keeps the name of its own source
  named.add("source name", kernel.module->source.name);
  return kernel.module->runtime->specialisations.get(
      named.bytes(), [&] { return makeReady(*kernel.module, *kernel.plan, options, key); });
}

TunedTable &imbrex::tunedTable(const KernelState &kernel) {
  FastTable &fast = *kernel.ready;
  std::call_once(fast.tunedOnce, [&] {
    const RuntimeState &runtime = *kernel.module->runtime;
    CacheKey identity = tuneIdentity(kernel);
    bool isNew = false;
    fast.tuned = kernel.module->runtime->tuned.find(identity.bytes(), isNew);
    if (!isNew || !runtime.disk)
      return;
    if (Result<TuneStore> store = TuneStore::open(runtime.disk->directory(), identity))
      for (auto &[key, tuning] : bestOf(store->all()))
        fast.tuned->adopt(key, std::move(tuning));
  });
  return *fast.tuned;
}

static Result<Ready> findReady(const KernelState &kernel, const Binding &binding, bool foldGrid) {
  unsigned number = 0;
  if (!kernel.isCandidate)
    if (const TunedTable &tuned = tunedTable(kernel); !tuned.isEmpty())
      number = tuned.find(keyBytes(*kernel.plan, binding));
  llvm::SmallString<128> key = fastKey(*kernel.plan, binding, foldGrid, number);
  {
    std::shared_lock lock(kernel.ready->mutex);
    if (auto found = kernel.ready->entries.find(key); found != kernel.ready->entries.end())
      return found->second;
  }
  Result<Ready> ready = specialise(kernel, binding, foldGrid, number ? tunedTable(kernel).tuning(number) : Tuning());
  if (!ready && number) // tuned with other alignments or outputs: what cannot be made so is made untuned
    ready = specialise(kernel, binding, foldGrid, {});
  if (ready) {
    std::unique_lock lock(kernel.ready->mutex);
    if (kernel.ready->entries.size() >= FastTable::kMost)
      kernel.ready->entries.clear(); // found again by their full keys
    kernel.ready->entries[key] = *ready;
  }
  return ready;
}

Result<void> imbrex::bindKernel(const KernelState &kernel, Arguments arguments, Binding &binding) {
  if (kernel.mistake)
    return *kernel.mistake;
  const DeviceContext *owner = kernel.module->runtime->device.get();
  for (const Argument &argument : arguments)
    if (argument.isView && argument.view.owner && argument.view.owner != owner)
      return Error{ErrorKind::Argument, "argument '" + std::string(argument.name) +
                                            "' is in a buffer of another runtime: allocate it with the kernel's"};
  return bindArguments(*kernel.plan, kernel.fixed, arguments, Completeness::All, binding);
}

Result<void> imbrex::prepareLaunch(const KernelState &kernel, Arguments arguments, Prepared &prepared) {
  Binding binding;
  if (Result<void> bound = bindKernel(kernel, arguments, binding); !bound)
    return bound;
  return prepareBound(kernel, binding, prepared);
}

Result<void> imbrex::prepareBound(const KernelState &kernel, const Binding &binding, Prepared &prepared) {
  const DeviceInfo &device = kernel.module->runtime->device->info();
  for (bool foldGrid : {false, true}) {
    Result<Ready> ready = findReady(kernel, binding, foldGrid);
    if (!ready)
      return ready.takeError();
    Result<LaunchPlan::Grid> grid = (*ready)->plan.grid(binding, device);
    if (!grid)
      return grid.takeError();
    prepared.ready = *ready;
    prepared.grid = *grid;
    if (!prepared.ready->plan.needsFolding(prepared.grid, device))
      break;
  }
  return prepared.ready->plan.pack(binding, prepared.grid, prepared.packed);
}

Result<void> imbrex::launchPrepared(const KernelState &kernel, const Stream &stream, Prepared &prepared) {
  if (prepared.grid[0] == 0)
    return {};
  const ReadyKernel &ready = *prepared.ready;
  kernel.module->runtime->device->suspects().launched(stream.internal().handle, kernel.plan->signature.name);
  Result<void> launched = ready.loaded->launch(stream.internal().handle, ready.plan.launched(prepared.grid),
                                               prepared.packed.pointers.data());
  if (launched)
    return launched;
  Error error = launched.takeError();
  if (error.message.empty()) // else it tells of a kernel launched before
    error.message = "kernel '" + kernel.plan->signature.name + "' failed";
  return error;
}
