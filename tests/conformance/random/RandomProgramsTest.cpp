//===- RandomProgramsTest.cpp - What is compiled is what is meant ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random tile programs give the same on the simulated device, as PTX, as on the reference
// interpreter. A failure prints the seed, the settings and the program's text.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/random/Program.h"
#include "tests/support/Grid.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;

/// Programs of the ordinary run; --long goes on to the second number.
static constexpr uint64_t kPrograms = 256, kLongPrograms = 4096;

static std::string describe(const Program &program) {
  std::string text = "seed " + std::to_string(program.seed) + " for " + program.options.target;
  for (const auto &[name, value] : program.options.set)
    text += " " + name + "=" + value.text();
  for (const auto &[name, bytes] : program.options.alignment)
    text += " align(" + name + ")=" + std::to_string(bytes);
  for (const std::string &name : program.options.given)
    text += " with " + name;
  text += "\n";
  for (const ArrayPlan &array : program.arrays) {
    text += array.name + ":";
    for (size_t d = 0; d < array.extents.size(); ++d)
      text += " " + std::to_string(array.extents[d]) + " by " + std::to_string(array.strides[d]);
    text += " from " + std::to_string(array.offset) + "\n";
  }
  for (const ScalarPlan &scalar : program.scalars)
    text += scalar.name + " = " + std::to_string(scalar.value) + "\n";
  for (const auto &[name, storage] : program.options.storage)
    text += name + " is " + storage.text() + "\n";
  for (const AddedPlan &added : program.added) {
    text += added.name + ":";
    for (int32_t value : added.values)
      text += " " + std::to_string(value);
    text += "\n";
  }
  for (const Import &import : program.imports)
    text += "// " + import.word + "\n" + import.source->text;
  return text + program.text;
}

class RandomPrograms : public ::testing::TestWithParam<uint64_t> {};

TEST_P(RandomPrograms, DeviceAgreesWithInterpreter) {
  Program program = generateProgram(GetParam());
  std::string error = runProgram(program);
  EXPECT_EQ(error, "") << describe(program);
}

TEST(RandomProgramsLong, DeviceAgreesWithInterpreter) {
  if (imbrex::testing::isLongRun())
    imbrex::testing::forEachSeed(kPrograms, kLongPrograms, [](uint64_t seed) {
      Program program = generateProgram(seed);
      EXPECT_EQ(runProgram(program), "") << describe(program);
    });
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPrograms, ::testing::Range<uint64_t>(0, kPrograms));

TEST(ProgramGenerator, SameSeedSameProgram) {
  EXPECT_EQ(describe(generateProgram(7)), describe(generateProgram(7)));
  EXPECT_NE(describe(generateProgram(7)), describe(generateProgram(8)));
}
