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

/// Added to the alignment of a view that has a tensor map.
static constexpr int kMapped = 64;

/// What tells specialisations apart: the number of their KernelState; of every view its alignment (0: absent), of every
/// type parameter its type, of every integer parameter its value, of every condition on extents whether it holds;
/// whether the grid is folded, and which tuning is taken.
static void writeLaunchKey(const KernelState &kernel, const Binding &binding, bool foldGrid, unsigned tuning,
                           llvm::SmallString<128> &key) {
  const SignaturePlan &plan = *kernel.plan;
  key.clear();
  key.append(llvm::StringRef(reinterpret_cast<const char *>(&kernel.memo->number), sizeof kernel.memo->number));
  key.push_back(char(foldGrid));
  key.append(llvm::StringRef(reinterpret_cast<const char *>(&tuning), sizeof tuning));
  for (unsigned i = 0; i < plan.parameterCount(); ++i)
    if (plan.signature.parameters[i].isView)
      key.push_back(char(binding.arguments[i] ? binding.views[i].alignment + (kMapped & -binding.views[i].hasMap) : 0));
  for (const std::optional<DataType> &type : binding.types)
    key.push_back(char(*type));
  for (unsigned slot : plan.integerSlots) {
    int64_t value = *binding.slots[slot];
    key.append(llvm::StringRef(reinterpret_cast<const char *>(&value), sizeof value));
  }
  for (const ExpressionProgram &condition : plan.extentConditions)
    key.push_back(char(holds(condition, binding)));
}

namespace {

/// All that a specialisation is compiled from.
struct Request {
  CompileOptions options;
  CacheKey key;      ///< of the disk cache
  std::string named; ///< in this process: a kernel keeps the name of its own source
};

} // namespace

static Request requestOf(const KernelState &kernel, const Binding &binding, bool foldGrid, const Tuning &tuning) {
  const RuntimeState &runtime = *kernel.module->runtime;
  Request request{completeOptions(kernel, binding), {}, {}};
  request.options.foldGrid = foldGrid;
  for (const auto &[name, value] : tuning) // what the caller set stays
    request.options.set.try_emplace(name, value);
  request.key =
      makeCacheKey(kernel.module->source, request.options, {runtime.compiler.buildId, runtime.assembler.identity()});
  if (kernel.programmatic)
    request.key.add("programmatic", "1");
  CacheKey named = request.key;
  named.add("source name", kernel.module->source.name);
  request.named = named.bytes();
  return request;
}

static Result<Ready> specialise(const KernelState &kernel, const Binding &binding, bool foldGrid,
                                const Tuning &tuning) {
  Request request = requestOf(kernel, binding, foldGrid, tuning);
  return kernel.module->runtime->specialisations.get(request.named,
                                                     [&] { return makeReady(kernel, request.options, request.key); });
}

/// That something may be compiled and loaded now.
static Result<void> checkNoCapture(const KernelState &kernel, const Stream *stream) {
  const Captures &captures = kernel.module->runtime->device->captures();
  Result<bool> busy = captures.isMine() || !stream ? Result<bool>(captures.isMine()) : stream->isCapturing();
  if (!busy)
    return busy.takeError();
  if (!*busy)
    return {};
  return Error{ErrorKind::Argument, "kernel '" + kernel.plan->signature.name +
                                        "' would be compiled or loaded while a graph is captured: call prepare() or "
                                        "bind() with these arguments before the capture"};
}

/// The tuning that a launch takes: its number, 0 if there is none, and itself.
static std::pair<unsigned, const TunedTable *> tuningFor(const KernelState &kernel, const Binding &binding) {
  if (kernel.isCandidate)
    return {0, nullptr};
  const TunedTable &tuned = tunedTable(kernel);
  return {tuned.version() == 0 ? 0 : tuned.find(keyBytes(*kernel.plan, binding)), &tuned};
}

static size_t tuningsOf(const KernelState &kernel) { return kernel.isCandidate ? 0 : tunedTable(kernel).version(); }

TunedTable &imbrex::tunedTable(const KernelState &kernel) {
  LaunchMemo &memo = *kernel.memo;
  std::call_once(memo.tunedOnce, [&] {
    const RuntimeState &runtime = *kernel.module->runtime;
    CacheKey identity = tuneIdentity(kernel);
    bool isNew = false;
    memo.tuned = kernel.module->runtime->tuned.find(identity.bytes(), isNew);
    if (!isNew || !runtime.disk)
      return;
    if (Result<TuneStore> store = TuneStore::open(runtime.disk->directory(), identity))
      for (auto &[key, tuning] : bestOf(store->all()))
        memo.tuned->adopt(key, std::move(tuning));
  });
  return *memo.tuned;
}

