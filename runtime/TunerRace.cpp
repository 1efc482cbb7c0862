//===- TunerRace.cpp - One run of a tuning: what is timed -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Candidates as they come from the compilers, first a few rounds of each, then more of those that may be the fastest.
// On a simulated device a candidate is settled by its estimate.
//
//===----------------------------------------------------------------------===//

#include "runtime/Agreement.h"
#include "runtime/Tuner.h"
#include <algorithm>
#include <cmath>

using namespace imbrex;

/// Candidates that are timed beside one another; rounds of each before any decision, and before the last one at most.
static constexpr size_t kBatch = 8, kFinalists = 12;
static constexpr unsigned kFirstRounds = 3, kMostRounds = 200, kRoundsBetweenRecords = 8;
static constexpr double kPrecision = 0.005;        ///< of a ratio: nearer is a tie
static constexpr double kSampleMilliseconds = 0.1; ///< a shorter launch is repeated
static constexpr unsigned kMostRepeats = 20;

static std::string listOf(const Tuning &tuning) {
  std::string text;
  for (const auto &[name, value] : tuning)
    text += (text.empty() ? "" : ", ") + name + "=" + std::to_string(value);
  return text;
}

/// What failed, with the call; not its report.
static std::string firstLine(const Error &error) {
  std::string text = error.render();
  return text.substr(0, text.find('\n'));
}

/// True if no other candidate can be launched after this error.
static bool losesDevice(const Error &error) { return error.kind == ErrorKind::Fault; }

std::optional<CompileQueue::Job> Tuner::nextJob(std::vector<size_t> &list, std::vector<size_t> &others) {
  while (!list.empty() && !isOver()) {
    size_t index = list.front();
    list.erase(list.begin());
    TuneCandidate &candidate = report.candidates[index];
    if (store) {
      std::optional<DiskCache::Claim> claim = store->claim(key, candidate.tuning);
      if (!claim) { // another process is at it
        others.push_back(index);
        continue;
      }
      std::lock_guard lock(claimMutex);
      claims.insert_or_assign(index, std::move(*claim));
    }
    return CompileQueue::Job{index, stateOf(candidate.tuning)};
  }
  return std::nullopt;
}

/// What other processes found meanwhile of these; those still open stay in the list.
void Tuner::takeFromOthers(std::vector<size_t> &list) {
  std::erase_if(list, [&](size_t index) {
    std::optional<TuneStore::Record> record =
        store && !options.again ? store->find(key, report.candidates[index].tuning) : std::nullopt;
    if (record)
      take(index, *record);
    return report.candidates[index].outcome != TuneOutcome::Waiting;
  });
}

Result<void> Tuner::beginRace() {
  race.enter(1, 1), entrants.push_back(std::make_unique<Entrant>(Entrant{0, standard}));
  if (Result<void> cleared = scratch->clearOutputs(*stream); !cleared)
    return cleared;
  Result<double> first = watch->launchOnce(*standard);
  if (!first)
    return first.takeError();
  Result<std::vector<char>> results = scratch->outputs(*stream);
  if (!results)
    return results.takeError();
  expected = std::move(*results);
  Result<double> warm = watch->time(*standard, 1);
  if (!warm)
    return warm.takeError();
  report.candidates[0].milliseconds = *warm;
  repeats = unsigned(std::clamp(std::ceil(kSampleMilliseconds / *warm), 1.0, double(kMostRepeats)));
  return {};
}

Result<void> Tuner::screen() {
  std::vector<size_t> list = order();
  if (!report.simulated)
    if (Result<void> begun = beginRace(); !begun)
      return begun;
  const std::vector<Argument> &arguments = report.simulated ? shapes : scratch->arguments(0);
  unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  constexpr std::chrono::milliseconds kLongest = std::chrono::years(1); // A time point holds it.
  Clock::time_point end = start + std::min(options.budget, kLongest);
  while (!list.empty() && !isOver()) {
    std::vector<size_t> others;
    {
      CompileQueue queue(options.threads ? options.threads : cores, arguments, [&] { return nextJob(list, others); });
      while (!isOver()) {
        std::vector<CompileQueue::Built> built = queue.take(kBatch, end);
        if (built.empty())
          break;
        if (Result<void> done = screenSome(std::move(built)); !done)
          return done;
        tell();
      }
    }
    takeFromOthers(others);
    list = std::move(others);
    constexpr std::chrono::milliseconds kWait{20};
    if (!list.empty() && !isOver())
      std::this_thread::sleep_for(kWait);
  }
  return {};
}

