//===- LaunchValuesTest.cpp - What a launch passes, and in which order -===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The list that a compilation gives its host, from text and from a later stage.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include <gtest/gtest.h>

using namespace imbrex;
using Kind = LaunchValue::Kind;

namespace {

const std::string kText = R"(
kernel k<T: f16 | f32, D: int>(X: view<T>[N, D], f: wide<T>, L: out? view<f32>[N], Y: out view<T>[N, M, D], b: bool)
tune { B: {16} = 16; }
grid (cdiv(N, B)) |i| {
  if (b) { store Y[i * B :+ B, 0, :] = load X[i * B :+ B, :] * cast<T>(f); }
}
)";

CompileOptions options() {
  CompileOptions options;
  options.set = {{"T", "f16"}, {"D", "64"}};
  return options;
}

/// Y's first extent is X's.
const std::vector<LaunchValue> kExpected = {
    {Kind::Pointer, "X"},
    {Kind::Extent, "X", 0},
    {Kind::Stride, "X", 0},
    {Kind::Scalar, "f", 0, DataType::F32},
    {Kind::Pointer, "Y"},
    {Kind::Extent, "Y", 1},
    {Kind::Stride, "Y", 0},
    {Kind::Stride, "Y", 1},
    {Kind::Scalar, "b", 0, DataType::Bool},
};

TEST(LaunchValues, OfAText) {
  CompileResult result = compile({"k.tile", kText}, options());
  ASSERT_TRUE(result.kernel) << result.errors();
  EXPECT_EQ(result.kernel->interface.launchValues, kExpected);
}

TEST(LaunchValues, AreTheEntrysParameters) {
  CompileResult result = compile({"k.tile", kText}, options());
  ASSERT_TRUE(result.kernel) << result.errors();
  const std::string &ptx = result.kernel->code;
  size_t at = ptx.find(".entry k");
  for (size_t i = 0; i < kExpected.size(); ++i) {
    at = ptx.find(".param ", at + 1);
    ASSERT_NE(at, std::string::npos);
    std::string line = ptx.substr(at, ptx.find('\n', at) - at);
    EXPECT_NE(line.find("k_param_" + std::to_string(i)), std::string::npos) << line;
    std::string bits = std::to_string(8 * kExpected[i].bytes());
    bool isPlain = kExpected[i].kind != Kind::Scalar;
    EXPECT_NE(line.find((isPlain ? ".u" : kExpected[i].bytes() == 1 ? ".u" : ".f") + bits), std::string::npos) << line;
  }
  EXPECT_EQ(ptx.find("k_param_" + std::to_string(kExpected.size())), std::string::npos);
}

TEST(LaunchValues, AFoldedGridComesLast) {
  CompileOptions folded = options();
  folded.foldGrid = true;
  CompileResult result = compile({"k.tile", kText}, folded);
  ASSERT_TRUE(result.kernel) << result.errors();
  std::vector<LaunchValue> expected = kExpected;
  expected.push_back({Kind::GridExtent, "", 0});
  expected.push_back({Kind::GridExtent, "", 1});
  EXPECT_EQ(result.kernel->interface.launchValues, expected);
}

TEST(LaunchValues, OfALaterStage) {
  CompileResult cta = compile({"k.tile", kText}, options(), Stage::Cta);
  ASSERT_TRUE(cta.kernel) << cta.errors();
  CompileResult ptx = compileFrom(Stage::Cta, {"k.cta.mlir", cta.kernel->code}, {});
  ASSERT_TRUE(ptx.kernel) << ptx.errors();
  EXPECT_EQ(ptx.kernel->interface.launchValues, kExpected);
}

} // namespace