/// Fills in prepared.ready: found under the lock, or made and kept.
static Result<void> findReady(const KernelState &kernel, const Binding &binding, bool foldGrid, Prepared &prepared,
                              const Stream *stream) {
  Specialisations &table = kernel.module->runtime->specialisations;
  prepared.tunings = tuningsOf(kernel); // first: what is adopted meanwhile makes it old
  auto [number, tuned] = tuningFor(kernel, binding);
  writeLaunchKey(kernel, binding, foldGrid, number, prepared.key);
  prepared.reading = std::shared_lock(table.mutex());
  if ((prepared.ready = table.find(prepared.key)))
    return {};
  prepared.reading = {};
  if (Result<void> free = checkNoCapture(kernel, stream); !free)
    return free;
  Result<Ready> made = specialise(kernel, binding, foldGrid, number ? tuned->tuning(number) : Tuning());
  if (!made && number) // tuned with other alignments or outputs: what cannot be made so is made untuned
    made = specialise(kernel, binding, foldGrid, {});
  if (!made)
    return made.takeError();
  table.remember(prepared.key, *made);
  prepared.kept = std::move(*made);
  prepared.ready = prepared.kept.get();
  return {};
}

bool imbrex::findAgain(const KernelState &kernel, Prepared &prepared) {
  if (prepared.tunings != tuningsOf(kernel))
    return false;
  Specialisations &table = kernel.module->runtime->specialisations;
  prepared.reading = std::shared_lock(table.mutex());
  if (const ReadyKernel *ready = table.find(prepared.key); ready && ready == prepared.ready)
    return true;
  prepared.reading = {};
  return false;
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

Result<Readiness> imbrex::readinessOf(const KernelState &kernel, const Binding &binding) {
  RuntimeState &runtime = *kernel.module->runtime;
  auto [number, tuned] = tuningFor(kernel, binding);
  Request request = requestOf(kernel, binding, /*foldGrid=*/false, number ? tuned->tuning(number) : Tuning());
  if (std::optional<Result<Ready>> made = runtime.specialisations.peek(request.named))
    return *made ? Result<Readiness>(Readiness::Loaded) : made->takeError();
  return isStored(*kernel.module, request.key) ? Readiness::Stored : Readiness::Missing;
}

Result<void> imbrex::prepareLaunch(const KernelState &kernel, Arguments arguments, Prepared &prepared,
                                   const Stream *stream) {
  Binding binding;
  if (Result<void> bound = bindKernel(kernel, arguments, binding); !bound)
    return bound;
  return prepareBound(kernel, binding, prepared, stream);
}

Result<void> imbrex::prepareBound(const KernelState &kernel, const Binding &binding, Prepared &prepared,
                                  const Stream *stream) {
  const DeviceInfo &device = kernel.module->runtime->device->info();
  for (bool foldGrid : {false, true}) {
    prepared.reading = {};
    prepared.kept = nullptr;
    if (Result<void> found = findReady(kernel, binding, foldGrid, prepared, stream); !found)
      return found;
    Result<LaunchPlan::Grid> grid = prepared.ready->plan.grid(binding, device);
    if (!grid)
      return grid.takeError();
    prepared.grid = *grid;
    if (!prepared.ready->plan.needsFolding(prepared.grid, device))
      break;
  }
  return prepared.ready->plan.pack(binding, prepared.grid, kernel.module->runtime->device->driver(), prepared.packed);
}

Result<void> imbrex::launchPrepared(const KernelState &kernel, const Stream &stream, Prepared &prepared) {
  if (prepared.grid[0] == 0)
    return {};
  const ReadyKernel &ready = *prepared.ready;
  const DeviceContext &device = *kernel.module->runtime->device;
  const cuda::CUstream handle = stream.internal().handle;
  device.suspects().launched(handle, kernel.plan->signature.name);
  Result<void> launched =
      ready.loaded->launch(handle, ready.plan.launched(prepared.grid, device.info()), prepared.packed.pointers.data());
  if (launched && device.captures().any()) [[unlikely]]
    launched = noteLaunch(device, {ready.shared_from_this(), kernel.plan->signature.name, nullptr, handle,
                                   ready.loaded->isProgrammatic()});
  if (launched)
    return launched;
  Error error = launched.takeError();
  if (error.message.empty()) // else it tells of a kernel launched before
    error.message = "kernel '" + kernel.plan->signature.name + "' failed";
  return error;
}

Result<void> imbrex::placePrepared(const KernelState &kernel, Graph::State &graph, size_t place, Prepared &prepared) {
  const ReadyKernel &ready = *prepared.ready;
  LaunchPlan::Grid grid = prepared.grid;
  if (grid[0] != 0)
    grid = ready.plan.launched(grid, kernel.module->runtime->device->info());
  return setPlace(
      graph, place,
      {{ready.shared_from_this(), kernel.plan->signature.name, nullptr, nullptr, ready.loaded->isProgrammatic()},
       ready.loaded->node(grid, prepared.packed.pointers.data())});
}
