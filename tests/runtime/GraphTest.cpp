//===- GraphTest.cpp - Capture, update, replay, and launches beside them --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// On the fake driver: what a graph does and keeps, what a capture refuses, and the options of launches and streams.
//
//===----------------------------------------------------------------------===//

#include "runtime/Code.h"
#include "tests/runtime/FakeCompiler.h"
#include <bit>
#include <gtest/gtest.h>
#include <thread>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

struct Graphs : ::testing::Test {
  FakeDriver driver;
  FakeCompiler compiler;
  Runtime runtime = open();
  Kernel kernel = runtime.loadSource({"a.tile", ""}).value().kernel("scale_add").value();
  alignas(16) float x[4] = {1, 2, 3, 4}, y[4] = {1, 1, 1, 1}, z[4] = {};

  Graphs() { addFakeKernels(driver); }
  Runtime open() {
    RuntimeOptions options = fakeOptions(driver.table(), compiler);
    options.loadedKernels = 4;
    return Runtime::openWith(options).value();
  }
  static View view(float *data) { return View(uint64_t(data), DataType::F32, {4}); }
  std::vector<Argument> arguments(double alpha = 10) {
    return {{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", alpha}};
  }
  std::function<Result<void>()> launching(double alpha, unsigned count = 1) {
    return [=, this]() -> Result<void> {
      for (unsigned i = 0; i < count; ++i)
        if (Result<void> done = kernel.launch(runtime.stream(), arguments(alpha)); !done)
          return done;
      return {};
    };
  }
};

} // namespace

TEST_F(Graphs, ACaptureDoesNothingAndAReplayAll) {
  (void)kernel.prepare(arguments()).value();
  Graph graph = Graph::capture(runtime.stream(), launching(10)).value();
  EXPECT_EQ(driver.launches(), 0u);
  EXPECT_EQ(z[3], 0);
  graph.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 41);
  x[3] = 5; // the memory is read at the replay
  graph.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 51);
}

TEST_F(Graphs, AnUpdateChangesValuesInPlaceAndOtherWorkMakesItAnew) {
  (void)kernel.prepare(arguments()).value();
  Graph graph = Graph::capture(runtime.stream(), launching(10)).value();
  EXPECT_TRUE(graph.update(runtime.stream(), launching(2)).value());
  graph.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 9);
  EXPECT_FALSE(graph.update(runtime.stream(), launching(3, 2)).value());
  unsigned before = driver.launches();
  graph.launch(runtime.stream()).value();
  EXPECT_EQ(driver.launches() - before, 2u);
  EXPECT_EQ(z[3], 13);
  Result<bool> failed = graph.update(runtime.stream(), [] { return Error{ErrorKind::Argument, "no"}; });
  EXPECT_EQ(failed.error().message, "no");
  graph.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 13) << "as before";
}

TEST_F(Graphs, OneLaunchIsSetWithoutACapture) {
  (void)kernel.prepare(arguments()).value();
  float other[4] = {};
  Graph graph = Graph::capture(runtime.stream(), launching(10, 2)).value();
  EXPECT_EQ(graph.launches(), (std::vector<std::string>{"scale_add", "scale_add"}));
  graph.set(1, kernel, {{"X", view(x)}, {"Y", view(y)}, {"Z", view(other)}, {"alpha", 2.}}).value();
  graph.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 41) << "the first launch is as it was";
  EXPECT_EQ(other[3], 9);
  BoundKernel bound = kernel.bind(arguments(3)).value();
  graph.set(0, bound).value();
  bound.set(bound.place("alpha").value(), 5.).value();
  graph.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 13);
  graph.set(0, bound).value();
  graph.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 21);
  EXPECT_TRUE(graph.update(runtime.stream(), launching(7, 2)).value()) << "in place, and over what was set";
  other[3] = 0;
  graph.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 29);
  EXPECT_EQ(other[3], 0);
  graph.set(1, kernel, arguments(8)).value(); // by the node of the first capture
  graph.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 33);
}

