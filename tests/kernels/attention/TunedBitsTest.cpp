//===- TunedBitsTest.cpp - The same bits, whatever is chosen --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernels of attention, but the one that adds to memory, give the same bits in every run and under every order in
// which a simulated device runs warps, whatever tuning is chosen; with other stages, the bits of their defaults. (Other
// warps share sums out in another way; what a deterministic tuning refuses is TuneTest's.) The ordinary run takes a
// seeded sample of the tunings; `attention_test --long` takes all.
//
//===----------------------------------------------------------------------===//

#include "compiler/SearchSpace.h"
#include "kernels/ShippedKernels.h"
#include "tests/support/Devices.h"
#include "tests/support/Grid.h"
#include "tests/support/Storage.h"
#include "tests/support/Tensor.h"
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

constexpr int64_t kB = 1, kQueries = 70, kKeys = 150, kKeyHeads = 2, kGroup = 2, kHeads = kKeyHeads * kGroup;

struct Argued {
  const char *name;
  DataType type;
  std::vector<int64_t> extents;
  bool isResult = false;
};

/// One kernel, at one type and depth, and what its launches take.
struct BitsCase {
  const char *file, *kernel;
  DataType type;
  int64_t depth;
  std::vector<std::pair<std::string, int64_t>> settings = {};

  std::string describe() const {
    return std::string(kernel) + " " + std::string(imbrex::name(type)) + " D" + std::to_string(depth);
  }
  std::vector<Argued> arguments() const;
};

std::vector<Argued> BitsCase::arguments() const {
  const std::string which = kernel;
  const DataType wide = wideType(type);
  std::vector<Argued> all = {{"Q", type, {kB, kQueries, kHeads, depth}},
                             {"K", type, {kB, kKeys, kKeyHeads, depth}},
                             {"V", type, {kB, kKeys, kKeyHeads, depth}}};
  const Argued o = {"O", type, {kB, kQueries, kHeads, depth}, true}, l = {"L", wide, {kB, kHeads, kQueries}, true};
  if (which == "attention_forward")
    all.insert(all.end(), {o, l});
  else if (which == "attention_split")
    all.insert(all.end(), {{"O", wide, {3, kB, kQueries, kHeads, depth}, true},
                           {"L", wide, {3, kB, kHeads, kQueries}, true}});
  else
    all.insert(all.end(), {{"dO", type, {kB, kQueries, kHeads, depth}}, {"L", wide, {kB, kHeads, kQueries}},
                           {"Delta", wide, {kB, kHeads, kQueries}}});
  if (which == "attention_dq")
    all.push_back({"dQ", type, {kB, kQueries, kHeads, depth}, true});
  if (which == "attention_dkdv")
    all.insert(all.end(), {{"dK", type, {kB, kKeys, kKeyHeads, depth}, true},
                           {"dV", type, {kB, kKeys, kKeyHeads, depth}, true}});
  if (which == "attention_dbias")
    all.push_back({"dB", wide, {1, kHeads, kQueries, kKeys}, true});
  return all;
}

/// A kernel on one device, whose inputs stay as they are.
class BitsRun {
public:
  BitsRun(const BitsCase &run, const Runtime &runtime)
      : runtime(runtime), kernel(runtime.loadSource(*shippedKernel(run.file)).value().kernel(run.kernel).value()) {
    kernel.hook("mask", "causal");
    for (const auto &[name, value] : run.settings)
      kernel.set(name, value);
    for (const Argued &each : run.arguments()) {
      Random random(names.size());
      int64_t count = 1;
      for (int64_t extent : each.extents)
        count *= extent;
      std::vector<double> values = random.normals(count);
      if (std::string(each.name) == "L" && !each.isResult)
        for (double &x : values)
          x = 4 + std::fabs(x); // as large as it would be: weights of at most one
      names.push_back(each.name), isResult.push_back(each.isResult);
      tensors.emplace_back(runtime, each.type, denseLayout(each.extents), each.isResult ? nullptr : &values);
    }
  }

