//===- SettingTest.cpp - The value of a kernel's parameter ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A text is read once, and equal values are equal however they came.
//
//===----------------------------------------------------------------------===//

#include "compiler/Setting.h"
#include "compiler/Number.h"
#include <gtest/gtest.h>

using namespace imbrex;

TEST(Setting, ReadsIntegersAndTypes) {
  EXPECT_EQ(Setting("64"), Setting(64));
  EXPECT_EQ(Setting("064"), Setting(64));
  EXPECT_EQ(Setting("-3").integer(), -3);
  EXPECT_EQ(Setting("bf16"), Setting(DataType::BF16));
  EXPECT_EQ(Setting("bf16").integer(), std::nullopt);
  EXPECT_EQ(Setting(64).type(), std::nullopt);
}

TEST(Setting, KeepsWhatIsNeither) {
  for (const char *text : {"few", "", "6 4", "9223372036854775808", "BF16"}) {
    Setting setting(text);
    EXPECT_FALSE(setting.integer() || setting.type()) << text;
    EXPECT_EQ(setting.text(), text);
  }
  EXPECT_EQ(Setting(std::string(1000, '1')).text().size(), kMaxNumberBytes);
}

TEST(Setting, WritesWhatItReads) {
  for (const Setting &setting : {Setting(0), Setting(INT64_MIN), Setting(INT64_MAX), Setting(DataType::Bool)})
    EXPECT_EQ(Setting(setting.text()), setting);
}
