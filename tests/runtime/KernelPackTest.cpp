//===- KernelPackTest.cpp - Kernels compiled ahead ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pack of one runtime's cache starts another one without its compiler; damage of a pack is found.
//
//===----------------------------------------------------------------------===//

#include "runtime/KernelPack.h"
#include "tests/runtime/FakeCompiler.h"
#include "tests/runtime/TemporaryDirectory.h"
#include <fstream>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

struct Packs : ::testing::Test {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/kernels.pack", cache = directory.path() + "/cache";
  FakeDriver driver;
  FakeCompiler compiler;

  Packs() {
    addFakeKernels(driver);
    RuntimeOptions options = fakeOptions(driver.table(), compiler);
    options.cacheDirectory = cache;
    Runtime runtime = Runtime::openWith(options).value();
    launch(runtime).value();
  }
  RuntimeOptions packed() {
    RuntimeOptions options = fakeOptions(driver.table(), compiler);
    options.packs = {path};
    options.compiles = false;
    return options;
  }
  static Result<void> launch(const Runtime &runtime, int64_t block = 64) {
    alignas(16) float x[4] = {1, 2, 3, 4}, z[4] = {};
    View in(uint64_t(x), DataType::F32, {4}), out(uint64_t(z), DataType::F32, {4});
    Kernel kernel = runtime.loadSource({"a.tile", ""}).value().kernel("scale_add").value().set("BLOCK", block);
    return kernel.launch(runtime.stream(), {{"X", in}, {"Y", in}, {"Z", out}, {"alpha", 2.0}});
  }
};

} // namespace

TEST_F(Packs, ARuntimeStartsWithoutACompilation) {
  EXPECT_EQ(packKernels({cache}, path).value(), 1u);
  Runtime runtime = Runtime::openWith(packed()).value();
  launch(runtime).value();
  EXPECT_EQ(compiler.compilations(), 1u) << "that of the cache";
  EXPECT_EQ(driver.launches(), 2u);
}

TEST_F(Packs, AMissIsAnErrorWhereNothingMayBeCompiled) {
  ASSERT_TRUE(packKernels({cache}, path));
  Runtime runtime = Runtime::openWith(packed()).value();
  Result<void> done = launch(runtime, 128);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "kernel 'scale_add' of a.tile is in no pack and no cache for these arguments and "
                                  "sm_90a, and this runtime was opened without compilation");
  EXPECT_EQ(compiler.compilations(), 1u);
}

TEST_F(Packs, ADamagedPackGivesNoKernel) {
  ASSERT_TRUE(packKernels({cache}, path));
  std::ifstream file(path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(file)), {});
  unsigned refused = 0;
  for (size_t at = 0; at < whole.size(); at += 7) {
    std::string damaged = whole;
    damaged[at] = char(damaged[at] ^ 0x10);
    std::ofstream(path, std::ios::binary) << damaged;
    Result<Runtime> runtime = Runtime::openWith(packed());
    refused += !runtime;
    EXPECT_TRUE(!runtime || !launch(*runtime)) << "byte " << at;
  }
  EXPECT_GT(refused, 0u);
  std::ofstream(path, std::ios::binary) << whole.substr(0, whole.size() - 1);
  EXPECT_EQ(Runtime::openWith(packed()).error().message, "'" + path + "' is cut off after 0 kernels");
  EXPECT_EQ(Runtime::openWith([&] {
              RuntimeOptions options = packed();
              options.packs = {path + ".no"};
              return options;
            }())
                .error()
                .kind,
            ErrorKind::File);
}

TEST_F(Packs, ThePackOfOneCacheIsAlwaysTheSame) {
  auto read = [&](const std::string &name) {
    std::ifstream file(name, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), {});
  };
  ASSERT_TRUE(packKernels({cache}, path));
  ASSERT_TRUE(packKernels({cache, cache}, path + "2"));
  EXPECT_EQ(read(path), read(path + "2"));
}
