//===- ProcessTest.cpp - Many processes, killed processes, forks ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a cache and a runtime stand: processes that begin at once on nothing, that are killed at any moment, that fork
// while others launch, clocks that are set, directories of very many entries, very many launches. Each prints its
// figures. --long takes the numbers that are promised.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/FakeCompiler.h"
#include "tests/runtime/TemporaryDirectory.h"
#include "tests/support/RunMode.h"
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <malloc.h>
#include <random>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::testing;
using Clock = std::chrono::steady_clock;

namespace {

CacheKey keyOf(unsigned number) {
  CacheKey key;
  key.add("number", std::to_string(number));
  return key;
}

/// A runtime on a fake device with a cache, and one launch of scale_add with that BLOCK; whether its result is right.
bool launchOnce(const std::string &cache, int64_t block) {
  FakeDriver driver;
  FakeCompiler compiler;
  addFakeKernels(driver);
  RuntimeOptions options = fakeOptions(driver.table(), compiler);
  options.cacheDirectory = cache;
  Result<Runtime> runtime = Runtime::openWith(options);
  if (!runtime)
    return false;
  alignas(16) float x[4] = {1, 2, 3, 4}, z[4] = {};
  View in(uint64_t(x), DataType::F32, {4}), out(uint64_t(z), DataType::F32, {4});
  Kernel kernel = runtime->loadSource({"a.tile", ""}).value().kernel("scale_add").value().set("BLOCK", block);
  Result<void> done = kernel.launch(runtime->stream(), {{"X", in}, {"Y", in}, {"Z", out}, {"alpha", 2.0}});
  return done && z[3] == 12;
}

/// Runs `body` in a child, which ends with 0 if it gave true.
template <typename Body> pid_t inChild(const Body &body) {
  pid_t child = fork();
  if (child == 0) {
    alarm(60); // a child that hangs is a failure, not a hang of the test
    _exit(body() ? 0 : 1);
  }
  return child;
}

bool endedWell(pid_t child) {
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

TEST(Processes, ThirtyTwoBeginAtOnceOnAnEmptyCache) {
  TemporaryDirectory directory;
  const std::string cache = directory.path() + "/deep/cache";
  int go[2];
  ASSERT_EQ(pipe(go), 0);
  std::vector<pid_t> children;
  for (unsigned i = 0; i < 32; ++i)
    children.push_back(inChild([&] {
      char byte;
      close(go[1]);
      (void)!read(go[0], &byte, 1); // until all are there
      bool good = true;
      for (int64_t block = 1; block <= 8; ++block)
        good &= launchOnce(cache, block);
      return good;
    }));
  close(go[0]), close(go[1]);
  unsigned good = 0;
  for (pid_t child : children)
    good += endedWell(child);
  EXPECT_EQ(good, 32u);
  DiskCache::Statistics found = DiskCache::open(cache).value().verify().value();
  EXPECT_EQ(found.entries, 8u);
  EXPECT_EQ(found.damaged, 0u);
}

TEST(Processes, KilledAtAnyMomentTheyDamageNothing) {
  TemporaryDirectory directory;
  std::mt19937 random(7);
  unsigned kills = isLongRun() ? 1000 : 60;
  uint64_t known = 0, all = 0;
  for (unsigned kill = 0; kill < kills; ++kill) {
    constexpr unsigned kOneCache = 20; // kills: all of it is read after each
    const std::string cache = directory.path() + "/" + std::to_string(kill / kOneCache);
    if (kill % kOneCache == 0)
      known = 0;
    pid_t child = inChild([&] {
      DiskCache own = DiskCache::open(cache).value();
      for (unsigned i = 0;; ++i)
        (void)own.store(keyOf(kill * 1000 + i), {"a.tile", "{}", std::string(30000, 'p'), "m", "l"});
      return true;
    });
    usleep(random() % 40000);
    ::kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    if (!std::filesystem::exists(cache))
      continue;
    DiskCache::Statistics found = DiskCache::open(cache).value().verify().value();
    EXPECT_EQ(found.damaged, 0u) << "kill " << kill;
    EXPECT_GE(found.entries, known);
    all += found.entries - known;
    known = found.entries;
  }
  std::printf("%u kills, %llu whole entries\n", kills, static_cast<unsigned long long>(all));
  EXPECT_GT(all, 0u);
}

TEST(Processes, AChildOfForkOpensARuntimeOfItsOwnWhileOthersLaunch) {
  TemporaryDirectory directory;
  std::atomic<bool> isOver = false;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 2; ++i)
    threads.emplace_back([&, i] {
      for (int64_t block = 0; !isOver; ++block)
        launchOnce(directory.path(), 1 + 100 * i + block % 50);
    });
  unsigned good = 0, forks = isLongRun() ? 300 : 30;
  for (unsigned i = 0; i < forks; ++i)
    good += endedWell(inChild([&] { return launchOnce(directory.path(), 7); }));
  isOver = true;
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(good, forks);
}

TEST(Processes, TwoRuntimesOnOneDevice) {
  FakeDriver driver;
  FakeCompiler compiler;
  addFakeKernels(driver);
  alignas(16) float x[4] = {1, 2, 3, 4}, z[4] = {};
  View in(uint64_t(x), DataType::F32, {4}), out(uint64_t(z), DataType::F32, {4});
  std::vector<Argument> arguments = {{"X", in}, {"Y", in}, {"Z", out}, {"alpha", 2.0}};
  Runtime second = Runtime::openWith(fakeOptions(driver.table(), compiler)).value();
  Kernel kernel = second.loadSource({"a.tile", ""}).value().kernel("scale_add").value();
  {
    Runtime first = Runtime::openWith(fakeOptions(driver.table(), compiler)).value();
    Kernel other = first.loadSource({"a.tile", ""}).value().kernel("scale_add").value();
    other.launch(first.stream(), arguments).value();
    kernel.launch(second.stream(), arguments).value();
    EXPECT_EQ(other.launch(second.stream(), arguments).error().kind, ErrorKind::Argument);
  }
  z[3] = 0;
  kernel.launch(second.stream(), arguments).value();
  EXPECT_EQ(z[3], 12) << "the end of the other changes nothing";
  EXPECT_EQ(driver.alive().contexts, 1);
}

TEST(Processes, LaunchesWithChangingShapesDoNotGrow) {
  FakeDriver driver;
  FakeCompiler compiler;
  addFakeKernels(driver);
  Runtime runtime = Runtime::openWith(fakeOptions(driver.table(), compiler)).value();
  Kernel kernel = runtime.loadSource({"a.tile", ""}).value().kernel("attention").value();
  auto launch = [&](int64_t length) {
    auto data = [&](int64_t heads, uint64_t address) { return View(address, DataType::F16, {2, length, heads, 64}); };
    return kernel.launch(runtime.stream(), {{"Q", data(6, 4096)},
                                            {"K", data(2, 4096)},
                                            {"V", data(2, 4096)},
                                            {"O", data(6, uint64_t(1) << 40)},
                                            {"scale", 0.5f}});
  };
  unsigned count = isLongRun() ? 1000000 : 100000;
  for (int64_t i = 1; i <= 2000; ++i)
    launch(i).value();
  size_t before = mallinfo2().uordblks;
  for (unsigned i = 0; i < count; ++i)
    launch(1 + i % 5000).value();
  size_t after = mallinfo2().uordblks;
  EXPECT_LE(after, before + 4096) << "after " << count << " launches";
}

TEST(Processes, ClocksThatAreSetLoseAndKeepNothingForEver) {
  TemporaryDirectory directory;
  auto set = [&](const std::filesystem::path &file, time_t seconds) {
    struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  };
  const CacheEntry entry{"a.tile", "{}", std::string(1000, 'p'), "m", "l"};
  DiskCache cache = DiskCache::open(directory.path(), 20000).value();
  const time_t now = time(nullptr), year = 365 * 24 * 3600;
  cache.store(keyOf(0), entry).value();
  for (const auto &file : std::filesystem::directory_iterator(directory.path()))
    set(file.path(), now + year);
  EXPECT_TRUE(cache.find(keyOf(0))) << "of the future";
  const std::string digest(64, 'a');
  for (time_t at : {now - year, now + year, now}) {
    std::string name = directory.path() + "/" + digest + ".tmp." + std::to_string(at);
    std::ofstream(name) << "left";
    set(name, at);
  }
  for (unsigned i = 1; i < 200; ++i)
    cache.store(keyOf(i), entry).value();
  EXPECT_LE(cache.statistics().value().bytes, 20000u + 20000u / 64 + 2000u);
  unsigned left = 0;
  for (const auto &file : std::filesystem::directory_iterator(directory.path()))
    left += file.path().string().find(".tmp.") != std::string::npos;
  EXPECT_EQ(left, 1u) << "only what may have a writer";
}

namespace {
/// Milliseconds of 300 stores.
struct StoreTimes {
  double median, longest, processor; ///< `processor`: the mean of what the process has had of it
};
} // namespace

static StoreTimes timeStores(const std::string &directory, unsigned first) {
  constexpr unsigned kStores = 300;
  const CacheEntry entry{"a.tile", "{}", "p", "m", "l"};
  DiskCache cache = DiskCache::open(directory, uint64_t(1) << 40).value(); // as the next process sees it
  std::vector<double> times;
  auto processor = [] {
    struct timespec now = {};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return 1e3 * double(now.tv_sec) + 1e-6 * double(now.tv_nsec);
  };
  double before = processor();
  for (unsigned i = 0; i < kStores; ++i) {
    Clock::time_point start = Clock::now();
    cache.store(keyOf(first + i), entry).value();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  double had = (processor() - before) / kStores;
  std::sort(times.begin(), times.end());
  EXPECT_GE(cache.statistics().value().entries, first + kStores);
  return {times[kStores / 2], times.back(), had};
}

/// Of wall time the disk's waits are the most, and other programs': what stores take of the processor is judged.
TEST(Processes, StoringStaysShortInALargeDirectory) {
  TemporaryDirectory directory, empty;
  unsigned entries = isLongRun() ? 200000 : 2000;
  DiskCache cache = DiskCache::open(directory.path(), uint64_t(1) << 40).value();
  constexpr unsigned kLinks = 30000; // of one file: names that are made in a moment
  auto path = [&](unsigned i) { return directory.path() + "/" + keyOf(i).digest() + ".imbrex"; };
  for (unsigned i = 0; i < entries; ++i)
    if (i % kLinks == 0)
      cache.store(keyOf(i), {"a.tile", "{}", "p", "m", "l"}).value();
    else
      ASSERT_EQ(link(path(i / kLinks * kLinks).c_str(), path(i).c_str()), 0);
  StoreTimes few = timeStores(empty.path(), 0), many = timeStores(directory.path(), entries);
  for (const auto &[count, times] : {std::pair(0u, few), {entries, many}})
    std::printf("a store among %u entries: median %.2f ms, longest %.2f ms, of the processor %.3f ms\n", count,
                times.median, times.longest, times.processor);
  EXPECT_LT(many.processor, 2);
}
