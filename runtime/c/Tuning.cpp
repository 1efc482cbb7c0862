//===- Tuning.cpp - Tuning of the C interface -----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernel::tune and Kernel::tuneInBackground; reports are their JSON.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Answer.h"
#include "runtime/c/Arguments.h"
#include "runtime/c/Objects.h"
#include "runtime/c/Structs.h"

using namespace imbrex;
using namespace imbrex::c;

static Result<TuneOptions> optionsOf(const imbrex_tune_options *given) {
  imbrex_tune_options read = {};
  if (given)
    if (Result<void> done = readStruct(given, read, "options"); !done)
      return done.takeError();
  if (read.reserved)
    return argumentError("'options.reserved' is " + std::to_string(read.reserved) + ", and must be 0");
  TuneOptions options;
  if (read.budget_milliseconds)
    options.budget = std::chrono::milliseconds(read.budget_milliseconds);
  if (read.patience_milliseconds)
    options.patience = std::chrono::milliseconds(read.patience_milliseconds);
  options.threads = read.threads;
  options.rounding = read.rounding != 0;
  options.deterministic = read.deterministic != 0;
  options.again = read.again != 0;
  if (imbrex_progress tell = read.progress) {
    Cancellation end;
    options.cancellation = end;
    options.progress = [tell, data = read.progress_data, end](const TuneProgress &is) {
      if (tell(data, is.done, is.candidates, is.bestRatio, is.seconds, is.secondsLeft) != 0)
        end.cancel();
    };
  }
  return options;
}

/// The report as JSON, if it is asked for.
static Result<void> giveReport(char **report, Result<TuneReport> result) {
  if (!result)
    return result.takeError();
  if (report)
    *report = copyText(validText(result->toJson()));
  return {};
}

/// The options of a search, and the arguments of its launches.
static Result<TuneOptions> readSearch(const imbrex_argument *arguments, size_t count,
                                      const imbrex_tune_options *options, ArgumentList &list) {
  if (Result<void> read = readArguments(arguments, count, list); !read)
    return read.takeError();
  return optionsOf(options);
}

imbrex_status imbrex_kernel_tune(const imbrex_kernel *kernel, const imbrex_argument *arguments, size_t count,
                                 const imbrex_tune_options *options, char **report, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}}, [&]() -> Result<void> {
    ArgumentList list;
    Result<TuneOptions> chosen = readSearch(arguments, count, options, list);
    if (!chosen)
      return chosen.takeError();
    return giveReport(report, kernel->kernel.tune(std::span<const Argument>(list), *chosen));
  });
}

imbrex_status imbrex_kernel_tune_in_background(const imbrex_kernel *kernel, const imbrex_argument *arguments,
                                               size_t count, const imbrex_tune_options *options, imbrex_tuning **tuning,
                                               imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}, {tuning, "tuning"}}, [&]() -> Result<void> {
    ArgumentList list;
    Result<TuneOptions> chosen = readSearch(arguments, count, options, list);
    if (!chosen)
      return chosen.takeError();
    return give(tuning, kernel->kernel.tuneInBackground(std::span<const Argument>(list), std::move(*chosen)),
                [&](TuneJob job) { return new imbrex_tuning{kernel->runtime, std::move(job)}; });
  });
}

uint32_t imbrex_tuning_is_done(const imbrex_tuning *tuning) { return !tuning || tuning->job.isDone(); }

imbrex_status imbrex_tuning_wait(imbrex_tuning *tuning, char **report, imbrex_error **error) {
  return answer(error, {{tuning, "tuning"}}, [&] { return giveReport(report, tuning->job.wait()); });
}

void imbrex_tuning_free(imbrex_tuning *tuning) { delete tuning; }
