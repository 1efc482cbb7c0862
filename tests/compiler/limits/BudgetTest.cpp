//===- BudgetTest.cpp - A compilation stops when it is told to ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A budget of time and a cancellation: named by the error, without effect on the code.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include <gtest/gtest.h>
#include <thread>

using namespace imbrex;

namespace {

/// Takes some tenths of a second.
std::string slowText() {
  std::string text = "kernel k(X: view<f32>[N], Y: out view<f32>[N]) tune { warps: {1} = 1; } grid (1) |i| { "
                     "let a0 = load X[0 :+ 4096]; ";
  for (int i = 0; i < 60; ++i)
    text += "let a" + std::to_string(i + 1) + " = a" + std::to_string(i) + " * a0 + 1; ";
  return text + "store Y[0 :+ 4096] = a60; }";
}

TEST(Budget, AStoppedCompilationSaysWhereAndWhy) {
  CompileOptions options;
  options.budget.time = std::chrono::milliseconds(1);
  CompileResult result = compile({"a.tile", slowText()}, options);
  EXPECT_FALSE(result.kernel);
  EXPECT_NE(result.errors().find("compilation stopped in stage '"), std::string::npos) << result.errors();
  EXPECT_NE(result.errors().find("its budget of 1 ms is spent"), std::string::npos) << result.errors();
  EXPECT_EQ(result.diagnostics.size(), 1u) << result.errors();
}

TEST(Budget, ACancelledCompilationSaysSo) {
  CompileOptions options;
  Cancellation cancellation;
  options.budget.cancellation = cancellation;
  cancellation.cancel();
  CompileResult result = compile({"a.tile", slowText()}, options);
  EXPECT_EQ(result.errors(), "a.tile: error: compilation stopped in stage 'tile': it was cancelled\n");
}

TEST(Budget, AnotherThreadCanCancel) {
  CompileOptions options;
  Cancellation cancellation;
  options.budget.cancellation = cancellation;
  std::optional<Stage> last;
  // Called when stage cta is done: the cancellation falls before all stages that come later.
  CompileResult result = compile({"a.tile", slowText()}, options, Stage::Ptx, [&](Stage stage, std::string_view) {
    last = stage;
    if (stage == Stage::Cta)
      std::thread([cancellation] { cancellation.cancel(); }).join();
  });
  EXPECT_FALSE(result.kernel);
  EXPECT_NE(result.errors().find("it was cancelled"), std::string::npos) << result.errors();
  EXPECT_EQ(last, Stage::Cta);
}

TEST(Budget, WhatIsNotSpentChangesNothing) {
  CompileOptions plain, bounded;
  bounded.budget.time = std::chrono::minutes(10);
  bounded.budget.cancellation.emplace();
  CompileResult one = compile({"a.tile", slowText()}, plain), two = compile({"a.tile", slowText()}, bounded);
  ASSERT_TRUE(one.kernel && two.kernel);
  EXPECT_EQ(one.kernel->code, two.kernel->code);
}

} // namespace
