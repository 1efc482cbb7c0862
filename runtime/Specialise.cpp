//===- Specialise.cpp - One specialisation, from cache or compiler --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The road of a specialisation: packs and disk cache, else compiler and assembler and a new cache entry; then the
// device. A cached entry that cannot be used is removed and compiled anew, once.
//
//===----------------------------------------------------------------------===//

#include "compiler/HostMemory.h"
#include "compiler/PtxNames.h"
#include "compiler/Target.h"
#include "runtime/DependentLaunch.h"
#include "runtime/NearTunings.h"
#include "runtime/RegisterCeiling.h"
#include "runtime/RuntimeState.h"
#include <algorithm>

using namespace imbrex;

namespace {

/// A kernel in the form it is cached and loaded in.
struct Built {
  KernelInterface interface;
  CacheEntry entry;
  AssemblyFaults faults = {}; ///< of the machine code, where this runtime has assembled it
};

/// A kernel that is loaded, and what is to be stored of it.
struct Made {
  CacheEntry entry;
  Ready ready;
  AssemblyFaults faults;
};

} // namespace

/// The alignment of a view without a tensor map, for targets that would copy it by one: less than that takes.
static constexpr unsigned kUnmapped = 8;

CompileOptions imbrex::completeOptions(const KernelState &kernel, const Binding &binding) {
  const SignaturePlan &plan = *kernel.plan;
  CompileOptions options = kernel.options;
  std::optional<Target> target = Target::parse(options.target);
  const bool takesMaps = target && target->hasWgmma;
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
    unsigned alignment = binding.views[i].alignment;
    if (takesMaps && !binding.views[i].hasMap)
      alignment = std::min(alignment, kUnmapped);
    if (alignment < 16)
      options.alignment[parameter.name] = alignment;
  }
  return options;
}

/// The entry of this key, of the first pack that has it, else of the disk cache; `isOnDisk` tells which.
static std::optional<CacheEntry> findEntry(const RuntimeState &runtime, const CacheKey &key, bool &isOnDisk) {
  isOnDisk = false;
  for (const KernelPack &pack : runtime.packs)
    if (std::optional<CacheEntry> entry = pack.find(key))
      return entry;
  isOnDisk = runtime.disk.has_value();
  return runtime.disk ? runtime.disk->find(key) : std::nullopt;
}

bool imbrex::isStored(const ModuleState &module, const CacheKey &key) {
  bool isOnDisk = false;
  return findEntry(*module.runtime, key, isOnDisk).has_value();
}

/// The stored form of a kernel. Its PTX names this module's source, whatever the name was when it was compiled; machine
/// code keeps the old one in its line table.
static std::optional<Built> findStored(const ModuleState &module, const CacheKey &key, bool &isOnDisk) {
  const RuntimeState &runtime = *module.runtime;
  std::optional<CacheEntry> entry = findEntry(runtime, key, isOnDisk);
  std::optional<KernelInterface> interface = entry ? KernelInterface::fromJson(entry->interface) : std::nullopt;
  if (!interface) {
    if (entry && isOnDisk)
      runtime.disk->evict(key);
    return std::nullopt;
  }
  entry->ptx = renameSource(std::move(entry->ptx), entry->sourceName, module.source.name);
  return Built{std::move(*interface), std::move(*entry)};
}

Result<void> imbrex::checkHostMemory(const std::string &otherwise) {
  if (hostHas(kStepBytes))
    return {};
  return Error{ErrorKind::OutOfMemory, otherwise + ": " + hostIsShort(kStepBytes)};
}

static std::vector<Diagnostic>::const_iterator firstError(const std::vector<Diagnostic> &diagnostics) {
  return std::find_if(diagnostics.begin(), diagnostics.end(),
                      [](const Diagnostic &each) { return each.severity == Severity::Error; });
}

