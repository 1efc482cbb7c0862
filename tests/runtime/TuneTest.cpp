//===- TuneTest.cpp - Tuning against times that are known -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// That the best is found under noise and within a budget, that candidates that go wrong harm nothing, and that results
// are kept and taken.
//
//===----------------------------------------------------------------------===//

#include "runtime/Race.h"
#include "tests/runtime/ScriptedDevice.h"
#include "tests/runtime/TemporaryDirectory.h"
#include <algorithm>
#include <atomic>
#include <barrier>
#include <cmath>
#include <gtest/gtest.h>
#include <thread>

using namespace imbrex;
using namespace imbrex::testing;
using Behaviour = ScriptedDevice::Behaviour;

namespace {

/// What no machine is too slow for: nothing here is about wall time.
constexpr std::chrono::hours kAnyTime(1);
/// A candidate's first launch, its three rounds, and what the fastest take to be told apart.
constexpr unsigned kMostLaunchesEach = 8;

/// A kernel on a scripted device, with arguments.
struct Bench {
  explicit Bench(ScriptedDevice &device, const std::string &cache = "")
      : runtime(device.open(cache)), kernel(runtime.loadSource({"t.tile", "text"}).value().kernel().value()) {}

  std::vector<Argument> arguments() {
    return {{"X", View(uint64_t(x.data()), DataType::F32, {int64_t(x.size())})},
            {"Z", View(uint64_t(z.data()), DataType::F32, {int64_t(z.size())})}};
  }
  Result<TuneReport> tune(TuneOptions options = {}) {
    options.budget = kAnyTime;
    options.threads = 2;
    return kernel.tune(arguments(), options);
  }
  void launch() { kernel.launch(runtime.stream(), arguments()).value(); }

  Runtime runtime;
  Kernel kernel;
  std::vector<float> x = {1, 2, 3, 4}, z = {-1, -1, -1, -1};
};

const TuneCandidate &find(const TuneReport &report, const Tuning &tuning) {
  for (const TuneCandidate &candidate : report.candidates)
    if (candidate.tuning == tuning)
      return candidate;
  return report.candidates[0];
}

size_t count(const TuneReport &report, TuneOutcome outcome) {
  return size_t(std::count_if(report.candidates.begin(), report.candidates.end(),
                              [&](const TuneCandidate &each) { return each.outcome == outcome; }));
}

const Tuning kOther = {{"A", 0}, {"B", 0}, {"C", 0}}, kStandard = {{"A", 5}, {"B", 5}, {"C", 2}};

/// Without those of the kernel untuned: it is launched with every batch, and how many candidates have been compiled
/// when a batch begins is a matter of the machine.
unsigned launchesOfOthers(const ScriptedDevice &device) { return device.launches() - device.launches(kStandard); }

} // namespace

TEST(Race, ToldApartByRoundsNotByLuck) {
  std::mt19937 random(7);
  std::normal_distribution<double> noise(0, 0.1);
  Race race;
  for (double time : {1.0, 1.3, 1.06, 1.02})
    for (size_t number = race.enter(), i = 0; i < 3; ++i)
      race.record(number, time * std::exp(noise(random)), std::exp(noise(random)));
  std::vector<size_t> early = race.contenders();
  EXPECT_EQ(std::count(early.begin(), early.end(), 1u), 0) << "30 % are seen in three rounds";
  EXPECT_GE(early.size(), 2u) << "2 % are not";
  for (unsigned i = 0; i < 1500; ++i)
    for (auto [number, time] : {std::pair<size_t, double>{0, 1.0}, {2, 1.06}, {3, 1.02}})
      race.record(number, time * std::exp(noise(random)), std::exp(noise(random)));
  EXPECT_EQ(race.contenders(), std::vector<size_t>{0});
  EXPECT_NEAR(race.ratio(2), 1.06, 0.02);
  EXPECT_LT(race.uncertainty(2), 0.01);
}

