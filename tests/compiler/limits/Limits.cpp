//===- Limits.cpp - Measured compilations ---------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The child sends the figures and the errors of each compilation through a pipe; the parent adds the peak of memory.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/limits/Limits.h"
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <gtest/gtest.h>
#include <map>
#include <span>
#include <sstream>
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
  CompileResult result = compile(source, options, Stage::Ptx, [&](Stage stage, std::string_view stageText) {
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

/// The text of stage tile, all that the stages behind it see; "" if there is none.
static std::string programOf(const Source &source, const CompileOptions &options) {
  CompileResult result = compile(source, options, Stage::Tile, {}, {}, {.locations = false});
  return result.kernel ? result.kernel->code : "";
}

/// Writes `outcome` as a line of figures and the errors after it.
static void send(int end, const Outcome &outcome) {
  std::string text = std::to_string(outcome.isCompiled) + " " + std::to_string(outcome.isRefusedForSize) + " " +
                     std::to_string(outcome.isShared) + " " + std::to_string(outcome.seconds) + " " +
                     std::to_string(outcome.nvvmLines) + " " + std::to_string(outcome.ptxLines) + " " +
                     std::to_string(outcome.errors.size()) + "\n" + outcome.errors;
  for (size_t at = 0; at < text.size();) {
    ssize_t written = write(end, text.data() + at, text.size() - at);
    if (written <= 0)
      _exit(1);
    at += size_t(written);
  }
}

/// The outcomes that `text` holds whole.
static std::vector<Outcome> receive(std::string_view text) {
  std::vector<Outcome> outcomes;
  while (text.find('\n') != text.npos) {
    Outcome outcome;
    int isCompiled = 0, isRefused = 0, isShared = 0;
    size_t errorBytes = 0, begin = text.find('\n') + 1;
    std::istringstream line{std::string(text.substr(0, begin))};
    line >> isCompiled >> isRefused >> isShared >> outcome.seconds >> outcome.nvvmLines >> outcome.ptxLines;
    if (!(line >> errorBytes) || text.size() - begin < errorBytes)
      break;
    outcome.isCompiled = isCompiled, outcome.isRefusedForSize = isRefused, outcome.isShared = isShared;
    outcome.errors = text.substr(begin, errorBytes);
    text.remove_prefix(begin + errorBytes);
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

/// Compiles `list` here and sends each outcome to `end`.
static void compileAndSend(int end, const Source &source, std::span<const CompileOptions> list) {
  std::map<std::string, Outcome> programs;
  for (const CompileOptions &options : list) {
    std::string program = list.size() > 1 ? programOf(source, options) : "";
    auto [known, isNew] = programs.try_emplace(program);
    if (isNew || program.empty())
      known->second = compileHere(source, options);
    send(end, known->second);
    known->second.isShared = true;
  }
}

/// The outcomes of one child: of all of `list`, or up to the one that a signal ended.
static std::vector<Outcome> compileInOneChild(const Source &source, std::span<const CompileOptions> list) {
  int ends[2];
  fflush(stdout);
  pid_t child = pipe(ends) ? -1 : fork();
  if (child == 0) {
    close(ends[0]);
    compileAndSend(ends[1], source, list);
    _exit(0);
  }
  if (child < 0)
    return {{.errors = "no child could be made"}};
  close(ends[1]);
  std::string said;
  char part[4096];
  for (ssize_t got; (got = read(ends[0], part, sizeof part)) > 0;)
    said.append(part, size_t(got));
  close(ends[0]);
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  std::vector<Outcome> outcomes = receive(said);
  if (outcomes.size() < list.size())
    outcomes.push_back({.errors = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                                      : "the child ended with " + std::to_string(WEXITSTATUS(status))});
  for (Outcome &outcome : outcomes)
    outcome.kibibytes = usage.ru_maxrss;
  return outcomes;
}

std::vector<Outcome> imbrex::test::compileInChild(const Source &source, const std::vector<CompileOptions> &list) {
  std::vector<Outcome> outcomes;
  while (outcomes.size() < list.size())
    for (Outcome &outcome : compileInOneChild(source, std::span(list).subspan(outcomes.size())))
      outcomes.push_back(std::move(outcome));
  return outcomes;
}

Outcome imbrex::test::compileInChild(const Source &source, const CompileOptions &options) {
  return compileInOneChild(source, {&options, 1}).front();
}

Outcome imbrex::test::compileInChild(const std::string &text, const CompileOptions &options) {
  return compileInChild(Source{"limits.tile", text}, options);
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
  shared += outcome.isShared;
  refused += !outcome.isCompiled;
}

void Worst::print() const {
  printf("%u compiled or refused, %u of them for a program seen before, %u refused for their size; the worst:\n", count,
         shared, refused);
  printf("  %8.2f s                  %s\n", seconds.value, seconds.what.c_str());
  printf("  %8.0f MiB                %s\n", mebibytes.value, mebibytes.what.c_str());
  printf("  %8.0f lines for LLVM     %s\n", nvvmLines.value, nvvmLines.what.c_str());
  printf("  %8.0f lines of PTX       %s\n", ptxLines.value, ptxLines.what.c_str());
}
