//===- TuningTest.cpp - The tunings of our kernels compile within limits --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every point of the space that a kernel's `tune` spans, for each of its types, compiles within the limits or is
// refused with the number that is too large: a tuner may try any. A sample in the ordinary run, all under --long.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/limits/Limits.h"
#include "tests/support/RunMode.h"
#include "tests/support/TreeSource.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;

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

/// Point `index` of the space of types, integers and tunings; `index` is divided by the space's size.
CompileOptions pointOf(const Tuned &tuned, const KernelSignature &kernel, uint64_t &index) {
  CompileOptions options;
  auto pick = [&](const auto &choices) {
    const auto &choice = choices[index % choices.size()];
    index /= choices.size();
    return choice;
  };
  for (const KernelSignature::TypeParameter &type : kernel.typeParameters)
    options.set[type.name] = pick(type.allowed);
  for (const auto &[name, value] : pick(tuned.integers))
    options.set[name] = value;
  for (const KernelSignature::Tunable &tunable : kernel.tunables)
    options.set[tunable.name] = pick(tunable.choices);
  if (tuned.mask)
    options.hooks["mask"] = tuned.mask;
  return options;
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
    for (uint64_t first = 0;; first += imbrex::testing::isLongRun() ? 1 : tuned.step) {
      uint64_t index = first;
      CompileOptions options = pointOf(tuned, description.kernels[0], index);
      if (index > 0) // past the last point
        break;
      std::string name = nameOf(tuned, options);
      Outcome outcome = compileInChild(source, options);
      expectWithinLimits(name, outcome);
      worst.add(name, outcome);
    }
    worst.print();
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
