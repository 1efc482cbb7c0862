//===- KernelInterfaceTest.cpp - An interface as JSON and back ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing and reading agree, writing is deterministic, and damaged text is refused.
//
//===----------------------------------------------------------------------===//

#include "compiler/KernelInterface.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;

static KernelInterface example() {
  KernelInterface interface;
  interface.kernel = "attention";
  interface.entry = "attention_0";
  Parameter view{.name = "L", .isView = true, .type = DataType::F32, .extents = {{"B"}, {"Hk G *"}}};
  view.output = view.optional = true;
  view.present = false;
  view.alignment = 4;
  interface.parameters = {view, Parameter{.name = "scale", .type = DataType::F64, .optional = true, .standard = 0.1}};
  using Kind = LaunchValue::Kind;
  interface.launchValues = {{Kind::Pointer, "Q"},
                            {Kind::Extent, "Q", 1},
                            {Kind::Stride, "Q", 0},
                            {Kind::Scalar, "scale", 0, DataType::F64},
                            {Kind::GridExtent, "", 1}};
  interface.constants = {{"G", 8}, {"DQK", 128}};
  interface.types = {{"T", DataType::BF16}};
  interface.grid = {{"Sq BM cdiv"}, {"Hk G *"}, {"B"}};
  interface.requirements = {{"DQK 16 % 0 =="}};
  interface.scalarRequirements = {{"scale", ">", 0.1}};
  interface.target = "sm_90a";
  interface.warps = 8;
  interface.sharedBytes = 98304;
  return interface;
}

TEST(KernelInterface, RoundTrips) {
  std::string text = example().toJson();
  std::optional<KernelInterface> back = KernelInterface::fromJson(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->toJson(), text);
  EXPECT_EQ(back->parameters[0].extents[1].postfix, "Hk G *");
  EXPECT_TRUE(back->parameters[0].optional && back->parameters[0].output && !back->parameters[0].present);
  EXPECT_EQ(back->parameters[0].alignment, 4u);
  EXPECT_EQ(back->parameters[1].type, DataType::F64);
  EXPECT_EQ(back->launchValues, example().launchValues);
  EXPECT_EQ(back->types.at("T"), DataType::BF16);
  EXPECT_EQ(back->constants.at("DQK"), 128);
  EXPECT_EQ(back->sharedBytes, 98304u);
  EXPECT_EQ(back->scalarRequirements, example().scalarRequirements);
}

TEST(KernelInterface, WhatAScalarMustMeet) {
  for (auto [comparison, below, equal, above] :
       {std::tuple("<", true, false, false), std::tuple("<=", true, true, false), std::tuple(">", false, false, true),
        std::tuple(">=", false, true, true), std::tuple("==", false, true, false),
        std::tuple("!=", true, false, true)}) {
    ScalarRequirement requirement{"scale", comparison, 0.5};
    EXPECT_EQ(requirement.holds(0.25), below) << comparison;
    EXPECT_EQ(requirement.holds(0.5), equal) << comparison;
    EXPECT_EQ(requirement.holds(1), above) << comparison;
    EXPECT_EQ(requirement.holds(std::nan("")), std::string_view(comparison) == "!=") << comparison;
    EXPECT_EQ(requirement.infix(), std::string("scale ") + comparison + " 0.5");
  }
}

TEST(KernelInterface, ConditionsThatHold) {
  KernelSignature signature;
  signature.extentConditions = {{"Sq 16 <="}, {"Sk G * 7 >"}};
  using Names = std::set<std::string, std::less<>>;
  EXPECT_EQ(signature.holding({{"Sq", 16}, {"Sk", 4}, {"G", 2}}), (Names{"Sq <= 16", "Sk * G > 7"}));
  EXPECT_EQ(signature.holding({{"Sq", 17}, {"Sk", 3}, {"G", 2}}), Names{});
  EXPECT_EQ(signature.holding({{"Sq", 1}}), Names{"Sq <= 16"}) << "what is not known does not hold";
}

TEST(KernelInterface, RefusesEveryTruncation) {
  std::string text = example().toJson();
  for (size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(KernelInterface::fromJson(text.substr(0, length))) << length;
}

TEST(KernelInterface, RefusesWrongTypes) {
  std::string text = example().toJson();
  for (auto [from, to] : {std::pair("\"warps\":8", "\"warps\":-1"), std::pair("\"warps\":8", "\"warps\":\"8\""),
                          std::pair("\"bf16\"", "\"half\""), std::pair("\"stride\"", "\"step\""),
                          std::pair("\"G\":8", "\"G\":8.5"), std::pair("\"sharedBytes\"", "\"shared\""),
                          std::pair("\">\"", "\"=>\""), std::pair("\"bound\":0.1", "\"bound\":null")}) {
    std::string changed = text;
    size_t at = changed.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    changed.replace(at, std::string_view(from).size(), to);
    EXPECT_FALSE(KernelInterface::fromJson(changed)) << to;
  }
}

TEST(KernelInterface, BytesOfLaunchValues) {
  std::vector<unsigned> bytes;
  for (const LaunchValue &value : example().launchValues)
    bytes.push_back(value.bytes());
  EXPECT_EQ(bytes, (std::vector<unsigned>{8, 4, 8, 8, 4}));
  EXPECT_EQ((LaunchValue{LaunchValue::Kind::Scalar, "flag", 0, DataType::Bool}).bytes(), 1u);
}