TEST(Tune, FindsTheBestOf500UnderNoise) {
  ScriptedDevice device(0.1);
  Bench bench(device);
  TuneReport report = bench.tune().value();
  ASSERT_EQ(report.candidates.size(), 500u);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.candidates[0].tuning, kStandard);
  EXPECT_EQ(report.key, "pow2(N)=4");
  EXPECT_EQ(report.lineOf(500), "");
  double found = ScriptedDevice::time(report.candidates[report.best].tuning);
  EXPECT_LE(found, 1.05 * ScriptedDevice::time(ScriptedDevice::best())) << report.lineOf(report.best);
  EXPECT_NEAR(report.candidates[report.best].ratio, found / ScriptedDevice::time(kStandard), 0.05);
  auto isTimedOn = [&](const TuneCandidate &each) { return device.launches(each.tuning) > 1 + 3; };
  EXPECT_LT(std::count_if(report.candidates.begin(), report.candidates.end(), isTimedOn), 100)
      << "after its first launch and three rounds nearly every one is known to be slower";
  EXPECT_EQ(bench.z, std::vector<float>(4, -1)) << "the caller's output is never written";
}

TEST(Tune, LaunchesTakeWhatWasFound) {
  TemporaryDirectory cache;
  ScriptedDevice device;
  {
    Bench bench(device, cache.path());
    bench.launch();
    EXPECT_EQ(device.lastLaunched(), kStandard);
    Kernel copy = bench.kernel, pinned = bench.kernel;
    pinned.set("A", 9);
    TuneJob job = bench.kernel.tuneInBackground(bench.arguments(), {.threads = 1}).value();
    bench.launch(); // meanwhile
    TuneReport report = job.wait().value();
    EXPECT_EQ(report.candidates[report.best].tuning, ScriptedDevice::best());
    bench.launch();
    EXPECT_EQ(device.lastLaunched(), ScriptedDevice::best());
    copy.launch(bench.runtime.stream(), bench.arguments()).value();
    EXPECT_EQ(device.lastLaunched(), ScriptedDevice::best());
    pinned.launch(bench.runtime.stream(), bench.arguments()).value();
    EXPECT_EQ(device.lastLaunched(), (Tuning{{"A", 9}, {"B", 5}, {"C", 2}})) << "what is set stays";
    bench.x.resize(5), bench.z.resize(5);
    bench.launch();
    EXPECT_EQ(device.lastLaunched(), kStandard) << "another key";
  }
  Bench later(device, cache.path()); // as another process finds it
  later.launch();
  EXPECT_EQ(device.lastLaunched(), ScriptedDevice::best());
  EXPECT_FALSE(later.kernel.tuneInBackground({})) << "arguments are checked first";
}

TEST(Tune, GoesOnWhereARunWasCutOff) {
  TemporaryDirectory cache;
  ScriptedDevice device;
  TuneOptions options{.threads = 1};
  Cancellation cancellation;
  options.cancellation = cancellation;
  options.progress = [&](const TuneProgress &progress) {
    if (progress.done > 100)
      cancellation.cancel();
  };
  TuneReport part = Bench(device, cache.path()).tune(options).value();
  EXPECT_FALSE(part.complete);
  size_t measured = count(part, TuneOutcome::Measured);
  EXPECT_GT(measured, 90u);
  EXPECT_LT(measured, 200u);
  unsigned before = launchesOfOthers(device);
  TuneReport rest = Bench(device, cache.path()).tune().value();
  EXPECT_TRUE(rest.complete);
  EXPECT_EQ(rest.candidates[rest.best].tuning, ScriptedDevice::best());
  EXPECT_LT(launchesOfOthers(device) - before, (500 - measured) * kMostLaunchesEach);
  before = device.launches();
  EXPECT_TRUE(Bench(device, cache.path()).tune().value().complete);
  EXPECT_LT(device.launches() - before, 400u) << "all is known, but for which of the fastest is";
}

