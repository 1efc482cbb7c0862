//===- TextTest.cpp - Numbers and names as text ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What people write and what PTX can hold.
//
//===----------------------------------------------------------------------===//

#include "compiler/Number.h"
#include "compiler/PtxNames.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;

TEST(Number, Integers) {
  EXPECT_EQ(readInteger("-12"), -12);
  EXPECT_EQ(readInteger("9223372036854775807"), INT64_MAX);
  for (const char *wrong : {"", "-", "1.0", "0x10", "1 ", "9223372036854775808"})
    EXPECT_FALSE(readInteger(wrong)) << wrong;
  EXPECT_EQ(readInteger(std::string(kMaxNumberBytes - 1, '0') + "7"), 7);
  EXPECT_FALSE(readInteger(std::string(kMaxNumberBytes, '0') + "7"));
}

TEST(Number, Reals) {
  EXPECT_EQ(readReal("2.5e-1"), 0.25);
  EXPECT_EQ(readReal("-inf"), -INFINITY);
  EXPECT_TRUE(std::isnan(readReal("nan").value_or(0)));
  for (const char *wrong : {"", "x", "1e999", "1.0.0"})
    EXPECT_FALSE(readReal(wrong)) << wrong;
  EXPECT_FALSE(readReal("0." + std::string(1000000, '1'))) << "and soon";
}

TEST(PtxNames, WhatCanNameAKernel) {
  for (const char *name : {"k", "attention_forward", "_a", "add", "f32"})
    EXPECT_TRUE(isPtxName(name)) << name;
  for (const char *name : {"", "_", "1a", "a b", "a.b", "a\"", "WARP_SZ"})
    EXPECT_FALSE(isPtxName(name)) << name;
  EXPECT_FALSE(isPtxName(std::string(257, 'a')));
}

TEST(PtxNames, FileLinesAndNothingElseAreRenamed) {
  const std::string ptx = "// a \"x/a.tile\"\n.loc 1 2 3\n\t.file\t1 \"x/a.tile\"\n\t.file\t2 \"hook mask\"\n";
  EXPECT_EQ(renameSource(ptx, "x/a.tile", "/long/way/b.tile"),
            "// a \"x/a.tile\"\n.loc 1 2 3\n\t.file\t1 \"/long/way/b.tile\"\n\t.file\t2 \"hook mask\"\n");
  EXPECT_EQ(renameSource(ptx, "y", "z"), ptx);
  EXPECT_EQ(nameInPtx("a\"\n\\\xC3\xA9.tile"), "a_____.tile");
}
