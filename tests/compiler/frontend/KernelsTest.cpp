//===- KernelsTest.cpp - The kernels of the source tree emit --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every kernel, type and hook we ship gives a valid tile program on every target.
//
//===----------------------------------------------------------------------===//

#include "Emit.h"
#include "compiler/Target.h"
#include "tests/support/TreeSource.h"
#include "gtest/gtest.h"

using namespace imbrex;
using namespace imbrex::test;

static Source inTree(const std::string &path) {
  return imbrex::testing::treeSource(std::string(IMBREX_SOURCE_DIR) + "/" + path);
}

static void expectEmits(const std::string &path, const CompileOptions &options) {
  Emitted result = emit(inTree(path), options);
  EXPECT_EQ(result.errors, "") << path;
  EXPECT_TRUE(result.has("tile.store")) << path;
}

TEST(Kernels, Lessons) {
  for (const char *type : {"f16", "bf16", "f32"}) {
    CompileOptions options;
    options.set["T"] = type;
    expectEmits("kernels/lessons/vector_add.tile", options);
    expectEmits("kernels/lessons/matmul.tile", options);
    for (const char *lesson : {"softmax_wide", "swiglu", "cross_entropy", "argmax", "dropout"}) {
      options.kernel = lesson;
      expectEmits("kernels/lessons/" + std::string(lesson) + ".tile", options);
    }
    options.kernel.clear();
    options.set["D"] = "1000";
    expectEmits("kernels/lessons/softmax.tile", options);
  }
}

static CompileOptions attention(const std::string &type, const std::string &depth) {
  CompileOptions options;
  options.set = {{"T", type}, {"DQK", depth}, {"DV", depth}, {"G", "2"}};
  return options;
}

TEST(Kernels, AttentionInEveryTypeAndDepth) {
  for (std::string_view target : Target::names())
    for (const char *type : {"f16", "bf16", "f32", "f64"})
      for (const char *depth : {"8", "40", "128", "192", "256"}) {
        CompileOptions options = attention(type, depth);
        options.target = target;
        expectEmits("kernels/attention_forward.tile", options);
      }
}

TEST(Kernels, AttentionHooks) {
  for (const char *mask : {"full", "causal", "causal_top_left", "window(64, 0)", "window(-1, 3)", "causal_window(128)"})
    for (const char *score : {"", "softcap(15)", "softcap(15.5)"})
      for (const char *type : {"f16", "f64"}) {
        CompileOptions options = attention(type, "64");
        options.hooks["mask"] = mask;
        if (*score) {
          options.hooks["score"] = score;
          options.given.insert("L");
        }
        expectEmits("kernels/attention_forward.tile", options);
      }
}

TEST(Kernels, AttentionPromisesItsMask) {
  CompileOptions options = attention("bf16", "128");
  options.hooks["mask"] = "causal";
  Emitted result = emit(inTree("kernels/attention_forward.tile"), options);
  EXPECT_EQ(result.count("tile.visible"), 1u);
  EXPECT_EQ(result.count("tile.dot"), 2u);
  EXPECT_EQ(result.count("scf.for"), 1u);
}

TEST(Kernels, AttentionRefusesWhatItCannot) {
  for (const char *depth : {"0", "-8", "577"}) {
    Emitted result = emit(inTree("kernels/attention_forward.tile"), attention("bf16", depth));
    EXPECT_NE(result.errors.find(" is required and does not hold: "), std::string::npos) << depth << result.errors;
  }
}