TEST(Tune, TwoShareTheWork) {
  TemporaryDirectory cache;
  ScriptedDevice first, second;
  TuneReport a, b;
  constexpr unsigned kTogether = 5; // Steps that neither takes before the other.
  std::barrier together(2);
  auto tuneOn = [&](ScriptedDevice &device, TuneReport &report) {
    TuneOptions options;
    options.progress = [&, steps = 0u](const TuneProgress &) mutable {
      if (steps++ < kTogether)
        together.arrive_and_wait();
    };
    report = Bench(device, cache.path()).tune(options).value();
  };
  std::thread other([&] { tuneOn(first, a); });
  tuneOn(second, b);
  other.join();
  EXPECT_TRUE(a.complete && b.complete);
  EXPECT_EQ(a.candidates[a.best].tuning, ScriptedDevice::best());
  EXPECT_EQ(b.candidates[b.best].tuning, ScriptedDevice::best());
  unsigned twice = 0;
  for (const TuneCandidate &candidate : a.candidates)
    twice += first.launches(candidate.tuning) > 0 && second.launches(candidate.tuning) > 0;
  EXPECT_LT(twice, 40u) << "only what may be the fastest is timed by both";
  EXPECT_GE(std::min(launchesOfOthers(first), launchesOfOthers(second)), kTogether * 4) << "both work";
}

namespace {

/// One of many threads on one runtime: every fourth tunes, the others launch what is bound, pinned or loaded anew.
/// Counts what went wrong.
unsigned workBeside(const Runtime &runtime, const Kernel &shared, unsigned number) {
  std::vector<float> x(size_t(4) << number / 4 % 2, 1.5f), z(x.size());
  std::vector<Argument> arguments = {{"X", View(uint64_t(x.data()), DataType::F32, {int64_t(x.size())})},
                                     {"Z", View(uint64_t(z.data()), DataType::F32, {int64_t(z.size())})}};
  Kernel mine = shared; // NOLINT(performance-unnecessary-copy-initialization): threads copy it at once
  if (number % 4 == 0) {
    Result<TuneReport> report = mine.tune(arguments, {.budget = kAnyTime, .threads = 2});
    return !report || !report->complete || report->candidates.empty();
  }
  unsigned wrong = 0;
  for (int64_t i = 0; i < 100; ++i) {
    std::fill(z.begin(), z.end(), 0.0f);
    Kernel next = mine;
    if (number % 4 == 2)
      next.set("A", i % 10);
    else if (number % 4 == 3)
      next = runtime.loadSource({"t" + std::to_string(i) + ".tile", "text"}).value().kernel().value();
    wrong += !next.launch(runtime.stream(), arguments) || z != std::vector<float>(x.size(), 3.0f);
  }
  return wrong;
}

} // namespace

TEST(Tune, SixteenThreadsLaunchTuneAndLoadAtOnce) {
  TemporaryDirectory cache;
  ScriptedDevice device;
  Bench bench(device, cache.path());
  std::vector<std::thread> threads;
  std::atomic<unsigned> wrong = 0;
  for (unsigned number = 0; number < 16; ++number)
    threads.emplace_back([&, number] { wrong += workBeside(bench.runtime, bench.kernel, number); });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(device.launches(), 12u * 100);
}

// As at a launch, though it would be copies that are tuned.
TEST(Tune, AnOutputSharesNoMemory) {
  ScriptedDevice device;
  Bench bench(device);
  std::vector<Argument> arguments = bench.arguments();
  arguments[1].view.address = arguments[0].view.address + 4;
  Result<TuneReport> report = bench.kernel.tune(arguments);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().message,
            "argument 'Z' is stored to, but overlaps argument 'X' in memory: give it memory of its own");
  EXPECT_EQ(device.launches(), 0u);
}

