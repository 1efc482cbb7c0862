//===- FormsTest.cpp - The list of forms is whole -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every opcode form that the compiler emits stands in tests/data/recorded/forms.txt, so that recordings of devices
// hold it. An ordinary run looks at a sample, `forms_test --long` at all that the list was made from;
// `forms_test --write` makes the list anew.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/forms/EmittedForms.h"
#include "tests/recorded/Form.h"
#include "tests/recorded/FormList.h"
#include <cstdio>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;
using recorded::ListedForm;

static constexpr uint64_t kAllSeeds = 1500, kSampledSeeds = 16;
static constexpr size_t kSampledStep = 80;
static constexpr const char *kList = IMBREX_SOURCE_DIR "/tests/data/recorded/forms.txt";

static bool longRun = false;

static std::string collect(EmittedForms &forms, bool all) {
  std::vector<Specialisation> shipped = shippedSpecialisations();
  std::string errors;
  for (size_t i = 0; i < shipped.size(); i += all ? 1 : kSampledStep)
    errors += addForms(forms, shipped[i]);
  for (uint64_t seed = 0; seed < (all ? kAllSeeds : kSampledSeeds); ++seed) {
    errors += addForms(forms, seed);
    if (all && seed % 100 == 0) {
      std::printf("seed %d of %d: %zu forms\n", int(seed), int(kAllSeeds), forms.size());
      std::fflush(stdout);
    }
  }
  return errors;
}

static std::vector<ListedForm> readList() {
  std::string text, error;
  EXPECT_TRUE(recorded::readFile(kList, text));
  std::vector<ListedForm> listed = recorded::parseFormList(text, error);
  EXPECT_EQ(error, "");
  return listed;
}

/// The forms that the list lacks, or has for later targets only.
static std::string missingFrom(const std::vector<ListedForm> &list, const EmittedForms &forms) {
  std::map<std::string, ListedForm> known;
  for (const ListedForm &listed : list)
    known[listed.form] = listed;
  std::string missing;
  for (const auto &[form, emitted] : forms) {
    auto found = known.find(form);
    unsigned sm = unsigned(std::strtoul(emitted.target.c_str() + 3, nullptr, 10));
    if (found == known.end() || !recorded::runsOn(found->second, sm / 10, sm % 10))
      missing += "  " + form + "  by " + emitted.origin + "\n";
  }
  return missing;
}

TEST(Forms, TheListHoldsWhatTheCompilerEmits) {
  EmittedForms forms;
  EXPECT_EQ(collect(forms, longRun), "");
  EXPECT_GT(forms.size(), 100u);
  std::string missing = missingFrom(readList(), forms);
  EXPECT_EQ(missing, "") << "run forms_test --write, then record the new forms where a GPU is at hand";
}

TEST(Forms, AMissingFormIsNamed) {
  EmittedForms forms = {{"add.s32 b32, b32, b32", {"sm_80", "a kernel"}}, {"ex3.f32 b32, b32", {"sm_80", "another"}}};
  std::vector<ListedForm> list = {{"sm_90", "add.s32 b32, b32, b32"}};
  EXPECT_EQ(missingFrom(list, forms), "  add.s32 b32, b32, b32  by a kernel\n  ex3.f32 b32, b32  by another\n");
}

TEST(Forms, TextAndFormAgree) {
  for (const char *line : {"ret", "@bra symbol", "mov.u32 b32, %tid.x", "shfl.sync.bfly.b32 b32|p, b32, 0, 0, b32",
                           "@ld.global.v2.b64 {b64, b64}, [b64]", "setp.lt.and.f32 p, b32, 0.0, !p",
                           "mov.b32 {b16, _}, b32", "st.shared.b8 [symbol], b16"}) {
    std::optional<recorded::Form> form = recorded::Form::parse(line);
    ASSERT_TRUE(form) << line;
    EXPECT_EQ(form->text(), line);
  }
  for (const char *line : {"", "add.s32 b32,b32", "add.s32 b33, b32", "ld.b32 b32, [b64", "mov.b32 {b16, b32"})
    EXPECT_FALSE(recorded::Form::parse(line)) << line;
}

TEST(Forms, AreReadFromPtx) {
  std::string error;
  std::optional<std::set<std::string>> forms =
      recorded::formsOf(".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 out)\n{\n"
                        ".reg .pred %p<3>;\n.reg .b32 %r<4>;\n.reg .b64 %d<3>;\nld.param.u64 %d1, [out];\n"
                        "mov.u32 %r1, %tid.x;\nsetp.lt.and.s32 %p1, %r1, 7, !%p2;\n@%p1 st.global.v2.b32 [%d1+8], "
                        "{%r1, %r2};\nfma.rn.f32 %r3, %r1, 0f3F800000, %r2;\nret;\n}\n",
                        error);
  ASSERT_TRUE(forms) << error;
  std::set<std::string> expected = {"ld.param.u64 b64, [symbol]",    "mov.u32 b32, %tid.x",
                                    "setp.lt.and.s32 p, b32, 0, !p", "@st.global.v2.b32 [b64], {b32, b32}",
                                    "fma.rn.f32 b32, b32, 0.0, b32", "ret"};
  EXPECT_EQ(*forms, expected);
}

static int writeList() {
  EmittedForms forms;
  std::string errors = collect(forms, true);
  std::vector<ListedForm> list;
  for (const auto &[form, emitted] : forms)
    list.push_back({emitted.target, form});
  std::ofstream(kList) << recorded::writeFormList(list);
  std::printf("%s%zu forms written to %s\n", errors.c_str(), list.size(), kList);
  return !errors.empty();
}

int main(int argc, char **argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    longRun |= std::strcmp(argv[i], "--long") == 0;
    if (std::strcmp(argv[i], "--write") == 0)
      return writeList();
  }
  return RUN_ALL_TESTS();
}
