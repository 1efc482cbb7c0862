//===- NearTuningsTest.cpp - What is taken where a default spills ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which tunings are near another, in which order they come, and what a runtime takes of them, all of a compiler whose
// search space and times are made up here.
//
//===----------------------------------------------------------------------===//

#include "runtime/NearTunings.h"
#include "tests/runtime/FakeCompiler.h"
#include "tests/runtime/TemporaryDirectory.h"
#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;
using cuda::CUfunction, cuda::CUjit_option, cuda::CUmodule;

namespace {

/// BM in {16, 32, 64}, warps in {2, 4, 8}, stages in {1, 2, 3}; the standard is 32, 4, 2. The time of a tuning is BM +
/// warps: few is fast.
struct Space {
  CompilerFunctions functions;
  std::vector<SearchRequest> requests;
  std::vector<ModelLaunch> launches;
  Tuning uncompilable, refused;
  KernelInterface standard; ///< its grid and requirements are all tunings'

  Space() {
    standard.grid = {{"N BM cdiv"}, {"B"}};
    functions.searchSpace = [this](const Source &, const SearchRequest &request) {
      requests.push_back(request);
      SearchSpace space;
      for (int64_t bm : {32, 16, 64})
        for (int64_t warps : {4, 2, 8})
          for (int64_t stages : {2, 1, 3}) {
            Tuning tuning{{"BM", bm}, {"warps", warps}, {"stages", stages}};
            space.points.push_back({tuning, tuning == refused ? "no" : "", bm});
          }
      return space;
    };
    functions.estimate = [this](const CompiledKernel &kernel, const ModelDevice &, const ModelLaunch &launch) {
      launches.push_back(launch);
      const auto &constants = kernel.interface.constants;
      StaticEstimate estimate;
      estimate.cycles = double(constants.at("BM") + constants.at("warps"));
      estimate.spills = constants.at("BM") == 16 && constants.at("warps") == 2;
      return estimate;
    };
  }

  CompiledKernel kernelOf(const Tuning &tuning) {
    CompiledKernel kernel;
    kernel.interface = standard;
    kernel.interface.target = "sm_80";
    kernel.interface.constants = {tuning.begin(), tuning.end()};
    kernel.interface.constants["D"] = 64;
    return kernel;
  }

  std::vector<Tuning> near(const CompileOptions &options = {}) {
    auto compile = [&](const CompileOptions &asked) -> std::optional<CompiledKernel> {
      Tuning tuning;
      for (const char *name : {"BM", "warps", "stages"})
        tuning[name] = *asked.set.at(name).integer();
      return tuning == uncompilable ? std::nullopt : std::optional(kernelOf(tuning));
    };
    const CompiledKernel standard = kernelOf({{"BM", 32}, {"warps", 4}, {"stages", 2}});
    std::vector<Tuning> result;
    for (const NearTuning &each : nearTunings(functions, {}, options, standard.interface, compile)) {
      result.push_back(each.tuning);
      EXPECT_EQ(each.kernel.interface.constants.at("BM"), each.tuning.at("BM"));
    }
    return result;
  }
};

} // namespace

static Tuning tuning(int64_t bm, int64_t warps, int64_t stages) {
  return {{"BM", bm}, {"warps", warps}, {"stages", stages}};
}

TEST(NearTunings, AreOneOrTwoStepsAwayAndTheFastestComesFirst) {
  Space space;
  const std::vector<Tuning> expected = {
      tuning(16, 4, 2),                                     // 20, one change
      tuning(16, 4, 1), tuning(16, 4, 3),                   // 20, two
      tuning(16, 8, 2),                                     // 24; 16 with 2 warps is known to spill
      tuning(32, 2, 2), tuning(32, 2, 1), tuning(32, 2, 3), // 34
      tuning(32, 4, 1), tuning(32, 4, 3),                   // 36
      tuning(32, 8, 2), tuning(32, 8, 1), tuning(32, 8, 3), // 40; no larger tile
  };
  EXPECT_EQ(space.near(), expected);
  EXPECT_EQ(expected.size(), kMostNearTunings);
}

TEST(NearTunings, AreNotThoseThatTheTextOrTheCompilerRefuses) {
  Space space;
  space.refused = tuning(16, 4, 2);
  space.uncompilable = tuning(16, 4, 1);
  EXPECT_EQ(space.near().front(), tuning(16, 4, 3));
}

