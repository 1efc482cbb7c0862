//===- RuntimeBenchmark.cpp - Host time of launches and cache hits --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints what the runtime itself costs on the host: a launch of a known specialisation (19 values of arguments) on a
// driver that does nothing, and on one whose cuLaunchKernel keeps the processor busy as long as a real one does (2 to
// 2.5 us), beside that call alone; with a new length each time, of a bound kernel, through the C interface and by
// several threads; and a hit in the disk cache. No test: nothing is judged.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Objects.h"
#include "tests/runtime/FakeCompiler.h"
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <thread>
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::testing;

/// Seconds that a thread or all of them have had of the processors: other programs do not count.
static double seconds(clockid_t clock) {
  struct timespec now = {};
  clock_gettime(clock, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

/// Microseconds a call, best of many short rounds.
template <typename Call> static double microseconds(unsigned calls, const Call &call) {
  double best = 1e9;
  for (unsigned round = 0; round < 50; ++round) {
    double start = seconds(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < calls; ++i)
      call(i);
    best = std::min(best, 1e6 * (seconds(CLOCK_THREAD_CPUTIME_ID) - start) / calls);
  }
  return best;
}

/// Turns of a loop, about as many as take the time of a real cuLaunchKernel.
static unsigned turns = 0;
static constexpr double kRealLaunch = 2.25; ///< microseconds

static void spin(unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    asm volatile("" ::: "memory");
}

static void findTurns() {
  constexpr unsigned kSome = 10000;
  turns = unsigned(kSome * kRealLaunch / microseconds(100, [](unsigned) { spin(kSome); }));
}

/// The fake's facts about a device; whatever a launch calls does nothing, or but for the launch itself.
static cuda::DriverTable driverOf(const FakeDriver &driver, bool isBusy) {
  using namespace cuda;
  DriverTable table = driver.table();
  table.launchKernel = [](CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream,
                          void **, void **) { return CUDA_SUCCESS; };
  if (isBusy)
    table.launchKernel = [](CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream,
                            void **, void **) {
      spin(turns);
      return CUDA_SUCCESS;
    };
  table.contextPushCurrent = [](CUcontext) { return CUDA_SUCCESS; };
  table.contextPopCurrent = [](CUcontext *) { return CUDA_SUCCESS; };
  table.streamCreate = [](CUstream *, unsigned) { return CUDA_SUCCESS; };
  table.moduleLoadDataEx = [](CUmodule *, const void *, unsigned, CUjit_option *, void **) { return CUDA_SUCCESS; };
  return table;
}

static View data(Dims extents, uint64_t address = 4096) { return View(address, DataType::F16, extents); }

static void launch(const Stream &stream, const Kernel &kernel, int64_t length, uint64_t address = 4096) {
  kernel
      .launch(stream, {{"Q", data({2, length, 6, 64}, address)},
                       {"K", data({2, length, 2, 64})},
                       {"V", data({2, length, 2, 64})},
                       {"O", data({2, length, 6, 64}, uint64_t(1) << 40)},
                       {"scale", 0.5f}})
      .value();
}

/// The same arguments as in `launch`, prepared once, as a C program would.
struct CArguments {
  imbrex_view views[4] = {};
  imbrex_argument arguments[5] = {};

  explicit CArguments(int64_t length) {
    static constexpr const char *kNames[] = {"Q", "K", "V", "O", "scale"};
    for (unsigned i = 0; i < 5; ++i)
      arguments[i] = {sizeof arguments[i], IMBREX_ARGUMENT_REAL, kNames[i], nullptr, 0, 0.5};
    for (unsigned i = 0; i < 4; ++i) {
      views[i].size = sizeof views[i];
      views[i].type = IMBREX_F16;
      views[i].address = i == 3 ? uint64_t(1) << 40 : 4096;
      views[i].rank = 4;
      const int64_t extents[] = {2, length, i == 1 || i == 2 ? 2 : 6, 64};
      std::copy(std::begin(extents), std::end(extents), views[i].extents);
      arguments[i].kind = IMBREX_ARGUMENT_VIEW;
      arguments[i].view = &views[i];
    }
  }
};

/// A device, and a kernel on it.
struct Bench {
  cuda::DriverTable table;
  std::shared_ptr<const Runtime> runtime;
  Kernel kernel;

  Bench(const FakeDriver &driver, const FakeCompiler &compiler, bool isBusy)
      : table(driverOf(driver, isBusy)),
        runtime(std::make_shared<const Runtime>(Runtime::openWith(fakeOptions(table, compiler)).value())),
        kernel(runtime->loadSource({"a.tile", ""}).value().kernel("attention").value()) {}
};

static double bareTime(const Bench &bench) {
  uint64_t values[19];
  void *pointers[19];
  return microseconds(5000, [&](unsigned call) {
    for (unsigned i = 0; i < 19; ++i)
      values[i] = call + i, pointers[i] = &values[i];
    (void)bench.table.launchKernel(nullptr, 1, 1, 1, 128, 1, 1, 0, nullptr, pointers, nullptr);
  });
}

static double sameTime(const Bench &bench) {
  return microseconds(5000, [&](unsigned) { launch(bench.runtime->stream(), bench.kernel, 128); });
}

static double movedTime(const Bench &bench) {
  return microseconds(5000,
                      [&](unsigned i) { launch(bench.runtime->stream(), bench.kernel, 128, 4096 + 16 * uint64_t(i)); });
}

static double lengthTime(const Bench &bench) {
  return microseconds(5000, [&](unsigned i) { launch(bench.runtime->stream(), bench.kernel, 1 + i); });
}

static BoundKernel bind(const Bench &bench) {
  return bench.kernel
      .bind({{"Q", data({2, 128, 6, 64})},
             {"K", data({2, 128, 2, 64})},
             {"V", data({2, 128, 2, 64})},
             {"O", data({2, 128, 6, 64}, uint64_t(1) << 40)},
             {"scale", 0.5f}})
      .value();
}

static double boundTime(const Bench &bench) {
  BoundKernel bound = bind(bench);
  return microseconds(5000, [&](unsigned) { bound.launch(bench.runtime->stream()).value(); });
}

/// With another address and another scalar.
static double boundMovedTime(const Bench &bench) {
  BoundKernel bound = bind(bench);
  unsigned q = bound.place("Q").value(), scale = bound.place("scale").value();
  return microseconds(5000, [&](unsigned i) {
    bound.set(q, data({2, 128, 6, 64}, 4096 + 16 * uint64_t(i))).value();
    bound.set(scale, 0.5f + float(i)).value();
    bound.launch(bench.runtime->stream()).value();
  });
}

static double cTime(const Bench &bench) {
  imbrex_kernel handle{bench.runtime, bench.kernel};
  CArguments list(128);
  return microseconds(5000, [&](unsigned) {
    if (imbrex_kernel_launch(&handle, nullptr, list.arguments, 5, nullptr) != IMBREX_OK)
      std::abort();
  });
}

static void measureLaunches(const Bench &idle, const Bench &busy) {
  struct Way {
    const char *name;
    double (*time)(const Bench &);
  };
  const Way ways[] = {{"the call alone", bareTime},         {"launch, nothing new", sameTime},
                      {"launch, new addresses", movedTime}, {"launch, new lengths", lengthTime},
                      {"bound, nothing new", boundTime},    {"bound, new values", boundMovedTime},
                      {"launch through C", cTime}};
  std::printf("%-24s%12s%20s%8s\n", "us of the host", "idle driver", "driver that works", "ratio");
  double bare = 0;
  for (const Way &way : ways) {
    double own = way.time(idle), whole = way.time(busy);
    bare = bare > 0 ? bare : whole;
    std::printf("%-24s%12.3f%20.3f%8.3f\n", way.name, own, whole, whole / bare);
  }
}

/// Each thread with a stream of its own. Where threads write to common memory, a launch takes longer the more there
/// are.
static void measureThreads(const Bench &bench) {
  constexpr unsigned kCalls = 100000;
  for (unsigned count : {1u, 2u, 4u}) {
    std::vector<Stream> streams;
    for (unsigned i = 0; i < count; ++i)
      streams.push_back(bench.runtime->createStream().value());
    double best = 1e9;
    for (unsigned round = 0; round < 5; ++round) {
      std::vector<std::thread> threads;
      double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
      for (unsigned i = 0; i < count; ++i)
        threads.emplace_back([&, i] {
          for (unsigned call = 0; call < kCalls; ++call)
            launch(streams[i], bench.kernel, 128);
        });
      for (std::thread &thread : threads)
        thread.join();
      best = std::min(best, 1e6 * (seconds(CLOCK_PROCESS_CPUTIME_ID) - start) / (kCalls * count));
    }
    std::printf("launch by %u threads      %10.3f   (%u cores)\n", count, best, std::thread::hardware_concurrency());
  }
}

static void measureDisk() {
  std::string directory =
      (std::filesystem::temp_directory_path() / ("imbrex-bench-" + std::to_string(getpid()))).string();
  DiskCache cache = DiskCache::open(directory).value();
  CacheKey key;
  key.add("source text", std::string(4000, 'x'));
  cache.store(key, {std::string(2000, 'i'), std::string(150000, 'p'), std::string(60000, 'm'), "log"}).value();
  std::printf("disk hit of 212 kB      %10.3f\n", microseconds(5, [&](unsigned) { (void)cache.find(key); }));
  std::filesystem::remove_all(directory);
}

int main() {
  FakeDriver driver;
  FakeCompiler compiler;
  addFakeKernels(driver);
  findTurns();
  Bench idle(driver, compiler, false), busy(driver, compiler, true);
  measureLaunches(idle, busy);
  measureThreads(idle);
  measureDisk();
  return 0;
}
