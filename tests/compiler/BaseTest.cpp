//===- BaseTest.cpp - Element types, stages, targets -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler's small tables: each row agrees with its enumeration, and spelling round-trips.
//
//===----------------------------------------------------------------------===//

#include "compiler/DataType.h"
#include "compiler/Stage.h"
#include "compiler/Target.h"
#include <gtest/gtest.h>

using namespace imbrex;

TEST(DataType, SpellingRoundTrips) {
  for (unsigned i = 0; i <= unsigned(DataType::F64); ++i)
    EXPECT_EQ(parseDataType(name(DataType(i))), DataType(i));
  EXPECT_FALSE(parseDataType("half"));
  EXPECT_FALSE(parseDataType(""));
}

TEST(DataType, Sizes) {
  EXPECT_EQ(byteSize(DataType::Bool), 1u);
  EXPECT_EQ(byteSize(DataType::BF16), 2u);
  EXPECT_EQ(byteSize(DataType::I64), 8u);
}

TEST(Stage, TableIsInOrderAndNamesRoundTrip) {
  for (unsigned i = 0; i < stageTable().size(); ++i) {
    EXPECT_EQ(stageTable()[i].stage, Stage(i));
    EXPECT_EQ(parseStage(stageTable()[i].name), Stage(i));
  }
  EXPECT_FALSE(parseStage("sass"));
}

TEST(Target, EveryNameParsesToItself) {
  for (std::string_view name : Target::names()) {
    std::optional<Target> target = Target::parse(name);
    ASSERT_TRUE(target) << name;
    EXPECT_EQ(target->name, name);
    EXPECT_GE(target->sharedBytes, 99u * 1024) << name;
  }
  EXPECT_FALSE(Target::parse("sm_75"));
  EXPECT_FALSE(Target::parse("sm_90b"));
}

TEST(Target, ForDeviceNeverAsksForMoreThanTheDeviceHas) {
  EXPECT_EQ(Target::forDevice(8, 0)->name, "sm_80");
  EXPECT_EQ(Target::forDevice(8, 7)->sm, 86u);
  EXPECT_EQ(Target::forDevice(9, 0)->name, "sm_90a");
  EXPECT_EQ(Target::forDevice(10, 0)->name, "sm_100");
  EXPECT_EQ(Target::forDevice(12, 1)->sm, 120u);
  EXPECT_FALSE(Target::forDevice(7, 5));
}
