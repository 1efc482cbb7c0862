//===- DiagnosticsTest.cpp - Positions and rendering -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A diagnostic names file, line and column, and its caret stands below the place.
//
//===----------------------------------------------------------------------===//

#include "compiler/Diagnostics.h"
#include <gtest/gtest.h>

using namespace imbrex;

static const Source kSource{"a.tile", "let a = 1;\r\n\tlet b = c;\nend"};

TEST(Diagnostics, Positions) {
  Diagnostics diagnostics(kSource);
  EXPECT_EQ(diagnostics.position(0), std::pair(1u, 1u));
  EXPECT_EQ(diagnostics.position(12), std::pair(2u, 1u));
  EXPECT_EQ(diagnostics.position(21), std::pair(2u, 10u));
  EXPECT_EQ(diagnostics.position(9999), std::pair(3u, 4u));
}

TEST(Diagnostics, RendersLineAndCaretBelowATab) {
  Diagnostics diagnostics(kSource);
  diagnostics.error(21, "unknown name 'c'");
  EXPECT_EQ(diagnostics.all()[0].render(), "a.tile:2:10: error: unknown name 'c'\n  \tlet b = c;\n  \t        ^\n");
}

TEST(Diagnostics, LineBreakOfWindowsIsNotPartOfTheLine) {
  Diagnostics diagnostics(kSource);
  diagnostics.note(4, "here");
  EXPECT_EQ(diagnostics.all()[0].render(), "a.tile:1:5: note: here\n  let a = 1;\n      ^\n");
}

TEST(Diagnostics, WithoutPlace) {
  Diagnostics diagnostics(kSource);
  diagnostics.errorWithoutPlace("no kernel 'x'");
  EXPECT_EQ(diagnostics.all()[0].render(), "a.tile: error: no kernel 'x'\n");
}

TEST(Diagnostics, OnlyErrorsCount) {
  Diagnostics diagnostics(kSource);
  diagnostics.note(0, "n");
  diagnostics.addAt(Severity::Remark, 1, 1, "r");
  EXPECT_FALSE(diagnostics.hasErrors());
  diagnostics.addAt(Severity::Error, 3, 1, "e");
  EXPECT_EQ(diagnostics.errorCount(), 1u);
  EXPECT_EQ(diagnostics.take().back().sourceLine, "end");
}
