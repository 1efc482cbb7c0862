//===- LaunchAllocationTest.cpp - A launch asks for no memory of the heap ===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A launch of a known specialisation is on every step of a model: this program counts what it allocates.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/FakeCompiler.h"
#include <cstdlib>
#include <gtest/gtest.h>
#include <new>

using namespace imbrex;
using namespace imbrex::testing;

static unsigned allocations = 0;

void *operator new(size_t bytes) {
  ++allocations;
  if (void *memory = std::malloc(bytes ? bytes : 1))
    return memory;
  std::abort();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

TEST(LaunchAllocation, NoneOnceTheKernelIsKnown) {
  FakeDriver driver;
  FakeCompiler compiler;
  Runtime runtime = Runtime::openWith(fakeOptions(driver.table(), compiler)).value();
  addFakeKernels(driver);
  Module module = runtime.loadSource({"a.tile", ""}).value();
  Kernel kernel = module.kernel("scale_add").value();
  std::vector<float> data(300, 1);
  auto view = [&](size_t first) { return View(reinterpret_cast<uint64_t>(data.data() + first), DataType::F32, {100}); };
  std::vector<Argument> arguments = {{"X", view(0)}, {"Y", view(100)}, {"Z", view(200)}, {"alpha", 10.0}};
  kernel.launch(runtime.stream(), arguments).value();
  unsigned before = allocations;
  kernel.launch(runtime.stream(), arguments).value();
  EXPECT_EQ(allocations - before, 0u);
}

TEST(LaunchAllocation, NoneWhereExtentsAreSolved) {
  FakeDriver driver;
  FakeCompiler compiler;
  Runtime runtime = Runtime::openWith(fakeOptions(driver.table(), compiler)).value();
  addFakeKernels(driver);
  Kernel kernel = runtime.loadSource({"a.tile", ""}).value().kernel("attention").value();
  auto view = [](uint64_t address, int64_t heads) { return View(address, DataType::F16, {2, 128, heads, 64}); };
  std::vector<Argument> arguments = {{"Q", view(4096, 6)},
                                     {"K", view(4096, 2)},
                                     {"V", view(4096, 2)},
                                     {"O", view(uint64_t(1) << 40, 6)},
                                     {"scale", 0.5f}}; // Hk G * is 6
  kernel.launch(runtime.stream(), arguments).value();
  unsigned before = allocations;
  kernel.launch(runtime.stream(), arguments).value();
  EXPECT_EQ(allocations - before, 0u);
}