Result<void> Tuner::screenSome(std::vector<CompileQueue::Built> built) {
  std::optional<DiskCache::Claim> device;
  if (store && !report.simulated)
    device = store->claimDevice(kernel->module->runtime->device->info());
  std::vector<size_t> entered;
  for (CompileQueue::Built &each : built) {
    Result<bool> admitted = admit(each);
    if (!admitted)
      return admitted.takeError();
    if (!*admitted)
      continue;
    entered.push_back(race.enter());
    entrants.push_back(std::make_unique<Entrant>(Entrant{each.index, each.kernel}));
  }
  for (unsigned i = 0; i < kFirstRounds && !entered.empty(); ++i)
    if (Result<void> timed = round(entered); !timed)
      return timed;
  for (size_t number : entered)
    settleTimed(number);
  // What is out is unloaded.
  std::vector<size_t> contenders = race.contenders();
  for (size_t number = 1; number < entrants.size(); ++number)
    if (std::find(contenders.begin(), contenders.end(), number) == contenders.end())
      entrants[number]->kernel = nullptr;
  return {};
}

Result<bool> Tuner::admit(CompileQueue::Built &built) {
  TuneCandidate &candidate = report.candidates[built.index];
  if (std::optional<TuneStore::Record> known =
          store && !options.again ? store->find(key, candidate.tuning) : std::nullopt) {
    take(built.index, *known); // of a process that ended since
    if (candidate.outcome != TuneOutcome::Waiting) {
      std::lock_guard lock(claimMutex);
      return claims.erase(built.index), false;
    }
  }
  if (!built.ready) {
    const Error &error = built.ready.error();
    if (losesDevice(error))
      return error;
    bool isRefused = error.kind == ErrorKind::Compile || error.kind == ErrorKind::Argument;
    std::string why = error.diagnostics.empty() ? firstLine(error) : error.diagnostics.front().message;
    // Memory may be there the next time: that is not kept.
    settle(built.index, isRefused ? TuneOutcome::Refused : TuneOutcome::Failed, std::move(why),
           error.kind == ErrorKind::OutOfMemory ? Keep::No : Keep::Yes);
    return false;
  }
  const ReadyKernel &ready = **built.ready;
  takeEstimate(candidate, ready, built.grid, passes[built.index]);
  auto [code, isNew] = codes.try_emplace(codeDigest(ready, built.grid), built.index);
  if (!isNew) {
    candidate.ratio = 0;
    settle(built.index, TuneOutcome::Duplicate,
           "its code is that of " + listOf(report.candidates[code->second].tuning));
    return false;
  }
  if (!ready.info.repairs.empty()) {
    settle(built.index, TuneOutcome::Refused, "the assembler repaired its synchronisation: " + ready.info.repairs[0]);
    return false;
  }
  if (candidate.localBytes > report.candidates[0].localBytes) {
    settle(built.index, TuneOutcome::Refused, "a thread spills " + std::to_string(candidate.localBytes) + " bytes");
    return false;
  }
  if (!report.simulated)
    return tryOut(built.index, *built.kernel);
  if (options.deterministic) {
    settle(built.index, TuneOutcome::Refused,
           "nothing is launched on a simulated device, so whether its bits are the same is not known");
    return false;
  }
  candidate.ratio = report.candidates[0].cycles > 0 ? candidate.cycles / report.candidates[0].cycles : 0;
  settle(built.index, TuneOutcome::Estimated);
  return false;
}

/// The first launch, and its results.
Result<bool> Tuner::tryOut(size_t index, const KernelState &state) {
  if (Result<void> cleared = scratch->clearOutputs(*stream); !cleared)
    return cleared.takeError();
  Result<double> launched = watch->launchOnce(state, [&] { keep(index, attempts[index] + 1); });
  if (!launched)
    return giveUp(index, launched.takeError());
  Result<std::vector<char>> results = scratch->outputs(*stream);
  if (!results)
    return giveUp(index, results.takeError());
  Agreement agreement = compareOutputs(scratch->outputTypes(), expected, *results);
  report.candidates[index].sameBits = agreement.sameBits;
  if (agreement.close && (agreement.sameBits || !options.deterministic))
    return true;
  settle(index, TuneOutcome::Wrong,
         agreement.close ? "its results differ in their last bits" : "of its results, " + agreement.difference);
  return false;
}

