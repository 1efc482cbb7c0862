//===- Limits.cpp - Measured compilations ---------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The child sends its figures and its errors through a pipe; the parent adds the peak of memory.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/limits/Limits.h"
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::test;

/// What only a compilation that never ends takes, on any machine.
static constexpr std::chrono::minutes kHang(5);
/// Of a stage's text: about twice the instructions that the compiler takes, as constants and names are lines too.
static constexpr size_t kMostLines = 65536;
/// Far from what any text takes (some 100 MiB); the bound of what a host may be asked for.
static constexpr long kMostKibibytes = 1 << 20;

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
static constexpr bool kMemoryIsOurs = false; ///< most of it is the sanitizer's
#else
static constexpr bool kMemoryIsOurs = true;
#endif

static double threadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

static size_t linesOf(std::string_view text) { return size_t(std::count(text.begin(), text.end(), '\n')); }

static Outcome compileHere(const Source &source, CompileOptions options) {
  options.budget.time = kHang;
  Outcome outcome;
  double begin = threadSeconds();
  CompileResult result =
      compile(source, options, Stage::Ptx, [&](Stage stage, std::string_view stageText) {
        if (stage == Stage::Nvvm)
          outcome.nvvmLines = linesOf(stageText);
      });
  outcome.seconds = threadSeconds() - begin;
  outcome.isCompiled = result.kernel.has_value();
  outcome.errors = result.errors();
  outcome.ptxLines = result.kernel ? linesOf(result.kernel->code) : 0;
  outcome.isRefusedForSize =
      result.limit() != SizeLimit::None || outcome.errors.find("a number may have") != std::string::npos;
  return outcome;
}

/// Writes `outcome` as a line of figures and the errors after it.
static void send(int end, const Outcome &outcome) {
  std::string text = std::to_string(outcome.isCompiled) + " " + std::to_string(outcome.isRefusedForSize) + " " +
                     std::to_string(outcome.seconds) + " " + std::to_string(outcome.nvvmLines) + " " +
                     std::to_string(outcome.ptxLines) + "\n" + outcome.errors;
  for (size_t at = 0; at < text.size();) {
    ssize_t written = write(end, text.data() + at, text.size() - at);
    if (written <= 0)
      _exit(1);
    at += size_t(written);
  }
}

static Outcome receive(const std::string &text) {
  Outcome outcome;
  int isCompiled = 0, isRefused = 0, read = 0;
  if (sscanf(text.c_str(), "%d %d %lf %zu %zu\n%n", &isCompiled, &isRefused, &outcome.seconds, &outcome.nvvmLines,
             &outcome.ptxLines, &read) < 5)
    return outcome;
  outcome.isCompiled = isCompiled, outcome.isRefusedForSize = isRefused;
  outcome.errors = text.substr(size_t(read));
  return outcome;
}

Outcome imbrex::test::compileInChild(const std::string &text, const CompileOptions &options) {
  return compileInChild(Source{"limits.tile", text}, options);
}

Outcome imbrex::test::compileInChild(const Source &source, const CompileOptions &options) {
  Outcome outcome;
  int ends[2];
  fflush(stdout);
  pid_t child = pipe(ends) ? -1 : fork();
  if (child == 0) {
    close(ends[0]);
    send(ends[1], compileHere(source, options));
    _exit(0);
  }
  if (child < 0) {
    outcome.errors = "no child could be made";
    return outcome;
  }
  close(ends[1]);
  std::string said;
  char part[4096];
  for (ssize_t got; (got = read(ends[0], part, sizeof part)) > 0;)
    said.append(part, size_t(got));
  close(ends[0]);
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  outcome = receive(said);
  outcome.kibibytes = usage.ru_maxrss;
  if (WIFSIGNALED(status))
    outcome.errors = "signal " + std::to_string(WTERMSIG(status));
  return outcome;
}

void imbrex::test::expectWithinLimits(const std::string &what, const Outcome &outcome) {
  printf("%-74s %6.2f s %5ld MiB %6zu %6zu lines  %s%s\n", what.c_str(), outcome.seconds, outcome.kibibytes / 1024,
         outcome.nvvmLines, outcome.ptxLines, outcome.isCompiled ? "" : "refused",
         kMemoryIsOurs ? "" : ", memory not judged under a sanitizer");
  EXPECT_LE(outcome.nvvmLines, kMostLines) << what;
  EXPECT_LE(outcome.ptxLines, kMostLines) << what;
  if (kMemoryIsOurs)
    EXPECT_LE(outcome.kibibytes, kMostKibibytes) << what;
  if (outcome.isCompiled)
    return;
  EXPECT_TRUE(outcome.isRefusedForSize) << what << ": " << outcome.errors;
  EXPECT_EQ(outcome.nvvmLines, 0u) << what << ": refused only when LLVM had it: " << outcome.errors;
  EXPECT_NE(outcome.errors.find_first_of("0123456789", outcome.errors.find("error: ")), std::string::npos)
      << what << ": no number in " << outcome.errors;
}

void Worst::add(const std::string &what, const Outcome &outcome) {
  auto take = [&](Figure &figure, double value) {
    if (value > figure.value)
      figure = {value, what};
  };
  take(seconds, outcome.seconds);
  take(mebibytes, double(outcome.kibibytes) / 1024);
  take(nvvmLines, double(outcome.nvvmLines));
  take(ptxLines, double(outcome.ptxLines));
  ++count;
  refused += !outcome.isCompiled;
}

void Worst::print() const {
  printf("%u compiled or refused, %u of them refused for their size; the worst:\n", count, refused);
  printf("  %8.2f s                  %s\n", seconds.value, seconds.what.c_str());
  printf("  %8.0f MiB                %s\n", mebibytes.value, mebibytes.what.c_str());
  printf("  %8.0f lines for LLVM     %s\n", nvvmLines.value, nvvmLines.what.c_str());
  printf("  %8.0f lines of PTX       %s\n", ptxLines.value, ptxLines.what.c_str());
}
