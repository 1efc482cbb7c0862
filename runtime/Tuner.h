//===- Tuner.h - One run of a tuning ----------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Candidates go one way: refused by the text, known from before, compiled (in parallel), a copy of known code, checked
// against the untuned kernel's results, timed in a few rounds beside it, and, while they may be the fastest, in more.
// Each outcome is stored as it comes. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_TUNER_H
#define IMBREX_RUNTIME_TUNER_H

#include "runtime/CompileQueue.h"
#include "runtime/Race.h"
#include "runtime/Stopwatch.h"
#include "runtime/TuneStore.h"

namespace imbrex {

class Tuner {
public:
  /// `kernel` is not a candidate; `options` outlives the tuner.
  Tuner(std::shared_ptr<const KernelState> kernel, const TuneOptions &options);
  ~Tuner();

  /// Binds the arguments, compiles the kernel untuned, lists the candidates and copies the arguments, whose memory is
  /// not looked at again.
  Result<void> begin(Arguments arguments);
  /// Tries candidates until all are tried or time is up, and adopts the best. An Error where the device was lost: what
  /// was found until then is kept on disk.
  Result<TuneReport> run();

private:
  using Clock = std::chrono::steady_clock;
  /// A candidate in the race; its number there is its place in `entrants`. The first is the kernel untuned.
  struct Entrant {
    size_t candidate;
    std::shared_ptr<const KernelState> kernel; ///< null once it is out, or until it is timed here
  };

  // What is tried (Tuner.cpp).
  Result<void> listCandidates(const Binding &binding, const KernelInterface &untuned);
  /// The first candidate is the untuned kernel, be it the text's tuning or one near it (NearTunings.h); the text's is
  /// one of the others then. `request` is what they are of.
  void putUntunedFirst(SearchRequest request, const KernelInterface &untuned);
  Result<void> makeScratch(const Binding &binding);
  bool isOver() const;
  std::shared_ptr<KernelState> stateOf(const Tuning &tuning) const;
  static std::string codeDigest(const ReadyKernel &ready, const LaunchPlan::Grid &grid);
  void takeEstimate(TuneCandidate &candidate, const ReadyKernel &ready, const LaunchPlan::Grid &grid,
                    int64_t loopPasses);
  void takeKnown();
  void take(size_t index, TuneStore::Record &record);
  std::vector<size_t> order() const;
  enum class Keep : bool { No, Yes }; ///< for later runs
  void settle(size_t index, TuneOutcome outcome, std::string why = {}, Keep keeps = Keep::Yes);
  void keep(size_t index, unsigned attempts = 0);
  void tell();
  void adopt();

  // What is timed (TunerRace.cpp).
  std::optional<CompileQueue::Job> nextJob(std::vector<size_t> &list, std::vector<size_t> &others);
  void takeFromOthers(std::vector<size_t> &list);
  Result<void> beginRace();
  Result<void> screen();
  Result<void> screenSome(std::vector<CompileQueue::Built> built);
  Result<bool> admit(CompileQueue::Built &built);
  Result<bool> tryOut(size_t index, const KernelState &state);
  Result<bool> giveUp(size_t index, Error error);
  Result<void> round(const std::vector<size_t> &numbers);
  void settleTimed(size_t number);
  void enterKnown();
  Result<void> decide();

  const std::shared_ptr<const KernelState> kernel;
  const TuneOptions &options;
  const Clock::time_point start = Clock::now();
  TuneReport report;
  std::string key;             ///< evaluated, as bytes
  std::vector<int64_t> passes; ///< by candidate
  std::optional<TuneStore> store;
  std::vector<Argument> shapes; ///< of a simulated device: the arguments, for their shapes
  std::optional<Stream> stream;
  std::unique_ptr<Scratch> scratch;
  std::unique_ptr<Stopwatch> watch;
  std::vector<char> expected; ///< results of the kernel untuned
  std::shared_ptr<const KernelState> standard;
  std::vector<std::unique_ptr<Entrant>> entrants; ///< by number in the race
  std::map<size_t, unsigned> attempts;            ///< by candidate: launches of runs that ended there
  std::mutex claimMutex;
  std::map<size_t, DiskCache::Claim> claims; ///< by candidate; under claimMutex
  std::map<std::string, size_t> codes;       ///< digest of code -> candidate
  Race race;
  unsigned repeats = 1; ///< launches of one sample
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_TUNER_H
