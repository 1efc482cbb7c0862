//===- Main.cpp - Entry of kernels_test -----------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// GoogleTest's flags, and --long, which runs whole grids instead of samples.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/RunMode.h"
#include <cstring>
#include <gtest/gtest.h>

static bool longRun = false;

bool imbrex::testing::isLongRun() { return longRun; }

int main(int argc, char **argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i)
    longRun |= std::strcmp(argv[i], "--long") == 0;
  return RUN_ALL_TESTS();
}
