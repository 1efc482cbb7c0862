//===- Tune.cpp - imbrex tune ---------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the best tuning of a kernel for arrays of given shapes, and carries results from one cache to another. Runs in
// a child: where a candidate loses the device, another child goes on without that candidate.
//
//===----------------------------------------------------------------------===//

#include "runtime/TunePack.h"
#include "tools/imbrex/Guard.h"
#include "tools/imbrex/KernelRun.h"
#include "tools/imbrex/TunePicture.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::tool;

/// Candidates that are told in the terminal, the fastest first.
static constexpr size_t kTold = 10;

static int movePack(const Request &request) {
  const std::string cache = cacheDirectoryOf(request);
  bool isImport = !request.importPack.empty();
  Result<size_t> moved = isImport ? importTuning(cache, request.importPack) : exportTuning(cache, request.exportPack);
  if (!moved) {
    llvm::errs() << "error: " << moved.error().render();
    return kUserError;
  }
  llvm::outs() << *moved << " results of tuning "
               << (isImport ? "taken from " + request.importPack : "written to " + request.exportPack) << "\n";
  return kSuccess;
}

static void showProgress(const TuneProgress &progress) {
  llvm::errs() << llvm::formatv("\r{0} of {1} candidates, best {2:F3}, {3:F0} s, {4:F0} s left   ", progress.done,
                                progress.candidates, progress.bestRatio, progress.seconds, progress.secondsLeft);
}

/// How many candidates have each outcome, the commonest first: "120 estimated, 20 refused".
static std::string countsOf(const TuneReport &report) {
  std::map<std::string_view, size_t> counts;
  for (const TuneCandidate &candidate : report.candidates)
    ++counts[name(candidate.outcome)];
  std::vector<std::pair<std::string_view, size_t>> list(counts.begin(), counts.end());
  llvm::sort(list,
             [](const auto &a, const auto &b) { return std::pair(b.second, a.first) < std::pair(a.second, b.first); });
  std::string text;
  for (const auto &[outcome, count] : list)
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(outcome);
  return text;
}

static void print(const TuneReport &report) {
  llvm::raw_ostream &os = llvm::outs();
  os << "kernel " << report.kernel << ", key " << report.key << "\n";
  os << report.candidates.size() << " candidates: " << countsOf(report)
     << llvm::formatv(", {0:F1} s{1}\n", report.seconds, report.complete ? "" : ", the budget is spent");
  std::vector<size_t> timed;
  for (size_t i = 0; i < report.candidates.size(); ++i)
    if (report.candidates[i].ratio > 0)
      timed.push_back(i);
  llvm::sort(timed, [&](size_t a, size_t b) {
    return std::pair(report.candidates[a].ratio, a) < std::pair(report.candidates[b].ratio, b);
  });
  os << "best:    " << report.lineOf(report.best) << "\n";
  os << "untuned: " << report.lineOf(0) << "\n";
  for (size_t i : llvm::ArrayRef(timed).take_front(kTold))
    os << "         " << report.lineOf(i) << "\n";
}

int tool::tune(const Request &request) {
  if (!request.importPack.empty() || !request.exportPack.empty())
    return movePack(request);
  KernelRun run(request);
  if (!run.open())
    return run.printMessages(), run.code;
  run.isForShapes = run.runtime->device().simulated;
  if (!run.readArguments() || !run.allocateOutputs() || !run.allocateOtherOutputs())
    return run.printMessages(), run.code;
  TuneOptions options = request.tune;
  if (!request.json && isatty(STDERR_FILENO))
    options.progress = showProgress;
  Result<TuneReport> report = run.kernel->tune(std::span<const Argument>(run.arguments), options);
  if (options.progress)
    llvm::errs() << "\n";
  if (report && request.json)
    llvm::outs() << report->toJson() << "\n";
  else if (report)
    print(*report);
  else
    run.fail(report.error());
  if (report && !request.picture.empty() && !writeText(request.picture, tunePicture(*report)))
    run.code = kUserError;
  run.printMessages();
  return run.code;
}

int tool::tuneInChildren(const Request &request, int count, const char *const *words) {
  constexpr unsigned kMostChildren = 32;
  for (unsigned child = 1;; ++child) {
    int code = runGuarded(request, count, words, tune);
    if (code != kLaunchFailed || child == kMostChildren || cacheDirectoryOf(request).empty())
      return code;
    llvm::errs() << "note: tuning goes on without that candidate\n";
  }
}
