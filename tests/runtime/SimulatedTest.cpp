//===- SimulatedTest.cpp - From text to results on the simulated device ---===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime with the real compiler and the simulated driver: results, faults, caches, forked children.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "runtime/Runtime.h"
#include "runtime/simulator/SimulatedDriver.h"
#include "tests/runtime/FailingDriver.h"
#include "tests/runtime/TemporaryDirectory.h"
#include <climits>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <shared_mutex>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace imbrex;

static const std::string kVectorAdd = IMBREX_SOURCE_DIR "/kernels/lessons/vector_add.tile";

static Runtime openSimulated(RuntimeOptions options = {}) {
  if (options.device.empty())
    options.device = "sim:h200";
  return Runtime::open(std::move(options)).value();
}

namespace {

/// Three vectors of n floats on a device: X, Y filled, Z for the result.
struct Vectors {
  std::vector<float> x, y;
  Buffer bufferX, bufferY, bufferZ;

  Vectors(const Runtime &runtime, size_t n)
      : x(n), y(n), bufferX(runtime.allocate(4 * n).value()), bufferY(runtime.allocate(4 * n).value()),
        bufferZ(runtime.allocate(4 * n).value()) {
    for (size_t i = 0; i < n; ++i) {
      x[i] = float(i);
      y[i] = 0.5f * float(i);
    }
    bufferX.copyFrom(x.data(), 4 * n).value();
    bufferY.copyFrom(y.data(), 4 * n).value();
  }
  View view(const Buffer &buffer) const { return View(buffer, DataType::F32, {int64_t(x.size())}); }
  std::vector<Argument> arguments() const { return {{"X", view(bufferX)}, {"Y", view(bufferY)}, {"Z", view(bufferZ)}}; }
  void expectSum() const {
    std::vector<float> z(x.size());
    bufferZ.copyTo(z.data(), 4 * z.size()).value();
    for (size_t i = 0; i < z.size(); ++i)
      ASSERT_EQ(z[i], x[i] + y[i]) << i;
  }
};

} // namespace

