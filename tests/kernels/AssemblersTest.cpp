//===- AssemblersTest.cpp - One PTX by every road to machine code ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver, ptxas -O3 and ptxas -O1 must make the same results of one PTX, bit for bit: they reorder
// instructions, never floats. A difference is a fault of one of them, or of synchronisation that only one
// order forgives. A simulated device executes the PTX itself; there two schedules take the assemblers' place.
//
//===----------------------------------------------------------------------===//

#include "runtime/Assemble.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/RunMode.h"
#include "tests/support/Tensor.h"
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>
#include <sstream>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

/// One way of running, and its name.
struct Road {
  std::string name;
  Runtime runtime;
};

} // namespace

static std::vector<std::string> pathDirectories() {
  std::vector<std::string> directories;
  const char *path = std::getenv("PATH");
  std::istringstream list(path ? path : "");
  for (std::string directory; std::getline(list, directory, ':');)
    directories.push_back(directory);
  return directories;
}

static std::vector<Road> roadsOf(const std::string &device) {
  std::vector<Road> roads;
  auto add = [&](const char *name, RuntimeOptions options) {
    options.device = device;
    roads.push_back({name, Runtime::open(std::move(options)).value()});
  };
  if (device.starts_with("sim:")) {
    add("schedule 0", {.simulatorSeed = 0});
    add("schedule 5", {.simulatorSeed = 5});
    return roads;
  }
  add("driver", {});
  std::optional<std::string> ptxas = Assembler::findPtxas(pathDirectories());
  if (!ptxas) {
    std::printf("no ptxas on PATH: the driver alone, nothing to compare with\n");
    return roads;
  }
  add("ptxas -O3", {.ptxasPath = *ptxas});
  add("ptxas -O1", {.ptxasPath = *ptxas, .ptxasLevel = 1});
  return roads;
}

/// The bytes of every output of one launch of causal attention.
static std::vector<uint8_t> attention(const Runtime &runtime, DataType type, int64_t depth) {
  const int64_t queries = 113, keys = 203, heads = 3;
  Random random(uint64_t(depth) + 1);
  std::vector<double> q = random.normals(queries * heads * depth), k = random.normals(keys * heads * depth),
                      v = random.normals(keys * heads * depth);
  auto tensor = [&](int64_t rows, const std::vector<double> *values) {
    return Tensor(runtime, type, denseLayout({1, rows, heads, depth}), values);
  };
  Tensor tq = tensor(queries, &q), tk = tensor(keys, &k), tv = tensor(keys, &v), to = tensor(queries, nullptr);
  Tensor tl(runtime, wideType(type), denseLayout({1, heads, queries}));
  Kernel kernel =
      runtime.load(inRoot("kernels/attention_forward.tile")).value().kernel().value().hook("mask", "causal");
  kernel
      .launch(runtime.stream(), {{"Q", tq.view()},
                                 {"K", tk.view()},
                                 {"V", tv.view()},
                                 {"O", to.view()},
                                 {"L", tl.view()},
                                 {"scale", 1 / std::sqrt(double(depth))}})
      .value();
  std::vector<uint8_t> bytes = to.readBytes(), lse = tl.readBytes();
  bytes.insert(bytes.end(), lse.begin(), lse.end());
  return bytes;
}

static std::vector<uint8_t> softmax(const Runtime &runtime, DataType type, int64_t columns) {
  Random random{uint64_t(columns)};
  std::vector<double> x = random.normals(37 * columns);
  Tensor tx(runtime, type, denseLayout({37, columns}), &x), ty(runtime, type, denseLayout({37, columns}));
  Kernel kernel = runtime.load(inRoot("kernels/lessons/softmax.tile")).value().kernel().value();
  kernel.launch(runtime.stream(), {{"X", tx.view()}, {"Y", ty.view()}}).value();
  return ty.readBytes();
}

TEST(Assemblers, AgreeOnAttention) {
  for (const std::string &device : oneOfEachKind()) {
    std::vector<Road> roads = roadsOf(device);
    for (DataType type : {DataType::F16, DataType::BF16, DataType::F32, DataType::F64})
      for (int64_t depth : {64, 96, 128, 256}) {
        if (!isLongRun() && device.starts_with("sim:") && depth * byteSize(type) > 256)
          continue;
        std::vector<uint8_t> first = attention(roads[0].runtime, type, depth);
        for (size_t i = 1; i < roads.size(); ++i)
          EXPECT_EQ(attention(roads[i].runtime, type, depth), first)
              << device << " " << name(type) << " D" << depth << ": " << roads[i].name << " against " << roads[0].name;
      }
  }
}

TEST(Assemblers, AgreeOnSoftmax) {
  for (const std::string &device : oneOfEachKind()) {
    std::vector<Road> roads = roadsOf(device);
    for (DataType type : {DataType::F16, DataType::BF16, DataType::F32})
      for (int64_t columns : {100, 1024}) {
        std::vector<uint8_t> first = softmax(roads[0].runtime, type, columns);
        for (size_t i = 1; i < roads.size(); ++i)
          EXPECT_EQ(softmax(roads[i].runtime, type, columns), first)
              << device << " " << name(type) << " " << columns << " columns: " << roads[i].name;
      }
  }
}
