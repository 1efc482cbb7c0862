//===- FailureTest.cpp - Every driver call made to fail -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One scenario (open, load, allocate, copy, launch, time, copy back) with each call of each driver function
// failing in turn: it must end in an Error or a message that names the call, leak nothing and crash nowhere.
//
//===----------------------------------------------------------------------===//

#include "runtime/DeviceContext.h"
#include "tests/runtime/FailingDriver.h"
#include "tests/runtime/FakeCompiler.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

/// Early exit for the scenario: the value, or the error returned.
#define TRY(name, expression)                                                                                          \
  auto name##Result = expression;                                                                                      \
  if (!name##Result)                                                                                                   \
    return name##Result.takeError();                                                                                   \
  auto name = std::move(*name##Result)
#define CHECK_DONE(expression)                                                                                         \
  if (Result<void> done = expression; !done)                                                                           \
  return done

static Result<void> useEvents(const Runtime &runtime) {
  TRY(other, runtime.createStream({.priority = -1}));
  TRY(start, runtime.createEvent());
  TRY(end, runtime.createEvent());
  CHECK_DONE(start.record(runtime.stream()));
  CHECK_DONE(other.wait(start));
  TRY(shared, runtime.wrapStream(other.raw()));
  CHECK_DONE(end.record(shared));
  CHECK_DONE(end.synchronize());
  TRY(isDone, end.isDone());
  if (!isDone)
    return Error{ErrorKind::Driver, "what was waited for is not done"};
  TRY(time, end.millisecondsSince(start));
  return time == 1 ? Result<void>() : Error{ErrorKind::Driver, "the time is wrong"};
}

/// A programmatic launch, captured twice, replayed, and made anew.
static Result<void> useGraph(const Runtime &runtime, Kernel kernel, std::vector<Argument> arguments) {
  CHECK_DONE(kernel.launch(runtime.stream(), arguments)); // while nothing is captured
  auto launches = [&](int count) {
    return [&, count]() -> Result<void> {
      for (int i = 0; i < count; ++i)
        CHECK_DONE(kernel.launch(runtime.stream(), arguments));
      return {};
    };
  };
  TRY(graph, Graph::capture(runtime.stream(), launches(1)));
  TRY(isSame, graph.update(runtime.stream(), launches(1)));
  TRY(isStillSame, graph.update(runtime.stream(), launches(2)));
  CHECK_DONE(graph.set(1, kernel, arguments));
  CHECK_DONE(graph.launch(runtime.stream()));
  return isSame && !isStillSame ? Result<void>() : Error{ErrorKind::Driver, "the updates are wrong"};
}

static Result<void> useRuntime(const Runtime &runtime) {
  TRY(module, runtime.loadSource({"a.tile", ""}));
  TRY(kernel, module.kernel("scale_add"));
  TRY(x, runtime.allocate(400));
  TRY(y, runtime.allocate(400));
  TRY(z, runtime.allocate(400));
  std::vector<float> host(100, 2);
  CHECK_DONE(x.copyFrom(host.data(), 400));
  CHECK_DONE(y.copyFromAsync(runtime.stream(), x, 400));
  CHECK_DONE(z.fill(runtime.stream(), 0xFF));
  CHECK_DONE(z.fill32(runtime.stream(), 0x7FC00000));
  auto view = [](const Buffer &buffer) { return View(buffer, DataType::F32, {100}); };
  std::vector<Argument> arguments = {{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", 3}};
  CHECK_DONE(kernel.launch(runtime.stream(), arguments));
  CHECK_DONE(useGraph(runtime, Kernel(kernel).programmatic(), arguments));
  CHECK_DONE(useEvents(runtime));
  CHECK_DONE(z.copyToAsync(runtime.stream(), host.data(), 400));
  CHECK_DONE(runtime.stream().synchronize());
  CHECK_DONE(runtime.synchronize());
  return host[99] == 8 ? Result<void>() : Error{ErrorKind::Driver, "the result is wrong"};
}

/// Everything that was said of the run: the error and the messages.
static std::string runScenario(const FakeDriver &driver, const std::shared_ptr<FailurePlan> &plan) {
  FakeCompiler compiler;
  compiler.setSharedBytes(100000); // so that cuFuncSetAttribute is called
  Result<Runtime> runtime = Runtime::openWith(fakeOptions(makeFailing(driver.table(), plan), compiler));
  if (!runtime)
    return runtime.error().render();
  Result<void> used = useRuntime(*runtime);
  std::string said = used ? "" : used.error().render();
  for (const std::string &message : runtime->messages())
    said += message;
  plan->audible = plan->counts;
  return said;
}

/// Calls that only tell more of another failure.
static bool isAboutErrors(const std::string &symbol) {
  return symbol == "cuGetErrorName" || symbol == "cuGetErrorString";
}

TEST(Failure, TheScenarioWorksAndLeaksNothing) {
  FakeDriver driver;
  addFakeKernels(driver);
  EXPECT_EQ(runScenario(driver, std::make_shared<FailurePlan>()), "");
  EXPECT_TRUE(driver.alive().none());
}

TEST(Failure, EveryCallOfEveryFunction) {
  FakeDriver counted;
  addFakeKernels(counted);
  auto counting = std::make_shared<FailurePlan>();
  runScenario(counted, counting);
  unsigned runs = 0;
#define IMBREX_CUDA(field, symbol, parameters)                                                                         \
  EXPECT_TRUE(counting->counts[symbol] > 0 || isAboutErrors(symbol)) << symbol << " is never called";
#include "runtime/CudaSymbols.def"
  for (const auto &[symbol, calls] : counting->counts)
    for (int call = 1; call <= calls; ++call, ++runs) {
      FakeDriver driver;
      addFakeKernels(driver);
      auto plan = std::make_shared<FailurePlan>();
      plan->symbol = symbol;
      plan->call = call;
      std::string said = runScenario(driver, plan);
      // Later calls come from the Runtime's own end: nobody is left to be told.
      bool isAudible = call <= counting->audible[symbol] && !isAboutErrors(symbol);
      EXPECT_NE(said.find(isAudible ? symbol + "(" : ""), std::string::npos)
          << symbol << " call " << call << ": " << said;
      // A push or pop, or a giving back, that fails leaves that one thing behind; nothing else may stay.
      bool keepsOne = symbol.starts_with("cuCtxP") || symbol == "cuStreamEndCapture" ||
                      symbol.find("Destroy") != std::string::npos || symbol == "cuMemFree_v2" ||
                      symbol == "cuModuleUnload" || symbol.ends_with("Release_v2");
      EXPECT_TRUE(driver.alive().none() || keepsOne) << symbol << " call " << call;
    }
  std::printf("%u runs with a failing call\n", runs);
  EXPECT_GT(runs, 60u);
}

TEST(Failure, AnErrorCarriesCallArgumentsAndWords) {
  FakeDriver driver;
  FakeCompiler compiler;
  auto plan = std::make_shared<FailurePlan>();
  plan->symbol = "cuMemAlloc_v2";
  plan->result = cuda::CUDA_ERROR_OUT_OF_MEMORY;
  Runtime runtime = Runtime::openWith(fakeOptions(makeFailing(driver.table(), plan), compiler)).value();
  Result<Buffer> buffer = runtime.allocate(12345);
  ASSERT_FALSE(buffer);
  const Error &error = buffer.error();
  EXPECT_EQ(error.kind, ErrorKind::OutOfMemory);
  EXPECT_EQ(error.call, "cuMemAlloc_v2");
  EXPECT_TRUE(error.arguments.ends_with(", 12345")) << error.arguments;
  EXPECT_EQ(error.driverName, "CUDA_ERROR_OUT_OF_MEMORY");
  EXPECT_EQ(error.driverWords, "fake words");
}

TEST(Failure, AFaultIsToldOnceWithItsKernelAndThenThatTheDeviceIsLost) {
  FakeDriver driver;
  addFakeKernels(driver);
  FakeCompiler compiler;
  auto plan = std::make_shared<FailurePlan>();
  plan->symbol = "cuStreamSynchronize";
  plan->result = cuda::CUDA_ERROR_ILLEGAL_ADDRESS;
  cuda::DriverTable table = makeFailing(driver.table(), plan);
  table.simulated = false;
  RuntimeOptions options = fakeOptions(table, compiler);
  {
    Runtime runtime = Runtime::openWith(options).value();
    Module module = runtime.loadSource({"a.tile", ""}).value();
    Kernel kernel = module.kernel("scale_add").value();
    Buffer x = runtime.allocate(400).value();
    Buffer z = runtime.allocate(400).value();
    View view(x, DataType::F32, {100});
    std::vector<Argument> arguments = {{"X", view}, {"Y", view}, {"Z", View(z, DataType::F32, {100})}, {"alpha", 3}};
    kernel.launch(runtime.stream(), arguments).value();
    Result<void> first = runtime.stream().synchronize();
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().kind, ErrorKind::Fault);
    EXPECT_EQ(first.error().message, "kernel 'scale_add' failed on the device");
    unsigned launches = driver.launches();
    float host[100];
    for (const Result<void> &later : {runtime.stream().synchronize(), runtime.synchronize(), x.copyTo(host, 400),
                                      kernel.launch(runtime.stream(), arguments)}) {
      ASSERT_FALSE(later);
      EXPECT_EQ(later.error().kind, ErrorKind::Fault);
      EXPECT_NE(later.error().message.find("is lost since kernel 'scale_add' failed with"), std::string::npos);
      EXPECT_NE(later.error().message.find("start a new one"), std::string::npos);
    }
    EXPECT_FALSE(runtime.allocate(8));
    EXPECT_EQ(driver.launches(), launches);
    EXPECT_TRUE(runtime.messages().empty());
  }
  EXPECT_TRUE(driver.alive().none()) << "handles are given back all the same";
}

TEST(Failure, WhatWasWaitedForIsNoSuspect) {
  Suspects suspects;
  auto one = reinterpret_cast<cuda::CUstream>(1), two = reinterpret_cast<cuda::CUstream>(2);
  EXPECT_EQ(suspects.name(), "a kernel");
  suspects.launched(one, "a");
  suspects.launched(two, "b");
  suspects.launched(two, "a");
  EXPECT_EQ(suspects.name(), "one of the kernels 'a', 'b'");
  suspects.finished(two);
  EXPECT_EQ(suspects.name(), "kernel 'a'");
  suspects.allFinished();
  EXPECT_EQ(suspects.name(), "a kernel");
}

TEST(Failure, ADriverWithoutWordsStillGivesTheNumber) {
  FakeDriver driver;
  FakeCompiler compiler;
  cuda::DriverTable table = driver.table();
  table.getErrorName = [](cuda::CUresult, const char **) { return cuda::CUDA_ERROR_INVALID_VALUE; };
  table.getErrorString = [](cuda::CUresult, const char **) { return cuda::CUDA_ERROR_INVALID_VALUE; };
  table.init = [](unsigned) { return cuda::CUresult(803); };
  Result<Runtime> runtime = Runtime::openWith(fakeOptions(table, compiler));
  ASSERT_FALSE(runtime);
  EXPECT_EQ(runtime.error().render(), "cuInit(0) failed with 803\n");
}

TEST(Failure, AnIncompleteTableIsRefused) {
  FakeDriver driver;
  FakeCompiler compiler;
  cuda::DriverTable table = driver.table();
  table.eventRecord = nullptr;
  Result<Runtime> runtime = Runtime::openWith(fakeOptions(table, compiler));
  ASSERT_FALSE(runtime);
  EXPECT_EQ(runtime.error().message, "the driver table lacks cuEventRecord");
}

TEST(Failure, AWrappedStreamIsOfThisContextAndStaysItsOwners) {
  FakeDriver driver;
  FakeCompiler compiler;
  Runtime runtime = Runtime::openWith(fakeOptions(driver.table(), compiler)).value();
  int streams = driver.alive().streams;
  {
    Stream own = runtime.createStream().value();
    Stream wrapped = runtime.wrapStream(own.raw()).value();
    EXPECT_EQ(wrapped.raw(), own.raw());
    EXPECT_TRUE(wrapped.synchronize());
  }
  EXPECT_EQ(driver.alive().streams, streams);
  for (uintptr_t handle : {0, 1, 2}) // the default streams
    EXPECT_TRUE(runtime.wrapStream(reinterpret_cast<void *>(handle)));
  Result<Stream> foreign = runtime.wrapStream(reinterpret_cast<void *>(32));
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().kind, ErrorKind::Argument);
  EXPECT_TRUE(foreign.error().message.ends_with("it belongs to another device or context"));
}

TEST(Failure, BuffersCheckTheirRanges) {
  FakeDriver driver;
  FakeCompiler compiler;
  Runtime runtime = Runtime::openWith(fakeOptions(driver.table(), compiler)).value();
  Buffer buffer = runtime.allocate(10).value();
  char bytes[16] = {};
  EXPECT_EQ(buffer.copyFrom(bytes, 8, 3).error().message, "8 bytes at offset 3 do not lie in a buffer of 10 bytes");
  EXPECT_FALSE(buffer.copyTo(bytes, SIZE_MAX, 1));
  EXPECT_FALSE(buffer.fill32(runtime.stream(), 0));
  EXPECT_TRUE(runtime.allocate(0).value().copyTo(bytes, 0));
  buffer.release().value();
  EXPECT_EQ(buffer.bytes(), 0u);
}