TEST(Simulated, AGraphReplaysAndProgrammaticLaunchesGiveTheSame) {
  Runtime runtime = openSimulated();
  Kernel kernel = runtime.load(kVectorAdd).value().kernel().value().programmatic();
  Stream side = runtime.createStream({.priority = -2}).value();
  Event fork = runtime.createEvent().value(), join = runtime.createEvent().value();
  Vectors first(runtime, 1000), second(runtime, 3000);
  for (const Vectors *vectors : {&first, &second})
    (void)kernel.prepare(vectors->arguments()).value();
  auto work = [&]() -> Result<void> { // two branches, of which one joins by an event
    fork.record(runtime.stream()).value();
    side.wait(fork).value();
    kernel.launch(side, second.arguments()).value();
    kernel.launch(runtime.stream(), first.arguments()).value();
    join.record(side).value();
    return runtime.stream().wait(join);
  };
  Graph graph = Graph::capture(runtime.stream(), work).value();
  first.bufferZ.fill(runtime.stream(), 0).value();
  second.bufferZ.fill(runtime.stream(), 0).value();
  graph.launch(runtime.stream()).value();
  first.expectSum();
  second.expectSum();
  EXPECT_TRUE(graph.update(runtime.stream(), work).value());
  Result<Graph> unjoined = Graph::capture(runtime.stream(), [&]() -> Result<void> {
    fork.record(runtime.stream()).value();
    side.wait(fork).value();
    return kernel.launch(side, second.arguments());
  });
  EXPECT_EQ(unjoined.error().driverName, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED");
  Result<Graph> waiting = Graph::capture(runtime.stream(), [&] { return runtime.stream().synchronize(); });
  EXPECT_EQ(waiting.error().driverName, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED");
  kernel.launch(runtime.stream(), first.arguments()).value();
}

TEST(Simulated, OneLaunchOfAGraphIsSetInItsBranch) {
  Runtime runtime = openSimulated();
  Kernel kernel = runtime.load(kVectorAdd).value().kernel().value();
  Stream side = runtime.createStream().value();
  Event fork = runtime.createEvent().value(), join = runtime.createEvent().value();
  Vectors first(runtime, 1000), second(runtime, 3000), third(runtime, 5000), fourth(runtime, 20);
  (void)kernel.prepare(first.arguments()).value();
  auto onSide = [&](const Vectors &vectors) { return kernel.launch(side, vectors.arguments()); };
  auto onMain = [&](const Vectors &vectors) { return kernel.launch(runtime.stream(), vectors.arguments()); };
  auto work = [&](bool sideFirst) {
    return [&, sideFirst]() -> Result<void> {
      fork.record(runtime.stream()).value();
      side.wait(fork).value();
      (sideFirst ? onSide(second) : onMain(first)).value();
      (sideFirst ? onMain(first) : onSide(second)).value();
      join.record(side).value();
      runtime.stream().wait(join).value();
      return onMain(third);
    };
  };
  auto replay = [&](const Graph &graph) {
    for (const Vectors *vectors : {&first, &second, &third, &fourth})
      vectors->bufferZ.fill(runtime.stream(), 0).value();
    graph.launch(runtime.stream()).value();
  };
  Graph graph = Graph::capture(runtime.stream(), work(true)).value();
  ASSERT_EQ(graph.launches().size(), 3u);
  graph.set(0, kernel, fourth.arguments()).value(); // a smaller grid
  replay(graph);
  for (const Vectors *vectors : {&first, &third, &fourth})
    vectors->expectSum();
  std::vector<float> untouched(3000, 1);
  second.bufferZ.copyTo(untouched.data(), 4 * untouched.size()).value();
  EXPECT_EQ(untouched, std::vector<float>(3000, 0));
  EXPECT_TRUE(graph.update(runtime.stream(), work(true)).value());
  graph.set(1, kernel, fourth.arguments()).value();
  replay(graph);
  for (const Vectors *vectors : {&second, &third, &fourth})
    vectors->expectSum();
  EXPECT_FALSE(graph.update(runtime.stream(), work(false)).value()) << "the places lie otherwise";
  graph.set(0, kernel, fourth.arguments()).value();
  replay(graph);
  for (const Vectors *vectors : {&second, &third, &fourth})
    vectors->expectSum();
  Result<void> failed = graph.set(2, Kernel(kernel).set("T", "f32").set("BLOCK", 3), first.arguments());
  EXPECT_FALSE(failed);
}

TEST(Simulated, GridsBeyondTheDevicesYAndZ) {
  // A position is stored where it belongs, for a grid whose z, and one whose y, no device launches as they are.
  const std::string text = "kernel k(O: out view<i32>[Z, Y, X]) tune { warps: {1} = 1; }\n"
                           "grid (X, Y, Z) |i, j, k| { store O[k, j, i] = (k * Y + j) * X + i; }\n";
  Runtime runtime = openSimulated();
  Kernel kernel = runtime.loadSource({"grid.tile", text}).value().kernel().value();
  for (std::array<int64_t, 3> extents : {std::array<int64_t, 3>{65537, 2, 2}, {2, 65537, 2}, {3, 4, 5}}) {
    size_t count = size_t(extents[0] * extents[1] * extents[2]);
    Buffer buffer = runtime.allocate(4 * count).value();
    kernel.launch(runtime.stream(), {{"O", View(buffer, DataType::I32, Dims(std::span<const int64_t>(extents)))}})
        .value();
    std::vector<int32_t> out(count);
    buffer.copyTo(out.data(), 4 * count).value();
    for (size_t i = 0; i < count; ++i)
      ASSERT_EQ(out[i], int32_t(i)) << extents[0] << " x " << extents[1];
  }
}

TEST(Simulated, VectorAddOfEveryDevice) {
  for (const DeviceInfo &device : listDevices()) {
    if (!device.simulated)
      continue;
    Runtime runtime = openSimulated({.device = device.id});
    EXPECT_EQ(runtime.device().id, device.id);
    Kernel kernel = runtime.load(kVectorAdd).value().kernel().value();
    Vectors vectors(runtime, 3001);
    kernel.launch(runtime.stream(), vectors.arguments()).value();
    runtime.stream().synchronize().value();
    vectors.expectSum();
    EXPECT_TRUE(runtime.messages().empty());
  }
}

// Sixteen threads, four a runtime, of which two are of one device and one cache: each has a stream of its own, and
// launches what is bound or a graph while others load, compile and launch. Buffers' own copies wait for all streams of
// their device, which while one of them is captured is an error of CUDA's: captures and they take turns.
TEST(Simulated, ThreadsOfManyDevicesAtOnce) {
  imbrex::testing::TemporaryDirectory cache;
  std::vector<Runtime> runtimes;
  for (const char *device : {"sim:h200", "sim:a100", "sim:h200", "sim:l40s"})
    runtimes.push_back(openSimulated({.device = device, .cacheDirectory = cache.path()}));
  std::shared_mutex turns;
  auto work = [&](const Runtime &runtime, unsigned number) {
    Stream stream = runtime.createStream().value();
    Kernel kernel = runtime.load(kVectorAdd).value().kernel().value().set("BLOCK", 256 << number % 2);
    std::shared_lock copies(turns);
    Vectors vectors(runtime, 500 + 10 * number);
    copies.unlock();
    BoundKernel bound = kernel.bind(vectors.arguments()).value();
    std::unique_lock captures(turns);
    Graph graph = Graph::capture(stream, [&] { return bound.launch(stream); }).value();
    captures.unlock();
    for (unsigned i = 0; i < 8; ++i) {
      vectors.bufferZ.fill(stream, 0).value();
      (i % 3 == 0   ? bound.launch(stream)
       : i % 3 == 1 ? graph.launch(stream)
                    : kernel.launch(stream, vectors.arguments()))
          .value();
      stream.synchronize().value();
      copies.lock();
      vectors.expectSum();
      copies.unlock();
    }
  };
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < 16; ++number)
    threads.emplace_back([&, number] { work(runtimes[number % runtimes.size()], number); });
  for (std::thread &thread : threads)
    thread.join();
}

TEST(Simulated, MemoryOfAnotherRuntimeIsRefused) {
  Runtime runtime = openSimulated({}), other = openSimulated({});
  Kernel kernel = runtime.load(kVectorAdd).value().kernel().value();
  Vectors vectors(runtime, 100), foreign(other, 100);
  std::vector<Argument> arguments = vectors.arguments();
  arguments[1] = {"Y", foreign.view(foreign.bufferY)};
  EXPECT_EQ(kernel.launch(runtime.stream(), arguments).error().message,
            "argument 'Y' is in a buffer of another runtime: allocate it with the kernel's");
  EXPECT_EQ(vectors.bufferX.copyTo(nullptr, 4).error().message, "the host pointer of a copy of 4 bytes is null");
}

/// Plain attention of one head in double precision: row i of the output, and its LSE.
static double attendRow(const float *q, const std::vector<float> &k, const std::vector<float> &v, size_t depth,
                        double scale, double *out) {
  size_t keys = k.size() / depth;
  std::vector<double> weights(keys);
  double sum = 0;
  for (size_t j = 0; j < keys; ++j) {
    double dot = 0;
    for (size_t d = 0; d < depth; ++d)
      dot += double(q[d]) * double(k[j * depth + d]);
    sum += weights[j] = std::exp(dot * scale);
  }
  for (size_t d = 0; d < depth; ++d) {
    out[d] = 0;
    for (size_t j = 0; j < keys; ++j)
      out[d] += weights[j] / sum * double(v[j * depth + d]);
  }
  return std::log(sum);
}

static Buffer upload(const Runtime &runtime, const std::vector<float> &host) {
  Buffer buffer = runtime.allocate(4 * host.size()).value();
  buffer.copyFrom(host.data(), 4 * host.size()).value();
  return buffer;
}

TEST(Simulated, AttentionWithEverythingInferred) {
  constexpr int64_t queries = 5, keys = 37, heads = 2, depth = 16;
  Runtime runtime = openSimulated();
  Kernel kernel = runtime.load(IMBREX_SOURCE_DIR "/kernels/attention_forward.tile").value().kernel().value();
  auto filled = [](size_t n, double step) {
    std::vector<float> values(n);
    for (size_t i = 0; i < n; ++i)
      values[i] = float(std::sin(step * double(i + 1)));
    return values;
  };
  std::vector<float> q = filled(queries * heads * depth, 0.7), k = filled(keys * depth, 1.3),
                     v = filled(keys * depth, 2.1);
  Buffer bufferQ = upload(runtime, q), bufferK = upload(runtime, k), bufferV = upload(runtime, v);
  Buffer bufferO = upload(runtime, std::vector<float>(q.size(), NAN));
  Buffer bufferL = upload(runtime, std::vector<float>(queries * heads, NAN));
  auto view = [](const Buffer &buffer, Dims extents) { return View(buffer, DataType::F32, extents); };
  kernel
      .launch(runtime.stream(), {{"Q", view(bufferQ, {1, queries, heads, depth})},
                                 {"K", view(bufferK, {1, keys, 1, depth})},
                                 {"V", view(bufferV, {1, keys, 1, depth})},
                                 {"O", view(bufferO, {1, queries, heads, depth})},
                                 {"L", view(bufferL, {1, heads, queries})},
                                 {"scale", 0.25f}})
      .value();
  std::vector<float> o(q.size()), l(queries * heads);
  bufferO.copyTo(o.data(), bufferO.bytes()).value();
  bufferL.copyTo(l.data(), bufferL.bytes()).value();
  for (size_t i = 0; i < queries; ++i)
    for (size_t h = 0; h < heads; ++h) {
      double expected[depth];
      size_t row = (i * heads + h) * depth;
      EXPECT_NEAR(l[h * queries + i], attendRow(&q[row], k, v, depth, 0.25, expected), 1e-4);
      for (size_t d = 0; d < depth; ++d)
        EXPECT_NEAR(o[row + d], expected[d], 1e-4) << i << " " << h << " " << d;
    }
}

TEST(Simulated, ErrorsOfTheTextCarryTheirPlace) {
  Runtime runtime = openSimulated();
  Result<Module> module = runtime.loadSource({"bad.tile", "kernel k(X: view<f32>[N)\n"});
  ASSERT_FALSE(module);
  EXPECT_EQ(module.error().kind, ErrorKind::Compile);
  EXPECT_NE(module.error().render().find("bad.tile:1:"), std::string::npos) << module.error().render();
}

TEST(Simulated, AFaultOfTheDeviceIsReported) {
  Runtime runtime = openSimulated();
  Kernel kernel = runtime.load(kVectorAdd).value().kernel().value();
  Vectors vectors(runtime, 64);
  std::vector<Argument> arguments = vectors.arguments();
  arguments[0].view = View(uint64_t(1) << 40, DataType::F32, {64}); // points nowhere
  Result<void> launched = kernel.launch(runtime.stream(), arguments);
  if (launched)
    launched = runtime.stream().synchronize();
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().kind, ErrorKind::Fault);
  EXPECT_NE(launched.error().report.find("out of bounds"), std::string::npos) << launched.error().render();
  EXPECT_NE(launched.error().report.find("vector_add.tile"), std::string::npos) << launched.error().render();
}