TEST(NearTunings, KeepTheBitsWhereTheyMustNotDiffer) {
  Space space;
  CompileOptions options;
  (void)space.near(options);
  options.deterministic = true;
  options.set["D"] = 64;
  (void)space.near(options);
  ASSERT_EQ(space.requests.size(), 2u);
  EXPECT_TRUE(space.requests[0].rounding);
  EXPECT_FALSE(space.requests[1].rounding);
  EXPECT_EQ(space.requests[1].options.set, options.set) << "what is set stays";
}

TEST(NearTunings, AreComparedForTheSameExtents) {
  Space space;
  (void)space.near();
  const auto &extents = space.requests[0].extents;
  EXPECT_GT(extents.at("N"), extents.at("B")) << "an axis of the grid goes through B one by one";
  EXPECT_FALSE(extents.contains("D")) << "it has a value";
  for (const ModelLaunch &launch : space.launches)
    EXPECT_EQ(launch.ctas * launch.passes, extents.at("N") * extents.at("B")) << "passes of the tile's rows";
}

TEST(NearTunings, RequireNoMoreOfALaunch) {
  Space space;
  space.standard.requirements = {{"N BM % 0 =="}, {"N D % 0 =="}};
  for (const Tuning &each : space.near())
    EXPECT_EQ(each.at("BM"), 32);
  EXPECT_EQ(space.near().size(), 8u) << "of warps and stages";
}

TEST(NearTunings, AreComparedForGridsBeyondCounting) {
  Space space;
  space.standard.grid = {{"N M * BM cdiv"}, {"N M *"}, {"N M *"}};
  EXPECT_EQ(space.near().size(), kMostNearTunings);
  for (const ModelLaunch &launch : space.launches)
    EXPECT_GT(launch.ctas, 0);
}

TEST(NearTunings, AreNoneWhereNoSearchSpaceIsTold) {
  Space space;
  space.functions.searchSpace = {};
  EXPECT_TRUE(space.near().empty());
}

TEST(NearTunings, FewerRepairsComeBeforeFewerBytes) {
  EXPECT_FALSE(AssemblyFaults{}.any());
  EXPECT_TRUE((AssemblyFaults{1, 0}).any());
  EXPECT_TRUE((AssemblyFaults{0, 4}).any());
  EXPECT_LT((AssemblyFaults{0, 400}), (AssemblyFaults{1, 0}));
  EXPECT_LT((AssemblyFaults{0, 4}), (AssemblyFaults{0, 8}));
}

namespace {

/// scale_add with `warps` in {2, 4, 8}, 4 by standard, on a driver that spills bytes by the warps.
struct SpillingDriver : ::testing::Test {
  FakeDriver driver;
  FakeCompiler compiler;
  TemporaryDirectory directory;
  std::shared_ptr<std::string> image = std::make_shared<std::string>();
  std::shared_ptr<std::map<int64_t, int>> spilled = std::make_shared<std::map<int64_t, int>>();
  bool isRounding = false; ///< another number of warps may change the last bits
  std::vector<float> x = std::vector<float>(100, 2), y = std::vector<float>(100, 1), z = std::vector<float>(100);

