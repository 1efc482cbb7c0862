//===- Tune.h - The best tuning of a kernel on this device ------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What Kernel::tune is asked and what it tells. A candidate is one assignment of the kernel's tuning parameters. It is
// refused by the compiler's numbers, or compiled, checked against the results of the kernel untuned, and timed in
// rounds beside it, all on copies of the arguments: no memory of the caller's is written. What is found is kept, a file
// each candidate, below the cache directory, for this device, kernel, compiler and key: a run that was cut off goes on
// where it was, and several processes share the work. Launches take the best from then on.
//
// On a simulated device nothing is timed: candidates are ranked by a model of their code (compiler/StaticModel.h), and
// every line of a report says so. No LLVM type, no driver handle: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_TUNE_H
#define IMBREX_RUNTIME_TUNE_H

#include "compiler/Budget.h"
#include "runtime/Result.h"
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace imbrex {

/// Values of tuning parameters.
using Tuning = std::map<std::string, int64_t, std::less<>>;

enum class TuneOutcome : uint8_t {
  Waiting,   ///< time was up before it was tried
  Refused,   ///< by the text or the compiler's numbers
  Duplicate, ///< its code is another candidate's
  Failed,    ///< it could not be assembled, loaded or launched
  Wrong,     ///< its results differ from the untuned kernel's
  Faulted,   ///< it went wrong on the device
  Hung,      ///< it did not end, or ended the process twice
  Measured,
  Estimated, ///< by the model of a simulated device
};
/// "measured" and so on, as reports write it.
std::string_view name(TuneOutcome outcome);

/// One tuning and what became of it.
struct TuneCandidate {
  Tuning tuning;
  TuneOutcome outcome = TuneOutcome::Waiting;
  std::string why;         ///< of what was not measured: one sentence, with its number
  double milliseconds = 0; ///< of one launch; 0 unless measured
  double ratio = 0;        ///< its time over that of the kernel untuned: measured, or of a simulated device the model's
  double uncertainty = 0;  ///< half of the interval in which the ratio lies with 95 % confidence, as a share of it
  unsigned rounds = 0;     ///< in which it was timed
  bool sameBits = false;   ///< its results have the very bits of the kernel untuned
  double cycles = 0;       ///< by the model
  unsigned registers = 0, sharedBytes = 0, localBytes = 0;
};

/// What a run of tuning found.
struct TuneReport {
  std::string kernel, device, key; ///< the key evaluated: "T=bf16, DQK=128, Sq=1"
  bool simulated = false;
  bool complete = false; ///< every candidate was tried
  double seconds = 0;
  std::vector<TuneCandidate> candidates; ///< the first is the kernel untuned
  size_t best = 0;                       ///< that launches take from now on

  /// One object, with every candidate.
  std::string toJson() const;
  /// One line: "BM=64, BN=64: 0.84 of the untuned kernel's time, measured" or "... by the model, not measured".
  std::string lineOf(size_t candidate) const;
};

/// How far a run is.
struct TuneProgress {
  size_t done = 0, candidates = 0; ///< candidates with an outcome, of all
  double bestRatio = 1;
  double seconds = 0, secondsLeft = 0; ///< the latter expected, at most the budget's rest
};

/// What a run of tuning may take, and whom it tells.
struct TuneOptions {
  std::chrono::milliseconds budget{15000};  ///< of wall time
  std::chrono::milliseconds patience{5000}; ///< above 0, that one launch may take before it counts as hung
  unsigned threads = 0;                     ///< that compile, at most 1024; 0: as many as the machine has cores
  bool rounding = false;                    ///< also varies parameters that may change the last bits of results
  bool deterministic = false;               ///< refuses what does not give, as launched, the bits of the kernel untuned
  bool again = false;                       ///< does not take what was found before
  std::optional<Cancellation> cancellation = {};
  std::function<void(const TuneProgress &)> progress = {}; ///< called on the tuning thread, after every step
};

/// A tuning that runs on a thread of its own. Destroying it cancels and waits for the step under way.
class TuneJob {
public:
  struct State;
  explicit TuneJob(std::unique_ptr<State> state);
  TuneJob(TuneJob &&) noexcept;
  TuneJob &operator=(TuneJob &&) noexcept;
  ~TuneJob();

  /// Whether the result is there.
  bool isDone() const;
  /// Waits for the end; once.
  Result<TuneReport> wait();

private:
  std::unique_ptr<State> state;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_TUNE_H
