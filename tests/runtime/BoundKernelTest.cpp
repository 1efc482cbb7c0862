//===- BoundKernelTest.cpp - A kernel with its arguments ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Changes between launches reach the device, mistakes are told by the next launch and leave the kernel usable.
//
//===----------------------------------------------------------------------===//

#include "runtime/BoundKernel.h"
#include "tests/runtime/FakeCompiler.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

struct BoundKernels : ::testing::Test {
  FakeDriver driver;
  FakeCompiler compiler;
  Runtime runtime = Runtime::openWith(fakeOptions(driver.table(), compiler)).value();
  Kernel kernel = runtime.loadSource({"a.tile", ""}).value().kernel("scale_add").value();
  alignas(16) float x[4] = {1, 2, 3, 4}, y[4] = {1, 1, 1, 1}, z[4] = {}, other[8] = {};

  BoundKernels() { addFakeKernels(driver); }
  static View view(float *data, int64_t length = 4) { return View(uint64_t(data), DataType::F32, {length}); }
  BoundKernel bind() { return kernel.bind({{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", 10.0}}).value(); }
};

} // namespace

TEST_F(BoundKernels, ChangesReachTheNextLaunch) {
  BoundKernel bound = bind();
  bound.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 41);
  bound.set(bound.place("alpha").value(), 2).value();
  bound.set(bound.place("Z").value(), view(other)).value();
  bound.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 41);
  EXPECT_EQ(other[3], 9);
  x[3] = 5; // memory that is bound already
  bound.launch(runtime.stream()).value();
  EXPECT_EQ(other[3], 11);
  EXPECT_EQ(compiler.compilations(), 1u);
}

TEST_F(BoundKernels, LengthsAndAlignmentsMayChange) {
  BoundKernel bound = bind();
  for (const char *name : {"X", "Y", "Z"})
    bound.set(bound.place(name).value(), view(*name == 'X' ? x : *name == 'Y' ? y : z, 2)).value();
  bound.launch(runtime.stream()).value();
  EXPECT_EQ(z[1], 21);
  EXPECT_EQ(z[2], 0) << "two elements now";
  bound.set(bound.place("Z").value(), view(other + 1, 2)).value(); // no multiple of 16 bytes
  bound.launch(runtime.stream()).value();
  EXPECT_EQ(other[2], 21);
  EXPECT_EQ(compiler.lastOptions().alignment.at("Z"), 4u);
}

TEST_F(BoundKernels, MistakesAreToldAndCanBeMended) {
  BoundKernel bound = bind();
  unsigned out = bound.place("Z").value(), scale = bound.place("alpha").value();
  bound.set(out, view(x)).value();
  EXPECT_EQ(bound.launch(runtime.stream()).error().message,
            "argument 'Z' is stored to, but overlaps argument 'X' in memory: give it memory of its own");
  bound.set(out, view(nullptr)).value();
  EXPECT_FALSE(bound.launch(runtime.stream()));
  bound.set(out, view(z, 3)).value();
  EXPECT_FALSE(bound.launch(runtime.stream())) << "X has four elements";
  bound.set(out, view(z)).value();
  bound.set(scale, 1e300).value();
  EXPECT_EQ(bound.launch(runtime.stream()).error().message, "argument 'alpha': its value does not fit type f32");
  EXPECT_EQ(driver.launches(), 0u);
  bound.set(scale, 1).value();
  bound.launch(runtime.stream()).value();
  EXPECT_EQ(z[0], 2);
  EXPECT_FALSE(bound.set(scale, view(z)));
  EXPECT_FALSE(bound.set(9, 1.0));
  EXPECT_FALSE(bound.place("W"));
  BoundKernel taken = std::move(bound);
  // NOLINTNEXTLINE(bugprone-use-after-move): that it refuses
  EXPECT_EQ(bound.launch(runtime.stream()).error().message, "this bound kernel was moved from");
  taken.launch(runtime.stream()).value();
}
