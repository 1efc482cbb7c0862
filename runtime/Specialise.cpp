//===- Specialise.cpp - One specialisation, from cache or compiler --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The road of a specialisation: disk cache, else compiler and assembler and a new cache entry; then the
// device. A cached entry that cannot be used is removed and compiled anew, once.
//
//===----------------------------------------------------------------------===//

#include "compiler/PtxNames.h"
#include "runtime/RuntimeState.h"
#include <algorithm>

using namespace imbrex;

namespace {

/// A kernel in the form it is cached and loaded in.
struct Built {
  KernelInterface interface;
  CacheEntry entry;
};

} // namespace

Result<Ready> Specialisations::get(const std::string &key, const std::function<Result<Ready>()> &make) {
  std::shared_ptr<Slot> slot;
  bool isOurs = false;
  {
    std::lock_guard lock(mutex);
    std::shared_ptr<Slot> &found = slots[key];
    isOurs = !found;
    if (isOurs)
      found = std::make_shared<Slot>();
    found->used = ++clock;
    slot = found;
    if (isOurs && slots.size() > kMost)
      letGo();
  }
  if (isOurs) {
    Result<Ready> result = make();
    if (!result) {
      std::lock_guard lock(mutex);
      slots.erase(key);
    }
    std::lock_guard lock(slot->mutex);
    slot->result = std::move(result);
    slot->done.notify_all();
    return *slot->result;
  }
  std::unique_lock lock(slot->mutex);
  slot->done.wait(lock, [&] { return slot->result.has_value(); });
  return *slot->result;
}

/// Those of a quarter of the bound that were asked for longest ago, but for what is being made. Under the mutex.
void Specialisations::letGo() {
  std::vector<std::pair<uint64_t, std::string>> list;
  for (const auto &[key, slot] : slots)
    list.emplace_back(slot->used, key);
  std::sort(list.begin(), list.end());
  list.resize(kMost / 4);
  for (const auto &[used, key] : list) {
    std::shared_ptr<Slot> slot = slots[key];
    std::lock_guard lock(slot->mutex);
    if (slot->result)
      slots.erase(key);
  }
}

CompileOptions imbrex::completeOptions(const KernelState &kernel, const Binding &binding) {
  const SignaturePlan &plan = *kernel.plan;
  CompileOptions options = kernel.options;
  for (unsigned i = 0; i < binding.types.size(); ++i)
    if (binding.types[i])
      options.set[plan.signature.typeParameters[i].name] = *binding.types[i];
  for (unsigned slot : plan.integerSlots)
    if (binding.slots[slot])
      options.set[plan.names[slot]] = *binding.slots[slot];
  for (unsigned i = 0; i < plan.extentConditions.size(); ++i)
    if (holds(plan.extentConditions[i], binding))
      options.holds.insert(plan.signature.extentConditions[i].infix());
  for (unsigned i = 0; i < plan.parameterCount(); ++i) {
    const Parameter &parameter = plan.signature.parameters[i];
    if (!parameter.isView)
      continue;
    if (!binding.arguments[i])
      continue;
    if (parameter.optional)
      options.given.insert(parameter.name);
    if (binding.views[i].alignment < 16)
      options.alignment[parameter.name] = binding.views[i].alignment;
  }
  return options;
}

/// The entry of this key. Its PTX names this module's source, whatever the name was when it was compiled; machine
/// code keeps the old one in its line table.
static std::optional<Built> findOnDisk(const ModuleState &module, const CacheKey &key) {
  const RuntimeState &runtime = *module.runtime;
  std::optional<CacheEntry> entry = runtime.disk ? runtime.disk->find(key) : std::nullopt;
  std::optional<KernelInterface> interface = entry ? KernelInterface::fromJson(entry->interface) : std::nullopt;
  if (!interface) {
    if (entry)
      runtime.disk->evict(key);
    return std::nullopt;
  }
  entry->ptx = renameSource(std::move(entry->ptx), entry->sourceName, module.source.name);
  return Built{std::move(*interface), std::move(*entry)};
}

