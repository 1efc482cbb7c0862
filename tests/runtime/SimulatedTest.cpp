//===- SimulatedTest.cpp - From text to results on the simulated device ---===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime with the real compiler and the simulated driver: results, faults, caches, forked children.
//
//===----------------------------------------------------------------------===//

#include "runtime/Runtime.h"
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/wait.h>
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