std::optional<Error> imbrex::compileError(const std::string &source, const CompileOptions &options,
                                          std::vector<Diagnostic> diagnostics) {
  Error error{ErrorKind::Compile, "kernel '" + options.kernel + "' of " + source + " does not compile"};
  auto isTextsFault = [](const Diagnostic &each) { return each.severity == Severity::Error && !each.ofCaller; };
  auto first = firstError(diagnostics);
  if (first == diagnostics.cend())
    return std::nullopt;
  if (std::none_of(first, diagnostics.cend(), isTextsFault)) {
    error.kind = ErrorKind::Argument;
    error.message = "kernel '" + options.kernel + "' does not take these arguments: " + first->message;
  }
  error.diagnostics = std::move(diagnostics);
  return error;
}

/// Compiles, and for a programmatic launch adds what its code needs.
static Result<CompiledKernel> compileFor(const KernelState &kernel, const CompileOptions &options) {
  const ModuleState &module = *kernel.module;
  CompileResult compiled = module.runtime->compiler.compile(module.source, options);
  if (compiled.isOutOfMemory)
    return Error{ErrorKind::OutOfMemory, "kernel '" + options.kernel + "' of " + module.source.name +
                                             " was not compiled: " + firstError(compiled.diagnostics)->message};
  if (!compiled.kernel)
    return *compileError(module.source.name, options, std::move(compiled.diagnostics));
  if (kernel.programmatic) {
    std::optional<std::string> code = withDependentLaunch(compiled.kernel->code, compiled.kernel->interface.entry);
    if (!code)
      return Error{ErrorKind::Compile,
                   "kernel '" + options.kernel + "': its code has no place to wait at its beginning"};
    compiled.kernel->code = std::move(*code);
  }
  return std::move(*compiled.kernel);
}

static void store(const RuntimeState &runtime, const CacheKey &key, const CacheEntry &entry) {
  if (!runtime.disk)
    return;
  if (Result<void> stored = runtime.disk->store(key, entry); !stored)
    runtime.device->log().add(stored.error().render());
}

/// The stored form of what was compiled, with machine code where this runtime assembles.
static Result<Built> assemble(const KernelState &kernel, CompiledKernel compiled) {
  const ModuleState &module = *kernel.module;
  Result<AssembledKernel> assembled = module.runtime->assembler.assemble(compiled.code, compiled.interface.target);
  if (!assembled) {
    Error error = assembled.takeError();
    error.message = "kernel '" + compiled.interface.kernel + "': " + error.message;
    return error;
  }
  Built built;
  built.interface = std::move(compiled.interface);
  built.entry = {module.source.name, built.interface.toJson(), std::move(compiled.code),
                 std::move(assembled->machineCode), std::move(assembled->log)};
  built.faults = faultsOf(*assembled);
  return built;
}

/// Into the device's memory as PTX. Where the driver spills a few bytes of it, with the ceiling that spills least,
/// which the entry has from then on: what comes from disk is not searched again.
static Result<std::shared_ptr<const LoadedKernel>> loadBuilt(const KernelState &kernel, CacheEntry &entry,
                                                             const KernelInterface &interface) {
  const RuntimeState &runtime = *kernel.module->runtime;
  auto load = [&](const std::string &ptx) {
    return LoadedKernel::load(runtime.device, ptx, interface, kernel.programmatic);
  };
  Result<std::shared_ptr<const LoadedKernel>> best = load(entry.ptx);
  if (!best || runtime.device->info().simulated)
    return best;
  const std::string whole = entry.ptx;
  CeilingSearch search(whole, (*best)->registers, (*best)->localBytes);
  while (std::optional<std::string> text = search.next()) {
    Result<std::shared_ptr<const LoadedKernel>> loaded = load(*text);
    if (!loaded)
      break; // what is there already works
    if (search.spills((*loaded)->localBytes)) {
      best = std::move(loaded);
      entry.ptx = std::move(*text);
    }
  }
  return best;
}