TEST(Tune, WrongResultsAreRefused) {
  ScriptedDevice device;
  device.script(ScriptedDevice::best(), Behaviour::Wrong);
  device.script(kOther, Behaviour::OtherBits);
  TuneReport report = Bench(device).tune().value();
  const TuneCandidate &wrong = find(report, ScriptedDevice::best());
  EXPECT_EQ(wrong.outcome, TuneOutcome::Wrong);
  EXPECT_EQ(wrong.why, "of its results, element 0 is 3 instead of 2");
  EXPECT_EQ(device.launches(ScriptedDevice::best()), 1u);
  EXPECT_NE(report.candidates[report.best].tuning, ScriptedDevice::best());
  EXPECT_EQ(find(report, kOther).outcome, TuneOutcome::Measured) << "a rounding is no mistake";
  EXPECT_FALSE(find(report, kOther).sameBits);
  report = Bench(device).tune({.deterministic = true}).value();
  EXPECT_EQ(find(report, kOther).why, "its results differ in their last bits");
}

// A candidate that hangs or breaks the context ends the run with an Error, and is known to the next one.
TEST(Tune, WhatLosesTheDeviceIsNotTriedAgain) {
  for (Behaviour behaviour : {Behaviour::Hangs, Behaviour::Faults}) {
    TemporaryDirectory cache;
    ScriptedDevice device;
    device.script(kOther, behaviour);
    {
      Bench bench(device, cache.path());
      Result<TuneReport> report = bench.tune({.patience = std::chrono::milliseconds(400)});
      ASSERT_FALSE(report);
      EXPECT_EQ(report.error().kind, ErrorKind::Fault);
      EXPECT_NE(report.error().message.find("A=0, B=0, C=0"), std::string::npos) << report.error().message;
    }
    device.reset();
    TuneReport report = Bench(device, cache.path()).tune().value();
    EXPECT_EQ(device.launches(kOther), 1u);
    EXPECT_EQ(find(report, kOther).outcome, behaviour == Behaviour::Hangs ? TuneOutcome::Hung : TuneOutcome::Faulted);
    EXPECT_EQ(report.candidates[report.best].tuning, ScriptedDevice::best());
  }
}

TEST(Tune, AShortageOfMemoryIsNotKept) {
  TemporaryDirectory cache;
  ScriptedDevice device;
  device.script(ScriptedDevice::best(), Behaviour::NoMemory);
  TuneReport report = Bench(device, cache.path()).tune().value();
  const TuneCandidate &best = find(report, ScriptedDevice::best());
  EXPECT_EQ(best.outcome, TuneOutcome::Failed);
  EXPECT_EQ(best.why, "kernel 'tuned' of t.tile was not compiled: host memory is short");
  device.script(ScriptedDevice::best(), Behaviour::Right);
  report = Bench(device, cache.path()).tune().value();
  EXPECT_EQ(report.candidates[report.best].tuning, ScriptedDevice::best());
}

TEST(Tune, ASimulatedDeviceIsRankedByTheModelAndSaysSo) {
  ScriptedDevice device(0, /*simulated=*/true);
  TuneReport report = Bench(device).tune().value();
  EXPECT_EQ(device.launches(), 0u) << "nothing is launched";
  EXPECT_TRUE(report.simulated && report.complete);
  EXPECT_EQ(report.candidates[report.best].tuning, ScriptedDevice::best());
  for (size_t i = 0; i < report.candidates.size(); ++i)
    EXPECT_NE(report.lineOf(i).find("not measured"), std::string::npos) << report.lineOf(i);
}

// What gives the very bits of the kernel untuned is known of what was launched: here of nothing else.
TEST(Tune, DeterministicOnASimulatedDeviceIsTheKernelUntuned) {
  ScriptedDevice device(0, /*simulated=*/true);
  TuneReport report = Bench(device).tune({.deterministic = true}).value();
  EXPECT_EQ(report.best, 0u);
  EXPECT_NE(find(report, kOther).why.find("whether its bits are the same is not known"), std::string::npos)
      << find(report, kOther).why;
}
