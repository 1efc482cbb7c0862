//===- SpecialisationsTest.cpp - Which kernels stay loaded ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bound on loaded kernels holds, what is used stays, and threads that launch, load and drop at once agree.
//
//===----------------------------------------------------------------------===//

#include "runtime/Specialisations.h"
#include "tests/runtime/FakeCompiler.h"
#include <gtest/gtest.h>
#include <thread>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

struct LoadedKernels : ::testing::Test {
  static constexpr unsigned kMost = 8;
  FakeDriver driver;
  FakeCompiler compiler;
  Runtime runtime = open();
  Kernel kernel = runtime.loadSource({"a.tile", ""}).value().kernel("scale_add").value();

  LoadedKernels() { addFakeKernels(driver); }
  Runtime open() {
    RuntimeOptions options = fakeOptions(driver.table(), compiler);
    options.loadedKernels = kMost;
    return Runtime::openWith(options).value();
  }
  Kernel variant(int64_t block) const { return Kernel(kernel).set("BLOCK", 1 + block); }
  Result<void> launch(const Kernel &which) const {
    alignas(16) float x[4] = {1, 2, 3, 4}, z[4] = {};
    View in(uint64_t(x), DataType::F32, {4}), out(uint64_t(z), DataType::F32, {4});
    return which.launch(runtime.stream(), {{"X", in}, {"Y", in}, {"Z", out}, {"alpha", 2.0}});
  }
};

} // namespace

TEST_F(LoadedKernels, TheBoundHoldsAndWhatIsUsedStays) {
  Kernel first = variant(0);
  for (int64_t block = 1; block < 100; ++block) {
    launch(first).value(); // by its launch key: nothing else tells that it is used
    launch(variant(block)).value();
    EXPECT_LE(driver.alive().modules, int(kMost));
  }
  EXPECT_EQ(compiler.compilations(), 100u) << "the first was never dropped";
  launch(variant(1)).value();
  EXPECT_EQ(compiler.compilations(), 101u) << "the second was";
}

TEST_F(LoadedKernels, WhatIsBoundStaysLoaded) {
  alignas(16) float x[4] = {1, 2, 3, 4}, z[4] = {};
  View in(uint64_t(x), DataType::F32, {4}), out(uint64_t(z), DataType::F32, {4});
  BoundKernel bound = kernel.bind({{"X", in}, {"Y", in}, {"Z", out}, {"alpha", 2.0}}).value();
  for (int64_t block = 1; block < 20; ++block)
    launch(variant(block)).value();
  bound.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 12);
  EXPECT_EQ(compiler.compilations(), 20u);
}

TEST_F(LoadedKernels, FailuresAreBoundToo) {
  compiler.failWith("it cannot be");
  for (int64_t block = 1; block < 100; ++block)
    EXPECT_FALSE(launch(variant(block)));
  compiler.failWith("");
  EXPECT_TRUE(launch(variant(1))) << "forgotten since";
}

TEST_F(LoadedKernels, SixteenThreadsLaunchLoadAndDrop) {
  std::vector<std::thread> threads;
  std::atomic<unsigned> failures = 0;
  for (int64_t thread = 0; thread < 16; ++thread)
    threads.emplace_back([&, thread] {
      Kernel mine = variant(thread);
      for (int64_t i = 0; i < 100; ++i)
        failures += !launch(mine) || !launch(variant(i % 24));
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(failures, 0u);
  launch(variant(1000)).value(); // while nobody else launches, the bound is restored
  EXPECT_LE(driver.alive().modules, int(kMost) + 16);
}