std::optional<Error> imbrex::compileError(const std::string &source, const CompileOptions &options,
                                          std::vector<Diagnostic> diagnostics) {
  Error error{ErrorKind::Compile, "kernel '" + options.kernel + "' of " + source + " does not compile"};
  auto isTextsFault = [](const Diagnostic &each) { return each.severity == Severity::Error && !each.ofCaller; };
  auto isError = [](const Diagnostic &each) { return each.severity == Severity::Error; };
  auto first = std::find_if(diagnostics.begin(), diagnostics.end(), isError);
  if (first == diagnostics.end())
    return std::nullopt;
  if (std::none_of(first, diagnostics.end(), isTextsFault)) {
    error.kind = ErrorKind::Argument;
    error.message = "kernel '" + options.kernel + "' does not take these arguments: " + first->message;
  }
  error.diagnostics = std::move(diagnostics);
  return error;
}

static Result<Built> build(const ModuleState &module, const CompileOptions &options, const CacheKey &key) {
  RuntimeState &runtime = *module.runtime;
  CompileResult compiled = runtime.compiler.compile(module.source, options);
  if (!compiled.kernel)
    return *compileError(module.source.name, options, std::move(compiled.diagnostics));
  Result<AssembledKernel> assembled = runtime.assembler.assemble(compiled.kernel->code, options.target);
  if (!assembled) {
    Error error = assembled.takeError();
    error.message = "kernel '" + options.kernel + "': " + error.message;
    return error;
  }
  Built built;
  built.interface = std::move(compiled.kernel->interface);
  built.entry = {module.source.name, built.interface.toJson(), std::move(compiled.kernel->code),
                 std::move(assembled->machineCode), std::move(assembled->log)};
  if (runtime.disk)
    if (Result<void> stored = runtime.disk->store(key, built.entry); !stored)
      runtime.device->log().add(stored.error().render());
  return built;
}

static Result<Ready> load(const RuntimeState &runtime, const SignaturePlan &signature, Built built, bool fromDisk) {
  Result<LaunchPlan> plan = LaunchPlan::make(signature, built.interface);
  if (!plan)
    return plan.takeError();
  const CacheEntry &entry = built.entry;
  Result<std::shared_ptr<const LoadedKernel>> loaded =
      LoadedKernel::load(runtime.device, entry.machineCode.empty() ? entry.ptx : entry.machineCode, built.interface);
  if (!loaded)
    return loaded.takeError();
  AssembledKernel account;
  parseAssemblerLog(entry.log, account);
  KernelInfo info;
  info.interface = std::move(built.interface);
  info.ptx = std::move(built.entry.ptx);
  info.machineCodeBytes = entry.machineCode.size();
  info.assemblerLog = std::move(built.entry.log);
  info.repairs = std::move(account.repairs);
  info.registers = (*loaded)->registers;
  info.localBytes = (*loaded)->localBytes;
  info.staticSharedBytes = (*loaded)->staticSharedBytes;
  info.fromDisk = fromDisk;
  return Ready(std::make_shared<ReadyKernel>(ReadyKernel{std::move(info), std::move(*plan), std::move(*loaded)}));
}

Result<Ready> imbrex::makeReady(const ModuleState &module, const SignaturePlan &plan, const CompileOptions &options,
                                const CacheKey &key) {
  const RuntimeState &runtime = *module.runtime;
  if (std::optional<Built> cached = findOnDisk(module, key)) {
    if (Result<Ready> ready = load(runtime, plan, std::move(*cached), /*fromDisk=*/true))
      return ready;
    runtime.disk->evict(key);
  }
  Result<Built> built = build(module, options, key);
  if (!built)
    return built.takeError();
  return load(runtime, plan, std::move(*built), /*fromDisk=*/false);
}
