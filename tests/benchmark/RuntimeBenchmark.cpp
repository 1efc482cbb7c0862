//===- RuntimeBenchmark.cpp - Host time of launches and cache hits --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints what the runtime itself costs on the host: a launch of a known specialisation on a driver that does nothing
// (19 values of arguments), beside the driver's call alone; the same through the C interface, with a new length each
// time, of a bound kernel, and by several threads; and a hit in the disk cache. A driver's own cuLaunchKernel takes 2
// to 2.5 us: what a launch costs here comes on top of it. No test: nothing is judged.
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

/// The fake's facts about a device; whatever a launch calls does nothing.
static cuda::DriverTable idleDriver(const FakeDriver &driver) {
  using namespace cuda;
  DriverTable table = driver.table();
  table.launchKernel = [](CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream,
                          void **, void **) { return CUDA_SUCCESS; };
  table.contextPushCurrent = [](CUcontext) { return CUDA_SUCCESS; };
  table.contextPopCurrent = [](CUcontext *) { return CUDA_SUCCESS; };
  table.streamCreate = [](CUstream *, unsigned) { return CUDA_SUCCESS; };
  table.moduleLoadDataEx = [](CUmodule *, const void *, unsigned, CUjit_option *, void **) { return CUDA_SUCCESS; };
  return table;
}

/// Launches with other addresses, and with nothing changed, of a bound kernel.
static void measureBound(const Runtime &runtime, const Kernel &kernel) {
  auto data = [](Dims extents, uint64_t address = 4096) { return View(address, DataType::F16, extents); };
  BoundKernel bound = kernel
                          .bind({{"Q", data({2, 128, 6, 64})},
                                 {"K", data({2, 128, 2, 64})},
                                 {"V", data({2, 128, 2, 64})},
                                 {"O", data({2, 128, 6, 64}, uint64_t(1) << 40)},
                                 {"scale", 0.5f}})
                          .value();
  unsigned q = bound.place("Q").value(), scale = bound.place("scale").value();
  std::printf("bound, as it is:      %.2f us\n",
              microseconds(5000, [&](unsigned) { bound.launch(runtime.stream()).value(); }));
  std::printf("bound, new values:    %.2f us\n", microseconds(5000, [&](unsigned i) {
                bound.set(q, data({2, 128, 6, 64}, 4096 + 16 * i)).value();
                bound.set(scale, 0.5f + float(i)).value();
                bound.launch(runtime.stream()).value();
              }));
}

static void launch(const Stream &stream, const Kernel &kernel, int64_t length) {
  auto data = [](Dims extents, uint64_t address = 4096) { return View(address, DataType::F16, extents); };
  kernel
      .launch(stream, {{"Q", data({2, length, 6, 64})},
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

/// Each thread with a stream of its own. Where threads write to common memory, a launch takes longer the more there
/// are.
static void measureThreads(const Runtime &runtime, const Kernel &kernel) {
  constexpr unsigned kCalls = 100000;
  for (unsigned count : {1u, 2u, 4u}) {
    std::vector<Stream> streams;
    for (unsigned i = 0; i < count; ++i)
      streams.push_back(runtime.createStream().value());
    double best = 1e9;
    for (unsigned round = 0; round < 5; ++round) {
      std::vector<std::thread> threads;
      double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
      for (unsigned i = 0; i < count; ++i)
        threads.emplace_back([&, i] {
          for (unsigned call = 0; call < kCalls; ++call)
            launch(streams[i], kernel, 128);
        });
      for (std::thread &thread : threads)
        thread.join();
      best = std::min(best, 1e6 * (seconds(CLOCK_PROCESS_CPUTIME_ID) - start) / (kCalls * count));
    }
    std::printf("%u threads:            %.2f us a launch (%u cores)\n", count, best,
                std::thread::hardware_concurrency());
  }
}

/// The driver's call by itself, its 19 values packed for it each time.
static void measureBare(const cuda::DriverTable &table) {
  uint64_t values[19];
  void *pointers[19];
  std::printf("the call alone:       %.3f us\n", microseconds(5000, [&](unsigned call) {
                for (unsigned i = 0; i < 19; ++i)
                  values[i] = call + i, pointers[i] = &values[i];
                (void)table.launchKernel(nullptr, 1, 1, 1, 128, 1, 1, 0, nullptr, pointers, nullptr);
              }));
}

static void measureC(Runtime runtime, const Kernel &kernel) {
  imbrex_kernel handle{std::make_shared<const Runtime>(std::move(runtime)), kernel};
  CArguments list(128);
  unsigned failures = 0;
  double time = microseconds(5000, [&](unsigned) {
    failures += imbrex_kernel_launch(&handle, nullptr, list.arguments, 5, nullptr) != IMBREX_OK;
  });
  std::printf("... through C:         %.2f us%s\n", time, failures ? ", and fails" : "");
}

static void measureLaunches(const FakeDriver &driver, const FakeCompiler &compiler) {
  measureBare(idleDriver(driver));
  Runtime runtime = Runtime::openWith(fakeOptions(idleDriver(driver), compiler)).value();
  Kernel kernel = runtime.loadSource({"a.tile", ""}).value().kernel("attention").value();
  std::printf("launch, same shapes:  %.2f us\n",
              microseconds(5000, [&](unsigned) { launch(runtime.stream(), kernel, 128); }));
  std::printf("launch, new length:   %.2f us\n",
              microseconds(5000, [&](unsigned i) { launch(runtime.stream(), kernel, 1 + i); }));
  measureBound(runtime, kernel);
  measureThreads(runtime, kernel);
  measureC(std::move(runtime), kernel);
}

static void measureDisk() {
  std::string directory =
      (std::filesystem::temp_directory_path() / ("imbrex-bench-" + std::to_string(getpid()))).string();
  DiskCache cache = DiskCache::open(directory).value();
  CacheKey key;
  key.add("source text", std::string(4000, 'x'));
  cache.store(key, {std::string(2000, 'i'), std::string(150000, 'p'), std::string(60000, 'm'), "log"}).value();
  std::printf("disk hit of 212 kB:   %.2f us\n", microseconds(5, [&](unsigned) { (void)cache.find(key); }));
  std::filesystem::remove_all(directory);
}

int main() {
  FakeDriver driver;
  FakeCompiler compiler;
  addFakeKernels(driver);
  measureLaunches(driver, compiler);
  measureDisk();
  return 0;
}