/// Opens with what `change` makes of the options; "" or what is said.
template <class Change> static std::string saidOfOpening(Change change) {
  RuntimeOptions options;
  options.device = "sim:h200";
  change(options);
  Result<Runtime> runtime = Runtime::open(std::move(options));
  return runtime ? "" : runtime.error().render();
}

template <class Change> static std::string saidOfTuning(Change change) {
  Runtime runtime = openSimulated();
  Kernel kernel = runtime.load(kVectorAdd).value().kernel().value();
  Vectors vectors(runtime, 64);
  TuneOptions options;
  options.budget = std::chrono::milliseconds(1);
  change(options);
  Result<TuneReport> report = kernel.tune(vectors.arguments(), options);
  return report ? "" : report.error().render();
}

// -1, 9 and the largest number, wherever a number is an option: taken where that makes sense, else refused by name.
TEST(Simulated, NumbersOfOptionsAreTakenOrRefused) {
  using std::chrono::milliseconds;
  for (unsigned number : {9u, unsigned(INT_MAX), unsigned(-1)}) {
    EXPECT_EQ(saidOfOpening([&](RuntimeOptions &options) { options.ptxasLevel = number; }),
              "ptxas has the optimisation levels 0 to 3, not " + std::to_string(number) + "\n");
    EXPECT_EQ(saidOfOpening([&](RuntimeOptions &options) {
                options.loadedKernels = options.simulatorThreads = options.simulatorSeed = number;
                options.cacheBytes = options.simulatorInstructions = uint64_t(int64_t(int(number)));
              }),
              "");
  }
  for (unsigned number : {unsigned(INT_MAX), unsigned(-1)})
    EXPECT_EQ(saidOfTuning([&](TuneOptions &options) { options.threads = number; }),
              "a tuning's number of threads is " + std::to_string(number) + ": 0 (one a core) to 1024\n");
  EXPECT_EQ(saidOfTuning([](TuneOptions &options) { options.threads = 9; }), "");
  EXPECT_EQ(saidOfTuning([](TuneOptions &options) { options.budget = milliseconds(-1); }),
            "a tuning's budget is -1 ms: 0 or more\n");
  EXPECT_EQ(saidOfTuning([](TuneOptions &options) { options.patience = milliseconds(0); }),
            "a tuning's patience is 0 ms: 1 or more\n");
  EXPECT_EQ(saidOfTuning([](TuneOptions &options) { options.budget = options.patience = milliseconds::max(); }), "");
  const Source source{"k.tile", "kernel k(X: out view<f32>[N]) tune { warps: {1} = 1; } grid (cdiv(N, 32)) |i| {\n"
                                "  store X[i * 32 :+ 32] = fill<f32>[32](1);\n}\n"};
  for (auto [time, isDone] : {std::pair{milliseconds(-1), false},
                              {milliseconds(INT_MAX), true},
                              {milliseconds::max(), true},
                              {milliseconds::min(), false}}) {
    CompileOptions options;
    options.budget.time = time;
    CompileResult result = compile(source, options);
    EXPECT_EQ(result.kernel.has_value(), isDone) << time.count() << ": " << result.errors();
    if (!isDone)
      EXPECT_NE(result.errors().find("its budget of " + std::to_string(time.count()) + " ms is spent"),
                std::string::npos);
  }
  for (unsigned bytes : {0u, 9u, unsigned(INT_MAX), unsigned(-1)}) {
    CompileOptions options;
    options.alignment["X"] = bytes;
    EXPECT_NE(compile(source, options).errors().find("must be 1, 2, 4, 8 or 16"), std::string::npos) << bytes;
  }
}

