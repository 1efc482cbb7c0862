//===- CacheKeyTest.cpp - Each field of a key -----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Changing any one input of a compilation changes its key; joining fields differently does too.
//
//===----------------------------------------------------------------------===//

#include "runtime/CacheKey.h"
#include <gtest/gtest.h>
#include <set>

using namespace imbrex;

namespace {

struct Inputs {
  Source source{"a.tile", "kernel k"};
  CompileOptions options;
  CacheEnvironment environment{"build", "ptxas 13.0"};
  std::string key() const { return makeCacheKey(source, options, environment).digest(); }
};

} // namespace

TEST(CacheKey, EveryFieldCounts) {
  std::set<std::string> keys = {Inputs().key()};
  size_t changes = 0;
  auto change = [&](auto edit) {
    Inputs inputs;
    edit(inputs);
    keys.insert(inputs.key());
    ++changes;
  };
  change([](Inputs &i) { i.source.text = "kernel l"; });
  change([](Inputs &i) { i.environment.compilerBuildId = "other"; });
  change([](Inputs &i) { i.environment.assembler = "ptxas 13.1"; });
  change([](Inputs &i) { i.options.kernel = "k"; });
  change([](Inputs &i) { i.options.set["T"] = "bf16"; });
  change([](Inputs &i) { i.options.set["T"] = "f16"; });
  change([](Inputs &i) { i.options.hooks["T"] = "bf16"; });
  change([](Inputs &i) { i.options.storage["K"] = {Storage::Kind::Ragged}; });
  change([](Inputs &i) { i.options.storage["K"] = {Storage::Kind::Paged, 16}; });
  change([](Inputs &i) { i.options.storage["K"] = {Storage::Kind::Paged, 32}; });
  change([](Inputs &i) { i.options.given.insert("L"); });
  change([](Inputs &i) { i.options.alignment["L"] = 8; });
  change([](Inputs &i) { i.options.alignment["L"] = 4; });
  change([](Inputs &i) { i.options.holds.insert("L"); });
  change([](Inputs &i) { i.options.target = "sm_90a"; });
  change([](Inputs &i) { i.options.debugLines = false; });
  change([](Inputs &i) { i.options.foldGrid = true; });
  change([](Inputs &i) { i.options.deterministic = true; });
  change([](Inputs &i) { i.options.without.insert("tile-split-masks"); });
  EXPECT_EQ(keys.size(), changes + 1);
  unsigned fields = 0;
  CompileOptions().visit([&](const char *, const auto &) { ++fields; });
  EXPECT_EQ(fields, 12u) << "a new option needs its line above";
}

TEST(CacheKey, ABudgetDoesNotChangeIt) {
  Inputs plain, hurried;
  hurried.options.budget.time = std::chrono::milliseconds(1);
  hurried.options.budget.cancellation.emplace();
  EXPECT_EQ(plain.key(), hurried.key());
}

TEST(CacheKey, FieldsDoNotRunTogether) {
  CacheKey a, b;
  a.add("ab", "c");
  b.add("a", "bc");
  EXPECT_NE(a.bytes(), b.bytes());
  Inputs one, two;
  one.options.set = {{"A", "1"}, {"B", "2"}};
  two.options.set = {{"A", "1B2"}};
  EXPECT_NE(one.key(), two.key());
}

TEST(CacheKey, TheSameTextElsewhereIsTheSame) {
  Inputs elsewhere;
  elsewhere.source.name = "other/checkout/a.tile";
  EXPECT_EQ(elsewhere.key(), Inputs().key());
}

// What is imported counts by its text and by who imports it, and not by where it lies.
TEST(CacheKey, ImportsCount) {
  auto importing = [](const char *text, const char *name, bool isNested = false) {
    Inputs inputs;
    auto inner = std::make_shared<Source>(Source{name, text});
    auto outer = std::make_shared<Source>(Source{"o", ""});
    if (isNested)
      outer->imports = {{"b", inner}};
    inputs.source.imports = {{"b", inner}, {"o", outer}};
    return inputs.key();
  };
  EXPECT_NE(importing("x", "here"), Inputs().key());
  EXPECT_NE(importing("x", "here"), importing("y", "here"));
  EXPECT_NE(importing("x", "here"), importing("x", "here", /*isNested=*/true));
  EXPECT_EQ(importing("x", "here"), importing("x", "there"));
}

TEST(CacheKey, EqualInputsGiveEqualKeys) { EXPECT_EQ(Inputs().key(), Inputs().key()); }
