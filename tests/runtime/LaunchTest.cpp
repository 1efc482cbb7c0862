//===- LaunchTest.cpp - Launches on a fake device -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What reaches the compiler and the driver: options, argument layout, grid, limits, and one compilation a
// specialisation however many threads ask.
//
//===----------------------------------------------------------------------===//

#include "runtime/Code.h"
#include "runtime/Graph.h"
#include "runtime/ScalarBits.h"
#include "tests/runtime/FakeCompiler.h"
#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::testing;
using cuda::CUfunction, cuda::CUjit_option, cuda::CUmodule;

namespace {

struct Launch : ::testing::Test {
  FakeDriver driver;
  FakeCompiler compiler;
  Runtime runtime = Runtime::openWith(fakeOptions(driver.table(), compiler)).value();
  Module module = runtime.loadSource({"a.tile", ""}).value();
  Kernel scaleAdd = module.kernel("scale_add").value();
  Kernel attention = module.kernel("attention").value();
  std::vector<float> x = std::vector<float>(100, 2), y = std::vector<float>(100, 1), z = std::vector<float>(100);

  Launch() { addFakeKernels(driver); }
  static View view(const std::vector<float> &data) {
    return View(reinterpret_cast<uint64_t>(data.data()), DataType::F32, {int64_t(data.size())});
  }
  Result<void> launch() {
    return scaleAdd.launch(runtime.stream(), {{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", 10.0}});
  }
  static constexpr uint64_t kApart = uint64_t(1) << 50; ///< the output lies apart from the inputs
  /// attention on addresses that the fake device never reads.
  Result<void> launchAttention(int64_t batch, int64_t queries, int64_t width = 64, uint64_t address = 4096) {
    auto data = [&](Dims extents) { return View(address, DataType::F16, extents); };
    return attention.launch(runtime.stream(), {{"Q", data({batch, queries, 6, width})},
                                               {"K", data({batch, 5, 2, width})},
                                               {"V", data({batch, 5, 2, 32})},
                                               {"O", View(address + kApart, DataType::F16, {batch, queries, 6, 32})},
                                               {"scale", 0.5f}});
  }
};

} // namespace

TEST_F(Launch, ComputesAndCompilesOnce) {
  launch().value();
  EXPECT_EQ(z[99], 21.0f);
  launch().value();
  EXPECT_EQ(compiler.compilations(), 1u);
  EXPECT_EQ(driver.launches(), 2u);
}

// A driver that compiles PTX is asked again where it spills a few bytes, as ptxas is.
TEST_F(Launch, AFewBytesThatTheDriverSpillsAreTriedWithFewerRegisters) {
  auto image = std::make_shared<std::string>();
  auto loads = std::make_shared<unsigned>(0);
  cuda::DriverTable table = driver.table();
  table.simulated = false;
  table.moduleLoadDataEx = [image, loads, load = table.moduleLoadDataEx](CUmodule *module, const void *text,
                                                                         unsigned count, CUjit_option *options,
                                                                         void **values) {
    *image = static_cast<const char *>(text);
    ++*loads;
    return load(module, text, count, options, values);
  };
  table.funcGetAttribute = [image](int *value, int attribute, CUfunction) {
    bool ends = image->find(".maxnreg 240") != std::string::npos;
    *value = attribute == cuda::CU_FUNC_ATTRIBUTE_NUM_REGS           ? 255
             : attribute == cuda::CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES ? (ends ? 0 : 16)
                                                                     : 0;
    return cuda::CUDA_SUCCESS;
  };
  RuntimeOptions options = fakeOptions(table, compiler);
  options.compiler->compile = [made = options.compiler->compile](const Source &source, const CompileOptions &asked) {
    CompileResult result = made(source, asked);
    result.kernel->code += "\n.minnctapersm 1\n";
    return result;
  };
  std::filesystem::path directory =
      std::filesystem::path(::testing::TempDir()) / ("imbrex-ceiling-" + std::to_string(getpid()));
  options.cacheDirectory = directory.string();
  Runtime own = Runtime::openWith(options).value();
  Kernel kernel = own.loadSource({"a.tile", ""}).value().kernel("scale_add").value();
  kernel.launch(own.stream(), {{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", 10.0}}).value();
  EXPECT_EQ(z[99], 21.0f);
  KernelInfo info = kernel.prepare({{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", 10.0}}).value();
  EXPECT_EQ(info.localBytes, 0u);
  EXPECT_NE(info.ptx.find(".maxnreg 240"), std::string::npos) << "what was loaded is what is shown";
  EXPECT_EQ(driver.alive().modules, 1) << "what was tried before is given back";
  EXPECT_EQ(*loads, 3u) << "as it was, 248, 240";
  Runtime next = Runtime::openWith(options).value();
  Kernel again = next.loadSource({"a.tile", ""}).value().kernel("scale_add").value();
  info = again.prepare({{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", 10.0}}).value();
  EXPECT_TRUE(info.fromDisk);
  EXPECT_EQ(info.localBytes, 0u);
  EXPECT_EQ(*loads, 4u) << "what was found is on disk";
  std::filesystem::remove_all(directory);
}

TEST_F(Launch, OptionsAreCompleted) {
  launchAttention(1, 7, 64, 4096 + 8).value();
  CompileOptions options = compiler.lastOptions();
  EXPECT_EQ(options.kernel, "attention");
  EXPECT_EQ(options.target, "sm_90a");
  EXPECT_EQ(options.set, (CompileOptions::Settings{{"T", "f16"}, {"DQK", "64"}, {"DV", "32"}, {"G", "3"}}));
  EXPECT_TRUE(options.given.empty()); // L is left out
  EXPECT_EQ(options.alignment.at("Q"), 2u);
}

TEST_F(Launch, ArgumentsAreLaidOutAsTheInterfaceSays) {
  bool seen = false;
  driver.addKernel("attention", [&](const FakeLaunch &launch) {
    seen = true;
    EXPECT_EQ(launch.grid[0], 2u);
    EXPECT_EQ(launch.grid[1], 6u);
    EXPECT_EQ(launch.grid[2], 3u);
    EXPECT_EQ(launch.threads, 128u);
    EXPECT_EQ(launch.value<uint64_t>(0), 4096u); // Q: address; B, Sq, Hk * G; three strides
    EXPECT_EQ(launch.value<int32_t>(1), 3);
    EXPECT_EQ(launch.value<int32_t>(2), 100);
    EXPECT_EQ(launch.value<int32_t>(3), 6);
    EXPECT_EQ(launch.value<int64_t>(4), 100 * 6 * 64);
    EXPECT_EQ(launch.value<int64_t>(5), 6 * 64);
    EXPECT_EQ(launch.value<int64_t>(6), 64);
    EXPECT_EQ(launch.value<uint64_t>(7), 4096u); // K
    EXPECT_EQ(launch.value<float>(28), 0.5f);    // after 4 views of 7 values; L is absent
  });
  launchAttention(3, 100).value();
  EXPECT_TRUE(seen);
}

// What a tune block asks of extents is decided at each launch; each answer is one specialisation.
TEST_F(Launch, ExtentsChooseAmongCases) {
  std::vector<unsigned> blocks;
  driver.addKernel("attention", [&](const FakeLaunch &launch) { blocks.push_back(launch.grid[0]); });
  for (int64_t queries : {1, 16, 17, 32, 2, 100})
    launchAttention(1, queries).value();
  EXPECT_EQ(blocks, (std::vector<unsigned>{1, 1, 1, 1, 1, 2})) << "of 16 rows up to 16 queries, else of 64";
  EXPECT_EQ(compiler.compilations(), 2u);
  EXPECT_TRUE(compiler.lastOptions().holds.empty());
  launchAttention(1, 16, 128).value();
  EXPECT_EQ(compiler.lastOptions().holds, (std::set<std::string, std::less<>>{"Sq <= 16"}));
}

TEST_F(Launch, AnEmptyGridIsSuccessWithoutALaunch) {
  launchAttention(0, 100).value();
  EXPECT_EQ(driver.launches(), 0u);
}

TEST_F(Launch, RequirementsAndGridLimits) {
  EXPECT_EQ(launchAttention(1, 4, 40).error().message, "kernel 'attention' requires DQK % 16 == 0, but DQK is 40");
  EXPECT_EQ(
      launchAttention(int64_t(1) << 30, 4).error().message,
      "kernel 'attention': grid dimension z, B, is 1073741824; it must lie between 0 and 357913941 on this device");
  EXPECT_EQ(driver.launches(), 0u);
}

// The value is judged as the kernel gets it: what rounds to 0 is 0.
TEST_F(Launch, RequirementsOnScalars) {
  auto messageOf = [&](Argument scale) {
    auto data = [&](Dims extents) { return View(4096, DataType::F16, extents); };
    Result<void> result = attention.launch(runtime.stream(), {{"Q", data({1, 4, 6, 64})},
                                                              {"K", data({1, 5, 2, 64})},
                                                              {"V", data({1, 5, 2, 32})},
                                                              {"O", View(4096 + kApart, DataType::F16, {1, 4, 6, 32})},
                                                              scale});
    if (result)
      return std::string();
    EXPECT_EQ(result.error().kind, ErrorKind::Argument);
    return result.error().message;
  };
  EXPECT_EQ(messageOf({"scale", 0.5f}), "");
  EXPECT_EQ(messageOf({"scale", 1}), "");
  EXPECT_EQ(messageOf({"scale", -0.125}), "kernel 'attention' requires scale > 0, but scale is -0.125");
  EXPECT_EQ(messageOf({"scale", 1e-50}), "kernel 'attention' requires scale > 0, but scale is 0");
  EXPECT_EQ(messageOf({"scale", std::nan("")}), "kernel 'attention' requires scale > 0, but scale is nan");
}

TEST_F(Launch, AGridTooLongForTheDeviceIsFoldedIntoX) {
  std::vector<std::array<unsigned, 3>> grids;
  driver.addKernel("attention", [&](const FakeLaunch &launch) {
    grids.push_back({launch.grid[0], launch.grid[1], launch.grid[2]});
    if (launch.grid[2] > 1)
      return;
    EXPECT_EQ(launch.value<int32_t>(29), 2); // after all other values: the grid's extents along x and y
    EXPECT_EQ(launch.value<int32_t>(30), 6);
  });
  launchAttention(65536, 100).value();
  EXPECT_TRUE(compiler.lastOptions().foldGrid);
  unsigned compilations = compiler.compilations();
  launchAttention(65536, 100).value();
  launchAttention(65535, 100).value(); // what the device can launch is launched as it is
  EXPECT_EQ(compiler.compilations(), compilations);
  std::array<unsigned, 3> folded = {2 * 6 * 65536, 1, 1}, plain = {2, 6, 65535};
  EXPECT_EQ(grids, (std::vector<std::array<unsigned, 3>>{folded, folded, plain}));
}

TEST_F(Launch, MissingAndForeign) {
  EXPECT_EQ(scaleAdd.launch(runtime.stream(), {{"X", view(x)}, {"Y", view(y)}, {"alpha", 1}}).error().message,
            "argument 'Z' is missing: the kernel declares view<T>[N]");
  EXPECT_EQ(scaleAdd.launch(runtime.stream(), {{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", 1e300}})
                .error()
                .message,
            "argument 'alpha': its value does not fit type f32");
  Runtime other = Runtime::openWith(fakeOptions(driver.table(), compiler)).value();
  EXPECT_EQ(scaleAdd.launch(other.stream(), {}).error().kind, ErrorKind::Argument);
}

TEST_F(Launch, SharedMemoryBeyondTheDefaultIsAskedFor) {
  compiler.setSharedBytes(48 * 1024);
  launch().value();
  EXPECT_EQ(driver.maxDynamicShared(), 0);
  compiler.setSharedBytes(100000);
  launchAttention(1, 1).value();
  EXPECT_EQ(driver.maxDynamicShared(), 100000);
  compiler.setSharedBytes(300000);
  Kernel other = module.kernel("scale_add").value().set("BLOCK", 64);
  EXPECT_EQ(
      other.launch(runtime.stream(), {{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", 1}}).error().message,
      "kernel 'scale_add' needs 300000 bytes of shared memory a block, the device fake allows 232448: set "
      "smaller tiles or fewer stages");
}

TEST_F(Launch, AFailedCompilationIsRemembered) {
  compiler.failWith("it cannot be");
  Result<void> failed = launch();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::Compile);
  EXPECT_EQ(failed.error().render(),
            "kernel 'scale_add' of a.tile does not compile\na.tile:1:1: error: it cannot be\n");
  EXPECT_EQ(launch().error().render(), failed.error().render());
  EXPECT_EQ(compiler.compilations(), 1u) << "the same text, options and compiler fail in the same way";
  compiler.failWith("");
  Kernel other = module.kernel("scale_add").value().set("BLOCK", 128);
  EXPECT_TRUE(other.launch(runtime.stream(), {{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", 10.0}}));
  EXPECT_EQ(z[0], 21.0f);
}

TEST_F(Launch, EightThreadsCompileOnce) {
  compiler.setMilliseconds(50);
  std::vector<std::thread> threads;
  std::atomic<unsigned> good = 0;
  for (unsigned i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      std::vector<float> own(100);
      Kernel kernel = module.kernel("scale_add").value();
      Result<void> done =
          kernel.launch(runtime.stream(), {{"X", view(x)}, {"Y", view(y)}, {"Z", view(own)}, {"alpha", 10.0}});
      good += done && own[99] == 21.0f;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(good, 8u);
  EXPECT_EQ(compiler.compilations(), 1u);
}

TEST_F(Launch, ACachedKernelThatCannotBeLoadedIsCompiledAgain) {
  namespace fs = std::filesystem;
  fs::path directory = fs::path(::testing::TempDir()) / ("imbrex-launch-" + std::to_string(getpid()));
  RuntimeOptions options = fakeOptions(driver.table(), compiler);
  options.cacheDirectory = directory.string();
  auto launchCached = [&] {
    Runtime cached = Runtime::openWith(options).value();
    Kernel kernel = cached.loadSource({"a.tile", ""}).value().kernel("scale_add").value();
    kernel.launch(cached.stream(), {{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", 1}}).value();
    EXPECT_TRUE(cached.messages().empty());
  };
  launchCached();
  launchCached();
  EXPECT_EQ(compiler.compilations(), 1u);
  for (const char *interface : {"{}", "keep"}) { // one that cannot be read, one whose code cannot be loaded
    fs::path file;                               // beside it, the folder of tunings
    for (const fs::directory_entry &each : fs::directory_iterator(directory))
      file = each.is_regular_file() ? each.path() : file;
    std::ifstream stream(file, std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(stream), {});
    std::string key = *keyOfCacheEntry(bytes);
    CacheEntry entry = *decodeCacheEntry(bytes, key);
    entry.ptx = "stale";
    if (interface != std::string_view("keep"))
      entry.interface = interface;
    std::ofstream(file, std::ios::binary) << encodeCacheEntry(key, entry);
    unsigned before = compiler.compilations();
    launchCached();
    EXPECT_EQ(compiler.compilations(), before + 1) << interface;
    launchCached();
    EXPECT_EQ(compiler.compilations(), before + 1) << "and the new entry is good";
  }
  fs::remove_all(directory);
}

TEST_F(Launch, AnUnusableCacheIsToldOnceAndGoneWithout) {
  RuntimeOptions options = fakeOptions(driver.table(), compiler);
  options.cacheDirectory = "/proc/imbrex";
  Runtime uncached = Runtime::openWith(options).value();
  ASSERT_EQ(uncached.messages().size(), 1u);
  EXPECT_TRUE(uncached.messages()[0].starts_with("kernels are not cached on disk: ")) << uncached.messages()[0];
}

TEST_F(Launch, ObjectsMayOutliveTheRuntime) {
  std::optional<Runtime> short_lived = Runtime::openWith(fakeOptions(driver.table(), compiler)).value();
  Buffer buffer = short_lived->allocate(16).value();
  short_lived.reset();
  buffer.copyFrom(x.data(), 16).value();
}

TEST_F(Launch, WhatWasMovedFromRefuses) {
  const std::vector<Argument> none;
  Kernel kept = std::move(scaleAdd); // NOLINT(performance-move-const-arg): what a caller would write
  EXPECT_NE(scaleAdd.launch(runtime.stream(), none).error().message.find("is missing"), std::string::npos) << "a copy";
  Buffer buffer = runtime.allocate(16).value(), taken = std::move(buffer);
  const std::string ofBuffer = "this buffer was moved from";
  EXPECT_EQ(buffer.copyFrom(&buffer, 1).error().message, ofBuffer);
  EXPECT_EQ(buffer.fill(runtime.stream(), 0).error().message, ofBuffer);
  EXPECT_EQ(buffer.release().error().message, ofBuffer);
  EXPECT_EQ(taken.copyFromAsync(runtime.stream(), buffer, 1).error().message, "the source was moved from");
  EXPECT_EQ(buffer.bytes() + buffer.address(), 0u);
  EXPECT_EQ(View(buffer, DataType::F32, {4}).owner, nullptr);
  Stream stream = runtime.createStream().value(), other = std::move(stream);
  EXPECT_EQ(stream.synchronize().error().message, "this stream was moved from");
  EXPECT_EQ(kept.launch(stream, none).error().message, "the stream was moved from");
  EXPECT_EQ(taken.fill(stream, 0).error().message, "the stream was moved from");
  EXPECT_EQ(Graph::capture(stream, [] { return Result<void>(); }).error().message, "this stream was moved from");
  EXPECT_EQ(stream.raw(), nullptr);
  Event event = runtime.createEvent().value(), mark = std::move(event);
  EXPECT_EQ(event.record(other).error().message, "this event was moved from");
  EXPECT_EQ(other.wait(event).error().message, "the event was moved from");
  EXPECT_EQ(mark.millisecondsSince(event).error().message, "the event was moved from");
  Runtime home = std::move(runtime);
  const std::string ofRuntime = "this runtime was moved from";
  EXPECT_EQ(runtime.allocate(4).error().message, ofRuntime);
  EXPECT_EQ(runtime.loadSource({"a.tile", ""}).error().message, ofRuntime);
  EXPECT_EQ(runtime.synchronize().error().message, ofRuntime);
  EXPECT_EQ(Code::load(runtime, "entry a").error().message, ofRuntime);
  EXPECT_EQ(kept.launch(runtime.stream(), none).error().message, "the stream was moved from");
  EXPECT_TRUE(runtime.messages().empty() && runtime.device().name.empty() && !runtime.owner());
}

TEST(ScalarBits, Ranges) {
  auto integer = [](int64_t value, DataType type) { return scalarBits({Scalar::Kind::Integer, value, 0}, type); };
  auto real = [](double value, DataType type) { return scalarBits({Scalar::Kind::Float, 0, value}, type); };
  EXPECT_EQ(integer(-1, DataType::I8), 0xFFu);
  EXPECT_EQ(integer(128, DataType::I8), std::nullopt);
  EXPECT_EQ(integer(-128, DataType::I8), 0x80u);
  EXPECT_EQ(integer(INT32_MIN, DataType::I32), 0x80000000u);
  EXPECT_EQ(integer(int64_t(1) << 31, DataType::I32), std::nullopt);
  EXPECT_EQ(integer(3, DataType::F32), std::bit_cast<uint32_t>(3.0f));
  EXPECT_EQ(integer(1, DataType::Bool), std::nullopt);
  EXPECT_EQ(real(1.0, DataType::BF16), 0x3F80u);
  EXPECT_EQ(real(-2.0, DataType::F16), 0xC000u);
  EXPECT_EQ(real(65520.0, DataType::F16), std::nullopt);
  EXPECT_EQ(real(INFINITY, DataType::F16), 0x7C00u);
  EXPECT_EQ(real(1e39, DataType::F32), std::nullopt);
  EXPECT_EQ(real(0.5, DataType::I32), std::nullopt);
  EXPECT_EQ(scalarBits({Scalar::Kind::Bool, 1, 0}, DataType::Bool), 1u);
  EXPECT_EQ(integer(0x20000020000001, DataType::F32), std::bit_cast<uint32_t>(0x1.000002p+53f)) << "rounded once";
  EXPECT_EQ(scalarBits(Argument("n", uint64_t(1) << 63).scalar, DataType::I64), std::nullopt);
  EXPECT_EQ(scalarBits(Argument("n", uint64_t(1) << 63).scalar, DataType::F32), std::bit_cast<uint32_t>(0x1p63f));
}

TEST_F(Launch, AnOutputSharesNoMemory) {
  auto refusal = [&](const View &a, const View &b, const View &c) {
    Result<void> launched = scaleAdd.launch(runtime.stream(), {{"X", a}, {"Y", b}, {"Z", c}, {"alpha", 1}});
    return launched ? "" : launched.error().message;
  };
  EXPECT_EQ(refusal(view(x), view(x), view(z)), "") << "inputs may";
  EXPECT_EQ(refusal(view(x), view(y), view(x)),
            "argument 'Z' is stored to, but overlaps argument 'X' in memory: give it memory of its own");
  View shifted = view(y);
  shifted.address += 4 * (y.size() - 1); // one element
  EXPECT_EQ(refusal(view(x), view(y), shifted),
            "argument 'Z' is stored to, but overlaps argument 'Y' in memory: give it memory of its own");
}