// Told once; later calls say since when the device is lost and how to go on, and that way leads on.
TEST(Simulated, AfterAFaultTheDeviceIsLostUntilItIsOpenedAnew) {
  auto table = std::make_shared<cuda::DriverTable>(*simulator::makeSimulatedDriver("h200"));
  for (int round = 0; round < 2; ++round) {
    RuntimeOptions options;
    options.device = "sim:h200";
    options.driver = table;
    Runtime runtime = Runtime::open(options).value();
    Kernel kernel = runtime.load(kVectorAdd).value().kernel().value();
    Vectors vectors(runtime, 64);
    std::vector<Argument> arguments = vectors.arguments(), wrong = arguments;
    kernel.launch(runtime.stream(), arguments).value();
    Stream stream = runtime.createStream().value();
    BoundKernel bound = kernel.bind(arguments).value();
    Graph graph = Graph::capture(stream, [&] { return bound.launch(stream); }).value();
    wrong[0].view = View(uint64_t(1) << 40, DataType::F32, {64}); // points nowhere
    Result<void> first = kernel.launch(runtime.stream(), wrong);
    ASSERT_FALSE(first);
    EXPECT_NE(first.error().report.find("in kernel 'vector_add'"), std::string::npos) << first.error().render();
    std::vector<float> host(64);
    const Result<void> later[] = {kernel.launch(runtime.stream(), arguments),
                                  bound.launch(runtime.stream()),
                                  graph.launch(stream),
                                  runtime.synchronize(),
                                  runtime.stream().synchronize(),
                                  vectors.bufferX.copyTo(host.data(), 256)};
    for (const Result<void> &each : later) {
      ASSERT_FALSE(each);
      EXPECT_EQ(each.error().kind, ErrorKind::Fault);
      EXPECT_EQ(each.error().render(), "the device sim:h200 is lost since its fault, out of bounds in kernel "
                                       "'vector_add': no call on it can succeed; close its runtime and open a new "
                                       "one\n");
    }
    Result<Buffer> more = runtime.allocate(8);
    ASSERT_FALSE(more);
    EXPECT_NE(more.error().message.find("is lost since"), std::string::npos);
    EXPECT_TRUE(runtime.messages().empty()) << runtime.messages().front();
  }
}

