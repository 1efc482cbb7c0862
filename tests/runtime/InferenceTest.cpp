//===- InferenceTest.cpp - What argument shapes determine -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Unification of the sample's attention signature: values found, and the words of every refusal.
//
//===----------------------------------------------------------------------===//

#include "runtime/Binding.h"
#include "tests/runtime/FakeCompiler.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

struct Inference : ::testing::Test {
  FakeDriver driver;
  FakeCompiler compiler;
  Runtime runtime = Runtime::openWith(fakeOptions(driver.table(), compiler)).value();
  Kernel kernel = runtime.loadSource({"a.tile", ""}).value().kernel("attention").value();

  static View view(Dims extents, DataType type = DataType::BF16) { return View(4096, type, extents); }
  std::string refusal(Arguments arguments) const {
    Result<InferredShapes> result = kernel.infer(arguments);
    return result ? "" : result.error().message;
  }
};

} // namespace

TEST_F(Inference, FindsEveryName) {
  InferredShapes shapes =
      kernel.infer({{"Q", view({2, 7, 12, 64})}, {"K", view({2, 9, 3, 64})}, {"V", view({2, 9, 3, 32})}}).value();
  std::map<std::string, int64_t, std::less<>> expected = {{"B", 2}, {"Sq", 7},   {"Sk", 9}, {"Hk", 3},
                                                          {"G", 4}, {"DQK", 64}, {"DV", 32}};
  EXPECT_EQ(shapes.extents, expected);
  EXPECT_EQ(shapes.types.at("T"), DataType::BF16);
  EXPECT_EQ(shapes.views.at("O").extents, (std::vector<int64_t>{2, 7, 12, 32}));
  EXPECT_EQ(shapes.views.at("L").extents, (std::vector<int64_t>{2, 12, 7}));
  EXPECT_EQ(shapes.views.at("L").type, DataType::F32);
}

TEST_F(Inference, TheOrderOfArgumentsDoesNotMatter) {
  InferredShapes shapes = kernel.infer({{"K", view({1, 9, 2, 64})}, {"Q", view({1, 7, 6, 64})}}).value();
  EXPECT_EQ(shapes.extents.at("G"), 3);
  EXPECT_FALSE(shapes.views.contains("V"));
}

TEST_F(Inference, AProductWithTwoUnknownsIsLeftOpen) {
  InferredShapes shapes = kernel.infer({{"Q", view({1, 7, 6, 64})}}).value();
  EXPECT_FALSE(shapes.extents.contains("G"));
  EXPECT_EQ(shapes.extents.at("Sq"), 7);
}

TEST_F(Inference, AMismatchNamesBothArguments) {
  EXPECT_EQ(refusal({{"Q", view({2, 7, 6, 64})}, {"K", view({3, 9, 2, 64})}}),
            "argument 'K': extent 0 (B) is 3 but must be 2: B is 2 by extent 0 of argument 'Q'");
}

TEST_F(Inference, AProductMustDivideExactly) {
  EXPECT_EQ(refusal({{"Q", view({2, 7, 7, 64})}, {"K", view({2, 9, 2, 64})}}),
            "argument 'Q': extent 2 (Hk * G) is 7 but must be a multiple of 2: Hk is 2 by extent 2 of argument 'K'");
}

TEST_F(Inference, SetFixesAParameter) {
  kernel.set("DQK", 128);
  EXPECT_EQ(refusal({{"Q", view({2, 7, 6, 64})}}),
            "argument 'Q': extent 3 (DQK) is 64 but must be 128: DQK is 128 by set()");
  kernel.set("DQK", 64).set("G", 3);
  EXPECT_EQ(kernel.infer({{"Q", view({2, 7, 6, 64})}}).value().extents.at("Hk"), 2);
}

TEST_F(Inference, ZeroHeadsDoNotDetermineTheGroup) {
  Result<void> launched = kernel.launch(runtime.stream(), {{"Q", view({1, 7, 0, 64})},
                                                           {"K", view({1, 9, 0, 64})},
                                                           {"V", view({1, 9, 0, 64})},
                                                           {"O", view({1, 7, 0, 64})},
                                                           {"scale", 1}});
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().message,
            "argument 'Q': extent 2 (Hk * G) is 0, which does not determine G: Hk is 0 by extent 2 of argument 'K'; "
            "give G with set(\"G\", ...)");
}

TEST_F(Inference, TypesMustAgree) {
  EXPECT_EQ(refusal({{"Q", view({1, 7, 6, 64})}, {"K", view({1, 9, 6, 64}, DataType::F32)}}),
            "argument 'K' has elements of type f32 but must have bf16: the kernel declares view<T>[B, Sk, Hk, DQK], "
            "and T is bf16 by argument 'Q'");
  EXPECT_EQ(refusal({{"Q", view({1, 7, 6, 64}, DataType::I32)}}),
            "argument 'Q' has elements of type i32: T must be one of f16, bf16 and f32");
  EXPECT_EQ(refusal({{"Q", view({1, 7, 6, 64})}, {"L", view({1, 6, 7})}}),
            "argument 'L' has elements of type bf16 but must have f32: the kernel declares view<wide<T>>[B, Hk * G, "
            "Sq], and T is bf16 by argument 'Q'");
}

TEST_F(Inference, NamesAndKinds) {
  EXPECT_EQ(refusal({{"Query", view({1})}}),
            "argument 'Query': kernel 'attention' has no such parameter; it has Q, K, V, O, L and scale");
  EXPECT_EQ(refusal({{"Q", 3}}), "argument 'Q' must be a view: the kernel declares view<T>[B, Sq, Hk * G, DQK]");
  EXPECT_EQ(refusal({{"scale", view({1})}}), "argument 'scale' must be a scalar: the kernel declares f32");
  EXPECT_EQ(refusal({{"scale", 1}, {"scale", 2}}), "argument 'scale' is given twice");
}

TEST_F(Inference, WrongSettingsAreToldAtTheNextUse) {
  EXPECT_EQ(kernel.set("BN", 64).infer({}).error().message,
            "kernel 'attention': set(\"BN\", ...): there is no such parameter; there are BM, DQK, DV, G, T, stages and "
            "warps");
  Kernel other = runtime.loadSource({"a.tile", ""}).value().kernel("attention").value();
  EXPECT_EQ(Kernel(other).set("T", DataType::F64).infer({}).error().message,
            "kernel 'attention': set(\"T\", \"f64\"): T must be one of f16, bf16 and f32");
  EXPECT_EQ(Kernel(other).set("G", "four").infer({}).error().message,
            "kernel 'attention': set(\"G\", \"four\"): G must be an integer of 64 bits");
  EXPECT_EQ(Kernel(other).hook("score", "f").infer({}).error().message,
            "kernel 'attention': hook(\"score\", ...): there is no such hook; there are mask");
  EXPECT_TRUE(other.infer({})) << "copies do not share settings";
}
