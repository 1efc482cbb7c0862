//===- RuntimeBenchmark.cpp - Host time of launches and cache hits --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints what the runtime itself costs on the host: a launch of a known specialisation on a driver that does
// nothing, the same with a new length each time, and a hit in the disk cache. No test: nothing is judged.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/FakeCompiler.h"
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::testing;
using Clock = std::chrono::steady_clock;

/// Microseconds a call, best of five rounds.
template <typename Call> static double microseconds(unsigned calls, const Call &call) {
  double best = 1e9;
  for (unsigned round = 0; round < 5; ++round) {
    Clock::time_point start = Clock::now();
    for (unsigned i = 0; i < calls; ++i)
      call(i);
    best = std::min(best, std::chrono::duration<double, std::micro>(Clock::now() - start).count() / calls);
  }
  return best;
}

static cuda::DriverTable idleDriver(const FakeDriver &driver) {
  cuda::DriverTable table = driver.table();
  table.launchKernel = [](cuda::CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                          cuda::CUstream, void **, void **) { return cuda::CUDA_SUCCESS; };
  return table;
}

static void launch(const Runtime &runtime, const Kernel &kernel, int64_t length) {
  auto data = [](Dims extents) { return View(4096, DataType::F16, extents); };
  kernel
      .launch(runtime.stream(), {{"Q", data({2, length, 6, 64})},
                                 {"K", data({2, length, 2, 64})},
                                 {"V", data({2, length, 2, 64})},
                                 {"O", data({2, length, 6, 64})},
                                 {"scale", 0.5f}})
      .value();
}

static void measureLaunches(const FakeDriver &driver, const FakeCompiler &compiler) {
  Runtime runtime = Runtime::openWith(fakeOptions(idleDriver(driver), compiler)).value();
  Kernel kernel = runtime.loadSource({"a.tile", ""}).value().kernel("attention").value();
  std::printf("launch, same shapes:  %.2f us\n", microseconds(100000, [&](unsigned) { launch(runtime, kernel, 128); }));
  std::printf("launch, new length:   %.2f us\n",
              microseconds(100000, [&](unsigned i) { launch(runtime, kernel, 1 + i); }));
}

static void measureDisk() {
  std::string directory =
      (std::filesystem::temp_directory_path() / ("imbrex-bench-" + std::to_string(getpid()))).string();
  DiskCache cache = DiskCache::open(directory).value();
  CacheKey key;
  key.add("source text", std::string(4000, 'x'));
  cache.store(key, {std::string(2000, 'i'), std::string(150000, 'p'), std::string(60000, 'm'), "log"}).value();
  std::printf("disk hit of 212 kB:   %.2f us\n", microseconds(100, [&](unsigned) { (void)cache.find(key); }));
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
