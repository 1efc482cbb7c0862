//===- Tuner.cpp - One run of a tuning: what is tried ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The beginning, the list of candidates, what is known of them from before, and the end. TunerRace.cpp times them.
//
//===----------------------------------------------------------------------===//

#include "runtime/Tuner.h"
#include "compiler/Deadline.h"
#include <algorithm>
#include <tuple>

using namespace imbrex;

Tuner::Tuner(std::shared_ptr<const KernelState> kernel, const TuneOptions &options)
    : kernel(std::move(kernel)), options(options) {
  const DeviceInfo &device = this->kernel->module->runtime->device->info();
  report.kernel = this->kernel->plan->signature.name;
  report.device = device.id + " (" + device.name + ")";
  report.simulated = device.simulated;
}

Tuner::~Tuner() {
  if (!watch || !watch->isHung())
    return;
  // A kernel still runs: to free what it uses, or to unload it, would wait for ever.
  (void)new std::tuple(std::move(watch), std::move(scratch), std::move(*stream), std::move(entrants), standard);
}

bool Tuner::isOver() const {
  return isSpent(Clock::now() - start, options.budget) || (options.cancellation && options.cancellation->isCancelled());
}

std::shared_ptr<KernelState> Tuner::stateOf(const Tuning &tuning) const {
  auto state = std::make_shared<KernelState>(*kernel);
  state->forget();
  state->isCandidate = true;
  for (const auto &[name, value] : tuning)
    state->options.set.try_emplace(name, value);
  return state;
}

static Result<void> checkOptions(const TuneOptions &options) {
  constexpr unsigned kMostThreads = 1024;
  auto refuse = [](const std::string &what, const std::string &is, const std::string &range) {
    return Error{ErrorKind::Argument, "a tuning's " + what + " is " + is + ": " + range};
  };
  if (options.threads > kMostThreads)
    return refuse("number of threads", std::to_string(options.threads),
                  "0 (one a core) to " + std::to_string(kMostThreads));
  if (options.budget.count() < 0)
    return refuse("budget", std::to_string(options.budget.count()) + " ms", "0 or more");
  if (options.patience.count() <= 0)
    return refuse("patience", std::to_string(options.patience.count()) + " ms", "1 or more");
  return {};
}

Result<void> Tuner::begin(Arguments arguments) {
  if (Result<void> good = checkOptions(options); !good)
    return good;
  Binding binding;
  if (Result<void> bound = bindKernel(*kernel, arguments, binding); !bound)
    return bound;
  const KernelState &state = *kernel;
  const RuntimeState &runtime = *state.module->runtime;
  key = keyBytes(*state.plan, binding).str();
  report.key = keyText(*state.plan, binding);
  standard = stateOf({});
  Prepared prepared;
  if (Result<void> done = prepareLaunch(*standard, arguments, prepared); !done)
    return done;
  (void)prepared.keep();
  if (prepared.grid[0] == 0)
    return Error{ErrorKind::Argument, "kernel '" + report.kernel +
                                          "' has nothing to do with these arguments: there is "
                                          "no time to tune"};
  if (Result<void> listed = listCandidates(binding, prepared.ready->info.interface); !listed)
    return listed;
  if (runtime.disk) {
    Result<TuneStore> opened = TuneStore::open(runtime.disk->directory(), tuneIdentity(state));
    if (opened)
      store.emplace(std::move(*opened));
    else
      runtime.device->log().add("what tuning finds is not kept: " + opened.error().render());
  }
  takeEstimate(report.candidates[0], *prepared.ready, prepared.grid, passes[0]);
  codes[codeDigest(*prepared.ready, prepared.grid)] = 0;
  return makeScratch(binding);
}

void Tuner::putUntunedFirst(SearchRequest request, const KernelInterface &untuned) {
  Tuning tuning = report.candidates[0].tuning;
  for (auto &[name, value] : tuning)
    if (auto is = untuned.constants.find(name); is != untuned.constants.end())
      value = is->second;
  for (size_t i = 0; i < report.candidates.size(); ++i)
    if (report.candidates[i].tuning == tuning && report.candidates[i].outcome == TuneOutcome::Waiting) {
      std::swap(report.candidates[0].tuning, report.candidates[i].tuning);
      std::swap(passes[0], passes[i]);
      return;
    }
  for (const auto &[name, value] : tuning) // with a parameter after `rounding` that is not searched
    request.options.set[name] = value;
  report.candidates[0].tuning = std::move(tuning);
  const ModuleState &module = *kernel->module;
  if (SearchSpace own = module.runtime->compiler.searchSpace(module.source, request); own.points.size() == 1)
    passes[0] = own.points[0].passes;
}