TEST_F(Graphs, ALaunchThatIsSetIsKeptLoadedAndMayBeAnother) {
  kernel.launch(runtime.stream(), arguments()).value();
  Graph graph = Graph::capture(runtime.stream(), launching(10)).value();
  Kernel fresh = Kernel(kernel).set("BLOCK", 128);
  graph.set(0, fresh, arguments(2)).value(); // compiled and loaded here
  EXPECT_EQ(compiler.compilations(), 2u);
  for (int64_t block = 1; block < 20; ++block)
    (void)Kernel(kernel).set("BLOCK", block).prepare(arguments()).value();
  EXPECT_EQ(driver.alive().modules, 5) << "four by the bound, and the graph's";
  Code code = Code::load(runtime, "entry scale_add").value();
  uint64_t pointers[] = {uint64_t(x), 4, uint64_t(y), 4, uint64_t(z), 4, std::bit_cast<uint32_t>(3.f)};
  const void *values[7];
  for (int i = 0; i < 7; ++i)
    values[i] = &pointers[i];
  graph.set(0, code, "scale_add", {.grid = {1}, .block = {32}}, values).value();
  EXPECT_EQ(driver.alive().modules, 5) << "the code's in place of the one that was set before";
  graph.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 13);
}

TEST_F(Graphs, WhatCannotBeSetIsSaidAndTheGraphStays) {
  (void)kernel.prepare(arguments()).value();
  Graph graph = Graph::capture(runtime.stream(), launching(10)).value();
  EXPECT_EQ(graph.set(1, kernel, arguments(2)).error().message,
            "there is no launch 1 in this graph: it has 1, counted from 0");
  EXPECT_EQ(graph.set(0, Kernel(kernel).programmatic(), arguments(2)).error().message,
            "kernel 'scale_add' cannot be launch 0 of this graph: it is programmatic(), and the one captured there is "
            "not");
  View none = view(x);
  none.extents = {0};
  EXPECT_EQ(graph.set(0, kernel, {{"X", none}, {"Y", none}, {"Z", none}, {"alpha", 2.}}).error().message,
            "kernel 'scale_add' cannot be launch 0 of this graph: its grid is empty, and a launch cannot be taken out: "
            "capture anew, by update()");
  EXPECT_FALSE(graph.set(0, kernel, {{"X", view(x)}}));
  Runtime second = open();
  Kernel foreign = second.loadSource({"a.tile", ""}).value().kernel("scale_add").value();
  EXPECT_EQ(graph.set(0, foreign, arguments(2)).error().kind, ErrorKind::Argument);
  graph.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 41) << "as before";
  Graph taken = std::move(graph);
  // NOLINTNEXTLINE(bugprone-use-after-move): that it refuses
  EXPECT_EQ(graph.set(0, kernel, arguments(2)).error().message, "this graph was moved from");
  EXPECT_TRUE(graph.launches().empty());
}

TEST_F(Graphs, WhatIsLaunchedBesideACaptureIsNoPlaceOfIt) {
  kernel.launch(runtime.stream(), arguments()).value();
  Graph inner = Graph::capture(runtime.stream(), launching(4)).value();
  Graph graph = Graph::capture(runtime.stream(), [&]() -> Result<void> {
                  if (Result<void> done = kernel.launch(runtime.stream(), arguments()); !done)
                    return done;
                  return inner.launch(runtime.stream()); // a node of its own kind
                }).value();
  EXPECT_EQ(graph.launches(), std::vector<std::string>{"scale_add"});
}

TEST_F(Graphs, NothingIsCompiledOrAllocatedInACapture) {
  Result<Graph> graph = Graph::capture(runtime.stream(), launching(10));
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().message, "kernel 'scale_add' would be compiled or loaded while a graph is captured: call "
                                   "prepare() or bind() with these arguments before the capture");
  EXPECT_EQ(compiler.compilations(), 0u);
  graph = Graph::capture(runtime.stream(), [&]() -> Result<void> {
    Result<Buffer> buffer = runtime.allocate(8);
    return buffer ? Result<void>() : buffer.takeError();
  });
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().message,
            "a buffer of 8 bytes would be allocated while this thread captures a graph: allocate it before");
  EXPECT_FALSE(runtime.stream().isCapturing().value());
  kernel.launch(runtime.stream(), arguments()).value(); // everything works again
  EXPECT_TRUE(Graph::capture(runtime.stream(), launching(10)));
}

TEST_F(Graphs, ACaptureOfSomebodyElseIsServedAndKeptSafe) {
  cuda::DriverTable table = driver.table();
  auto *stream = static_cast<cuda::CUstream>(runtime.stream().raw());
  ASSERT_EQ(table.streamBeginCapture(stream, cuda::CU_STREAM_CAPTURE_MODE_GLOBAL), cuda::CUDA_SUCCESS);
  EXPECT_TRUE(runtime.stream().isCapturing().value());
  Result<void> cold = kernel.launch(runtime.stream(), arguments());
  ASSERT_FALSE(cold);
  EXPECT_NE(cold.error().message.find("while a graph is captured"), std::string::npos);
  cuda::CUgraph theirs = nullptr;
  ASSERT_EQ(table.streamEndCapture(stream, &theirs), cuda::CUDA_SUCCESS);
  kernel.launch(runtime.stream(), arguments()).value();
  ASSERT_EQ(table.streamBeginCapture(stream, cuda::CU_STREAM_CAPTURE_MODE_GLOBAL), cuda::CUDA_SUCCESS);
  unsigned before = driver.launches();
  kernel.launch(runtime.stream(), arguments()).value();
  EXPECT_EQ(driver.launches(), before);
  EXPECT_EQ(table.streamEndCapture(stream, &theirs), cuda::CUDA_SUCCESS);
}