/// Opens, compiles, copies, launches, copies back; "" or what was said of a failure.
static std::string runOn(const cuda::DriverTable &table) {
  RuntimeOptions options;
  options.device = "sim:h200";
  options.driver = std::make_shared<cuda::DriverTable>(table);
  Result<Runtime> runtime = Runtime::open(std::move(options));
  if (!runtime)
    return runtime.error().render();
  Kernel kernel = runtime->load(kVectorAdd).value().kernel().value();
  std::vector<float> host(100, 1);
  Result<Buffer> x = runtime->allocate(400);
  Result<Buffer> z = x ? runtime->allocate(400) : Result<Buffer>(x.takeError());
  if (!z)
    return z.error().render();
  View from(*x, DataType::F32, {100}), to(*z, DataType::F32, {100});
  Result<void> done = x->copyFrom(host.data(), 400);
  if (done)
    done = kernel.launch(runtime->stream(), {{"X", from}, {"Y", from}, {"Z", to}});
  if (done)
    done = z->copyTo(host.data(), 400);
  EXPECT_TRUE(!done || host[99] == 2) << "success with a wrong result";
  return done ? "" : done.error().render();
}

TEST(Simulated, EveryDriverCallFailingOnce) {
  auto counting = std::make_shared<imbrex::testing::FailurePlan>();
  EXPECT_EQ(runOn(imbrex::testing::makeFailing(*simulator::makeSimulatedDriver("h200"), counting)), "");
  for (const auto &[symbol, calls] : counting->counts) {
    bool isEnd = symbol.find("Destroy") != std::string::npos || symbol.find("Free") != std::string::npos ||
                 symbol.find("Unload") != std::string::npos || symbol.find("Release") != std::string::npos;
    auto plan = std::make_shared<imbrex::testing::FailurePlan>();
    plan->symbol = symbol;
    std::string said = runOn(imbrex::testing::makeFailing(*simulator::makeSimulatedDriver("h200"), plan));
    EXPECT_NE(said.find(isEnd ? "" : symbol + "("), std::string::npos) << symbol << ": " << said;
  }
}

