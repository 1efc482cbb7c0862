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
  EXPECT_EQ(diagnostics.position(0), (Place{"a.tile", 1, 1}));
  EXPECT_EQ(diagnostics.position(12), (Place{"a.tile", 2, 1}));
  EXPECT_EQ(diagnostics.position(21), (Place{"a.tile", 2, 10}));
  EXPECT_EQ(diagnostics.position(9999), (Place{"a.tile", 3, 4}));
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

TEST(Diagnostics, OfALongLineWhatStandsAroundTheColumnIsShown) {
  const std::string wide = "\u00e9"; // two bytes, one column
  std::string line;
  for (int i = 0; i < 1000; ++i)
    line += wide;
  line += "here" + std::string(1000, '.');
  const Source source{"a.tile", line};
  Diagnostics diagnostics(source);
  diagnostics.error(2000, "e");
  std::string shown;
  for (int i = 0; i < 50; ++i)
    shown += wide;
  EXPECT_EQ(diagnostics.all()[0].render(), "a.tile:1:2001: error: e\n  ..." + shown + "here" + std::string(96, '.') +
                                               "...\n  " + std::string(53, ' ') + "^\n");
  diagnostics.error(1, "inside a character");
  EXPECT_EQ(diagnostics.all()[1].render().find(line), std::string::npos);
  diagnostics.error(2999, "near the end");
  EXPECT_NE(diagnostics.all()[2].render().find(std::string(50, '.') + "\n"), std::string::npos);
}

TEST(Diagnostics, WithoutPlace) {
  Diagnostics diagnostics(kSource);
  diagnostics.errorWithoutPlace("no kernel 'x'");
  EXPECT_EQ(diagnostics.all()[0].render(), "a.tile: error: no kernel 'x'\n");
}

TEST(Diagnostics, OnlyErrorsCount) {
  Diagnostics diagnostics(kSource);
  diagnostics.note(0, "n");
  diagnostics.addAt(Severity::Remark, {"a.tile", 1, 1}, "r");
  EXPECT_FALSE(diagnostics.hasErrors());
  diagnostics.addAt(Severity::Error, {"a.tile", 3, 1}, "e");
  EXPECT_EQ(diagnostics.errorCount(), 1u);
  EXPECT_EQ(diagnostics.take().back().sourceLine, "end");
}

TEST(Diagnostics, ATextThatWasAddedHasPlacesOfItsOwn) {
  Diagnostics diagnostics(kSource);
  uint32_t hook = diagnostics.addText({"hook mask", "window(1e3)"}, /*ofCaller=*/true);
  uint32_t other = diagnostics.addText({"masks.tile", "f"}, /*ofCaller=*/false);
  diagnostics.error(hook + 7, "a float");
  diagnostics.error(other, "unknown");
  diagnostics.error(hook - 1, "the end");
  EXPECT_EQ(diagnostics.all()[0].render(), "hook mask:1:8: error: a float\n  window(1e3)\n         ^\n");
  EXPECT_EQ(diagnostics.all()[1].render(), "masks.tile:1:1: error: unknown\n  f\n  ^\n");
  EXPECT_EQ(diagnostics.all()[2].file, "a.tile");
  EXPECT_TRUE(diagnostics.all()[0].ofCaller);
  EXPECT_FALSE(diagnostics.all()[1].ofCaller);
  EXPECT_FALSE(diagnostics.all()[2].ofCaller);
}

TEST(Diagnostics, AFileThatIsNotAtHandIsOnlyNamed) {
  Diagnostics diagnostics(kSource);
  diagnostics.addAt(Severity::Error, {"b.tile", 1, 2}, "e");
  EXPECT_EQ(diagnostics.all()[0].render(), "b.tile:1:2: error: e\n");
}