TEST_F(Graphs, AGraphKeepsItsKernelsLoaded) {
  kernel.launch(runtime.stream(), arguments()).value();
  {
    Graph graph = Graph::capture(runtime.stream(), launching(10)).value();
    for (int64_t block = 1; block < 20; ++block)
      (void)Kernel(kernel).set("BLOCK", block).prepare(arguments()).value();
    EXPECT_EQ(driver.alive().modules, 5) << "four by the bound, and the graph's";
    graph.launch(runtime.stream()).value();
    EXPECT_EQ(z[3], 41);
  }
  EXPECT_EQ(driver.alive().modules, 4);
  EXPECT_EQ(driver.alive().graphs, 0);
  EXPECT_EQ(driver.alive().executables, 0);
}

TEST_F(Graphs, WhatCannotBeCapturedIsSaid) {
  for (uintptr_t handle : {0, 1}) {
    Stream standard = runtime.wrapStream(reinterpret_cast<void *>(handle)).value(); // NOLINT(performance-no-int-to-ptr)
    EXPECT_EQ(Graph::capture(standard, launching(10)).error().message,
              "the default stream cannot be captured: make a stream for it");
  }
  kernel.launch(runtime.stream(), arguments()).value();
  Result<Graph> nested = Graph::capture(runtime.stream(), [&]() -> Result<void> {
    Result<Graph> inner = Graph::capture(runtime.stream(), launching(10));
    return inner ? Result<void>() : inner.takeError();
  });
  EXPECT_EQ(nested.error().message, "the stream is being captured already");
  Graph graph = Graph::capture(runtime.stream(), launching(10)).value();
  Graph taken = std::move(graph);
  // NOLINTNEXTLINE(bugprone-use-after-move): that it refuses
  EXPECT_EQ(graph.launch(runtime.stream()).error().message, "this graph was moved from");
  taken.launch(runtime.stream()).value();
}

TEST_F(Graphs, AProgrammaticLaunchWaitsInItsCodeAndSaysSoToTheDriver) {
  bool wasProgrammatic = false;
  driver.addKernel("scale_add", [&](const FakeLaunch &launch) { wasProgrammatic = launch.programmatic; }, 7);
  kernel.launch(runtime.stream(), arguments()).value();
  EXPECT_FALSE(wasProgrammatic);
  Kernel early = Kernel(kernel).programmatic();
  early.launch(runtime.stream(), arguments()).value();
  EXPECT_TRUE(wasProgrammatic);
  EXPECT_NE(early.prepare(arguments())
                .value()
                .ptx.find("{\n\tgriddepcontrol.launch_dependents;\n\tgriddepcontrol.wait;\n\tret;"),
            std::string::npos);
  EXPECT_EQ(compiler.compilations(), 2u) << "other code";
  RuntimeOptions options = fakeOptions(driver.table(), compiler);
  options.target = "sm_80";
  Runtime old = Runtime::openWith(options).value();
  Kernel refused = old.loadSource({"a.tile", ""}).value().kernel("scale_add").value().programmatic();
  EXPECT_EQ(refused.launch(old.stream(), arguments()).error().message,
            "kernel 'scale_add': programmatic(): it needs sm_90 or later, and kernels are compiled for sm_80");
}