/// What a product of 64 x 64 by 64 x 64 says whose tensor maps `change` makes otherwise.
static std::string productOn(const std::function<void(cuda::DriverTable &)> &change) {
  RuntimeOptions options;
  options.device = "sim:h200";
  auto table = std::make_shared<cuda::DriverTable>(*simulator::makeSimulatedDriver("h200"));
  change(*table);
  options.driver = table;
  Runtime runtime = Runtime::open(std::move(options)).value();
  Kernel kernel = runtime.load(IMBREX_SOURCE_DIR "/kernels/lessons/matmul.tile").value().kernel().value();
  Buffer buffer = runtime.allocate(8192).value();
  View square(buffer, DataType::F16, {64, 64}), bias(buffer, DataType::F32, {64});
  Buffer result = runtime.allocate(8192).value();
  Result<void> done = kernel.launch(
      runtime.stream(), {{"A", square}, {"B", square}, {"bias", bias}, {"C", View(result, DataType::F16, {64, 64})}});
  return done ? "" : done.error().render();
}

TEST(Simulated, ATensorMapThatIsRefusedNamesItsView) {
  EXPECT_EQ(productOn([](cuda::DriverTable &table) {
              table.tensorMapEncodeTiled = [](auto...) { return cuda::CUDA_ERROR_INVALID_VALUE; };
            }),
            "the driver makes no tensor map of view 'C': cuTensorMapEncodeTiled(64 x 64 f16, strides 64 x 1, box 128 x "
            "64, swizzle 128) failed with CUDA_ERROR_INVALID_VALUE (invalid argument)\n");
  EXPECT_EQ(productOn([](cuda::DriverTable &table) { table.tensorMapEncodeTiled = nullptr; }),
            "view 'C' is copied by TMA, and the driver is too old: it lacks cuTensorMapEncodeTiled\n");
}

