//===- Tune.cpp - The best tuning of a kernel on this device --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tuning in the caller's thread and in one of its own.
//
//===----------------------------------------------------------------------===//

#include "runtime/Tune.h"
#include "runtime/Tuner.h"
#include <atomic>

using namespace imbrex;

struct TuneJob::State {
  TuneOptions options;
  Cancellation cancellation;
  std::unique_ptr<Tuner> tuner;
  std::optional<Result<TuneReport>> report;
  std::atomic<bool> done = false;
  std::thread thread;

  ~State() {
    cancellation.cancel();
    if (thread.joinable())
      thread.join();
  }
};

TuneJob::TuneJob(std::unique_ptr<State> state) : state(std::move(state)) {}
TuneJob::TuneJob(TuneJob &&) noexcept = default;
TuneJob &TuneJob::operator=(TuneJob &&) noexcept = default;
TuneJob::~TuneJob() = default;

bool TuneJob::isDone() const { return !state || state->done; }

Result<TuneReport> TuneJob::wait() {
  if (!state)
    return Error{ErrorKind::Argument, "this tuning was waited for, or moved from"};
  std::unique_ptr<State> ended = std::move(state);
  ended->thread.join();
  return std::move(*ended->report);
}

Result<TuneReport> Kernel::tune(Arguments arguments, const TuneOptions &options) const {
  Result<Call> call = resolveSequences(*state, arguments);
  if (!call)
    return call.takeError();
  Tuner tuner(call->kernel->shared_from_this(), options);
  if (Result<void> begun = tuner.begin(call->arguments()); !begun)
    return begun.takeError();
  return tuner.run();
}

Result<TuneJob> Kernel::tuneInBackground(Arguments arguments, TuneOptions options) const {
  Result<Call> call = resolveSequences(*state, arguments);
  if (!call)
    return call.takeError();
  auto job = std::make_unique<TuneJob::State>();
  if (options.cancellation)
    job->cancellation = *options.cancellation;
  job->options = std::move(options);
  job->options.cancellation = job->cancellation;
  job->tuner = std::make_unique<Tuner>(call->kernel->shared_from_this(), job->options);
  if (Result<void> begun = job->tuner->begin(call->arguments()); !begun)
    return begun.takeError();
  job->thread = std::thread([own = job.get()] {
    own->report = own->tuner->run();
    own->done = true;
  });
  return TuneJob(std::move(job));
}
