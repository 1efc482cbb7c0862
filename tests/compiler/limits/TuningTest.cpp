//===- TuningTest.cpp - The tunings of our kernels compile within limits --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every point that the tuner may try of our kernels, for each of their types, compiles within the limits or is refused
// with the number that is too large. A sample in the ordinary run, all under --long, which
// --part I/N splits.
//
//===----------------------------------------------------------------------===//

#include "compiler/SearchSpace.h"
#include "tests/compiler/limits/Limits.h"
#include "tests/support/Grid.h"
#include "tests/support/TreeSource.h"
#include <algorithm>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;
using imbrex::testing::RunMode;

namespace {

struct Tuned {
  const char *path;
  std::vector<std::map<std::string, int64_t>> integers; ///< what its integer parameters are set to
  const char *mask;                                     ///< of its hook; null: it has none
  uint64_t step;                                        ///< one of so many points in the ordinary run; a prime
};

const Tuned kTuned[] = {
    {"kernels/attention_forward.tile",
     {{{"DQK", 64}, {"DV", 64}, {"G", 1}},
      {{"DQK", 128}, {"DV", 128}, {"G", 1}},
      {{"DQK", 256}, {"DV", 256}, {"G", 1}}},
     "causal",
     797},
    {"kernels/lessons/matmul.tile", {{}}, nullptr, 397},
    {"kernels/lessons/softmax.tile", {{{"D", 100}}, {{"D", 4096}}}, nullptr, 31},
    {"kernels/lessons/vector_add.tile", {{}}, nullptr, 31},
};

Source sourceOf(const std::string &path) { return imbrex::testing::treeSource(imbrex::testing::inRoot(path)); }

/// What products of f32 are made of: the tuner leaves it as it is set, so that all of it is set here.
constexpr std::string_view kProducts = "tf32";

/// Each type with each of the integers.
std::vector<CompileOptions> settingsOf(const Tuned &tuned, const KernelSignature &kernel) {
  std::vector<CompileOptions> settings(1);
  auto cross = [&](const auto &choices, const auto &set) {
    std::vector<CompileOptions> crossed;
    for (const CompileOptions &each : settings)
      for (const auto &choice : choices)
        set(crossed.emplace_back(each), choice);
    settings = std::move(crossed);
  };
  if (tuned.mask)
    settings[0].hooks["mask"] = tuned.mask;
  for (const KernelSignature::TypeParameter &type : kernel.typeParameters)
    cross(type.allowed, [&](CompileOptions &options, DataType choice) { options.set[type.name] = choice; });
  cross(tuned.integers, [](CompileOptions &options, const std::map<std::string, int64_t> &choice) {
    for (const auto &[name, value] : choice)
      options.set[name] = value;
  });
  return settings;
}

/// The points that a tuner of `setting` may try, in the order of the declared choices, the last parameter's first:
/// points that differ in what a type makes no use of (tf32) stand side by side.
std::vector<CompileOptions> pointsOf(const Source &source, const KernelSignature &kernel,
                                     const CompileOptions &setting) {
  std::vector<SearchRequest> requests = {{.options = setting, .rounding = true}};
  for (const KernelSignature::Tunable &tunable : kernel.tunables)
    if (tunable.name == kProducts) {
      requests.assign(tunable.choices.size(), requests[0]);
      for (size_t i = 0; i < requests.size(); ++i)
        requests[i].options.set[tunable.name] = tunable.choices[i];
    }
  std::map<std::vector<std::ptrdiff_t>, CompileOptions> points;
  for (const SearchRequest &request : requests)
    for (const TunePoint &point : searchSpace(source, request).points) {
      CompileOptions options = setting;
      std::vector<std::ptrdiff_t> place;
      for (const KernelSignature::Tunable &tunable : kernel.tunables) {
        const int64_t choice = point.tuning.at(tunable.name);
        options.set[tunable.name] = choice;
        place.push_back(std::ranges::find(tunable.choices, choice) - tunable.choices.begin());
      }
      points.emplace(std::move(place), std::move(options));
    }
  std::vector<CompileOptions> list;
  for (auto &[place, options] : points)
    list.push_back(std::move(options));
  return list;
}

/// So many that follow each other are compiled by one child, and belong to one part of a long run: a multiple of the
/// choices of our kernels' last two tuning parameters.
constexpr size_t kTogether = 48;

/// The points that this run takes, `kTogether` a list.
std::vector<std::vector<CompileOptions>> listsOf(const Tuned &tuned, const Source &source,
                                                 const KernelSignature &kernel) {
  const RunMode &mode = imbrex::testing::runMode();
  std::vector<std::vector<CompileOptions>> lists(1);
  size_t all = 0;
  for (const CompileOptions &setting : settingsOf(tuned, kernel))
    for (CompileOptions &options : pointsOf(source, kernel, setting)) {
      const size_t at = all++;
      if (mode.isLong ? at / kTogether % mode.parts != mode.part - 1 : at % tuned.step != 0)
        continue;
      if (lists.back().size() == kTogether)
        lists.emplace_back();
      lists.back().push_back(std::move(options));
    }
  printf("%s: %zu points\n", tuned.path, all);
  return lists;
}

std::string nameOf(const Tuned &tuned, const CompileOptions &options) {
  std::string name = std::string(tuned.path).substr(std::string(tuned.path).rfind('/') + 1);
  for (const auto &[key, value] : options.set)
    name += " " + key + "=" + value.text();
  return name;
}

TEST(Tuning, EveryPointCompilesWithinLimits) {
  for (const Tuned &tuned : kTuned) {
    Worst worst;
    const Source source = sourceOf(tuned.path);
    Description description = describe(source);
    ASSERT_EQ(description.kernels.size(), 1u) << tuned.path;
    const auto lists = listsOf(tuned, source, description.kernels[0]);
    const auto start = std::chrono::steady_clock::now();
    for (size_t done = 0; done < lists.size(); ++done) {
      const std::vector<Outcome> outcomes = compileInChild(source, lists[done]);
      for (size_t at = 0; at < outcomes.size(); ++at) {
        std::string name = nameOf(tuned, lists[done][at]);
        if (!outcomes[at].isShared)
          expectWithinLimits(name, outcomes[at]);
        worst.add(name, outcomes[at]);
      }
      if (imbrex::testing::isLongRun())
        imbrex::testing::printPart(done + 1, lists.size(), start);
    }
    worst.print();
  }
}

/// Two points that one program is made of, and one of its own: as if each had been compiled alone.
TEST(Tuning, AListIsWhatEachPointOfItIs) {
  const Source source = sourceOf("kernels/lessons/matmul.tile");
  std::vector<CompileOptions> list(3);
  list[0].set = {{"T", "f16"}, {"tf32", 0}};
  list[1].set = {{"T", "f16"}, {"tf32", 3}};
  list[2].set = {{"T", "f32"}, {"tf32", 3}};
  const std::vector<Outcome> outcomes = compileInChild(source, list);
  ASSERT_EQ(outcomes.size(), list.size());
  for (size_t at = 0; at < list.size(); ++at) {
    EXPECT_EQ(outcomes[at].isShared, at == 1) << at;
    const Outcome alone = compileInChild(source, list[at]);
    EXPECT_TRUE(alone.isCompiled && outcomes[at].isCompiled) << at;
    EXPECT_EQ(outcomes[at].nvvmLines, alone.nvvmLines) << at;
    EXPECT_EQ(outcomes[at].ptxLines, alone.ptxLines) << at;
  }
}

/// One warp with products of many tiles of the tensor cores: most operations only name registers.
TEST(Tuning, TheLargestPointsOfAttention) {
  const Source source = sourceOf(kTuned[0].path);
  for (auto [BN, stages] : {std::pair<int64_t, int64_t>{96, 4}, {64, 2}}) {
    CompileOptions options;
    options.set = {{"T", "f16"}, {"DQK", 256}, {"DV", 256},        {"G", 1},
                   {"BM", 128},  {"BN", BN},   {"stages", stages}, {"warps", 1}};
    options.hooks["mask"] = "causal";
    expectWithinLimits(nameOf(kTuned[0], options), compileInChild(source, options));
  }
}

} // namespace