  /// All bytes of the results, or why there are none.
  Result<std::vector<uint8_t>> launch(const TunePoint &point) {
    Kernel tuned = kernel;
    for (const auto &[name, value] : point.tuning)
      tuned.set(name, value);
    std::vector<Argument> arguments;
    for (size_t i = 0; i < names.size(); ++i)
      arguments.push_back({names[i], tensors[i].view()});
    if (Result<void> done = tuned.launch(runtime.stream(), arguments); !done)
      return done.takeError();
    if (Result<void> done = runtime.stream().synchronize(); !done)
      return done.takeError();
    std::vector<uint8_t> bytes;
    for (size_t i = 0; i < tensors.size(); ++i)
      if (isResult[i]) {
        const std::vector<uint8_t> more = tensors[i].readBytes();
        bytes.insert(bytes.end(), more.begin(), more.end());
      }
    return bytes;
  }

private:
  const Runtime &runtime;
  Kernel kernel;
  std::vector<std::string> names;
  std::vector<bool> isResult;
  std::vector<Tensor> tensors;
};

SearchRequest requestOf(const BitsCase &run, const std::string &target) {
  SearchRequest request;
  request.options.kernel = run.kernel, request.options.target = target;
  request.options.hooks["mask"] = "causal";
  request.options.set.insert_or_assign("T", run.type);
  for (const auto &[name, value] :
       std::map<std::string, int64_t>{{"DQK", run.depth}, {"DV", run.depth}, {"G", kGroup}})
    request.options.set.insert_or_assign(name, value);
  for (const auto &[name, value] : run.settings)
    request.options.set.insert_or_assign(name, value);
  if (std::string(run.kernel) == "attention_split")
    request.options.set.insert_or_assign("U", wideType(run.type));
  request.extents = {{"Sq", kQueries}, {"Sk", kKeys}};
  return request;
}

void check(const BitsCase &run, const std::string &device, const std::string &target) {
  const SearchSpace space = searchSpace(*shippedKernel(run.file), requestOf(run, target));
  ASSERT_FALSE(space.points.empty()) << space.diagnostics[0].render();
  Runtime runtime = Runtime::open({.device = device, .imports = shippedImport}).value();
  Runtime other =
      Runtime::open({.device = device, .imports = shippedImport, .simulatorThreads = 1, .simulatorSeed = 77}).value();
  BitsRun here(run, runtime), there(run, other);
  const std::vector<uint8_t> want = here.launch(space.points[0]).value();
  auto onlyStagesDiffer = [&](const TunePoint &point) {
    auto with = point.tuning;
    with["stages"] = space.points[0].tuning.at("stages");
    return with == space.points[0].tuning;
  };
  unsigned tried = 0, same = 0;
  auto tryOut = [&](const TunePoint &point) {
    std::string told = run.describe() + " on " + device;
    for (const auto &[name, value] : point.tuning)
      told += " " + name + "=" + std::to_string(value);
    Result<std::vector<uint8_t>> first = here.launch(point);
    if (!point.refusal.empty() || (!first && first.error().kind == ErrorKind::Compile))
      return; // too large for the device
    ASSERT_TRUE(first) << told << ": " << first.error().render();
    ++tried, same += *first == want;
    EXPECT_TRUE(*first == want || !onlyStagesDiffer(point)) << told;
    EXPECT_TRUE(here.launch(point).value() == *first) << told << ", in another run";
    EXPECT_TRUE(there.launch(point).value() == *first) << told << ", in another order";
  };
  const Sample sample = {1, space.points.size(), 1};
  forEachTaken(space.points, sample, [](const TunePoint &) { return 1.0; }, tryOut);
  for (const TunePoint &point : space.points)
    if (onlyStagesDiffer(point) && !isLongRun())
      tryOut(point);
  std::printf("  %s on %s: %u tunings of %zu, %u with the bits of the default\n", run.describe().c_str(),
              device.c_str(), tried, space.points.size(), same);
}

} // namespace

TEST(AttentionTunedBits, AreTheSameInEveryRunAndOrder) {
  const BitsCase cases[] = {{"attention_forward.tile", "attention_forward", DataType::BF16, 64},
                            {"attention_decode.tile", "attention_split", DataType::F16, 64},
                            {"attention_backward.tile", "attention_dq", DataType::BF16, 64},
                            {"attention_backward.tile", "attention_dkdv", DataType::F16, 64},
                            {"attention_backward.tile",
                             "attention_dbias",
                             DataType::BF16,
                             64,
                             {{"SUMQ", 0}, {"SUMK", 0}}},
                            {"attention_forward.tile", "attention_forward", DataType::F32, 32}};
  for (const BitsCase &run : cases)
    for (auto [device, target] : {std::pair("sim:a100", "sm_80"), {"sim:h200", "sm_90a"}})
      check(run, device, target);
}