TEST(Simulated, ASecondRuntimeFindsTheKernelOnDisk) {
  std::string directory = ::testing::TempDir() + "imbrex-simulated-" + std::to_string(getpid());
  for (bool second : {false, true}) {
    Runtime runtime = openSimulated({.cacheDirectory = directory});
    Kernel kernel = runtime.load(kVectorAdd).value().kernel().value();
    Vectors vectors(runtime, 100);
    EXPECT_EQ(kernel.prepare(vectors.arguments()).value().fromDisk, second);
    kernel.launch(runtime.stream(), vectors.arguments()).value();
    vectors.expectSum();
    EXPECT_TRUE(runtime.messages().empty()) << runtime.messages().front();
  }
  std::filesystem::remove_all(directory);
}

TEST(Simulated, AForkedChildCompilesAndLaunches) {
  Runtime parent = openSimulated();
  Kernel kernel = parent.load(kVectorAdd).value().kernel().value();
  Vectors vectors(parent, 10);
  kernel.launch(parent.stream(), vectors.arguments()).value();
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Runtime runtime = openSimulated();
    Kernel inChild = runtime.load(kVectorAdd).value().kernel().value().set("BLOCK", 256);
    Vectors own(runtime, 1000);
    bool ok = bool(inChild.launch(runtime.stream(), own.arguments()));
    own.expectSum();
    _exit(ok && !::testing::Test::HasFailure() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(Simulated, WhatTheArgumentsBreakIsTheCallersAndHasTheValues) {
  Runtime runtime = openSimulated();
  const std::string text = "kernel k<D: int>(X: view<f32>[N, D], Y: out view<f32>[N]) require D <= 8 && N >= 3\n"
                           "grid (N) |i| { store Y[i] = load X[i, 0]; }";
  Kernel kernel = runtime.loadSource({"k.tile", text}).value().kernel().value();
  Buffer x = runtime.allocate(4000).value(), y = runtime.allocate(400).value();
  x.fill(runtime.stream(), 0).value();
  auto launch = [&](int64_t rows, int64_t columns) {
    return kernel.launch(runtime.stream(),
                         {{"X", View(x, DataType::F32, {rows, columns})}, {"Y", View(y, DataType::F32, {rows})}});
  };
  launch(3, 8).value();
  Result<void> compiled = launch(3, 9), launched = launch(2, 8);
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().kind, ErrorKind::Argument);
  EXPECT_NE(compiled.error().message.find("D <= 8 is required and does not hold: D is 9"), std::string::npos)
      << compiled.error().message;
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().kind, ErrorKind::Argument);
  EXPECT_NE(launched.error().message.find("N is 2"), std::string::npos) << launched.error().message;
}

TEST(Simulated, AKernelFromTheCacheNamesItsOwnSource) {
  std::filesystem::path cache =
      std::filesystem::path(::testing::TempDir()) / ("imbrex-names-" + std::to_string(getpid()));
  const std::string text = "kernel k(Y: out view<f32>[N]) grid (N) |i| { store Y[i] = 1.0; }";
  for (const char *name : {"here/k.tile", "there/longer/k.tile"}) {
    RuntimeOptions options;
    options.cacheDirectory = cache.string();
    Runtime runtime = openSimulated(options);
    Kernel kernel = runtime.loadSource({name, text}).value().kernel().value();
    Buffer y = runtime.allocate(40).value();
    KernelInfo info = kernel.prepare({{"Y", View(y, DataType::F32, {10})}}).value();
    EXPECT_EQ(info.fromDisk, std::string(name).starts_with("there"));
    EXPECT_NE(info.ptx.find("\"" + std::string(name) + "\""), std::string::npos) << info.ptx;
  }
  std::filesystem::remove_all(cache);
}
