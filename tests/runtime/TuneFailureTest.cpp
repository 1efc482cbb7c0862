//===- TuneFailureTest.cpp - Tuning where each driver call fails ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A run of tuning over two candidates and its launch afterwards, once for every driver call that it makes, with that
// call failing. The failure is told, of the run or of its candidate; the user's arrays keep what they hold; the
// device's memory and modules are given back.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/FailingDriver.h"
#include "tests/runtime/FakeCompiler.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

/// scale_add with blocks of 64 and 128.
CompilerFunctions tunable(const FakeCompiler &compiler) {
  CompilerFunctions functions = compiler.functions();
  functions.searchSpace = [](const Source &, const SearchRequest &) {
    SearchSpace space;
    space.points = {{{{"BLOCK", 64}}, "", 1}, {{{"BLOCK", 128}}, "", 1}};
    return space;
  };
  functions.estimate = [](const CompiledKernel &, const ModelDevice &, const ModelLaunch &) {
    return StaticEstimate();
  };
  return functions;
}

struct TuningRun {
  FakeDriver driver;
  std::shared_ptr<FailurePlan> plan = std::make_shared<FailurePlan>();
  std::vector<float> x = std::vector<float>(128, 4), y = std::vector<float>(128, 8), z = std::vector<float>(128, -1);
  std::string said; ///< the error, what the candidates say, and the messages

  TuningRun(std::string symbol, int call) {
    addFakeKernels(driver);
    plan->symbol = std::move(symbol);
    plan->call = call;
    FakeCompiler compiler;
    cuda::DriverTable table = makeFailing(driver.table(), plan);
    table.simulated = false; // what is simulated is not timed
    RuntimeOptions options = fakeOptions(table, compiler);
    options.compiler = tunable(compiler);
    Result<Runtime> runtime = Runtime::openWith(std::move(options));
    if (!runtime) {
      said = runtime.error().render();
      return;
    }
    Kernel kernel = runtime->loadSource({"a.tile", ""}).value().kernel("scale_add").value();
    tune(*runtime, kernel);
    for (const std::string &message : runtime->messages())
      said += message;
    plan->audible = plan->counts;
  }

  void tune(const Runtime &runtime, const Kernel &kernel) {
    auto view = [](std::vector<float> &values) { return View(uint64_t(values.data()), DataType::F32, {128}); };
    std::vector<Argument> arguments = {{"X", view(x)}, {"Y", view(y)}, {"Z", view(z)}, {"alpha", 2.0}};
    Result<TuneReport> report = kernel.tune(arguments, {.budget = std::chrono::hours(1), .threads = 1});
    if (!report)
      said += report.error().render();
    else
      for (const TuneCandidate &candidate : report->candidates)
        said += candidate.why;
    EXPECT_EQ(z[3], -1) << "the user's output";
    EXPECT_EQ(x[0] + y[3], 12) << "the user's inputs";
    if (Result<void> launched = kernel.launch(runtime.stream(), arguments); !launched)
      said += launched.error().render();
    else
      EXPECT_EQ(z[3], 16);
  }
};

} // namespace

TEST(TuneFailure, EveryCallOfEveryFunction) {
  TuningRun whole("", 0);
  EXPECT_EQ(whole.said, "");
  EXPECT_TRUE(whole.driver.alive().none());
  EXPECT_GT(whole.plan->counts["cuEventElapsedTime"], 1) << "both are timed";
  unsigned runs = 0;
  for (const auto &[symbol, calls] : whole.plan->counts)
    for (int call = 1; call <= calls; ++call, ++runs) {
      TuningRun run(symbol, call);
      bool isAudible = call <= run.plan->audible[symbol] && symbol.find("GetError") == std::string::npos;
      EXPECT_NE(run.said.find(isAudible ? symbol + "(" : ""), std::string::npos)
          << symbol << " call " << call << ": " << run.said;
      // A push or pop, or a giving back, that fails leaves that one thing behind; nothing else may stay.
      bool keepsOne = symbol.starts_with("cuCtxP") || symbol.find("Destroy") != std::string::npos ||
                      symbol == "cuMemFree_v2" || symbol == "cuModuleUnload" || symbol.ends_with("Release_v2");
      EXPECT_TRUE(run.driver.alive().none() || keepsOne) << symbol << " call " << call;
    }
  std::printf("%u runs of tuning with a failing call\n", runs);
  EXPECT_GT(runs, 50u);
}