Result<void> Tuner::listCandidates(const Binding &binding, const KernelInterface &untuned) {
  const CompilerFunctions &compiler = kernel->module->runtime->compiler;
  if (!compiler.searchSpace || !compiler.estimate)
    return Error{ErrorKind::Argument, "this runtime's compiler does not tell what there is to tune"};
  SearchRequest request{completeOptions(*kernel, binding), options.rounding, {}};
  for (unsigned slot = 0; slot < kernel->plan->names.size(); ++slot)
    if (binding.slots[slot])
      request.extents[kernel->plan->names[slot]] = *binding.slots[slot];
  if (Result<void> enough = checkHostMemory("kernel '" + report.kernel + "' was not tuned"); !enough)
    return enough;
  SearchSpace space = compiler.searchSpace(kernel->module->source, request);
  if (space.points.empty()) {
    Error error{ErrorKind::Compile, "kernel '" + report.kernel + "' cannot be tuned"};
    error.diagnostics = std::move(space.diagnostics);
    return error;
  }
  for (TunePoint &point : space.points) {
    TuneCandidate &candidate = report.candidates.emplace_back();
    candidate.tuning = std::move(point.tuning);
    if (!point.refusal.empty())
      candidate.outcome = TuneOutcome::Refused, candidate.why = std::move(point.refusal);
    passes.push_back(point.passes);
  }
  putUntunedFirst(std::move(request), untuned);
  report.candidates[0].outcome = report.simulated ? TuneOutcome::Estimated : TuneOutcome::Measured;
  report.candidates[0].ratio = 1;
  report.candidates[0].sameBits = true;
  return {};
}

Result<void> Tuner::makeScratch(const Binding &binding) {
  const std::shared_ptr<DeviceContext> &device = kernel->module->runtime->device;
  if (report.simulated) { // nothing is launched; the copy only keeps the shapes
    for (unsigned i = 0; i < kernel->plan->parameterCount(); ++i)
      if (binding.arguments[i])
        shapes.push_back(*binding.arguments[i]), shapes.back().name = kernel->plan->signature.parameters[i].name;
    return {};
  }
  Result<Stream> made = createStream(device);
  if (!made)
    return made.takeError();
  stream = std::move(*made);
  Result<std::unique_ptr<Scratch>> copied = Scratch::make(device, *stream, *kernel->plan, binding);
  if (!copied)
    return copied.takeError();
  scratch = std::move(*copied);
  Result<std::unique_ptr<Stopwatch>> clock = Stopwatch::make(device, *stream, *scratch, options.patience);
  if (!clock)
    return clock.takeError();
  watch = std::move(*clock);
  return {};
}

std::string Tuner::codeDigest(const ReadyKernel &ready, const LaunchPlan::Grid &grid) {
  const KernelInterface &interface = ready.info.interface;
  std::string text = ready.info.ptx;
  for (unsigned number : {grid[0], grid[1], grid[2], interface.warps, interface.sharedBytes})
    text += " " + std::to_string(number);
  return sha256Hex(text);
}

void Tuner::takeEstimate(TuneCandidate &candidate, const ReadyKernel &ready, const LaunchPlan::Grid &grid,
                         int64_t loopPasses) {
  const RuntimeState &runtime = *kernel->module->runtime;
  const DeviceInfo &device = runtime.device->info();
  CompiledKernel compiled{ready.info.ptx, Stage::Ptx, ready.info.interface, {}, {}, {}};
  ModelLaunch launch{int64_t(grid[0]) * grid[1] * grid[2], loopPasses};
  StaticEstimate estimate =
      runtime.compiler.estimate(compiled, {device.multiprocessors, device.sharedBytesPerMultiprocessor}, launch);
  candidate.cycles = estimate.cycles;
  candidate.registers = ready.info.machineCodeBytes || !report.simulated ? ready.info.registers : estimate.registers;
  candidate.sharedBytes = ready.info.interface.sharedBytes + ready.info.staticSharedBytes;
  candidate.localBytes = ready.info.localBytes;
}

