//===- Main.cpp - Entry of the end-to-end test programs -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// GoogleTest's flags and those of RunMode.h. A word that is neither ends the program with 2.
//
//===----------------------------------------------------------------------===//

#include "tests/support/RunMode.h"
#include <cstdio>
#include <gtest/gtest.h>

using namespace imbrex::testing;

RunMode &imbrex::testing::runMode() {
  static RunMode mode{.root = IMBREX_SOURCE_DIR};
  return mode;
}

/// "2/10"; false if it is none.
static bool readPart(const char *word, RunMode &mode) {
  int length = 0;
  return std::sscanf(word, "%u/%u%n", &mode.part, &mode.parts, &length) == 2 && word[length] == 0 && mode.part >= 1 &&
         mode.part <= mode.parts;
}

/// Takes our words; leaves GoogleTest's to it. "" or the word that is neither.
static std::string readWords(int argc, char **argv) {
  RunMode &mode = runMode();
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--long")
      mode.isLong = true;
    else if (word == "--part" && i + 1 < argc && readPart(argv[i + 1], mode))
      ++i;
    else if (word == "--cache" && i + 1 < argc)
      mode.cache = argv[++i];
    else if (word == "--device" && i + 1 < argc)
      mode.device = argv[++i];
    else if (word == "--root" && i + 1 < argc)
      mode.root = argv[++i];
    else if (!word.starts_with("--gtest_"))
      return word;
  }
  return "";
}

int main(int argc, char **argv) {
  // First of all: the lists of devices that parametrised tests are made of depend on it.
  std::string unknown = readWords(argc, argv);
  if (!unknown.empty())
    return std::printf("unknown word '%s': --long, --part I/N, --cache DIR, --device NAME, --root DIR, --gtest_...\n",
                       unknown.c_str()),
           2;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
