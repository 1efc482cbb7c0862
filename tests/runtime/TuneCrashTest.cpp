//===- TuneCrashTest.cpp - Tuning that is killed at any moment ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A child tunes on a scripted device and is killed after a random time, again and again, until a child is done: no
// record is ever damaged, none that was there is lost, and the best is found. --long goes on for hundreds of kills.
//
//===----------------------------------------------------------------------===//

#include "runtime/DiskCache.h"
#include "tests/runtime/ScriptedDevice.h"
#include "tests/runtime/TemporaryDirectory.h"
#include "tests/support/RunMode.h"
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

/// In a child: tunes, and ends with 0 if the best was found.
[[noreturn]] void tuneAndExit(const std::string &cache) {
  ScriptedDevice device;
  Runtime runtime = device.open(cache);
  Kernel kernel = runtime.loadSource({"t.tile", "text"}).value().kernel().value();
  float x[4] = {1, 2, 3, 4}, z[4];
  Result<TuneReport> report =
      kernel.tune({{"X", View(uint64_t(x), DataType::F32, {4})}, {"Z", View(uint64_t(z), DataType::F32, {4})}},
                  {.budget = std::chrono::hours(1), .threads = 1});
  bool isBest = report && report->complete && report->candidates[report->best].tuning == ScriptedDevice::best();
  _exit(isBest ? 0 : 1);
}

/// The one folder of records below a cache; until there is one, the folder of folders, which has none.
DiskCache recordsOf(const std::string &cache) {
  for (const auto &entry : std::filesystem::directory_iterator(cache + "/tuning"))
    if (entry.is_directory())
      return DiskCache::open(entry.path()).value();
  return DiskCache::open(cache + "/tuning").value();
}

/// How many records there are.
uint64_t recorded(const std::string &cache) {
  return std::filesystem::exists(cache + "/tuning") ? recordsOf(cache).statistics().value().entries : 0;
}

} // namespace

/// Kills the child at a random moment: one in four however early, the others soon after they recorded something, so
/// that each run comes further. True if the child had ended by itself; its status is in `status`.
static bool endChild(pid_t child, const std::string &cache, uint64_t known, std::mt19937 &random, int &status) {
  bool isEarly = random() % 4 == 0;
  while (!isEarly && recorded(cache) <= known && waitpid(child, &status, WNOHANG) == 0)
    usleep(500);
  usleep(random() % 15000);
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return WIFEXITED(status);
}

TEST(TuneCrash, NothingIsLostHoweverOftenItIsKilled) {
  std::mt19937 random(11);
  unsigned kills = 0, wanted = isLongRun() ? 300 : 8, endings = 0;
  while (kills < wanted) {
    TemporaryDirectory cache;
    uint64_t known = 0;
    for (bool isDone = false; !isDone;) {
      int status = 0;
      pid_t child = fork();
      if (child == 0)
        tuneAndExit(cache.path());
      if (kills < wanted)
        isDone = endChild(child, cache.path(), known, random, status);
      else
        isDone = waitpid(child, &status, 0) == child;
      kills += !isDone;
      if (isDone)
        ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "after " << kills << " kills";
      if (!std::filesystem::exists(cache.path() + "/tuning"))
        continue;
      DiskCache::Statistics found = recordsOf(cache.path()).verify().value();
      EXPECT_EQ(found.damaged, 0u);
      EXPECT_GE(found.entries, known);
      known = found.entries;
    }
    EXPECT_EQ(known, ScriptedDevice::kCandidates - 1);
    ++endings;
  }
  std::printf("%u kills, %u tunings\n", kills, endings);
}