/// Of a candidate that could not be launched: false if others can, else the error.
Result<bool> Tuner::giveUp(size_t index, Error error) {
  TuneOutcome outcome = watch->isHung()      ? TuneOutcome::Hung
                        : losesDevice(error) ? TuneOutcome::Faulted
                                             : TuneOutcome::Failed;
  settle(index, outcome, firstLine(error));
  if (!losesDevice(error))
    return false;
  error.message =
      "tuning kernel '" + report.kernel + "' with " + listOf(report.candidates[index].tuning) + ": " + error.message;
  return error;
}

/// Times the entrants once each, between two times of the kernel untuned.
Result<void> Tuner::round(const std::vector<size_t> &numbers) {
  std::vector<std::pair<size_t, double>> times;
  Result<double> before = watch->time(*standard, repeats);
  if (!before)
    return before.takeError();
  for (size_t number : numbers) {
    Entrant &entrant = *entrants[number];
    if (report.candidates[entrant.candidate].outcome == TuneOutcome::Failed)
      continue;
    Result<double> time = watch->time(*entrant.kernel, repeats);
    if (time)
      times.emplace_back(number, *time);
    else if (Result<bool> goesOn = giveUp(entrant.candidate, time.takeError()); !goesOn)
      return goesOn.takeError();
  }
  Result<double> after = watch->time(*standard, repeats);
  if (!after)
    return after.takeError();
  for (auto [number, time] : times)
    race.record(number, time, std::sqrt(*before * *after));
  TuneCandidate &first = report.candidates[0];
  first.milliseconds = std::min({first.milliseconds, *before, *after});
  first.rounds += 2;
  return {};
}

void Tuner::settleTimed(size_t number) {
  TuneCandidate &candidate = report.candidates[entrants[number]->candidate];
  if (number == 0 || race.rounds(number) == 0 || candidate.outcome == TuneOutcome::Failed)
    return;
  candidate.ratio = race.ratio(number);
  candidate.uncertainty = race.uncertainty(number);
  candidate.rounds = race.rounds(number);
  candidate.milliseconds = candidate.ratio * report.candidates[0].milliseconds;
  settle(entrants[number]->candidate, TuneOutcome::Measured);
}

/// Those measured before, or by another process, that may be the fastest enter the race with what is known of them.
void Tuner::enterKnown() {
  std::vector<bool> isIn(report.candidates.size(), false);
  for (const std::unique_ptr<Entrant> &entrant : entrants)
    isIn[entrant->candidate] = true;
  for (size_t i = 1; i < report.candidates.size(); ++i) {
    const TuneCandidate &candidate = report.candidates[i];
    if (isIn[i] || candidate.outcome != TuneOutcome::Measured)
      continue;
    race.enter(candidate.ratio, candidate.rounds);
    entrants.push_back(std::make_unique<Entrant>(Entrant{i, nullptr}));
  }
}

Result<void> Tuner::decide() {
  enterKnown();
  for (unsigned rounds = 0;; ++rounds) {
    std::vector<size_t> list = race.contenders();
    list.resize(std::min(list.size(), kFinalists));
    std::erase(list, 0); // the anchor is timed in every round
    bool isDecided = list.empty() || rounds >= kMostRounds ||
                     (list.size() == 1 && race.uncertainty(list[0]) < std::abs(1 - race.ratio(list[0]))) ||
                     race.uncertainty(list[0]) < kPrecision;
    if (isDecided || rounds % kRoundsBetweenRecords == 0) {
      for (size_t number : list)
        settleTimed(number);
      tell();
    }
    if (isDecided || isOver())
      return {};
    for (size_t number : list)
      if (Entrant &entrant = *entrants[number]; !entrant.kernel)
        entrant.kernel = stateOf(report.candidates[entrant.candidate].tuning);
    std::optional<DiskCache::Claim> device;
    if (store)
      device = store->claimDevice(kernel->module->runtime->device->info());
    if (Result<void> timed = round(list); !timed)
      return timed;
  }
}