static Result<Ready> load(const KernelState &kernel, Built &built, bool fromDisk) {
  if (Result<void> enough = checkHostMemory("kernel '" + built.interface.kernel + "' was not loaded"); !enough)
    return enough.takeError();
  const RuntimeState &runtime = *kernel.module->runtime;
  Result<LaunchPlan> plan = LaunchPlan::make(*kernel.plan, built.interface);
  if (!plan)
    return plan.takeError();
  CacheEntry &entry = built.entry;
  bool asText = entry.machineCode.empty() || runtime.device->info().simulated;
  Result<std::shared_ptr<const LoadedKernel>> loaded =
      asText && !fromDisk ? loadBuilt(kernel, entry, built.interface)
                          : LoadedKernel::load(runtime.device, asText ? entry.ptx : entry.machineCode, built.interface,
                                               kernel.programmatic);
  if (!loaded)
    return loaded.takeError();
  AssembledKernel account;
  parseAssemblerLog(entry.log, account);
  KernelInfo info;
  info.interface = built.interface;
  info.ptx = entry.ptx;
  info.machineCodeBytes = entry.machineCode.size();
  info.assemblerLog = entry.log;
  info.repairs = std::move(account.repairs);
  info.registers = (*loaded)->registers;
  info.localBytes = (*loaded)->localBytes;
  info.staticSharedBytes = (*loaded)->staticSharedBytes;
  info.fromDisk = fromDisk;
  return Ready(std::make_shared<ReadyKernel>(std::move(info), std::move(*plan), std::move(*loaded)));
}

/// Assembles and loads, and says by the account of who assembled what is wrong with the code.
static Result<Made> make(const KernelState &kernel, CompiledKernel compiled) {
  Result<Built> built = assemble(kernel, std::move(compiled));
  if (!built)
    return built.takeError();
  Result<Ready> ready = load(kernel, *built, /*fromDisk=*/false);
  if (!ready)
    return ready.takeError();
  const bool byDriver = built->entry.machineCode.empty() && !kernel.module->runtime->device->info().simulated;
  return Made{std::move(built->entry), *ready, byDriver ? AssemblyFaults{0, (*ready)->info.localBytes} : built->faults};
}

/// With the tuning that is asked for, or where the assembler's code of that has faults, with the one near it whose code
/// has the fewest.
static Result<Made> makeBest(const KernelState &kernel, const CompileOptions &options) {
  Result<CompiledKernel> compiled = compileFor(kernel, options);
  if (!compiled)
    return compiled.takeError();
  Result<Made> best = make(kernel, std::move(*compiled));
  if (!best || !best->faults.any())
    return best;
  const ModuleState &module = *kernel.module;
  auto compile = [&](const CompileOptions &asked) -> std::optional<CompiledKernel> {
    Result<CompiledKernel> made = compileFor(kernel, asked);
    return made ? std::optional(std::move(*made)) : std::nullopt;
  };
  std::optional<Made> cleaner =
      takeCleanest(nearTunings(module.runtime->compiler, module.source, options, best->ready->info.interface, compile),
                   best->faults, [&](NearTuning near) { return make(kernel, std::move(near.kernel)); });
  if (cleaner)
    return std::move(*cleaner);
  return best;
}

Result<Ready> imbrex::makeReady(const KernelState &kernel, const CompileOptions &options, const CacheKey &key) {
  const ModuleState &module = *kernel.module;
  RuntimeState &runtime = *module.runtime;
  bool isOnDisk = false;
  if (std::optional<Built> stored = findStored(module, key, isOnDisk)) {
    Result<Ready> ready = load(kernel, *stored, /*fromDisk=*/true);
    if (ready)
      return ready;
    if (isOnDisk)
      runtime.disk->evict(key);
    else
      runtime.device->log().add("a kernel of a pack is not used: " + ready.error().render());
  }
  if (!runtime.compiles)
    return Error{ErrorKind::Compile, "kernel '" + options.kernel + "' of " + module.source.name +
                                         " is in no pack and no cache for these arguments and " + options.target +
                                         ", and this runtime was opened without compilation"};
  Result<Made> made = makeBest(kernel, options);
  if (!made)
    return made.takeError();
  store(runtime, key, made->entry);
  return std::move(made->ready);
}