TEST_F(Graphs, CodeOfOthersIsLaunchedAndCapturedByTheSameClasses) {
  Code code = Code::load(runtime, "entry scale_add").value();
  auto launching = [&](float alpha) {
    return [&, alpha] {
      auto address = [](float *data) { return reinterpret_cast<uint64_t>(data); };
      return code.launch(runtime.stream(), "scale_add", {.grid = {1}, .block = {32}}, address(x), int64_t(4),
                         address(y), int64_t(4), address(z), int64_t(4), uint64_t(std::bit_cast<uint32_t>(alpha)));
    };
  };
  Result<Graph> cold = Graph::capture(runtime.stream(), launching(10));
  EXPECT_EQ(cold.error().message,
            "kernel 'scale_add' would be loaded while a graph is captured: call prepare() before");
  launching(10)().value();
  EXPECT_EQ(z[3], 41);
  Graph graph = Graph::capture(runtime.stream(), launching(2)).value();
  graph.launch(runtime.stream()).value();
  EXPECT_EQ(z[3], 9);
  EXPECT_EQ(code.launch(runtime.stream(), "nothing", {}).error().message,
            "there is no kernel 'nothing' in the code that was loaded");
  Result<Code> broken = Code::load(runtime, "no module");
  EXPECT_EQ(broken.error().kind, ErrorKind::Assemble);
  EXPECT_EQ(broken.error().report, "not a module");
  EXPECT_EQ(driver.maxDynamicShared(), 0);
  code.prepare("scale_add", 100000).value();
  EXPECT_EQ(driver.maxDynamicShared(), 100000);
}

TEST_F(Graphs, PrioritiesReachTheDriverWithinItsRange) {
  Stream urgent = runtime.createStream({.priority = -3}).value();
  EXPECT_EQ(driver.lastPriority(), -3);
  for (int priority : {1, -6})
    EXPECT_EQ(runtime.createStream({.priority = priority}).error().message,
              "a stream's priority is " + std::to_string(priority) + ": on fake it is between -5 and 0");
}

TEST_F(Graphs, ReadinessIsToldWithoutACompilation) {
  EXPECT_EQ(kernel.readiness(arguments()).value(), Readiness::Missing);
  EXPECT_EQ(compiler.compilations(), 0u);
  kernel.launch(runtime.stream(), arguments()).value();
  EXPECT_EQ(kernel.readiness(arguments()).value(), Readiness::Loaded);
  Kernel other = Kernel(kernel).set("BLOCK", 128);
  EXPECT_EQ(other.readiness(arguments()).value(), Readiness::Missing);
  compiler.failWith("it cannot be");
  EXPECT_FALSE(other.launch(runtime.stream(), arguments()));
  EXPECT_EQ(other.readiness(arguments()).error().kind, ErrorKind::Compile) << "remembered";
}

TEST_F(Graphs, MemoryComesFromTheHostsAllocatorAlone) {
  size_t given = 0, taken = 0, off = 0;
  alignas(256) static char memory[1024];
  cuda::DriverTable table = driver.table();
  table.memAlloc = [](cuda::CUdeviceptr *, size_t) { return cuda::CUDA_ERROR_UNKNOWN; };
  table.memFree = [](cuda::CUdeviceptr) { return cuda::CUDA_ERROR_UNKNOWN; };
  RuntimeOptions options = fakeOptions(table, compiler);
  options.allocator.allocate = [&](size_t bytes) -> uint64_t {
    if (bytes > 1000)
      return 0;
    given += bytes;
    return reinterpret_cast<uint64_t>(memory) + 256 * (given / 128) + off;
  };
  options.allocator.free = [&](uint64_t, size_t bytes) { taken += bytes; };
  Runtime own = Runtime::openWith(options).value();
  {
    Buffer first = own.allocate(100).value(), second = own.allocate(28).value();
    EXPECT_TRUE(first.release());
    EXPECT_EQ(own.allocate(1001).error().kind, ErrorKind::OutOfMemory);
  }
  EXPECT_EQ(given, 128u);
  EXPECT_EQ(taken, 128u);
  off = 8;
  EXPECT_NE(own.allocate(100).error().message.find("is no multiple of 256"), std::string::npos);
  EXPECT_EQ(taken, given) << "given back";
  EXPECT_TRUE(own.messages().empty());
  options.allocator.free = {};
  EXPECT_EQ(Runtime::openWith(options).error().kind, ErrorKind::Argument) << "both or none";
}

TEST_F(Graphs, EventsOfOthersAreUsedAndStayTheirs) {
  Event own = runtime.createEvent().value();
  {
    Event wrapped = runtime.wrapEvent(own.raw()).value();
    EXPECT_TRUE(wrapped.record(runtime.stream()));
    EXPECT_TRUE(runtime.stream().wait(wrapped));
  }
  EXPECT_EQ(driver.alive().events, 1);
  EXPECT_FALSE(runtime.wrapEvent(nullptr));
  cuda::DriverTable table = driver.table();
  table.eventQuery = [](cuda::CUevent) { return cuda::CUDA_ERROR_INVALID_HANDLE; };
  Runtime other = Runtime::openWith(fakeOptions(table, compiler)).value();
  EXPECT_EQ(other.wrapEvent(own.raw()).error().message, "the event to wrap is none of the primary context of fake");
}