void Tuner::takeKnown() {
  if (!store || options.again)
    return;
  std::map<Tuning, size_t> places;
  for (size_t i = 0; i < report.candidates.size(); ++i)
    places[report.candidates[i].tuning] = i;
  for (TuneStore::Record &record : store->all())
    if (auto place = places.find(record.candidate.tuning); record.key == key && place != places.end())
      take(place->second, record);
}

void Tuner::take(size_t index, TuneStore::Record &record) {
  TuneCandidate &candidate = report.candidates[index];
  if (index == 0 || candidate.outcome != TuneOutcome::Waiting)
    return;
  constexpr unsigned kMostAttempts = 2;
  if (record.candidate.outcome != TuneOutcome::Waiting)
    candidate = std::move(record.candidate);
  else if (record.attempts >= kMostAttempts)
    settle(index, TuneOutcome::Hung, "two runs that launched it ended there");
  else
    attempts[index] = record.attempts;
}

std::vector<size_t> Tuner::order() const {
  const Tuning &first = report.candidates[0].tuning;
  std::vector<std::pair<size_t, size_t>> list; // changes, candidate
  list.reserve(report.candidates.size());
  for (size_t i = 1; i < report.candidates.size(); ++i) {
    if (report.candidates[i].outcome != TuneOutcome::Waiting)
      continue;
    size_t changes = 0;
    for (const auto &[name, value] : report.candidates[i].tuning)
      changes += first.at(name) != value;
    list.emplace_back(changes, i);
  }
  std::sort(list.begin(), list.end());
  std::vector<size_t> order;
  order.reserve(list.size());
  for (auto [changes, index] : list)
    order.push_back(index);
  return order;
}

void Tuner::settle(size_t index, TuneOutcome outcome, std::string why, Keep keeps) {
  TuneCandidate &candidate = report.candidates[index];
  candidate.outcome = outcome;
  candidate.why = std::move(why);
  if (keeps == Keep::Yes)
    keep(index);
  std::lock_guard lock(claimMutex);
  claims.erase(index);
}

void Tuner::keep(size_t index, unsigned attempts) {
  if (!store || index == 0)
    return;
  if (Result<void> stored = store->store({key, report.candidates[index], attempts}); !stored)
    kernel->module->runtime->device->log().add(stored.error().render());
}

void Tuner::tell() {
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (!options.progress)
    return;
  TuneProgress progress;
  progress.candidates = report.candidates.size();
  for (const TuneCandidate &candidate : report.candidates) {
    progress.done += candidate.outcome != TuneOutcome::Waiting;
    if (candidate.ratio > 0)
      progress.bestRatio = std::min(progress.bestRatio, candidate.ratio);
  }
  progress.seconds = report.seconds;
  double budget = std::chrono::duration<double>(options.budget).count();
  double each = progress.done ? report.seconds / double(progress.done) : 0;
  progress.secondsLeft =
      std::min(std::max(0.0, budget - report.seconds), each * double(progress.candidates - progress.done));
  options.progress(progress);
}

void Tuner::adopt() {
  report.best = 0;
  for (size_t i = 0; i < report.candidates.size(); ++i) {
    const TuneCandidate &candidate = report.candidates[i], &best = report.candidates[report.best];
    bool isTimed = candidate.outcome == TuneOutcome::Measured || candidate.outcome == TuneOutcome::Estimated;
    auto surely = [](const TuneCandidate &each) { return each.ratio * (1 + each.uncertainty); };
    if (isTimed && candidate.ratio > 0 && surely(candidate) < surely(best))
      report.best = i;
  }
  TunedTable &table = tunedTable(*kernel);
  if (report.best != 0 || table.version() != 0)
    table.adopt(key, report.candidates[report.best].tuning);
}

Result<TuneReport> Tuner::run() {
  takeKnown();
  Result<void> done = screen();
  if (done && !report.simulated)
    done = decide();
  report.complete = std::none_of(report.candidates.begin(), report.candidates.end(),
                                 [](const TuneCandidate &each) { return each.outcome == TuneOutcome::Waiting; });
  tell();
  if (!done)
    return done.takeError();
  adopt();
  return std::move(report);
}