  SpillingDriver() { addFakeKernels(driver); }
  Runtime open() { return open(directory.path()); }
  Runtime open(const std::string &cache, const std::string &ptxas = "") {
    cuda::DriverTable table = driver.table();
    table.simulated = !ptxas.empty();
    table.moduleLoadDataEx = [image = image, load = table.moduleLoadDataEx](CUmodule *module, const void *text,
                                                                            unsigned count, CUjit_option *options,
                                                                            void **values) {
      *image = static_cast<const char *>(text);
      return load(module, text, count, options, values);
    };
    table.funcGetAttribute = [image = image, spilled = spilled](int *value, int attribute, CUfunction) {
      const int64_t warps = std::stoll(image->substr(image->find("// warps ") + 9));
      *value = attribute == cuda::CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES ? spilled->at(warps) : 0;
      return cuda::CUDA_SUCCESS;
    };
    RuntimeOptions options = fakeOptions(table, compiler);
    options.cacheDirectory = cache;
    options.ptxasPath = ptxas, options.assembles = !ptxas.empty();
    options.compiler->describe = [told = options.compiler->describe](const Source &source,
                                                                     const CompileOptions &asked) {
      Description description = told(source, asked);
      description.kernels[0].tunables.push_back({"warps", {2, 4, 8}, false, 4});
      return description;
    };
    options.compiler->compile = [made = options.compiler->compile](const Source &source, const CompileOptions &asked) {
      auto set = asked.set.find("warps");
      const int64_t warps = set == asked.set.end() ? 4 : *set->second.integer();
      CompileResult result = made(source, asked);
      result.kernel->code += "\n// warps " + std::to_string(warps) + "\n";
      result.kernel->interface.constants["warps"] = warps;
      return result;
    };
    options.compiler->searchSpace = [this](const Source &, const SearchRequest &request) {
      SearchSpace space;
      auto set = request.options.set.find("warps");
      std::vector<int64_t> all = {4, 2, 8};
      if (set != request.options.set.end())
        all = {*set->second.integer()};
      else if (isRounding && !request.rounding)
        all = {4};
      for (int64_t warps : all)
        space.points.push_back({{{"BLOCK", 64}, {"warps", warps}}, "", 100 * warps});
      return space;
    };
    options.compiler->estimate = [](const CompiledKernel &kernel, const ModelDevice &, const ModelLaunch &launch) {
      StaticEstimate estimate;
      estimate.cycles = double(kernel.interface.constants.at("warps") + launch.passes);
      return estimate;
    };
    return Runtime::openWith(options).value();
  }
  static View view(const std::vector<float> &data) {
    return View(reinterpret_cast<uint64_t>(data.data()), DataType::F32, {int64_t(data.size())});
  }
  KernelInfo prepare(Runtime &runtime, std::optional<int64_t> warps = std::nullopt) {
    Kernel kernel = runtime.loadSource({"a.tile", ""}).value().kernel("scale_add").value();
    if (warps)
      kernel.set("warps", *warps);
    return kernel.prepare({{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", 10.0}}).value();
  }
};

} // namespace

TEST_F(SpillingDriver, TheFirstNearTuningWithoutSpillsIsTakenAndKeptOnDisk) {
  *spilled = {{2, 400}, {4, 500}, {8, 0}};
  {
    Runtime runtime = open();
    KernelInfo info = prepare(runtime);
    EXPECT_EQ(info.interface.constants.at("warps"), 8);
    EXPECT_EQ(info.localBytes, 0u);
    EXPECT_EQ(driver.alive().modules, 1) << "what was tried before is given back";
    EXPECT_EQ(compiler.compilations(), 3u);
  }
  Runtime next = open();
  KernelInfo info = prepare(next);
  EXPECT_TRUE(info.fromDisk);
  EXPECT_EQ(info.interface.constants.at("warps"), 8);
  EXPECT_EQ(compiler.compilations(), 3u);
}

TEST_F(SpillingDriver, OfTuningsThatAllSpillTheLeastIsTaken) {
  *spilled = {{2, 400}, {4, 500}, {8, 600}};
  Runtime runtime = open();
  EXPECT_EQ(prepare(runtime).interface.constants.at("warps"), 2);
  *spilled = {{2, 500}, {4, 500}, {8, 600}};
  Runtime another = open("");
  EXPECT_EQ(prepare(another).interface.constants.at("warps"), 4) << "what is no better is not taken";
}

TEST_F(SpillingDriver, WhatIsSetStays) {
  *spilled = {{2, 400}, {4, 500}, {8, 0}};
  Runtime runtime = open();
  KernelInfo info = prepare(runtime, 4);
  EXPECT_EQ(info.interface.constants.at("warps"), 4);
  EXPECT_EQ(info.localBytes, 500u);
}

// What an untuned kernel takes is what tuning compares with, and what it says of that; the text's is one to try.
TEST_F(SpillingDriver, AnAssemblerIsAskedAsADriverIs) {
  const std::string ptxas = directory.path() + "/ptxas";
  std::ofstream(ptxas) << "#!/bin/sh\n[ \"$1\" = --version ] && echo 1 && exit\necho code > $5\n"
                          "grep -q '// warps 8' $6 || echo '500 bytes spill stores'\n";
  std::filesystem::permissions(ptxas, std::filesystem::perms::owner_all);
  *spilled = {{2, 0}, {4, 0}, {8, 0}}; // the device that it is loaded into is simulated
  Runtime runtime = open("", ptxas);
  EXPECT_EQ(prepare(runtime).interface.constants.at("warps"), 8);
  Kernel kernel = runtime.loadSource({"a.tile", ""}).value().kernel("scale_add").value();
  auto tuned = [&](std::vector<int64_t> expected) {
    TuneReport report = kernel.tune({{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", 10.0}}).value();
    std::vector<int64_t> warps;
    for (const TuneCandidate &candidate : report.candidates)
      warps.push_back(candidate.tuning.at("warps"));
    std::sort(warps.begin() + 1, warps.end());
    EXPECT_EQ(warps, expected);
    EXPECT_EQ(report.candidates[0].cycles, 8 + 100 * 8) << "passes are those of its tiles";
  };
  tuned({8, 2, 4});
  isRounding = true; // what tuning keeps, and the untuned kernel need not
  tuned({8});
}
